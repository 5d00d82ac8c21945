//! Each file of `tests/plans` is a plan as text or markdown; `UPDATE=1 cargo test` writes what the renderer says now.

use std::path::PathBuf;

use super::*;
use crate::samples::{deployment, field, object, out_of_reach, plan, value};
use meshform_engine::address::Key;
use meshform_engine::plan::OutputChange;
use meshform_engine::policy::{Judgement, Level, Verdict};
use meshform_engine::types::Type;
use meshform_engine::value::{PathStep, Value};
use serde_json::{Value as Json, json};

fn check(name: &str, plan: &Plan) {
    let text = text(plan, Detail { full: false, columns: 80 });
    check_file(&format!("{name}.txt"), &anstream::adapter::strip_str(&text).to_string());
    check_file(&format!("{name}.md"), &markdown(plan));
}

fn check_file(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/plans").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let expect = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expect, "{} differs; UPDATE=1 cargo test accepts it", path.display());
}

#[test]
fn created_things_show_their_content() {
    let token = Value::object([
        ("token".into(), Value::string("hunter2").sensitive()),
        ("address".into(), Value::unknown(Type::String)),
        ("script".into(), "#!/bin/sh\necho hello\n".into()),
    ]);
    let mut plan = plan(vec![
        object(Action::Create, "web", deployment("web", 2, "nginx:1.27")),
        value(Action::Create, "token", token),
        value(Action::NoOp, "same", Value::null()),
    ]);
    plan.outputs
        .insert("url".into(), OutputChange { before: None, after: Some(Value::unknown(Type::String)) });
    check("create", &plan);
}

#[test]
fn what_destroys_comes_first() {
    let mut replaced = object(Action::ReplaceDeleteFirst, "api", deployment("api", 1, "api:2"));
    replaced.reason = Some("the selector of a Deployment cannot be changed in place".into());
    let mut selector = field(&["manifest", "spec", "selector", "matchLabels", "app"], json!("a"), json!("b"));
    selector.forces_replace = true;
    replaced.fields = vec![selector, field(&["manifest", "spec", "replicas"], json!(2), json!(1))];
    replaced.notes = vec![
        "Its pods are gone until the new ones are ready, so expect an interruption of service meanwhile."
            .into(),
    ];
    let mut updated = object(Action::Update, "web", deployment("web", 3, "web:2"));
    let mut replicas = field(&["manifest", "spec", "replicas"], json!(2), json!(3));
    replicas.owner = Some("kubectl-edit (Update, 2026-11-01T10:00:00Z)".into());
    let mut image =
        field(&["manifest", "spec", "template", "spec", "containers"], json!("web:1"), json!("web:2"));
    image.path = image
        .path
        .join(PathStep::Element(vec![("name".into(), "web".into())]))
        .join(PathStep::Attribute("image".into()));
    let page =
        field(&["manifest", "data", "index.html"], json!("<p>\none\n</p>\n"), json!("<p>\ntwo\n</p>\n"));
    updated.fields = vec![replicas, image, page];
    let mut adopted = object(Action::Adopt, "old", deployment("old", 1, "old:1"));
    adopted.reason = Some("it is there already, and kubectl-create made it".into());
    let mut deferred = value(Action::Defer, "later", Value::null());
    deferred.reason = Some("where it lives is known only after apply".into());
    let mut orphan = value(Action::Delete, "b", Value::null());
    orphan.reason = Some("it is no longer in the configuration".into());
    check(
        "destructive",
        &plan(vec![
            adopted,
            orphan,
            value(Action::Delete, "a", Value::null()),
            deferred,
            value(Action::Forget, "lost", Value::null()),
            replaced,
            updated,
        ]),
    );
}

#[test]
fn the_same_change_to_many_is_told_once() {
    let mut many: Vec<_> = ["a", "b", "c"]
        .map(|key| {
            let mut change = object(Action::Update, "web", deployment(key, 3, "web:2"));
            change.address = change.address.with_key(Key::Name(key.into()));
            change.identity = Some(format!("apps/v1/Deployment/shop/{key}"));
            change.fields = vec![field(&["manifest", "spec", "replicas"], json!(2), json!(3))];
            change
        })
        .into();
    many[1].fields = vec![field(&["manifest", "spec", "replicas"], json!(1), json!(3))];
    check("folded", &plan(many));
}

#[test]
fn drift_is_told_before_all_else() {
    let mut drifted = object(Action::Update, "web", deployment("web", 2, "web:1"));
    let mut live = field(&["manifest", "spec", "replicas"], json!(2), json!(5));
    live.owner = Some("kubectl-scale (Update, 2026-11-01T10:00:00Z)".into());
    drifted.drift = vec![live];
    drifted.fields = vec![field(&["manifest", "spec", "replicas"], json!(5), json!(2))];
    let mut kept = value(Action::NoOp, "kept", Value::null());
    kept.drift = vec![field(&["output"], json!("x"), json!("y"))];
    let mut plan = plan(vec![drifted, kept]);
    let (before, after) = (Some("http://a".into()), Some("http://b".into()));
    plan.outputs.insert("url".into(), OutputChange { before, after });
    check("drift", &plan);
}

#[test]
fn long_content_is_cut() {
    let lines: Vec<_> = (1..=100).map(|number| (format!("key{number:03}"), json!(number))).collect();
    let manifest =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": Json::Object(lines.into_iter().collect())});
    check("long", &plan(vec![object(Action::Create, "big", manifest)]));
}

#[test]
fn an_empty_plan_says_so() {
    check(
        "empty",
        &plan(vec![value(Action::NoOp, "a", Value::null()), value(Action::NoOp, "b", Value::null())]),
    );
    check("none", &plan(Vec::new()));
}

#[test]
fn policies_are_summed_up() {
    let judgement = |name: &str, level, verdict| Judgement {
        policy: format!("policy.{name}"),
        description: None,
        level,
        verdict,
        findings: Vec::new(),
    };
    let mut plan = plan(vec![value(Action::Create, "token", Value::from("x"))]);
    plan.policies = vec![
        judgement("owners", Level::Mandatory, Verdict::Holds),
        judgement("limits", Level::Advisory, Verdict::Holds),
        judgement("replicas", Level::Advisory, Verdict::Fails),
        judgement("addresses", Level::Mandatory, Verdict::Unknown),
    ];
    check("policies", &plan);
}

#[test]
fn what_is_out_of_reach_is_told_with_what_is_left_out() {
    check("out_of_reach", &out_of_reach(plan(vec![value(Action::Create, "other", Value::null())])));
    // Nothing to do is not all that there is to say.
    let nothing = out_of_reach(plan(Vec::new()));
    let summary = anstream::adapter::strip_str(&summary(&nothing)).to_string();
    assert_eq!(
        summary,
        "Nothing to do: no instance is planned.\nNot whole: host.web could not be reached, so that 2 instances are not planned."
    );
}
