//! The files of the modules that a stack calls.

use std::path::Path;

use meshform_engine::address::ModulePath;
use meshform_engine::diagnostic::{ModuleProblem, Sources};
use meshform_engine::modules::{MissingModule, missing};

use super::stack::{configuration, shown, text};
use crate::modules::{Found, ModuleCall, ModuleStore};
use crate::problem::Problem;

/// A module whose files were found.
#[derive(Debug)]
pub(crate) struct ReadModule {
    /// The module.
    pub(crate) path: ModulePath,
    /// Where they are.
    pub(crate) found: Found,
}

/// Adds the files of all modules that are called, directly or through others, and gives those modules. Why one is not there is noted with
/// it.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn read(
    sources: &mut Sources,
    stack: &Path,
    store: &mut ModuleStore,
) -> Result<Vec<ReadModule>, Problem> {
    let mut read = Vec::new();
    loop {
        let calls = missing(sources);
        if calls.is_empty() {
            return Ok(read);
        }
        for call in calls {
            let found = located(&call, stack, store)?;
            let folder = found.as_ref().map(|found| found.folder.clone()).map_err(Clone::clone);
            let is_new = |folder: &&String| sources.iter().all(|(_, it)| it.folder.as_ref() != Some(*folder));
            if let Some(folder) = folder.as_ref().ok().filter(is_new) {
                for path in configuration(&stack.join(folder))? {
                    sources.add_in(Some(folder), shown(&path), &text(&path)?);
                }
            }
            read.extend(found.ok().map(|found| ReadModule { path: call.path.clone(), found }));
            sources.locate(call.path, folder);
        }
    }
}

/// The folder of a called module, or why there is none.
///
/// # Errors
/// When the folder cannot be listed.
fn located(
    call: &MissingModule,
    stack: &Path,
    store: &mut ModuleStore,
) -> Result<Result<Found, ModuleProblem>, Problem> {
    let wanted = ModuleCall { from: &call.from, source: &call.source, version: call.version.as_deref() };
    let found = match store.find(&wanted) {
        Ok(found) => found,
        Err(problem) => return Ok(Err(problem)),
    };
    let problem =
        |summary: &str, detail: String| Ok(Err(ModuleProblem { summary: summary.to_owned(), detail }));
    if call.callers.contains(&found.folder) {
        return problem(
            "Module calls itself",
            "It is called from within itself: that would never end.".to_owned(),
        );
    }
    let there = stack.join(&found.folder);
    if !there.is_dir() {
        return problem("No such module", format!("There is no folder {}.", shown(&there)));
    }
    match configuration(&there)?.is_empty() {
        true => problem("No such module", format!("The folder {} holds no .hcl files.", shown(&there))),
        false => Ok(Ok(found)),
    }
}
