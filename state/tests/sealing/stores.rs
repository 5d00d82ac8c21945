//! A store over an encrypted folder: what an apply leaves there, and who can read it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use meshform_engine::ports::StateStore;
use meshform_state::encryption::{Encrypted, KeySource};
use meshform_state::{FolderStorage, Store, SystemClock};

use crate::age::decrypt;
use crate::applies::{IDENTITY, TEXT, begin};
use crate::shelf::Shelf;
use crate::world::{ANN, BEN, contains, encryption, over, own};

const NAME: &str = "the-name-of-a-thing";
const TEXTS: [&str; 4] = [NAME, IDENTITY, TEXT, "lineage"];

fn store(folder: &Path, current: &[KeySource], fallback: &[KeySource]) -> Store {
    let storage = Arc::new(FolderStorage::new(folder.to_owned()));
    let encrypted = Encrypted::new(storage, encryption(current, fallback));
    Store::over(Arc::new(encrypted), Arc::new(SystemClock))
}

/// All files but the lock, and their content.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with("lock") => {}
                false => files.push((path.clone(), std::fs::read(path).unwrap())),
            }
        }
    }
    files
}

fn check_unreadable(folder: &Path, count: usize) {
    let files = files(folder);
    assert_eq!(
        files.iter().filter(|(_, content)| content.starts_with(b"age-encryption.org/v1\n")).count(),
        count
    );
    for ((path, content), text) in files.iter().flat_map(|file| TEXTS.map(|text| (file, text))) {
        assert!(!contains(content, text.as_bytes()), "{text} in {}", path.display());
    }
}

#[tokio::test]
async fn an_apply_that_is_cut_off_is_settled_by_another_process_and_no_file_tells_what_it_did() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(".meshform");
    begin(&store(&folder, &[own(&ANN)], &[]), NAME).await;
    // The key of the fingerprints, and the journal.
    check_unreadable(&folder, 2);

    let other = store(&folder, &[own(&BEN)], &[]);
    let refused = other.load().await.err().unwrap().to_string();
    assert!(refused.contains("it is encrypted for other keys (for: age14nkft889v8)"), "{refused}");

    let next = store(&folder, &[own(&BEN)], &[own(&ANN)]);
    let loaded = next.load().await.unwrap();
    assert_eq!((loaded.snapshot.records.len(), loaded.interrupted), (1, true));
    let lease = next.lock("apply", 0).await.unwrap();
    let journal = next.begin(&*lease, &loaded.snapshot).await.unwrap();
    journal.finish(loaded.snapshot.clone()).await.unwrap();
    lease.release().await.unwrap();
    check_unreadable(&folder, 2);
    let state = std::fs::read(folder.join("state.json")).unwrap();
    assert_eq!(decrypt(ANN.identity, &state), None);
    let decrypted = decrypt(BEN.identity, &state).unwrap();
    assert!(TEXTS.iter().all(|text| contains(&decrypted, text.as_bytes())));
    assert_eq!(next.decode_state(&decrypted).unwrap().records, loaded.snapshot.records);
}

#[tokio::test]
async fn the_storage_below_is_told_of_leases() {
    let shelf = Arc::new(Shelf::default());
    let store = Store::over(Arc::new(over(&shelf, &[own(&ANN)], &[])), Arc::new(SystemClock));
    let lease = store.lock("apply", 0).await.unwrap();
    assert_eq!(shelf.kept().told, ["taken"]);
    lease.release().await.unwrap();
    assert_eq!(shelf.kept().told, ["taken", "ended"]);
}
