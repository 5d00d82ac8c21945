//! The snapshot and its records.

use std::collections::BTreeMap;

use meshform_engine::address::{Address, TargetAddress};
use meshform_engine::ports::{Kept, Made};
use meshform_engine::state::{Record, RecordStatus, Snapshot};
use meshform_engine::value::Fingerprinter;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Text;
use super::value::Stored;

/// A snapshot's image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateBody {
    pub(crate) lineage: String,
    pub(crate) serial: u64,
    /// The token of the lease under which it was written. A run that takes over from another writes the state under its own, so that no
    /// write of the other's finds it as it was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) token: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) made: Option<MadeBody>,
    pub(crate) targets: BTreeMap<Text<TargetAddress>, String>,
    pub(crate) outputs: BTreeMap<String, Stored>,
    pub(crate) records: BTreeMap<Text<Address>, RecordBody>,
}

/// The image of how a snapshot came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MadeBody {
    /// When, RFC 3339.
    pub(crate) at: String,
    /// By whom: user and machine.
    pub(crate) by: String,
    /// By what.
    pub(crate) operation: String,
    /// What else is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

/// A record's image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Text<TargetAddress>>,
    identity: String,
    #[serde(with = "StatusBody")]
    status: RecordStatus,
    attributes: Stored,
    #[serde(default, skip_serializing_if = "Json::is_null")]
    private: Json,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<Text<Address>>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RecordStatus", rename_all = "snake_case")]
enum StatusBody {
    Complete,
    Incomplete,
}

impl StateBody {
    /// The image of a snapshot, without its secrets.
    pub(crate) fn new(snapshot: &Snapshot, keyed: &dyn Fingerprinter) -> Self {
        let records = snapshot.records.iter();
        Self {
            lineage: snapshot.lineage.clone(),
            serial: snapshot.serial,
            token: 0,
            made: None,
            targets: targets(&snapshot.targets),
            outputs: Stored::all(&snapshot.outputs, keyed),
            records: records
                .map(|(address, record)| (Text(address.clone()), RecordBody::new(record, keyed)))
                .collect(),
        }
    }

    /// The snapshot.
    pub(crate) fn into_snapshot(self) -> Snapshot {
        let records = self.records.into_iter();
        Snapshot {
            lineage: self.lineage,
            serial: self.serial,
            records: records.map(|(address, record)| (address.0, record.into_record())).collect(),
            targets: into_targets(self.targets),
            outputs: Stored::into_values(self.outputs),
        }
    }

    /// What is told about it where it is only listed.
    pub(crate) fn kept(self) -> Kept {
        let made = self.made.map(|MadeBody { at, by, operation, note }| Made { at, by, operation, note });
        Kept { serial: self.serial, made, records: self.records.len() }
    }

    /// Whether nothing was ever recorded in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.serial == 0 && self.targets.is_empty() && self.outputs.is_empty() && self.records.is_empty()
    }

    /// Whether all that it records is the same, whatever it is called and however it came about.
    pub(crate) fn has_content_of(&self, other: &Self) -> bool {
        self.targets == other.targets && self.outputs == other.outputs && self.records == other.records
    }
}

impl RecordBody {
    /// The image of a record, without its secrets.
    pub(crate) fn new(record: &Record, keyed: &dyn Fingerprinter) -> Self {
        Self {
            target: record.target.clone().map(Text),
            identity: record.identity.clone(),
            status: record.status,
            attributes: Stored::new(&record.attributes, keyed),
            private: record.private.clone(),
            depends_on: record.depends_on.iter().cloned().map(Text).collect(),
        }
    }

    /// The record.
    pub(crate) fn into_record(self) -> Record {
        Record {
            target: self.target.map(|target| target.0),
            identity: self.identity,
            attributes: self.attributes.into_value(),
            private: self.private,
            depends_on: self.depends_on.into_iter().map(|address| address.0).collect(),
            status: self.status,
        }
    }
}

/// The image of targets' identities.
pub(crate) fn targets(targets: &BTreeMap<TargetAddress, String>) -> BTreeMap<Text<TargetAddress>, String> {
    targets.iter().map(|(target, identity)| (Text(target.clone()), identity.clone())).collect()
}

/// Targets' identities.
pub(crate) fn into_targets(
    targets: BTreeMap<Text<TargetAddress>, String>,
) -> BTreeMap<TargetAddress, String> {
    targets.into_iter().map(|(target, identity)| (target.0, identity)).collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_zero(token: &u64) -> bool {
    *token == 0
}
