//! The folder that a state lives in: the only file that knows its layout and touches it.
//!
//! ```text
//! .meshform/            0700; every file in it 0600
//!   .gitignore          "*": nobody commits it by accident
//!   state.json          the snapshot
//!   state.json.backup   the one before
//!   journal/00000008.jsonl   the journal of the apply that makes serial 8
//!   lock                the lease
//!   lock.guard          what serialises writes between processes; empty
//!   fingerprint.key     the key of the fingerprints
//! ```
//!
//! A file changes by being replaced: written beside, synced, renamed, the folder synced. Everything that replaces or removes a file
//! holds the [`Guard`], so the names of the files beside are fixed and a crash leaves no litter that grows.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::ops::Deref;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use meshform_engine::ports::StoreError;

pub(crate) const STATE: &str = "state.json";
pub(crate) const BACKUP: &str = "state.json.backup";
pub(crate) const LOCK: &str = "lock";
pub(crate) const FINGERPRINT_KEY: &str = "fingerprint.key";
const JOURNALS: &str = "journal";
const GUARD: &str = "lock.guard";
const IGNORE: &str = ".gitignore";

/// How long the guard is waited for.
const GUARD_WAIT: Duration = Duration::from_secs(20);

/// A state's folder. It need not exist before the first write.
pub(crate) struct Folder {
    path: PathBuf,
}

/// The right to replace files. Held for moments only.
pub(crate) struct Guard<'a> {
    folder: &'a Folder,
    /// Unlocked when it is closed.
    _file: File,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// A file's whole content, or `None` if there is no such file.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path.join(name);
        absent_as_none(fs::read(&path)).map_err(|error| failed("read", &path, &error))
    }

    /// Whether there is such a file.
    pub(crate) fn has(&self, name: &str) -> Result<bool, StoreError> {
        let path = self.path.join(name);
        path.try_exists().map_err(|error| failed("look for", &path, &error))
    }

    /// The names of all journals, oldest first.
    pub(crate) fn journals(&self) -> Result<Vec<String>, StoreError> {
        let path = self.path.join(JOURNALS);
        let list = || -> io::Result<Vec<String>> {
            let entries = fs::read_dir(&path)?.collect::<io::Result<Vec<_>>>()?;
            Ok(entries.iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
        };
        let names =
            absent_as_none(list()).map_err(|error| failed("list", &path, &error))?.unwrap_or_default();
        let mut journals: Vec<_> = names.into_iter().filter(|name| name.ends_with(".jsonl")).collect();
        journals.sort();
        Ok(journals.into_iter().map(|name| format!("{JOURNALS}/{name}")).collect())
    }

    /// Opens a file to write at its end.
    pub(crate) fn open_to_append(&self, name: &str) -> Result<File, StoreError> {
        let path = self.path.join(name);
        OpenOptions::new().append(true).open(&path).map_err(|error| failed("open", &path, &error))
    }

    /// Waits for the guard. Makes the folder if it is not there.
    ///
    /// # Errors
    /// When someone holds it for [`GUARD_WAIT`], as only a stopped process does.
    pub(crate) fn guard(&self) -> Result<Guard<'_>, StoreError> {
        self.guard_within(GUARD_WAIT)
    }

    fn guard_within(&self, wait: Duration) -> Result<Guard<'_>, StoreError> {
        let path = self.path.join(GUARD);
        let mut options = OpenOptions::new();
        let file = match options.append(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make()?;
                options.create(true).mode(0o600).open(&path)
            }
            opened => opened,
        };
        let locked = file.and_then(|file| lock_within(&file, wait).map(|()| file));
        Ok(Guard { folder: self, _file: locked.map_err(|error| failed("lock", &path, &error))? })
    }

    /// What is wrong with a file.
    pub(crate) fn invalid(&self, name: &str, problem: impl ToString) -> StoreError {
        StoreError::Invalid { what: self.path.join(name).display().to_string(), problem: problem.to_string() }
    }

    /// Makes the folder if it is not there.
    pub(crate) fn make(&self) -> Result<(), StoreError> {
        let attempt = || -> io::Result<()> {
            DirBuilder::new().recursive(true).mode(0o700).create(self.path.join(JOURNALS))?;
            let ignore = self.path.join(IGNORE);
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(ignore);
            match file {
                Ok(mut file) => file.write_all(b"*\n")?,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            sync(self.path.parent())
        };
        attempt().map_err(|error| failed("make", &self.path, &error))
    }
}

impl Deref for Guard<'_> {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        self.folder
    }
}

impl Guard<'_> {
    /// Puts a file with this content in the place of what is there, durably and all at once.
    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let beside = self.path.join(format!("{name}.new"));
        let attempt = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            sync(path.parent())
        };
        attempt().map_err(|error| failed("write", &path, &error))
    }

    /// Removes a file, durably; it may be gone already.
    pub(crate) fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let attempt = || {
            absent_as_none(fs::remove_file(&path))?;
            sync(path.parent())
        };
        attempt().map_err(|error| failed("remove", &path, &error))
    }
}

/// The name of the journal of the apply that makes the snapshot of that serial.
pub(crate) fn journal(serial: u64) -> String {
    format!("{JOURNALS}/{serial:08}.jsonl")
}

/// Gives an error of the storage its context.
pub(crate) fn io(attempt: &str) -> impl FnOnce(io::Error) -> StoreError + '_ {
    move |error| StoreError::Io { attempt: attempt.to_owned(), problem: error.to_string() }
}

/// Runs what may wait for the storage where it keeps nobody else from running.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(StoreError::Io { attempt: "work on the state".into(), problem: error.to_string() })
    })
}

fn failed(verb: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::Io { attempt: format!("{verb} {}", path.display()), problem: error.to_string() }
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

/// Makes the names in a folder durable.
fn sync(folder: Option<&Path>) -> io::Result<()> {
    match folder {
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_that_is_never_given_back_is_not_waited_for_forever() {
        let root = tempfile::tempdir().unwrap();
        let (folder, wait) = (Folder::new(root.path().join("state")), Duration::from_millis(20));
        let guard = folder.guard_within(wait).unwrap();
        let error = folder.guard_within(wait).err().unwrap().to_string();
        assert!(error.ends_with("lock.guard: another process has held it for 20ms"), "{error}");
        drop(guard);
        assert!(folder.guard_within(wait).is_ok());
    }
}
