//! How long what may pass is borne.

use std::time::Duration;

use tokio::time::{Instant, sleep};

const ATTEMPTS_MAX: u32 = 5;
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// After that long nothing is tried again. Below it a lease that was alive at the beginning may still be.
const TRYING_MAX: Duration = Duration::from_secs(60);

/// Counts the attempts at one thing, and waits between them: ever longer, and never all for as long.
pub struct Patience {
    begun: Instant,
    attempts: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { begun: Instant::now(), attempts: 0 }
    }
}

impl Patience {
    /// Waits for the next attempt; false if there is to be none.
    pub async fn pause(&mut self) -> bool {
        self.attempts += 1;
        if self.attempts >= ATTEMPTS_MAX || self.begun.elapsed() > TRYING_MAX {
            return false;
        }
        sleep(pause(self.attempts, rand::random_range(0.5..1.0))).await;
        true
    }
}

fn pause(attempts: u32, share: f64) -> Duration {
    PAUSE_FIRST.saturating_mul(1 << (attempts - 1).min(16)).min(PAUSE_MAX).mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let check = |attempts: u32, expect: u64| {
            assert_eq!(pause(attempts, 1.0), Duration::from_millis(expect), "{attempts}");
        };
        check(1, 200);
        check(2, 400);
        check(5, 3200);
        check(6, 5000);
        check(u32::MAX, 5000);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends() {
        let mut patience = Patience::default();
        let mut attempts = 1;
        while patience.pause().await {
            attempts += 1;
        }
        assert_eq!(attempts, ATTEMPTS_MAX);
        let mut patience = Patience::default();
        tokio::time::advance(TRYING_MAX * 2).await;
        assert!(!patience.pause().await);
    }
}
