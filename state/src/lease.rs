//! The lock: a lease that its holder keeps alive, and that others take over when it no longer does.
//!
//! A lease is dead when its process is (seen at once on the same machine), or when its heartbeat is [`EXPIRY_MS`] old. Whoever takes
//! it over gets a higher token; the former holder, should it wake, is refused by [`prove`] before it writes anything.

use std::sync::Arc;

use meshform_engine::ports::{BoxFuture, Clock, Lease, StoreError};
use tokio::task::JoinHandle;

use crate::folder::{Folder, Guard, LOCK, blocking};
use crate::process::{self, Process};
use crate::upgrade;
use crate::wire::document::{self, Layout};
use crate::wire::lock::{LeaseBody, LockBody};

/// How often a lease shows that it is alive.
const HEARTBEAT_MS: u64 = 5_000;

/// After how long without a heartbeat it is dead.
const EXPIRY_MS: i64 = 30_000;

/// How often a waiting process looks whether the lease is free.
const RETRY_MS: u64 = 200;

/// A held lease. Dropped without being released, it is given back as well as that can be done.
pub(crate) struct LocalLease {
    folder: Arc<Folder>,
    token: u64,
    heartbeat: JoinHandle<()>,
    released: bool,
}

impl LocalLease {
    /// Takes the lease, waiting for at most so many milliseconds.
    ///
    /// # Errors
    /// When another holds it all that time.
    pub(crate) async fn take(
        folder: Arc<Folder>,
        clock: Arc<dyn Clock>,
        operation: &str,
        wait_ms: u64,
    ) -> Result<Self, StoreError> {
        let deadline_ms = clock.now_ms().saturating_add(i64::try_from(wait_ms).unwrap_or(i64::MAX));
        let token = loop {
            let (now_ms, operation, place) = (clock.now_ms(), operation.to_owned(), folder.clone());
            match blocking(move || acquire(&place, operation, now_ms)).await {
                Err(StoreError::Locked { .. }) if now_ms < deadline_ms => {
                    clock.sleep_ms(RETRY_MS.min(deadline_ms.abs_diff(now_ms))).await;
                }
                outcome => break outcome?,
            }
        };
        let heartbeat = tokio::spawn(keep_alive(folder.clone(), clock, token));
        Ok(Self { folder, token, heartbeat, released: false })
    }
}

impl Lease for LocalLease {
    fn token(&self) -> u64 {
        self.token
    }

    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        let mut lease = self;
        Box::pin(async move {
            lease.released = true;
            lease.heartbeat.abort();
            let (folder, token) = (lease.folder.clone(), lease.token);
            blocking(move || relinquish(&folder, token)).await
        })
    }
}

impl Drop for LocalLease {
    fn drop(&mut self) {
        self.heartbeat.abort();
        if !self.released {
            // Nobody is there to be told; what is left dies with the process, or expires.
            let _ = relinquish(&self.folder, self.token);
        }
    }
}

/// Proves that the lease of this token is still held.
///
/// # Errors
/// [`StoreError::Fenced`] when it is not.
pub(crate) fn prove(guard: &Guard<'_>, token: u64) -> Result<(), StoreError> {
    held(guard, token).map(|_| ())
}

fn acquire(folder: &Folder, operation: String, now_ms: i64) -> Result<u64, StoreError> {
    let guard = folder.guard()?;
    let lock = read(&guard)?;
    if let Some(lease) = lock.lease.filter(|lease| !is_dead(lease, now_ms)) {
        let holder = format!("{} (process {})", lease.holder, lease.process.pid);
        return Err(StoreError::Locked { holder, operation: lease.operation, since: lease.since });
    }
    // Not below the time, so that tokens go up even if someone has removed the lock file.
    let token = lock.token.saturating_add(1).max(u64::try_from(now_ms).unwrap_or(0));
    let lease = LeaseBody {
        holder: process::holder(),
        process: Process::current(),
        operation,
        since: rfc3339(now_ms),
        heartbeat_ms: now_ms,
    };
    write(&guard, &LockBody { token, lease: Some(lease) })?;
    Ok(token)
}

fn is_dead(lease: &LeaseBody, now_ms: i64) -> bool {
    lease.process.is_gone() || now_ms.saturating_sub(lease.heartbeat_ms) > EXPIRY_MS
}

async fn keep_alive(folder: Arc<Folder>, clock: Arc<dyn Clock>, token: u64) {
    loop {
        clock.sleep_ms(HEARTBEAT_MS).await;
        let (place, now_ms) = (folder.clone(), clock.now_ms());
        // Any other failure may pass: the lease lives on until it expires.
        if let Err(StoreError::Fenced) = blocking(move || beat(&place, token, now_ms)).await {
            return;
        }
    }
}

fn beat(folder: &Folder, token: u64, now_ms: i64) -> Result<(), StoreError> {
    let guard = folder.guard()?;
    let lease = LeaseBody { heartbeat_ms: now_ms, ..held(&guard, token)? };
    write(&guard, &LockBody { token, lease: Some(lease) })
}

fn relinquish(folder: &Folder, token: u64) -> Result<(), StoreError> {
    let guard = folder.guard()?;
    prove(&guard, token)?;
    write(&guard, &LockBody { token, lease: None })
}

fn held(guard: &Guard<'_>, token: u64) -> Result<LeaseBody, StoreError> {
    let lock = read(guard)?;
    lock.lease.filter(|_| lock.token == token).ok_or(StoreError::Fenced)
}

fn read(guard: &Guard<'_>) -> Result<LockBody, StoreError> {
    let Some(bytes) = guard.read(LOCK)? else { return Ok(LockBody::default()) };
    let document = document::open::<LockBody>(&upgrade::LOCK, &bytes);
    Ok(document.map_err(|problem| guard.invalid(LOCK, problem))?.body)
}

fn write(guard: &Guard<'_>, body: &LockBody) -> Result<(), StoreError> {
    let text = document::seal(&upgrade::LOCK, body, Layout::Pretty);
    guard.replace(LOCK, text.map_err(|problem| guard.invalid(LOCK, problem))?.as_bytes())
}

fn rfc3339(at_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(timestamp) => timestamp.to_string(),
        Err(_) => format!("{at_ms} ms after 1970"),
    }
}
