//! The lock: a lease that its holder keeps alive, and that others take over when it no longer does.
//!
//! A lease is dead when its process is (seen at once on the same machine), or when its heartbeat is [`EXPIRY_MS`] old. Whoever takes
//! it over gets a higher token; the former holder, should it wake, is refused by [`prove`] before it writes anything. Every change of the
//! lock depends on what it was read as, so that of all who try at once one succeeds.
//!
//! Clocks decide when a lease is taken over and nothing else: a wrong one costs its owner the lease, never what is stored.

use std::sync::Arc;

use meshform_engine::ports::{BoxFuture, Clock, Holder, Lease, StoreError};

use crate::background::Background;
use crate::documents::{self, ATTEMPTS_MAX, Found, LOCK, contended};
use crate::fingerprint::random_name;
use crate::process::{self, Process};
use crate::storage::{Condition, Storage};
use crate::upgrade;
use crate::wire::lock::{LeaseBody, LockBody};

/// How often a lease shows that it is alive.
const HEARTBEAT_MS: u64 = 5_000;

/// After how long without a heartbeat it is dead.
const EXPIRY_MS: i64 = 30_000;

/// How often a waiting process looks whether the lease is free.
const RETRY_MS: u64 = 200;

/// A held lease. Dropped without being released, it is given back as well as that can be done.
pub(crate) struct HeldLease {
    storage: Arc<dyn Storage>,
    token: u64,
    heartbeat: Option<Box<dyn Send + Sync>>,
    released: bool,
}

impl HeldLease {
    /// Takes the lease, waiting for at most so many milliseconds.
    ///
    /// # Errors
    /// When another holds it all that time.
    pub(crate) async fn take(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        background: &dyn Background,
        operation: &str,
        wait_ms: u64,
    ) -> Result<Self, StoreError> {
        let deadline_ms = clock.now_ms().saturating_add(i64::try_from(wait_ms).unwrap_or(i64::MAX));
        let token = loop {
            let now_ms = clock.now_ms();
            match acquire(&*storage, operation, now_ms).await {
                Err(StoreError::Locked { .. }) if now_ms < deadline_ms => {
                    clock.sleep_ms(RETRY_MS.min(deadline_ms.abs_diff(now_ms))).await;
                }
                outcome => break outcome?,
            }
        };
        let heartbeat = Some(background.start(Box::pin(keep_alive(storage.clone(), clock, token))));
        let lease = Self { storage, token, heartbeat, released: false };
        match lease.storage.lease_taken().await {
            Ok(()) => Ok(lease),
            Err(error) => {
                // It is of no use; that it cannot be given back either says nothing more.
                let _ = Box::new(lease).release().await;
                Err(documents::refused(error))
            }
        }
    }
}

impl Lease for HeldLease {
    fn token(&self) -> u64 {
        self.token
    }

    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        let mut lease = self;
        Box::pin(async move {
            lease.released = true;
            lease.heartbeat = None;
            end(&*lease.storage, lease.token).await
        })
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.heartbeat = None;
        if self.released {
            return;
        }
        // Nobody is there to be told; what is left dies with the process, or expires.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (storage, token) = (self.storage.clone(), self.token);
            runtime.spawn(async move { drop(end(&*storage, token).await) });
        }
    }
}

/// Proves that the lease of this token is still held, and tells by whom and for what.
///
/// # Errors
/// [`StoreError::Fenced`] when it is not.
pub(crate) async fn prove(storage: &dyn Storage, token: u64) -> Result<LeaseBody, StoreError> {
    held(storage, token).await.map(|(lease, _)| lease)
}

/// Ends the lease of this token, whoever holds it.
///
/// # Errors
/// [`StoreError::Fenced`] when nobody does.
pub(crate) async fn end(storage: &dyn Storage, token: u64) -> Result<(), StoreError> {
    change(storage, token, |_| None).await?;
    storage.lease_ended().await.map_err(documents::refused)
}

/// Who holds the lease.
///
/// # Errors
/// When the lock cannot be read.
pub(crate) async fn holder(storage: &dyn Storage, now_ms: i64) -> Result<Option<Holder>, StoreError> {
    let lock = read(storage).await?.map(|found| found.body);
    Ok(lock.and_then(|lock| {
        let lease = lock.lease?;
        Some(Holder {
            is_dead: is_dead(&lease, now_ms),
            holder: lease.holder,
            process: lease.process.pid,
            operation: lease.operation,
            since: lease.since,
            heartbeat_age_ms: u64::try_from(now_ms.saturating_sub(lease.heartbeat_ms)).unwrap_or(0),
            token: lock.token,
        })
    }))
}

/// A time as RFC 3339 has it.
pub(crate) fn rfc3339(at_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(timestamp) => timestamp.to_string(),
        Err(_) => format!("{at_ms} ms after 1970"),
    }
}

async fn acquire(storage: &dyn Storage, operation: &str, now_ms: i64) -> Result<u64, StoreError> {
    let id = random_name()?;
    for _ in 0..ATTEMPTS_MAX {
        let (lock, condition) = match read(storage).await? {
            Some(Found { body, version }) => (body, Condition::Unchanged(version)),
            None => (LockBody::default(), Condition::Absent),
        };
        if let Some(lease) = lock.lease.filter(|lease| !is_dead(lease, now_ms)) {
            let holder = format!("{} (process {})", lease.holder, lease.process.pid);
            return Err(StoreError::Locked { holder, operation: lease.operation, since: lease.since });
        }
        // Not below the time, so that tokens go up even if someone has removed the lock.
        let token = lock.token.saturating_add(1).max(u64::try_from(now_ms).unwrap_or(0));
        let lease = LeaseBody {
            id: id.clone(),
            holder: process::holder().to_owned(),
            process: Process::current().clone(),
            operation: operation.to_owned(),
            since: rfc3339(now_ms),
            heartbeat_ms: now_ms,
        };
        if write(storage, &LockBody { token, lease: Some(lease) }, condition).await? {
            return Ok(token);
        }
    }
    Err(contended(storage, LOCK))
}

fn is_dead(lease: &LeaseBody, now_ms: i64) -> bool {
    lease.process.is_gone() || now_ms.saturating_sub(lease.heartbeat_ms) > EXPIRY_MS
}

async fn keep_alive(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, token: u64) {
    loop {
        clock.sleep_ms(HEARTBEAT_MS).await;
        let heartbeat_ms = clock.now_ms();
        let beat = change(&*storage, token, |lease| Some(LeaseBody { heartbeat_ms, ..lease }));
        // Any other failure may pass: the lease lives on until it expires.
        if let Err(StoreError::Fenced) = beat.await {
            return;
        }
    }
}

/// Changes the lease of this token, once more whenever something comes between.
async fn change(
    storage: &dyn Storage,
    token: u64,
    change: impl Fn(LeaseBody) -> Option<LeaseBody>,
) -> Result<(), StoreError> {
    for _ in 0..ATTEMPTS_MAX {
        let (lease, condition) = held(storage, token).await?;
        if write(storage, &LockBody { token, lease: change(lease) }, condition).await? {
            return Ok(());
        }
    }
    Err(contended(storage, LOCK))
}

async fn held(storage: &dyn Storage, token: u64) -> Result<(LeaseBody, Condition), StoreError> {
    let Some(Found { body, version }) = read(storage).await? else { return Err(StoreError::Fenced) };
    let lease = body.lease.filter(|_| body.token == token).ok_or(StoreError::Fenced)?;
    Ok((lease, Condition::Unchanged(version)))
}

async fn read(storage: &dyn Storage) -> Result<Option<Found<LockBody>>, StoreError> {
    documents::read(storage, LOCK, &upgrade::LOCK).await
}

/// Whether it was written.
async fn write(storage: &dyn Storage, body: &LockBody, condition: Condition) -> Result<bool, StoreError> {
    let version = documents::write(storage, LOCK, &upgrade::LOCK, body, condition).await?;
    Ok(version.is_some())
}
