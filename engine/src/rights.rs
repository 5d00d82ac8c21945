//! What whoever plans and applies a stack must be allowed to do on its targets: what the targets themselves say of a plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::{Address, TargetAddress};
use crate::diagnostic::Diagnostic;
use crate::pipeline::{Failure, Planned, World};
use crate::plan::Change;
use crate::ports::{ObserveItem, ReadItem};
use crate::value::Value;

/// What it takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rights {
    /// By target, documents that grant it. Targets that know of no rights have none.
    pub documents: BTreeMap<TargetAddress, Vec<Value>>,
    /// What is not among it, as only an apply tells where it is or what it is there.
    pub untold: BTreeSet<Address>,
}

/// What it takes to make this plan, to apply it, and to take it all down. The targets are those that it was made with.
///
/// # Errors
/// When a target cannot tell.
pub async fn rights(planned: &Planned, world: &World) -> Result<Rights, Failure> {
    let changes = &planned.plan.changes;
    let mut rights = Rights { untold: changes.iter().filter_map(untold).collect(), ..Rights::default() };
    for target in planned.plan.targets.keys() {
        let Some(connected) = world.connection(target) else { continue };
        let own = changes.iter().filter(|change| change.target.as_ref() == Some(target));
        let items: Vec<_> = own.clone().flat_map(items).collect();
        let before = planned.read.get(target).into_iter().flatten().cloned();
        let read: Vec<_> = own.filter_map(read_later).chain(before).collect();
        let granted = connected.rights(&items, &read).await.map_err(|error| {
            Diagnostic::error(error.summary.clone(), format!("{} (at {target})", error.detail))
        })?;
        if !granted.is_empty() {
            rights.documents.insert(target.clone(), granted);
        }
    }
    Ok(rights)
}

fn untold(change: &Change) -> Option<Address> {
    let is_told = change.identity.is_some() || change.prior_identity.is_some();
    (!is_told && change.target.is_some() && read_later(change).is_none()).then(|| change.address.clone())
}

/// What a change is about: what is to be there, and what is to go.
fn items(change: &Change) -> Vec<ObserveItem> {
    let item = |identity: &String, desired: Option<&Value>| ObserveItem {
        address: change.address.clone(),
        kind: change.kind.clone(),
        identity: identity.clone(),
        desired: desired.cloned(),
        record: None,
    };
    let there = change.identity.iter().map(|identity| item(identity, change.desired.as_ref()));
    there.chain(change.prior_identity.iter().map(|identity| item(identity, None))).collect()
}

/// What an apply looks up.
fn read_later(change: &Change) -> Option<ReadItem> {
    let kind = change.address.data_type()?.to_owned();
    Some(ReadItem { address: change.address.clone(), kind, arguments: change.desired.clone()? })
}
