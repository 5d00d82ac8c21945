//! The snapshots before the current one, each under its serial.

use meshform_engine::ports::{Kept, StoreError};
use meshform_engine::state::Snapshot;

use crate::documents::{self, Found, HISTORY, STATE, invalid, refused};
use crate::storage::{Condition, Storage};
use crate::upgrade;
use crate::wire::state::StateBody;

/// How many former snapshots are kept.
const KEPT_MAX: usize = 100;

/// Keeps a snapshot that is about to be replaced. One of its serial may be kept already: it is the same.
///
/// # Errors
/// When it cannot be written.
pub(crate) async fn keep(storage: &dyn Storage, former: &StateBody) -> Result<(), StoreError> {
    documents::write(storage, &name(former.serial), &upgrade::STATE, former, Condition::Absent).await?;
    Ok(())
}

/// Removes the oldest snapshots above [`KEPT_MAX`], as well as that can be done: too many do no harm.
pub(crate) async fn prune(storage: &dyn Storage) {
    let names = names(storage).await.unwrap_or_default();
    for name in names.iter().take(names.len().saturating_sub(KEPT_MAX)) {
        if storage.remove(name).await.is_err() {
            return;
        }
    }
}

/// The names of all former snapshots, oldest first.
///
/// # Errors
/// When they cannot be listed.
pub(crate) async fn names(storage: &dyn Storage) -> Result<Vec<String>, StoreError> {
    let mut names = storage.list(HISTORY).await.map_err(refused)?;
    names.sort_by_key(|name| serial(name));
    Ok(names)
}

/// All snapshots, newest first.
///
/// # Errors
/// When one cannot be read.
pub(crate) async fn all(storage: &dyn Storage) -> Result<Vec<Kept>, StoreError> {
    let mut names = names(storage).await?;
    names.push(STATE.to_owned());
    let mut all: Vec<Kept> = Vec::new();
    for name in names.iter().rev() {
        let found = read(storage, name).await?.map(|found| found.body.kept());
        // One that was kept and then not replaced is still the current one.
        all.extend(found.filter(|kept| all.last().is_none_or(|newer| kept.serial < newer.serial)));
    }
    Ok(all)
}

/// The snapshot of a serial.
///
/// # Errors
/// When it is not kept, or cannot be read.
pub(crate) async fn recall(storage: &dyn Storage, serial: u64) -> Result<Snapshot, StoreError> {
    for name in [STATE, name(serial).as_str()] {
        let body = read(storage, name).await?.map(|found| found.body);
        if let Some(body) = body.filter(|body| body.serial == serial) {
            return Ok(body.into_snapshot());
        }
    }
    Err(invalid(storage, STATE, format!("no snapshot of serial {serial} is kept")))
}

async fn read(storage: &dyn Storage, name: &str) -> Result<Option<Found<StateBody>>, StoreError> {
    documents::read(storage, name, &upgrade::STATE).await
}

fn name(serial: u64) -> String {
    format!("{HISTORY}{serial:08}.json")
}

fn serial(name: &str) -> Option<u64> {
    name.strip_prefix(HISTORY)?.strip_suffix(".json")?.parse().ok()
}
