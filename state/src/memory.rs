//! A store that ends with the process: for worlds that are made to be thrown away.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use meshform_engine::apply::{Event, fold};
use meshform_engine::plan::Plan;
use meshform_engine::ports::{BoxFuture, Journal, Lease, Loaded, StateStore, StoreError};
use meshform_engine::state::Snapshot;
use meshform_engine::value::{Fingerprinter, Value};

use crate::fingerprint::{Key, random};

/// Keeps the state of one stack in memory, with what is sensitive redacted as on disk. It is for one run at a time.
#[derive(Default)]
pub struct MemoryStore {
    key: OnceLock<Arc<Key>>,
    kept: Arc<Mutex<Kept>>,
}

/// The state, and the journal that has not been finished.
#[derive(Default)]
struct Kept {
    snapshot: Snapshot,
    journal: Vec<Event>,
}

impl MemoryStore {
    /// An empty store, with a key of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn key(&self) -> Result<Arc<Key>, StoreError> {
        if let Some(key) = self.key.get() {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(Key::from_bytes(random()?));
        Ok(Arc::clone(self.key.get_or_init(|| key)))
    }
}

impl StateStore for MemoryStore {
    fn load(&self) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        let loaded = loaded(&lock(&self.kept));
        Box::pin(async { loaded })
    }

    fn fingerprinter(&self) -> BoxFuture<'_, Result<Arc<dyn Fingerprinter>, StoreError>> {
        let key = self.key();
        Box::pin(async { Ok(key? as Arc<dyn Fingerprinter>) })
    }

    fn lock<'a>(&'a self, _: &'a str, _: u64) -> BoxFuture<'a, Result<Box<dyn Lease>, StoreError>> {
        Box::pin(async { Ok(Box::new(Unshared) as Box<dyn Lease>) })
    }

    fn begin<'a>(
        &'a self,
        _: &'a dyn Lease,
        prior: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Box<dyn Journal>, StoreError>> {
        Box::pin(async {
            let key = self.key()?;
            // What an earlier journal has left open counts as it was loaded.
            *lock(&self.kept) = Kept { snapshot: redacted(prior.clone(), &key), journal: Vec::new() };
            Ok(Box::new(MemoryJournal { key, kept: Arc::clone(&self.kept) }) as Box<dyn Journal>)
        })
    }

    fn encode_plan(&self, _: &Plan) -> Result<Vec<u8>, StoreError> {
        Err(unkept())
    }

    fn decode_plan(&self, _: &[u8]) -> Result<Plan, StoreError> {
        Err(unkept())
    }
}

/// Nobody else can reach the store.
struct Unshared;

impl Lease for Unshared {
    fn token(&self) -> u64 {
        1
    }

    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

struct MemoryJournal {
    key: Arc<Key>,
    kept: Arc<Mutex<Kept>>,
}

impl Journal for MemoryJournal {
    fn append<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), StoreError>> {
        lock(&self.kept).journal.extend(events.iter().cloned());
        Box::pin(async { Ok(()) })
    }

    fn finish(self: Box<Self>, snapshot: Snapshot) -> BoxFuture<'static, Result<(), StoreError>> {
        let mut kept = lock(&self.kept);
        let snapshot = redacted(Snapshot { serial: kept.snapshot.serial + 1, ..snapshot }, &self.key);
        *kept = Kept { snapshot, journal: Vec::new() };
        Box::pin(async { Ok(()) })
    }
}

fn loaded(kept: &Kept) -> Result<Loaded, StoreError> {
    let snapshot = fold(kept.snapshot.clone(), kept.journal.clone());
    let snapshot = snapshot
        .map_err(|error| StoreError::Invalid { what: "the journal".into(), problem: error.to_string() })?;
    Ok(Loaded { snapshot, interrupted: !kept.journal.is_empty() })
}

fn redacted(mut snapshot: Snapshot, key: &Key) -> Snapshot {
    let redact = |value: &mut Value| *value = value.redacted(key);
    snapshot.records.values_mut().for_each(|record| redact(&mut record.attributes));
    snapshot.outputs.values_mut().for_each(redact);
    snapshot
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unkept() -> StoreError {
    StoreError::Invalid {
        what: "a saved plan".into(),
        problem: "a state that is only in memory has none".into(),
    }
}

#[cfg(test)]
mod tests {
    use meshform_engine::address::Address;
    use meshform_engine::plan::StepOperation;
    use meshform_engine::ports::Operation;
    use meshform_engine::state::{Record, RecordStatus};
    use meshform_engine::value::Kind;

    use super::*;

    const CREATE: StepOperation = StepOperation::Perform(Operation::Create);

    fn record() -> Record {
        Record {
            target: None,
            identity: "value.x".into(),
            attributes: Value::string("hush").sensitive(),
            private: serde_json::Value::Null,
            depends_on: Vec::new(),
            status: RecordStatus::Complete,
        }
    }

    /// The state after a journal of which only so many entries were written.
    async fn kept(entries: usize, is_finished: bool) -> Loaded {
        let (store, address) = (MemoryStore::new(), Address::new("value", "x"));
        let lease = store.lock("apply", 0).await.unwrap();
        let mut journal = store.begin(&*lease, &Snapshot::default()).await.unwrap();
        let started =
            Event::Started { at_ms: 0, address: address.clone(), operation: CREATE, intent: record() };
        let ended = Event::Succeeded {
            at_ms: 0,
            address: address.clone(),
            operation: CREATE,
            record: Some(record()),
        };
        journal.append(&[started, ended][..entries]).await.unwrap();
        if is_finished {
            let snapshot = Snapshot { records: [(address, record())].into(), ..Snapshot::default() };
            journal.finish(snapshot).await.unwrap();
        }
        lease.release().await.unwrap();
        store.load().await.unwrap()
    }

    #[tokio::test]
    async fn what_is_finished_is_kept_without_its_secrets() {
        let loaded = kept(2, true).await;
        assert_eq!((loaded.interrupted, loaded.snapshot.serial), (false, 1));
        let [record] = &loaded.snapshot.records.into_values().collect::<Vec<_>>()[..] else {
            panic!("one record")
        };
        assert!(matches!(record.attributes.kind(), Kind::Fingerprint(_)));
    }

    #[tokio::test]
    async fn what_was_cut_off_is_known_to_be() {
        let loaded = kept(1, false).await;
        let statuses: Vec<_> = loaded.snapshot.records.values().map(|record| record.status).collect();
        assert_eq!((loaded.interrupted, &statuses[..]), (true, &[RecordStatus::Incomplete][..]));
        assert!(!kept(0, false).await.interrupted);
    }
}
