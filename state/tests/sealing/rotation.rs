//! Other keys, encryption switched on, and off.

use std::sync::Arc;

use meshform_state::Storage;
use meshform_state::encryption::{Encrypted, Encryption, KeySource, Rotated, Settings};

use crate::shelf::Shelf;
use crate::world::{ANN, BEN, PASSPHRASE, contains, over, own, passphrase, problem, read, settings, write};

const NAMES: [&str; 3] = ["fingerprint.key", "history/00000001.json", "state.json"];

async fn fill(storage: &Encrypted) {
    for name in NAMES {
        write(storage, name, format!("the content of {name}").as_bytes()).await.unwrap();
    }
    write(storage, "lock", b"ann").await.unwrap();
    storage.append("journal/00000001", 0, b"begun").await.unwrap();
}

async fn check(storage: &Encrypted) {
    for name in NAMES {
        let content = String::from_utf8(read(storage, name).await.unwrap()).unwrap();
        assert_eq!(content, format!("the content of {name}"));
    }
    assert_eq!(read(storage, "lock").await.unwrap(), b"ann");
}

#[tokio::test]
async fn what_is_rotated_is_for_the_current_keys_only() {
    let shelf = Arc::new(Shelf::default());
    fill(&over(&shelf, &[own(&ANN)], &[])).await;
    let both = over(&shelf, &[own(&BEN)], &[own(&ANN)]);
    check(&both).await;
    assert_eq!(both.rotate("journal/").await.unwrap(), Rotated { blobs: 3, logs: 1 });
    check(&over(&shelf, &[own(&BEN)], &[])).await;
    assert_eq!(both.read_log("journal/00000001").await.unwrap(), b"begun");
    for name in NAMES {
        assert!(read(&over(&shelf, &[own(&ANN)], &[]), name).await.is_err());
    }
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
async fn a_rotation_that_stops_at_a_damaged_blob_says_so_and_can_go_on() {
    let shelf = Arc::new(Shelf::default());
    fill(&over(&shelf, &[own(&ANN)], &[])).await;
    let whole = shelf.blob("state.json");
    shelf.put("state.json", whole[..whole.len() - 1].to_vec());
    let both = over(&shelf, &[own(&BEN)], &[own(&ANN)]);
    assert_eq!(
        both.rotate("journal/").await.unwrap_err().to_string(),
        "read the shelf/state.json: it is damaged or was changed"
    );
    shelf.put("state.json", whole);
    assert_eq!(both.rotate("journal/").await.unwrap().blobs, 3);
    check(&over(&shelf, &[own(&BEN)], &[])).await;
}

fn migrating(shelf: &Arc<Shelf>, keys: &[KeySource]) -> Encrypted {
    let encryption = Encryption::new(Settings { migrate: true, ..settings(keys, &[]) }).unwrap();
    Encrypted::new(shelf.clone(), Arc::new(encryption))
}

#[tokio::test]
async fn encryption_is_switched_on_only_when_that_is_asked_for() {
    let shelf = Arc::new(Shelf::default());
    fill(&over(&shelf, &[], &[])).await;
    assert!(contains(&shelf.blob("state.json"), b"the content of state.json"));
    let strict = over(&shelf, &[own(&ANN)], &[]);
    let refused = "it is not encrypted, but encryption is configured: if it was written before that, set `migrate = true` in the block \
                   `encryption` until it has been written anew";
    assert_eq!(problem(read(&strict, "state.json").await), refused);
    assert_eq!(problem(strict.read_log("journal/00000001").await), refused);
    let migrating = migrating(&shelf, &[own(&ANN)]);
    check(&migrating).await;
    assert_eq!(migrating.read_log("journal/00000001").await.unwrap(), b"begun");
    assert!(
        problem(migrating.append("journal/00000001", 5, b"more").await)
            .contains("was begun without encryption")
    );
    migrating.seal_log("journal/00000001", 5).await.unwrap();
    migrating.remove_log("journal/00000001").await.unwrap();
    assert_eq!(migrating.rotate("journal/").await.unwrap(), Rotated { blobs: 3, logs: 0 });
    check(&strict).await;
    assert!(!contains(&shelf.all(), b"the content of"));
}

#[tokio::test]
async fn encryption_is_switched_off_by_making_the_keys_a_fallback() {
    let shelf = Arc::new(Shelf::default());
    fill(&over(&shelf, &[own(&ANN)], &[])).await;
    let off = over(&shelf, &[], &[own(&ANN)]);
    check(&off).await;
    assert_eq!(off.read_log("journal/00000001").await.unwrap(), b"begun");
    assert_eq!(problem(off.append("journal/00000001", 5, b"more").await), "conflict");
    off.seal_log("journal/00000001", 5).await.unwrap();
    off.rotate("journal/").await.unwrap();
    assert_eq!(shelf.blob("state.json"), b"the content of state.json");
    check(&over(&shelf, &[], &[])).await;
}
