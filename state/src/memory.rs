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
