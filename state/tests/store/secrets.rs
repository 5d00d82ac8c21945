//! A sensitive value never reaches the disk, wherever it is.

use std::collections::BTreeMap;

use meshform_engine::apply::{Event, fold};
use meshform_engine::diagnostic::Sources;
use meshform_engine::plan::{Action, Change, FieldChange, OutputChange, Plan};
use meshform_engine::ports::{Precondition, StateStore};
use meshform_engine::value::{Path, Value};

use crate::world::{World, address, apply, began, record, started, succeeded};

const SECRET: &str = "hunter2-the-secret";

/// The secret as a leaf, in a marked container, as a key's value, in a set.
fn secrets() -> Value {
    let leaf = || Value::string(SECRET).sensitive();
    Value::object([
        ("leaf".into(), leaf()),
        ("list".into(), Value::list([Value::string(SECRET)]).sensitive()),
        ("map".into(), Value::map([(SECRET.into(), Value::string(SECRET))]).sensitive()),
        ("nested".into(), Value::list([Value::open_object([("set".into(), Value::set([leaf()]))])])),
    ])
}

#[tokio::test]
async fn no_file_holds_a_secret_at_any_moment() {
    let world = World::new();
    let outputs = Some(BTreeMap::from([("all".to_owned(), secrets())]));
    let operation = meshform_engine::plan::StepOperation::Forget;
    let events = vec![
        began(),
        started(0, secrets()),
        succeeded(0, secrets()),
        Event::Started { at_ms: 5, address: address(1), operation, intent: record(secrets()) },
        Event::Failed {
            at_ms: 6,
            address: address(1),
            operation,
            error: "it is there".into(),
            record: Some(record(secrets())),
        },
        Event::Ended { at_ms: 7, outputs },
    ];
    let lease = world.store().lock("apply", 0).await.unwrap();
    let prior = world.store().load().await.unwrap().snapshot;
    let mut journal = world.store().begin(&*lease, &prior).await.unwrap();
    journal.append(&events).await.unwrap();
    check(&world, 1);
    journal.finish(fold(prior, events.clone()).unwrap()).await.unwrap();
    drop(lease);
    check(&world, 1);
    apply(&world.store(), vec![began(), started(2, secrets()), succeeded(2, secrets())]).await;
    check(&world, 2);
}

/// No file of the folder contains the secret; so many contain a fingerprint in its place.
fn check(world: &World, fingerprints: usize) {
    let texts: Vec<_> = world.files().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(!texts.iter().any(|text| text.contains(SECRET)));
    assert_eq!(texts.iter().filter(|text| text.contains("$sensitive")).count(), fingerprints);
}

#[tokio::test]
async fn a_plan_file_holds_no_secret_and_tells_whether_one_changes() {
    let world = World::new();
    let field = |after: &str| FieldChange {
        path: Path::attribute("leaf"),
        before: Some(Value::string(SECRET).sensitive()),
        after: Some(Value::string(after).sensitive()),
        forces_replace: false,
        owner: None,
    };
    let plan = Plan {
        created_ms: 1,
        destroy: false,
        partial: None,
        refresh_only: false,
        unseen: Vec::new(),
        folder: ".".into(),
        workspace: "default".into(),
        sources: Sources::default(),
        variables: BTreeMap::from([("all".into(), secrets())]),
        lineage: String::new(),
        serial: 0,
        targets: BTreeMap::new(),
        data: BTreeMap::from([("data.thing.x".parse().unwrap(), secrets())]),
        changes: vec![Change {
            address: address(0),
            kind: "value".into(),
            target: None,
            identity: None,
            prior_identity: None,
            action: Action::Update,
            reason: None,
            fields: vec![field("new")],
            drift: vec![field(SECRET)],
            planned: secrets(),
            desired: Some(secrets()),
            precondition: Precondition::Unproven,
            prior_precondition: None,
            depends_on: Vec::new(),
            timeout_ms: None,
            notes: Vec::new(),
            impact: Vec::new(),
        }],
        steps: Vec::new(),
        outputs: BTreeMap::from([(
            "all".into(),
            OutputChange { before: Some(secrets()), after: Some(secrets()) },
        )]),
        warnings: Vec::new(),
        policies: Vec::new(),
    };
    let bytes = world.store().encode_plan(&plan).await.unwrap();
    assert!(!String::from_utf8(bytes.clone()).unwrap().contains(SECRET));

    let read = world.store().decode_plan(&bytes).unwrap();
    let changed = |field: &FieldChange| field.before != field.after;
    assert!(changed(&read.changes[0].fields[0]));
    assert!(!changed(&read.changes[0].drift[0]));
    assert!(!read.outputs["all"].changed());
    assert_eq!(world.store().encode_plan(&read).await.unwrap(), bytes);
}
