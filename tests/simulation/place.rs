//! Where the state of a run is kept: in blobs far away, or in a folder of the machine; and the way there, on which requests take their
//! time, and in bad weather they or their answers are lost.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use meshform_engine::ports::{BoxFuture, Clock as _, StateStore};
use meshform_state::{
    Background, Blob, Condition, FolderStorage, MemoryStorage, Storage, StorageError, Store, Version,
};

use crate::disk::SimulatedDisk;
use crate::executor::{Process, Time};
use crate::lab::Lab;
use crate::planted::Bug;
use crate::watched::Watched;

/// The longest that a request takes on its way there, or back, in milliseconds.
const WAY_MS: u64 = 30;

/// The stack's folder on the machine.
pub(crate) const STACK: &str = "/stack";

/// The name of the lock.
const LOCK: &str = "lock";

/// Where the state is.
#[derive(Clone)]
pub(crate) enum Place {
    /// In a storage that knows nothing but blobs.
    Far(Arc<MemoryStorage>),
    /// In a folder.
    Folder(SimulatedDisk),
}

impl Place {
    /// The storage itself, without any way to it.
    pub(crate) fn storage(&self) -> Arc<dyn Storage> {
        match self {
            Self::Far(blobs) => blobs.clone(),
            Self::Folder(disk) => Arc::new(folder(disk)),
        }
    }

    /// The store as one process sees it.
    pub(crate) fn store(&self, lab: &Lab, process: Process) -> Arc<dyn StateStore> {
        let way = Way { lab: lab.clone(), process };
        let storage: Arc<dyn Storage> = match self {
            Self::Far(blobs) => Arc::new(Far { way, blobs: Arc::clone(blobs), lock: Mutex::default() }),
            Self::Folder(disk) => Arc::new(Near { way, folder: folder(disk) }),
        };
        let beside = Beside { time: lab.time.clone(), process };
        let store = Store::over(storage, Arc::new(lab.time.clone())).beside(Arc::new(beside));
        Arc::new(Watched { store, process, lab: lab.clone() })
    }
}

fn folder(disk: &SimulatedDisk) -> FolderStorage {
    FolderStorage::on(Arc::new(disk.clone()), Path::new(STACK).join(".meshform"))
}

/// What goes on beside a process ends with it.
struct Beside {
    time: Time,
    process: Process,
}

impl Background for Beside {
    fn start(&self, task: BoxFuture<'static, ()>) -> Box<dyn Send + Sync> {
        self.time.start(self.process, task)
    }
}

/// The way of one process to the storage and back.
struct Way {
    lab: Lab,
    process: Process,
}

impl Way {
    async fn go<T>(
        &self,
        is_write: bool,
        work: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        self.take().await;
        let lost =
            |what: &str| StorageError::Failed { attempt: "reach the storage".into(), problem: what.into() };
        let fault = self.lab.reality.fault(if is_write { 12 } else { 40 });
        if self.lab.reality.is_dead(self.process) || fault == Some(0) {
            return Err(lost("the request was lost"));
        }
        let result = work.await;
        self.take().await;
        match fault {
            Some(1) => Err(lost("the answer was lost")),
            _ => result,
        }
    }

    async fn take(&self) {
        let duration_ms = self.lab.draw(|random| random.below(WAY_MS));
        self.lab.time.sleep_ms(duration_ms).await;
    }

    fn listen(&self, name: &str, content: &[u8]) {
        self.lab.books.listen(name, &String::from_utf8_lossy(content));
    }
}

/// The way to a storage that knows nothing but blobs: logs are made of many requests.
struct Far {
    way: Way,
    blobs: Arc<MemoryStorage>,
    /// The lock as this process has written it.
    lock: Mutex<Option<Blob>>,
}

impl Far {
    /// Whether nothing is proved.
    fn is_blind(&self) -> bool {
        self.way.lab.bug == Some(Bug::UnprovenWrite)
    }

    /// Who proves nothing takes the lock for what it was when it was theirs.
    fn remembered(&self, name: &str) -> Option<Blob> {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        lock.clone().filter(|_| self.is_blind() && name == LOCK)
    }

    /// Writes whatever the condition.
    async fn write_blindly(&self, name: &str, content: &[u8]) -> Result<Version, StorageError> {
        let there = self.blobs.read(name).await?;
        let condition = there.map_or(Condition::Absent, |blob| Condition::Unchanged(blob.version));
        let version = self.blobs.write(name, content, condition).await?;
        if name == LOCK {
            let blob = Blob { content: content.to_vec(), version: version.clone() };
            *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(blob);
        }
        Ok(version)
    }
}

impl Storage for Far {
    fn place(&self) -> String {
        "far away".to_owned()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        Box::pin(self.way.go(false, async move {
            match self.remembered(name) {
                Some(lock) => Ok(Some(lock)),
                None => self.blobs.read(name).await,
            }
        }))
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        self.way.listen(name, content);
        Box::pin(self.way.go(true, async move {
            match self.is_blind() {
                true => self.write_blindly(name, content).await,
                false => self.blobs.write(name, content, condition).await,
            }
        }))
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(self.way.go(true, self.blobs.remove(name)))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(self.way.go(false, self.blobs.list(prefix)))
    }
}

/// The way to a folder of the same machine.
struct Near {
    way: Way,
    folder: FolderStorage,
}

impl Storage for Near {
    fn place(&self) -> String {
        self.folder.place()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        Box::pin(self.way.go(false, self.folder.read(name)))
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        self.way.listen(name, content);
        Box::pin(self.way.go(true, self.folder.write(name, content, condition)))
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(self.way.go(true, self.folder.remove(name)))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(self.way.go(false, self.folder.list(prefix)))
    }

    fn logs<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(self.way.go(false, self.folder.logs(prefix)))
    }

    fn read_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<u8>, StorageError>> {
        Box::pin(self.way.go(false, self.folder.read_log(log)))
    }

    fn append<'a>(
        &'a self,
        log: &'a str,
        at: u64,
        chunk: &'a [u8],
    ) -> BoxFuture<'a, Result<u64, StorageError>> {
        self.way.listen(log, chunk);
        Box::pin(self.way.go(true, self.folder.append(log, at, chunk)))
    }

    fn seal_log<'a>(&'a self, log: &'a str, at: u64) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(self.way.go(true, self.folder.seal_log(log, at)))
    }

    fn remove_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(self.way.go(true, self.folder.remove_log(log)))
    }
}
