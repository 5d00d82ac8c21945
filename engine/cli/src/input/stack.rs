//! A stack's folder: its `*.hcl` and `*.auto.hclvars` files, in the order of their names.

use std::fs;
use std::path::{Path, PathBuf};

use meshform_engine::diagnostic::Sources;

use super::modules::{self, ReadModule};
use super::tests::TEST_ENDING;
use crate::modules::{Fetching, ModuleStore};
use crate::problem::Problem;
use meshform_engine::inputs::Input;

/// The files of a stack.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The folder as the user named it.
    pub(crate) folder: PathBuf,
    /// The configuration.
    pub(crate) sources: Sources,
    /// The values of variables that lie beside it.
    pub(crate) variables: Vec<Input>,
}

impl Stack {
    /// Reads a folder.
    ///
    /// # Errors
    /// When there is no such folder, no configuration in it, or a file cannot be read.
    pub(crate) fn read(folder: &Path) -> Result<Self, Problem> {
        let stack = Self::read_any(folder)?;
        if stack.sources.iter().next().is_none() {
            return Err(no_configuration(folder));
        }
        Ok(stack)
    }

    /// Reads a folder that need not hold any configuration.
    ///
    /// # Errors
    /// When there is no such folder, or a file cannot be read.
    pub(crate) fn read_any(folder: &Path) -> Result<Self, Problem> {
        existing_folder(folder)?;
        let (sources, _) = Self::sources(folder, &mut ModuleStore::open(folder, Fetching::Locked)?)?;
        Ok(Self { folder: folder.to_owned(), sources, variables: Self::variables_beside(folder)? })
    }

    /// Reads only a folder's own files, of which there may be none: they say where its state is.
    ///
    /// # Errors
    /// When there is no such folder, or a file cannot be read.
    pub(crate) fn read_own(folder: &Path) -> Result<Self, Problem> {
        existing_folder(folder)?;
        let mut sources = Sources::default();
        for path in configuration(folder)? {
            sources.add(shown(&path), &text(&path)?);
        }
        Ok(Self { folder: folder.to_owned(), sources, variables: Self::variables_beside(folder)? })
    }

    /// The configuration in a folder with that of its modules, and where those were found.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn sources(
        folder: &Path,
        store: &mut ModuleStore,
    ) -> Result<(Sources, Vec<ReadModule>), Problem> {
        let mut sources = Sources::default();
        for path in configuration(folder)? {
            sources.add(shown(&path), &text(&path)?);
        }
        let read = modules::read(&mut sources, folder, store)?;
        Ok((sources, read))
    }

    /// The `*.auto.hclvars` files of a folder.
    ///
    /// # Errors
    /// When the folder or a file cannot be read.
    pub(crate) fn variables_beside(folder: &Path) -> Result<Vec<Input>, Problem> {
        files(folder, ".auto.hclvars")?.iter().map(|path| variables_file(path)).collect()
    }

    /// The folder as the engine names it.
    pub(crate) fn folder_name(&self) -> String {
        self.folder.to_string_lossy().into_owned()
    }
}

/// Reads a file of variables' values.
///
/// # Errors
/// When it cannot be read.
pub(super) fn variables_file(path: &Path) -> Result<Input, Problem> {
    Ok(Input::File { name: shown(path), text: text(path)? })
}

/// Makes sure that there is such a folder.
///
/// # Errors
/// When there is none.
pub(crate) fn existing_folder(folder: &Path) -> Result<(), Problem> {
    if folder.is_dir() {
        return Ok(());
    }
    let detail = match folder.exists() {
        true => format!("{} is a file, and a stack is a folder of .hcl files.", folder.display()),
        false => format!("There is no folder {}. A stack is a folder of .hcl files.", folder.display()),
    };
    Err(Problem::new("No such stack", detail))
}

/// Whether a folder holds any configuration.
pub(super) fn is_stack(folder: &Path) -> bool {
    folder.is_dir() && configuration(folder).is_ok_and(|files| !files.is_empty())
}

/// The files of a folder that say what should be: its tests are none of them.
pub(super) fn configuration(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let mut files = files(folder, ".hcl")?;
    files.retain(|path| !path.to_string_lossy().ends_with(TEST_ENDING));
    Ok(files)
}

/// The files of a folder with such an ending, in the order of their names; hidden ones apart.
pub(super) fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Problem> {
    let trouble = |error| Problem::io("list", folder, &error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let name = entry.file_name();
        let wanted = name.to_str().is_some_and(|name| name.ends_with(ending) && !name.starts_with('.'));
        if wanted && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// What a file says.
pub(super) fn text(path: &Path) -> Result<String, Problem> {
    utf8(fs::read(path).map_err(|error| Problem::io("read", path, &error))?, path)
}

/// The bytes of a file as text.
pub(super) fn utf8(bytes: Vec<u8>, path: &Path) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Problem::new(
            "A file is not text",
            format!("{} is not UTF-8: byte {at} begins no character.", path.display()),
        )
    })
}

/// A path as people write it: without a leading `./`.
pub(super) fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).to_string_lossy().into_owned()
}

fn no_configuration(folder: &Path) -> Problem {
    Problem::new(
        "No configuration",
        format!(
            "{} holds no .hcl files. Name the stack's folder, as in \"meshform plan FOLDER\", or go there.",
            folder.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_by_name_and_hidden_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("b.hcl", "b"),
            ("a.hcl", "a"),
            (".c.hcl", "c"),
            ("d.hcl~", "d"),
            ("a.mftest.hcl", "t"),
            ("x.auto.hclvars", "e"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        fs::create_dir(folder.path().join("folder.hcl")).unwrap();
        let stack = Stack::read(folder.path()).unwrap();
        let texts: Vec<_> = stack.sources.iter().map(|(_, source)| source.text.as_str()).collect();
        assert_eq!(texts, ["a", "b"]);
        let [Input::File { text, .. }] = stack.variables.as_slice() else { panic!("one file") };
        assert_eq!(text, "e");
    }

    #[test]
    fn what_is_not_a_stack_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Stack::read(folder.path()).is_err());
        assert!(Stack::read(&folder.path().join("none")).is_err());
        fs::write(folder.path().join("a.hcl"), [b'a', 0xff]).unwrap();
        assert!(Stack::read(folder.path()).is_err());
    }
}
