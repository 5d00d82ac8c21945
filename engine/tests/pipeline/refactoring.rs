//! `moved`, `removed`, `check` and the conditions of outputs.

use crate::plans::{applied, check, stack};
use crate::world::Bed;

#[test]
fn a_move_changes_the_record_only() {
    let before = "resource \"value\" \"a\" {\n  input = 1\n}\nresource \"thing\" \"t\" {\n  name = \"t\"\n  input = value.a.output\n}";
    let after = "
resource \"value\" \"b\" {\n  for_each = toset([\"x\"])\n  input = 1\n}
resource \"thing\" \"u\" {\n  name = \"t\"\n  input = value.b[\"x\"].output\n}
moved {\n  from = value.a\n  to   = value.b[\"x\"]\n}
moved {\n  from = thing.t\n  to   = thing.u\n}";
    check(
        before,
        after,
        r#"
Forget thing.t (it is recorded as thing.u from now on)
Adopt thing.u (it was recorded as thing.t, and is only renamed)
Forget value.a (it is recorded as value.b["x"] from now on)
Adopt value.b["x"] (it was recorded as value.a, and is only renamed)"#,
    );
    let bed = Bed::new();
    applied(&bed, &stack(before));
    let performed = bed.with(|reality| reality.performed.len());
    applied(&bed, &stack(after));
    assert_eq!(bed.with(|reality| reality.performed.len()), performed, "nothing is done on the target");
}

#[test]
fn moves_follow_each_other() {
    let before = "resource \"value\" \"a\" {\n  input = 1\n}";
    let after = "
resource \"value\" \"c\" {\n  input = 2\n}
moved {\n  from = value.a\n  to   = value.b\n}
moved {\n  from = value.b\n  to   = value.c\n}";
    check(
        before,
        after,
        "Forget value.a (it is recorded as value.c from now on)\nUpdate value.c\n  input: 1 -> 2",
    );
    let wrong = |text: &str, expect: &str| assert_eq!(Bed::new().diagnostics(text), expect, "{text}");
    wrong(
        "moved {\n  from = value.a\n  to   = value.b\n}\nmoved {\n  from = value.b\n  to   = value.a\n}",
        "1:1 `moved` Circular move: value.a is moved in a circle. Take one of the moves out.
5:1 `moved` Circular move: value.b is moved in a circle. Take one of the moves out.",
    );
    wrong(
        "resource \"value\" \"a\" {\n  input = 1\n}\nmoved {\n  from = value.a\n  to   = value.b\n}",
        "4:1 `moved` What was moved is still there: value.a is still in the configuration: what was recorded as it stays with it.",
    );
    wrong(
        "moved {\n  from = value\n  to   = 1\n}",
        "2:10 `value` Invalid address: It is the address of a resource or of one of its instances, such as kube_object.web or host_file.motd[\"db\"].
3:10 `1` Invalid address: It is the address of a resource or of one of its instances, such as kube_object.web or host_file.motd[\"db\"].",
    );
}

#[test]
fn what_is_removed_may_stay_on_its_target() {
    let before =
        "resource \"thing\" \"a\" {\n  name = \"a\"\n}\nresource \"thing\" \"b\" {\n  name = \"b\"\n}";
    let removed = |destroy: &str| {
        format!(
            "removed {{\n  from = thing.a\n  lifecycle {{ destroy = {destroy} }}\n}}\nremoved {{\n  from = thing.b\n}}"
        )
    };
    let bed = Bed::new();
    applied(&bed, &stack(before));
    assert_eq!(
        bed.show_plan(&stack(&removed("false"))),
        "Forget thing.a (it is left as it is, by a `removed` block)
Delete thing.b (it is no longer in the configuration)"
    );
    applied(&bed, &stack(&removed("false")));
    let left = bed.with(|reality| reality.things.keys().cloned().collect::<Vec<_>>());
    assert_eq!(left, ["a"]);
    assert!(bed.plan(&stack(&removed("false"))).unwrap().is_empty());
}

#[test]
fn checks_warn_and_outputs_refuse() {
    let text = |expected: &str| {
        stack(&format!(
            "resource \"thing\" \"a\" {{\n  name = \"a\"\n}}
check \"c\" {{\n  assert {{\n    condition     = thing.a.id == \"{expected}\"\n    error_message = \"It is ${{thing.a.id}}.\"\n  }}\n}}"
        ))
    };
    let bed = Bed::new();
    let found = |outcome: &meshform_engine::apply::Applied| -> Vec<String> {
        outcome.diagnostics.iter().map(|it| format!("{}: {}", it.summary, it.detail)).collect()
    };
    let said = ["Check does not hold: It is id-of-a. (check.c)"];
    assert_eq!(found(&applied(&bed, &text("other"))), said);
    let warnings: Vec<_> = bed.plan(&text("other")).unwrap().warnings;
    assert_eq!(warnings.iter().map(|it| format!("{}: {}", it.summary, it.detail)).collect::<Vec<_>>(), said);
    assert!(bed.plan(&text("id-of-a")).unwrap().warnings.is_empty());

    let output = |known: &str| {
        format!(
            "resource \"thing\" \"a\" {{\n  name = \"a\"\n}}
output \"o\" {{\n  value = 1\n  precondition {{\n    condition     = {known}\n    error_message = \"No.\"\n  }}\n}}"
        )
    };
    assert_eq!(
        Bed::new().diagnostics(&stack(&output("1 > 2"))),
        "8:21 `1 > 2` Precondition does not hold: No. (output.o)"
    );
    let outcome = Bed::new().apply(&stack(&output("thing.a.id == \"x\""))).unwrap();
    assert_eq!(found(&outcome), ["Precondition does not hold: No. (output.o)"]);
}

#[test]
fn an_address_may_be_taken_by_another_thing() {
    let thing = |block: &str, name: &str, input: &str| {
        format!("resource \"thing\" \"{block}\" {{\n  name  = \"{name}\"\n  input = {input}\n}}\n")
    };
    // What was `a` is `b` now, and depends on the new `a`.
    check(
        &thing("a", "x", "1"),
        &(thing("a", "y", "1") + &thing("b", "x", "thing.a.id")),
        "
Create thing.a (its identity changes)
Update thing.b
  input: 1 -> unknown(string)",
    );
    // `b` becomes what `a` was, and what `b` was goes.
    check(
        &(thing("a", "x", "1") + &thing("b", "y", "2")),
        &thing("b", "x", "1"),
        "
Forget thing.a (it is recorded as thing.b from now on)
ReplaceDeleteFirst thing.b (its identity changes)
  input: 2 -> 1",
    );
}

#[test]
fn what_is_to_go_gives_way_to_what_must_be_made_first() {
    let text = |fixed: &str, keys: &str, name: &str, input: &str| {
        format!(
            "resource \"thing\" \"a\" {{\n  name  = \"a\"\n  fixed = \"{fixed}\"\n}}
resource \"thing\" \"b\" {{\n{keys}  name  = {name}\n  input = thing.a.id\n}}
resource \"thing\" \"c\" {{\n  name  = \"c\"\n  input = {input}\n}}\n"
        )
    };
    check(
        &text("1", "", "\"b\"", "thing.b.id"),
        &text("2", "  for_each = toset([\"k\"])\n", "\"b-${each.key}\"", "thing.b[\"k\"].id"),
        r#"
ReplaceDeleteFirst thing.a
  fixed: "1" -> "2" !
Delete thing.b (it is no longer in the configuration)
Create thing.b["k"]
Update thing.c
  input: "id-of-b" -> unknown(string)"#,
    );
}
