//! `create_before_destroy`: the new thing first, then all that depends on it, the old one last; and what becomes of the old one when
//! anything goes wrong.

use meshform_engine::address::Address;
use meshform_engine::apply::Applied;
use meshform_engine::plan::Action;
use meshform_engine::state::RecordStatus;
use meshform_engine::value::Value;

use crate::plans::{applied, stack};
use crate::world::{Bed, show};

/// `a` is created first; `b` depends on it.
fn versions(version: &str) -> String {
    stack(&format!(
        r#"
resource "thing" "a" {{
  name = "a{version}"
  lifecycle {{ create_before_destroy = true }}
}}
resource "thing" "b" {{
  name  = "b"
  input = thing.a.id
}}
"#
    ))
}

/// What was done to the targets, with what is there and recorded in the end.
fn performed(bed: &Bed) -> String {
    bed.with(|reality| std::mem::take(&mut reality.performed).join(", "))
}

fn there(bed: &Bed) -> String {
    bed.with(|reality| reality.things.keys().cloned().collect::<Vec<_>>().join(" "))
}

fn recorded(bed: &Bed) -> String {
    let record = |(address, record): (&Address, &meshform_engine::state::Record)| {
        let mark = if record.status == RecordStatus::Complete { "" } else { "?" };
        format!("{address}={}{mark}", record.identity)
    };
    bed.with(|reality| reality.state.records.iter().map(record).collect::<Vec<_>>().join(" "))
}

fn failed(applied: &Applied) -> String {
    applied.failed.iter().map(|it| it.address.to_string()).collect::<Vec<_>>().join(" ")
}

/// Applies `before` and `after`, and checks what that did, in order.
fn check(before: &str, after: &str, expect: &str) {
    let bed = Bed::new();
    applied(&bed, before);
    performed(&bed);
    applied(&bed, after);
    assert_eq!(performed(&bed), expect, "{after}");
    let again = bed.plan(after).unwrap();
    assert!(again.is_empty(), "the second plan is not empty: {}", show(&again));
}

#[test]
fn the_new_one_is_made_first_and_the_old_one_removed_last() {
    check(&versions("1"), &versions("2"), "Create a2, Update b, Delete a1");
    let bed = Bed::new();
    applied(&bed, &versions("1"));
    let plan = bed.plan(&versions("2")).unwrap();
    let shown: Vec<_> = plan.shown().map(|it| (it.address.to_string(), it.action)).collect();
    let expect = [("thing.a".to_owned(), Action::ReplaceCreateFirst), ("thing.b".to_owned(), Action::Update)];
    assert_eq!(shown, expect);
    assert_eq!(plan.changes.len(), 3);
}

#[test]
fn what_it_depends_on_is_created_first_too() {
    let chain = |version: &str| {
        stack(&format!(
            r#"
resource "thing" "base" {{ name = "base{version}" }}
locals {{ base = thing.base.id }}
resource "thing" "top" {{
  name  = "top{version}"
  input = local.base
  lifecycle {{ create_before_destroy = true }}
}}
resource "thing" "aside" {{ name = "aside{version}" }}
"#
        ))
    };
    check(
        &chain("1"),
        &chain("2"),
        "Delete aside1, Create aside2, Create base2, Create top2, Delete top1, Delete base1",
    );
}

#[test]
fn there_cannot_be_two_of_one_name() {
    let fixed = |fixed: &str, own: &str, of_dependent: &str| {
        stack(&format!(
            "resource \"thing\" \"a\" {{\n  name = \"a\"\n  fixed = \"{fixed}\"\n  lifecycle {{ create_before_destroy = {own} }}\n}}\nresource \"thing\" \"b\" {{\n  name = \"b{fixed}\"\n  input = thing.a.id\n  lifecycle {{ create_before_destroy = {of_dependent} }}\n}}\n"
        ))
    };
    let check = |own, of_dependent, asked: &str| {
        let bed = Bed::new();
        applied(&bed, &fixed("x", own, of_dependent));
        let said = bed.diagnostics(&fixed("y", own, of_dependent));
        let expect = format!(
            "5:3 `lifecycle` Cannot be created first: thing.a must be replaced, and {asked} says `create_before_destroy = true`, but the new one would be a on cluster.c like the old one: there cannot be two. Give it a name that changes with its content, or take that line out."
        );
        assert_eq!(said, expect);
    };
    check("true", "false", "its block");
    check("false", "true", "thing.b, which depends on it,");
}

#[test]
fn of_what_lies_nowhere_there_are_never_two() {
    let value = |trigger: &str| {
        stack(&format!(
            "resource \"value\" \"v\" {{\n  input = 1\n  triggers_replace = \"{trigger}\"\n  lifecycle {{ create_before_destroy = true }}\n}}\n"
        ))
    };
    let bed = Bed::new();
    applied(&bed, &value("x"));
    let applied = applied(&bed, &value("y"));
    assert_eq!(applied.succeeded.len(), 1);
    assert_eq!(recorded(&bed), "value.v=value.v");
}

#[test]
fn what_could_not_be_removed_is_tried_again_until_it_is_gone() {
    let bed = Bed::new();
    applied(&bed, &versions("1"));
    // A removal that takes effect and still is told to have failed would be settled at once: this one has none.
    bed.with(|reality| reality.refused = vec!["Delete a1".to_owned()]);
    assert_eq!(failed(&bed.apply(&versions("2")).unwrap()), "thing.a (deposed \"cluster.c a1\")");
    assert_eq!(
        (there(&bed), recorded(&bed)),
        ("a1 a2 b".to_owned(), "thing.a=a2 thing.a (deposed \"cluster.c a1\")=a1 thing.b=b".to_owned())
    );
    // Meanwhile the next one is replaced, too.
    assert_eq!(
        failed(&bed.apply(&versions("3")).unwrap()),
        "thing.a (deposed \"cluster.c a1\")",
        "{}",
        recorded(&bed)
    );
    assert_eq!(there(&bed), "a1 a3 b");
    bed.with(|reality| reality.refused.clear());
    let plan = bed.show_plan(&versions("3"));
    let expect = "NoOp thing.a\nDelete thing.a (deposed \"cluster.c a1\") (another thing has taken its place)\nNoOp thing.b";
    assert_eq!(plan, expect);
    applied(&bed, &versions("3"));
    assert_eq!((there(&bed), recorded(&bed)), ("a3 b".to_owned(), "thing.a=a3 thing.b=b".to_owned()));
}

#[test]
fn what_was_deposed_may_come_back() {
    let bed = Bed::new();
    applied(&bed, &versions("1"));
    bed.with(|reality| reality.refused = vec!["Delete a1".to_owned()]);
    bed.apply(&versions("2")).unwrap();
    bed.with(|reality| reality.refused.clear());
    performed(&bed);
    applied(&bed, &versions("1"));
    assert_eq!(performed(&bed), "Update a1, Update b, Delete a2");
    assert_eq!((there(&bed), recorded(&bed)), ("a1 b".to_owned(), "thing.a=a1 thing.b=b".to_owned()));
}

#[test]
fn a_new_one_that_cannot_be_made_leaves_the_old_one_in_its_place() {
    let bed = Bed::new();
    applied(&bed, &versions("1"));
    bed.with(|reality| reality.refused = vec!["Create a2".to_owned()]);
    assert_eq!(failed(&bed.apply(&versions("2")).unwrap()), "thing.a");
    assert_eq!(there(&bed), "a1 b");
    bed.with(|reality| reality.refused.clear());
    performed(&bed);
    applied(&bed, &versions("1"));
    assert_eq!((performed(&bed), recorded(&bed)), (String::new(), "thing.a=a1 thing.b=b".to_owned()));
}

#[test]
fn a_destroy_takes_down_what_is_deposed_too() {
    let mut bed = Bed::new();
    applied(&bed, &versions("1"));
    bed.with(|reality| reality.refused = vec!["Delete a1".to_owned()]);
    bed.apply(&versions("2")).unwrap();
    bed.with(|reality| reality.refused.clear());
    bed.destroy = true;
    performed(&bed);
    applied(&bed, &versions("2"));
    let done = performed(&bed);
    assert!(done.starts_with("Delete b, "), "{done}");
    assert_eq!((there(&bed), recorded(&bed)), (String::new(), String::new()));
}

#[test]
fn every_crash_of_a_replacement_is_survived() {
    for wanted in ["2", "1"] {
        let mut entries = 0;
        loop {
            let bed = Bed::new();
            applied(&bed, &versions("1"));
            bed.with(|reality| reality.entries_left = Some(entries));
            let finished = bed.apply(&versions("2")).is_ok();
            bed.with(|reality| reality.entries_left = None);
            applied(&bed, &versions(wanted));
            let again = bed.plan(&versions(wanted)).unwrap();
            assert!(again.is_empty(), "after {entries} entries: {}", show(&again));
            assert_eq!(there(&bed), format!("a{wanted} b"), "after {entries} entries");
            assert_eq!(recorded(&bed), format!("thing.a=a{wanted} thing.b=b"), "after {entries} entries");
            if finished {
                break;
            }
            entries += 1;
        }
        assert!(entries > 8, "only {entries} crashes were tried");
    }
}

#[test]
fn what_another_instance_takes_over_is_not_removed() {
    let after = stack(
        r#"
resource "thing" "a" {
  name = "a2"
  lifecycle { create_before_destroy = true }
}
resource "thing" "b" {
  name  = "b"
  input = thing.a.id
}
resource "thing" "c" { name = "a1" }
"#,
    );
    check(&versions("1"), &after, "Create a2, Update b");
}

/// Nothing of it is left where it was, so that there is nothing to be made before that goes.
#[test]
fn what_is_gone_from_its_former_target_replaces_what_it_finds_on_the_new_one() {
    let text = |cluster: &str, name: &str| {
        format!(
            "cluster \"c\" {{ }}\ncluster \"d\" {{ }}\nresource \"thing\" \"a\" {{\n  cluster = cluster.{cluster}\n  name = \"{name}\"\n  fixed = \"mine\"\n}}\n"
        )
    };
    let bed = Bed::new();
    applied(&bed, &text("c", "a1"));
    bed.with(|reality| {
        reality.things.remove("a1");
        let theirs =
            [("name", "a2"), ("fixed", "theirs")].map(|(name, value)| (name.to_owned(), value.into()));
        reality.things.insert("a2".into(), Value::object(theirs));
    });
    let expect = "ReplaceDeleteFirst thing.a (its identity changes)\n  fixed: \"theirs\" -> \"mine\" !";
    assert_eq!(bed.show_plan(&text("d", "a2")), expect);
    applied(&bed, &text("d", "a2"));
    assert!(bed.plan(&text("d", "a2")).unwrap().is_empty());
}
