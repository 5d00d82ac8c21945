//! `state list`, `show` and `pull`: what is recorded.

use std::path::Path;

use meshform_engine::config::Named;
use meshform_engine::state::{RecordStatus, Snapshot, not_recorded};

use super::operands::addresses;
use super::{Common, change, kept, load, named};
use crate::exit::Exit;
use crate::input::VariableArguments;
use crate::problem::Problem;
use crate::render::text::counted;
use crate::session::Session;
use crate::{json, render, terminal};

/// Lists addresses.
pub(super) fn list(operands: &[String], common: &Common, session: &Session) -> Result<Exit, Problem> {
    let (names, folder) = addresses(operands)?;
    let snapshot = load(&folder, &common.variables, session)?;
    let is_recorded = |named: &Named| snapshot.records.keys().any(|address| named.contains(address));
    if let Some(missing) = names.iter().find(|named| !is_recorded(named)) {
        return Err(change::refused(&not_recorded(missing, &snapshot)));
    }
    let is_wanted = |address: &_| names.is_empty() || names.iter().any(|named| named.contains(address));
    let addresses = snapshot.records.keys().filter(|address| is_wanted(address)).map(ToString::to_string);
    if common.json {
        terminal::print(&json::text(&addresses.collect()))?;
        return Ok(Exit::Done);
    }
    terminal::print(&addresses.map(|address| address + "\n").collect::<String>())?;
    mention_incomplete(&snapshot);
    Ok(Exit::Done)
}

fn mention_incomplete(snapshot: &Snapshot) {
    let incomplete =
        snapshot.records.values().filter(|record| record.status == RecordStatus::Incomplete).count();
    if incomplete > 0 {
        let records = counted(incomplete, "record");
        terminal::say(&format!("note: {records} incomplete: the next apply settles it\n"));
    }
}

/// Shows one record.
pub(super) fn show(text: &str, folder: &Path, common: &Common, session: &Session) -> Result<Exit, Problem> {
    let snapshot = load(folder, &common.variables, session)?;
    let named = named(text)?;
    let record = match &named {
        Named::Resource(address) => snapshot.records.get_key_value(address),
        Named::Module(_) => None,
    };
    let Some((address, record)) = record else {
        return Err(change::refused(&not_recorded(&named, &snapshot)));
    };
    match common.json {
        true => terminal::print(&json::text(&json::state::record(record)))?,
        false => terminal::print(&render::state::record(address, record))?,
    }
    Ok(Exit::Done)
}

/// Prints the document.
pub(super) fn pull(folder: &Path, variables: &VariableArguments, session: &Session) -> Result<Exit, Problem> {
    let kept = kept(folder, variables, session)?;
    let snapshot = super::loaded(&*kept.store, session)?;
    let document = session.runtime()?.block_on(kept.store.encode_state(&snapshot))?;
    terminal::print_raw(&document)?;
    Ok(Exit::Done)
}
