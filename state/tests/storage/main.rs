//! Every storage of this crate keeps what a storage promises, and the store over it what a store does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its parts as well")]

mod races;
mod suite;

use std::sync::Arc;

use meshform_state::{FolderStorage, MemoryStorage, Storage};
use tempfile::TempDir;

/// Two clients of one storage.
type Pair = [Arc<dyn Storage>; 2];

fn memory() -> Pair {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    [storage.clone(), storage]
}

fn folder(root: &TempDir) -> Pair {
    [(); 2].map(|()| Arc::new(FolderStorage::new(root.path().join("a").join("b"))) as Arc<dyn Storage>)
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_conforms() {
    suite::conforms(&memory()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_conforms() {
    suite::conforms(&folder(&tempfile::tempdir().unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_memory_one_of_two_runs() {
    races::one_runs(&memory()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_folder_one_of_two_runs() {
    races::one_runs(&folder(&tempfile::tempdir().unwrap())).await;
}
