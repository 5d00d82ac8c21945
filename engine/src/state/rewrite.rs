//! Making another state of one, as an apply does that touches no target: by a journal, so that one that is cut off is settled as any other.

use super::{Record, Snapshot};
use crate::address::Address;
use crate::apply::{Event, fold};
use crate::plan::StepOperation;
use crate::ports::{Lease, StateStore, StoreError};

/// Makes `after` the state of a store whose state is `before`, under its lease.
///
/// # Errors
/// When the store fails, or the lease is lost. What was done until then is settled by whoever comes next.
pub async fn rewrite(
    store: &dyn StateStore,
    lease: &dyn Lease,
    before: &Snapshot,
    after: &Snapshot,
    at_ms: i64,
) -> Result<Snapshot, StoreError> {
    let events = events(before, after, at_ms);
    let folded = fold(before.clone(), events.clone()).map_err(|error| StoreError::Invalid {
        what: "the changed state".to_owned(),
        problem: error.to_string(),
    })?;
    let mut journal = store.begin(lease, before).await?;
    journal.append(&events).await?;
    journal.finish(folded.clone()).await?;
    Ok(folded)
}

/// The events that make one state of another. What is recorded anew comes first: cut off in between, a thing is recorded twice rather than
/// not at all, and a plan sees that the two are one.
pub fn events(before: &Snapshot, after: &Snapshot, at_ms: i64) -> Vec<Event> {
    let written =
        after.records.iter().filter(|(address, record)| before.records.get(*address) != Some(*record));
    let written = written.flat_map(|(address, record)| {
        step(at_ms, address, StepOperation::Record, record, Some(record.clone()))
    });
    let gone = before.records.iter().filter(|(address, _)| !after.records.contains_key(*address));
    let gone = gone.flat_map(|(address, record)| step(at_ms, address, StepOperation::Forget, record, None));
    let began = Event::Began { at_ms, targets: after.targets.clone() };
    let ended = Event::Ended { at_ms, outputs: Some(after.outputs.clone()) };
    [began].into_iter().chain(written).chain(gone).chain([ended]).collect()
}

fn step(
    at_ms: i64,
    address: &Address,
    operation: StepOperation,
    intent: &Record,
    record: Option<Record>,
) -> [Event; 2] {
    let (address, intent) = (address.clone(), intent.clone());
    [
        Event::Started { at_ms, address: address.clone(), operation, intent },
        Event::Succeeded { at_ms, address, operation, record },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample::{snapshot, text};

    fn check(before: &[&str], after: &[&str]) {
        let (before, after) = (snapshot(before), snapshot(after));
        let events = events(&before, &after, 7);
        assert_eq!(fold(before.clone(), events.clone()), Ok(after.clone()));
        // However few of the events come to be, nothing that both states know is forgotten, and what moves is recorded somewhere.
        for count in 0..events.len() {
            let cut = fold(before.clone(), events[..count].iter().cloned()).unwrap();
            let both = before.records.keys().filter(|it| after.records.contains_key(*it));
            assert!(
                both.into_iter().all(|address| cut.records.contains_key(address)),
                "{count}: {:?}",
                text(&cut)
            );
            let whole = after.records.keys().all(|address| cut.records.contains_key(address));
            let old = before.records.keys().all(|address| cut.records.contains_key(address));
            assert!(whole || old, "{count}: {:?}", text(&cut));
        }
    }

    #[test]
    fn events_make_one_state_of_another() {
        check(&[], &["value.a"]);
        check(&["value.a"], &[]);
        check(&["value.a", "value.b"], &["value.a", "value.c"]);
        check(&["value.a", "value.b <- value.a"], &["value.c", "value.b <- value.c"]);
    }
}
