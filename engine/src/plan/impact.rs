//! What a draft's changes bring about besides: each target is asked once, when all else is known.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::{Action, Change, Draft, Sights};
use crate::address::TargetAddress;
use crate::pipeline::World;
use crate::ports::{ImpactItem, Observed};

/// Asks the targets of a draft's changes for their consequences, and writes them down. Nothing is asked where nothing changes.
pub(crate) async fn weigh(draft: &mut Draft, sights: &Sights, world: &World) {
    let mut asked: BTreeMap<&TargetAddress, Vec<ImpactItem>> = BTreeMap::new();
    for change in draft.changes.values() {
        if let (Some(target), Some(item)) = (&change.target, item(change, sights)) {
            asked.entry(target).or_default().push(item);
        }
    }
    let answers = asked.iter().map(|(target, items)| async {
        let target = world.connection(target)?;
        let impacts = target.impact(items).await;
        Some(items.iter().map(|item| item.address.clone()).zip(impacts).collect::<Vec<_>>())
    });
    for (address, impact) in join_all(answers).await.into_iter().flatten().flatten() {
        if let Some(change) = draft.changes.get_mut(&address) {
            change.impact = impact;
        }
    }
}

fn item(change: &Change, sights: &Sights) -> Option<ImpactItem> {
    let (is_kept, replaced) = match change.action {
        Action::Create | Action::Update | Action::Adopt => (true, false),
        Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst => (true, true),
        Action::Delete => (false, false),
        Action::NoOp | Action::Forget | Action::Refresh | Action::Read | Action::Defer | Action::Step => {
            return None;
        }
    };
    let identity = change.identity.clone()?;
    let key = (change.address.clone(), change.target.clone()?, identity.clone());
    let before = match sights.observed.get(&key) {
        Some(Ok(Observed::Present(there))) => Some(there.attributes.clone()),
        _ => None,
    };
    Some(ImpactItem {
        address: change.address.clone(),
        kind: change.kind.clone(),
        identity,
        before,
        after: is_kept.then(|| change.planned.clone()),
        replaced,
    })
}
