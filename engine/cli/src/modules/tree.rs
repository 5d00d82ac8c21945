//! What a fetched package may hold, and the hash of what it does hold.
//!
//! # The hash `h1:`
//!
//! The same as the `h1:` of Go's and Terraform's lock files, which `golang.org/x/mod/sumdb/dirhash` defines: for each file a line of the
//! SHA-256 of its content in hexadecimal, two spaces and its path with `/` between the parts; the lines sorted by path; `h1:` and the SHA-256 of
//! them all in base64. A symbolic link, which Go's does not know, is a line of the hash of where it leads, ` l` and its path. Modes, owners
//! and times do not count.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The most files and links that a package may hold.
pub(super) const ENTRIES_MAX: usize = 100_000;
/// The most bytes that all its files may hold together.
pub(super) const BYTES_MAX: u64 = 1 << 30;

/// The hash of a folder's content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TreeHash(String);

impl TreeHash {
    /// As it is written in lock files.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let hash = Self(text.to_owned());
        hash.bytes().filter(|bytes| bytes.len() == 32).map(|_| hash)
    }

    /// Enough of it to name a folder.
    pub(super) fn short(&self) -> String {
        let bytes = self.bytes().unwrap_or_default();
        bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.0.strip_prefix("h1:")?).ok()
    }
}

/// Why a folder cannot be a module's.
#[derive(Debug)]
pub(super) enum TreeError {
    /// It cannot be read.
    Io(PathBuf, io::Error),
    /// It holds what no package may hold: a sentence.
    Unsafe(String),
}

impl TreeError {
    /// What it is, in a sentence.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Io(path, error) => format!("Failed to read {}: {error}.", path.display()),
            Self::Unsafe(sentence) => sentence.clone(),
        }
    }
}

/// Looks through a folder: nothing in it leads out of it, there is not too much of it, and nothing but files, folders and links.
///
/// # Errors
/// When that is not so, or it cannot be read.
pub(super) fn hash(root: &Path) -> Result<TreeHash, TreeError> {
    let mut lines = Vec::new();
    let mut bytes = 0_u64;
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let whole = root.join(&folder);
        let listed = fs::read_dir(&whole).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        for entry in listed.map_err(|error| TreeError::Io(whole.clone(), error))? {
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(|error| TreeError::Io(entry.path(), error))?;
            match kind {
                kind if kind.is_dir() => folders.push(path),
                kind if kind.is_symlink() => lines.push(link(root, path)?),
                kind if kind.is_file() => lines.push(file(root, path, &mut bytes)?),
                _ => {
                    return Err(TreeError::Unsafe(format!("{} is no file, folder or link.", path.display())));
                }
            }
        }
        if lines.len() + folders.len() > ENTRIES_MAX {
            return Err(TreeError::Unsafe(format!("It holds more than {ENTRIES_MAX} files.")));
        }
    }
    Ok(TreeHash(format!("h1:{}", STANDARD.encode(whole_hash(lines)))))
}

struct Line {
    path: PathBuf,
    hash: String,
    sign: &'static str,
}

fn whole_hash(mut lines: Vec<Line>) -> Vec<u8> {
    lines.sort_by(|left, right| bytes_of(&left.path).cmp(bytes_of(&right.path)));
    let mut whole = Sha256::new();
    for line in lines {
        whole.update(line.hash.as_bytes());
        whole.update(line.sign);
        whole.update(bytes_of(&line.path));
        whole.update("\n");
    }
    whole.finalize().to_vec()
}

fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn file(root: &Path, path: PathBuf, total: &mut u64) -> Result<Line, TreeError> {
    one_line(&path)?;
    let whole = root.join(&path);
    let trouble = |error| TreeError::Io(whole.clone(), error);
    let mut file = File::open(&whole).map_err(trouble)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = file.read(&mut buffer).map_err(trouble)?;
        if length == 0 {
            break;
        }
        *total += length as u64;
        if *total > BYTES_MAX {
            return Err(TreeError::Unsafe(format!("It holds more than {} MiB.", BYTES_MAX >> 20)));
        }
        hash.update(&buffer[..length]);
    }
    Ok(Line { path, hash: hexadecimal(&hash.finalize()), sign: "  " })
}

fn link(root: &Path, path: PathBuf) -> Result<Line, TreeError> {
    one_line(&path)?;
    let whole = root.join(&path);
    let target = fs::read_link(&whole).map_err(|error| TreeError::Io(whole, error))?;
    if !stays_inside(&path, &target) {
        return Err(TreeError::Unsafe(format!("The link {} leads out of the package.", path.display())));
    }
    let hash = Sha256::digest(target.as_os_str().as_bytes());
    Ok(Line { path, hash: hexadecimal(&hash), sign: " l" })
}

/// A name with a line feed could stand for two lines.
fn one_line(path: &Path) -> Result<(), TreeError> {
    match bytes_of(path).contains(&b'\n') {
        true => Err(TreeError::Unsafe(format!("The name {:?} holds a line feed.", path.display()))),
        false => Ok(()),
    }
}

/// Whether a link at `path`, below a package's folder, leads to somewhere in it, step by step.
///
/// Other links on the way stay inside, too, but may lead deeper: a `..` behind a name could come out anywhere else. Hence they may only
/// stand in front.
pub(super) fn stays_inside(path: &Path, target: &Path) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    let mut named = false;
    for step in target.components() {
        match step {
            Component::CurDir => {}
            Component::Normal(_) => named = true,
            Component::ParentDir if !named && depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    !target.as_os_str().is_empty()
}

/// A path in an archive, if it is one inside the package: no root, no `..`, no empty name. `.` is left out.
pub(super) fn inner_path(bytes: &[u8]) -> Option<PathBuf> {
    if bytes.contains(&0) || bytes.contains(&b'\\') {
        return None;
    }
    let mut inner = PathBuf::new();
    for step in Path::new(OsStr::from_bytes(bytes)).components() {
        match step {
            Component::Normal(step) => inner.push(step),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(inner)
}

/// Bytes in small hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
