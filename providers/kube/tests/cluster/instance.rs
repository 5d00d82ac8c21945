//! One instance of a stack, as the engine knows it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use meshform_engine::address::Address;
use meshform_engine::ports::{ObserveItem, Performed, Provider};
use meshform_engine::state::{Record, RecordStatus};
use meshform_engine::value::{Fingerprinter, Value, from_json};
use meshform_provider_kube::KubeProvider;
use serde_json::Value as Json;

/// One instance as the engine knows it.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) address: Address,
    pub(crate) desired: Option<Value>,
    pub(crate) record: Option<Arc<Record>>,
    pub(crate) timeout_ms: u64,
}

impl Instance {
    /// A new instance with a manifest.
    pub(crate) fn new(name: &str, manifest: Json) -> Self {
        Self::of_value(name, from_json(&manifest))
    }

    /// The same of a value, which may have marks.
    pub(crate) fn of_value(name: &str, manifest: Value) -> Self {
        let desired = Value::object([
            ("manifest".to_owned(), manifest),
            ("wait".to_owned(), true.into()),
            ("force_conflicts".to_owned(), false.into()),
        ]);
        let address = Address::new("kube_object", name);
        Self { address, desired: Some(desired), record: None, timeout_ms: 30_000 }
    }

    /// A new instance of another type.
    pub(crate) fn of_type(kind: &str, name: &str, attributes: Json) -> Self {
        let (address, desired) = (Address::new(kind, name), Some(from_json(&attributes)));
        Self { address, desired, record: None, timeout_ms: 30_000 }
    }

    /// The same with another manifest.
    pub(crate) fn with_manifest(&self, manifest: Json) -> Self {
        self.with("manifest", from_json(&manifest))
    }

    /// The same with another attribute.
    pub(crate) fn with(&self, name: &str, value: impl Into<Value>) -> Self {
        let mut fields = self.desired.as_ref().and_then(Value::as_map).unwrap().clone();
        fields.insert(name.to_owned(), value.into());
        Self { desired: Some(Value::object(fields)), ..self.clone() }
    }

    /// The same, no longer recorded.
    pub(crate) fn forgotten(&self) -> Self {
        Self { record: None, ..self.clone() }
    }

    /// The same, no longer wanted.
    pub(crate) fn unwanted(&self) -> Self {
        Self { desired: None, ..self.clone() }
    }

    /// The same, with a shorter time limit.
    pub(crate) fn within_ms(&self, timeout_ms: u64) -> Self {
        Self { timeout_ms, ..self.clone() }
    }

    /// What it is in the cluster.
    pub(crate) fn identity(&self, provider: &KubeProvider) -> String {
        let recorded = self.record.as_ref().map(|record| record.identity.clone());
        let desired = self.desired.as_ref();
        desired
            .and_then(|desired| provider.identify(&self.address.kind, &self.address, desired))
            .or(recorded)
            .unwrap()
    }

    /// What the cluster is asked about it.
    pub(crate) fn item(&self, provider: &KubeProvider) -> ObserveItem {
        ObserveItem {
            address: self.address.clone(),
            kind: self.address.kind.clone(),
            identity: self.identity(provider),
            desired: self.desired.clone(),
            record: self.record.clone(),
        }
    }

    /// As the state keeps it: sensitive leaves are fingerprints.
    pub(crate) fn recorded(&self, performed: &Performed, provider: &KubeProvider) -> Self {
        let record = Record {
            target: None,
            identity: self.identity(provider),
            attributes: performed.attributes.redacted(&Keyed),
            private: performed.private.clone(),
            depends_on: Vec::new(),
            status: RecordStatus::Complete,
        };
        Self { record: (!performed.attributes.is_null()).then(|| Arc::new(record)), ..self.clone() }
    }
}

/// Fingerprints for as long as the test runs.
pub(crate) struct Keyed;

impl Fingerprinter for Keyed {
    fn fingerprint(&self, value: &Value) -> String {
        let mut hasher = DefaultHasher::new();
        format!("{:?}", value.unmarked()).hash(&mut hasher);
        format!("{:x}", hasher.finish())
    }
}
