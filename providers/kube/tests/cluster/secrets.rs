//! What is secret is never shown.

use meshform_engine::ports::{Observed, Operation, Precondition};
use meshform_engine::value::{Value, from_json};
use serde_json::{Value as Json, json};

use crate::world::{Instance, Said, World, show};

/// The secret, and what base64 makes of it.
const SECRETS: [&str; 2] = ["hunter2-hunter2", "aHVudGVyMi1odW50ZXIy"];

fn check(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} shows a secret: {text}");
    }
}

fn secret(world: &World, data: Json) -> Json {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "key", "namespace": world.namespace },
        "stringData": data,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_of_a_secret_is_hidden_everywhere() {
    let world = World::new("secret").await;
    let key = Instance::new("key", secret(&world, json!({ "password": SECRETS[0] })));
    let (create, absent, _) = world.plan(&key).await;
    check("the plan", &format!("{create:?}{}", show(&create)));
    let said = Said::default();
    let key = world.apply(&key, &create, &absent, &said).await.unwrap();
    check("the record", &format!("{:?}", key.record));
    check("the progress", &said.all());
    let stored = world.get(&world.core("secrets", "key")).await;
    assert_eq!(stored["data"]["password"], SECRETS[1]);
    assert!(stored.get("stringData").is_none());

    // Without changes there are none, though the record has only a fingerprint.
    let (nothing, seen, previewed) = world.plan(&key).await;
    assert_eq!((show(&nothing).as_str(), previewed), ("NoOp", false));
    let Observed::Present(seen) = seen else { panic!("it is there") };
    check("the observation", &format!("{:?}{}{}", seen.attributes, seen.version, seen.detail));

    let edited = key.with_manifest(secret(&world, json!({ "password": "other", "more": SECRETS[0] })));
    let (update, _, _) = world.plan(&edited).await;
    assert_eq!(
        show(&update),
        "Update\n~ data.more: - → (sensitive)\n~ data.password: (sensitive) → (sensitive)"
    );
    check("the plan of an edit", &format!("{update:?}"));

    // Someone else's edit is drift.
    world
        .patch_as("someone", &world.core("secrets", "key"), json!({ "data": { "password": "b3RoZXI=" } }))
        .await;
    let shown = world.shown(&key).await;
    assert!(shown.contains("drift data.password: (sensitive) → (sensitive)"), "{shown}");
    let (delete, _, _) = world.plan(&key.unwanted()).await;
    check("the plan of a removal", &show(&delete));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_does_not_repeat_a_secret() {
    let world = World::new("refusal").await;
    let mut manifest = secret(&world, json!({ "key with spaces": SECRETS[0] }));
    manifest["data"] = json!({ "not-base64": SECRETS[0] });
    let key = Instance::new("key", manifest);
    let shown = world.shown(&key).await;
    assert!(shown.contains("Error manifest:"), "{shown}");
    check("the refusal", &shown);
    let failure =
        world.perform(&key, Operation::Create, Precondition::Absent, &Said::default()).await.err().unwrap();
    check("the failure", &format!("{failure:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensitive_value_is_hidden_wherever_it_is() {
    let world = World::new("marked").await;
    let mut manifest = from_json(&world.config_map("page", json!({ "plain": "seen" })));
    let data = Value::object([
        ("plain".to_owned(), Value::from("seen")),
        ("token".to_owned(), Value::string(SECRETS[0]).sensitive()),
    ]);
    let mut fields = manifest.as_map().unwrap().clone();
    fields.insert("data".into(), data);
    manifest = Value::object(fields);
    let map = Instance::of_value("map", manifest);
    check("the plan", &format!("{:?}", world.plan(&map).await.0));
    let map = world.step(&map).await;
    check("the record", &format!("{:?}", map.record));
    assert_eq!(world.get(&world.core("configmaps", "page")).await["data"]["token"], SECRETS[0]);
    assert_eq!(world.shown(&map).await, "NoOp");
    let (delete, seen, _) = world.plan(&map.unwanted()).await;
    check("the plan of a removal", &format!("{delete:?}"));
    let Observed::Present(seen) = seen else { panic!("it is there") };
    check("the observation", &format!("{:?}{}", seen.attributes, seen.version));
    assert!(world.apply(&map.unwanted(), &delete, &Observed::Present(seen), &Said::default()).await.is_ok());
}
