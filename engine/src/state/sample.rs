//! States for tests, written as lines: an address, and what it depends on after `<-`.

use super::{Record, RecordStatus, Snapshot};
use crate::value::Value;

/// A state with such records.
pub(crate) fn snapshot(lines: &[&str]) -> Snapshot {
    let records = lines.iter().map(|line| {
        let (address, needed) = line.split_once(" <- ").unwrap_or((line, ""));
        let record = Record {
            target: None,
            identity: address.to_owned(),
            attributes: Value::null(),
            private: serde_json::Value::Null,
            depends_on: needed
                .split(", ")
                .filter(|it| !it.is_empty())
                .map(|it| it.parse().unwrap())
                .collect(),
            status: RecordStatus::Complete,
        };
        (address.parse().unwrap(), record)
    });
    Snapshot { lineage: "a".into(), serial: 3, records: records.collect(), ..Snapshot::default() }
}

/// A state as such lines. What lives nowhere must be known by its address.
pub(crate) fn text(snapshot: &Snapshot) -> Vec<String> {
    let line = |(address, record): (&crate::address::Address, &Record)| {
        assert_eq!(record.identity, address.to_string());
        let needed: Vec<_> = record.depends_on.iter().map(ToString::to_string).collect();
        let needed = if needed.is_empty() { String::new() } else { format!(" <- {}", needed.join(", ")) };
        format!("{address}{needed}")
    };
    let mut lines: Vec<_> = snapshot.records.iter().map(line).collect();
    lines.sort();
    lines
}
