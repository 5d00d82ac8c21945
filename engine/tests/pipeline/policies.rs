//! What `policy` blocks make of a plan, and of its apply.

use meshform_engine::pipeline::Failure;
use meshform_engine::plan::Plan;

use crate::plans::{applied, stack};
use crate::world::Bed;

const THINGS: &str = r#"
resource "thing" "a" {
  name  = "a"
  input = 1
}
resource "thing" "b" {
  for_each = toset(["x", "y"])
  name     = "b-${each.key}"
  input    = thing.a.id
}
"#;

fn policy(text: &str) -> String {
    format!("policy \"p\" {{\n{text}\n}}\n")
}

fn rule(condition: &str) -> String {
    policy(&format!("condition = {condition}\nerror_message = \"No.\""))
}

/// What the policies of a plan say, a line each.
fn judgements(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for judgement in &plan.policies {
        lines.push(format!(
            "{} ({}) {}",
            judgement.policy,
            judgement.level.as_str(),
            judgement.verdict.as_str()
        ));
        lines.extend(
            judgement.findings.iter().map(|it| format!("  {:?} {}: {}", it.severity, it.summary, it.detail)),
        );
    }
    lines.join("\n")
}

/// What is said of the plan of `after`, once `before` is applied.
fn check(before: &str, after: &str, expect: &str) {
    let bed = Bed::new();
    applied(&bed, &stack(before));
    let plan = bed.plan(&stack(after)).unwrap();
    assert_eq!(judgements(&plan), expect.trim(), "{after}");
    let refused = match bed.apply_plan(&plan) {
        Err(Failure::Diagnostics(said)) => said.has_errors(),
        Err(Failure::Store(error)) => panic!("{error}"),
        Ok(_) => false,
    };
    assert_eq!(refused, plan.is_forbidden(), "{after}");
}

/// Whether a condition holds of the first plan of [`THINGS`].
fn holds(condition: &str) {
    check("", &format!("{THINGS}{}", rule(condition)), "policy.p (mandatory) holds");
}

#[test]
fn a_plan_is_what_it_changes() {
    holds("plan.counts.create == 3 && plan.counts.delete == 0 && plan.counts.no_op == 0 && !plan.destroy");
    holds(
        "[for c in plan.changes : c.address] == [\"thing.a\", \"thing.b[\\\"x\\\"]\", \"thing.b[\\\"y\\\"]\"]",
    );
    holds(
        "alltrue([for c in plan.changes : c.action == \"create\" && c.before == null && c.module == null])",
    );
    holds(
        "plan.changes[0].type == \"thing\" && plan.changes[0].name == \"a\" && plan.changes[0].target == \"cluster.c\"",
    );
    holds("plan.changes[0].after.input == 1 && plan.changes[0].reason == null");
}

#[test]
fn changes_know_what_was_before() {
    let rules = r#"
policy "updates" {
  condition     = [for c in plan.changes : c.after.input - c.before.input if c.action == "update"] == [1]
  error_message = "No."
}
policy "deletes" {
  for_each      = { for c in plan.changes : c.name => c if c.action == "delete" }
  condition     = each.value.after == null && each.value.before.input != 7
  error_message = "${each.key} holds ${each.value.before.input}."
}
policy "replaces" {
  for_each      = [for c in plan.changes : c if c.action == "replace"]
  level         = "advisory"
  condition     = false
  error_message = "${each.value.name} was ${each.value.before.fixed}."
}
"#;
    let thing = |name: &str, rest: &str| {
        format!("resource \"thing\" \"{name}\" {{\n  name = \"{name}\"\n{rest}\n}}\n")
    };
    let before = [thing("a", "input = 1"), thing("b", "input = 7"), thing("c", "fixed = \"x\"")].concat();
    let after = [thing("a", "input = 2"), thing("c", "fixed = \"y\""), rules.to_owned()].concat();
    check(
        &before,
        &after,
        r#"
policy.updates (mandatory) holds
policy.deletes (mandatory) fails
  Error Policy does not hold: b holds 7. (policy.deletes, thing.b)
policy.replaces (advisory) fails
  Warning Policy does not hold: c was x. (policy.replaces, thing.c)
"#,
    );
}

#[test]
fn renamed_things_have_a_before() {
    let moved = "moved {\n  from = thing.a\n  to = thing.z\n}\n";
    check(
        "resource \"thing\" \"a\" {\n  name = \"a\"\n  input = 1\n}\n",
        &format!(
            "resource \"thing\" \"z\" {{\n  name = \"a\"\n  input = 1\n}}\n{moved}{}",
            rule("[for c in plan.changes : c.before.input if c.address == \"thing.z\"] == [1]")
        ),
        "policy.p (mandatory) holds",
    );
}

#[test]
fn what_only_apply_tells_is_not_enough_for_a_mandatory_policy() {
    let condition = "condition = plan.changes[0].after.id == \"id-of-a\"\nerror_message = \"No.\"\n";
    check(
        "",
        &format!("{THINGS}{}", policy(condition)),
        r#"
policy.p (mandatory) unknown
  Error Policy cannot be told: Whether it holds is known only after apply, and a mandatory policy must be known to hold before. Let it look at what is known by then, or make it advisory. (policy.p)
"#,
    );
    check(
        "",
        &format!("{THINGS}{}", policy(&format!("level = \"advisory\"\n{condition}"))),
        r#"
policy.p (advisory) unknown
  Warning Policy cannot be told: Whether it holds is known only after apply. (policy.p)
"#,
    );
    check(
        "",
        &format!(
            "{THINGS}{}",
            policy(
                "level = \"advisory\"\nfor_each = plan.changes[0].after.echo\ncondition = each.key == 0\nerror_message = \"No.\""
            )
        ),
        r#"
policy.p (advisory) unknown
  Warning Policy cannot be told: Whether it holds is known only after apply. (policy.p)
  Warning Policy cannot be told: What its `for_each` goes over is known only after apply. (policy.p)
"#,
    );
    // Once it is there.
    check(THINGS, &format!("{THINGS}{}", policy(condition)), "policy.p (mandatory) holds");
}

#[test]
fn policies_hold_of_a_destroy_too() {
    let text = stack(&format!("{THINGS}{}", rule("plan.counts.delete == 0 && !plan.destroy")));
    let mut bed = Bed::new();
    applied(&bed, &text);
    bed.destroy = true;
    let plan = bed.plan(&text).unwrap();
    assert_eq!(judgements(&plan), "policy.p (mandatory) fails\n  Error Policy does not hold: No. (policy.p)");
    assert!(bed.apply_plan(&plan).is_err());
    assert_eq!(bed.with(|reality| reality.things.len()), 3);
}

#[test]
fn a_plan_whose_judgements_were_taken_out_is_judged_anew() {
    let bed = Bed::new();
    let mut plan = bed.plan(&stack(&format!("{THINGS}{}", rule("plan.counts.create < 3")))).unwrap();
    plan.policies.clear();
    assert!(matches!(bed.apply_plan(&plan), Err(Failure::Diagnostics(_))));
    assert_eq!(bed.with(|reality| reality.performed.clone()), Vec::<String>::new());
}

#[test]
fn secrets_stay_secret() {
    let text = |condition: &str, message: &str| {
        format!(
            "variable \"secret\" {{\n  default = \"hunter2\"\n  sensitive = true\n}}
resource \"thing\" \"a\" {{\n  name = \"a\"\n  input = var.secret\n}}
{}",
            policy(&format!("condition = {condition}\nerror_message = {message}"))
        )
    };
    let length = "length(plan.changes[0].after.input)";
    check("", &text(&format!("{length} == 7"), "\"Short.\""), "policy.p (mandatory) holds");
    check(
        "",
        &text(&format!("{length} > 7"), "\"${plan.changes[0].after.input} is short.\""),
        r#"
policy.p (mandatory) fails
  Error Policy does not hold: A condition does not hold; its message is sensitive. (policy.p)
"#,
    );
    check(
        "",
        &text("each.value == null", "\"No.\"").replace("condition", "for_each = [var.secret]\ncondition"),
        r#"
policy.p (mandatory) fails
  Error Policy does not hold: No. (policy.p, 0)
"#,
    );
}

#[test]
fn wrong_policies_are_told_with_their_places() {
    let wrong = |text: &str, expect: &str| {
        assert_eq!(Bed::new().diagnostics(&policy(text)), expect, "{text}");
    };
    wrong(
        "level = \"advisry\"\ncondition = true\nerror_message = \"No.\"",
        "2:9 `\"advisry\"` Invalid level: It is the literal \"mandatory\" or \"advisory\". Did you mean \"advisory\"?",
    );
    wrong(
        "conditon = true",
        "1:8 `\"p\"` Missing required argument: The policy \"p\" needs the argument \"condition\".
1:8 `\"p\"` Missing required argument: The policy \"p\" needs the argument \"error_message\".
2:1 `conditon` Unsupported argument: The policy \"p\" has no argument \"conditon\". Did you mean \"condition\"?",
    );
    wrong(
        "condition = each.key == 1\nerror_message = \"No.\"",
        "2:13 `each.key` Reference out of place: \"each\" has a meaning only inside a block that has the argument `for_each`.",
    );
    let elsewhere = "output \"o\" { value = plan.counts }";
    assert_eq!(
        Bed::new().diagnostics(elsewhere),
        "1:22 `plan.counts` Reference out of place: \"plan\" has a meaning only inside a `policy` block."
    );
}

#[test]
fn validation_looks_into_policies() {
    let text = r#"
policy "a" {
  condition     = alltrue([for c in plan.changes : c.acton == "x"])
  error_message = "No."
}
policy "b" {
  for_each      = plan.changes
  condition     = each.value.after.anything == 1
  error_message = each.value.adress
}
policy "c" {
  for_each      = plan.changes
  condition     = each.value.address
  error_message = plan.count.create
}
policy "d" {
  condition     = [plan.counts]
  error_message = "No."
}
policy "e" {
  for_each      = 1
  condition     = true
  error_message = "No."
}
"#;
    let expect = "main.hcl:3 Unsupported attribute
main.hcl:9 Unsupported attribute
main.hcl:14 Unsupported attribute
main.hcl:17 Invalid condition
main.hcl:21 Invalid for_each";
    assert_eq!(Bed::new().validated(&[("main.hcl", text)]), expect);
}

#[test]
fn what_cannot_be_evaluated_does_not_hold() {
    check(
        "",
        &format!("{THINGS}{}", rule("plan.changes[0].after.input.deeper == 1")),
        r#"
policy.p (mandatory) fails
  Error Unsupported attribute: A number has no attributes.
"#,
    );
}
