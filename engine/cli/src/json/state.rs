//! A state.
//!
//! `lineage`, `serial`, `targets` (identities by target), `outputs` (values by name), and `instances` by address, each with `target`,
//! `identity`, `attributes` (a value), `depends_on` and `status` (`complete` or `incomplete`).

use meshform_engine::ports::{Holder, Kept};
use meshform_engine::state::{Difference, Record, RecordStatus, Snapshot};
use serde_json::{Map, Value as Json, json};

use super::{FORMAT_VERSION, value};

/// The document.
pub(crate) fn document(snapshot: &Snapshot) -> Json {
    let instances = snapshot.records.iter();
    let targets = snapshot.targets.iter();
    json!({
        "format_version": FORMAT_VERSION,
        "lineage": snapshot.lineage,
        "serial": snapshot.serial,
        "targets": targets.map(|(target, identity)| (target.to_string(), json!(identity))).collect::<Map<_, _>>(),
        "outputs": value::by_name(&snapshot.outputs),
        "instances": instances.map(|(address, found)| (address.to_string(), record(found))).collect::<Map<_, _>>(),
    })
}

/// One instance.
pub(crate) fn record(record: &Record) -> Json {
    json!({
        "target": record.target.as_ref().map(ToString::to_string),
        "identity": record.identity,
        "attributes": value::redacted(&record.attributes),
        "depends_on": record.depends_on.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "status": match record.status {
            RecordStatus::Complete => "complete",
            RecordStatus::Incomplete => "incomplete",
        },
    })
}

/// What is different in a state: addresses `added`, `changed` and `removed`, and names of `outputs`.
pub(crate) fn difference(difference: &Difference) -> Json {
    let texts = |addresses: &[meshform_engine::address::Address]| {
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    json!({
        "added": texts(&difference.added),
        "changed": texts(&difference.changed),
        "removed": texts(&difference.removed),
        "outputs": difference.outputs,
    })
}

/// A state that is kept; `changes` are null if the one before is not kept any more.
pub(crate) fn kept((kept, changes): &(Kept, Option<Difference>)) -> Json {
    json!({
        "serial": kept.serial,
        "instances": kept.records,
        "at": kept.made.as_ref().map(|made| &made.at),
        "by": kept.made.as_ref().map(|made| &made.by),
        "operation": kept.made.as_ref().map(|made| &made.operation),
        "note": kept.made.as_ref().and_then(|made| made.note.as_ref()),
        "changes": changes.as_ref().map(difference),
    })
}

/// Who holds a lock.
pub(crate) fn holder(holder: &Holder) -> Json {
    json!({
        "holder": holder.holder,
        "process": holder.process,
        "operation": holder.operation,
        "since": holder.since,
        "heartbeat_age_ms": holder.heartbeat_age_ms,
        "token": holder.token,
        "is_dead": holder.is_dead,
    })
}
