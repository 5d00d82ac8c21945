//! What `uuid`, `bcrypt` and `timestamp` ask of a run.
//!
//! The dice need no source of their own: the state's secret key, the time and a counter give bytes that nobody can foretell, and in
//! a simulated run always the same.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use crate::lang::Impure;
use crate::ports::Clock;
use crate::value::{Fingerprinter, Value};

/// The time and the dice of one run.
pub struct Dice<'a> {
    clock: &'a dyn Clock,
    keyed: &'a dyn Fingerprinter,
    rolled: AtomicU64,
}

impl<'a> Dice<'a> {
    /// The dice of a run with this clock over a state with this key.
    pub fn new(clock: &'a dyn Clock, keyed: &'a dyn Fingerprinter) -> Self {
        Self { clock, keyed, rolled: AtomicU64::new(0) }
    }
}

impl Impure for Dice<'_> {
    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn random(&self) -> [u8; 16] {
        let count = self.rolled.fetch_add(1, Ordering::Relaxed);
        let roll = Value::list([Value::number(self.now_ms()), Value::number(count)]);
        let digest = Sha256::digest(self.keyed.fingerprint(&roll));
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest.iter()).for_each(|(byte, from)| *byte = *from);
        bytes
    }
}
