//! Changes of what is recorded that touch no target: each gives the state as it is to be. [`rewrite`](super::rewrite) makes it so.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::Snapshot;
use crate::address::Address;
use crate::config::{Move, Named};
use crate::diagnostic::did_you_mean;

/// Why a state cannot be changed in such a way.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EditError {
    /// There is nothing of that name.
    #[error("find {named} in the state: nothing is recorded of it")]
    NotRecorded {
        /// What was looked for.
        named: String,
        /// What may have been meant.
        similar: Option<String>,
    },
    /// One of the two is a module, and the other is none.
    #[error("move {from} to {to}: a resource moves to a resource's address, and a module to a module's")]
    OtherSort {
        /// What was to move.
        from: String,
        /// Where to.
        to: String,
    },
    /// The two are of different resource types.
    #[error("move {from} to {to}: a resource stays of its type")]
    OtherType {
        /// What was to move.
        from: String,
        /// Where to.
        to: String,
    },
    /// Something is recorded there already.
    #[error("move {from} to {to}: something is recorded there already")]
    Occupied {
        /// What was to move.
        from: String,
        /// Where to.
        to: String,
    },
    /// It is there already.
    #[error("move {from} to {to}: that is the same place")]
    SamePlace {
        /// What was to move.
        from: String,
        /// Where to.
        to: String,
    },
}

/// The state with something under another address, and each instance that moves: from where, to where. What depends on it does so as before.
///
/// # Errors
/// When nothing is recorded of it, something is where it is to go, or the two are not of one sort.
pub fn moved(
    snapshot: &Snapshot,
    from: &Named,
    to: &Named,
) -> Result<(Snapshot, BTreeMap<Address, Address>), EditError> {
    fits(from, to)?;
    let step = Move { from: from.clone(), to: to.clone(), span: None };
    let ways: BTreeMap<_, _> =
        snapshot.records.keys().filter_map(|address| Some((address.clone(), step.of(address)?))).collect();
    if ways.is_empty() {
        return Err(not_recorded(from, snapshot));
    }
    if ways.iter().all(|(from, to)| from == to) {
        return Err(EditError::SamePlace { from: from.to_string(), to: to.to_string() });
    }
    let mut taken: BTreeSet<_> = snapshot.records.keys().filter(|it| !ways.contains_key(*it)).collect();
    if let Some((from, to)) = ways.iter().find(|(_, to)| !taken.insert(to)) {
        return Err(EditError::Occupied { from: from.to_string(), to: to.to_string() });
    }
    let records = snapshot.records.iter().map(|(address, record)| {
        let mut record = record.clone();
        record.depends_on = record.depends_on.iter().flat_map(|it| followed(it, &step, &ways)).collect();
        let Some(to) = ways.get(address) else { return (address.clone(), record) };
        // What lives nowhere is known by its address.
        if record.identity == address.to_string() {
            record.identity = to.to_string();
        }
        (to.clone(), record)
    });
    let after = Snapshot { records: records.collect(), ..snapshot.clone() };
    Ok((after, ways))
}

/// The state without these, and the instances that it then knows nothing of.
///
/// # Errors
/// When nothing is recorded of one of them.
pub fn removed(snapshot: &Snapshot, named: &[Named]) -> Result<(Snapshot, Vec<Address>), EditError> {
    let is_meant = |named: &Named| snapshot.records.keys().any(|address| named.contains(address));
    if let Some(missing) = named.iter().find(|named| !is_meant(named)) {
        return Err(not_recorded(missing, snapshot));
    }
    let mut after = snapshot.clone();
    let gone = after.records.extract_if(.., |address, _| named.iter().any(|named| named.contains(address)));
    let gone = gone.map(|(address, _)| address).collect();
    Ok((after, gone))
}

/// The state with what another one records, under the lineage and serial that it has.
pub fn replaced(snapshot: &Snapshot, by: Snapshot) -> Snapshot {
    Snapshot { lineage: snapshot.lineage.clone(), serial: snapshot.serial, ..by }
}

/// Complains of what nothing is recorded of, and says what may be meant.
pub fn not_recorded(named: &Named, snapshot: &Snapshot) -> EditError {
    let wanted = named.to_string();
    let known: BTreeSet<_> = match named {
        Named::Resource(address) if address.keys.is_empty() => {
            snapshot.records.keys().flat_map(|it| [it.block().to_string(), it.to_string()]).collect()
        }
        Named::Resource(_) => snapshot.records.keys().map(ToString::to_string).collect(),
        Named::Module(_) => {
            let modules = snapshot.records.keys().map(|it| &it.module).filter(|module| !module.0.is_empty());
            modules.flat_map(|module| [module.path().to_string(), module.to_string()]).collect()
        }
    };
    let similar = did_you_mean(&wanted, known.iter().map(String::as_str)).map(str::to_owned);
    EditError::NotRecorded { named: wanted, similar }
}

fn fits(from: &Named, to: &Named) -> Result<(), EditError> {
    let (shown_from, shown_to) = (from.to_string(), to.to_string());
    match (from, to) {
        (Named::Resource(from), Named::Resource(to)) if from.kind != to.kind => {
            Err(EditError::OtherType { from: shown_from, to: shown_to })
        }
        (Named::Resource(_), Named::Resource(_)) | (Named::Module(_), Named::Module(_)) => Ok(()),
        _ => Err(EditError::OtherSort { from: shown_from, to: shown_to }),
    }
}

/// What a dependency is after a move: where all that it means has gone, or, if only some of it has, both places.
fn followed(needed: &Address, step: &Move, ways: &BTreeMap<Address, Address>) -> Vec<Address> {
    if let Some(to) = step.of(needed) {
        return vec![to];
    }
    let gone = ways.iter().filter(|(from, _)| needed.contains(from)).map(|(_, to)| to.clone());
    std::iter::once(needed.clone()).chain(gone).collect()
}

#[cfg(test)]
mod tests;
