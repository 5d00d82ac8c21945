//! What a working copy notes for itself in `.meshform`: the selected workspace, and where the state was kept last.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use crate::problem::Problem;
use crate::session::STATE_FOLDER;

/// Which workspace is selected.
pub(crate) const WORKSPACE: &str = "workspace";
/// Where the state is kept.
pub(crate) const BACKEND: &str = "backend";

/// What is noted, if anything is.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read(stack: &Path, note: &str) -> Result<Option<String>, Problem> {
    let path = stack.join(STATE_FOLDER).join(note);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Problem::io("read", &path, &error)),
    }
}

/// Notes something in the place of what was noted.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(stack: &Path, note: &str, text: &str) -> Result<(), Problem> {
    let folder = stack.join(STATE_FOLDER);
    let attempt = || -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        // Nobody commits it by accident.
        fs::write(folder.join(".gitignore"), "*\n")?;
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        writeln!(file, "{text}")?;
        file.as_file().sync_all()?;
        file.persist(folder.join(note)).map_err(|error| error.error)?;
        Ok(())
    };
    attempt().map_err(|error| Problem::io("write into", &folder, &error))
}
