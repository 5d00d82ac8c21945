//! The rules of planning and applying that users of Terraform rely on, one test each: the first third, on the order of steps and on
//! what becomes of what fails. Where meshform differs on purpose, the test shows how, and its comment says why.

use meshform_engine::apply::Applied;
use meshform_engine::ports::ErrorCode;
use meshform_engine::state::RecordStatus;

use crate::plans::{applied, stack};
use crate::world::{Bed, show};

/// One `thing`.
pub(crate) fn thing(name: &str, more: &str) -> String {
    format!("resource \"thing\" \"{name}\" {{\n  name = \"{name}\"\n{more}\n}}\n")
}

/// What was done to the target since the last time.
pub(crate) fn performed(bed: &Bed) -> String {
    bed.with(|reality| std::mem::take(&mut reality.performed)).join(", ")
}

pub(crate) fn recorded(bed: &Bed) -> String {
    let status = |status| if status == RecordStatus::Complete { "" } else { "?" };
    bed.with(|reality| {
        let records = reality.state.records.iter();
        let shown = records.map(|(address, record)| format!("{address}{}", status(record.status)));
        shown.collect::<Vec<_>>().join(" ")
    })
}

/// Applies `before` and `after`, and checks what the second apply did, in order.
pub(crate) fn check(before: &str, after: &str, expect: &str) -> Bed {
    let bed = Bed::new();
    applied(&bed, &stack(before));
    performed(&bed);
    applied(&bed, &stack(after));
    assert_eq!(performed(&bed), expect, "{after}");
    let again = bed.plan(&stack(after)).unwrap();
    assert!(again.is_empty(), "the second plan is not empty: {}", show(&again));
    bed
}

/// Applies `before`, then `after` with something going wrong.
fn failing(before: &str, after: &str, wrong: impl FnOnce(&Bed)) -> (Bed, Applied) {
    let bed = Bed::new();
    applied(&bed, &stack(before));
    performed(&bed);
    wrong(&bed);
    let applied = bed.apply(&stack(after)).unwrap();
    assert!(!applied.failed.is_empty());
    (bed, applied)
}

const OF_A: &str = "  input = thing.a.id";

#[test]
fn rule_01_what_goes_is_removed_in_the_reverse_of_what_was_recorded() {
    let pair = |fixed: &str| {
        let fixed = format!("  fixed = \"{fixed}\"");
        thing("a", &fixed) + &thing("b", &format!("{OF_A}\n{fixed}"))
    };
    check(&pair("x"), &pair("y"), "Delete b, Delete a, Create a, Create b");
    // The configuration says nothing of the two any more.
    check(&pair("x"), "", "Delete b, Delete a");
}

/// Terraform removes `a` before it updates `b`, unless `a` is created first. meshform lets `b` let go of `a` first, always: what goes
/// while another still holds it leaves that one broken for a while.
#[test]
fn rule_02_what_goes_and_what_only_changes() {
    let pair = thing("a", "  input = 1") + &thing("b", OF_A);
    check(&pair, &thing("a", "  input = 2"), "Delete b, Update a");
    check(&pair, &thing("b", "  input = 2"), "Update b, Delete a");
}

/// What was created first needs no record of that for its removal: what is deposed is recorded beside its successor, and all else is
/// removed in the reverse of its dependencies anyway.
#[test]
fn rule_03_create_before_destroy_spreads_to_what_it_needs() {
    let chain = |version: &str| {
        let named =
            |name: &str, more: &str| thing(name, more).replace("name = \"", &format!("name = \"{version}"));
        named("a", "") + &named("b", &format!("{OF_A}\n  lifecycle {{ create_before_destroy = true }}"))
    };
    check(&chain("1"), &chain("2"), "Create 2a, Create 2b, Delete 1b, Delete 1a");
    check(&chain("1"), "", "Delete 1b, Delete 1a");
}

#[test]
fn rule_04_the_old_one_stays_until_all_has_moved_on_to_the_new_one() {
    let pair = |version: &str| {
        let first = "  lifecycle { create_before_destroy = true }";
        thing("a", first).replace("name = \"a", &format!("name = \"a{version}")) + &thing("b", OF_A)
    };
    check(&pair("1"), &pair("2"), "Create a2, Update b, Delete a1");
    let refused = |bed: &Bed| bed.with(|reality| reality.refused = vec!["Create a2".to_owned()]);
    let (bed, _) = failing(&pair("1"), &pair("2"), refused);
    assert!(bed.with(|reality| reality.things.contains_key("a1")));
    bed.with(|reality| reality.refused.clear());
    performed(&bed);
    applied(&bed, &stack(&pair("1")));
    assert_eq!(performed(&bed), "", "the old one is the instance again");
    assert_eq!(recorded(&bed), "thing.a thing.b");
}

#[test]
fn rule_05_all_that_is_deposed_is_removed_again_and_again_until_it_is_gone() {
    let version = |version: &str| {
        let first = "  lifecycle { create_before_destroy = true }";
        stack(&thing("a", first).replace("name = \"a", &format!("name = \"a{version}")))
    };
    let bed = Bed::new();
    applied(&bed, &version("1"));
    bed.with(|reality| reality.refused = vec!["Delete a1".to_owned(), "Delete a2".to_owned()]);
    bed.apply(&version("2")).unwrap();
    bed.apply(&version("3")).unwrap();
    let two = "thing.a thing.a (deposed \"cluster.c a1\") thing.a (deposed \"cluster.c a2\")";
    assert_eq!(recorded(&bed), two);
    bed.with(|reality| reality.refused.clear());
    applied(&bed, &version("3"));
    assert_eq!(recorded(&bed), "thing.a");
}

/// Terraform replaces what failed half-way. meshform looks at it, and changes it in place: names are not given by chance, so that what is
/// there can be found again, and taking it away would only add to the trouble.
#[test]
fn rule_06_what_failed_half_way_is_finished_not_replaced() {
    let broken = |bed: &Bed| bed.with(|reality| reality.broken = vec!["a".to_owned()]);
    let (bed, _) = failing("", &thing("a", ""), broken);
    assert_eq!(recorded(&bed), "thing.a?");
    bed.with(|reality| reality.broken.clear());
    let plan = bed.show_plan(&stack(&thing("a", "")));
    assert_eq!(plan, "Update thing.a (the last apply of it did not come to its end)");
}

#[test]
fn rule_07_a_failure_keeps_what_was_recorded_and_a_partial_result_is_recorded() {
    let of = |input: &str| thing("a", &format!("  input = \"{input}\""));
    let denied = |bed: &Bed| bed.with(|reality| reality.refused = vec!["Update a".to_owned()]);
    let (bed, _) = failing(&of("old"), &of("new"), denied);
    assert_eq!(recorded(&bed), "thing.a");
    let input = |bed: &Bed| {
        bed.with(|reality| {
            format!("{:?}", reality.state.records.values().next().unwrap().attributes.get("input"))
        })
    };
    assert_eq!(input(&bed), "Some(\"old\")");
    let halfway = |bed: &Bed| bed.with(|reality| reality.halfway = vec!["a".to_owned()]);
    let (bed, _) = failing(&of("old"), &of("new"), halfway);
    assert_eq!((recorded(&bed), input(&bed)), ("thing.a?".to_owned(), "Some(\"new\")".to_owned()));
}

#[test]
fn rule_08_what_was_made_is_recorded_before_its_postcondition_fails() {
    let text = thing(
        "a",
        "  lifecycle {\n    postcondition {\n      condition     = self.id == \"other\"\n      error_message = \"It is not.\"\n    }\n  }",
    ) + &thing("b", OF_A)
        + &thing("c", "");
    let (bed, ended) = failing("", &text, |_| {});
    assert_eq!(ended.failed[0].error.code, ErrorCode::Condition);
    let skipped: Vec<_> = ended.skipped.iter().map(|(address, _)| address.to_string()).collect();
    assert_eq!((skipped.join(" "), recorded(&bed)), ("thing.b".to_owned(), "thing.a thing.c".to_owned()));
}

#[test]
fn rule_09_nothing_unknown_is_ever_recorded() {
    let bed = Bed::new();
    let text = stack(&(thing("a", "") + &thing("b", OF_A) + "output \"b\" {\n  value = thing.b.echo\n}\n"));
    let plan = bed.plan(&text).unwrap();
    assert!(!plan.changes[1].planned.is_wholly_known());
    applied(&bed, &text);
    bed.with(|reality| {
        assert!(reality.state.records.values().all(|record| record.attributes.is_wholly_known()));
        assert!(reality.state.outputs.values().all(|value| value.is_wholly_known()));
    });
}

#[test]
fn rule_10_what_was_known_when_it_was_reviewed_comes_out_the_same_or_nothing_is_done() {
    let bed = Bed::new();
    let text = stack(&thing("a", "  input = { x = 1, y = 2 }"));
    let mut plan = bed.plan(&text).unwrap();
    let desired = plan.changes[0].desired.take().unwrap();
    let path = meshform_engine::value::Path::attribute("input");
    plan.changes[0].desired = Some(desired.with_part(&path, Some(3.into())));
    let ended = bed.apply_plan(&plan).unwrap();
    let error = &ended.failed[0].error;
    assert!(error.detail.contains("input comes out otherwise than planned"), "{error}");
    assert_eq!((error.code, performed(&bed)), (ErrorCode::Changed, String::new()));
}

#[test]
fn rule_11_what_means_the_same_is_no_change() {
    check(&thing("a", "  input = 1"), &thing("a", "  input = 1.0"), "");
    check(&thing("a", "  input = { x = 1, y = 2 }"), &thing("a", "  input = { y = 2, x = 1 }"), "");
}
