//! What a command is about: a stack's folder or a saved plan.

use std::fs;
use std::path::{Path, PathBuf};

use super::stack::is_stack;
use crate::problem::Problem;

/// A stack or a saved plan.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A folder.
    Folder(PathBuf),
    /// The bytes of a saved plan.
    PlanFile(Vec<u8>),
}

impl Subject {
    /// A file is a saved plan, a folder a stack.
    ///
    /// # Errors
    /// When there is neither, or the file cannot be read.
    pub(crate) fn find(path: &Path) -> Result<Self, Problem> {
        if path.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        if !path.exists() {
            let detail = format!("There is neither a folder nor a saved plan {}.", path.display());
            return Err(Problem::new("No such stack or plan", detail));
        }
        let bytes = fs::read(path).map_err(|error| Problem::io("read", path, &error))?;
        Ok(Self::PlanFile(bytes))
    }
}

/// The operands of `output [NAME] [FOLDER]` as name and folder.
///
/// A single operand is a folder if it is written as a path or holds a stack, and a name otherwise; of two, the one that is a folder is the
/// folder, whichever comes first.
pub(crate) fn output_operands(first: Option<&str>, second: Option<&str>) -> (Option<String>, PathBuf) {
    let here = PathBuf::from(".");
    match (first, second) {
        (None, _) => (None, here),
        (Some(only), None) if is_path(only) || is_stack(Path::new(only)) => (None, PathBuf::from(only)),
        (Some(only), None) => (Some(only.to_owned()), here),
        (Some(first), Some(second)) => {
            let swapped = is_path(first) || (Path::new(first).is_dir() && !Path::new(second).is_dir());
            let (name, folder) = if swapped { (second, first) } else { (first, second) };
            (Some(name.to_owned()), PathBuf::from(folder))
        }
    }
}

fn is_path(text: &str) -> bool {
    text.contains(std::path::MAIN_SEPARATOR) || text == "." || text == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_folders_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let check = |first, second, name: Option<&str>, folder: &str| {
            assert_eq!(output_operands(first, second), (name.map(str::to_owned), PathBuf::from(folder)));
        };
        check(None, None, None, ".");
        check(Some("address"), None, Some("address"), ".");
        check(Some("."), None, None, ".");
        check(Some(path), None, None, path);
        check(Some("address"), Some(path), Some("address"), path);
        check(Some(path), Some("address"), Some("address"), path);
    }

    #[test]
    fn files_are_plans_and_folders_stacks() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("saved");
        fs::write(&file, "bytes").unwrap();
        assert_eq!(Subject::find(&file).unwrap(), Subject::PlanFile(b"bytes".to_vec()));
        assert_eq!(Subject::find(folder.path()).unwrap(), Subject::Folder(folder.path().to_owned()));
        assert!(Subject::find(&folder.path().join("none")).is_err());
    }
}
