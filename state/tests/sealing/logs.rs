//! Logs: positions, torn ends, and everything that an attacker can do to one.

use std::sync::Arc;

use meshform_state::encryption::Encrypted;
use meshform_state::{Storage, StorageError};

use crate::chance::Chance;
use crate::shelf::Shelf;
use crate::world::{ANN, over, own, problem};

const LOG: &str = "journal/00000001";

fn open(shelf: &Arc<Shelf>) -> Encrypted {
    over(shelf, &[own(&ANN)], &[])
}

/// A shelf, and how long its log was after each of the chunks.
async fn shelf(chunks: &[&[u8]]) -> (Arc<Shelf>, Vec<usize>) {
    let shelf = Arc::new(Shelf::default());
    let storage = open(&shelf);
    let (mut at, mut ends) = (0, Vec::new());
    for chunk in chunks {
        at = storage.append(LOG, at, chunk).await.unwrap();
        ends.push(shelf.log(LOG).len());
    }
    (shelf, ends)
}

#[tokio::test]
async fn chunks_are_read_in_the_order_in_which_several_processes_added_them() {
    for seed in 0..50 {
        let mut chance = Chance(seed);
        let shelf = Arc::new(Shelf::default());
        let (mut content, mut storage) = (Vec::new(), open(&shelf));
        for _ in 0..chance.number(12) {
            if chance.number(3) == 0 {
                storage = open(&shelf);
            }
            let length = 1 + chance.number(5_000);
            let chunk = chance.bytes(length);
            let at = storage.append(LOG, content.len() as u64, &chunk).await.unwrap();
            content.extend(chunk);
            assert_eq!(at, content.len() as u64, "seed {seed}");
        }
        assert_eq!(open(&shelf).read_log(LOG).await.unwrap(), content, "seed {seed}");
    }
}

#[tokio::test]
async fn whoever_is_overtaken_is_refused() {
    let shelf = Arc::new(Shelf::default());
    let (ann, ben) = (open(&shelf), open(&shelf));
    let at = ann.append(LOG, 0, b"one").await.unwrap();
    assert_eq!(ben.append(LOG, 0, b"uno").await, Err(StorageError::Conflict));
    ben.append(LOG, at, b"two").await.unwrap();
    assert_eq!(ann.append(LOG, at, b"due").await, Err(StorageError::Conflict));
    assert_eq!(ann.append(LOG, 99, b"due").await, Err(StorageError::Conflict));
    assert_eq!(ann.seal_log(LOG, at).await, Err(StorageError::Conflict));
    ann.append(LOG, 6, b"three").await.unwrap();
    ben.seal_log(LOG, 11).await.unwrap();
    assert_eq!(ann.append(LOG, 11, b"four").await, Err(StorageError::Conflict));
    assert_eq!(open(&shelf).read_log(LOG).await.unwrap(), b"onetwothree");
}

#[tokio::test]
async fn what_a_crash_leaves_at_the_end_is_not_part_of_the_log_and_can_be_sealed() {
    let (shelf, ends) = shelf(&[b"one", b"two"]).await;
    open(&shelf).append(LOG, 6, b"three").await.unwrap();
    let whole = shelf.log(LOG);
    for end in 0..whole.len() {
        shelf.put_log(LOG, whole[..end].to_vec());
        let expected: &[u8] = match end {
            end if end < ends[0] => b"",
            end if end < ends[1] => b"one",
            _ => b"onetwo",
        };
        assert_eq!(open(&shelf).read_log(LOG).await.unwrap(), expected, "{end}");
        let at = expected.len() as u64;
        open(&shelf).seal_log(LOG, at).await.unwrap();
        assert!(shelf.kept().sealed.remove(LOG));
    }
}

#[tokio::test]
async fn nothing_is_added_after_what_a_crash_has_left() {
    let (shelf, ends) = shelf(&[b"one", b"two"]).await;
    open(&shelf).append(LOG, 6, b"three").await.unwrap();
    let whole = shelf.log(LOG);
    let mut added = 0;
    for end in ends[0]..whole.len() {
        shelf.put_log(LOG, whole[..end].to_vec());
        let content = open(&shelf).read_log(LOG).await.unwrap();
        match open(&shelf).append(LOG, content.len() as u64, b"more").await {
            Ok(_) => {
                added += 1;
                assert_eq!(
                    open(&shelf).read_log(LOG).await.unwrap(),
                    [content.as_slice(), b"more"].concat(),
                    "{end}"
                );
            }
            refused => assert!(problem(refused).starts_with("it ends with what a crash has left"), "{end}"),
        }
    }
    // After both whole chunks, and after a header alone.
    assert_eq!(added, 3);
}

#[tokio::test]
async fn every_changed_bit_is_noticed() {
    let (shelf, _) = shelf(&[b"one", b"two"]).await;
    open(&shelf).append(LOG, 6, b"three").await.unwrap();
    let whole = shelf.log(LOG);
    let storage = open(&shelf);
    for (index, bit) in (0..whole.len()).flat_map(|index| (0..8).map(move |bit| (index, bit))) {
        let mut changed = whole.clone();
        changed[index] ^= 1 << bit;
        shelf.put_log(LOG, changed);
        assert!(storage.read_log(LOG).await.is_err(), "bit {bit} of byte {index}");
    }
}

#[tokio::test]
async fn chunks_that_were_taken_out_moved_or_repeated_are_noticed() {
    let (shelf, ends) = shelf(&[b"one", b"two", b"six"]).await;
    let whole = shelf.log(LOG);
    let (one, two, six) = (&whole[..ends[0]], &whole[ends[0]..ends[1]], &whole[ends[1]..]);
    let orders: [&[&[u8]]; 6] = [
        &[two, six],
        &[one, six],
        &[one, six, two],
        &[one, one, two],
        &[one, two, two],
        &[one, two, six, two],
    ];
    for (index, order) in orders.into_iter().enumerate() {
        shelf.put_log(LOG, order.concat());
        assert!(open(&shelf).read_log(LOG).await.is_err(), "order {index}");
    }
}

#[tokio::test]
async fn segments_of_another_log_or_an_earlier_one_of_the_same_name_are_noticed() {
    let shelf = Arc::new(Shelf::default());
    let mut stored = Vec::new();
    for (log, first) in [(LOG, b"one"), (LOG, b"uno"), ("journal/00000002", b"eno")] {
        open(&shelf).append(log, 0, first).await.unwrap();
        let end = shelf.log(log).len();
        open(&shelf).append(log, 3, b"two").await.unwrap();
        stored.push((shelf.log(log)[..end].to_vec(), shelf.log(log)[end..].to_vec()));
        shelf.kept().logs.remove(log);
    }
    for (first, second) in [(0, 1), (1, 0), (0, 2), (2, 0), (2, 2)] {
        shelf.put_log(LOG, [stored[first].0.as_slice(), &stored[second].1].concat());
        assert!(open(&shelf).read_log(LOG).await.is_err(), "{first} and {second}");
    }
    shelf.put_log(LOG, [stored[0].0.as_slice(), &stored[0].1].concat());
    assert_eq!(open(&shelf).read_log(LOG).await.unwrap(), b"onetwo");
}

/// Had the second chunk the key and the nonce of the first, the sum of both ciphertexts would be that of the plaintexts.
#[tokio::test]
async fn after_a_failed_append_another_key_is_used() {
    for breaks_after in [0, 50, usize::MAX] {
        let shelf = Arc::new(Shelf::default());
        let storage = open(&shelf);
        storage.append(LOG, 0, b"begun").await.unwrap();
        let begun = shelf.log(LOG);
        shelf.kept().breaks_after = Some(breaks_after);
        assert!(storage.append(LOG, 5, &[1; 64]).await.is_err());
        let failed = shelf.log(LOG)[begun.len()..].to_vec();
        shelf.put_log(LOG, begun.clone());
        storage.append(LOG, 5, &[1; 64]).await.unwrap();
        let added = shelf.log(LOG)[begun.len()..].to_vec();
        assert!(
            added.starts_with(b"age-encryption.org/v1\n"),
            "no key of its own after {breaks_after} bytes"
        );
        assert!(failed.is_empty() || !added.ends_with(&failed[failed.len().saturating_sub(20)..]));
        assert_eq!(open(&shelf).read_log(LOG).await.unwrap(), [b"begun".as_slice(), &[1; 64]].concat());
    }
}

#[tokio::test]
async fn appends_that_race_never_share_a_key() {
    let shelf = Arc::new(Shelf::default());
    let storage = open(&shelf);
    storage.append(LOG, 0, b"begun").await.unwrap();
    let results = tokio::join!(storage.append(LOG, 5, b"ann"), storage.append(LOG, 5, b"ben"));
    assert_eq!([results.0.is_ok(), results.1.is_ok()].iter().filter(|is_ok| **is_ok).count(), 1);
    assert!(
        [b"begunann", b"begunben"]
            .contains(&storage.read_log(LOG).await.unwrap().as_slice().try_into().unwrap())
    );
}

#[tokio::test]
async fn a_removed_log_can_begin_anew() {
    let (shelf, _) = shelf(&[b"one"]).await;
    let storage = open(&shelf);
    storage.append(LOG, 3, b"two").await.unwrap();
    storage.remove_log(LOG).await.unwrap();
    assert_eq!(storage.read_log(LOG).await.unwrap(), b"");
    storage.append(LOG, 0, b"six").await.unwrap();
    assert_eq!(storage.logs("journal/").await.unwrap(), [LOG]);
    assert_eq!(open(&shelf).read_log(LOG).await.unwrap(), b"six");
}
