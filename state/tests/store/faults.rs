//! A storage fails at any operation, having done it or not: what was said to be durable is there, and the next run goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use meshform_engine::apply::{Event, fold};
use meshform_engine::ports::{BoxFuture, Lease, StateStore, StoreError};
use meshform_engine::state::{RecordStatus, Snapshot};
use meshform_state::{Blob, Condition, MemoryStorage, Storage, StorageError, Store, Version};

use crate::world::{TestClock, address, apply, apply_of, began, ended, started, succeeded};

/// How many steps a run has.
const STEPS: u64 = 3;

/// What becomes of one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// It is not done, nor are those that follow: the storage is out of reach.
    Refused,
    /// It is done and nobody is told, and then the storage is out of reach.
    AnswerLost,
    /// It is done and then, as if it had not been, done once more; so it is told what came of it the second time.
    DoneTwice,
}

/// A storage with a fault at one operation.
struct Faulty {
    inner: Arc<MemoryStorage>,
    fault: Fault,
    /// How many operations there are up to the faulty one.
    left: AtomicUsize,
    /// Whether nothing reaches it any more.
    is_cut_off: AtomicBool,
}

impl Faulty {
    /// Whether an operation is done at all, and the fault if it is the faulty one.
    fn fate(&self) -> (bool, Option<Fault>) {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            _ if self.is_cut_off.load(Ordering::SeqCst) => (false, None),
            Ok(1) => (self.fault != Fault::Refused, Some(self.fault)),
            Ok(_) => (true, None),
            Err(_) => (self.fault == Fault::DoneTwice, None),
        }
    }

    async fn through<'a, T>(
        &self,
        operation: impl Fn() -> BoxFuture<'a, Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        let (is_done, fault) = self.fate();
        if fault == Some(Fault::DoneTwice) {
            let _ = operation().await;
        }
        let outcome = if is_done { Some(operation().await) } else { None };
        let failed = StorageError::Failed { attempt: "reach it".into(), problem: "out of reach".into() };
        outcome.filter(|_| fault != Some(Fault::AnswerLost)).unwrap_or(Err(failed))
    }
}

impl Storage for Faulty {
    fn place(&self) -> String {
        "faulty".into()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        Box::pin(self.through(move || self.inner.read(name)))
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        Box::pin(self.through(move || self.inner.write(name, content, condition.clone())))
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(self.through(move || self.inner.remove(name)))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(self.through(move || self.inner.list(prefix)))
    }
}

/// Applies until the storage fails. Tells what was acknowledged, and whether all was.
async fn apply_until_it_fails(store: &Store, durable: &mut Vec<Event>) -> Result<(), StoreError> {
    let lease = store.lock("apply", 0).await?;
    let applied = applied(store, &*lease, durable).await;
    // A killed run gives nothing back.
    std::mem::forget(lease);
    applied
}

async fn applied(store: &Store, lease: &dyn Lease, durable: &mut Vec<Event>) -> Result<(), StoreError> {
    let prior = store.load().await?.snapshot;
    let mut journal = store.begin(lease, &prior).await?;
    let steps = (0..STEPS).flat_map(|step| [started(step, "new"), succeeded(step, "new")]);
    for event in [began()].into_iter().chain(steps).chain([ended()]) {
        journal.append(std::slice::from_ref(&event)).await?;
        durable.push(event);
    }
    journal.finish(fold(prior, durable.clone()).map_err(|_| StoreError::Fenced)?).await
}

/// What the next run finds must be what was acknowledged, or one event more: the one that nobody was told of.
async fn check(fault: Fault, operation: usize) -> bool {
    let inner = Arc::new(MemoryStorage::new());
    let clock = TestClock::new();
    let sound = Store::over(inner.clone(), clock.clone());
    let before = apply(&sound, apply_of(1)).await;
    let (left, is_cut_off) = (AtomicUsize::new(operation), AtomicBool::new(false));
    let faulty = Arc::new(Faulty { inner: inner.clone(), fault, left, is_cut_off });
    let mut durable = Vec::new();
    let store = Store::over(faulty.clone(), clock.clone());
    let ended_well = apply_until_it_fails(&store, &mut durable).await.is_ok();
    // Whatever happened, it is killed.
    faulty.is_cut_off.store(true, Ordering::SeqCst);

    clock.advance(3_600_000);
    let next = Store::over(inner, clock);
    let lease = next.lock("apply", 0).await.unwrap();
    let loaded = next.load().await.unwrap().snapshot;
    let expect = fold(before.clone(), durable.clone()).unwrap();
    let differing = (0..STEPS).filter(|step| {
        let of = |snapshot: &Snapshot| snapshot.records.get(&address(*step)).cloned();
        of(&loaded) != of(&expect)
    });
    let differing: Vec<_> = differing.collect();
    assert!(differing.len() <= 1, "{fault:?} at {operation}: {differing:?}");
    assert!(differing.is_empty() || !ended_well, "{fault:?} at {operation}");
    let lost = |step: &&u64| {
        let status = expect.records.get(&address(**step)).map(|record| record.status);
        status == Some(RecordStatus::Complete) && !loaded.records.contains_key(&address(**step))
    };
    assert_eq!(differing.iter().find(lost), None, "{fault:?} at {operation}");

    let journal = next.begin(&*lease, &loaded).await.unwrap();
    journal.finish(loaded.clone()).await.unwrap();
    lease.release().await.unwrap();
    let settled = next.load().await.unwrap();
    assert_eq!((&settled.snapshot, settled.interrupted), (&loaded, false), "{fault:?} at {operation}");
    ended_well
}

#[tokio::test]
async fn whatever_fails_nothing_durable_is_lost() {
    for fault in [Fault::Refused, Fault::AnswerLost] {
        let mut operation = 1;
        while !check(fault, operation).await {
            operation += 1;
        }
        assert!(operation > 30, "only {operation} operations were tried");
    }
}

#[tokio::test]
async fn what_is_sent_twice_is_done_once() {
    for operation in 1..60 {
        assert!(check(Fault::DoneTwice, operation).await, "{operation}");
    }
}
