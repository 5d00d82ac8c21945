//! The journal's meaning: every question about an apply is answered by folding its events.

use std::collections::BTreeMap;

use thiserror::Error;

use super::Event;
use crate::address::Address;
use crate::plan::StepOperation;
use crate::ports::Operation;
use crate::state::{Record, RecordStatus, Snapshot};

/// Why a journal has no meaning: its history is not one that an apply can have.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("follow the journal at its entry {entry}: {problem}")]
pub struct FoldError {
    /// The entry, from 1.
    pub entry: usize,
    /// What is impossible about it.
    pub problem: String,
}

/// The state after these events. A step that began and has no end leaves its record incomplete: only a look tells what is there.
///
/// # Errors
/// When the events are not a possible history: illegal ones are rejected, never guessed at.
pub fn fold(mut snapshot: Snapshot, events: impl IntoIterator<Item = Event>) -> Result<Snapshot, FoldError> {
    let mut open = BTreeMap::new();
    for (index, event) in events.into_iter().enumerate() {
        step(&mut snapshot, &mut open, event).map_err(|problem| FoldError { entry: index + 1, problem })?;
    }
    Ok(snapshot)
}

fn step(
    snapshot: &mut Snapshot,
    open: &mut BTreeMap<Address, StepOperation>,
    event: Event,
) -> Result<(), String> {
    match event {
        Event::Began { targets, .. } => snapshot.targets.extend(targets),
        Event::Started { address, operation, intent, .. } => {
            if open.insert(address.clone(), operation).is_some() {
                return Err(format!("{address} starts while an earlier step of it is under way"));
            }
            if operation != StepOperation::Forget {
                snapshot.records.insert(address, Record { status: RecordStatus::Incomplete, ..intent });
            }
        }
        Event::Succeeded { address, operation, record, .. } => {
            close(open, &address, operation)?;
            if record.is_some() == removes(operation) {
                return Err(format!("{address} has the outcome of another operation"));
            }
            put(snapshot, address, record);
        }
        Event::Failed { address, operation, record, .. } => {
            close(open, &address, operation)?;
            put(snapshot, address, record);
        }
        Event::Ended { outputs, .. } => {
            if let Some(address) = open.keys().next() {
                return Err(format!("the apply ends while {address} is under way"));
            }
            if let Some(outputs) = outputs {
                snapshot.outputs = outputs;
            }
        }
    }
    Ok(())
}

fn removes(operation: StepOperation) -> bool {
    matches!(operation, StepOperation::Forget | StepOperation::Perform(Operation::Delete))
}

fn close(
    open: &mut BTreeMap<Address, StepOperation>,
    address: &Address,
    operation: StepOperation,
) -> Result<(), String> {
    match open.remove(address) {
        Some(started) if started == operation => Ok(()),
        Some(_) => Err(format!("{address} ends another operation than it began")),
        None => Err(format!("{address} ends without having begun")),
    }
}

fn put(snapshot: &mut Snapshot, address: Address, record: Option<Record>) {
    match record {
        Some(record) => snapshot.records.insert(address, record),
        None => snapshot.records.remove(&address),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn address() -> Address {
        Address::new("value", "x")
    }

    fn record(status: RecordStatus) -> Record {
        Record {
            target: None,
            identity: "value.x".into(),
            attributes: Value::null(),
            private: serde_json::Value::Null,
            depends_on: Vec::new(),
            status,
        }
    }

    fn started(operation: Operation) -> Event {
        let operation = StepOperation::Perform(operation);
        Event::Started { at_ms: 0, address: address(), operation, intent: record(RecordStatus::Complete) }
    }

    fn succeeded(operation: Operation, record: Option<Record>) -> Event {
        Event::Succeeded {
            at_ms: 0,
            address: address(),
            operation: StepOperation::Perform(operation),
            record,
        }
    }

    fn check(events: Vec<Event>, expect: Result<Option<RecordStatus>, &str>) {
        let folded = fold(Snapshot::default(), events)
            .map(|snapshot| snapshot.records.get(&address()).map(|record| record.status))
            .map_err(|error| error.to_string());
        assert_eq!(folded.as_ref().map_err(String::as_str), expect.as_ref().map_err(|text| *text));
    }

    #[test]
    fn histories() {
        let complete = || Some(record(RecordStatus::Complete));
        check(vec![], Ok(None));
        check(vec![started(Operation::Create)], Ok(Some(RecordStatus::Incomplete)));
        check(
            vec![started(Operation::Create), succeeded(Operation::Create, complete())],
            Ok(Some(RecordStatus::Complete)),
        );
        check(vec![started(Operation::Delete)], Ok(Some(RecordStatus::Incomplete)));
        check(vec![started(Operation::Delete), succeeded(Operation::Delete, None)], Ok(None));
    }

    #[test]
    fn impossible_histories_are_rejected() {
        check(
            vec![succeeded(Operation::Create, None)],
            Err("follow the journal at its entry 1: value.x ends without having begun"),
        );
        check(
            vec![started(Operation::Create), started(Operation::Create)],
            Err("follow the journal at its entry 2: value.x starts while an earlier step of it is under way"),
        );
        check(
            vec![started(Operation::Delete), succeeded(Operation::Create, None)],
            Err("follow the journal at its entry 2: value.x ends another operation than it began"),
        );
        check(
            vec![started(Operation::Create), succeeded(Operation::Create, None)],
            Err("follow the journal at its entry 2: value.x has the outcome of another operation"),
        );
        check(
            vec![started(Operation::Create), Event::Ended { at_ms: 0, outputs: None }],
            Err("follow the journal at its entry 2: the apply ends while value.x is under way"),
        );
    }
}
