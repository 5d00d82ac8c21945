//! The state's store, in memory: it keeps what a real one does, redacted, and as a journal until it is finished.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use meshform_engine::apply::{Event, fold};
use meshform_engine::plan::Plan;
use meshform_engine::ports::{BoxFuture, Holder, Journal, Kept, Lease, Loaded, StateStore, StoreError};
use meshform_engine::state::Snapshot;
use meshform_engine::value::{Fingerprinter, Value};

use crate::world::{Reality, Shared};

/// The store.
pub(crate) struct Store(pub(crate) Shared);

pub(crate) struct Key;

impl Fingerprinter for Key {
    fn fingerprint(&self, value: &Value) -> String {
        let mut hasher = DefaultHasher::new();
        format!("{:?}", value.unmarked()).hash(&mut hasher);
        format!("fp{:x}", hasher.finish())
    }
}

impl StateStore for Store {
    fn load(&self) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        let reality = self.0.lock().unwrap();
        let interrupted = !reality.journal.is_empty();
        let snapshot = fold(reality.state.clone(), reality.journal.clone()).unwrap();
        Box::pin(async move { Ok(Loaded { snapshot, interrupted }) })
    }

    fn fingerprinter(&self) -> BoxFuture<'_, Result<Arc<dyn Fingerprinter>, StoreError>> {
        let key: Arc<dyn Fingerprinter> = Arc::new(Key);
        Box::pin(async { Ok(key) })
    }

    fn lock<'a>(&'a self, _: &'a str, _: u64) -> BoxFuture<'a, Result<Box<dyn Lease>, StoreError>> {
        Box::pin(async {
            let lease: Box<dyn Lease> = Box::new(Free);
            Ok(lease)
        })
    }

    fn begin<'a>(
        &'a self,
        _: &'a dyn Lease,
        prior: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Box<dyn Journal>, StoreError>> {
        let mut reality = self.0.lock().unwrap();
        if !reality.journal.is_empty() {
            reality.state = Snapshot { serial: prior.serial + 1, ..prior.clone() };
            reality.journal.clear();
        }
        let journal: Box<dyn Journal> = Box::new(Entries(Arc::clone(&self.0)));
        Box::pin(async { Ok(journal) })
    }

    fn encode_plan<'a>(&'a self, _: &'a Plan) -> BoxFuture<'a, Result<Vec<u8>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn decode_plan(&self, _: &[u8]) -> Result<Plan, StoreError> {
        Err(StoreError::Fenced)
    }

    fn encode_state<'a>(&'a self, _: &'a Snapshot) -> BoxFuture<'a, Result<Vec<u8>, StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn decode_state(&self, _: &[u8]) -> Result<Snapshot, StoreError> {
        Err(StoreError::Fenced)
    }

    fn history(&self) -> BoxFuture<'_, Result<Vec<Kept>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn recall(&self, _: u64) -> BoxFuture<'_, Result<Snapshot, StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    fn unlock(&self, _: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Fenced) })
    }

    fn rewrite<'a>(&'a self, _: &'a dyn Lease) -> BoxFuture<'a, Result<usize, StoreError>> {
        Box::pin(async { Ok(0) })
    }
}

struct Free;

impl Lease for Free {
    fn token(&self) -> u64 {
        1
    }
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

struct Entries(Shared);

impl Journal for Entries {
    fn append<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), StoreError>> {
        let result = append(&mut self.0.lock().unwrap(), events);
        Box::pin(async { result })
    }

    fn finish(self: Box<Self>, snapshot: Snapshot) -> BoxFuture<'static, Result<(), StoreError>> {
        let mut reality = self.0.lock().unwrap();
        let folded = fold(reality.state.clone(), std::mem::take(&mut reality.journal)).unwrap();
        assert_eq!(redact(folded.clone()), redact(snapshot), "the snapshot is not the fold of the journal");
        let changed = folded != reality.state;
        reality.state = Snapshot { serial: folded.serial + u64::from(changed), ..folded };
        Box::pin(async { Ok(()) })
    }
}

fn append(reality: &mut Reality, events: &[Event]) -> Result<(), StoreError> {
    for event in events {
        match &mut reality.entries_left {
            Some(0) => {
                return Err(StoreError::Io { attempt: "append".into(), problem: "the process died".into() });
            }
            Some(left) => *left -= 1,
            None => {}
        }
        let event = redact_event(event.clone());
        reality.journal.push(event);
    }
    Ok(())
}

/// As it is stored, but for the serial, which only the store counts.
fn redact(mut snapshot: Snapshot) -> Snapshot {
    snapshot.serial = 0;
    for record in snapshot.records.values_mut() {
        record.attributes = record.attributes.redacted(&Key);
    }
    snapshot.outputs.values_mut().for_each(|value| *value = value.redacted(&Key));
    snapshot
}

fn redact_event(event: Event) -> Event {
    match event {
        Event::Succeeded { at_ms, address, operation, record: Some(mut record) } => {
            record.attributes = record.attributes.redacted(&Key);
            Event::Succeeded { at_ms, address, operation, record: Some(record) }
        }
        Event::Ended { at_ms, outputs: Some(mut outputs) } => {
            outputs.values_mut().for_each(|value| *value = value.redacted(&Key));
            Event::Ended { at_ms, outputs: Some(outputs) }
        }
        event => event,
    }
}
