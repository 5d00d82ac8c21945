//! The packages that have been fetched, in `.meshform/modules` of the stack: each in a folder that its hash names, so that several versions
//! lie beside each other, and one that was changed is noticed.
//!
//! A folder comes to be by being renamed, whole. What a fetch that was killed has left is removed by the next one.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use meshform_engine::diagnostic::ModuleProblem;
use tempfile::TempDir;

use super::problem::unfetched;
use super::tree::{TreeError, TreeHash, hash};
use crate::session::STATE_FOLDER;

const MODULES: &str = "modules";
const GUARD: &str = "fetch.guard";
const UNFINISHED: &str = ".fetching-";

/// The cache of a stack. It need not exist before something is fetched.
#[derive(Debug)]
pub(super) struct Cache {
    stack: PathBuf,
}

/// What the cache has of a package.
#[derive(Debug)]
pub(super) enum Cached {
    /// Nothing.
    Absent,
    /// It, as it should be.
    Whole,
    /// Something else in its place.
    Changed(TreeHash),
}

impl Cache {
    pub(super) fn of(stack: &Path) -> Self {
        Self { stack: stack.to_owned() }
    }

    /// The folder of a package, as seen from the stack's, whether it is there or not.
    pub(super) fn folder(&self, name: &str, hash: &TreeHash) -> String {
        format!("{}/{name}-{}", folder_of_all(), hash.short())
    }

    /// Whether a package is there, to the last byte.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub(super) fn look(&self, folder: &str, expect: &TreeHash) -> Result<Cached, ModuleProblem> {
        match hash(&self.stack.join(folder)) {
            Ok(found) if found == *expect => Ok(Cached::Whole),
            Ok(found) => Ok(Cached::Changed(found)),
            Err(TreeError::Io(_, error)) if error.kind() == io::ErrorKind::NotFound => Ok(Cached::Absent),
            Err(error) => {
                Err(unfetched(format!("The package in {folder} cannot be used. {}", error.sentence())))
            }
        }
    }

    /// The right to put a package down, which one process at a time has, and an empty folder for its files.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub(super) fn prepare(&self) -> Result<Unfinished, ModuleProblem> {
        let modules = self.stack.join(STATE_FOLDER).join(MODULES);
        let trouble = |error| unwritable(&modules, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(&modules).map_err(trouble)?;
        let guard = File::create(modules.join(GUARD)).map_err(trouble)?;
        guard.lock().map_err(trouble)?;
        // Nobody commits it by accident.
        fs::write(modules.join(".gitignore"), "*\n").map_err(trouble)?;
        remove_unfinished(&modules).map_err(trouble)?;
        let folder = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&modules).map_err(trouble)?;
        Ok(Unfinished { folder, _guard: guard })
    }

    /// Gives what was fetched its place, that of anything else which is there.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub(super) fn keep(
        &self,
        unfinished: Unfinished,
        folder: &str,
        hash: &TreeHash,
    ) -> Result<(), ModuleProblem> {
        // Someone may be reading it.
        if matches!(self.look(folder, hash), Ok(Cached::Whole)) {
            return Ok(());
        }
        let place = self.stack.join(folder);
        let trouble = |error| unwritable(&place, &error);
        match fs::remove_dir_all(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(trouble(error)),
            _ => {}
        }
        fs::rename(unfinished.files(), &place).map_err(trouble)
    }
}

/// A package on its way. Dropping it removes it.
pub(super) struct Unfinished {
    folder: TempDir,
    /// Unlocked when it is closed.
    _guard: File,
}

impl Unfinished {
    /// Where its files go.
    pub(super) fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }
}

/// The folder that holds all packages, as seen from the stack's.
pub(super) fn folder_of_all() -> String {
    format!("{STATE_FOLDER}/{MODULES}")
}

/// Only called by who holds the guard: nobody else is at work. What cannot be removed, as a program that survived the one that started it
/// still writes there, is left to the next fetch.
fn remove_unfinished(modules: &Path) -> io::Result<()> {
    for entry in fs::read_dir(modules)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

fn unwritable(path: &Path, error: &io::Error) -> ModuleProblem {
    unfetched(format!("Failed to write {}: {error}.", path.display()))
}
