//! Blobs: what was written is read, and nothing else ever is.

use std::sync::Arc;

use meshform_state::encryption::KeySource;
use meshform_state::{Condition, Storage, StorageError};

use crate::chance::Chance;
use crate::shelf::Shelf;
use crate::world::{
    ANN, BEN, KEY, PASSPHRASE, command, contains, over, own, passphrase, problem, read, write,
};

#[tokio::test]
async fn whoever_has_one_of_the_keys_reads_what_was_written() {
    let everyone = [own(&ANN), own(&BEN), passphrase(PASSPHRASE), command(KEY)];
    let mut chance = Chance(1);
    for length in [0, 1, 100, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let (shelf, content) = (Arc::new(Shelf::default()), chance.bytes(length));
        write(&over(&shelf, &everyone, &[]), "state.json", &content).await.unwrap();
        for one in &everyone {
            let storage = over(&shelf, std::slice::from_ref(one), &[]);
            assert_eq!(read(&storage, "state.json").await.unwrap(), content, "{length} by {one:?}");
        }
    }
}

#[tokio::test]
async fn conditions_and_versions_are_those_of_the_storage_below() {
    let shelf = Arc::new(Shelf::default());
    let storage = over(&shelf, &[own(&ANN)], &[]);
    let first = storage.write("a", b"1", Condition::Absent).await.unwrap();
    assert_eq!(storage.write("a", b"2", Condition::Absent).await, Err(StorageError::Conflict));
    let second = storage.write("a", b"2", Condition::Unchanged(first.clone())).await.unwrap();
    assert_eq!(storage.write("a", b"3", Condition::Unchanged(first)).await, Err(StorageError::Conflict));
    assert_eq!(storage.read("a").await.unwrap().unwrap().version, second);
    storage.remove("a").await.unwrap();
    assert_eq!(storage.read("a").await.unwrap(), None);
}

#[tokio::test]
async fn every_changed_bit_is_noticed() {
    for keys in [own(&ANN), passphrase(PASSPHRASE), command(KEY)] {
        let shelf = Arc::new(Shelf::default());
        let storage = over(&shelf, &[keys], &[]);
        write(&storage, "state.json", b"{\"serial\": 7}").await.unwrap();
        let sealed = shelf.blob("state.json");
        for (index, bit) in (0..sealed.len()).flat_map(|index| (0..8).map(move |bit| (index, bit))) {
            let mut changed = sealed.clone();
            changed[index] ^= 1 << bit;
            shelf.put("state.json", changed);
            assert!(read(&storage, "state.json").await.is_err(), "bit {bit} of byte {index}");
        }
    }
}

#[tokio::test]
async fn every_missing_end_is_noticed() {
    let shelf = Arc::new(Shelf::default());
    let storage = over(&shelf, &[own(&ANN)], &[]);
    write(&storage, "state.json", &[7; 140_000]).await.unwrap();
    let sealed = shelf.blob("state.json");
    let ends =
        (0..1000).chain(sealed.len() - 100_000..sealed.len()).filter(|end| *end < 1000 || end % 997 == 0);
    let first_piece_ends = sealed.len() - 140_000 - 32 + 65_536 - 16;
    for end in ends.chain([first_piece_ends, sealed.len() - 1]) {
        shelf.put("state.json", sealed[..end].to_vec());
        assert!(read(&storage, "state.json").await.is_err(), "{end} of {} bytes", sealed.len());
    }
    shelf.put("state.json", [sealed.as_slice(), b"\n"].concat());
    assert!(read(&storage, "state.json").await.is_err());
}

#[tokio::test]
async fn nothing_that_was_not_written_is_read() {
    let shelf = Arc::new(Shelf::default());
    let storage = over(&shelf, &[own(&ANN), command(KEY)], &[]);
    write(&storage, "a", &[7; 300]).await.unwrap();
    let sealed = shelf.blob("a");
    for seed in 0..3_000 {
        let mut chance = Chance(seed);
        let mut changed = sealed.clone();
        for _ in 0..=chance.number(3) {
            let (at, length) = (chance.number(changed.len()), chance.number(40));
            let end = (at + length).min(changed.len());
            let inserted = match chance.number(3) {
                0 => Vec::new(),
                1 => {
                    let length = chance.number(40);
                    chance.bytes(length)
                }
                _ => {
                    let from = chance.number(sealed.len());
                    sealed[from..(from + length).min(sealed.len())].to_vec()
                }
            };
            changed.splice(at..end, inserted);
        }
        let is_changed = changed != sealed;
        shelf.put("a", changed.clone());
        assert_eq!(read(&storage, "a").await.is_err(), is_changed, "seed {seed}");
        shelf.put_log("a", changed);
        assert!(storage.read_log("a").await.is_err(), "seed {seed}");
    }
}

#[tokio::test]
async fn a_blob_does_not_pass_for_another() {
    let shelf = Arc::new(Shelf::default());
    let storage = over(&shelf, &[own(&ANN)], &[]);
    write(&storage, "history/00000001.json", b"1").await.unwrap();
    write(&storage, "state.json", b"2").await.unwrap();
    shelf.put("state.json", shelf.blob("history/00000001.json"));
    assert_eq!(
        problem(read(&storage, "state.json").await),
        "it was written as \"blob history/00000001.json\", and is in the place of \"blob state.json\""
    );
}

#[tokio::test]
async fn the_content_of_one_blob_does_not_pass_below_the_header_of_another() {
    let shelf = Arc::new(Shelf::default());
    let storage = over(&shelf, &[own(&ANN)], &[]);
    write(&storage, "a", b"one").await.unwrap();
    let one = shelf.blob("a");
    write(&storage, "a", b"two").await.unwrap();
    let two = shelf.blob("a");
    let (header, content) = (&one[..one.len() - 35], &two[two.len() - 35..]);
    assert!(header.ends_with(b"\n"));
    shelf.put("a", [header, content].concat());
    assert_eq!(problem(read(&storage, "a").await), "it is damaged or was changed");
}

#[tokio::test]
async fn the_lock_can_be_read_by_anyone() {
    let shelf = Arc::new(Shelf::default());
    let storage = over(&shelf, &[own(&ANN)], &[]);
    for name in ["lock", "workspaces/blue/lock"] {
        write(&storage, name, b"{\"holder\": \"ann\"}").await.unwrap();
        assert_eq!(shelf.blob(name), b"{\"holder\": \"ann\"}");
        assert_eq!(read(&storage, name).await.unwrap(), b"{\"holder\": \"ann\"}");
    }
}

/// No eight bytes of what was written in a row are in the storage, whichever keys it is for.
#[tokio::test]
async fn nothing_of_the_content_is_in_the_storage() {
    let sources: [KeySource; 4] = [own(&ANN), own(&BEN), passphrase(PASSPHRASE), command(KEY)];
    for seed in 0..20 {
        let mut chance = Chance(seed);
        let count = 1 + chance.number(sources.len());
        let shelf = Arc::new(Shelf::default());
        let storage = over(&shelf, &sources[..count], &[]);
        let texts: Vec<_> = (0..3)
            .map(|_| {
                let length = 8 + chance.number(300);
                chance.bytes(length)
            })
            .collect();
        write(&storage, "state.json", &texts[0]).await.unwrap();
        write(&storage, "fingerprint.key", &texts[1]).await.unwrap();
        storage.append("journal/00000001", 0, &texts[2]).await.unwrap();
        let stored = shelf.all();
        let found = texts.iter().flat_map(|text| text.windows(8)).any(|part| contains(&stored, part));
        assert!(!found, "seed {seed}");
        for secret in [ANN.identity, PASSPHRASE, KEY] {
            assert!(!contains(&stored, secret.as_bytes()), "seed {seed}");
        }
    }
}
