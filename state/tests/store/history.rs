//! What was before is kept, says how it came about, and can be had again, here and elsewhere.

use std::sync::Arc;

use meshform_engine::ports::{Kept, StateStore, StoreError};
use meshform_engine::state::Snapshot;
use meshform_engine::value::Value;
use meshform_state::{MemoryStorage, Storage, Store};

use crate::world::{TestClock, World, apply, apply_of, began, ended, started, succeeded};

async fn serials(store: &Store) -> Vec<(u64, usize)> {
    store.history().await.unwrap().iter().map(|kept| (kept.serial, kept.records)).collect()
}

/// Makes a snapshot the state, as the commands do that no journal is needed for.
async fn put(store: &Store, prior: &Snapshot, snapshot: Snapshot) -> Result<(), StoreError> {
    let lease = store.lock("state push", 0).await.unwrap();
    let put = match store.begin(&*lease, prior).await {
        Ok(journal) => journal.finish(snapshot).await,
        Err(refused) => Err(refused),
    };
    lease.release().await.unwrap();
    put
}

#[tokio::test]
async fn every_snapshot_says_how_it_came_about() {
    let (world, clock) = (World::new(), TestClock::new());
    let store = world.store_at(&clock);
    assert_eq!(serials(&store).await, []);
    let first = apply(&store, apply_of(1)).await;
    clock.advance(3_600_000);
    let second = apply(&store, apply_of(2)).await;
    apply(&store, vec![began(), ended()]).await;
    assert_eq!(serials(&store).await, [(2, 2), (1, 1)]);
    let [Kept { made: Some(newer), .. }, Kept { made: Some(older), .. }] =
        &store.history().await.unwrap()[..]
    else {
        panic!("both say it")
    };
    assert!(newer.at > older.at && newer.at.ends_with('Z'), "{newer:?} {older:?}");
    assert!(newer.by.contains('@') && newer.operation == "apply" && newer.note.is_none(), "{newer:?}");

    assert_eq!(store.recall(2).await, Ok(second));
    assert_eq!(store.recall(1).await, Ok(first));
    let Err(StoreError::Invalid { problem, .. }) = store.recall(3).await else { panic!("there is none") };
    assert_eq!(problem, "no snapshot of serial 3 is kept");
}

#[tokio::test]
async fn an_older_state_comes_back_under_a_new_serial() {
    let store = Store::memory();
    let first = apply(&store, apply_of(1)).await;
    let second = apply(&store, apply_of(2)).await;
    put(&store, &second, first.clone()).await.unwrap();
    let back = store.load().await.unwrap().snapshot;
    assert_eq!(back, Snapshot { serial: 3, ..first });
    assert_eq!(serials(&store).await, [(3, 1), (2, 2), (1, 1)]);
    assert_eq!(store.recall(2).await, Ok(second));
}

#[tokio::test]
async fn a_hundred_former_snapshots_are_kept() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let store = Store::over(storage.clone(), TestClock::new());
    for instances in 1..=103 {
        apply(&store, apply_of(instances)).await;
    }
    let names = storage.list("history/").await.unwrap();
    assert_eq!(names.len(), 100);
    assert_eq!((names[0].as_str(), names[99].as_str()), ("history/00000003.json", "history/00000102.json"));
    assert_eq!(serials(&store).await.len(), 101);
}

#[tokio::test]
async fn a_state_moves_to_an_empty_storage_with_lineage_and_serial() {
    let (here, there) = (Store::memory(), Store::memory());
    apply(&here, apply_of(1)).await;
    let secret = || Value::string("hunter2-the-secret").sensitive();
    let state = apply(&here, vec![began(), started(9, secret()), succeeded(9, secret()), ended()]).await;
    let bytes = here.encode_state(&state).await.unwrap();
    assert!(!String::from_utf8(bytes.clone()).unwrap().contains("hunter2"));
    let pulled = there.decode_state(&bytes).unwrap();
    assert_eq!(pulled, state);
    assert!(there.decode_state(&bytes[..bytes.len() / 2]).is_err());

    put(&there, &pulled, pulled.clone()).await.unwrap();
    assert_eq!(there.load().await.unwrap().snapshot, state);
    assert_eq!(serials(&there).await, [(2, 2)]);
    // Once there is something, it is not put aside.
    let other = Snapshot { serial: 7, ..state.clone() };
    assert!(matches!(put(&there, &other, other.clone()).await, Err(StoreError::Invalid { .. })));
    // What was made elsewhere since then keeps its serial.
    let ahead = Snapshot { outputs: [("a".to_owned(), Value::null())].into(), ..other };
    put(&there, &state, ahead.clone()).await.unwrap();
    assert_eq!(there.load().await.unwrap().snapshot, ahead);
}
