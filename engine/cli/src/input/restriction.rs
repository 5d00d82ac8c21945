//! What of the stack a plan is to be about: the addresses behind `-target` and `-exclude`, given one by one or in files.

use std::path::PathBuf;

use clap::Args;
use meshform_engine::address::{AddressError, Selector};
use meshform_engine::plan::Restriction;

use super::stack::text;
use crate::problem::Problem;

/// The flags that keep a plan to a part of the stack.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RestrictionArguments {
    /// Plan only this instance, block, composite or module, and what it needs (may be repeated)
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["exclude", "exclude_file"])]
    target: Vec<Selector>,
    /// The same for each line of a file (may be repeated)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["exclude", "exclude_file"])]
    target_file: Vec<PathBuf>,
    /// Leave this instance, block, composite or module out of the plan, and what needs it (may be repeated)
    #[arg(long, value_name = "ADDRESS")]
    exclude: Vec<Selector>,
    /// The same for each line of a file (may be repeated)
    #[arg(long, value_name = "FILE")]
    exclude_file: Vec<PathBuf>,
}

impl RestrictionArguments {
    /// Whether any of them is given.
    pub(crate) fn is_given(&self) -> bool {
        let named = self.target.len() + self.exclude.len();
        named + self.target_file.len() + self.exclude_file.len() > 0
    }

    /// What is asked for, if anything is.
    ///
    /// # Errors
    /// When a file cannot be read, names nothing, or has a line that is not an address.
    pub(crate) fn restriction(&self) -> Result<Option<Restriction>, Problem> {
        let only = named(&self.target, &self.target_file)?;
        let except = named(&self.exclude, &self.exclude_file)?;
        Ok(match (only.is_empty(), except.is_empty()) {
            (false, _) => Some(Restriction::Only(only)),
            (true, false) => Some(Restriction::Except(except)),
            (true, true) => None,
        })
    }
}

fn named(given: &[Selector], files: &[PathBuf]) -> Result<Vec<Selector>, Problem> {
    let mut selectors = given.to_vec();
    for path in files {
        let named = lines(&text(path)?);
        let wrong =
            |problem: String| Problem::new("Invalid addresses", format!("{} {problem}.", path.display()));
        selectors.extend(named.map_err(wrong)?);
    }
    Ok(selectors)
}

/// One address on each line; empty lines and those that begin with `#` say nothing. What is wrong reads after the file's name.
fn lines(text: &str) -> Result<Vec<Selector>, String> {
    let told = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let told = told.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let named = told.map(|(at, line)| {
        let wrong = |error: AddressError| format!("has no address in line {at}, {line:?}: {}", error.problem);
        line.parse::<Selector>().map_err(wrong)
    });
    let named = named.collect::<Result<Vec<_>, _>>()?;
    match named.is_empty() {
        // To keep to nothing, or to leave out nothing, is not what was meant.
        true => Err("names no addresses".to_owned()),
        false => Ok(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<&[&str], &str>) {
        let found = lines(text).map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>());
        let expect = expect.map(|names| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(found, expect.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn a_file_has_an_address_on_each_line() {
        check("# of the shop\n\n  value.a\nmodule.m[\"k\"]\n", Ok(&["value.a", "module.m[\"k\"]"]));
        check("# nothing\n", Err("names no addresses"));
        check("value.a\nvalue\n", Err("has no address in line 2, \"value\": expected TYPE.NAME"));
    }
}
