//! What the store must keep to over any storage: one run at a time, and nothing lost to one that was thought to be dead. Tests of other
//! storages include this file.
//!
//! The storage is given as two clients of one place, which holds no state yet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use meshform_engine::address::Address;
use meshform_engine::apply::{Event, fold};
use meshform_engine::plan::StepOperation;
use meshform_engine::ports::{BoxFuture, Clock, Operation, StateStore, StoreError};
use meshform_engine::state::{Record, RecordStatus, Snapshot};
use meshform_engine::value::Value;
use meshform_state::{Condition, Storage, StorageError, Store};
use tokio::sync::watch;

/// The longest that a holder is heard nothing of before it counts as dead, in milliseconds.
const EXPIRY_MS: i64 = 30_000;

/// Panics where the store does not do what it should.
pub(crate) async fn one_runs(clients: &[Arc<dyn Storage>; 2]) {
    of_many_one_has_the_lease(clients).await;
    the_lease_of_a_killed_run_expires(clients).await;
    what_wakes_writes_nothing(clients).await;
    what_was_cut_off_is_settled_once(clients).await;
    an_unlocked_run_writes_nothing(clients).await;
}

fn store(storage: &Arc<dyn Storage>, clock: &Arc<HandClock>) -> Store {
    Store::over(storage.clone(), clock.clone())
}

async fn of_many_one_has_the_lease(clients: &[Arc<dyn Storage>; 2]) {
    let clock = HandClock::new();
    let racers: Vec<_> = (0..6)
        .map(|racer| {
            let store = store(&clients[racer % 2], &clock);
            tokio::spawn(async move { store.lock("apply", 0).await })
        })
        .collect();
    let (mut leases, mut denials) = (Vec::new(), Vec::new());
    for racer in racers {
        match racer.await.unwrap() {
            Ok(lease) => leases.push(lease),
            Err(denied) => denials.push(denied),
        }
    }
    assert_eq!(leases.len(), 1);
    let process = format!("(process {})", std::process::id());
    for denied in denials {
        let says_all = matches!(&denied, StoreError::Locked { holder, operation, since }
            if holder.contains('@') && holder.ends_with(&process) && operation == "apply" && since == HandClock::START);
        assert!(says_all, "{denied:?}");
    }
    let lease = leases.remove(0);
    let holder = store(&clients[1], &clock).holder().await.unwrap().unwrap();
    assert_eq!((holder.process, holder.token, holder.is_dead), (std::process::id(), lease.token(), false));
    lease.release().await.unwrap();
    assert_eq!(store(&clients[1], &clock).holder().await, Ok(None));
}

async fn the_lease_of_a_killed_run_expires([one, other]: &[Arc<dyn Storage>; 2]) {
    // Its clock stands still, and its heart with it.
    let killed = store(one, &HandClock::new()).lock("destroy", 0).await.unwrap();
    let clock = HandClock::new();
    clock.advance(EXPIRY_MS);
    assert!(matches!(
        store(other, &clock).lock("apply", 0).await.err(),
        Some(StoreError::Locked { operation, .. }) if operation == "destroy"
    ));
    clock.advance(1);
    let holder = store(other, &clock).holder().await.unwrap().unwrap();
    assert_eq!((holder.heartbeat_age_ms, holder.is_dead), (EXPIRY_MS.unsigned_abs() + 1, true));
    let next = store(other, &clock).lock("apply", 0).await.unwrap();
    assert!(next.token() > killed.token());
    assert_eq!(killed.release().await, Err(StoreError::Fenced));
    next.release().await.unwrap();
}

/// A run stops for so long that another takes over, at each point of its way; whatever it does then is refused and leaves no trace.
async fn what_wakes_writes_nothing([one, other]: &[Arc<dyn Storage>; 2]) {
    let (old_clock, clock) = (HandClock::new(), HandClock::new());
    let old_store = store(one, &old_clock);
    let old = old_store.lock("apply", 0).await.unwrap();
    let prior = old_store.load().await.unwrap().snapshot;
    let mut journal = old_store.begin(&*old, &prior).await.unwrap();
    journal.append(&[began(), started("a")]).await.unwrap();
    let (log, length) = only_log(&**one).await;
    let stale = one.read("state.json").await.unwrap();

    clock.advance(EXPIRY_MS + 1);
    let store = store(other, &clock);
    let new = store.lock("apply", 0).await.unwrap();
    // The new run has not begun yet: the lock alone refuses the old one.
    assert_eq!(journal.append(&[succeeded("a")]).await, Err(StoreError::Fenced));
    let prior = store.load().await.unwrap().snapshot;
    assert_eq!(prior.records[&address("a")].status, RecordStatus::Incomplete);
    let mut successor = store.begin(&*new, &prior).await.unwrap();

    let before = content(&**other).await;
    // As if it had stopped between its look at the lock and the write.
    assert_eq!(one.append(&log, length, b"{}\n").await, Err(StorageError::Conflict));
    let condition = stale.map_or(Condition::Absent, |blob| Condition::Unchanged(blob.version));
    assert_eq!(one.write("state.json", b"{}", condition).await, Err(StorageError::Conflict));
    // As it goes on by itself.
    assert_eq!(journal.append(&[succeeded("a")]).await, Err(StoreError::Fenced));
    assert_eq!(old_store.begin(&*old, &prior).await.err(), Some(StoreError::Fenced));
    assert_eq!(journal.finish(Snapshot::default()).await, Err(StoreError::Fenced));
    old_clock.advance(EXPIRY_MS * 2);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(old.release().await, Err(StoreError::Fenced));
    assert_eq!(content(&**other).await, before);

    let events = [began(), started("b"), succeeded("b"), ended()];
    successor.append(&events).await.unwrap();
    successor.finish(fold(prior, events).unwrap()).await.unwrap();
    new.release().await.unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!(loaded.snapshot.records.keys().cloned().collect::<Vec<_>>(), [address("a"), address("b")]);
    assert!(!loaded.interrupted);
}

async fn what_was_cut_off_is_settled_once([one, other]: &[Arc<dyn Storage>; 2]) {
    let (first_clock, clock) = (HandClock::new(), HandClock::new());
    let store_of_first = store(one, &first_clock);
    let first = store_of_first.lock("apply", 0).await.unwrap();
    let prior = store_of_first.load().await.unwrap().snapshot;
    let mut journal = store_of_first.begin(&*first, &prior).await.unwrap();
    journal.append(&[began(), started("c"), succeeded("c")]).await.unwrap();

    clock.advance(EXPIRY_MS + 1);
    let store = store(other, &clock);
    let second = store.lock("destroy", 0).await.unwrap();
    let loaded = store.load().await.unwrap();
    assert!(loaded.interrupted);
    assert_eq!(loaded.snapshot.serial, prior.serial + 1);
    let successor = store.begin(&*second, &loaded.snapshot).await.unwrap();
    successor.finish(loaded.snapshot.clone()).await.unwrap();
    second.release().await.unwrap();
    let settled = store.load().await.unwrap();
    assert_eq!((settled.snapshot, settled.interrupted), (loaded.snapshot, false));
    let newest = store.history().await.unwrap().remove(0);
    let made = newest.made.unwrap();
    assert_eq!((newest.serial, made.operation.as_str()), (prior.serial + 1, "apply"));
    assert!(made.note.unwrap().ends_with("for destroy"));
    assert_eq!(store.recall(prior.serial).await, Ok(prior));
}

async fn an_unlocked_run_writes_nothing([one, other]: &[Arc<dyn Storage>; 2]) {
    let clock = HandClock::new();
    let (stopped, store) = (store(one, &clock), store(other, &clock));
    let lease = stopped.lock("apply", 0).await.unwrap();
    let prior = stopped.load().await.unwrap().snapshot;
    let mut journal = stopped.begin(&*lease, &prior).await.unwrap();
    assert!(matches!(store.unlock(lease.token() + 1).await, Err(StoreError::Invalid { .. })));
    journal.append(&[began()]).await.unwrap();
    store.unlock(lease.token()).await.unwrap();
    assert_eq!(journal.append(&[started("d")]).await, Err(StoreError::Fenced));
    assert!(matches!(store.unlock(lease.token()).await, Err(StoreError::Invalid { .. })));
    let next = store.lock("apply", 0).await.unwrap();
    assert!(next.token() > lease.token());
    assert_eq!(store.load().await.unwrap().snapshot, prior);
    next.release().await.unwrap();
}

/// The only journal with something in it, and how long it is.
async fn only_log(storage: &dyn Storage) -> (String, u64) {
    let mut found = Vec::new();
    for log in storage.logs("journal/").await.unwrap() {
        let length = storage.read_log(&log).await.unwrap().len() as u64;
        found.extend((length > 0).then_some((log, length)));
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// All that is stored.
async fn content(storage: &dyn Storage) -> BTreeMap<String, Vec<u8>> {
    let mut content = BTreeMap::new();
    let names = storage.list("history/").await.unwrap();
    for name in names.iter().map(String::as_str).chain(["state.json", "lock", "fingerprint.key"]) {
        content.extend(storage.read(name).await.unwrap().map(|blob| (name.to_owned(), blob.content)));
    }
    for log in storage.logs("journal/").await.unwrap() {
        let text = storage.read_log(&log).await.unwrap();
        content.insert(log, text);
    }
    content
}

fn address(name: &str) -> Address {
    Address::new("value", name)
}

fn record() -> Record {
    Record {
        target: None,
        identity: "x".into(),
        attributes: Value::object([("content".into(), Value::string("a").sensitive())]),
        private: serde_json::Value::Null,
        depends_on: Vec::new(),
        status: RecordStatus::Complete,
    }
}

fn began() -> Event {
    Event::Began { at_ms: 1, targets: BTreeMap::new() }
}

fn started(name: &str) -> Event {
    let operation = StepOperation::Perform(Operation::Create);
    Event::Started { at_ms: 2, address: address(name), operation, intent: record() }
}

fn succeeded(name: &str) -> Event {
    let operation = StepOperation::Perform(Operation::Create);
    Event::Succeeded { at_ms: 3, address: address(name), operation, record: Some(record()) }
}

fn ended() -> Event {
    Event::Ended { at_ms: 4, outputs: None }
}

/// A clock that is moved by hand.
struct HandClock(watch::Sender<i64>);

impl HandClock {
    /// What all of them show first.
    const START: &str = "2023-11-14T22:13:20Z";

    fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(1_700_000_000_000)))
    }

    fn advance(&self, by_ms: i64) {
        self.0.send_modify(|now| *now += by_ms);
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        *self.0.borrow()
    }

    fn sleep_ms(&self, duration_ms: u64) -> BoxFuture<'static, ()> {
        let until = self.now_ms() + i64::try_from(duration_ms).unwrap();
        let mut now = self.0.subscribe();
        Box::pin(async move {
            // Nobody moves it any more: it sleeps forever.
            if now.wait_for(|now| *now >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
