//! Other writers of the same fields.

use meshform_engine::value::from_json;
use serde_json::json;

use crate::world::{Instance, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_names_field_owner_and_remedy() {
    let world = World::new("conflict").await;
    let path = world.core("configmaps", "page");
    let map = world.step(&Instance::new("map", world.config_map("page", json!({ "a": "1" })))).await;
    world.patch_as("kubectl-edit", &path, json!({ "data": { "a": "2" } })).await;
    assert_eq!(
        world.shown(&map).await,
        "Update\n~ data.a: \"2\" → \"1\" [kubectl-edit (Update, TIME)]\n\
         drift data.a: \"1\" → \"2\" [kubectl-edit (Update, TIME)]\n\
         Error manifest.data.a: `data.a` is owned by kubectl-edit (Update, TIME), with another value. Leave it out of the \
         manifest to let them have it, or set `force_conflicts = true` to take it over."
    );
    let forced = map.with("force_conflicts", true);
    assert_eq!(
        world.shown(&forced).await,
        "Update\n~ data.a: \"2\" → \"1\" [kubectl-edit (Update, TIME)]\ndrift data.a: \"1\" → \"2\" [kubectl-edit (Update, TIME)]"
    );
    let forced = world.step(&forced).await;
    assert_eq!(world.get(&path).await["data"]["a"], "1");
    assert_eq!(world.shown(&forced).await, "NoOp");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_added_is_left_alone() {
    let world = World::new("foreign").await;
    let path = world.core("configmaps", "page");
    let map = world.step(&Instance::new("map", world.config_map("page", json!({ "a": "1" })))).await;
    world.patch_as("someone", &path, json!({ "data": { "b": "2" } })).await;
    assert_eq!(world.shown(&map).await, "NoOp");
    let map = world.step(&map.with_manifest(world.config_map("page", json!({ "a": "3" })))).await;
    assert_eq!(world.get(&path).await["data"], json!({ "a": "3", "b": "2" }));
    assert_eq!(world.shown(&map).await, "NoOp");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_already_is_adopted() {
    let world = World::new("adopt").await;
    let path = world.core("configmaps", "page");
    world.apply_as("kapp", &path, world.config_map("page", json!({ "a": "1", "b": "2" }))).await;
    let map = Instance::new("map", world.config_map("page", json!({ "a": "1" })));
    assert_eq!(
        world.shown(&map).await,
        "Update\n~ data.a: \"1\" → \"1\" [kapp (Apply, TIME)]\n\
         note It is there already, with fields of kapp (Apply, TIME), and becomes part of this stack."
    );
    let map = world.step(&map).await;
    assert_eq!(world.get(&path).await["data"], json!({ "a": "1", "b": "2" }));
    assert_eq!(world.shown(&map).await, "NoOp");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_nothing_but_the_owner_is_shown() {
    let world = World::new("ownership").await;
    let service = |address: serde_json::Value| {
        let mut service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": world.namespace },
            "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80 }] },
        });
        if !address.is_null() {
            service["spec"]["clusterIP"] = address;
        }
        service
    };
    let web = world.step(&Instance::new("web", service(json!("None")))).await;
    let web = web.with_manifest(service(json!(null)));
    assert_eq!(world.shown(&web).await, "Update\n~ spec.clusterIP: \"None\" → \"None\" [no one from now on]");
    let web = world.step(&web).await;
    assert_eq!(world.shown(&web).await, "NoOp");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaler_is_named() {
    let world = World::new("scaler").await;
    let web = world.step(&Instance::new("web", world.deployment("web", 1, "ready"))).await;
    let scale = format!("{}/scale", world.apps("deployments", "web"));
    world.patch_as("hpa", &scale, json!({ "spec": { "replicas": 2 } })).await;
    // The time of a write through a subresource is told by some servers only.
    let shown = async |web: &Instance| world.shown(web).await.replace(", TIME", "");
    let note = "note `spec.replicas` is left to hpa (Update, subresource scale), which scales it.";
    assert_eq!(shown(&web).await, format!("NoOp\n{note}"));
    // Another change leaves the replicas as they are.
    let mut manifest = world.deployment("web", 1, "ready");
    manifest["spec"]["minReadySeconds"] = json!(1);
    let changed = world.step(&web.with_manifest(manifest)).await;
    let path = world.apps("deployments", "web");
    assert_eq!(world.get(&path).await["spec"]["replicas"], 2);
    assert_eq!(shown(&changed).await, format!("NoOp\n{note}"));
    // Unless it is said otherwise.
    let policy = |word: &str| changed.with("field_policy", from_json(&json!({ "spec.replicas": word })));
    let failing = shown(&policy("fail")).await;
    assert!(
        failing.contains("note hpa (Update, subresource scale) scales it: leave out spec.replicas"),
        "{failing}"
    );
    assert!(failing.contains("Error manifest.spec.replicas:"), "{failing}");
    let taking = policy("take");
    assert!(shown(&taking).await.starts_with("Update\n~ spec.replicas: 2 → 1"), "{}", shown(&taking).await);
    world.step(&taking).await;
    assert_eq!(world.get(&path).await["spec"]["replicas"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_has_a_policy_of_its_own() {
    let world = World::new("policy").await;
    let path = world.core("configmaps", "page");
    let map = world
        .step(&Instance::new("map", world.config_map("page", json!({ "a": "1", "b": "1", "c": "1" }))))
        .await;
    world.patch_as("kubectl-edit", &path, json!({ "data": { "a": "2", "b": "2", "c": "2" } })).await;
    let policies = json!({ "data.a": "take", "data.b": "yield", "data.c": "adopt_live" });
    let map = map.with("field_policy", from_json(&policies));
    let shown = world.shown(&map).await;
    assert!(!shown.contains("Error"), "{shown}");
    assert!(shown.contains("~ data.a: \"2\" → \"1\" [kubectl-edit (Update, TIME)]"), "{shown}");
    assert!(shown.contains("note `data.b` is left to kubectl-edit (Update, TIME)."), "{shown}");
    let map = world.step(&map).await;
    assert_eq!(world.get(&path).await["data"], json!({ "a": "1", "b": "2", "c": "2" }));
    assert!(world.shown(&map).await.starts_with("NoOp"), "{}", world.shown(&map).await);
    // One that is not to be taken is a conflict still.
    world.patch_as("kubectl-edit", &path, json!({ "data": { "a": "3" } })).await;
    let some = map.with("field_policy", from_json(&json!({ "data.b": "take" })));
    assert!(world.shown(&some).await.contains("Error manifest.data.a:"));
}
