//! The rules on what changes and why: see `rules`.

use meshform_engine::plan::Refresh;

use crate::plans::{applied, stack};
use crate::rules::{check, performed, thing};
use crate::targeting::restriction;
use crate::world::{Bed, show};

/// Applies `before`, then checks what the plan of `after` says.
fn planned(before: &str, after: &str, expect: &str) {
    let bed = Bed::new();
    applied(&bed, &stack(before));
    assert_eq!(bed.show_plan(&stack(after)), expect, "{after}");
}

fn refused(before: &str, after: &str, says: &str) {
    let bed = Bed::new();
    applied(&bed, &stack(before));
    let said = bed.diagnostics(&stack(after));
    assert!(said.contains(says), "{said}");
}

fn ignoring(what: &str, input: &str, fixed: &str) -> String {
    thing("a", &format!("  input = {input}\n  fixed = {fixed}\n  lifecycle {{ ignore_changes = [{what}] }}"))
}

/// There are no write-only arguments: a secret is recorded as a fingerprint, and its change is seen by that.
#[test]
fn rule_12_only_a_field_that_really_changes_forces_a_replace() {
    planned(&ignoring("fixed", "1", "\"x\""), &ignoring("fixed", "1", "\"y\""), "NoOp thing.a");
    planned(&ignoring("", "1", "\"x\""), &ignoring("", "2", "\"x\""), "Update thing.a\n  input: 1 -> 2");
    planned(
        &ignoring("", "1", "\"x\""),
        &ignoring("", "1", "\"y\""),
        "ReplaceDeleteFirst thing.a\n  fixed: \"x\" -> \"y\" !",
    );
}

/// In Terraform the new thing gets what the configuration says, ignored or not. In meshform what is ignored stays as its other owner has
/// left it: a scaler's replicas are not reset because a selector has changed.
#[test]
fn rule_13_of_a_replaced_thing_what_its_target_gives_is_unknown_again() {
    let pair =
        |fixed: &str| thing("a", &format!("  fixed = \"{fixed}\"")) + &thing("b", "  input = thing.a.id");
    planned(
        &pair("x"),
        &pair("y"),
        "ReplaceDeleteFirst thing.a\n  fixed: \"x\" -> \"y\" !\nUpdate thing.b\n  input: \"id-of-a\" -> unknown(string)",
    );
    let bed = check(&ignoring("input", "1", "\"x\""), &ignoring("input", "2", "\"y\""), "Delete a, Create a");
    let input = bed.with(|reality| format!("{:?}", reality.things["a"].get("input")));
    assert_eq!(input, "Some(1)");
}

#[test]
fn rule_14_what_is_ignored_is_ignored_before_planning_secret_or_not() {
    let secret = |text: &str| {
        format!("variable \"s\" {{\n  default   = \"{text}\"\n  sensitive = true\n}}\n")
            + &ignoring("input", "var.s", "\"x\"")
    };
    planned(&secret("hunter1"), &secret("hunter2"), "NoOp thing.a");
}

/// That the referent is made for the first time is no change of it, as in Terraform.
#[test]
fn rule_15_a_trigger_fires_when_what_it_names_changes() {
    let pair = |input: &str| {
        thing("a", &format!("  input = {input}"))
            + &thing("b", "  lifecycle { replace_triggered_by = [thing.a] }")
    };
    let replaced = "ReplaceDeleteFirst thing.b (thing.a changes (replace_triggered_by))";
    planned(&pair("1"), &pair("1"), "NoOp thing.a\nNoOp thing.b");
    planned(&pair("1"), &pair("2"), &format!("Update thing.a\n  input: 1 -> 2\n{replaced}"));
    planned(&thing("b", ""), &pair("1"), "Create thing.a\nNoOp thing.b");
}

#[test]
fn rule_16_what_is_prevented_is_a_replace_and_a_destroy_but_not_once_the_block_is_gone() {
    let kept =
        |fixed: &str| thing("a", &format!("  fixed = \"{fixed}\"\n  lifecycle {{ prevent_destroy = true }}"));
    refused(&kept("x"), &kept("y"), "Destruction prevented");
    let mut bed = Bed::new();
    applied(&bed, &stack(&kept("x")));
    bed.destroy = true;
    assert!(bed.diagnostics(&stack(&kept("x"))).contains("Destruction prevented"));
    planned(&kept("x"), "", "Delete thing.a (it is no longer in the configuration)");
}

/// Terraform refuses what repeats by something unknown. meshform plans the rest, and defers it to another round.
#[test]
fn rule_17_what_repeats_by_something_unknown_is_deferred() {
    let each =
        |of: &str| format!("resource \"thing\" \"b\" {{\n  for_each = {of}\n  name     = each.key\n}}\n");
    let bed = Bed::new();
    let shown = bed.show_plan(&stack(&(thing("a", "") + &each("toset([thing.a.id])"))));
    assert!(shown.starts_with("Create thing.a\nDefer thing.b"), "{shown}");
    let secret = "variable \"s\" {\n  default   = \"x\"\n  sensitive = true\n}\n";
    refused("", &(secret.to_owned() + &each("toset([var.s])")), "for_each");
    refused("", &each("toset([{ a = 1 }])"), "for_each");
}

#[test]
fn rule_18_the_only_instance_and_the_first_are_the_same() {
    let value = |count: &str| format!("resource \"value\" \"v\" {{\n{count}  input = 1\n}}\n");
    let renamed = |from: &str, to: &str| {
        format!(
            "it is recorded as {to} from now on)\nAdopt {to} (it was recorded as {from}, and is only renamed)"
        )
    };
    let (one, two) = (value(""), value("  count = 2\n"));
    planned(
        &one,
        &two,
        &format!("Forget value.v ({}\nCreate value.v[1]\n  input: - -> 1", renamed("value.v", "value.v[0]")),
    );
    let bed = Bed::new();
    applied(&bed, &stack(&two));
    let shown = bed.show_plan(&stack(&one));
    assert!(shown.contains("Adopt value.v (it was recorded as value.v[0], and is only renamed)"), "{shown}");
    assert!(shown.contains("Delete value.v[1]"), "{shown}");
    applied(&bed, &stack(&one));
    assert!(bed.plan(&stack(&one)).unwrap().is_empty());
    let site = |count: &str| format!("module \"m\" {{\n{count}  source = \"./m\"\n}}\n### m\n{}", value(""));
    let bed = check(&site(""), &site("  count = 1\n"), "");
    assert_eq!(crate::rules::recorded(&bed), "module.m[0].value.v");
}

#[test]
fn rule_19_what_can_be_looked_up_is_looked_up_while_planning() {
    let data = |more: &str| {
        format!(
            "data \"thing\" \"d\" {{\n  name = \"a\"\n{more}}}\noutput \"d\" {{\n  value = data.thing.d.id\n}}\n"
        )
    };
    planned(
        &thing("a", ""),
        &(thing("a", "") + &data("")),
        "NoOp thing.a\noutput d: None -> Some(\"id-of-a\")",
    );
    // What it is named to come after changes first.
    let later = thing("a", "  input = 2") + &data("  depends_on = [thing.a]\n");
    let bed = Bed::new();
    applied(&bed, &stack(&thing("a", "")));
    let shown = bed.show_plan(&stack(&later));
    assert!(shown.contains("Read data.thing.d (thing.a changes first)"), "{shown}");
    // In a check, what cannot be looked up is a warning.
    let checked = "check \"c\" {\n  data \"thing\" \"d\" {\n    name = \"nothing\"\n  }\n  assert {\n    condition     = data.thing.d.id != \"\"\n    error_message = \"x\"\n  }\n}\n";
    let plan = bed.plan(&stack(&(thing("a", "") + checked))).unwrap();
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
}

#[test]
fn rule_20_what_is_left_over_needs_its_target() {
    let bed = Bed::new();
    applied(&bed, &stack(&thing("a", "")));
    assert_eq!(bed.show_plan(&stack("")), "Delete thing.a (it is no longer in the configuration)");
    let said = bed.diagnostics("");
    assert!(said.contains("Missing target: There is no cluster.c in the configuration"), "{said}");
}

#[test]
fn rule_21_what_is_gone_is_made_again_and_told() {
    let bed = Bed::new();
    let text = stack(&thing("a", ""));
    applied(&bed, &text);
    bed.with(|reality| reality.things.clear());
    assert_eq!(bed.show_plan(&text), "Create thing.a (it was removed outside meshform)");
    let mut bed = bed;
    bed.refresh = Refresh::Only;
    assert_eq!(bed.show_plan(&text), "Forget thing.a (it is gone)");
}

/// Terraform shows what drifted only if it feeds a change. meshform shows all of it, in fields that are ours: what is not put right is
/// what a reviewer should know of most.
#[test]
fn rule_22_drift_is_shown_and_a_refresh_shows_all_of_it() {
    let text = stack(&ignoring("input", "1", "\"x\""));
    let mut bed = Bed::new();
    applied(&bed, &text);
    crate::refresh::meddle(&bed, "a", 2.into());
    for refresh in [Refresh::Whole, Refresh::Only] {
        bed.refresh = refresh;
        let plan = bed.plan(&text).unwrap();
        assert_eq!(plan.changes[0].drift.len(), 1, "{refresh:?}: {}", show(&plan));
    }
}

#[test]
fn rule_23_a_refresh_changes_the_state_only_and_outputs_count() {
    let text = stack(&(thing("a", "  input = 1") + "output \"o\" {\n  value = thing.a.input\n}\n"));
    let mut bed = Bed::new();
    applied(&bed, &text);
    performed(&bed);
    crate::refresh::meddle(&bed, "a", 2.into());
    bed.refresh = Refresh::Only;
    assert_eq!(bed.show_plan(&text), "Refresh thing.a\noutput o: Some(1) -> Some(2)");
    applied(&bed, &text);
    assert_eq!(performed(&bed), "");
    assert!(bed.plan(&text).unwrap().is_empty());
}

#[test]
fn rule_24_a_target_pulls_in_what_it_needs_and_an_exclusion_drops_what_needs_it() {
    let text = stack(&(thing("a", "") + &thing("b", "  input = thing.a.id") + &thing("c", "")));
    let mut bed = Bed::new();
    let mut check = |flags: &str, expect: &str| {
        bed.restriction = Some(restriction(flags));
        let plan = bed.plan(&text).unwrap();
        assert_eq!(show(&plan), expect);
        assert!(plan.partial.is_some());
    };
    check("-target thing.b", "Create thing.a\nCreate thing.b");
    check("-exclude thing.a", "Create thing.c");
    let mut bed = Bed::new();
    applied(&bed, &stack(&thing("a", "")));
    bed.restriction = Some(restriction("-target thing.a"));
    let moved = thing("b", "") + "moved {\n  from = thing.a\n  to   = thing.b\n}\n";
    assert!(bed.diagnostics(&stack(&moved)).starts_with("Move torn apart"));
}
