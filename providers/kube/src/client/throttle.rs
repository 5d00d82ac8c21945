//! How many requests may be under way at once: as many as the server bears.
//!
//! The client speaks HTTP/1.1, so each is a connection. The limit is halved when the server says that it is too much (429), and grows by
//! one for every full round of requests that it bears.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

const START: usize = 32;
const MAX: usize = 64;
const MIN: usize = 1;
/// Refusals that arrive so soon after another are of the same burst.
const BURST: Duration = Duration::from_secs(1);

/// An adaptive limit.
#[derive(Debug)]
pub(super) struct Throttle {
    permits: Semaphore,
    limits: Mutex<Limits>,
}

#[derive(Debug)]
struct Limits {
    limit: usize,
    /// Permits that are still in use but must not come back.
    debt: usize,
    borne: usize,
    halved_at: Option<Instant>,
}

impl Throttle {
    pub(super) fn new() -> Self {
        let limits = Limits { limit: START, debt: 0, borne: 0, halved_at: None };
        Self { permits: Semaphore::new(START), limits: Mutex::new(limits) }
    }

    /// Waits for its turn. `None` never happens: the semaphore is not closed.
    pub(super) async fn enter(&self) -> Option<Permit<'_>> {
        let permit = self.permits.acquire().await.ok()?;
        Some(Permit { throttle: self, permit: Some(permit) })
    }

    /// The server bore a request.
    pub(super) fn borne(&self) {
        let mut limits = self.limits();
        limits.borne += 1;
        if limits.borne >= limits.limit && limits.limit < MAX {
            limits.borne = 0;
            limits.limit += 1;
            match limits.debt {
                0 => self.permits.add_permits(1),
                _ => limits.debt -= 1,
            }
        }
    }

    /// The server refused a request because there are too many.
    pub(super) fn overloaded(&self) {
        let mut limits = self.limits();
        if limits.halved_at.is_some_and(|at| at.elapsed() < BURST) {
            return;
        }
        let next = (limits.limit / 2).max(MIN);
        let surplus = limits.limit - next;
        limits.debt += surplus - self.permits.forget_permits(surplus);
        limits.limit = next;
        limits.borne = 0;
        limits.halved_at = Some(Instant::now());
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to have one request under way.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    throttle: &'a Throttle,
    permit: Option<SemaphorePermit<'a>>,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut limits = self.throttle.limits();
        if limits.debt > 0
            && let Some(permit) = self.permit.take()
        {
            limits.debt -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(throttle: &Throttle, expect: usize) {
        let mut held = Vec::new();
        while let Ok(permit) = tokio::time::timeout(Duration::from_millis(1), throttle.enter()).await {
            held.push(permit);
        }
        assert_eq!(held.len(), expect);
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_follows_what_the_server_bears() {
        let throttle = Throttle::new();
        check(&throttle, START).await;
        throttle.overloaded();
        throttle.overloaded();
        check(&throttle, START / 2).await;
        (0..START / 2).for_each(|_| throttle.borne());
        check(&throttle, START / 2 + 1).await;
        (0..100 * MAX).for_each(|_| throttle.borne());
        check(&throttle, MAX).await;
    }

    #[tokio::test(start_paused = true)]
    async fn permits_in_use_are_not_given_back() {
        let throttle = Throttle::new();
        let mut held = Vec::new();
        for _ in 0..START {
            held.push(throttle.enter().await);
        }
        throttle.overloaded();
        drop(held);
        check(&throttle, START / 2).await;
    }
}
