//! The store of one process, watched: whoever has begun a journal is the only one who may write, until another has.

use std::sync::Arc;

use meshform_engine::apply::Event;
use meshform_engine::plan::Plan;
use meshform_engine::ports::{BoxFuture, Holder, Journal, Kept, Lease, Loaded, StateStore, StoreError};
use meshform_engine::state::Snapshot;
use meshform_engine::value::Fingerprinter;
use meshform_state::Store;

use crate::executor::Process;
use crate::lab::Lab;
use crate::planted::Bug;

/// The store of one process.
pub(crate) struct Watched {
    pub(crate) store: Store,
    pub(crate) process: Process,
    pub(crate) lab: Lab,
}

impl StateStore for Watched {
    fn load(&self) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        self.store.load()
    }

    fn fingerprinter(&self) -> BoxFuture<'_, Result<Arc<dyn Fingerprinter>, StoreError>> {
        self.store.fingerprinter()
    }

    fn lock<'a>(
        &'a self,
        operation: &'a str,
        wait_ms: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Lease>, StoreError>> {
        self.store.lock(operation, wait_ms)
    }

    fn begin<'a>(
        &'a self,
        lease: &'a dyn Lease,
        prior: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Box<dyn Journal>, StoreError>> {
        Box::pin(async move {
            let journal = self.store.begin(lease, prior).await?;
            let token = lease.token();
            self.lab.books.note(format!("process {}: begins a journal", self.process));
            self.lab.books.begin_writing(token);
            let (process, lab) = (self.process, self.lab.clone());
            Ok(Box::new(WatchedJournal { journal, token, process, lab, held: Vec::new() })
                as Box<dyn Journal>)
        })
    }

    fn encode_plan<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<Vec<u8>, StoreError>> {
        self.store.encode_plan(plan)
    }

    fn decode_plan(&self, bytes: &[u8]) -> Result<Plan, StoreError> {
        self.store.decode_plan(bytes)
    }

    fn encode_state<'a>(&'a self, snapshot: &'a Snapshot) -> BoxFuture<'a, Result<Vec<u8>, StoreError>> {
        self.store.encode_state(snapshot)
    }

    fn decode_state(&self, bytes: &[u8]) -> Result<Snapshot, StoreError> {
        self.store.decode_state(bytes)
    }

    fn rewrite<'a>(&'a self, lease: &'a dyn Lease) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.store.rewrite(lease)
    }

    fn history(&self) -> BoxFuture<'_, Result<Vec<Kept>, StoreError>> {
        self.store.history()
    }

    fn recall(&self, serial: u64) -> BoxFuture<'_, Result<Snapshot, StoreError>> {
        self.store.recall(serial)
    }

    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>, StoreError>> {
        self.store.holder()
    }

    fn unlock(&self, token: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.unlock(token)
    }
}

/// A journal, with the bugs that are planted in it.
struct WatchedJournal {
    journal: Box<dyn Journal>,
    token: u64,
    process: Process,
    lab: Lab,
    /// What the bug has kept back.
    held: Vec<Event>,
}

impl WatchedJournal {
    fn accuse(&self, what: &str) {
        self.lab.books.accuse(format!("process {} {what}, and another has taken over", self.process));
    }
}

impl Journal for WatchedJournal {
    fn append<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let may_write = self.lab.books.may_write(self.token);
            let planted = match self.lab.bug {
                Some(bug) => self.lab.draw(|random| bug.entries(events, &mut self.held, random)),
                None => events.to_vec(),
            };
            self.journal.append(&planted).await?;
            if !may_write {
                self.accuse("has written its journal");
            }
            Ok(())
        })
    }

    fn finish(self: Box<Self>, snapshot: Snapshot) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let may_write = self.lab.books.may_write(self.token);
            let Self { journal, lab, process, .. } = *self;
            let snapshot = match lab.bug {
                Some(Bug::LeakedSecret) => leaked(snapshot),
                _ => snapshot,
            };
            journal.finish(snapshot).await?;
            if !may_write {
                lab.books
                    .accuse(format!("process {process} has written the state, and another has taken over"));
            }
            Ok(())
        })
    }
}

fn leaked(mut snapshot: Snapshot) -> Snapshot {
    snapshot.records.values_mut().for_each(|record| record.attributes = record.attributes.unmarked());
    snapshot
}
