//! The journal of one apply, being written.
//!
//! Appending costs what is appended: one write, one sync, and a look at the lock, whatever the size of the state.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use meshform_engine::apply::Event;
use meshform_engine::ports::{BoxFuture, Journal, StoreError};
use meshform_engine::state::Snapshot;

use crate::fingerprint::{Key, random};
use crate::folder::{self, Folder, Guard, blocking, io};
use crate::lease;
use crate::settle;
use crate::wire::journal::{Header, Lines, event};
use crate::wire::state::StateBody;

/// An open journal.
pub(crate) struct LocalJournal {
    key: Arc<Key>,
    writer: Arc<Mutex<Writer>>,
}

struct Writer {
    folder: Arc<Folder>,
    token: u64,
    /// What the journal goes on from.
    prior: StateBody,
    name: String,
    lineage: String,
    file: File,
    lines: Lines,
    /// After a failed write nobody knows what the file ends with: nothing more may be put behind it.
    failed: bool,
}

impl LocalJournal {
    /// Settles what an earlier apply left behind, then begins a journal on top of it. Waits for the storage.
    ///
    /// # Errors
    /// When the lease is lost, or the state is not the one of that lineage and serial any more.
    pub(crate) fn begin(
        folder: &Arc<Folder>,
        key: Arc<Key>,
        token: u64,
        (lineage, serial): (&str, u64),
    ) -> Result<Self, StoreError> {
        let guard = folder.guard()?;
        lease::prove(&guard, token)?;
        let prior = settle(&guard, &key)?;
        if (prior.lineage.as_str(), prior.serial) != (lineage, serial) {
            let problem = format!(
                "another run has changed it: its serial is {}, and was {serial} when it was read",
                prior.serial
            );
            return Err(guard.invalid(folder::STATE, problem));
        }
        let lineage = if lineage.is_empty() { random_name()? } else { lineage.to_owned() };
        let header = Header { lineage: lineage.clone(), serial, token };
        let name = folder::journal(serial.saturating_add(1));
        let (first, lines) = Lines::begin(&header).map_err(|problem| guard.invalid(&name, problem))?;
        guard.replace(&name, first.as_bytes())?;
        let file = guard.open_to_append(&name)?;
        let folder = folder.clone();
        let writer = Writer { folder, token, prior, name, lineage, file, lines, failed: false };
        Ok(Self { key, writer: Arc::new(Mutex::new(writer)) })
    }
}

impl Journal for LocalJournal {
    fn append<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let texts = events.iter().map(|each| event(each, &*self.key)).collect::<Result<Vec<_>, _>>();
            let writer = self.writer.clone();
            blocking(move || {
                let mut writer = lock(&writer);
                let texts = texts.map_err(|problem| writer.folder.invalid(&writer.name, problem))?;
                writer.append(&texts)
            })
            .await
        })
    }

    fn finish(self: Box<Self>, snapshot: Snapshot) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(blocking(move || lock(&self.writer).finish(StateBody::new(&snapshot, &*self.key))))
    }
}

impl Writer {
    fn append(&mut self, events: &[String]) -> Result<(), StoreError> {
        if self.failed {
            let problem = "an earlier write to it failed".into();
            return Err(StoreError::Io { attempt: format!("write {}", self.name), problem });
        }
        let guard = self.folder.guard()?;
        lease::prove(&guard, self.token)?;
        self.failed = true;
        let text: String = events.iter().map(|event| self.lines.next(event)).collect();
        self.file.write_all(text.as_bytes()).map_err(io(&format!("write {}", self.name)))?;
        // Others read what is written, synced or not; only a crash of the machine needs more.
        drop(guard);
        self.file.sync_data().map_err(io(&format!("sync {}", self.name)))?;
        self.failed = false;
        Ok(())
    }

    fn finish(&self, body: StateBody) -> Result<(), StoreError> {
        let guard = self.folder.guard()?;
        lease::prove(&guard, self.token)?;
        if !body.has_content_of(&self.prior) {
            settle::write(&guard, &body.named(&self.lineage, self.prior.serial.saturating_add(1)))?;
        }
        guard.remove(&self.name)
    }
}

/// Makes the fold of an unfinished journal the state, and removes every journal.
fn settle(guard: &Guard<'_>, key: &Key) -> Result<StateBody, StoreError> {
    let settled = settle::read(guard)?;
    let body = StateBody::new(&settled.snapshot, key);
    if settled.is_ahead {
        settle::write(guard, &body)?;
    }
    settled.journals.iter().try_for_each(|name| guard.remove(name))?;
    Ok(body)
}

/// A random name in the form of a version 4 UUID (RFC 9562).
fn random_name() -> Result<String, StoreError> {
    let random = u128::from_be_bytes(random()?);
    let marked = random & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let digits = format!("{marked:032x}");
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    Ok([part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"))
}

/// A thread that panicked cannot have left the writer half-changed: `failed` covers the only such moment.
fn lock(writer: &Mutex<Writer>) -> MutexGuard<'_, Writer> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}
