//! What `lifecycle { }` makes of plans and applies.

use crate::plans::{applied, check, stack};
use crate::world::Bed;

/// Applies `before`, then checks what is said of the plan of `after`.
fn refused(before: &str, after: &str, expect: &str) {
    let bed = Bed::new();
    applied(&bed, &stack(before));
    assert_eq!(bed.diagnostics(&stack(after)), expect, "{after}");
}

const KEPT: &str = r#"
resource "thing" "a" {
  name  = "a"
  fixed = "x"
  lifecycle { prevent_destroy = true }
}
"#;

#[test]
fn what_must_stay_is_neither_replaced_nor_removed() {
    refused(
        KEPT,
        &KEPT.replace("\"x\"", "\"y\""),
        "6:3 `lifecycle` Destruction prevented: thing.a would be replaced, and its block says `prevent_destroy = true`. Change the configuration so that it stays, or take that line out.",
    );
    refused(
        &KEPT.replace("fixed", "count = 1\n  fixed"),
        &KEPT.replace("fixed", "count = 0\n  fixed"),
        "7:3 `lifecycle` Destruction prevented: thing.a[0] would be removed (it is no longer in the configuration), and its block says `prevent_destroy = true`. Change the configuration so that it stays, or take that line out.",
    );
    let mut bed = Bed::new();
    applied(&bed, &stack(KEPT));
    bed.destroy = true;
    let said = bed.diagnostics(&stack(KEPT));
    assert!(said.contains("thing.a would be removed, and its block"), "{said}");
}

#[test]
fn ignored_parts_stay_as_they_are_on_the_target() {
    let ignoring = |ignored: &str, input: &str, fixed: &str| {
        format!(
            "resource \"thing\" \"a\" {{\n  name = \"a\"\n  input = {input}\n  fixed = {fixed}\n  lifecycle {{ ignore_changes = {ignored} }}\n}}\n"
        )
    };
    let check = |ignored: &str, after: (&str, &str), expect: &str| {
        check(&ignoring(ignored, "{ n = 1, m = 1 }", "\"x\""), &ignoring(ignored, after.0, after.1), expect);
    };
    check("[input]", ("{ n = 2 }", "\"x\""), "NoOp thing.a");
    check("[input.n]", ("{ n = 2, m = 1 }", "\"x\""), "NoOp thing.a");
    check(
        "[input.n]",
        ("{ n = 2, m = 2 }", "\"x\""),
        "Update thing.a\n  input: {\"m\": 1, \"n\": 1} -> {\"m\": 2, \"n\": 1}",
    );
    check("[input]", ("{ n = 2 }", "\"y\""), "ReplaceDeleteFirst thing.a\n  fixed: \"x\" -> \"y\" !");
    check("all", ("{ n = 2 }", "\"x\""), "NoOp thing.a");
}

#[test]
fn what_is_ignored_may_be_unknown_when_it_is_made() {
    let text = |ignored: &str, input: &str| {
        format!(
            "resource \"thing\" \"a\" {{\n  name = \"a\"\n}}
resource \"thing\" \"b\" {{\n  name  = \"b\"\n  input = {input}\n  lifecycle {{ ignore_changes = [{ignored}] }}\n}}\n"
        )
    };
    for (ignored, input) in
        [("input", "thing.a.id"), ("input.of", "{ of = thing.a.id }"), ("input.of.x", "{ of = thing.a.id }")]
    {
        check("", &text(ignored, input), "Create thing.a\nCreate thing.b");
    }
}

#[test]
fn one_change_replaces_what_it_triggers() {
    let stack = |input: &str, trigger: &str| {
        format!(
            r#"
resource "thing" "a" {{
  name  = "a"
  input = {input}
}}
resource "thing" "b" {{
  for_each = toset(["x"])
  name     = each.key
  lifecycle {{ replace_triggered_by = [{trigger}] }}
}}
output "id" {{ value = thing.b["x"].id }}
"#
        )
    };
    let check = |trigger: &str, expect: &str| check(&stack("1", trigger), &stack("2", trigger), expect);
    let replaced = |trigger: &str| {
        format!(
            "Update thing.a
  input: 1 -> 2
ReplaceDeleteFirst thing.b[\"x\"] ({trigger} changes (replace_triggered_by))
output id: Some(\"id-of-x\") -> Some(unknown(string))"
        )
    };
    check("thing.a", &replaced("thing.a"));
    check("thing.a.input", &replaced("thing.a.input"));
    check("thing.a.name", "Update thing.a\n  input: 1 -> 2\nNoOp thing.b[\"x\"]");
    refused(
        "",
        &stack("1", "1 + 1"),
        "10:38 `[1 + 1]` Invalid replace_triggered_by: It is a list of references to resources or their attributes, such as [kube_object.config].",
    );
}

#[test]
fn conditions_hold_before_and_after() {
    let stack_of = |before: &str, after: &str| {
        stack(&format!(
            r#"
resource "thing" "a" {{
  name = "a"
  lifecycle {{
    precondition {{
      condition     = {before}
      error_message = "Not before."
    }}
    postcondition {{
      condition     = {after}
      error_message = "Not after: ${{self.id}}."
    }}
  }}
}}
resource "thing" "b" {{
  name  = "b"
  input = thing.a.id
}}
"#
        ))
    };
    let bed = Bed::new();
    assert_eq!(
        bed.diagnostics(&stack_of("1 > 2", "true")),
        "7:23 `1 > 2` Precondition does not hold: Not before. (thing.a)"
    );
    assert_eq!(
        bed.diagnostics(&stack_of("self.id == 1", "true")),
        "7:23 `self.id` Reference out of place: \"self\" has a meaning only inside a `postcondition` block."
    );
    // What is not known yet holds so far; once it is, nothing goes on from it.
    let outcome = bed.apply(&stack_of("true", "self.id == \"other\"")).unwrap();
    let failed: Vec<_> = outcome.failed.iter().map(|step| step.error.to_string()).collect();
    assert_eq!(failed, ["Postcondition does not hold: Not after: id-of-a. (thing.a)"]);
    assert_eq!(outcome.skipped.len(), 1);
    assert_eq!(
        bed.diagnostics(&stack_of("true", "self.id == \"other\"")),
        "11:23 `self.id == \"other\"` Postcondition does not hold: Not after: id-of-a. (thing.a)"
    );
    applied(&bed, &stack_of("true", "self.id == \"id-of-a\""));
}

#[test]
fn what_is_asked_for_is_replaced() {
    let text = stack(
        "resource \"thing\" \"a\" {\n  count = 2\n  name = \"a${count.index}\"\n}\nresource \"thing\" \"b\" {\n  name  = \"b\"\n  input = thing.a[1].id\n}",
    );
    let mut bed = Bed::new();
    applied(&bed, &text);
    bed.replace = vec!["thing.a[1]".parse().unwrap()];
    assert_eq!(
        bed.show_plan(&text),
        "NoOp thing.a[0]\nReplaceDeleteFirst thing.a[1] (it is asked for (-replace))\nUpdate thing.b\n  input: \"id-of-a1\" -> unknown(string)"
    );
    applied(&bed, &text);
    let performed = bed.with(|reality| reality.performed.split_off(3));
    assert_eq!(performed[..2], ["Delete a1", "Create a1"]);
    bed.replace = vec!["thing.none".parse().unwrap()];
    assert_eq!(
        bed.diagnostics(&text),
        "No such instance: thing.none is to be replaced, and the stack has no such instance."
    );
}
