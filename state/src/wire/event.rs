//! A journal's entries.

use std::collections::BTreeMap;

use meshform_engine::address::{Address, TargetAddress};
use meshform_engine::apply::Event;
use meshform_engine::plan::StepOperation;
use meshform_engine::ports::Operation;
use meshform_engine::value::Fingerprinter;
use serde::{Deserialize, Serialize};

use super::Text;
use super::state::{RecordBody, into_targets, targets};
use super::value::Stored;

/// An event's image.
#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum EventBody {
    Began {
        at_ms: i64,
        targets: BTreeMap<Text<TargetAddress>, String>,
    },
    Started {
        at_ms: i64,
        address: Text<Address>,
        operation: OperationBody,
        intent: RecordBody,
    },
    Succeeded {
        at_ms: i64,
        address: Text<Address>,
        operation: OperationBody,
        #[serde(skip_serializing_if = "Option::is_none")]
        record: Option<RecordBody>,
    },
    Failed {
        at_ms: i64,
        address: Text<Address>,
        operation: OperationBody,
        error: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        record: Option<RecordBody>,
    },
    Ended {
        at_ms: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        outputs: Option<BTreeMap<String, Stored>>,
    },
}

/// A step's operation's image.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OperationBody {
    Create,
    Update,
    Delete,
    Record,
    Forget,
    /// Only in plans: a journal does not tell of what was looked up.
    Read,
}

impl EventBody {
    /// The image of an event, without its secrets.
    pub(crate) fn new(event: &Event, keyed: &dyn Fingerprinter) -> Self {
        match event.clone() {
            Event::Began { at_ms, targets: identities } => {
                Self::Began { at_ms, targets: targets(&identities) }
            }
            Event::Started { at_ms, address, operation, intent } => Self::Started {
                at_ms,
                address: Text(address),
                operation: operation.into(),
                intent: RecordBody::new(&intent, keyed),
            },
            Event::Succeeded { at_ms, address, operation, record } => Self::Succeeded {
                at_ms,
                address: Text(address),
                operation: operation.into(),
                record: record.map(|record| RecordBody::new(&record, keyed)),
            },
            Event::Failed { at_ms, address, operation, error, record } => Self::Failed {
                at_ms,
                address: Text(address),
                operation: operation.into(),
                error,
                record: record.map(|record| RecordBody::new(&record, keyed)),
            },
            Event::Ended { at_ms, outputs } => {
                Self::Ended { at_ms, outputs: outputs.map(|outputs| Stored::all(&outputs, keyed)) }
            }
        }
    }

    /// The event.
    pub(crate) fn into_event(self) -> Event {
        match self {
            Self::Began { at_ms, targets } => Event::Began { at_ms, targets: into_targets(targets) },
            Self::Started { at_ms, address, operation, intent } => Event::Started {
                at_ms,
                address: address.0,
                operation: operation.into(),
                intent: intent.into_record(),
            },
            Self::Succeeded { at_ms, address, operation, record } => Event::Succeeded {
                at_ms,
                address: address.0,
                operation: operation.into(),
                record: record.map(RecordBody::into_record),
            },
            Self::Failed { at_ms, address, operation, error, record } => Event::Failed {
                at_ms,
                address: address.0,
                operation: operation.into(),
                error,
                record: record.map(RecordBody::into_record),
            },
            Self::Ended { at_ms, outputs } => {
                Event::Ended { at_ms, outputs: outputs.map(Stored::into_values) }
            }
        }
    }
}

impl From<StepOperation> for OperationBody {
    fn from(operation: StepOperation) -> Self {
        match operation {
            StepOperation::Perform(Operation::Create) => Self::Create,
            StepOperation::Perform(Operation::Update) => Self::Update,
            StepOperation::Perform(Operation::Delete) => Self::Delete,
            StepOperation::Record => Self::Record,
            StepOperation::Forget => Self::Forget,
            StepOperation::Read => Self::Read,
        }
    }
}

impl From<OperationBody> for StepOperation {
    fn from(operation: OperationBody) -> Self {
        match operation {
            OperationBody::Create => Self::Perform(Operation::Create),
            OperationBody::Update => Self::Perform(Operation::Update),
            OperationBody::Delete => Self::Perform(Operation::Delete),
            OperationBody::Record => Self::Record,
            OperationBody::Forget => Self::Forget,
            OperationBody::Read => Self::Read,
        }
    }
}
