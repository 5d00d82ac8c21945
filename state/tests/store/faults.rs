//! A storage fails at any operation, having done it or not: what was said to be durable is there, and the next run goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use meshform_engine::apply::{Event, fold};
use meshform_engine::ports::{BoxFuture, Lease, StateStore, StoreError};
use meshform_engine::state::{RecordStatus, Snapshot};
use meshform_state::{Blob, Condition, MemoryStorage, Storage, StorageError, Store, Version};

use crate::world::{TestClock, address, apply, apply_of, began, ended, started, succeeded};

/// How many steps a run has.
const STEPS: u64 = 3;

/// What becomes of the operation that fails, and of all after it.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It is not done.
    Refused,
    /// It is done, and nobody is told.
    AnswerLost,
}

/// Fails at one operation and, being out of reach, at those that follow.
struct Faulty {
    inner: Arc<MemoryStorage>,
    fault: Fault,
    left: AtomicUsize,
}

impl Faulty {
    /// Whether the operation is done, and whether its answer arrives.
    fn fate(&self) -> (bool, bool) {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match (left, self.fault) {
            (Ok(1), Fault::AnswerLost) => (true, false),
            (Ok(1) | Err(_), _) => (false, false),
            (Ok(_), _) => (true, true),
        }
    }

    async fn through<T>(&self, operation: BoxFuture<'_, Result<T, StorageError>>) -> Result<T, StorageError> {
        let (is_done, is_told) = self.fate();
        let outcome = if is_done { Some(operation.await) } else { None };
        let failed = StorageError::Failed { attempt: "reach it".into(), problem: "out of reach".into() };
        outcome.filter(|_| is_told).unwrap_or(Err(failed))
    }
}

impl Storage for Faulty {
    fn place(&self) -> String {
        "faulty".into()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        Box::pin(async move { self.through(self.inner.read(name)).await })
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        // What is in memory is done as soon as it is asked for.
        let write = Box::pin(async move { self.inner.write(name, content, condition).await });
        Box::pin(async move { self.through(write).await })
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        let remove = Box::pin(async move { self.inner.remove(name).await });
        Box::pin(async move { self.through(remove).await })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(async move { self.through(self.inner.list(prefix)).await })
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
    let faulty = Arc::new(Faulty { inner: inner.clone(), fault, left: AtomicUsize::new(operation) });
    let mut durable = Vec::new();
    let store = Store::over(faulty.clone(), clock.clone());
    let ended_well = apply_until_it_fails(&store, &mut durable).await.is_ok();
    // Whatever happened, it is killed.
    faulty.left.store(0, Ordering::SeqCst);

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
