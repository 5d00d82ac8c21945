//! Other keys, encryption switched on, and off.

use std::sync::Arc;

use meshform_engine::ports::{StateStore, StoreError};
use meshform_state::encryption::{Encrypted, Encryption, KeySource, Settings};
use meshform_state::{Storage, Store, SystemClock};

use crate::applies::{apply, begin};
use crate::shelf::Shelf;
use crate::world::{ANN, BEN, PASSPHRASE, contains, over, own, passphrase, problem, read, settings, write};

/// Two former snapshots, the key of the fingerprints and the state.
const DOCUMENTS: usize = 4;

fn store(storage: Encrypted) -> Store {
    Store::over(Arc::new(storage), Arc::new(SystemClock))
}

fn migrating(shelf: &Arc<Shelf>, keys: &[KeySource]) -> Encrypted {
    let encryption = Encryption::new(Settings { migrate: true, ..settings(keys, &[]) }).unwrap();
    Encrypted::new(shelf.clone(), Arc::new(encryption))
}

/// Three applies, and one that was cut off.
async fn fill(storage: Encrypted) {
    let store = store(storage);
    for name in ["a", "b", "c"] {
        apply(&store, name).await;
    }
    begin(&store, "d").await;
}

async fn rewrite(storage: Encrypted) -> Result<usize, StoreError> {
    let store = store(storage);
    let lease = store.lock("rewrite", 0).await.unwrap();
    let rewritten = store.rewrite(&*lease).await;
    lease.release().await.unwrap();
    rewritten
}

/// Everything is there, and can be read so.
async fn check(storage: Encrypted) {
    let store = store(storage);
    let loaded = store.load().await.unwrap();
    let names: Vec<_> = loaded.snapshot.records.keys().map(ToString::to_string).collect();
    assert_eq!(
        (names, loaded.snapshot.serial),
        (["a", "b", "c", "d"].map(|name| format!("value.{name}")).to_vec(), 4)
    );
    for serial in 1..=3 {
        assert_eq!(store.recall(serial).await.unwrap().records.len(), usize::try_from(serial).unwrap());
    }
}

#[tokio::test]
async fn what_is_rewritten_is_for_the_current_keys_only() {
    let shelf = Arc::new(Shelf::default());
    fill(over(&shelf, &[own(&ANN)], &[])).await;
    check(over(&shelf, &[own(&BEN)], &[own(&ANN)])).await;
    assert_eq!(rewrite(over(&shelf, &[own(&BEN)], &[own(&ANN)])).await, Ok(DOCUMENTS + 1));
    check(over(&shelf, &[own(&BEN)], &[])).await;
    let former = over(&shelf, &[own(&ANN)], &[]);
    let names = former.list("").await.unwrap();
    assert_eq!(names.len(), DOCUMENTS + 2);
    for name in names.iter().filter(|name| *name != "lock") {
        assert!(read(&former, name).await.is_err(), "{name}");
    }
    assert_eq!(former.logs("").await, Ok(Vec::new()));
}

#[tokio::test]
async fn rewriting_that_stops_at_a_damaged_document_says_so_and_can_go_on() {
    let shelf = Arc::new(Shelf::default());
    fill(over(&shelf, &[own(&ANN)], &[])).await;
    let both = || over(&shelf, &[own(&BEN)], &[own(&ANN)]);
    let name = "history/00000002.json";
    let whole = shelf.blob(name);
    shelf.put(name, whole[..whole.len() - 1].to_vec());
    let stopped = rewrite(both()).await.unwrap_err().to_string();
    assert!(stopped.ends_with(&format!("read the shelf/{name}: it is damaged or was changed")), "{stopped}");
    shelf.put(name, whole);
    assert_eq!(rewrite(both()).await, Ok(DOCUMENTS + 1));
    check(over(&shelf, &[own(&BEN)], &[])).await;
}

#[tokio::test]
async fn who_has_lost_the_lease_rewrites_nothing() {
    let shelf = Arc::new(Shelf::default());
    fill(over(&shelf, &[own(&ANN)], &[])).await;
    let store = store(over(&shelf, &[own(&BEN)], &[own(&ANN)]));
    let lease = store.lock("rewrite", 0).await.unwrap();
    store.unlock(lease.token()).await.unwrap();
    let before = shelf.all();
    assert_eq!(store.rewrite(&*lease).await, Err(StoreError::Fenced));
    assert!(shelf.all() == before);
}

#[tokio::test]
async fn what_is_written_with_a_fallback_is_for_the_current_keys() {
    let shelf = Arc::new(Shelf::default());
    write(&over(&shelf, &[passphrase("old")], &[]), "state.json", b"1").await.unwrap();
    write(&over(&shelf, &[passphrase(PASSPHRASE)], &[passphrase("old")]), "state.json", b"2").await.unwrap();
    assert_eq!(read(&over(&shelf, &[passphrase(PASSPHRASE)], &[]), "state.json").await.unwrap(), b"2");
    assert!(read(&over(&shelf, &[passphrase("old")], &[]), "state.json").await.is_err());
}

#[tokio::test]
async fn encryption_is_switched_on_only_when_that_is_asked_for() {
    let shelf = Arc::new(Shelf::default());
    fill(over(&shelf, &[], &[])).await;
    assert!(contains(&shelf.all(), b"lineage"));
    let refused = "it is not encrypted, but encryption is configured: if it was written before that, set `migrate = true` in the block \
                   `encryption` until it has been written anew";
    let strict = over(&shelf, &[own(&ANN)], &[]);
    let log = strict.logs("").await.unwrap().remove(0);
    assert_eq!(problem(read(&strict, "state.json").await), refused);
    assert_eq!(problem(strict.read_log(&log).await), refused);

    let storage = migrating(&shelf, &[own(&ANN)]);
    let length = storage.read_log(&log).await.unwrap().len() as u64;
    assert!(problem(storage.append(&log, length, b"more").await).contains("was begun without encryption"));
    check(migrating(&shelf, &[own(&ANN)])).await;
    assert_eq!(rewrite(storage).await, Ok(DOCUMENTS + 1));
    check(strict).await;
    assert!(!contains(&shelf.all(), b"lineage"));
}

#[tokio::test]
async fn encryption_is_switched_off_by_making_the_keys_a_fallback() {
    let shelf = Arc::new(Shelf::default());
    fill(over(&shelf, &[own(&ANN)], &[])).await;
    let off = over(&shelf, &[], &[own(&ANN)]);
    let log = off.logs("").await.unwrap().remove(0);
    let length = off.read_log(&log).await.unwrap().len() as u64;
    assert_eq!(problem(off.append(&log, length, b"more").await), "conflict");
    assert_eq!(rewrite(off).await, Ok(DOCUMENTS + 1));
    check(over(&shelf, &[], &[])).await;
    assert!(contains(&shelf.blob("state.json"), b"lineage"));
}
