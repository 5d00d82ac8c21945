//! Waiting for what a block says, instead of what a kind usually has.

use std::time::Duration;

use meshform_engine::ports::{ErrorCode, Operation, Precondition};
use meshform_engine::value::from_json;
use serde_json::{Value as Json, json};

use crate::world::{Instance, Said, World};

fn waiting(world: &World, name: &str, blocks: &Json) -> Instance {
    let manifest = world.config_map(name, json!({ "phase": "Pending" }));
    Instance::new(name, manifest).with("wait_for", from_json(blocks))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_is_waited_for() {
    let world = World::new("fields").await;
    let blocks = json!([
        { "condition": [], "field": [{ "path": "data.phase", "value": "Done" }] },
        { "condition": [], "field": [{ "path": "metadata.labels.stage", "pattern": "^(two|three)$" }] },
    ]);
    let (said, map) = (Said::default(), waiting(&world, "field", &blocks));
    let path = world.core("configmaps", "field");
    let controller = async {
        for patch in [
            json!({ "data": { "phase": "Done" } }),
            json!({ "metadata": { "labels": { "stage": "one" } } }),
            json!({ "metadata": { "labels": { "stage": "two" } } }),
        ] {
            tokio::time::sleep(Duration::from_millis(400)).await;
            world.patch_as("controller", &path, patch).await;
        }
    };
    let performing = world.perform(&map, Operation::Create, Precondition::Absent, &said);
    let (performed, ()) = tokio::join!(performing, controller);
    assert!(performed.is_ok());
    for waits in [
        "`data.phase` is \"Pending\", not \"Done\"",
        "`metadata.labels.stage` is not there yet",
        "`metadata.labels.stage` is \"one\", not what matches",
    ] {
        assert!(said.all().contains(waits), "{}", said.all());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_is_told() {
    let world = World::new("never-comes").await;
    let blocks = json!([{ "condition": [{ "type": "Issued", "status": "True" }], "field": [] }]);
    let map = waiting(&world, "never", &blocks).within_ms(1_500);
    let failure =
        world.perform(&map, Operation::Create, Precondition::Absent, &Said::default()).await.err().unwrap();
    assert_eq!(failure.error.code, ErrorCode::TimedOut, "{}", failure.error);
    assert!(failure.error.detail.contains("its condition Issued is not there yet"), "{}", failure.error);
    assert!(failure.partial.is_some(), "what is there is recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_takes_the_place_of_that_of_the_kind() {
    let world = World::new("instead").await;
    // None of its pods ever gets ready; who waits for the field does not care.
    let blocks = json!([{ "condition": [], "field": [{ "path": "status.observedGeneration", "value": 1 }] }]);
    let web = Instance::new("web", world.deployment("web", 1, "hang")).with("wait_for", from_json(&blocks));
    let performed = world.perform(&web, Operation::Create, Precondition::Absent, &Said::default()).await;
    assert!(performed.is_ok());
}
