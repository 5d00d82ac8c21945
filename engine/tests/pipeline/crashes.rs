//! The process dies after any journal entry: the next apply converges, and nothing is forgotten.

use crate::world::{Bed, show};

const BEFORE: &str = r#"
cluster "c" { }
resource "thing" "a" { name = "a" }
resource "thing" "gone" {
  name  = "gone"
  input = thing.a.id
}
resource "thing" "r" {
  name  = "r"
  fixed = "1"
}
"#;

const AFTER: &str = r#"
cluster "c" { }
resource "thing" "a" {
  name  = "a"
  input = "new"
}
resource "thing" "b" {
  name  = "b"
  input = thing.a.id
}
resource "thing" "r" {
  name  = "r"
  fixed = "2"
}
resource "thing" "many" {
  for_each = toset(["x", "y", "z"])
  name     = each.key
  input    = thing.b.id
}
output "b" { value = thing.b.id }
"#;

#[test]
fn every_crash_is_survived() {
    let mut entries = 0;
    loop {
        let bed = Bed::new();
        bed.apply(BEFORE).unwrap();
        bed.with(|reality| reality.entries_left = Some(entries));
        let finished = bed.apply(AFTER).is_ok();
        bed.with(|reality| reality.entries_left = None);
        bed.with(|reality| nothing_is_forgotten(reality));
        let resumed = bed.apply(AFTER).unwrap();
        assert!(resumed.failed.is_empty(), "after {entries} entries: {:?}", resumed.failed);
        let again = bed.plan(AFTER).unwrap();
        assert!(again.is_empty(), "after {entries} entries: {}", show(&again));
        bed.with(|reality| {
            let names: Vec<_> = reality.things.keys().map(String::as_str).collect();
            assert_eq!(names, ["a", "b", "r", "x", "y", "z"]);
        });
        if finished {
            break;
        }
        entries += 1;
    }
    assert!(entries > 15, "only {entries} crashes were tried");
}

/// Whatever exists is in the state, or in the journal on top of it.
fn nothing_is_forgotten(reality: &crate::world::Reality) {
    let known = meshform_engine::apply::fold(reality.state.clone(), reality.journal.clone()).unwrap();
    for identity in reality.things.keys() {
        assert!(known.records.values().any(|record| record.identity == *identity), "{identity} is forgotten");
    }
}
