//! What the folder says all in all: the snapshot with the unfinished journal folded in.

use meshform_engine::apply::{Event, fold};
use meshform_engine::ports::StoreError;
use meshform_engine::state::Snapshot;

use crate::folder::{BACKUP, Folder, Guard, STATE};
use crate::upgrade;
use crate::wire::document::{self, Layout};
use crate::wire::journal::{self, JournalText};
use crate::wire::state::StateBody;

/// The folder's content, read without changing anything.
pub(crate) struct Settled {
    /// The state, with the serial that it will have once it is written.
    pub(crate) snapshot: Snapshot,
    /// Whether the snapshot on disk is an older one.
    pub(crate) is_ahead: bool,
    /// Whether an apply was cut off after it had begun a step.
    pub(crate) interrupted: bool,
    /// The journals that are there, folded or not.
    pub(crate) journals: Vec<String>,
}

/// Reads the folder.
///
/// # Errors
/// When a file is damaged or does not belong to the others.
pub(crate) fn read(folder: &Folder) -> Result<Settled, StoreError> {
    // The journals first: one that ends meanwhile is then found in the snapshot, and counts once.
    let journals = read_journals(folder)?;
    let snapshot = read_state(folder)?;
    let names = journals.iter().map(|(name, _)| name.clone()).collect();
    let mut settled = Settled { snapshot, is_ahead: false, interrupted: false, journals: names };
    for (name, journal) in journals {
        settled.add(journal).map_err(|problem| folder.invalid(&name, problem))?;
    }
    Ok(settled)
}

/// Makes a snapshot the state; the one before is kept as a backup.
pub(crate) fn write(guard: &Guard<'_>, body: &StateBody) -> Result<(), StoreError> {
    let text = document::seal(&upgrade::STATE, body, Layout::Pretty);
    let text = text.map_err(|problem| guard.invalid(STATE, problem))?;
    if let Some(previous) = guard.read(STATE)? {
        guard.replace(BACKUP, &previous)?;
    }
    guard.replace(STATE, text.as_bytes())
}

fn read_state(folder: &Folder) -> Result<Snapshot, StoreError> {
    let Some(bytes) = folder.read(STATE)? else {
        // It is only ever replaced: if it is missing, someone took it away, and starting anew would forget all there is.
        return match folder.has(BACKUP)? {
            false => Ok(Snapshot::default()),
            true => Err(folder.invalid(STATE, format!("it is missing, but {BACKUP} is there: put it back"))),
        };
    };
    let document = document::open::<StateBody>(&upgrade::STATE, &bytes);
    Ok(document.map_err(|problem| folder.invalid(STATE, problem))?.body.into_snapshot())
}

fn read_journals(folder: &Folder) -> Result<Vec<(String, JournalText)>, StoreError> {
    let mut journals = Vec::new();
    for name in folder.journals()? {
        // Gone since it was listed: it has just been folded.
        let Some(bytes) = folder.read(&name)? else { continue };
        let text = journal::read(&bytes);
        let text =
            text.map_err(|error| folder.invalid(&name, format!("line {}: {}", error.line, error.problem)))?;
        journals.push((name, text));
    }
    Ok(journals)
}

impl Settled {
    fn add(&mut self, JournalText { header, events }: JournalText) -> Result<(), String> {
        let state = &mut self.snapshot;
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
        self.interrupted = is_cut_off(&events);
        let folded = fold(state.clone(), events).map_err(|error| error.to_string())?;
        self.is_ahead = !has_same_content(&folded, state);
        self.snapshot = Snapshot { serial: state.serial.saturating_add(u64::from(self.is_ahead)), ..folded };
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
