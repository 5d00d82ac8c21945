//! What a journal holds.

use std::collections::BTreeMap;

use crate::address::{Address, TargetAddress};
use crate::plan::StepOperation;
use crate::state::Record;
use crate::value::Value;

/// One entry of a journal. The closed set of things that can happen in an apply.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The apply begins against these targets.
    Began {
        /// When, in milliseconds since the epoch.
        at_ms: i64,
        /// The targets' identities.
        targets: BTreeMap<TargetAddress, String>,
    },
    /// A step is about to touch its target. Durable before the effect is tried.
    Started {
        /// When, in milliseconds since the epoch.
        at_ms: i64,
        /// The instance.
        address: Address,
        /// What is tried.
        operation: StepOperation,
        /// What must be looked for if no end follows: the record as it stands, or as it will begin, incomplete.
        intent: Record,
    },
    /// A step came to its end.
    Succeeded {
        /// When, in milliseconds since the epoch.
        at_ms: i64,
        /// The instance.
        address: Address,
        /// What was done.
        operation: StepOperation,
        /// The record from now on; `None` if the instance is gone.
        record: Option<Record>,
    },
    /// A step failed.
    Failed {
        /// When, in milliseconds since the epoch.
        at_ms: i64,
        /// The instance.
        address: Address,
        /// What was tried.
        operation: StepOperation,
        /// Why. Holds no secrets.
        error: String,
        /// The record from now on; `None` if nothing is there.
        record: Option<Record>,
    },
    /// The apply came to its end.
    Ended {
        /// When, in milliseconds since the epoch.
        at_ms: i64,
        /// The outputs from now on; `None` if a failure kept them from being known.
        outputs: Option<BTreeMap<String, Value>>,
    },
}
