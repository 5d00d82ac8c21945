//! `state mv`, `rm` and `push`: another record of the same things.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use meshform_engine::ports::StateStore;
use meshform_engine::state::{Difference, EditError, Snapshot, moved, removed, replaced, rewrite};
use serde_json::{Value as Json, json};

use super::operands::addresses;
use super::{Changing, kept, loaded, named};
use crate::exit::Exit;
use crate::json::FORMAT_VERSION;
use crate::problem::Problem;
use crate::render::text::counted;
use crate::session::Session;
use crate::{json, render, terminal};

/// A state that is to be another one.
pub(super) struct Change {
    /// The state as it was loaded, under the lock.
    pub(super) before: Snapshot,
    /// As it is to be.
    pub(super) after: Snapshot,
}

/// Changes a state under its lock, if `decide` says so, and gives what it is then. Nobody else changes it while `decide` thinks about it.
pub(super) fn change(
    store: &dyn StateStore,
    operation: &str,
    changing: &Changing,
    session: &Session,
    decide: impl FnOnce(Snapshot) -> Result<Option<Change>, Problem>,
) -> Result<Option<Snapshot>, Problem> {
    let runtime = session.runtime()?;
    let lease = runtime.block_on(store.lock(operation, changing.lock_timeout))?;
    let made = loaded(store, session).and_then(decide).and_then(|change| {
        let Some(Change { before, after }) = change else { return Ok(None) };
        let now_ms = session.clock().now_ms();
        Ok(Some(runtime.block_on(rewrite(store, &*lease, &before, &after, now_ms))?))
    });
    let released = runtime.block_on(lease.release());
    let made = made?;
    released?;
    Ok(made)
}

/// What cannot be done, and what may have been meant.
pub(super) fn refused(error: &EditError) -> Problem {
    let hint = match error {
        EditError::NotRecorded { similar: Some(similar), .. } => format!(" Did you mean {similar}?"),
        EditError::NotRecorded { .. } => " \"meshform state list\" lists what is.".to_owned(),
        EditError::Occupied { .. } => {
            " Move that elsewhere first, or forget it by \"meshform state rm\".".to_owned()
        }
        _ => String::new(),
    };
    let summary = match error {
        EditError::NotRecorded { .. } => "No such instance",
        _ => "It cannot be moved",
    };
    Problem::new(summary, format!("Failed to {error}.{hint}"))
}

/// Records something under another address.
pub(super) fn mv(
    (from, to): (&str, &str),
    folder: &Path,
    dry_run: bool,
    changing: &Changing,
    session: &Session,
) -> Result<Exit, Problem> {
    let (from, to) = (named(from)?, named(to)?);
    let kept = kept(folder, &changing.common.variables, session)?;
    let store = &*kept.store;
    let mut ways = Vec::new();
    let mut move_in = |before: Snapshot| {
        let (after, found) = moved(&before, &from, &to).map_err(|error| refused(&error))?;
        ways.extend(found);
        Ok::<_, Problem>(Change { before, after })
    };
    match dry_run {
        true => drop(move_in(loaded(store, session)?)?),
        false => drop(change(store, "state mv", changing, session, |before| move_in(before).map(Some))?),
    }
    if changing.common.json {
        let ways: Vec<_> =
            ways.iter().map(|(from, to)| json!({ "from": from.to_string(), "to": to.to_string() })).collect();
        return document(json!({ "moved": ways, "dry_run": dry_run }));
    }
    let lines = ways.iter().map(|(from, to)| format!("{from} → {to}\n"));
    terminal::print(&lines.collect::<String>())?;
    let count = counted(ways.len(), "instance");
    terminal::say(&match dry_run {
        true => format!("{count} would be moved. Nothing was changed.\n"),
        false => format!("Moved: {count}. Give the blocks in the configuration the same names, and plan.\n"),
    });
    Ok(Exit::Done)
}

/// Forgets what is recorded of some things.
pub(super) fn rm(
    operands: &[String],
    dry_run: bool,
    changing: &Changing,
    session: &Session,
) -> Result<Exit, Problem> {
    let (names, folder) = addresses(operands)?;
    if names.is_empty() {
        let detail = "Name what is to be forgotten: meshform state rm ADDRESS… Nothing was changed.";
        return Err(Problem::new("Nothing to forget", detail));
    }
    let kept = kept(&folder, &changing.common.variables, session)?;
    let store = &*kept.store;
    let mut gone = Vec::new();
    let mut take_out = |before: Snapshot| {
        let (after, found) = removed(&before, &names).map_err(|error| refused(&error))?;
        gone.extend(found);
        Ok::<_, Problem>(Change { before, after })
    };
    match dry_run {
        true => drop(take_out(loaded(store, session)?)?),
        false => drop(change(store, "state rm", changing, session, |before| take_out(before).map(Some))?),
    }
    if changing.common.json {
        let gone: Vec<_> = gone.iter().map(ToString::to_string).collect();
        return document(json!({ "forgotten": gone, "dry_run": dry_run }));
    }
    terminal::print(&gone.iter().map(|address| format!("{address}\n")).collect::<String>())?;
    let count = counted(gone.len(), "instance");
    terminal::say(&match dry_run {
        true => format!("{count} would be forgotten. Nothing was changed.\n"),
        false => format!(
            "Forgotten: {count}. What they are on clusters and hosts stays there as it is. What is still in the configuration is made, or \
             adopted, by the next apply.\n"
        ),
    });
    Ok(Exit::Done)
}

/// Makes a document the state.
pub(super) fn push(
    file: &Path,
    folder: &Path,
    force: bool,
    changing: &Changing,
    session: &Session,
) -> Result<Exit, Problem> {
    let kept = kept(folder, &changing.common.variables, session)?;
    let store = &*kept.store;
    let pushed = store.decode_state(&read(file)?)?;
    let mut difference = Difference::default();
    let made = change(store, "state push", changing, session, |before| {
        if !force && let Some(detail) = objection(&before, &pushed) {
            let detail = format!("{detail} Give -force to push it all the same. Nothing was changed.");
            return Err(Problem::new("The document does not fit the state", detail));
        }
        difference = Difference::between(&before, &pushed);
        let is_new = before.lineage.is_empty();
        if difference.is_empty() && before.targets == pushed.targets && !is_new {
            return Ok(None);
        }
        // An empty storage takes over what the document is of.
        let before = match is_new {
            true => Snapshot { lineage: pushed.lineage.clone(), serial: pushed.serial, ..before },
            false => before,
        };
        Ok(Some(Change { after: replaced(&before, pushed), before }))
    })?;
    if changing.common.json {
        let serial = made.map(|made| made.serial);
        return document(
            json!({ "pushed": serial.is_some(), "changes": json::state::difference(&difference) }),
        );
    }
    match made {
        None => terminal::say("The state is that already. Nothing was changed.\n"),
        Some(_) => {
            terminal::print(&render::history::difference(&difference))?;
            terminal::say(
                "Pushed. Only what is recorded has changed; \"meshform plan\" shows how clusters and hosts differ.\n",
            );
        }
    }
    Ok(Exit::Done)
}

/// Writes all that is kept anew.
pub(super) fn rewrite_all(folder: &Path, changing: &Changing, session: &Session) -> Result<Exit, Problem> {
    let kept = kept(folder, &changing.common.variables, session)?;
    let runtime = session.runtime()?;
    let lease = runtime.block_on(kept.store.lock("state rewrite", changing.lock_timeout))?;
    let written = runtime.block_on(kept.store.rewrite(&*lease));
    let released = runtime.block_on(lease.release());
    let count = written?;
    released?;
    if changing.common.json {
        return document(json!({ "rewritten": count }));
    }
    terminal::say(&format!("Written anew: {}. What they say has not changed.\n", counted(count, "document")));
    Ok(Exit::Done)
}

/// Why a document should not become the state.
fn objection(present: &Snapshot, pushed: &Snapshot) -> Option<String> {
    if present.lineage.is_empty() {
        return None;
    }
    if present.lineage != pushed.lineage {
        return Some(format!(
            "It is of another state: its lineage is {}, and that of this stack is {}.",
            pushed.lineage, present.lineage
        ));
    }
    let (serial, own) = (pushed.serial, present.serial);
    let is_other = !Difference::between(present, pushed).is_empty();
    match serial.cmp(&own) {
        std::cmp::Ordering::Less => {
            Some(format!("It is older than the state: its serial is {serial}, and the state is at {own}."))
        }
        std::cmp::Ordering::Equal if is_other => {
            Some(format!("It has the serial {serial} as the state has, and says something else."))
        }
        _ => None,
    }
}

/// The bytes of a document.
fn read(file: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let read = match file == Path::new("-") {
        true => io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes),
        false => fs::read(file),
    };
    read.map_err(|error| Problem::io("read", file, &error))
}

/// Prints what was done, for machines.
pub(super) fn document(mut said: Json) -> Result<Exit, Problem> {
    said["format_version"] = FORMAT_VERSION.into();
    terminal::print(&json::text(&said))?;
    Ok(Exit::Done)
}
