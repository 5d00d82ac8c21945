//! What the storage says all in all: the snapshot with the unfinished journals folded in.
//!
//! Whoever has taken the lease *settles* what the runs before have left: seals their journals, so that nothing can be added to them, folds
//! them, writes the state, removes them. The state is then always written, even if the journals change nothing, under the token of the new
//! lease: the old holder has a journal from its beginning to its end, so whatever it is about to write in place of the state as it knew it
//! is refused from then on.

use meshform_engine::apply::{Event, fold};
use meshform_engine::ports::StoreError;
use meshform_engine::state::Snapshot;

use crate::documents::{self, ATTEMPTS_MAX, Found, JOURNALS, STATE, contended, invalid, refused};
use crate::fingerprint::{Key, random_name};
use crate::history;
use crate::lease;
use crate::storage::{Condition, Storage, StorageError, Version};
use crate::upgrade;
use crate::wire::journal::{self, JournalText};
use crate::wire::state::{MadeBody, StateBody};

/// The storage's content, read without changing anything.
pub(crate) struct Stored {
    state: Option<Found<StateBody>>,
    journals: Vec<StoredJournal>,
}

struct StoredJournal {
    name: String,
    /// How long it is, torn last line included.
    length: u64,
    /// What it says; `None` if not even its first line is whole.
    text: Option<JournalText>,
}

/// The state with its journals folded in.
pub(crate) struct Folded {
    /// The state, with the serial that it will have once it is written.
    pub(crate) snapshot: Snapshot,
    /// Whether an apply was cut off after it had begun a step.
    pub(crate) interrupted: bool,
    /// The run that changed something which is not in the state yet, if it is known.
    made: Option<MadeBody>,
}

/// The state that a journal goes on from.
pub(crate) struct Base {
    /// The state as it is stored.
    pub(crate) body: StateBody,
    /// Under which it can be replaced; `None` if there is none yet.
    pub(crate) version: Option<Version>,
}

/// By whom and when something is written.
pub(crate) struct Writer<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) key: &'a Key,
    pub(crate) token: u64,
    pub(crate) made: &'a MadeBody,
}

/// Reads the storage.
///
/// # Errors
/// When something is damaged.
pub(crate) async fn read(storage: &dyn Storage) -> Result<Stored, StoreError> {
    // The journals first: one that ends meanwhile is then found in the snapshot, and counts once.
    let journals = read_journals(storage).await?;
    Ok(Stored { state: read_state(storage).await?, journals })
}

/// Settles what runs have left, and tells what there is to go on from.
///
/// # Errors
/// When the lease is lost meanwhile, or something is damaged.
pub(crate) async fn settle(writer: &Writer<'_>) -> Result<Base, StoreError> {
    for _ in 0..ATTEMPTS_MAX {
        let stored = read(writer.storage).await?;
        if let Some(base) = writer.settle(stored).await? {
            return Ok(base);
        }
        // Something was written meanwhile, by a run whose lease we have, or who has ours.
        lease::prove(writer.storage, writer.token).await?;
    }
    Err(contended(writer.storage, STATE))
}

impl Writer<'_> {
    /// `None` when something was written meanwhile.
    async fn settle(&self, stored: Stored) -> Result<Option<Base>, StoreError> {
        if stored.journals.is_empty() {
            return Ok(Some(Base::of(stored.state)));
        }
        for journal in &stored.journals {
            match self.storage.seal_log(&journal.name, journal.length).await {
                Err(StorageError::Conflict) => return Ok(None),
                sealed => sealed.map_err(refused)?,
            }
        }
        let names: Vec<_> = stored.journals.iter().map(|journal| journal.name.clone()).collect();
        let former = stored.state.as_ref().map(|found| found.body.clone());
        let mut base = Base { body: former.unwrap_or_default(), version: stored.version() };
        let folded = stored.fold(self.storage)?;
        let made = match folded.snapshot.serial == base.body.serial {
            true => base.body.made.clone(),
            false => Some(self.made_of(folded.made)),
        };
        let body = StateBody { made, ..StateBody::new(&folded.snapshot, self.key) };
        if !self.replace(&mut base, body).await? {
            return Ok(None);
        }
        for name in names {
            self.storage.remove_log(&name).await.map_err(refused)?;
        }
        Ok(Some(base))
    }

    /// Writes the state in the place of the one that it goes on from, which is kept if it was another. Whether that one was still there.
    pub(crate) async fn replace(&self, base: &mut Base, body: StateBody) -> Result<bool, StoreError> {
        let lineage = if body.lineage.is_empty() { random_name()? } else { body.lineage.clone() };
        let body = StateBody { token: self.token, lineage, ..body };
        let condition = match &base.version {
            Some(version) if base.body.serial < body.serial && !base.body.is_blank() => {
                history::keep(self.storage, &base.body).await?;
                Condition::Unchanged(version.clone())
            }
            Some(version) => Condition::Unchanged(version.clone()),
            None => Condition::Absent,
        };
        let version = documents::write(self.storage, STATE, &upgrade::STATE, &body, condition).await?;
        let is_written = version.is_some();
        if is_written {
            *base = Base { body, version };
        }
        Ok(is_written)
    }

    /// How the state of a run that could not write it came about.
    fn made_of(&self, run: Option<MadeBody>) -> MadeBody {
        let MadeBody { at, by, operation, .. } = self.made;
        let note = Some(format!("cut off, and settled by {by} for {operation}"));
        let run = run.unwrap_or_else(|| self.made.clone());
        MadeBody { at: at.clone(), note, ..run }
    }
}

impl Base {
    fn of(state: Option<Found<StateBody>>) -> Self {
        match state {
            Some(Found { body, version }) => Self { body, version: Some(version) },
            None => Self { body: StateBody::default(), version: None },
        }
    }
}

async fn read_state(storage: &dyn Storage) -> Result<Option<Found<StateBody>>, StoreError> {
    let state = documents::read(storage, STATE, &upgrade::STATE).await?;
    // It is only ever replaced: if it is missing, someone took it away, and starting anew would forget all there is.
    let taken = if state.is_none() { history::names(storage).await?.pop() } else { None };
    match taken {
        Some(former) => {
            Err(invalid(storage, STATE, format!("it is missing, but {former} is there: put it back")))
        }
        None => Ok(state),
    }
}

async fn read_journals(storage: &dyn Storage) -> Result<Vec<StoredJournal>, StoreError> {
    let mut journals = Vec::new();
    for name in storage.logs(JOURNALS).await.map_err(refused)? {
        let bytes = storage.read_log(&name).await.map_err(refused)?;
        // Gone since it was listed, for it has just been folded; or only its seal is left.
        if bytes.is_empty() {
            continue;
        }
        let is_begun = bytes.contains(&b'\n');
        let text = is_begun.then(|| journal::read(&bytes)).transpose();
        let text =
            text.map_err(|error| invalid(storage, &name, format!("line {}: {}", error.line, error.problem)))?;
        journals.push(StoredJournal { name, length: bytes.len() as u64, text });
    }
    journals.sort_by_key(|journal| journal.text.as_ref().map(|text| (text.header.serial, text.header.token)));
    Ok(journals)
}

impl Stored {
    /// Folds the journals into the state.
    ///
    /// # Errors
    /// When one does not belong to the others.
    pub(crate) fn fold(self, storage: &dyn Storage) -> Result<Folded, StoreError> {
        let snapshot = self.state.map(|found| found.body.into_snapshot()).unwrap_or_default();
        let mut folded = Folded { snapshot, interrupted: false, made: None };
        for StoredJournal { name, text, .. } in self.journals {
            let added = text.map_or(Ok(()), |text| folded.add(text));
            added.map_err(|problem| invalid(storage, &name, problem))?;
        }
        Ok(folded)
    }

    fn version(&self) -> Option<Version> {
        self.state.as_ref().map(|found| found.version.clone())
    }
}

impl Folded {
    fn add(&mut self, JournalText { header, events }: JournalText) -> Result<(), String> {
        let state = &mut self.snapshot;
        if events.is_empty() {
            // It was begun, and nothing else.
            return Ok(());
        }
        if state.lineage.is_empty() && state.serial == 0 {
            state.lineage = header.lineage;
        } else if state.lineage != header.lineage {
            return Err(format!("it belongs to the state {}, not to {}", header.lineage, state.lineage));
        }
        if header.serial < state.serial {
            // A crash came between writing the snapshot and removing the journal.
            return Ok(());
        }
        if header.serial > state.serial {
            return Err(format!(
                "it goes on from serial {}, but the state is at {}",
                header.serial, state.serial
            ));
        }
        self.interrupted |= is_cut_off(&events);
        let folded = fold(state.clone(), events).map_err(|error| error.to_string())?;
        let is_ahead = !has_same_content(&folded, state);
        if is_ahead {
            self.made = header.made;
        }
        self.snapshot = Snapshot { serial: state.serial.saturating_add(u64::from(is_ahead)), ..folded };
        Ok(())
    }
}

fn is_cut_off(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::Started { .. }))
        && !matches!(events.last(), Some(Event::Ended { .. }))
}

fn has_same_content(a: &Snapshot, b: &Snapshot) -> bool {
    a.records == b.records && a.targets == b.targets && a.outputs == b.outputs
}
