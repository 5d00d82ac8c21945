//! What must not be there.

use meshform_engine::ports::Verdict;
use serde_json::{Value as Json, json};

use crate::world::{Instance, Said, World};

fn absent(world: &World, fields: Json) -> Instance {
    let mut all = json!({
        "api_version": "v1", "kind": "ConfigMap", "namespace": world.namespace, "delete_at_most": 1,
    });
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Instance::of_type("kube_absent", "gone", all)
}

async fn labelled(world: &World, name: &str) {
    let mut map = world.config_map(name, json!({ "a": "1" }));
    map["metadata"]["labels"] = json!({ "old": "yes" });
    world.apply_as("them", &world.core("configmaps", name), map).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_goes_and_is_kept_away() {
    let world = World::new("absent").await;
    let gone = absent(&world, json!({ "name": "old" }));
    labelled(&world, "old").await;
    labelled(&world, "other").await;
    let shown = world.shown(&gone).await;
    assert!(shown.starts_with("Create\n~ found[\"NAMESPACE/old\"]: \"there\" → -"), "{shown}");
    let gone = world.step(&gone).await;
    assert!(world.get(&world.core("configmaps", "old")).await.is_null());
    assert!(!world.get(&world.core("configmaps", "other")).await.is_null());
    assert_eq!(world.shown(&gone).await, "NoOp");
    labelled(&world, "old").await;
    assert_eq!(world.plan(&gone).await.0.verdict, Verdict::Update);
    let gone = world.step(&gone).await;
    assert!(world.get(&world.core("configmaps", "old")).await.is_null());
    // What is no longer forbidden is neither made nor removed.
    assert_eq!(world.plan(&gone.unwanted()).await.0.verdict, Verdict::NoOp);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_there_is_recorded_without_a_deed() {
    let world = World::new("never").await;
    let gone = absent(&world, json!({ "name": "old" }));
    assert_eq!(world.shown(&gone).await, "Create");
    let gone = world.step(&gone).await;
    assert_eq!(world.shown(&gone).await, "NoOp");
    let unknown = absent(&world, json!({ "kind": "Foo", "api_version": "nowhere.io/v1", "name": "a" }));
    assert_eq!(world.shown(&unknown).await, "Create");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_budget_is_refused() {
    let world = World::new("budget").await;
    for name in ["one", "two", "three"] {
        labelled(&world, name).await;
    }
    let gone = absent(&world, json!({ "label_selector": "old=yes" }));
    let shown = world.shown(&gone).await;
    assert!(
        shown.contains("Error delete_at_most: 3 objects are there that must not be, and at most 1"),
        "{shown}"
    );
    let gone = gone.with("delete_at_most", 3);
    let (difference, observed, _) = world.plan(&gone).await;
    // One more than was reviewed: nothing is deleted.
    labelled(&world, "four").await;
    let failure = world.apply(&gone, &difference, &observed, &Said::default()).await.err().unwrap();
    assert!(failure.error.detail.contains("/four"), "{failure:?}");
    assert!(!world.get(&world.core("configmaps", "one")).await.is_null());
    let gone = world.step(&gone.with("delete_at_most", 4)).await;
    for name in ["one", "two", "three", "four"] {
        assert!(world.get(&world.core("configmaps", name)).await.is_null());
    }
    assert_eq!(world.shown(&gone).await, "NoOp");
}
