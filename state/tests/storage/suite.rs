//! What every storage must keep to. Tests of other storages include this file.
//!
//! The storage is given as two clients of one place, which holds nothing of meshform's yet; in the end it holds nothing but seals.

use std::sync::Arc;

use meshform_state::{Condition, Storage, StorageError, Version};

/// How many write at once.
const RACERS: usize = 6;

/// How often.
const ROUNDS: usize = 4;

/// Panics where the storage does not do what it should.
pub(crate) async fn conforms(clients: &[Arc<dyn Storage>; 2]) {
    let [one, other] = clients;
    blobs(&**one, &**other).await;
    contents(&**one, &**other).await;
    lists(&**one, &**other).await;
    logs(&**one, &**other).await;
    seals(&**one, &**other).await;
    for round in 0..ROUNDS {
        racing_writes(clients).await;
        racing_appends(clients, &format!("journal/00000100-{round}")).await;
        append_races_seal(clients, &format!("journal/00000200-{round}")).await;
    }
    assert_eq!(one.list("history/").await, Ok(Vec::new()));
}

async fn write(storage: &dyn Storage, name: &str, content: &[u8], condition: Condition) -> Version {
    storage.write(name, content, condition).await.unwrap()
}

async fn refused(storage: &dyn Storage, name: &str, condition: Condition) {
    let before = storage.read(name).await.unwrap();
    let written = storage.write(name, b"not to be written", condition.clone()).await;
    assert_eq!(written, Err(StorageError::Conflict), "{name} {condition:?}");
    assert_eq!(storage.read(name).await.unwrap(), before, "{name} {condition:?}");
}

async fn blobs(one: &dyn Storage, other: &dyn Storage) {
    let name = "state.json";
    assert!(!one.place().is_empty());
    assert_eq!(one.read(name).await, Ok(None));
    one.remove(name).await.unwrap();
    refused(one, name, Condition::Unchanged(Version("1".into()))).await;

    let first = write(one, name, b"first", Condition::Absent).await;
    let read = other.read(name).await.unwrap().unwrap();
    assert_eq!((read.content.as_slice(), &read.version), (&b"first"[..], &first));
    refused(other, name, Condition::Absent).await;

    let second = write(other, name, b"second", Condition::Unchanged(first.clone())).await;
    assert_ne!(first, second);
    refused(one, name, Condition::Unchanged(first)).await;
    let read = one.read(name).await.unwrap().unwrap();
    assert_eq!((read.content.as_slice(), &read.version), (&b"second"[..], &second));
    let third = write(one, name, b"third", Condition::Unchanged(read.version)).await;

    other.remove(name).await.unwrap();
    assert_eq!(one.read(name).await, Ok(None));
    refused(one, name, Condition::Unchanged(third)).await;
    write(one, name, b"again", Condition::Absent).await;
    one.remove(name).await.unwrap();
    one.remove(name).await.unwrap();
}

async fn contents(one: &dyn Storage, other: &dyn Storage) {
    let every_byte: Vec<u8> = (0..=255).collect();
    // Larger than what many storages take at once, and of no use to compress.
    let large: Vec<u8> = (0..400_000_u64).flat_map(|index| mixed(index).to_le_bytes()).collect();
    for content in [&b""[..], b"\n", &every_byte, &large, b"small again"] {
        let before = one.read("state.json").await.unwrap();
        let condition = before.map_or(Condition::Absent, |blob| Condition::Unchanged(blob.version));
        write(one, "state.json", content, condition).await;
        let read = other.read("state.json").await.unwrap().unwrap();
        assert!(read.content == content, "{} bytes became {}", content.len(), read.content.len());
    }
    one.remove("state.json").await.unwrap();
}

/// Numbers that look random and are the same in every run (SplitMix64).
fn mixed(index: u64) -> u64 {
    let step = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let step = (step ^ (step >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    step ^ (step >> 27)
}

async fn lists(one: &dyn Storage, other: &dyn Storage) {
    let names = ["history/00000002.json", "history/00000010.json", "history/00000001.json"];
    for name in names.iter().chain(&["history-of-something-else", "lock"]) {
        write(one, name, name.as_bytes(), Condition::Absent).await;
    }
    let mut sorted = names.map(String::from).to_vec();
    sorted.sort();
    assert_eq!(other.list("history/").await, Ok(sorted.clone()));
    assert_eq!(other.list("history/0000000").await, Ok(sorted[..2].to_vec()));
    assert_eq!(other.list("nothing/").await, Ok(Vec::new()));
    other.remove(&sorted[1]).await.unwrap();
    assert_eq!(one.list("history/").await, Ok(vec![sorted[0].clone(), sorted[2].clone()]));
    for name in names.iter().chain(&["history-of-something-else", "lock"]) {
        one.remove(name).await.unwrap();
    }
}

async fn logs(one: &dyn Storage, other: &dyn Storage) {
    let (log, longer) = ("journal/00000001-7", "journal/00000001-77");
    assert_eq!(one.read_log(log).await, Ok(Vec::new()));
    assert_eq!(one.logs("journal/").await, Ok(Vec::new()));
    one.remove_log(log).await.unwrap();

    assert_eq!(one.append(log, 0, b"one\n").await, Ok(4));
    assert_eq!(one.append(log, 4, b"two\n").await, Ok(8));
    assert_eq!(other.append(log, 0, b"not\n").await, Err(StorageError::Conflict));
    assert_eq!(other.append(log, 4, b"not\n").await, Err(StorageError::Conflict));
    assert_eq!(other.append(longer, 0, b"another").await, Ok(7));
    let mut length = 8;
    let mut expect = b"one\ntwo\n".to_vec();
    // More chunks than digits, so that their order is that of numbers.
    for index in 0..25 {
        let line = format!("line {index}\n");
        length = one.append(log, length, line.as_bytes()).await.unwrap();
        expect.extend(line.as_bytes());
    }
    assert_eq!(length, expect.len() as u64);
    assert_eq!(other.read_log(log).await, Ok(expect));
    assert_eq!(other.logs("journal/").await, Ok(vec![log.to_owned(), longer.to_owned()]));

    other.remove_log(log).await.unwrap();
    assert_eq!(one.read_log(log).await, Ok(Vec::new()));
    assert_eq!(one.logs("journal/").await, Ok(vec![longer.to_owned()]));
    assert_eq!(one.read_log(longer).await, Ok(b"another".to_vec()));
    one.remove_log(longer).await.unwrap();
    one.remove_log(longer).await.unwrap();
}

async fn seals(one: &dyn Storage, other: &dyn Storage) {
    let log = "journal/00000002-8";
    one.append(log, 0, b"one\n").await.unwrap();
    one.append(log, 4, b"two\n").await.unwrap();
    assert_eq!(other.seal_log(log, 4).await, Err(StorageError::Conflict));
    assert_eq!(one.append(log, 8, b"three\n").await, Ok(14));
    other.seal_log(log, 14).await.unwrap();
    one.seal_log(log, 14).await.unwrap();
    assert_eq!(one.append(log, 14, b"late\n").await, Err(StorageError::Conflict));
    assert_eq!(one.read_log(log).await, Ok(b"one\ntwo\nthree\n".to_vec()));

    other.remove_log(log).await.unwrap();
    assert_eq!(one.append(log, 14, b"late\n").await, Err(StorageError::Conflict));
    assert_eq!(one.read_log(log).await, Ok(Vec::new()));
    other.remove_log(log).await.unwrap();
    assert_eq!(one.append(log, 14, b"late\n").await, Err(StorageError::Conflict));
}

/// Of those who write a blob that is not there, and then of those who replace it, exactly one succeeds, and what it wrote is there.
async fn racing_writes(clients: &[Arc<dyn Storage>; 2]) {
    let mut condition = Condition::Absent;
    for round in 0..2 {
        // A version need not change where the content does not.
        let content = move |racer: usize| format!("{round}.{racer}").into_bytes();
        let written = race(clients, |racer, storage| {
            let condition = condition.clone();
            async move { storage.write("lock", &content(racer), condition).await }
        });
        let (winner, version) = only(written.await);
        let read = clients[0].read("lock").await.unwrap().unwrap();
        assert_eq!((read.content, &read.version), (content(winner), &version));
        condition = Condition::Unchanged(version);
    }
    clients[0].remove("lock").await.unwrap();
}

/// Of those who add at one place, exactly one succeeds, and only what it added is there.
async fn racing_appends(clients: &[Arc<dyn Storage>; 2], log: &str) {
    let mut expect = Vec::new();
    for _ in 0..2 {
        let at = expect.len() as u64;
        let added = race(clients, |racer, storage| {
            let log = log.to_owned();
            async move { storage.append(&log, at, format!("racer {racer}\n").as_bytes()).await }
        });
        let (winner, length) = only(added.await);
        expect.extend(format!("racer {winner}\n").as_bytes());
        assert_eq!(length, expect.len() as u64);
        assert_eq!(clients[0].read_log(log).await, Ok(expect.clone()));
    }
    clients[1].remove_log(log).await.unwrap();
}

/// Of who adds and who seals, one succeeds, and the log is as that one left it.
async fn append_races_seal([one, other]: &[Arc<dyn Storage>; 2], log: &str) {
    let length = one.append(log, 0, b"begun\n").await.unwrap();
    let (added, sealed) = tokio::join!(one.append(log, length, b"added\n"), other.seal_log(log, length));
    let outcome = (added.is_ok(), added.as_ref().err(), sealed.is_ok(), sealed.as_ref().err());
    let conflict = Some(&StorageError::Conflict);
    assert!([(true, None, false, conflict), (false, conflict, true, None)].contains(&outcome), "{outcome:?}");
    let left = if added.is_ok() { &b"begun\nadded\n"[..] } else { b"begun\n" };
    assert_eq!(other.read_log(log).await, Ok(left.to_vec()));
    other.seal_log(log, left.len() as u64).await.unwrap();
    one.remove_log(log).await.unwrap();
}

/// What those who do the same at once are told, in turns by either client.
async fn race<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    clients: &[Arc<dyn Storage>; 2],
    attempt: impl Fn(usize, Arc<dyn Storage>) -> F,
) -> Vec<T> {
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| tokio::spawn(attempt(racer, clients[racer % clients.len()].clone())))
        .collect();
    let mut outcomes = Vec::new();
    for racer in racers {
        outcomes.push(racer.await.unwrap());
    }
    outcomes
}

/// The only one who succeeded; the others were told that they did not.
fn only<T: std::fmt::Debug>(outcomes: Vec<Result<T, StorageError>>) -> (usize, T) {
    let mut winners = Vec::new();
    for (racer, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(won) => winners.push((racer, won)),
            Err(refused) => assert_eq!(refused, StorageError::Conflict, "{racer}"),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    winners.remove(0)
}
