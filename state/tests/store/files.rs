//! What lies in the folder, and when it changes.

use std::os::unix::fs::PermissionsExt;

use meshform_engine::ports::{StateStore, StoreError};
use meshform_engine::state::Snapshot;
use meshform_engine::value::Value;
use meshform_state::Store;

use crate::world::{World, address, apply, apply_of, began, ended, started, succeeded};

#[tokio::test]
async fn an_apply_that_changes_nothing_keeps_the_serial_and_the_file() {
    let world = World::new();
    let empty = apply(&world.store(), vec![began(), ended()]).await;
    assert_eq!(empty, Snapshot::default());
    let first = apply(&world.store(), apply_of(3)).await;
    assert_eq!((first.serial, first.records.len(), first.lineage.len()), (1, 3, 36));
    let text = world.read("state.json");
    assert_eq!(apply(&world.store(), vec![began(), ended()]).await, first);
    assert_eq!(apply(&world.store(), apply_of(3)).await, first);
    assert_eq!(world.read("state.json"), text);
    let second = apply(&world.store(), apply_of(4)).await;
    assert_eq!((second.serial, second.records.len(), &second.lineage), (2, 4, &first.lineage));
    let former = |text: &str| text.split_once("\"body\"").unwrap().1.to_owned();
    assert_eq!(former(&world.read("history/00000001.json")), former(&text));
}

#[tokio::test]
async fn a_secret_that_did_not_change_keeps_the_serial() {
    let world = World::new();
    let events = |secret: &str| {
        let secret = Value::string(secret).sensitive();
        vec![began(), started(0, secret.clone()), succeeded(0, secret), ended()]
    };
    assert_eq!(apply(&world.store(), events("one")).await.serial, 1);
    assert_eq!(apply(&world.store(), events("one")).await.serial, 1);
    assert_eq!(apply(&world.store(), events("two")).await.serial, 2);
}

#[tokio::test]
async fn only_the_owner_may_look() {
    let world = World::new();
    apply(&world.store(), apply_of(1)).await;
    apply(&world.store(), apply_of(2)).await;
    let lease = world.store().lock("apply", 0).await.unwrap();
    let prior = world.store().load().await.unwrap().snapshot;
    let _open = world.store().begin(&*lease, &prior).await.unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut names = Vec::new();
    for path in world.files() {
        assert_eq!(mode(&path), 0o600, "{path:?}");
        names.push(path.strip_prefix(&world.folder).unwrap().display().to_string());
    }
    names.sort();
    let journal = format!("journal/00000003-{}.jsonl", lease.token());
    let expect = [
        ".gitignore",
        "fingerprint.key",
        "history/00000001.json",
        &journal,
        "lock",
        "lock.guard",
        "state.json",
    ];
    assert_eq!(names, expect);
    assert_eq!((mode(&world.folder), mode(&world.path("journal"))), (0o700, 0o700));
    assert_eq!(world.read(".gitignore"), "*\n");
}

#[tokio::test]
async fn reading_writes_nothing() {
    let world = World::new();
    let loaded = world.store().load().await.unwrap();
    assert_eq!((loaded.snapshot, loaded.interrupted), (Snapshot::default(), false));
    assert!(!world.folder.exists());
}

#[tokio::test]
async fn a_folder_that_someone_else_made_is_used_as_it_is() {
    let world = World::new();
    std::fs::create_dir(&world.folder).unwrap();
    assert_eq!(apply(&world.store(), apply_of(1)).await.serial, 1);
    assert_eq!(world.read(".gitignore"), "*\n");
}

#[tokio::test]
async fn what_could_not_be_read_again_is_not_written() {
    let world = World::new();
    let nested = |levels| (0..levels).fold(Value::null(), |inner, _| Value::list([inner]));
    apply(&world.store(), vec![began(), started(0, nested(100)), succeeded(0, nested(100)), ended()]).await;
    let lease = world.store().lock("apply", 0).await.unwrap();
    let prior = world.store().load().await.unwrap().snapshot;
    let mut journal = world.store().begin(&*lease, &prior).await.unwrap();
    let check = async |result: Result<(), StoreError>| {
        let error = result.unwrap_err().to_string();
        assert!(error.ends_with("its values are nested deeper than 120 levels"), "{error}");
        assert_eq!(world.store().load().await.unwrap().snapshot, prior);
    };
    check(journal.append(&[started(1, nested(130))]).await).await;
    let mut snapshot = prior.clone();
    snapshot.outputs.insert("deep".into(), nested(130));
    check(journal.finish(snapshot).await).await;
}

#[tokio::test]
async fn an_apply_of_an_old_state_does_not_begin() {
    let world = World::new();
    let old = apply(&world.store(), apply_of(1)).await;
    apply(&world.store(), apply_of(2)).await;
    let lease = world.store().lock("apply", 0).await.unwrap();
    match world.store().begin(&*lease, &old).await.err() {
        Some(StoreError::Invalid { problem, .. }) => {
            assert_eq!(problem, "another run has changed it: its serial is 2, and was 1 when it was read");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_is_made_by_the_first_write_and_kept() {
    let world = World::new();
    let fingerprint = async |store: &Store| store.fingerprinter().await.unwrap().fingerprint(&"a".into());
    let (first, second) = (world.store(), world.store());
    let (own, other) = (fingerprint(&first).await, fingerprint(&second).await);
    assert_ne!(own, other);
    assert!(!world.folder.exists());
    apply(&first, apply_of(1)).await;
    assert_eq!(fingerprint(&world.store()).await, own);
    let lease = second.lock("apply", 0).await.unwrap();
    let prior = second.load().await.unwrap().snapshot;
    let begun = second.begin(&*lease, &prior).await.err();
    assert!(matches!(begun, Some(StoreError::Invalid { problem, .. }) if problem.ends_with("plan again")));
}

#[tokio::test]
async fn appending_costs_what_is_appended_whatever_is_there() {
    let mut written = Vec::new();
    for instances in [1, 2_000] {
        let world = World::new();
        apply(&world.store(), apply_of(instances)).await;
        let lease = world.store().lock("apply", 0).await.unwrap();
        let prior = world.store().load().await.unwrap().snapshot;
        assert!(prior.records.contains_key(&address(instances - 1)));
        let mut journal = world.store().begin(&*lease, &prior).await.unwrap();
        let before = world.files().iter().map(|path| path.metadata().unwrap().len()).sum::<u64>();
        journal.append(&[started(0, "b")]).await.unwrap();
        written.push(world.files().iter().map(|path| path.metadata().unwrap().len()).sum::<u64>() - before);
    }
    assert!(written[0] > 0);
    assert_eq!(written[0], written[1]);
}
