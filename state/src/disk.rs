//! The few operations on files that a folder's storage consists of, and what each promises when the machine stops at once.
//!
//! | operation | after a crash of the machine |
//! | --- | --- |
//! | [`DiskFile::write`] | lost, whole or in part, until [`DiskFile::sync`] has returned |
//! | a new name, [`Disk::rename`], [`Disk::remove`] | undone, until [`Disk::sync_folder`] of the folder has returned |
//! | [`Disk::lock`] | given back |
//!
//! A crash of the process alone loses nothing that was written. A rename is seen whole or not at all, by readers and after a crash; it says
//! nothing about the content of the file, which has to be synced before.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// A disk with folders and files. Its operations may wait.
pub trait Disk: Send + Sync {
    /// A file's whole content, or `None` if there is no such file.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;

    /// What lies in a folder; nothing if there is no such folder.
    ///
    /// # Errors
    /// When it cannot be read.
    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>>;

    /// Makes a folder, for its owner alone. It may be there already.
    ///
    /// # Errors
    /// When it cannot be made; of kind [`ErrorKind::NotFound`] when the folder above it is not there.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;

    /// Opens a file, for its owner alone, to write at its end.
    ///
    /// # Errors
    /// When it cannot be opened; of kind [`ErrorKind::NotFound`] when it, or its folder, is not there.
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in the place of what has it.
    ///
    /// # Errors
    /// When that cannot be done.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; it may be gone already.
    ///
    /// # Errors
    /// When that cannot be done.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder last.
    ///
    /// # Errors
    /// When nobody knows whether they do.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Waits for the lock of a file. It is given back when what is returned is dropped.
    ///
    /// # Errors
    /// When someone holds it for so long; of kind [`ErrorKind::NotFound`] when there is no such file.
    fn lock(&self, path: &Path, wait: Duration) -> io::Result<Box<dyn Send>>;
}

/// A file that is open for writing at its end.
pub trait DiskFile: Send {
    /// How many bytes it holds.
    ///
    /// # Errors
    /// When it cannot be told.
    fn length(&self) -> io::Result<u64>;

    /// Adds bytes at its end.
    ///
    /// # Errors
    /// When some of them may not have been written.
    fn write(&mut self, content: &[u8]) -> io::Result<()>;

    /// Cuts it off after so many bytes.
    ///
    /// # Errors
    /// When that cannot be done.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Makes its content last.
    ///
    /// # Errors
    /// When nobody knows whether it does.
    fn sync(&self) -> io::Result<()>;
}

/// What is to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// A file that is there.
    Existing,
    /// An empty file: made, or emptied.
    Empty,
}

/// What lies in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name there.
    pub name: String,
    /// Whether it is a folder itself.
    pub is_folder: bool,
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        absent_as_none(fs::read(path))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let Some(entries) = absent_as_none(fs::read_dir(folder))? else { return Ok(Vec::new()) };
        let mut listed = Vec::new();
        for entry in entries {
            let entry = entry?;
            let is_folder = entry.file_type()?.is_dir();
            // No name that is not text was made by this crate.
            listed.extend(entry.file_name().into_string().ok().map(|name| Entry { name, is_folder }));
        }
        Ok(listed)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
            made => made,
        }
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        match how {
            Open::Existing => options.append(true),
            Open::Empty => options.write(true).create(true).truncate(true).mode(0o600),
        };
        Ok(Box::new(RealFile(options.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        absent_as_none(fs::remove_file(path)).map(|_| ())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()
    }

    fn lock(&self, path: &Path, wait: Duration) -> io::Result<Box<dyn Send>> {
        let file = OpenOptions::new().append(true).open(path)?;
        lock_within(&file, wait)?;
        // Unlocked when it is closed.
        Ok(Box::new(file))
    }
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.0.write_all(content)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        // The length is synced with the data.
        self.0.sync_data()
    }
}

/// Locks a file, looking ever less often whether that can be done.
fn lock_within(file: &File, wait: Duration) -> io::Result<()> {
    let deadline = Instant::now() + wait;
    let mut pause = Duration::from_micros(100);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::other(format!("another process has held it for {wait:?}")));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

fn absent_as_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_never_given_back_is_not_waited_for_forever() {
        let root = tempfile::tempdir().unwrap();
        let (path, wait) = (root.path().join("lock.guard"), Duration::from_millis(20));
        assert_eq!(RealDisk.lock(&path, wait).err().unwrap().kind(), ErrorKind::NotFound);
        RealDisk.open(&path, Open::Empty).unwrap();
        let held = RealDisk.lock(&path, wait).unwrap();
        let error = RealDisk.lock(&path, wait).err().unwrap().to_string();
        assert_eq!(error, "another process has held it for 20ms");
        drop(held);
        assert!(RealDisk.lock(&path, wait).is_ok());
    }
}
