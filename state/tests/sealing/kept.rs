//! Documents of format 1, as they were first written: every later version reads them.
//!
//! `MESHFORM_UPDATE=1` writes those that are missing. The files are never changed.

use std::path::PathBuf;
use std::sync::Arc;

use meshform_state::Storage;
use meshform_state::encryption::KeySource;

use crate::shelf::Shelf;
use crate::world::{ANN, BEN, KEY, PASSPHRASE, command, encryption, over, own, passphrase, read, write};

const STATE: &[u8] = b"{\"format\": \"meshform state\"}\n";
const CHUNKS: [&[u8]; 3] = [b"began\n", b"started\n", b"ended\n"];

fn everyone() -> [KeySource; 4] {
    [own(&ANN), own(&BEN), passphrase(PASSPHRASE), command(KEY)]
}

/// The file's content; made if it is missing and that is asked for.
fn kept(name: &str, fresh: &[u8]) -> Vec<u8> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sealing/kept").join(name);
    if std::env::var_os("MESHFORM_UPDATE").is_some() && !file.exists() {
        std::fs::write(&file, fresh).unwrap();
    }
    std::fs::read(&file).unwrap()
}

/// A shelf with a state, and a journal that two processes have added to.
async fn fresh() -> Arc<Shelf> {
    let shelf = Arc::new(Shelf::default());
    let storage = over(&shelf, &everyone(), &[]);
    write(&storage, "state.json", STATE).await.unwrap();
    let [first, second, third] = CHUNKS;
    let at = storage.append("journal/00000001-1", 0, first).await.unwrap();
    let at = storage.append("journal/00000001-1", at, second).await.unwrap();
    over(&shelf, &everyone(), &[]).append("journal/00000001-1", at, third).await.unwrap();
    shelf
}

#[tokio::test]
async fn every_key_opens_what_the_first_version_wrote() {
    let shelf = fresh().await;
    shelf.put("state.json", kept("state-v1.age", &shelf.blob("state.json")));
    shelf.put_log("journal/00000001-1", kept("journal-v1.age", &shelf.log("journal/00000001-1")));
    let plan = kept("plan-v1.age", &encryption(&everyone(), &[]).seal_plan(b"{}\n").await.unwrap());
    for one in everyone() {
        let one = [one];
        let storage = over(&shelf, &one, &[]);
        assert_eq!(read(&storage, "state.json").await.unwrap(), STATE, "{one:?}");
        assert_eq!(storage.read_log("journal/00000001-1").await.unwrap(), CHUNKS.concat(), "{one:?}");
        assert_eq!(encryption(&one, &[]).open_plan(&plan).await.unwrap(), b"{}\n", "{one:?}");
    }
}
