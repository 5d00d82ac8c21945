//! What a run tells those who watch it.

use std::sync::atomic::{AtomicU8, Ordering};

use futures::task::AtomicWaker;

use crate::address::{Address, TargetAddress};
use crate::apply::MovedField;
use crate::plan::StepOperation;
use crate::ports::ProviderError;

/// Watches a run.
pub trait Observer: Send + Sync {
    /// Takes word of what happens. Must not block.
    fn event(&self, event: &Progress);
}

/// What happens in a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// A target is being connected to.
    Connecting {
        /// Which.
        target: TargetAddress,
    },
    /// So many instances of a target are being looked at.
    Observing {
        /// Which; `None` for those that live nowhere.
        target: Option<TargetAddress>,
        /// How many.
        count: usize,
    },
    /// A target is being asked what so many changes would do.
    Previewing {
        /// Which.
        target: Option<TargetAddress>,
        /// How many.
        count: usize,
    },
    /// An apply begins.
    ApplyStarted {
        /// How many steps it has.
        steps: usize,
    },
    /// A step begins.
    StepStarted {
        /// The instance.
        address: Address,
        /// What is done to it.
        operation: StepOperation,
    },
    /// A step says what it is doing or waiting for.
    StepReport {
        /// The instance.
        address: Address,
        /// In a few words.
        message: String,
    },
    /// A step came to its end.
    StepSucceeded {
        /// The instance.
        address: Address,
        /// What was done.
        operation: StepOperation,
        /// How long it took, in milliseconds.
        elapsed_ms: u64,
    },
    /// A step failed.
    StepFailed {
        /// The instance.
        address: Address,
        /// What was tried.
        operation: StepOperation,
        /// Why.
        error: ProviderError,
        /// What is not as reviewed any more, if that is why.
        moved: Vec<MovedField>,
        /// How long it took, in milliseconds.
        elapsed_ms: u64,
    },
    /// A step will not be run, because a step that it needs failed or the run is stopping.
    StepSkipped {
        /// The instance.
        address: Address,
        /// What would have been done.
        operation: StepOperation,
        /// The failed instance behind it; `None` when the run is stopping.
        because: Option<Address>,
    },
}

/// A request to stop an apply, shared between whoever hears the interrupt and the run.
#[derive(Debug, Default)]
pub struct Stop {
    level: AtomicU8,
    waker: AtomicWaker,
}

impl Stop {
    /// Asks once more: the first time no new step begins, the second time the running ones are abandoned.
    pub fn request(&self) {
        let _ = self.level.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |level| Some((level + 1).min(2)));
        self.waker.wake();
    }

    /// Whether no new step may begin.
    pub fn is_draining(&self) -> bool {
        self.level.load(Ordering::SeqCst) >= 1
    }

    /// Whether the running steps are to be abandoned.
    pub fn is_immediate(&self) -> bool {
        self.level.load(Ordering::SeqCst) >= 2
    }

    /// Completes when the level rises above `seen`. One waiter at a time.
    pub(crate) async fn raised_above(&self, seen: u8) -> u8 {
        std::future::poll_fn(|context| {
            self.waker.register(context.waker());
            match self.level.load(Ordering::SeqCst) {
                level if level > seen => std::task::Poll::Ready(level),
                _ => std::task::Poll::Pending,
            }
        })
        .await
    }
}
