//! Kinds and namespaces that are not there yet.

use meshform_engine::ports::{ErrorCode, Operation, Precondition};
use serde_json::{Value as Json, json};

use crate::world::{Instance, Said, World};

fn definition(group: &str, kind: &str, scope: &str) -> Json {
    let plural = format!("{}s", kind.to_lowercase());
    let schema = json!({ "type": "object", "properties": {
        "spec": { "type": "object", "properties": {
            "size": { "type": "integer", "minimum": 1 },
            "fixed": { "type": "string", "x-kubernetes-validations": [{ "rule": "self == oldSelf" }] },
        } },
    } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": scope, "names": { "kind": kind, "plural": plural },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_and_its_objects_go_in_one_run() {
    let world = World::new("crd").await;
    let group = format!("{}.example.com", world.namespace);
    let custom = |spec: Json| {
        json!({
            "apiVersion": format!("{group}/v1"), "kind": "Widget",
            "metadata": { "name": "w", "namespace": world.namespace }, "spec": spec,
        })
    };
    let widget = Instance::new("widget", custom(json!({ "size": 1, "fixed": "a" })));
    let shown = world.shown(&widget).await;
    let expect = format!(
        "note The server checks this only during apply: the cluster does not serve {group}/v1 Widget yet."
    );
    assert!(
        shown.starts_with("Create\n") && shown.ends_with(&expect.replace(&world.namespace, "NAMESPACE")),
        "{shown}"
    );

    let crd = Instance::new("crd", definition(&group, "Widget", "Namespaced"));
    let shown = world.shown_beside(&widget, &[&crd]).await;
    assert!(
        shown.ends_with(
            "note The server checks this only during apply: its admission is unverified, as the cluster does not have this \
             definition of NAMESPACE.example.com/v1 Widget yet. By the definition in this plan \
             (widgets.NAMESPACE.example.com) it is valid."
        ),
        "{shown}"
    );
    let wrong = widget.with_manifest(custom(json!({ "size": 0, "colour": "red" })));
    let shown = world.shown_beside(&wrong, &[&crd]).await;
    assert!(
        shown.contains("Error manifest.spec.colour: widgets.NAMESPACE.example.com, which is in this plan,")
            && shown.contains(
                "- spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"
            ),
        "{shown}"
    );

    let crd = world.step(&crd).await;
    assert_eq!(world.shown(&crd).await, "NoOp");
    let widget = world.step(&widget).await;
    assert_eq!(world.shown(&widget).await, "NoOp");

    let shown = world.shown(&widget.with_manifest(custom(json!({ "size": 0, "fixed": "a" })))).await;
    assert!(shown.contains("Error manifest: Could not dry-run"), "{shown}");
    let shown = world.shown(&widget.with_manifest(custom(json!({ "size": 1, "fixed": "b" })))).await;
    assert_eq!(shown, "Replace\n~ spec.fixed: \"a\" → \"b\" (forces replace)");

    world.step(&widget.unwanted()).await;
    world.step(&crd.unwanted()).await;
    // The kind is gone, and its objects with it.
    let shown = world.shown(&widget.unwanted()).await;
    assert_eq!(shown, "NoOp");
    let removed = world.perform(&widget, Operation::Delete, Precondition::Unproven, &Said::default()).await;
    assert!(removed.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_not_there_yet_is_noted() {
    let world = World::new("later").await;
    let mut manifest = world.config_map("page", json!({ "a": "1" }));
    let name = format!("{}-more", world.namespace);
    manifest["metadata"]["namespace"] = json!(name);
    let map = Instance::new("map", manifest);
    let shown = world.shown(&map).await;
    let expect =
        "note The server checks this only during apply: the namespace \"NAMESPACE-more\" is not there yet.";
    assert!(shown.ends_with(expect), "{shown}");
    let failure =
        world.perform(&map, Operation::Create, Precondition::Absent, &Said::default()).await.err().unwrap();
    assert!(failure.partial.is_none());
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    let namespace = world.step(&Instance::new("namespace", namespace)).await;
    let map = world.step(&map).await;
    world.step(&map.unwanted()).await;
    world.step(&namespace.unwanted()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_server_serves_is_told() {
    let world = World::new("unserved").await;
    let mut manifest = world.config_map("page", json!({}));
    manifest["apiVersion"] = json!("v7");
    let shown = world.shown(&Instance::new("map", manifest)).await;
    assert!(
        shown.contains(
            "The cluster does not serve v7 ConfigMap. It serves the kind as v1. Change `apiVersion`."
        ),
        "{shown}"
    );
    let mut manifest = world.config_map("page", json!({}));
    manifest["kind"] = json!("Confmap");
    let map = Instance::new("map", manifest).within_ms(500);
    let failure =
        world.perform(&map, Operation::Create, Precondition::Absent, &Said::default()).await.err().unwrap();
    assert_eq!(failure.error.code, ErrorCode::TimedOut);
    let mut manifest = world.config_map("page", json!({ "a": "1" }));
    manifest["unknown"] = json!({ "field": 1 });
    let shown = world.shown(&Instance::new("map", manifest)).await;
    assert!(shown.contains("Error manifest: Could not dry-run"), "{shown}");
}
