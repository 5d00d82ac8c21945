//! The storage in a folder of this machine.
//!
//! ```text
//! .meshform/            0700; every file in it 0600
//!   .gitignore          "*": nobody commits it by accident
//!   NAME                a blob
//!   LOG.jsonl           a log
//!   LOG.sealed          a log to which nothing can be added any more
//!   lock.guard          what serialises writes between processes; empty
//! ```
//!
//! A blob changes by being replaced: written beside, synced, renamed, the folder synced. Everything that changes something holds the guard,
//! so the names of the files beside are fixed and a crash leaves no litter that grows. A blob's version is the digest of its content.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use meshform_engine::ports::BoxFuture;
use tokio::runtime::Handle;

use crate::disk::{Disk, DiskFile, Open, RealDisk};
use crate::storage::{Blob, Condition, Storage, StorageError, Version};

const GUARD: &str = "lock.guard";
const IGNORE: &str = ".gitignore";
const BESIDE: &str = ".new";
const LOG: &str = ".jsonl";
const SEALED: &str = ".sealed";

/// How long the guard is waited for: only a stopped process holds it for so long.
const GUARD_WAIT: Duration = Duration::from_secs(20);

/// Keeps blobs and logs in a folder, which need not exist before the first write. Its futures need a tokio runtime.
pub struct FolderStorage {
    folder: Arc<Folder>,
}

impl FolderStorage {
    /// The storage in a folder of this machine, such as `STACK/.meshform`.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self::on(Arc::new(RealDisk), folder)
    }

    /// The storage in a folder of any disk.
    #[must_use]
    pub fn on(disk: Arc<dyn Disk>, folder: PathBuf) -> Self {
        Self { folder: Arc::new(Folder { disk, path: folder }) }
    }

    /// Runs what may wait for the disk where it keeps nobody else from running; outside of a tokio runtime, at once.
    fn run<'a, T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T, StorageError> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, StorageError>> {
        let folder = self.folder.clone();
        Box::pin(async move {
            let Ok(runtime) = Handle::try_current() else { return work(&folder) };
            runtime.spawn_blocking(move || work(&folder)).await.unwrap_or_else(|error| {
                Err(StorageError::Failed { attempt: "work on the state".into(), problem: error.to_string() })
            })
        })
    }
}

impl Storage for FolderStorage {
    fn place(&self) -> String {
        self.folder.path.display().to_string()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        // Not on another thread: to hand it over would take longer than to read what is nearly always in memory, and the lock is read often.
        Box::pin(async move { self.folder.read(name) })
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        let (name, content) = (name.to_owned(), content.to_vec());
        self.run(move |folder| folder.write(&name, &content, &condition))
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        let name = name.to_owned();
        self.run(move |folder| folder.remove(&name))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        let prefix = prefix.to_owned();
        self.run(move |folder| {
            let mut names = folder.files(&prefix)?;
            names.retain(|name| is_blob(name));
            Ok(names)
        })
    }

    fn logs<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        let prefix = prefix.to_owned();
        self.run(move |folder| {
            let names = folder.files(&prefix)?;
            let log = |name: &String| name.strip_suffix(LOG).or(name.strip_suffix(SEALED)).map(str::to_owned);
            let mut logs: Vec<_> = names.iter().filter_map(log).collect();
            logs.sort();
            logs.dedup();
            Ok(logs)
        })
    }

    fn read_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<u8>, StorageError>> {
        let log = log.to_owned();
        self.run(move |folder| folder.read_log(&log))
    }

    fn append<'a>(
        &'a self,
        log: &'a str,
        at: u64,
        chunk: &'a [u8],
    ) -> BoxFuture<'a, Result<u64, StorageError>> {
        let (log, chunk) = (log.to_owned(), chunk.to_vec());
        self.run(move |folder| folder.append(&log, at, &chunk))
    }

    fn seal_log<'a>(&'a self, log: &'a str, at: u64) -> BoxFuture<'a, Result<(), StorageError>> {
        let log = log.to_owned();
        self.run(move |folder| folder.seal(&log, at))
    }

    fn remove_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        let log = log.to_owned();
        self.run(move |folder| folder.remove_log(&log))
    }
}

struct Folder {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl Folder {
    fn read(&self, name: &str) -> Result<Option<Blob>, StorageError> {
        let content = self.content(&self.path.join(name))?;
        Ok(content.map(|content| Blob { version: version(&content), content }))
    }

    fn write(&self, name: &str, content: &[u8], condition: &Condition) -> Result<Version, StorageError> {
        let _guard = self.guard()?;
        let path = self.path.join(name);
        let current = self.content(&path)?.map(|content| version(&content));
        let holds = match condition {
            Condition::Absent => current.is_none(),
            Condition::Unchanged(version) => current.as_ref() == Some(version),
        };
        if !holds {
            return Err(StorageError::Conflict);
        }
        let replaced = self.replace(&path, &self.path.join(format!("{name}{BESIDE}")), content);
        replaced.map_err(failed("write", &path))?;
        Ok(version(content))
    }

    fn replace(&self, path: &Path, beside: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = self.create(beside)?;
        file.write(content)?;
        file.sync()?;
        drop(file);
        self.disk.rename(beside, path)?;
        self.sync_names(path)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        let _guard = self.guard()?;
        self.remove_file(&self.path.join(name))
    }

    fn read_log(&self, log: &str) -> Result<Vec<u8>, StorageError> {
        // In this order, as it may be sealed just now.
        let content = match self.content(&self.log(log))? {
            Some(content) => Some(content),
            None => self.content(&self.sealed(log))?,
        };
        Ok(content.unwrap_or_default())
    }

    fn append(&self, log: &str, at: u64, chunk: &[u8]) -> Result<u64, StorageError> {
        let _guard = self.guard()?;
        let path = self.log(log);
        let (mut file, is_new) = match self.open_log(&path).map_err(failed("open", &path))? {
            Some(file) => (file, false),
            None if at == 0 && self.content(&self.sealed(log))?.is_none() => {
                (self.create(&path).map_err(failed("make", &path))?, true)
            }
            None => return Err(StorageError::Conflict),
        };
        if file.length().map_err(failed("measure", &path))? != at {
            return Err(StorageError::Conflict);
        }
        self.add(&mut *file, chunk, is_new.then_some(&path)).map_err(|error| {
            // What was not written whole is best not there at all.
            let _ = file.cut(at);
            failed("write", &path)(error)
        })?;
        Ok(at.saturating_add(chunk.len() as u64))
    }

    fn add(&self, file: &mut dyn DiskFile, chunk: &[u8], new: Option<&PathBuf>) -> io::Result<()> {
        file.write(chunk)?;
        file.sync()?;
        new.map_or(Ok(()), |path| self.sync_names(path))
    }

    fn seal(&self, log: &str, at: u64) -> Result<(), StorageError> {
        let _guard = self.guard()?;
        let (path, sealed) = (self.log(log), self.sealed(log));
        let Some(file) = self.open_log(&path).map_err(failed("open", &path))? else {
            let length = self.content(&sealed)?.map(|content| content.len() as u64);
            return match length {
                Some(length) if length == at => Ok(()),
                None if at == 0 => self
                    .create(&sealed)
                    .and_then(|_| self.sync_names(&sealed))
                    .map_err(failed("make", &sealed)),
                _ => Err(StorageError::Conflict),
            };
        };
        if file.length().map_err(failed("measure", &path))? != at {
            return Err(StorageError::Conflict);
        }
        let renamed = self.disk.rename(&path, &sealed).and_then(|()| self.sync_names(&sealed));
        renamed.map_err(failed("seal", &path))
    }

    fn remove_log(&self, log: &str) -> Result<(), StorageError> {
        let _guard = self.guard()?;
        self.remove_file(&self.log(log))?;
        let sealed = self.sealed(log);
        match self.content(&sealed)? {
            // Nothing else would refuse its beginning.
            Some(content) if content.is_empty() => Ok(()),
            Some(_) => self.remove_file(&sealed),
            None => Ok(()),
        }
    }

    /// The files whose names begin so, by name, in ascending order.
    fn files(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        let start = prefix.rfind('/').map_or("", |end| &prefix[..=end]);
        let (mut folders, mut names) = (vec![start.to_owned()], Vec::new());
        while let Some(folder) = folders.pop() {
            let path = self.path.join(&folder);
            for entry in self.disk.list(&path).map_err(failed("list", &path))? {
                let name = format!("{folder}{}", entry.name);
                match entry.is_folder {
                    true => folders.push(format!("{name}/")),
                    false => names.push(name),
                }
            }
        }
        names.retain(|name| name.starts_with(prefix));
        names.sort();
        Ok(names)
    }

    fn content(&self, path: &Path) -> Result<Option<Vec<u8>>, StorageError> {
        self.disk.read(path).map_err(failed("read", path))
    }

    fn log(&self, log: &str) -> PathBuf {
        self.path.join(format!("{log}{LOG}"))
    }

    fn sealed(&self, log: &str) -> PathBuf {
        self.path.join(format!("{log}{SEALED}"))
    }

    fn open_log(&self, path: &Path) -> io::Result<Option<Box<dyn DiskFile>>> {
        match self.disk.open(path, Open::Existing) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// An empty file, in a folder that is made if it is not there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        match (self.disk.open(path, Open::Empty), path.parent()) {
            (Err(error), Some(folder)) if error.kind() == ErrorKind::NotFound => {
                self.make_folder(folder)?;
                self.disk.open(path, Open::Empty)
            }
            (opened, _) => opened,
        }
    }

    fn remove_file(&self, path: &Path) -> Result<(), StorageError> {
        let removed = self.disk.remove(path).and_then(|()| self.sync_names(path));
        removed.or_else(absent_is_fine).map_err(failed("remove", path))
    }

    /// Makes the name of this file or folder last, or its absence.
    fn sync_names(&self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), |folder| self.disk.sync_folder(folder))
    }

    /// Waits for the right to change something. Makes the folder if it is not there.
    fn guard(&self) -> Result<Box<dyn Send>, StorageError> {
        let path = self.path.join(GUARD);
        let locked = match self.disk.lock(&path, GUARD_WAIT) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make().and_then(|()| self.disk.lock(&path, GUARD_WAIT))
            }
            locked => locked,
        };
        locked.map_err(failed("lock", &path))
    }

    /// Makes a folder that lasts, and those above it.
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        match (self.disk.make_folder(folder), folder.parent()) {
            (Err(error), Some(above)) if error.kind() == ErrorKind::NotFound => {
                self.make_folder(above)?;
                self.disk.make_folder(folder)?;
            }
            (made, _) => made?,
        }
        self.sync_names(folder)
    }

    fn make(&self) -> io::Result<()> {
        self.make_folder(&self.path)?;
        let ignore = self.path.join(IGNORE);
        if self.disk.read(&ignore)?.is_none() {
            self.disk.open(&ignore, Open::Empty)?.write(b"*\n")?;
        }
        // Last, for whoever finds it takes the rest for granted.
        self.disk.open(&self.path.join(GUARD), Open::Empty).map(drop)
    }
}

fn is_blob(name: &str) -> bool {
    let own = [BESIDE, LOG, SEALED].iter().any(|ending| name.ends_with(ending));
    !own && name != GUARD && name != IGNORE
}

fn version(content: &[u8]) -> Version {
    Version(blake3::hash(content).to_hex().to_string())
}

fn failed<'a>(verb: &'a str, path: &'a Path) -> impl Fn(io::Error) -> StorageError + 'a {
    move |error| StorageError::Failed {
        attempt: format!("{verb} {}", path.display()),
        problem: error.to_string(),
    }
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
