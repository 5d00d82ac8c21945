//! The journal of one apply, being written.
//!
//! Appending costs what is appended: one look at the lock and one addition to the journal, whatever the size of the state. The journal is
//! named after the token of its lease, so nobody else ever begins it; whoever has taken over has sealed it, so nothing is added to it.

use std::sync::Arc;

use meshform_engine::apply::Event;
use meshform_engine::ports::{BoxFuture, Clock, Journal, StoreError};
use meshform_engine::state::Snapshot;

use crate::documents::{JOURNALS, STATE, invalid, refused};
use crate::fingerprint::{Key, random_name};
use crate::history;
use crate::lease;
use crate::settle::{Base, Writer, settle};
use crate::storage::{Storage, StorageError};
use crate::wire::journal::{Header, Lines, event};
use crate::wire::lock::LeaseBody;
use crate::wire::state::{MadeBody, StateBody};

/// An open journal.
pub(crate) struct OpenJournal {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    key: Arc<Key>,
    token: u64,
    /// What the journal goes on from.
    base: Base,
    name: String,
    lines: Lines,
    /// How long it is.
    length: u64,
    /// After a failed write nobody knows what the journal ends with: nothing more may be put behind it.
    failed: bool,
}

impl OpenJournal {
    /// Settles what an earlier apply left behind, then begins a journal on top of it.
    ///
    /// # Errors
    /// When the lease is lost, or the state is not `prior` any more.
    pub(crate) async fn begin(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        key: Arc<Key>,
        token: u64,
        prior: &Snapshot,
    ) -> Result<Self, StoreError> {
        let made = made(lease::prove(&*storage, token).await?, &*clock);
        let writer = Writer { storage: &*storage, key: &key, token, made: &made };
        let mut base = settle(&writer).await?;
        let prior = StateBody::new(prior, &*key);
        let adopted = adopted(&writer, &base, prior)?;

        let start = adopted.as_ref().unwrap_or(&base.body);
        let lineage = if start.lineage.is_empty() { random_name()? } else { start.lineage.clone() };
        let header =
            Header { lineage: lineage.clone(), serial: start.serial, token, made: Some(made.clone()) };
        let name = format!("{JOURNALS}{:08}-{token}", header.serial.saturating_add(1));
        let (first, lines) = Lines::begin(&header).map_err(|problem| invalid(&*storage, &name, problem))?;
        let length = add(&*storage, &name, 0, first.as_bytes()).await?;
        if let Err(lost) = lease::prove(&*storage, token).await {
            // Whoever has the lease now may have looked for journals before this one was there, and must not find it later.
            let _ = storage.remove_log(&name).await;
            return Err(lost);
        }
        if let Some(body) = adopted {
            let body = StateBody { made: Some(made.clone()), ..body };
            if !writer.replace(&mut base, body).await? {
                return Err(StoreError::Fenced);
            }
        }
        base.body.lineage = lineage;
        Ok(Self { storage, clock, key, token, base, name, lines, length, failed: false })
    }

    async fn append(&mut self, events: &[Event]) -> Result<(), StoreError> {
        self.usable()?;
        let texts = events.iter().map(|each| event(each, &*self.key)).collect::<Result<Vec<_>, _>>();
        let texts = texts.map_err(|problem| invalid(&*self.storage, &self.name, problem))?;
        if texts.is_empty() {
            return Ok(());
        }
        lease::prove(&*self.storage, self.token).await?;
        self.failed = true;
        let chunk: String = texts.iter().map(|event| self.lines.next(event)).collect();
        self.length = add(&*self.storage, &self.name, self.length, chunk.as_bytes()).await?;
        self.failed = false;
        Ok(())
    }

    async fn finish(mut self, snapshot: Snapshot) -> Result<(), StoreError> {
        self.usable()?;
        let body = StateBody::new(&snapshot, &*self.key);
        let made = made(lease::prove(&*self.storage, self.token).await?, &*self.clock);
        if !body.has_content_of(&self.base.body) {
            // A snapshot that was brought from elsewhere may be further on.
            let serial = body.serial.max(self.base.body.serial.saturating_add(1));
            let lineage = self.base.body.lineage.clone();
            self.write(StateBody { lineage, serial, ..body }, made).await?;
            history::prune(&*self.storage).await;
        }
        // All that it says is in the state. If it stays, it is settled once more, to no effect.
        let _ = self.storage.remove_log(&self.name).await;
        Ok(())
    }

    async fn write(&mut self, body: StateBody, made: MadeBody) -> Result<(), StoreError> {
        let writer = Writer { storage: &*self.storage, key: &self.key, token: self.token, made: &made };
        let body = StateBody { made: Some(made.clone()), ..body };
        match writer.replace(&mut self.base, body).await? {
            true => Ok(()),
            false => Err(StoreError::Fenced),
        }
    }

    fn usable(&self) -> Result<(), StoreError> {
        match self.failed {
            true => Err(StoreError::Io {
                attempt: format!("write {}/{}", self.storage.place(), self.name),
                problem: "an earlier write to it failed".into(),
            }),
            false => Ok(()),
        }
    }
}

impl Journal for OpenJournal {
    fn append<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.append(events))
    }

    fn finish(self: Box<Self>, snapshot: Snapshot) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin((*self).finish(snapshot))
    }
}

/// Adds a chunk to a journal of ours that is so long. Returns how long it is then.
async fn add(storage: &dyn Storage, name: &str, length: u64, chunk: &[u8]) -> Result<u64, StoreError> {
    match storage.append(name, length, chunk).await {
        Err(StorageError::Conflict) => {}
        added => return added.map_err(refused),
    }
    // Refused may also be what was added already, with the answer lost, and then sent again.
    let content = storage.read_log(name).await.map_err(refused)?;
    match content.strip_suffix(chunk) {
        Some(before) if before.len() as u64 == length => Ok(content.len() as u64),
        _ => Err(StoreError::Fenced),
    }
}

/// The state that a storage without any takes over from another, if it is that; else it must be the one that is there.
fn adopted(writer: &Writer<'_>, base: &Base, prior: StateBody) -> Result<Option<StateBody>, StoreError> {
    if base.body.is_blank() {
        return Ok((!prior.lineage.is_empty() && !prior.is_blank()).then_some(prior));
    }
    let is_same = (&prior.lineage, prior.serial) == (&base.body.lineage, base.body.serial);
    if is_same && prior.has_content_of(&base.body) {
        return Ok(None);
    }
    let problem = match prior.serial == base.body.serial {
        true => "another run has changed it since it was read".to_owned(),
        false => format!(
            "another run has changed it: its serial is {}, and was {} when it was read",
            base.body.serial, prior.serial
        ),
    };
    Err(invalid(writer.storage, STATE, problem))
}

pub(crate) fn made(lease: LeaseBody, clock: &dyn Clock) -> MadeBody {
    MadeBody { at: lease::rfc3339(clock.now_ms()), by: lease.holder, operation: lease.operation, note: None }
}
