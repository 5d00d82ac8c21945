//! What lies on a disk is input: whatever was done to it, it is refused with a reason, and nothing panics.

use std::fs;

use meshform_engine::ports::{StateStore, StoreError};
use meshform_engine::state::Snapshot;

use crate::world::{World, apply, apply_of};

const PLAN: &str = include_str!("../roundtrip/plan-v1.in.json");
const STATE: &str = include_str!("../roundtrip/state-v1.in.json");
const JOURNAL: &str = include_str!("../roundtrip/journal-v1.in.json");

/// Numbers that look random and are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((mixed >> 33) % limit as u64).unwrap()
    }
}

/// The document with its body changed in a place or two, and a digest that fits nevertheless.
fn spoilt(document: &str, dice: &mut Dice) -> Vec<u8> {
    let (head, body) = document.split_once("\"body\":").unwrap();
    let mut body = body.trim().strip_suffix('}').unwrap().trim().as_bytes().to_vec();
    for _ in 0..=dice.below(2) {
        let at = dice.below(body.len());
        match dice.below(4) {
            0 => body[at] ^= 1 << dice.below(8),
            1 => body[at] = b"0123456789{}[]\",:$-e"[dice.below(20)],
            2 => drop(body.drain(at..(at + dice.below(40)).min(body.len()))),
            _ => body.splice(at..at, body[at..(at + dice.below(40)).min(body.len())].to_vec()).for_each(drop),
        }
    }
    let digest = blake3::hash(&body).to_hex();
    let start = head.find("blake3:").unwrap() + "blake3:".len();
    let mut bytes = head.as_bytes().to_vec();
    bytes[start..start + 64].copy_from_slice(digest.as_bytes());
    [bytes.as_slice(), b"\"body\":", &body, b"}"].concat()
}

#[tokio::test]
async fn a_plan_with_any_bit_changed_or_cut_anywhere_is_refused() {
    let store = World::new().store();
    assert!(store.decode_plan(PLAN.as_bytes()).is_ok());
    // The last byte is the line feed behind the document.
    for at in 0..PLAN.len() - 1 {
        assert!(store.decode_plan(&PLAN.as_bytes()[..at]).is_err(), "{at}");
        for bit in 0..8 {
            let mut bytes = PLAN.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            assert!(store.decode_plan(&bytes).is_err(), "{at}.{bit}");
        }
    }
}

#[tokio::test]
async fn plans_with_a_forged_digest_never_panic() {
    let (store, mut dice) = (World::new().store(), Dice(1));
    let mut read = 0;
    for _ in 0..5_000 {
        read += usize::from(store.decode_plan(&spoilt(PLAN, &mut dice)).is_ok());
    }
    assert!(read > 0, "some changes are harmless");
}

#[tokio::test]
async fn states_and_journals_with_a_forged_digest_never_panic() {
    let (world, mut dice) = (World::new(), Dice(2));
    fs::create_dir_all(world.path("journal")).unwrap();
    let mut read = 0;
    for _ in 0..1_000 {
        fs::write(world.path("state.json"), spoilt(STATE, &mut dice)).unwrap();
        read += usize::from(world.store().load().await.is_ok());
    }
    assert!(read > 0);
    fs::write(world.path("state.json"), STATE).unwrap();
    for _ in 0..1_000 {
        let mut bytes = JOURNAL.as_bytes().to_vec();
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
        bytes.truncate(at + dice.below(bytes.len()));
        fs::write(world.path("journal/00000008.jsonl"), bytes).unwrap();
        let _ = world.store().load().await;
    }
}

#[tokio::test]
async fn damage_is_named_with_its_file_and_line() {
    let world = World::new();
    let check = async |expect_file: &str, expect: &str| match world.store().load().await {
        Err(StoreError::Invalid { what, problem }) => {
            assert!(what.ends_with(expect_file), "{what}");
            assert_eq!(problem, expect);
        }
        other => panic!("{other:?}"),
    };
    fs::create_dir_all(world.path("journal")).unwrap();
    fs::write(world.path("state.json"), STATE.replace("default/web", "default/wob")).unwrap();
    check("state.json", "it is damaged or was edited: its digest is that of other content").await;
    fs::write(world.path("state.json"), STATE.replace("\"version\": 1", "\"version\": 3")).unwrap();
    check("state.json", "it is of version 3, and this meshform reads up to version 1: use a newer meshform")
        .await;
    fs::write(world.path("state.json"), PLAN).unwrap();
    check("state.json", "it is not a meshform state: its format is \"meshform.plan\"").await;

    fs::write(world.path("state.json"), STATE).unwrap();
    let journal = world.path("journal/00000008.jsonl");
    fs::write(&journal, JOURNAL.replacen("does not answer", "does answer", 1)).unwrap();
    let problem = "line 6: it is damaged or was edited: its digest is that of other content";
    check("journal/00000008", problem).await;
    let lines: Vec<_> = JOURNAL.split_inclusive('\n').collect();
    fs::write(&journal, lines[1..].concat()).unwrap();
    check("journal/00000008", "line 1: it is not a meshform journal: it names no format").await;

    fs::write(&journal, JOURNAL).unwrap();
    fs::remove_file(world.path("state.json")).unwrap();
    check("journal/00000008", "it goes on from serial 7, but the state is at 0").await;
    fs::create_dir(world.path("history")).unwrap();
    fs::write(world.path("history/00000007.json"), STATE).unwrap();
    check("state.json", "it is missing, but history/00000007.json is there: put it back").await;
}

#[tokio::test]
async fn a_journal_of_another_state_is_refused() {
    let world = World::new();
    apply(&world.store(), apply_of(1)).await;
    fs::write(world.path("journal/00000008.jsonl"), JOURNAL).unwrap();
    let error = world.store().load().await.unwrap_err().to_string();
    assert!(
        error.contains("it belongs to the state 6f1c6b0e-6f0c-4f5e-9d55-0d3a4a4b8f10, not to "),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_lock_or_key_is_no_reason_to_go_on() {
    let world = World::new();
    apply(&world.store(), apply_of(1)).await;
    fs::write(world.path("lock"), "{}").unwrap();
    assert!(matches!(world.store().lock("apply", 0).await, Err(StoreError::Invalid { .. })));
    fs::remove_file(world.path("lock")).unwrap();
    fs::write(world.path("fingerprint.key"), "abc\n").unwrap();
    let lease = world.store().lock("apply", 0).await.unwrap();
    let begun = world.store().begin(&*lease, &Snapshot::default()).await;
    assert!(matches!(begun, Err(StoreError::Invalid { .. })));
}
