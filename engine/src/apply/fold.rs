//! The journal's meaning: every question about an apply is answered by folding its events.

use std::collections::BTreeMap;

use thiserror::Error;

use super::Event;
use crate::address::Address;
use crate::plan::StepOperation;
use crate::ports::Operation;
use crate::state::{Record, RecordStatus, Snapshot};
use crate::value::Value;

/// Why a journal has no meaning: its history is not one that an apply can have.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("follow the journal at its entry {entry}: {problem}")]
pub struct FoldError {
    /// The entry, from 1.
    pub entry: usize,
    /// What is impossible about it.
    pub problem: String,
}

/// A fold under way: the state so far, and the steps that have begun and not ended.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    pub(crate) snapshot: Snapshot,
    open: BTreeMap<Address, StepOperation>,
    entries: usize,
}

/// The state after these events. A step that began and has no end leaves its record incomplete: only a look tells what is there.
///
/// # Errors
/// When the events are not a possible history: illegal ones are rejected, never guessed at.
pub fn fold(snapshot: Snapshot, events: impl IntoIterator<Item = Event>) -> Result<Snapshot, FoldError> {
    let mut fold = Fold::new(snapshot);
    for event in events {
        fold.add(event)?;
    }
    Ok(fold.snapshot)
}

impl Fold {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self { snapshot, ..Self::default() }
    }

    pub(crate) fn add(&mut self, event: Event) -> Result<(), FoldError> {
        self.entries += 1;
        self.step(event).map_err(|problem| FoldError { entry: self.entries, problem })
    }

    fn step(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Began { targets, .. } => self.snapshot.targets.extend(targets),
            Event::Started { address, operation, intent, .. } => self.start(address, operation, intent)?,
            Event::Succeeded { address, operation, record, .. } => {
                self.close(&address, operation)?;
                if record.is_some() == removes(operation) {
                    return Err(format!("{address} has the outcome of another operation"));
                }
                self.put(address, record);
            }
            Event::Failed { address, operation, record, .. } => {
                self.close(&address, operation)?;
                self.put(address, record);
            }
            Event::Ended { outputs, .. } => self.end(outputs)?,
        }
        Ok(())
    }

    fn start(&mut self, address: Address, operation: StepOperation, intent: Record) -> Result<(), String> {
        if operation == StepOperation::Read {
            return Err(format!("{address} was only looked up, which leaves no trace"));
        }
        if self.open.insert(address.clone(), operation).is_some() {
            return Err(format!("{address} starts while an earlier step of it is under way"));
        }
        if operation != StepOperation::Forget {
            let record = Record { status: RecordStatus::Incomplete, ..intent };
            self.snapshot.records.insert(address, record);
        }
        Ok(())
    }

    fn close(&mut self, address: &Address, operation: StepOperation) -> Result<(), String> {
        match self.open.remove(address) {
            Some(started) if started == operation => Ok(()),
            Some(_) => Err(format!("{address} ends another operation than it began")),
            None => Err(format!("{address} ends without having begun")),
        }
    }

    fn put(&mut self, address: Address, record: Option<Record>) {
        match record {
            Some(record) => self.snapshot.records.insert(address, record),
            None => self.snapshot.records.remove(&address),
        };
    }

    fn end(&mut self, outputs: Option<BTreeMap<String, Value>>) -> Result<(), String> {
        if let Some(address) = self.open.keys().next() {
            return Err(format!("the apply ends while {address} is under way"));
        }
        if let Some(outputs) = outputs {
            self.snapshot.outputs = outputs;
        }
        Ok(())
    }
}

fn removes(operation: StepOperation) -> bool {
    matches!(operation, StepOperation::Forget | StepOperation::Perform(Operation::Delete))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            vec![Event::Started {
                at_ms: 0,
                address: address(),
                operation: StepOperation::Read,
                intent: record(RecordStatus::Complete),
            }],
            Err("follow the journal at its entry 1: value.x was only looked up, which leaves no trace"),
        );
        check(
            vec![started(Operation::Create), Event::Ended { at_ms: 0, outputs: None }],
            Err("follow the journal at its entry 2: the apply ends while value.x is under way"),
        );
    }
}
