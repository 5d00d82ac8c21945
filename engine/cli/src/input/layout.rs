//! The files that `fmt` is about.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::stack::{files, shown, text, utf8};
use crate::problem::Problem;

/// The endings of the files in a folder that are formatted. A file that is named is formatted whatever its ending.
const ENDINGS: [&str; 2] = [".hcl", ".hclvars"];

/// A text that may be formatted.
#[derive(Debug)]
pub(crate) struct Written {
    /// Its name, to be shown.
    pub(crate) name: String,
    /// The file that it is from; `None`: standard input.
    pub(crate) path: Option<PathBuf>,
    /// What it says.
    pub(crate) text: String,
}

impl Written {
    /// All of standard input.
    ///
    /// # Errors
    /// When it cannot be read or is not text.
    pub(crate) fn standard_input() -> Result<Self, Problem> {
        let name = "standard input";
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| Problem::io("read", Path::new(name), &error))?;
        Ok(Self { name: name.to_owned(), path: None, text: utf8(bytes, Path::new(name))? })
    }

    /// A file.
    ///
    /// # Errors
    /// When it cannot be read or is not text.
    pub(crate) fn file(path: PathBuf) -> Result<Self, Problem> {
        Ok(Self { name: shown(&path), text: text(&path)?, path: Some(path) })
    }
}

/// The files that a path stands for, in the order of their names: itself, or those of a folder, and of the folders in it if `recursive`.
/// What is hidden is left alone, and links to folders are not followed.
///
/// # Errors
/// When there is nothing of that name, or a folder cannot be listed.
pub(crate) fn formattable(path: &Path, recursive: bool) -> Result<Vec<PathBuf>, Problem> {
    if !path.is_dir() {
        return match path.exists() {
            true => Ok(vec![path.to_owned()]),
            false => {
                Err(Problem::new("No such file", format!("There is no file or folder {}.", path.display())))
            }
        };
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for ending in ENDINGS {
            found.extend(files(&folder, ending)?);
        }
        if recursive {
            folders.extend(folders_in(&folder)?);
        }
    }
    found.sort();
    Ok(found)
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let trouble = |error| Problem::io("list", folder, &error);
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden && entry.file_type().map_err(trouble)?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_stand_for_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["b.hcl", "a.auto.hclvars", "c.tf", ".d.hcl", "sub/e.mftest.hcl", ".hidden/f.hcl"] {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), "").unwrap();
        }
        let check = |path: &str, recursive: bool, expect: &[&str]| {
            let expect: Vec<_> = expect.iter().map(|name| at(name)).collect();
            assert_eq!(formattable(&at(path), recursive).unwrap(), expect, "{path} {recursive}");
        };
        check("", false, &["a.auto.hclvars", "b.hcl"]);
        check("", true, &["a.auto.hclvars", "b.hcl", "sub/e.mftest.hcl"]);
        check("c.tf", false, &["c.tf"]);
        assert!(formattable(&at("none"), false).is_err());
    }
}
