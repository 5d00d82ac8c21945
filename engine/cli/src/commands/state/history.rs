//! `state history` and `rollback`: the states that are kept.

use std::path::Path;

use meshform_engine::ports::{Kept, StateStore};
use meshform_engine::state::{Difference, replaced};
use serde_json::json;

use super::change::{Change, change, document};
use super::{Changing, Common, approved, kept};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::session::Session;
use crate::{json, render, terminal};

/// Lists what is kept, newest first.
pub(super) fn list(
    folder: &Path,
    number: usize,
    common: &Common,
    session: &Session,
) -> Result<Exit, Problem> {
    let kept = kept(folder, &common.variables, session)?;
    let entries = session.runtime()?.block_on(entries(&*kept.store, number))?;
    if common.json {
        return document(json!({ "snapshots": entries.iter().map(json::state::kept).collect::<Vec<_>>() }));
    }
    if entries.is_empty() {
        terminal::say("There is no state yet: it begins with the first apply.\n");
    }
    terminal::print(&render::history::text(&entries))?;
    Ok(Exit::Done)
}

/// The latest snapshots, each with what it changed about the one before, if that is still kept.
async fn entries(store: &dyn StateStore, number: usize) -> Result<Vec<(Kept, Option<Difference>)>, Problem> {
    let mut all = store.history().await?.into_iter().peekable();
    let mut entries = Vec::new();
    let mut later = None;
    while let Some(kept) = all.next() {
        if entries.len() == number {
            break;
        }
        let own = match later.take() {
            Some(snapshot) => snapshot,
            None => store.recall(kept.serial).await?,
        };
        let difference = match all.peek() {
            Some(before) => {
                let before = store.recall(before.serial).await?;
                let difference = Difference::between(&before, &own);
                later = Some(before);
                Some(difference)
            }
            None => None,
        };
        entries.push((kept, difference));
    }
    Ok(entries)
}

/// Makes a kept snapshot the state again.
pub(super) fn rollback(
    serial: u64,
    folder: &Path,
    auto_approve: bool,
    changing: &Changing,
    session: &Session,
) -> Result<Exit, Problem> {
    let kept = kept(folder, &changing.common.variables, session)?;
    let store = &*kept.store;
    let as_json = changing.common.json;
    let runtime = session.runtime()?;
    let mut said = Difference::default();
    let mut approves = true;
    let made = change(store, "state rollback", changing, session, |before| {
        let wanted = runtime.block_on(store.recall(serial))?;
        said = Difference::between(&before, &wanted);
        if said.is_empty() {
            return Ok(None);
        }
        if !as_json {
            terminal::print(&render::history::difference(&said))?;
            terminal::say(&format!(
                "\nThis is what changes about the record, from serial {} to what was recorded at {serial}. Clusters and hosts stay as they \
                 are: \"meshform plan\" shows then how they differ.\n",
                before.serial
            ));
        }
        approves = approved("Make this the state?", auto_approve, as_json)?;
        Ok(approves.then(|| Change { after: replaced(&before, wanted), before }))
    })?;
    if as_json {
        return document(json!({ "rolled_back": made.is_some(), "changes": json::state::difference(&said) }));
    }
    match (made, approves) {
        (Some(_), _) => terminal::say(&format!("The state records what it did at serial {serial}.\n")),
        (None, true) => {
            terminal::say(&format!("The state records what it did at serial {serial} already.\n"))
        }
        (None, false) => return Ok(Exit::Failed),
    }
    Ok(Exit::Done)
}
