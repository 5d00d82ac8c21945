//! One process's dealings with the server: when the protocol's lock is taken, kept, broken and given back.
//!
//! It is kept while a lease is held; outside of that each change takes it for itself alone.
//! Before an answer is waited for, it is noted what may have been done: a future may be dropped at any point.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::document::{Change, Document, Kept};
use crate::lock::{LockInfo, is_long_ago, random_id};
use crate::patience::Patience;
use crate::server::{Server, Trouble, Update};

/// The blob that a lease is in; each workspace has its own.
const LEASE: &str = "lock";

/// How long a lock of someone else's is waited for: others hold it for moments, or for as long as a lease.
const LOCKED_MAX: Duration = Duration::from_secs(10);

/// What this process has done with the lock.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// The lock that is held, or may be.
    lock: Option<LockInfo>,
    /// Whether the server has said that it is.
    is_granted: bool,
    /// Whether it is kept for a lease.
    is_leased: bool,
    /// The blob of a lease that was written last.
    lease: String,
    /// Whether a document was sent under it of which nobody knows whether it has arrived, or will yet.
    is_unanswered: bool,
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Its condition does not hold.
    Conflict,
    /// Someone else has the protocol's lock.
    Locked(String),
    /// The server fails, and may not the next time.
    Passing(String),
    /// It stays so.
    Lasting(String),
}

impl From<Trouble> for Obstacle {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Passing(problem) => Self::Passing(problem),
            Trouble::Lasting(problem) => Self::Lasting(problem),
        }
    }
}

impl Session {
    /// Makes a change; returns the document's serial after it.
    pub(crate) async fn change(
        &mut self,
        server: &Server,
        change: &Change<'_>,
        now: impl Fn() -> Timestamp,
    ) -> Result<u64, Obstacle> {
        let write = random_id();
        let begun = Instant::now();
        let mut patience = Patience::default();
        loop {
            match self.attempt(server, change, &write, now()).await {
                Err(Obstacle::Passing(_)) if patience.pause().await => {}
                Err(Obstacle::Locked(_)) if begun.elapsed() < LOCKED_MAX => {
                    sleep(Duration::from_millis(rand::random_range(50..250))).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Gives the lock back unless it is kept for a lease. What fails here is done by the next change, or the lock is found abandoned.
    ///
    /// # Errors
    /// When the server does not take it back.
    pub(crate) async fn give_back(&mut self, server: &Server) -> Result<(), String> {
        let mut patience = Patience::default();
        loop {
            match self.unlock(server).await {
                Err(Trouble::Passing(_)) if patience.pause().await => {}
                Err(Trouble::Passing(problem) | Trouble::Lasting(problem)) => return Err(problem),
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Tries once to give the lock back, unless it is kept for a lease.
    pub(crate) async fn unlock(&mut self, server: &Server) -> Result<(), Trouble> {
        let Some(lock) = self.lock.as_ref().filter(|_| !self.is_leased) else { return Ok(()) };
        self.is_granted = false;
        server.unlock(lock).await?;
        self.forget();
        Ok(())
    }

    /// Keeps the lock, for the lease that was written last, and says so in the document.
    pub(crate) async fn keep(
        &mut self,
        server: &Server,
        now: impl Fn() -> Timestamp,
    ) -> Result<(), Obstacle> {
        self.is_leased = true;
        let kept = self.change(server, &Change::Keep, now).await.map(|_| ());
        self.is_leased &= kept.is_ok();
        kept
    }

    /// The lease that the lock was kept for has ended.
    pub(crate) fn end_lease(&mut self) {
        self.is_leased = false;
    }

    async fn attempt(
        &mut self,
        server: &Server,
        change: &Change<'_>,
        write: &str,
        now: Timestamp,
    ) -> Result<u64, Obstacle> {
        let lock = self.hold(server, change, now).await?;
        let mut document = server.get().await?;
        // An earlier attempt has arrived, but not its answer.
        if document.write == write {
            return Ok(document.serial);
        }
        if !document.apply(change).map_err(|_| Obstacle::Conflict)? {
            return Ok(document.serial);
        }
        write.clone_into(&mut document.write);
        document.at_ms = now.as_millisecond();
        if let Some(lease) = lease(change) {
            lease.clone_into(&mut self.lease);
        }
        if self.is_leased {
            document.kept = Kept { lock: lock.clone(), lease: self.lease.clone() };
        }
        self.send(server, &document, &lock).await?;
        Ok(document.serial)
    }

    async fn send(&mut self, server: &Server, document: &Document, lock: &str) -> Result<(), Obstacle> {
        self.is_unanswered = true;
        let update = server.update(document, lock).await;
        self.is_unanswered = matches!(update, Err(Trouble::Passing(_)));
        match update? {
            Update::Written => Ok(()),
            Update::NotOurs => {
                self.forget();
                Err(Obstacle::Locked("the server says that it was unlocked meanwhile".to_owned()))
            }
        }
    }

    /// Sees to it that we have the lock, and returns its identifier.
    async fn hold(
        &mut self,
        server: &Server,
        change: &Change<'_>,
        now: Timestamp,
    ) -> Result<String, Obstacle> {
        self.renounce(server).await?;
        let lock =
            self.lock.get_or_insert_with(|| LockInfo::new(meshform_state::holder().to_owned(), now)).clone();
        if self.is_granted {
            return Ok(lock.id);
        }
        match server.lock(&lock).await? {
            // An earlier attempt has arrived, but not its answer.
            Some(holder) if holder.id != lock.id => {
                self.forget();
                break_if_dead(server, &holder, change, now).await?;
                Err(Obstacle::Locked(holder.told()))
            }
            _ => {
                self.is_granted = true;
                Ok(lock.id)
            }
        }
    }

    /// Gives up a lock under which a document may still arrive: under the next one it is refused.
    async fn renounce(&mut self, server: &Server) -> Result<(), Obstacle> {
        if !self.is_unanswered {
            return Ok(());
        }
        if let Some(lock) = &self.lock {
            server.unlock(lock).await?;
        }
        let is_leased = self.is_leased;
        self.forget();
        self.is_leased = is_leased;
        Ok(())
    }

    fn forget(&mut self) {
        *self = Self { lease: std::mem::take(&mut self.lease), ..Self::default() };
    }
}

/// Breaks someone else's lock if its holder is dead. Of all who break a lock at once, one succeeds: for the others it has another identifier.
async fn break_if_dead(
    server: &Server,
    holder: &LockInfo,
    change: &Change<'_>,
    now: Timestamp,
) -> Result<(), Obstacle> {
    let document = server.get().await?;
    // What cannot be done anyway need not wait.
    document.clone().apply(change).map_err(|_| Obstacle::Conflict)?;
    if is_dead(holder, &document, change, now) {
        server.unlock(holder).await?;
    }
    Ok(())
}

/// Whether a lease is dead says the store, by writing over it: then the lock is that is kept for it. Otherwise its heartbeats would have
/// been written. Whoever was killed before it wrote anything is dead when its lock is old.
fn is_dead(holder: &LockInfo, document: &Document, change: &Change<'_>, now: Timestamp) -> bool {
    let kept = &document.kept;
    if holder.id.is_empty() || holder.id != kept.lock {
        return holder.is_abandoned(now);
    }
    lease(change) == Some(&kept.lease) || is_long_ago(document.at_ms, now)
}

/// The name of the blob of a lease that a change writes.
fn lease<'a>(change: &Change<'a>) -> Option<&'a str> {
    let Change::Write { name, .. } = change else { return None };
    (name.rsplit('/').next() == Some(LEASE)).then_some(name)
}
