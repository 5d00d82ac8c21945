//! What a plan says, and what its apply leaves.

use meshform_engine::apply::Applied;
use meshform_engine::inputs::Input;
use meshform_engine::plan::{Action, StepOperation};
use meshform_engine::value::Value;

use crate::crashes::nothing_is_forgotten;
use crate::world::{Bed, show};

const CLUSTER: &str = "cluster \"c\" { }\n";

pub(crate) fn stack(text: &str) -> String {
    format!("{CLUSTER}{text}")
}

pub(crate) fn applied(bed: &Bed, text: &str) -> Applied {
    let applied = bed.apply(text).unwrap_or_else(|failure| panic!("{failure}: {}", bed.diagnostics(text)));
    assert!(applied.failed.is_empty(), "{:?}", applied.failed);
    applied
}

/// Applies `before`, then checks the plan of `after`, applies it, and checks that the next plan is empty.
pub(crate) fn check(before: &str, after: &str, expect: &str) {
    let bed = Bed::new();
    applied(&bed, &stack(before));
    assert_eq!(bed.show_plan(&stack(after)), expect.trim(), "{after}");
    applied(&bed, &stack(after));
    let again = bed.plan(&stack(after)).unwrap();
    assert!(again.is_empty(), "the second plan is not empty: {}", show(&again));
}

#[test]
fn a_first_plan_knows_what_apply_will_tell() {
    check(
        "",
        r#"
resource "thing" "a" { name = "a" }
resource "thing" "b" {
  name  = "b"
  input = { of = thing.a.id, fixed = thing.a.name }
}
output "b" { value = thing.b.id }
"#,
        r#"
Create thing.a
Create thing.b
output b: None -> Some(unknown(string))
"#,
    );
}

#[test]
fn only_what_changed_is_in_the_plan() {
    check(
        r#"
resource "thing" "a" { name = "a" }
resource "thing" "b" {
  name  = "b"
  input = thing.a.id
}
"#,
        r#"
resource "thing" "a" { name = "a" }
resource "thing" "b" {
  name  = "b"
  input = "${thing.a.id}!"
}
"#,
        r#"
NoOp thing.a
Update thing.b
  input: "id-of-a" -> "id-of-a!"
"#,
    );
}

#[test]
fn a_replace_makes_what_follows_unknown() {
    let text = |fixed: &str| {
        format!(
            r#"
resource "thing" "a" {{
  name  = "a"
  fixed = "{fixed}"
}}
resource "thing" "b" {{
  name  = "b"
  input = thing.a.id
}}
"#
        )
    };
    check(
        &text("1"),
        &text("2"),
        r#"
ReplaceDeleteFirst thing.a
  fixed: "1" -> "2" !
Update thing.b
  input: "id-of-a" -> unknown(string)
"#,
    );
}

#[test]
fn instances_come_and_go_by_key() {
    check(
        r#"resource "thing" "t" {
  for_each = { x = 1, y = 2 }
  name     = each.key
  input    = each.value
}"#,
        r#"resource "thing" "t" {
  for_each = { y = 2, z = 3 }
  name     = each.key
  input    = each.value
}"#,
        r#"
Delete thing.t["x"] (it is no longer in the configuration)
NoOp thing.t["y"]
Create thing.t["z"]
"#,
    );
}

#[test]
fn a_renamed_block_is_the_same_thing() {
    check(
        r#"resource "thing" "old" { name = "a" }"#,
        r#"resource "thing" "new" { name = "a" }"#,
        "
Adopt thing.new (it was recorded as thing.old, and is only renamed)
Forget thing.old (it is recorded as thing.new from now on)
",
    );
}

#[test]
fn another_name_is_another_thing() {
    check(
        r#"resource "thing" "a" { name = "a" }"#,
        r#"resource "thing" "a" { name = "b" }"#,
        "ReplaceDeleteFirst thing.a (its identity changes)",
    );
}

#[test]
fn unknown_repetition_is_deferred_and_the_rest_planned() {
    let bed = Bed::new();
    let text = stack(
        r#"
resource "thing" "a" {
  name  = "a"
  input = ["p", "q"]
}
resource "thing" "t" {
  for_each = toset(thing.a.echo)
  name     = each.key
}
"#,
    );
    assert_eq!(
        bed.show_plan(&text),
        "Create thing.a\nDefer thing.t (its `for_each` is known only after apply)"
    );
    assert_eq!(applied(&bed, &text).deferred.len(), 1);
    assert_eq!(bed.show_plan(&text), "NoOp thing.a\nCreate thing.t[\"p\"]\nCreate thing.t[\"q\"]");
}

/// With its record all would be lost that is known of the thing: that it is ours, and what of it is secret.
#[test]
fn a_record_stays_as_long_as_whoever_takes_its_thing_over_is_deferred() {
    let bed = Bed::new();
    applied(&bed, &stack(r#"resource "thing" "old" { name = "x" }"#));
    let text = stack(
        r#"
resource "thing" "a" {
  name  = "a"
  input = ["p"]
}
resource "thing" "t" {
  for_each = toset(thing.a.echo)
  name     = each.key
}
resource "thing" "new" {
  name  = "x"
  input = [for it in thing.t : it.id]
}
"#,
    );
    let first = r#"
Create thing.a
Defer thing.new (it comes after thing.t, which is deferred)
Defer thing.t (its `for_each` is known only after apply)"#;
    assert_eq!(bed.show_plan(&text), first.trim());
    applied(&bed, &text);
    let second = r#"
NoOp thing.a
Update thing.new
  input: null -> [unknown(string)]
Forget thing.old (it is recorded as thing.new from now on)
Create thing.t["p"]"#;
    assert_eq!(bed.show_plan(&text), second.trim());
    applied(&bed, &text);
    assert!(bed.plan(&text).unwrap().is_empty());
}

/// Nobody has it yet, and where it is now recorded something else will be.
#[test]
fn what_a_deferred_instance_would_take_over_of_a_replaced_one_is_removed() {
    let bed = Bed::new();
    applied(&bed, &stack(r#"resource "thing" "a" { name = "x" }"#));
    let text = stack(
        r#"
resource "thing" "a" {
  name  = "y"
  input = ["p"]
}
resource "thing" "t" {
  for_each = toset(thing.a.echo)
  name     = each.key
}
resource "thing" "new" {
  name  = "x"
  input = [for it in thing.t : it.id]
}
"#,
    );
    let expect = r#"
ReplaceDeleteFirst thing.a (its identity changes)
Defer thing.new (it comes after thing.t, which is deferred)
Defer thing.t (its `for_each` is known only after apply)"#;
    let shown = bed.show_plan(&text);
    let lines: Vec<_> = shown.lines().filter(|line| !line.starts_with("  ")).collect();
    assert_eq!(lines.join("\n"), expect.trim());
    applied(&bed, &text);
    bed.with(|reality| nothing_is_forgotten(reality));
    applied(&bed, &text);
    assert!(bed.plan(&text).unwrap().is_empty());
}

#[test]
fn what_is_there_already_is_adopted_openly() {
    let bed = Bed::new();
    let text = stack(r#"resource "thing" "a" { name = "a" }"#);
    applied(&bed, &text);
    bed.with(|reality| reality.state = Default::default());
    assert_eq!(bed.show_plan(&text), "Adopt thing.a");
    applied(&bed, &text);
    assert_eq!(bed.show_plan(&text), "NoOp thing.a");
}

#[test]
fn drift_is_repaired() {
    let bed = Bed::new();
    let text = stack("resource \"thing\" \"a\" {\n name = \"a\"\n input = 1\n}");
    applied(&bed, &text);
    bed.with(|reality| {
        reality
            .things
            .insert("a".into(), Value::object([("name".into(), "a".into()), ("input".into(), 2.into())]))
    });
    assert_eq!(bed.show_plan(&text), "Update thing.a\n  input: 2 -> 1");
    bed.with(|reality| reality.things.clear());
    assert_eq!(bed.show_plan(&text), "Create thing.a (it was removed outside meshform)");
    applied(&bed, &text);
    assert_eq!(bed.show_plan(&text), "NoOp thing.a");
}

#[test]
fn removal_goes_in_the_reverse_of_what_was_recorded() {
    let mut bed = Bed::new();
    let text = stack(
        r#"
resource "thing" "a" { name = "a" }
resource "thing" "b" {
  name  = "b"
  input = thing.a.id
}
resource "thing" "c" {
  name       = "c"
  depends_on = [thing.b]
}
"#,
    );
    applied(&bed, &text);
    bed.destroy = true;
    bed.with(|reality| reality.performed.clear());
    applied(&bed, &text);
    bed.with(|reality| {
        assert_eq!(reality.performed, ["Delete c", "Delete b", "Delete a"]);
        assert!(reality.things.is_empty() && reality.state.records.is_empty());
    });
}

#[test]
fn what_was_never_made_is_in_no_destroys_way() {
    let mut bed = Bed::new();
    let text = stack(
        r#"
locals {
  id  = thing.a.id
  two = thing.many["two"].id
}
resource "thing" "a" { name = "a" }
resource "thing" "many" {
  for_each = toset(["one", "two"])
  name     = each.key
}
resource "thing" "b" {
  name  = "b"
  input = "${local.id} ${local.two}"
}
"#,
    );
    bed.destroy = true;
    applied(&bed, &text);
    bed.destroy = false;
    bed.with(|reality| reality.broken = vec!["a".into(), "two".into()]);
    bed.apply(&text).unwrap();
    bed.with(|reality| assert!(reality.things.contains_key("one") && !reality.things.contains_key("b")));
    bed.destroy = true;
    bed.with(|reality| reality.broken.clear());
    for _ in 0..2 {
        applied(&bed, &text);
        bed.with(|reality| assert!(reality.things.is_empty() && reality.state.records.is_empty()));
    }
}

#[test]
fn a_failed_step_stops_its_descendants_only() {
    let bed = Bed::new();
    let text = stack(
        r#"
resource "thing" "a" { name = "a" }
resource "thing" "b" {
  name  = "b"
  input = thing.a.id
}
resource "thing" "other" { name = "other" }
"#,
    );
    bed.with(|reality| reality.broken = vec!["a".into()]);
    let applied_once = bed.apply(&text).unwrap();
    let names = |steps: &[(meshform_engine::address::Address, StepOperation)]| {
        steps.iter().map(|(address, _)| address.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(applied_once.failed[0].address.to_string(), "thing.a");
    assert_eq!(names(&applied_once.skipped), ["thing.b"]);
    assert_eq!(names(&applied_once.succeeded), ["thing.other"]);
    bed.with(|reality| reality.broken.clear());
    assert_eq!(
        bed.show_plan(&text).lines().next(),
        Some("Update thing.a (the last apply of it did not come to its end)")
    );
    applied(&bed, &text);
    assert!(bed.plan(&text).unwrap().is_empty());
}

#[test]
fn what_moved_since_the_review_is_refused() {
    let bed = Bed::new();
    let text =
        |input: u8| stack(&format!("resource \"thing\" \"a\" {{\n name = \"a\"\n input = {input}\n}}"));
    applied(&bed, &text(1));
    let reviewed = bed.plan(&text(2)).unwrap();
    bed.with(|reality| {
        reality.things.insert("a".into(), Value::object([("input".into(), 7.into())]));
    });
    let applied = bed.apply_plan(&reviewed).unwrap();
    assert_eq!(applied.failed[0].error.detail, "it is not what was reviewed");
    bed.with(|reality| assert!(reality.things["a"].get("input").unwrap().same(&7.into())));
}

#[test]
fn a_plan_is_for_the_state_that_it_was_made_from() {
    let bed = Bed::new();
    let text = stack(r#"resource "thing" "a" { name = "a" }"#);
    let early = bed.plan(&text).unwrap();
    applied(&bed, &text);
    assert!(bed.apply_plan(&early).is_err());
}

#[test]
fn another_cluster_under_the_same_name_is_refused() {
    let bed = Bed::new();
    let text = stack(r#"resource "thing" "a" { name = "a" }"#);
    applied(&bed, &text);
    bed.with(|reality| reality.uid = "uid-2".into());
    assert!(bed.diagnostics(&text).contains("Wrong target"), "{}", bed.diagnostics(&text));
}

#[test]
fn secrets_reach_the_target_and_nothing_else() {
    let mut bed = Bed::new();
    bed.inputs.push(Input::Text {
        name: "password".into(),
        text: "hunter2-and-more".into(),
        origin: "-var".into(),
    });
    let text = stack(
        r#"
variable "password" {
  type      = string
  sensitive = true
}
resource "thing" "a" {
  name  = "a"
  input = { auth = "pw:${var.password}", user = "root" }
}
output "echo" {
  value     = thing.a.echo
  sensitive = true
}
"#,
    );
    let shown = bed.show_plan(&text);
    let result = applied(&bed, &text);
    bed.with(|reality| {
        assert!(format!("{:?}", reality.things).contains("hunter2-and-more"));
        let kept = format!("{:?}{:?}{shown}{result:?}", reality.state, reality.journal);
        assert!(!kept.contains("hunter2"), "{kept}");
        reality.broken = vec!["a".into()];
        reality.things.clear();
    });
    let failed = bed.apply(&text).unwrap();
    assert!(!format!("{failed:?}").contains("hunter2"), "{failed:?}");
    assert!(failed.failed[0].error.detail.contains("(sensitive)"));
}

#[test]
fn a_plan_reads_in_batches_and_writes_nothing() {
    let bed = Bed::new();
    let text = stack("resource \"thing\" \"t\" {\n count = 50\n name = \"t${count.index}\"\n}");
    applied(&bed, &text);
    bed.with(|reality| {
        reality.reads = 0;
        reality.performed.clear();
    });
    assert!(bed.plan(&text).unwrap().is_empty());
    bed.with(|reality| {
        assert_eq!(reality.reads, 1);
        assert!(reality.performed.is_empty());
    });
}

#[test]
fn a_serial_stands_still_when_nothing_changes() {
    let bed = Bed::new();
    let text = stack(r#"resource "thing" "a" { name = "a" }"#);
    applied(&bed, &text);
    let serial = bed.with(|reality| reality.state.serial);
    applied(&bed, &text);
    assert_eq!(bed.with(|reality| reality.state.serial), serial);
}

#[test]
fn what_is_stored_is_seen_as_it_was_planned() {
    let bed = Bed::new();
    // A list is stored without its type, in an attribute that may be anything.
    let text = r#"
cluster "c" { }
resource "thing" "a" {
  name  = "a"
  input = tolist(["x"])
}
resource "thing" "b" {
  name  = "b"
  input = [thing.a.input == ["x"], thing.a.echo == tolist(["x"]), true ? thing.a.echo : [1, 2]]
}
"#;
    assert!(bed.apply(text).is_ok_and(|applied| applied.failed.is_empty()));
    let again = bed.plan(text).unwrap_or_else(|_| panic!("{}", bed.diagnostics(text)));
    assert!(again.changes.iter().all(|change| change.action == Action::NoOp), "{}", show(&again));
}

#[test]
fn what_becomes_sensitive_is_taken_out_of_the_record() {
    let text = |sensitive: bool| {
        stack(&format!(
            "variable \"s\" {{\n  default = \"hush\"\n  sensitive = {sensitive}\n}}\nresource \"thing\" \"a\" {{\n  name  = \"a\"\n  input = {{ key = var.s, other = 1 }}\n}}\n"
        ))
    };
    let bed = Bed::new();
    applied(&bed, &text(false));
    let told = |bed: &Bed| bed.with(|reality| format!("{:?}", reality.state.records).contains("hush"));
    assert!(told(&bed));
    let plan = bed.plan(&text(true)).unwrap();
    assert_eq!(plan.changes[0].action, Action::Refresh);
    bed.with(|reality| reality.performed.clear());
    applied(&bed, &text(true));
    assert!(!told(&bed));
    bed.with(|reality| assert!(reality.performed.is_empty(), "{:?}", reality.performed));
    assert!(bed.plan(&text(true)).unwrap().is_empty());
}
