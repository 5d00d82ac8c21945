//! The files of the modules that a stack calls.

use std::path::Path;

use meshform_engine::diagnostic::{ModuleProblem, Sources};
use meshform_engine::modules::{MissingModule, missing};

use super::stack::{configuration, shown, text};
use crate::problem::Problem;

/// Adds the files of all modules that are called, directly or through others. Why one is not there is noted with it.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn read(sources: &mut Sources, stack: &Path) -> Result<(), Problem> {
    loop {
        let calls = missing(sources);
        if calls.is_empty() {
            return Ok(());
        }
        for call in calls {
            let folder = located(&call, stack)?;
            let is_new = |folder: &&String| sources.iter().all(|(_, it)| it.folder.as_ref() != Some(*folder));
            if let Some(folder) = folder.as_ref().ok().filter(is_new) {
                for path in configuration(&stack.join(folder))? {
                    sources.add_in(Some(folder), shown(&path), &text(&path)?);
                }
            }
            sources.locate(call.path, folder);
        }
    }
}

/// The folder of a called module, as seen from the stack's, or why there is none.
///
/// # Errors
/// When the folder cannot be listed.
fn located(call: &MissingModule, stack: &Path) -> Result<Result<String, ModuleProblem>, Problem> {
    let problem =
        |summary: &str, detail: String| Ok(Err(ModuleProblem { summary: summary.to_owned(), detail }));
    let folder = joined(&call.from, &call.source);
    if !(call.source.starts_with("./") || call.source.starts_with("../")) {
        let detail = format!(
            "{:?} is no local folder: one begins with \"./\" or \"../\". Other sources are not read yet.",
            call.source
        );
        return problem("Unsupported module source", detail);
    }
    if call.callers.contains(&folder) {
        return problem(
            "Module calls itself",
            format!("{} is called from within itself: that would never end.", call.source),
        );
    }
    let there = stack.join(&folder);
    if !there.is_dir() {
        return problem("No such module", format!("There is no folder {}.", shown(&there)));
    }
    match configuration(&there)?.is_empty() {
        true => problem("No such module", format!("The folder {} holds no .hcl files.", shown(&there))),
        false => Ok(Ok(folder)),
    }
}

/// A path from a folder on, without `.` and with `..` only where it leads out of the stack's folder.
fn joined(from: &str, path: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in from.split('/').chain(path.split('/')) {
        match step {
            "" | "." => {}
            ".." if steps.last().is_some_and(|last| *last != "..") => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    if steps.is_empty() { ".".to_owned() } else { steps.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_seen_from_the_stack() {
        let check = |from, path, expect| assert_eq!(joined(from, path), expect, "{from} {path}");
        check(".", "./a", "a");
        check("a/b", "../c/", "a/c");
        check("a", "../../x", "../x");
        check("../x", "../y", "../y");
        check(".", "./", ".");
    }
}
