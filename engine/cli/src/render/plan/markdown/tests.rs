use super::*;
use crate::samples::{deployment, field, object, plan, value};
use meshform_engine::address::Key;
use meshform_engine::value::Value;
use serde_json::json;

fn updates(count: usize, is_same: bool) -> Vec<meshform_engine::plan::Change> {
    let update = |number: usize| {
        let mut change = object(Action::Update, "web", deployment("web", 3, "web:2"));
        change.address = change.address.with_key(Key::Name(format!("instance-{number}")));
        let before = if is_same { 1 } else { number };
        change.fields = vec![field(&["manifest", "spec", "replicas"], json!(before), json!(100_000))];
        change
    };
    (0..count).map(update).collect()
}

fn check(plan: &Plan, holds: &[&str], lacks: &[&str]) {
    let page = markdown(plan);
    assert!(page.len() <= LIMIT, "{} bytes", page.len());
    assert!(page.ends_with("\n\n"), "it is whole");
    assert_eq!(page.matches("<details").count(), page.matches("</details>").count());
    for part in holds {
        assert!(page.contains(part), "no {part:?} in\n{}", &page[..page.len().min(3000)]);
    }
    for part in lacks {
        assert!(!page.contains(part), "{part:?} in\n{}", &page[..page.len().min(3000)]);
    }
}

#[test]
fn a_comment_is_never_too_long() {
    let more = "more, for which a comment has no room";
    check(&plan(updates(20, false)), &["! spec.replicas  7 → 100000", "instance-19"], &[more]);
    // Without their fields, there is room for more of them.
    check(&plan(updates(500, false)), &["instance-499"], &["spec.replicas", more]);
    check(&plan(updates(3_000, false)), &["3000 to update", "instance-99", more], &["instance-2999"]);
    check(&plan(updates(4_000, true)), &["the same for all 4000", "! spec.replicas  1 → 100000"], &[more]);
}

#[test]
fn what_destroys_keeps_its_lines_when_all_else_has_none() {
    let mut changes = updates(400, false);
    let mut replaced = object(Action::ReplaceDeleteFirst, "api", deployment("api", 1, "api:2"));
    replaced.fields = vec![field(&["manifest", "spec", "selector"], json!("a"), json!("b"))];
    changes.push(replaced);
    check(
        &plan(changes),
        &["<details open><summary><code>-/+ replace kube_object.api", "! spec.selector"],
        &[],
    );
}

#[test]
fn one_long_line_is_cut() {
    let long = Value::string("x".repeat(60_000));
    check(&plan(vec![value(Action::Create, "long", long)]), &["value.long", "xxxxx…"], &[]);
}

#[test]
fn no_content_leaves_its_fence() {
    let text = Value::string("```\n<!-- & -->\n</details>\n````\nend\n");
    let page = markdown(&plan(vec![value(Action::Create, "text", text)]));
    assert!(page.contains("`````diff\n"), "{page}");
}
