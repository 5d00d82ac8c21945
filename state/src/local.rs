//! The store of a local folder.

use std::path::PathBuf;
use std::sync::Arc;

use meshform_engine::plan::Plan;
use meshform_engine::ports::{BoxFuture, Clock, Journal, Lease, Loaded, StateStore, StoreError};
use meshform_engine::state::Snapshot;
use meshform_engine::value::Fingerprinter;

use crate::fingerprint::KeyFile;
use crate::folder::{Folder, blocking};
use crate::journal::LocalJournal;
use crate::lease::LocalLease;
use crate::settle;
use crate::upgrade::PLAN;
use crate::wire::WireError;
use crate::wire::document::{self, Layout};
use crate::wire::plan::PlanBody;

/// Keeps the state of one stack in a folder of its own. Its futures need a tokio runtime.
pub struct LocalStore {
    folder: Arc<Folder>,
    key: Arc<KeyFile>,
    clock: Arc<dyn Clock>,
}

impl LocalStore {
    /// The store of a folder, such as `STACK/.meshform`. The folder is made by the first write.
    pub fn new(folder: PathBuf, clock: Arc<dyn Clock>) -> Self {
        let folder = Arc::new(Folder::new(folder));
        Self { key: Arc::new(KeyFile::new(folder.clone())), folder, clock }
    }
}

impl StateStore for LocalStore {
    fn load(&self) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        let folder = self.folder.clone();
        Box::pin(blocking(move || {
            let settled = settle::read(&folder)?;
            Ok(Loaded { snapshot: settled.snapshot, interrupted: settled.interrupted })
        }))
    }

    fn fingerprinter(&self) -> BoxFuture<'_, Result<Arc<dyn Fingerprinter>, StoreError>> {
        let key = self.key.clone();
        Box::pin(blocking(move || Ok(key.get()? as Arc<dyn Fingerprinter>)))
    }

    fn lock<'a>(
        &'a self,
        operation: &'a str,
        wait_ms: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Lease>, StoreError>> {
        Box::pin(async move {
            let lease = LocalLease::take(self.folder.clone(), self.clock.clone(), operation, wait_ms).await?;
            Ok(Box::new(lease) as Box<dyn Lease>)
        })
    }

    fn begin<'a>(
        &'a self,
        lease: &'a dyn Lease,
        prior: &'a Snapshot,
    ) -> BoxFuture<'a, Result<Box<dyn Journal>, StoreError>> {
        let (folder, key, token) = (self.folder.clone(), self.key.clone(), lease.token());
        let (lineage, serial) = (prior.lineage.clone(), prior.serial);
        Box::pin(blocking(move || {
            let journal = LocalJournal::begin(&folder, key.keep()?, token, (&lineage, serial))?;
            Ok(Box::new(journal) as Box<dyn Journal>)
        }))
    }

    fn encode_plan(&self, plan: &Plan) -> Result<Vec<u8>, StoreError> {
        let body = PlanBody::new(plan, &*self.key.keep()?);
        let text = document::seal(&PLAN, &body, Layout::Line).map_err(unfit)?;
        Ok(text.into_bytes())
    }

    fn decode_plan(&self, bytes: &[u8]) -> Result<Plan, StoreError> {
        let body = document::open::<PlanBody>(&PLAN, bytes).map_err(unfit)?.body;
        body.into_plan().map_err(unfit)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
fn unfit(problem: WireError) -> StoreError {
    StoreError::Invalid { what: "the plan file".into(), problem: problem.to_string() }
}
