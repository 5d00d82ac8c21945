//! What server-side apply does that one does not expect of it.
//!
//! | a server … | shown by |
//! | --- | --- |
//! | answers 409 to a conflict of owners and to a stale version alike | `conflicts::a_conflict_names_field_owner_and_remedy`, `preconditions::what_moved_since_review_is_not_overwritten` |
//! | takes a version in the body for a lock, and another UID for an immutable field | `preconditions`, `another_object_of_the_same_name_is_not_overwritten` |
//! | writes nothing when nothing changes | `an_apply_without_changes_writes_nothing` |
//! | raises the generation in a dry-run, and keeps the version | `life::an_object_lives_and_dies`: neither is shown |
//! | makes up addresses and ports in a dry-run | `life::a_service_keeps_what_the_server_gave_it` |
//! | takes in a dry-run what is too large to be stored | `what_is_too_large_is_told_before` |
//! | has no Status for a kind that it does not serve | `kinds::a_definition_and_its_objects_go_in_one_run` |
//! | names the namespace that is missing, not the object | `kinds::a_namespace_that_is_not_there_yet_is_noted` |
//! | answers 500 to unknown fields and doubled keys of lists | `kinds::what_no_server_serves_is_told`, `a_key_that_a_list_has_twice_is_told` |
//! | refuses `managedFields` and `generateName` | `what_only_the_server_sets_is_told_before` |
//! | resets what only one had declared, and keeps what another has written since | `replicas_that_are_declared_no_longer_are_reset`, `conflicts::a_scaler_is_named` |
//! | changes the version for nothing but an owner | `conflicts::a_change_of_nothing_but_the_owner_is_shown` |
//! | remembers `stringData`, and keeps what was in it | `what_was_written_as_string_data_goes_when_it_is_left_out` |
//! | takes one manager's updates and applies for two managers | `what_we_have_created_by_other_means_is_ours` |
//! | writes quantities in its own way | `life::what_the_server_writes_otherwise_is_no_change` |
//! | merges some lists by key, some as sets, and some not at all | `lists_are_merged_as_their_schema_says` |
//! | accepts an apply to what is being deleted | `preconditions::a_finalizer_that_no_one_serves_is_named` |

use meshform_engine::diagnostic::Severity;
use meshform_engine::ports::{ErrorCode, Operation, Precondition, Provider, Verdict};
use meshform_engine::value::from_json;
use serde_json::{Value as Json, json};

use crate::world::{Instance, Said, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_without_changes_writes_nothing() {
    let world = World::new("noop").await;
    let web = world.step(&Instance::new("web", world.deployment("web", 1, "ready"))).await;
    let path = world.apps("deployments", "web");
    let written = |object: &Json| (object["metadata"]["generation"].clone(), own_entry(object));
    let before = world.get(&path).await;
    let again = world.perform(&web, Operation::Update, Precondition::Unproven, &Said::default()).await;
    assert!(again.is_ok());
    assert_eq!(written(&world.get(&path).await), written(&before));
}

fn own_entry(object: &Json) -> Json {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    entries.iter().find(|entry| entry["manager"] == "meshform").unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_object_of_the_same_name_is_not_overwritten() {
    let world = World::new("another").await;
    let path = world.core("configmaps", "page");
    let map = world.step(&Instance::new("map", world.config_map("page", json!({ "a": "1" })))).await;
    let edited = map.with_manifest(world.config_map("page", json!({ "a": "2" })));
    let (update, seen, _) = world.plan(&edited).await;
    world.delete(&path).await;
    world.apply_as("someone", &path, world.config_map("page", json!({ "a": "1", "theirs": "x" }))).await;
    let failure = world.apply(&edited, &update, &seen, &Said::default()).await.err().unwrap();
    assert_eq!(failure.error.code, ErrorCode::Changed, "{}", failure.error);
    assert_eq!(world.get(&path).await["data"], json!({ "a": "1", "theirs": "x" }));
}

/// What is wrong with a manifest before any server is asked.
fn problems(world: &World, manifest: &Json) -> String {
    let desired = from_json(&json!({ "manifest": manifest }));
    let found = world.provider().check("kube_object", &desired).into_iter();
    let errors = found.filter(|problem| problem.severity == Severity::Error);
    errors.map(|problem| format!("{}: {}", problem.path, problem.detail)).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_told_before() {
    let world = World::new("large").await;
    let text = |bytes: usize| "x".repeat(bytes);
    let custom = |bytes: usize| {
        json!({
            "apiVersion": "example.com/v1", "kind": "Big", "metadata": { "name": "x", "namespace": "default" },
            "spec": { "text": text(bytes) },
        })
    };
    assert_eq!(problems(&world, &custom(1_000_000)), "");
    assert_ne!(problems(&world, &custom(1_700_000)), "");
    assert_ne!(problems(&world, &custom(3_200_000)), "");
    assert_ne!(problems(&world, &world.config_map("page", json!({ "a": text(1_100_000) }))), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_server_sets_is_told_before() {
    let world = World::new("set").await;
    let mut manifest = world.config_map("page", json!({}));
    manifest["metadata"]["managedFields"] = json!([]);
    assert!(problems(&world, &manifest).starts_with("manifest.metadata.managedFields: "));
    let mut manifest = world.config_map("page", json!({}));
    manifest["metadata"].as_object_mut().unwrap().remove("name");
    manifest["metadata"]["generateName"] = json!("page-");
    assert!(problems(&world, &manifest).starts_with("manifest.metadata.generateName: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_list_has_twice_is_told() {
    let world = World::new("twice").await;
    let mut manifest = world.deployment("web", 1, "ready");
    manifest["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{ "name": "A", "value": "1" }, { "name": "A", "value": "2" }]);
    let shown = world.shown(&Instance::new("web", manifest)).await;
    assert!(shown.contains("Error manifest: Could not dry-run"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_are_declared_no_longer_are_reset() {
    let world = World::new("reset").await;
    let web = world.step(&Instance::new("web", world.deployment("web", 3, "ready"))).await;
    let mut manifest = world.deployment("web", 3, "ready");
    manifest["spec"].as_object_mut().unwrap().remove("replicas");
    let web = web.with_manifest(manifest);
    assert_eq!(world.shown(&web).await, "Update\n~ spec.replicas: 3 → 1");
    let web = world.step(&web).await;
    assert_eq!(world.get(&world.apps("deployments", "web")).await["spec"]["replicas"], 1);
    assert_eq!(world.shown(&web).await, "NoOp");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_as_string_data_goes_when_it_is_left_out() {
    let world = World::new("strings").await;
    let path = world.core("secrets", "key");
    let secret = |data: Json| {
        let metadata = json!({ "name": "key", "namespace": world.namespace });
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data })
    };
    let key = world.step(&Instance::new("key", secret(json!({ "a": "1", "b": "2" })))).await;
    let entry = own_entry(&world.get(&path).await);
    assert!(entry["fieldsV1"].get("f:stringData").is_none(), "{entry}");
    // Another's edit of what is declared is no secret to the next plan.
    world.patch_as("someone", &path, json!({ "data": { "a": "OQ==" } })).await;
    assert!(world.shown(&key).await.contains("drift data.a:"));
    let key = world.step(&key.with("force_conflicts", true)).await;
    let key = world.step(&key.with_manifest(secret(json!({ "a": "1" })))).await;
    assert_eq!(world.get(&path).await["data"], json!({ "a": "MQ==" }));
    assert_eq!(world.shown(&key).await, "NoOp");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_have_created_by_other_means_is_ours() {
    let world = World::new("self").await;
    let path = world.core("configmaps", "page");
    let collection = path.trim_end_matches("/page").to_owned();
    world.create_as("meshform", &collection, world.config_map("page", json!({ "a": "1", "b": "1" }))).await;
    let map = Instance::new("map", world.config_map("page", json!({ "a": "2" })));
    let shown = world.shown(&map).await;
    // To the server that is another manager: it is said, and taken over when so told.
    assert!(shown.contains("meshform (Update"), "{shown}");
    let map = world.step(&map.with("force_conflicts", true)).await;
    assert_eq!(world.get(&path).await["data"]["a"], "2");
    assert_eq!(world.shown(&map).await, "NoOp");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_merged_as_their_schema_says() {
    let world = World::new("lists").await;
    let path = world.apps("deployments", "web");
    let manifest = |finalizers: Json, env: Json, arguments: Json| {
        let mut manifest = world.deployment("web", 0, "ready");
        manifest["metadata"]["finalizers"] = finalizers;
        let container = &mut manifest["spec"]["template"]["spec"]["containers"][0];
        (container["env"], container["args"]) = (env, arguments);
        manifest
    };
    let env =
        |names: &[&str]| names.iter().map(|name| json!({ "name": name, "value": "1" })).collect::<Json>();
    let web = manifest(json!(["example.com/a"]), env(&["A", "B"]), json!(["x", "y"]));
    let web = world.step(&Instance::new("web", web)).await;
    // Others add to what is merged.
    let theirs = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "finalizers": ["example.com/theirs"] },
        "spec": { "selector": { "matchLabels": { "app": "web" } }, "template": { "spec": { "containers": [{ "name": "web", "env": env(&["THEIRS"]) }] } } },
    });
    world.apply_as("someone", &path, theirs).await;
    assert_eq!(world.plan(&web).await.0.verdict, Verdict::NoOp);
    world.patch_as("someone", &path, json!({ "metadata": { "finalizers": null } })).await;
}
