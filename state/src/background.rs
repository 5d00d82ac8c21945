//! What goes on beside a run.

use meshform_engine::ports::BoxFuture;
use tokio::task::JoinHandle;

/// Starts what goes on beside a run: the heartbeat of its lease. Injected, so that in a simulated run chance decides when it gets its turn.
pub trait Background: Send + Sync {
    /// Starts a task, which ends when what is returned is dropped.
    fn start(&self, task: BoxFuture<'static, ()>) -> Box<dyn Send + Sync>;
}

/// The tokio runtime that the caller is in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Runtime;

impl Background for Runtime {
    fn start(&self, task: BoxFuture<'static, ()>) -> Box<dyn Send + Sync> {
        Box::new(Running(tokio::spawn(task)))
    }
}

struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
