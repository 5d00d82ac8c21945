//! The store: everything that is kept between runs, over any storage.

use std::path::PathBuf;
use std::sync::Arc;

use meshform_engine::plan::Plan;
use meshform_engine::ports::{
    BoxFuture, Clock, Holder, Journal, Kept, Lease, Loaded, StateStore, StoreError,
};
use meshform_engine::state::Snapshot;
use meshform_engine::value::Fingerprinter;

use crate::background::{Background, Runtime};
use crate::clock::SystemClock;
use crate::documents::{LOCK, invalid};
use crate::fingerprint::KeyBlob;
use crate::folder::FolderStorage;
use crate::history;
use crate::journal::{self, OpenJournal};
use crate::lease::{self, HeldLease};
use crate::memory::MemoryStorage;
use crate::rewrite;
use crate::settle::{self, Writer};
use crate::storage::Storage;
use crate::upgrade::{PLAN, STATE};
use crate::wire::WireError;
use crate::wire::document::{self, Layout};
use crate::wire::plan::PlanBody;
use crate::wire::state::StateBody;

/// Keeps the state of one stack in a storage. Its futures need a tokio runtime.
pub struct Store {
    storage: Arc<dyn Storage>,
    key: Arc<KeyBlob>,
    clock: Arc<dyn Clock>,
    background: Arc<dyn Background>,
}

impl Store {
    /// The store in a folder of this machine, such as `STACK/.meshform`. The folder is made by the first write.
    #[must_use]
    pub fn local(folder: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self::over(Arc::new(FolderStorage::new(folder)), clock)
    }

    /// An empty store that ends with the process.
    #[must_use]
    pub fn memory() -> Self {
        Self::over(Arc::new(MemoryStorage::new()), Arc::new(SystemClock))
    }

    /// The store over a storage. The clock tells when a lease expires, and dates what is written.
    #[must_use]
    pub fn over(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self { key: Arc::new(KeyBlob::new(storage.clone())), storage, clock, background: Arc::new(Runtime) }
    }

    /// The same store, which starts the heartbeats of its leases elsewhere than in the tokio runtime.
    #[must_use]
    pub fn beside(self, background: Arc<dyn Background>) -> Self {
        Self { background, ..self }
    }
}

impl StateStore for Store {
    fn load(&self) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        Box::pin(async {
            let folded = settle::read(&*self.storage).await?.fold(&*self.storage)?;
            Ok(Loaded { snapshot: folded.snapshot, interrupted: folded.interrupted })
        })
    }

    fn fingerprinter(&self) -> BoxFuture<'_, Result<Arc<dyn Fingerprinter>, StoreError>> {
        Box::pin(async { Ok(self.key.get().await? as Arc<dyn Fingerprinter>) })
    }

    fn lock<'a>(
        &'a self,
        operation: &'a str,
        wait_ms: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Lease>, StoreError>> {
        Box::pin(async move {
            let (storage, clock) = (self.storage.clone(), self.clock.clone());
            let lease = HeldLease::take(storage, clock, &*self.background, operation, wait_ms).await?;
            Ok(Box::new(lease) as Box<dyn Lease>)
        })
    }

    fn begin<'a>(
        &'a self,
        lease: &'a dyn Lease,
        prior: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Box<dyn Journal>, StoreError>> {
        Box::pin(async move {
            let (storage, clock) = (self.storage.clone(), self.clock.clone());
            let key = self.key.keep().await?;
            let journal = OpenJournal::begin(storage, clock, key, lease.token(), prior).await?;
            Ok(Box::new(journal) as Box<dyn Journal>)
        })
    }

    fn encode_plan<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<Vec<u8>, StoreError>> {
        Box::pin(async move {
            let body = PlanBody::new(plan, &*self.key.keep().await?);
            let text = document::seal(&PLAN, &body, Layout::Line).map_err(unfit("the plan file"))?;
            Ok(text.into_bytes())
        })
    }

    fn decode_plan(&self, bytes: &[u8]) -> Result<Plan, StoreError> {
        let body = document::open::<PlanBody>(&PLAN, bytes).map_err(unfit("the plan file"))?.body;
        body.into_plan().map_err(unfit("the plan file"))
    }

    fn encode_state<'a>(&'a self, snapshot: &'a Snapshot) -> BoxFuture<'a, Result<Vec<u8>, StoreError>> {
        Box::pin(async move {
            let body = StateBody::new(snapshot, &*self.key.get().await?);
            let text = document::seal(&STATE, &body, Layout::Pretty).map_err(unfit("the state"))?;
            Ok(text.into_bytes())
        })
    }

    fn decode_state(&self, bytes: &[u8]) -> Result<Snapshot, StoreError> {
        let document = document::open::<StateBody>(&STATE, bytes).map_err(unfit("the state"))?;
        Ok(document.body.into_snapshot())
    }

    fn history(&self) -> BoxFuture<'_, Result<Vec<Kept>, StoreError>> {
        Box::pin(history::all(&*self.storage))
    }

    fn recall(&self, serial: u64) -> BoxFuture<'_, Result<Snapshot, StoreError>> {
        Box::pin(history::recall(&*self.storage, serial))
    }

    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>, StoreError>> {
        Box::pin(lease::holder(&*self.storage, self.clock.now_ms()))
    }

    fn unlock(&self, token: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            match lease::end(&*self.storage, token).await {
                Err(StoreError::Fenced) => {
                    let problem = format!("nobody holds it under the token {token}");
                    Err(invalid(&*self.storage, LOCK, problem))
                }
                ended => ended,
            }
        })
    }

    fn rewrite<'a>(&'a self, lease: &'a dyn Lease) -> BoxFuture<'a, Result<usize, StoreError>> {
        Box::pin(async move {
            let key = self.key.keep().await?;
            let made = journal::made(lease::prove(&*self.storage, lease.token()).await?, &*self.clock);
            let writer = Writer { storage: &*self.storage, key: &key, token: lease.token(), made: &made };
            settle::settle(&writer).await?;
            rewrite::rewrite(&*self.storage, lease.token()).await
        })
    }
}

fn unfit(what: &str) -> impl Fn(WireError) -> StoreError + '_ {
    move |problem| StoreError::Invalid { what: what.to_owned(), problem: problem.to_string() }
}
