//! An encrypted storage is a storage, and a store over it a store.

use std::sync::Arc;

use meshform_state::encryption::{Encrypted, KeySource};
use meshform_state::{FolderStorage, MemoryStorage, Storage};

use crate::world::{ANN, KEY, PASSPHRASE, command, encryption, own, passphrase};
use crate::{races, suite};

/// Two clients that have the same keys, but nothing else in common.
fn encrypted(clients: [Arc<dyn Storage>; 2], keys: &[KeySource]) -> [Arc<dyn Storage>; 2] {
    clients.map(|client| Arc::new(Encrypted::new(client, encryption(keys, &[]))) as Arc<dyn Storage>)
}

/// In memory, and in a folder, whose logs are kept in another way.
async fn check(keys: &[KeySource]) {
    let folder = tempfile::tempdir().unwrap();
    let memory: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let folder = || Arc::new(FolderStorage::new(folder.path().join("state"))) as Arc<dyn Storage>;
    for clients in [[memory.clone(), memory], [folder(), folder()]] {
        let clients = encrypted(clients, keys);
        suite::conforms(&clients).await;
        races::one_runs(&clients).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_with_every_kind_of_key() {
    check(&[own(&ANN), passphrase(PASSPHRASE), command(KEY)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_without_any() {
    check(&[]).await;
}
