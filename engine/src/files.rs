//! The files that expressions and composites may read, behind a trait: the engine itself knows no file system.

use thiserror::Error;

/// Reads files.
pub trait Files: Send + Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError>;

    /// Paths below `base` that match a glob pattern, relative to `base`, sorted.
    ///
    /// # Errors
    /// When the pattern is wrong or the folder cannot be read.
    fn glob(&self, base: &str, pattern: &str) -> Result<Vec<String>, FileError>;

    /// Whether there is a file of that path.
    fn exists(&self, path: &str) -> bool;

    /// The user's home folder, for paths that start with `~`.
    fn home(&self) -> Option<String> {
        None
    }

    /// Where the user stands, as an absolute path: relative paths start from there.
    fn current(&self) -> Option<String> {
        None
    }
}

/// Why a file could not be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FileError {
    /// There is none.
    #[error("there is no such file")]
    NotFound,
    /// Anything else, in the system's words.
    #[error("{0}")]
    Other(String),
}

/// A world without files: for expressions that must be constant.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError::Other("files cannot be read here".into()))
    }

    fn glob(&self, _: &str, _: &str) -> Result<Vec<String>, FileError> {
        Err(FileError::Other("files cannot be read here".into()))
    }

    fn exists(&self, _: &str) -> bool {
        false
    }
}
