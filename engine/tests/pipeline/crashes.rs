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

/// Applies `before`, then `after` with a crash after each number of entries, and resumes. How many were tried.
fn check(before: &str, after: &str, expect: &[&str]) -> usize {
    let mut entries = 0;
    loop {
        let bed = Bed::new();
        bed.apply(before).unwrap();
        bed.with(|reality| reality.entries_left = Some(entries));
        let finished = bed.apply(after).is_ok();
        bed.with(|reality| reality.entries_left = None);
        bed.with(|reality| nothing_is_forgotten(reality));
        let resumed = bed.apply(after).unwrap();
        assert!(resumed.failed.is_empty(), "after {entries} entries: {:?}", resumed.failed);
        let again = bed.plan(after).unwrap();
        assert!(again.is_empty(), "after {entries} entries: {}", show(&again));
        bed.with(|reality| {
            let names: Vec<_> = reality.things.keys().map(String::as_str).collect();
            assert_eq!(names, expect);
        });
        if finished {
            return entries;
        }
        entries += 1;
    }
}

#[test]
fn every_crash_is_survived() {
    let entries = check(BEFORE, AFTER, &["a", "b", "r", "x", "y", "z"]);
    assert!(entries > 15, "only {entries} crashes were tried");
}

/// A run that was cut off after the new address was recorded, and before the old one was forgotten, leaves one thing under two addresses.
#[test]
fn a_thing_that_is_recorded_twice_is_removed_once() {
    let stack = |count: &str, name: &str| {
        format!("cluster \"c\" {{ }}\nresource \"thing\" \"a\" {{\n  {count}\n  name = \"{name}\"\n}}\n")
    };
    let entries = check(&stack("", "a1"), &stack("count = 1", "a2"), &["a2"]);
    assert!(entries > 5, "only {entries} crashes were tried");
    let gone = "cluster \"c\" { }\n";
    for cut in 0..entries {
        let bed = Bed::new();
        bed.apply(&stack("", "a1")).unwrap();
        bed.with(|reality| reality.entries_left = Some(cut));
        // Whether it gets to its end is not the point.
        let _ = bed.apply(&stack("count = 1", "a2"));
        bed.with(|reality| reality.entries_left = None);
        let removed = bed.apply(gone).unwrap();
        assert!(removed.failed.is_empty(), "after {cut} entries: {:?}", removed.failed);
        bed.with(|reality| assert!(reality.things.is_empty() && reality.state.records.is_empty()));
    }
}

/// Whatever exists is in the state, or in the journal on top of it.
pub(crate) fn nothing_is_forgotten(reality: &crate::world::Reality) {
    let known = meshform_engine::apply::fold(reality.state.clone(), reality.journal.clone()).unwrap();
    for identity in reality.things.keys() {
        assert!(known.records.values().any(|record| record.identity == *identity), "{identity} is forgotten");
    }
}

/// The same where the new name comes with `create_before_destroy`: three addresses, of which one removes the thing.
#[test]
fn a_thing_that_is_recorded_under_a_former_and_a_deposed_address_is_removed_once() {
    let block = |name: &str, thing: &str| {
        format!(
            "cluster \"c\" {{ }}\nresource \"thing\" \"{name}\" {{\n  name = \"{thing}\"\n  lifecycle {{ create_before_destroy = true }}\n}}\n"
        )
    };
    let after = block("b", "b1") + "moved {\n  from = thing.a\n  to   = thing.b\n}\n";
    let entries = check(&block("a", "a1"), &after, &["b1"]);
    assert!(entries > 7, "only {entries} crashes were tried");
}

/// Its only instance becomes the first one, as `count` is added, and what is moved to its block would be that one, too.
#[test]
fn of_two_that_belong_to_one_instance_the_moved_one_stays_and_the_other_goes() {
    let before = "cluster \"c\" { }\nresource \"thing\" \"a\" { name = \"a\" }\nresource \"thing\" \"b\" {\n  count = 1\n  name  = \"t${count.index}\"\n}\n";
    let after = "cluster \"c\" { }\nresource \"thing\" \"a\" {\n  count = 1\n  name  = \"t${count.index}\"\n}\nmoved {\n  from = thing.b\n  to   = thing.a\n}\n";
    let entries = check(before, after, &["t0"]);
    assert!(entries > 5, "only {entries} crashes were tried");
}

/// It is moved and gets another name, which is that of what another block had.
#[test]
fn what_an_instance_takes_over_as_it_is_replaced_is_let_go_only_then() {
    let block = |name: &str, thing: &str| format!("resource \"thing\" \"{name}\" {{ name = \"{thing}\" }}\n");
    let before = format!("cluster \"c\" {{ }}\n{}{}", block("b", "x"), block("old", "y"));
    let after =
        format!("cluster \"c\" {{ }}\n{}moved {{\n  from = thing.b\n  to   = thing.a\n}}\n", block("a", "y"));
    let entries = check(&before, &after, &["y"]);
    assert!(entries > 5, "only {entries} crashes were tried");
}
