//! A folder, a clock that stands until it is told otherwise, and events to write.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use meshform_engine::address::{Address, Key};
use meshform_engine::apply::{Event, fold};
use meshform_engine::plan::StepOperation;
use meshform_engine::ports::{BoxFuture, Clock, Operation, StateStore};
use meshform_engine::state::{Record, RecordStatus, Snapshot};
use meshform_engine::value::Value;
use meshform_state::{Store, SystemClock};
use tempfile::TempDir;
use tokio::sync::watch;

/// Says to a child process where to work.
const FOLDER_VARIABLE: &str = "MESHFORM_TEST_FOLDER";

/// The folder of a stack.
pub(crate) struct World {
    _root: TempDir,
    pub(crate) folder: PathBuf,
}

impl World {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self { folder: root.path().join(".meshform"), _root: root }
    }

    pub(crate) fn store(&self) -> Store {
        store_of(&self.folder)
    }

    pub(crate) fn store_at(&self, clock: &Arc<TestClock>) -> Store {
        Store::local(self.folder.clone(), clock.clone())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Every file below the folder.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.folder.clone()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files
    }

    /// The only journal.
    pub(crate) fn journal(&self) -> PathBuf {
        let journals: Vec<_> = self
            .files()
            .into_iter()
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .collect();
        assert_eq!(journals.len(), 1, "{journals:?}");
        journals.into_iter().next().unwrap()
    }

    /// This test program again, running only the test of that name, for this folder.
    pub(crate) fn child(&self, test: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]);
        command.env(FOLDER_VARIABLE, &self.folder).stdout(Stdio::piped()).stderr(Stdio::inherit());
        command
    }
}

/// The store that this process was told to use, if it is the child of a test.
pub(crate) fn store_of_parent() -> Option<Store> {
    folder_of_parent().map(|folder| store_of(&folder))
}

pub(crate) fn folder_of_parent() -> Option<PathBuf> {
    std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from)
}

fn store_of(folder: &Path) -> Store {
    Store::local(folder.to_owned(), Arc::new(SystemClock))
}

/// Starts now; then time passes only by [`TestClock::advance`].
pub(crate) struct TestClock(watch::Sender<i64>);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(SystemClock.now_ms())))
    }

    pub(crate) fn advance(&self, by_ms: i64) {
        self.0.send_modify(|now| *now += by_ms);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        *self.0.borrow()
    }

    fn sleep_ms(&self, duration_ms: u64) -> BoxFuture<'static, ()> {
        let until = self.now_ms() + i64::try_from(duration_ms).unwrap();
        let mut now = self.0.subscribe();
        Box::pin(async move {
            now.wait_for(|now| *now >= until).await.unwrap();
        })
    }
}

pub(crate) fn address(index: u64) -> Address {
    Address::new("value", "x").with_key(Key::Index(index))
}

pub(crate) fn record(content: Value) -> Record {
    Record {
        target: None,
        identity: "x".into(),
        attributes: Value::object([("content".into(), content)]),
        private: serde_json::Value::Null,
        depends_on: Vec::new(),
        status: RecordStatus::Complete,
    }
}

pub(crate) fn began() -> Event {
    Event::Began { at_ms: 1, targets: BTreeMap::new() }
}

pub(crate) fn started(index: u64, content: impl Into<Value>) -> Event {
    let operation = StepOperation::Perform(Operation::Create);
    Event::Started { at_ms: 2, address: address(index), operation, intent: record(content.into()) }
}

pub(crate) fn succeeded(index: u64, content: impl Into<Value>) -> Event {
    let operation = StepOperation::Perform(Operation::Create);
    Event::Succeeded { at_ms: 3, address: address(index), operation, record: Some(record(content.into())) }
}

pub(crate) fn ended() -> Event {
    Event::Ended { at_ms: 4, outputs: None }
}

/// The whole journal of an apply that makes so many instances.
pub(crate) fn apply_of(instances: u64) -> Vec<Event> {
    let steps = (0..instances).flat_map(|index| [started(index, "a"), succeeded(index, "a")]);
    [began()].into_iter().chain(steps).chain([ended()]).collect()
}

/// Applies these events to what is recorded, from lock to release.
pub(crate) async fn apply(store: &Store, events: Vec<Event>) -> Snapshot {
    // A lease that was only dropped is given back in a moment.
    let lease = store.lock("apply", 5_000).await.unwrap();
    let prior = store.load().await.unwrap().snapshot;
    let mut journal = store.begin(&*lease, &prior).await.unwrap();
    journal.append(&events).await.unwrap();
    journal.finish(fold(prior, events).unwrap()).await.unwrap();
    lease.release().await.unwrap();
    store.load().await.unwrap().snapshot
}
