//! Applies that write something to a store.

use std::collections::BTreeMap;

use meshform_engine::address::Address;
use meshform_engine::apply::{Event, fold};
use meshform_engine::plan::StepOperation;
use meshform_engine::ports::{Operation, StateStore};
use meshform_engine::state::{Record, RecordStatus};
use meshform_engine::value::Value;

pub(crate) const IDENTITY: &str = "the-identity-of-it";
pub(crate) const TEXT: &str = "the-content-of-it";

/// Creates a `value` of that name.
fn events(name: &str) -> [Event; 3] {
    let address = Address::new("value", name);
    let operation = StepOperation::Perform(Operation::Create);
    let record = Record {
        target: None,
        identity: IDENTITY.into(),
        attributes: Value::object([("text".into(), Value::string(TEXT))]),
        private: serde_json::Value::Null,
        depends_on: Vec::new(),
        status: RecordStatus::Complete,
    };
    [
        Event::Began { at_ms: 1, targets: BTreeMap::new() },
        Event::Started { at_ms: 2, address: address.clone(), operation, intent: record.clone() },
        Event::Succeeded { at_ms: 3, address, operation, record: Some(record) },
    ]
}

/// A whole apply.
pub(crate) async fn apply(store: &dyn StateStore, name: &str) {
    let lease = store.lock("apply", 0).await.unwrap();
    let prior = store.load().await.unwrap().snapshot;
    let mut journal = store.begin(&*lease, &prior).await.unwrap();
    journal.append(&events(name)).await.unwrap();
    journal.finish(fold(prior, events(name)).unwrap()).await.unwrap();
    lease.release().await.unwrap();
}

/// An apply that is cut off at its end, event by event.
pub(crate) async fn begin(store: &dyn StateStore, name: &str) {
    let lease = store.lock("apply", 0).await.unwrap();
    let prior = store.load().await.unwrap().snapshot;
    let mut journal = store.begin(&*lease, &prior).await.unwrap();
    for event in events(name) {
        journal.append(&[event]).await.unwrap();
    }
    drop(journal);
    lease.release().await.unwrap();
}
