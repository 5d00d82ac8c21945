//! Archives from registries become folders. Nothing of an archive is trusted: neither its names nor its sizes nor its links.
//!
//! Every name is checked before anything is made, no file is written through a link of the archive's (links are made last), and files,
//! bytes and the work of unpacking have bounds, so that a small archive cannot fill a disk.

mod tar;
mod zip;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::tree::{inner_path, stays_inside};

/// Forms of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Zip,
    TarGzip,
}

/// How much an archive may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Files, folders and links.
    pub(super) entries: usize,
    /// Of all files together.
    pub(super) bytes: u64,
}

/// Why an archive cannot be unpacked: a fragment that reads after "because".
#[derive(Debug)]
pub(super) enum UnpackError {
    /// The disk's fault.
    Io(io::Error),
    /// The archive's.
    Bad(String),
}

impl UnpackError {
    /// What it is, in a fragment.
    pub(super) fn fragment(&self) -> String {
        match self {
            Self::Io(error) => error.to_string(),
            Self::Bad(fragment) => fragment.clone(),
        }
    }
}

/// Unpacks an archive into an empty folder.
///
/// # Errors
/// When the archive is broken, holds what no package may hold, or the folder cannot be written.
pub(super) fn unpack(form: Form, archive: File, into: &Path, bounds: Bounds) -> Result<(), UnpackError> {
    let mut writer = Writer::new(into, bounds);
    match form {
        Form::Zip => zip::read(archive, &mut writer)?,
        Form::TarGzip => tar::read(archive, &mut writer)?,
    }
    writer.make_links()
}

/// Writes the entries of an archive, within bounds.
struct Writer<'a> {
    root: &'a Path,
    links: BTreeMap<PathBuf, PathBuf>,
    bounds: Bounds,
    entries: usize,
    bytes_left: u64,
}

impl<'a> Writer<'a> {
    fn new(root: &'a Path, bounds: Bounds) -> Self {
        Self { root, links: BTreeMap::new(), bounds, entries: 0, bytes_left: bounds.bytes }
    }

    /// A folder.
    fn folder(&mut self, name: &[u8]) -> Result<(), UnpackError> {
        let path = self.admit(name)?;
        fs::create_dir_all(self.root.join(path)).map_err(UnpackError::Io)
    }

    /// A file.
    fn file(&mut self, name: &[u8], content: &mut impl Read) -> Result<(), UnpackError> {
        let path = self.admit(name)?;
        let whole = self.root.join(&path);
        if let Some(folder) = whole.parent() {
            fs::create_dir_all(folder).map_err(UnpackError::Io)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(&whole).map_err(|error| {
            match error.kind() {
                io::ErrorKind::AlreadyExists => bad(format!("it holds {} twice", path.display())),
                _ => UnpackError::Io(error),
            }
        })?;
        // One byte more than there may be tells whether there are too many.
        let mut bounded = content.take(self.bytes_left + 1);
        let written = io::copy(&mut bounded, &mut file).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                bad(format!("{} in it is damaged", path.display()))
            }
            _ => UnpackError::Io(error),
        })?;
        self.bytes_left = self
            .bytes_left
            .checked_sub(written)
            .ok_or_else(|| bad(format!("it holds more than {} bytes", self.bounds.bytes)))?;
        Ok(())
    }

    /// A symbolic link, which is made when all files are there.
    fn link(&mut self, name: &[u8], target: &[u8]) -> Result<(), UnpackError> {
        use std::os::unix::ffi::OsStrExt as _;
        let path = self.admit(name)?;
        let target = Path::new(std::ffi::OsStr::from_bytes(target)).to_owned();
        if target.as_os_str().as_bytes().contains(&0) || !stays_inside(&path, &target) {
            return Err(bad(format!("the link {} leads out of it", path.display())));
        }
        self.links.insert(path, target);
        Ok(())
    }

    fn make_links(self) -> Result<(), UnpackError> {
        for (path, target) in &self.links {
            // A link in a folder that is itself a link would lie elsewhere.
            if path.ancestors().skip(1).any(|above| self.links.contains_key(above)) {
                return Err(bad(format!("{} lies behind a link", path.display())));
            }
            let whole = self.root.join(path);
            if let Some(folder) = whole.parent() {
                fs::create_dir_all(folder).map_err(UnpackError::Io)?;
            }
            symlink(target, &whole).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => bad(format!("it holds {} twice", path.display())),
                _ => UnpackError::Io(error),
            })?;
        }
        Ok(())
    }

    /// An entry's path, if there may be one more.
    fn admit(&mut self, name: &[u8]) -> Result<PathBuf, UnpackError> {
        self.entries += 1;
        if self.entries > self.bounds.entries {
            return Err(bad(format!("it holds more than {} files", self.bounds.entries)));
        }
        let shown = String::from_utf8_lossy(name);
        inner_path(name).ok_or_else(|| bad(format!("{shown:?} leads out of it")))
    }
}

fn bad(fragment: impl Into<String>) -> UnpackError {
    UnpackError::Bad(fragment.into())
}

#[cfg(test)]
mod tests;
