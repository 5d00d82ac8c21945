//! One holder at a time; a dead one's lease is taken over; a woken one writes nothing.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use meshform_engine::ports::{StateStore, StoreError};
use meshform_engine::state::{RecordStatus, Snapshot};
use meshform_state::Store;

use crate::world::{TestClock, World, address, began, folder_of_parent, started, store_of_parent, succeeded};

/// Whether the lease is refused because another holds it to destroy.
async fn denied(store: &Store, wait_ms: u64) -> bool {
    let Err(error) = store.lock("apply", wait_ms).await else { return false };
    let StoreError::Locked { holder, operation, since } = &error else { return false };
    assert!(holder.contains('@') && holder.contains(" (process "), "{error}");
    assert!(operation == "destroy" && since.ends_with('Z'), "{error}");
    true
}

#[tokio::test]
async fn a_lease_has_one_holder_and_its_token_goes_up() {
    let world = World::new();
    let first = world.store().lock("destroy", 0).await.unwrap();
    let token = first.token();
    assert!(denied(&world.store(), 0).await);
    assert!(denied(&world.store(), 250).await);
    first.release().await.unwrap();

    let second = world.store().lock("destroy", 0).await.unwrap();
    assert!(second.token() > token);
    drop(second);
    world.store().lock("apply", 5_000).await.unwrap().release().await.unwrap();
    std::fs::remove_file(world.path("lock")).unwrap();
    assert!(world.store().lock("apply", 0).await.unwrap().token() > token);
}

#[tokio::test]
async fn a_lease_that_is_waited_for_is_had_when_it_is_given_back() {
    let world = World::new();
    let first = world.store().lock("destroy", 0).await.unwrap();
    let store = world.store();
    let waiting = tokio::spawn(async move { store.lock("apply", 60_000).await.map(|lease| lease.token()) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let token = first.token();
    first.release().await.unwrap();
    assert!(waiting.await.unwrap().unwrap() > token);
}

#[tokio::test]
async fn a_heartbeat_keeps_a_lease_and_its_end_gives_it_away() {
    let (world, clock) = (World::new(), TestClock::new());
    let lease = world.store_at(&clock).lock("destroy", 0).await.unwrap();
    for _ in 0..10 {
        let before = world.read("lock");
        // The heartbeat may not have begun to sleep yet: time goes on until it has woken up once.
        while world.read("lock") == before {
            clock.advance(2_500);
            let noticed = async {
                while world.read("lock") == before {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            let _ = tokio::time::timeout(Duration::from_millis(200), noticed).await;
        }
        assert!(denied(&world.store_at(&clock), 0).await);
    }
    // A second clock, of which the heartbeat knows nothing.
    let later = TestClock::new();
    later.advance(10 * 600_000);
    assert!(!denied(&world.store_at(&later), 0).await);
    assert_eq!(lease.release().await, Err(StoreError::Fenced));
}

#[tokio::test]
async fn a_fenced_run_writes_nothing() {
    let (world, clock) = (World::new(), TestClock::new());
    let old = world.store().lock("apply", 0).await.unwrap();
    let mut journal = world.store().begin(&*old, &Snapshot::default()).await.unwrap();
    journal.append(&[began(), started(0, "a")]).await.unwrap();

    clock.advance(3_600_000_000);
    let new = world.store_at(&clock).lock("apply", 0).await.unwrap();
    assert_eq!(journal.append(&[succeeded(0, "a")]).await, Err(StoreError::Fenced));
    let prior = world.store().load().await.unwrap().snapshot;
    let successor = world.store().begin(&*new, &prior).await.unwrap();
    assert_eq!(journal.append(&[succeeded(0, "a")]).await, Err(StoreError::Fenced));
    assert_eq!(journal.finish(Snapshot::default()).await, Err(StoreError::Fenced));
    assert_eq!(world.store().begin(&*old, &prior).await.err(), Some(StoreError::Fenced));

    successor.finish(prior.clone()).await.unwrap();
    let loaded = world.store().load().await.unwrap();
    assert_eq!(loaded.snapshot, prior);
    assert_eq!(loaded.snapshot.records[&address(0)].status, RecordStatus::Incomplete);
}

#[tokio::test]
async fn a_killed_process_leaves_its_lease_to_the_next_at_once() {
    if let Some(store) = store_of_parent() {
        return hold_the_lease(store).await;
    }
    let world = World::new();
    let mut child =
        world.child("lease::a_killed_process_leaves_its_lease_to_the_next_at_once").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("has the lease")));
    assert!(denied(&world.store(), 0).await);
    child.kill().unwrap();
    // Not waited for: what remains of the process is not alive either.
    while std::fs::read_to_string(format!("/proc/{}/stat", child.id()))
        .is_ok_and(|stat| !stat.contains(") Z"))
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!denied(&world.store(), 0).await);
    child.wait().unwrap();
}

#[expect(clippy::print_stdout, reason = "tells its parent")]
async fn hold_the_lease(store: Store) {
    let _lease = store.lock("destroy", 0).await.unwrap();
    println!("has the lease");
    std::future::pending().await
}

#[tokio::test]
async fn processes_take_turns() {
    if let Some(store) = store_of_parent() {
        return count(store).await;
    }
    let world = World::new();
    std::fs::create_dir_all(&world.folder).unwrap();
    std::fs::write(world.path("counter"), "0").unwrap();
    let children: Vec<_> =
        (0..3).map(|_| world.child("lease::processes_take_turns").spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(world.read("counter"), "12");
}

async fn count(store: Store) {
    let path = folder_of_parent().unwrap().join("counter");
    for _ in 0..4 {
        let lease = store.lock("count", 120_000).await.unwrap();
        let count: u32 = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        std::fs::write(&path, (count + 1).to_string()).unwrap();
        lease.release().await.unwrap();
    }
}
