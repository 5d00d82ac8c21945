//! What was reviewed is what is changed, or nothing is.

use meshform_engine::ports::{ErrorCode, Operation, Precondition};
use serde_json::json;

use crate::world::{Instance, Said, World};

#[tokio::test(flavor = "multi_thread")]
async fn what_moved_since_review_is_not_overwritten() {
    let world = World::new("moved").await;
    let path = world.core("configmaps", "page");
    let map = Instance::new("map", world.config_map("page", json!({ "a": "1" })));
    let (create, absent, _) = world.plan(&map).await;
    let map = world.step(&map).await;

    // It has appeared.
    let failure = world.apply(&map, &create, &absent, &Said::default()).await.err().unwrap();
    assert_eq!(failure.error.code, ErrorCode::Changed);
    assert!(failure.partial.is_none());

    // It was edited.
    let edited = map.with_manifest(world.config_map("page", json!({ "a": "2" })));
    let (update, seen, _) = world.plan(&edited).await;
    world.patch_as("someone", &path, json!({ "data": { "b": "9" } })).await;
    let failure = world.apply(&edited, &update, &seen, &Said::default()).await.err().unwrap();
    assert_eq!(failure.error.code, ErrorCode::Changed);
    assert_eq!(world.get(&path).await["data"], json!({ "a": "1", "b": "9" }));
    let (delete, _, _) = world.plan(&map.unwanted()).await;
    let failure = world.apply(&map.unwanted(), &delete, &seen, &Said::default()).await.err().unwrap();
    assert_eq!(failure.error.code, ErrorCode::Changed);

    // It is gone.
    world.delete(&path).await;
    let failure = world.apply(&edited, &update, &seen, &Said::default()).await.err().unwrap();
    assert_eq!(failure.error.code, ErrorCode::Changed);
    assert!(
        world.apply(&map.unwanted(), &delete, &seen, &Said::default()).await.is_ok(),
        "it is to be gone, and is"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_write_does_not_void_a_plan() {
    let world = World::new("status").await;
    let web = world.step(&Instance::new("web", world.deployment("web", 1, "ready"))).await;
    let edited = web.with_manifest(world.deployment("web", 0, "ready"));
    let (update, seen, _) = world.plan(&edited).await;
    let status = format!("{}/status", world.apps("deployments", "web"));
    let condition = json!({ "type": "Odd", "status": "True", "reason": "x", "message": "y" });
    world.patch_as("someone", &status, json!({ "status": { "conditions": [condition] } })).await;
    assert!(world.apply(&edited, &update, &seen, &Said::default()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_end_is_not_known_is_made_again() {
    let world = World::new("again").await;
    let map = Instance::new("map", world.config_map("page", json!({ "a": "1" })));
    for _ in 0..2 {
        let performed =
            world.perform(&map, Operation::Create, Precondition::Unproven, &Said::default()).await;
        assert_eq!(performed.unwrap().private["name"], "page");
    }
    let map = world.step(&map).await;
    for _ in 0..2 {
        let performed =
            world.perform(&map, Operation::Delete, Precondition::Unproven, &Said::default()).await;
        assert!(performed.unwrap().attributes.is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finalizer_that_no_one_serves_is_named() {
    let world = World::new("finalizer").await;
    let path = world.core("configmaps", "held");
    let mut manifest = world.config_map("held", json!({}));
    manifest["metadata"]["finalizers"] = json!(["example.com/never"]);
    let map = world.step(&Instance::new("map", manifest)).await;
    let unwanted = map.unwanted().within_ms(1_500);
    let shown = world.shown(&unwanted).await;
    assert!(shown.contains("note It stays until its finalizers are done: example.com/never."), "{shown}");
    let (delete, seen, _) = world.plan(&unwanted).await;
    let said = Said::default();
    let failure = world.apply(&unwanted, &delete, &seen, &said).await.err().unwrap();
    assert_eq!(failure.error.code, ErrorCode::TimedOut);
    assert!(failure.error.detail.contains("held by finalizers example.com/never"), "{}", failure.error);
    assert!(failure.partial.is_some());
    assert_eq!(said.all(), "held by finalizers example.com/never");

    // Wanted again while it goes: it is made anew once it is gone.
    let shown = world.shown(&map).await;
    assert!(shown.starts_with("Replace"), "{shown}");
    assert!(
        shown.contains("held by its finalizers example.com/never: apply waits until it is gone"),
        "{shown}"
    );
    let (replace, seen, _) = world.plan(&map).await;
    let freed = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        world.patch_as("someone", &path, json!({ "metadata": { "finalizers": null } })).await;
    };
    let said = Said::default();
    let (applied, ()) = tokio::join!(world.apply(&map, &replace, &seen, &said), freed);
    assert_eq!(world.shown(&applied.unwrap()).await, "NoOp");
    world.patch_as("someone", &path, json!({ "metadata": { "finalizers": null } })).await;
}
