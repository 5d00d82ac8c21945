//! A run may end at any instant: nothing that was said to be durable is lost, nothing half-written is believed.

use std::io::{BufRead, BufReader};

use meshform_engine::apply::{Event, fold};
use meshform_engine::ports::StateStore;
use meshform_engine::state::{RecordStatus, Snapshot};
use meshform_state::Store;

use crate::world::{World, address, apply, apply_of, began, ended, started, store_of_parent, succeeded};

#[tokio::test]
async fn a_journal_cut_at_any_byte_of_its_last_line_loses_only_that_line() {
    let world = World::new();
    let before = vec![began(), started(0, "a"), succeeded(0, "a"), started(1, "b")];
    let last = succeeded(1, "c");
    let lease = world.store().lock("apply", 0).await.unwrap();
    let mut journal = world.store().begin(&*lease, &Snapshot::default()).await.unwrap();
    journal.append(&before).await.unwrap();
    let short = std::fs::read(world.journal()).unwrap().len();
    journal.append(std::slice::from_ref(&last)).await.unwrap();
    let whole = std::fs::read(world.journal()).unwrap();

    for cut in short..=whole.len() {
        std::fs::write(world.journal(), &whole[..cut]).unwrap();
        let loaded = world.store().load().await.unwrap();
        let all = cut == whole.len();
        let events = before.iter().cloned().chain(all.then(|| last.clone()));
        let expect = fold(Snapshot::default(), events).unwrap();
        assert_eq!(loaded.snapshot.records, expect.records, "{cut}");
        assert_eq!((loaded.snapshot.serial, loaded.interrupted), (1, true), "{cut}");
    }
}

#[tokio::test]
async fn the_next_apply_settles_what_a_cut_off_one_left() {
    let world = World::new();
    apply(&world.store(), apply_of(1)).await;
    let lease = world.store().lock("apply", 0).await.unwrap();
    let prior = world.store().load().await.unwrap().snapshot;
    let mut journal = world.store().begin(&*lease, &prior).await.unwrap();
    journal.append(&[began(), started(7, "b")]).await.unwrap();
    drop((journal, lease));

    let loaded = world.store().load().await.unwrap();
    assert!(loaded.interrupted);
    assert_eq!(loaded.snapshot.serial, 2);
    assert_eq!(loaded.snapshot.lineage, prior.lineage);
    assert_eq!(loaded.snapshot.records[&address(7)].status, RecordStatus::Incomplete);
    assert!(world.read("state.json").contains("\"serial\": 1"), "loading writes nothing");

    let settled = apply(&world.store(), vec![began(), ended()]).await;
    assert_eq!(settled, loaded.snapshot);
    let again = world.store().load().await.unwrap();
    assert_eq!((again.snapshot, again.interrupted), (settled, false));
    assert!(world.read("state.json").contains("\"serial\": 2"));
    assert!(world.read("history/00000001.json").contains("\"serial\": 1"));
}

#[tokio::test]
async fn a_crash_between_snapshot_and_journal_counts_nothing_twice() {
    let world = World::new();
    let lease = world.store().lock("apply", 0).await.unwrap();
    let mut journal = world.store().begin(&*lease, &Snapshot::default()).await.unwrap();
    journal.append(&apply_of(2)).await.unwrap();
    let (name, left) = (world.journal(), std::fs::read(world.journal()).unwrap());
    journal.finish(fold(Snapshot::default(), apply_of(2)).unwrap()).await.unwrap();
    assert!(!name.exists());
    let expect = world.store().load().await.unwrap().snapshot;

    std::fs::write(&name, left).unwrap();
    let loaded = world.store().load().await.unwrap();
    assert_eq!((&loaded.snapshot, loaded.interrupted), (&expect, false));
    drop(lease);
    assert_eq!(apply(&world.store(), vec![began(), ended()]).await, expect);
    assert!(!name.exists());
}

#[tokio::test]
async fn killed_at_any_moment_nothing_durable_is_forgotten() {
    if let Some(store) = store_of_parent() {
        return apply_forever(store).await;
    }
    let world = World::new();
    for kill_after in [1, 2, 5, 17, 40] {
        let mut child =
            world.child("crash::killed_at_any_moment_nothing_durable_is_forgotten").spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let durable: Vec<u64> =
            lines.filter_map(|line| line.strip_prefix("durable ")?.parse().ok()).take(kill_after).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let loaded = world.store().load().await.unwrap();
        assert_eq!(durable.len(), kill_after);
        assert!(loaded.interrupted);
        for index in durable {
            assert!(loaded.snapshot.records.contains_key(&address(index)), "{index}");
        }
    }
}

#[expect(clippy::print_stdout, reason = "tells its parent")]
async fn apply_forever(store: Store) {
    let lease = store.lock("apply", 0).await.unwrap();
    let prior = store.load().await.unwrap().snapshot;
    let first = prior.records.len() as u64;
    let mut journal = store.begin(&*lease, &prior).await.unwrap();
    for index in first.. {
        let events: [Event; 2] = [started(index, "a"), succeeded(index, "a")];
        journal.append(&events[..1]).await.unwrap();
        println!("durable {index}");
        journal.append(&events[1..]).await.unwrap();
    }
}

#[tokio::test]
async fn a_journal_that_was_cut_off_in_its_first_line_never_was() {
    let world = World::new();
    std::fs::create_dir_all(world.path("journal")).unwrap();
    for left in ["", "{\"format\":\"meshf"] {
        let name = world.path("journal/00000001-7.jsonl");
        std::fs::write(&name, left).unwrap();
        assert_eq!(world.store().load().await.unwrap().snapshot, Snapshot::default());
        apply(&world.store(), vec![began(), ended()]).await;
        assert_eq!(name.exists(), left.is_empty());
    }
    assert_eq!(apply(&world.store(), apply_of(1)).await.serial, 1);
}
