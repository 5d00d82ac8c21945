//! What a client sends to a process that hasn't read it yet.
//!
//! The connection reads all channels from one stream. If one process that doesn't read its input held that stream up,
//! the others would starve; and a process that writes while its client still sends would wait for a window that's
//! never opened. So input is queued, and only a queue this long holds the connection up.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

/// Bytes that one channel may have queued.
const QUEUED_BYTES_MAX: usize = 64 << 20;

/// The connection's end. Dropping it is the end of input.
pub(super) struct InputSender {
    queue: mpsc::UnboundedSender<Vec<u8>>,
    budget: Arc<Semaphore>,
}

/// The process's end. Dropping it lets the sender throw the rest away.
pub(super) struct InputReceiver {
    queue: mpsc::UnboundedReceiver<Vec<u8>>,
    budget: Arc<Semaphore>,
}

pub(super) fn channel() -> (InputSender, InputReceiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let budget = Arc::new(Semaphore::new(QUEUED_BYTES_MAX));
    (InputSender { queue: sender, budget: Arc::clone(&budget) }, InputReceiver { queue: receiver, budget })
}

impl InputSender {
    /// Queues `data`, waiting while the queue is full. Data for a process that stopped reading is dropped.
    pub(super) async fn send(&self, data: &[u8]) {
        let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
        if let Ok(permit) = self.budget.acquire_many(bytes).await {
            permit.forget();
            // The receiver may have gone since: then nobody wants the data.
            let _ = self.queue.send(data.to_vec());
        }
    }
}

impl InputReceiver {
    /// The next piece, or nothing at the end of input.
    pub(super) async fn receive(&mut self) -> Option<Vec<u8>> {
        let data = self.queue.recv().await?;
        self.budget.add_permits(data.len());
        Some(data)
    }
}

impl Drop for InputReceiver {
    fn drop(&mut self) {
        self.budget.close();
    }
}
