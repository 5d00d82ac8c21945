//! A state.
//!
//! `lineage`, `serial`, `targets` (identities by target), `outputs` (values by name), and `instances` by address, each with `target`,
//! `identity`, `attributes` (a value), `depends_on` and `status` (`complete` or `incomplete`).

use meshform_engine::state::{Record, RecordStatus, Snapshot};
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
