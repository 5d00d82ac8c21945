//! Which workspace a working copy is in: `MESHFORM_WORKSPACE`, or else what was selected, which a file in `.meshform` says.

use std::path::Path;

use meshform_engine::ports::DEFAULT_WORKSPACE;

use crate::environment::Environment;
use crate::notes;
use crate::problem::Problem;

/// The longest name: it becomes part of the names of files and objects.
const NAME_LENGTH_MAX: usize = 63;

/// The name of the present workspace of a stack.
///
/// # Errors
/// When what names it is no such name, or cannot be read.
pub(crate) fn selected(stack: &Path, environment: &Environment) -> Result<String, Problem> {
    if let Some(name) = &environment.workspace {
        return valid(name).map(str::to_owned);
    }
    match notes::read(stack, notes::WORKSPACE)? {
        Some(name) => valid(&name).map(str::to_owned),
        None => Ok(DEFAULT_WORKSPACE.to_owned()),
    }
}

/// Selects a workspace for this working copy of a stack.
///
/// # Errors
/// When that cannot be written down.
pub(crate) fn select(stack: &Path, name: &str) -> Result<(), Problem> {
    notes::write(stack, notes::WORKSPACE, name)
}

/// A name that a workspace may have.
///
/// # Errors
/// When it is none.
pub(crate) fn valid(name: &str) -> Result<&str, Problem> {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if !name.is_empty()
        && name.len() <= NAME_LENGTH_MAX
        && !name.starts_with('-')
        && name.chars().all(is_plain)
    {
        return Ok(name);
    }
    let detail = format!(
        "{name:?} cannot name a workspace: up to {NAME_LENGTH_MAX} lower-case letters, digits and \"-\" can, not beginning with \"-\"."
    );
    Err(Problem::new("Not a workspace's name", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_files_and_objects() {
        let check = |name: &str, expect: bool| assert_eq!(valid(name).is_ok(), expect, "{name}");
        check("default", true);
        check("eu-1", true);
        check("1", true);
        for wrong in ["", "-a", "A", "a_b", "a/b", "..", "a.b", "ä", "a b", &"a".repeat(64)] {
            check(wrong, false);
        }
    }

    #[test]
    fn the_environment_outranks_what_was_selected() {
        let stack = tempfile::tempdir().unwrap();
        let mut environment = Environment::default();
        let check = |environment: &Environment, expect: Option<&str>| {
            assert_eq!(selected(stack.path(), environment).ok().as_deref(), expect);
        };
        check(&environment, Some("default"));
        select(stack.path(), "staging").unwrap();
        check(&environment, Some("staging"));
        environment.workspace = Some("prod".to_owned());
        check(&environment, Some("prod"));
        environment.workspace = Some("../prod".to_owned());
        check(&environment, None);
    }
}
