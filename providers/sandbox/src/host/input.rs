//! What a client has sent to a process that hasn't read it yet.
//!
//! The connection reads all channels from one stream, and the SSH library opens a channel's window again before we
//! know whether its data is wanted. If we made the connection wait for one process, the others would starve, and a
//! process that writes while its client still sends would wait for ever: what lets it go on stands in the same
//! stream. So nothing ever waits: what is more than a little is kept in a file without a name.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Bytes of one channel that are kept in memory.
const MEMORY_BYTES_MAX: usize = 4 << 20;
const CHUNK_BYTES: usize = 256 << 10;

/// The connection's end. Dropping it is the end of input.
pub(super) struct InputSender {
    shared: Arc<Shared>,
}

/// The process's end. Dropping it throws away what is left and what else may come.
pub(super) struct InputReceiver {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Notify,
}

/// What is in `memory` comes before what is in `spool`.
#[derive(Default)]
struct Queue {
    memory: VecDeque<Vec<u8>>,
    memory_bytes: usize,
    spool: Option<Spool>,
    failure: Option<io::Error>,
    ended: bool,
    abandoned: bool,
}

/// A file, read at one place and written at another.
struct Spool {
    file: File,
    read: u64,
    written: u64,
}

pub(super) fn channel() -> (InputSender, InputReceiver) {
    let shared = Arc::new(Shared::default());
    (InputSender { shared: Arc::clone(&shared) }, InputReceiver { shared })
}

impl InputSender {
    /// Queues `data`. If there's no room for it, the receiver hears of it.
    pub(super) fn send(&self, data: &[u8]) {
        let mut queue = self.shared.lock();
        if let Err(error) = queue.push(data) {
            queue.failure = Some(error);
            queue.abandoned = true;
        }
        drop(queue);
        self.shared.changed.notify_one();
    }
}

impl InputReceiver {
    /// The next piece, or nothing at the end of input.
    ///
    /// # Errors
    ///
    /// When the input couldn't be kept: what came before was received, and there's a gap now.
    pub(super) async fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            {
                let mut queue = self.shared.lock();
                if let Some(data) = queue.pop()? {
                    return Ok(Some(data));
                }
                if let Some(failure) = queue.failure.take() {
                    return Err(failure);
                }
                if queue.ended {
                    return Ok(None);
                }
            }
            self.shared.changed.notified().await;
        }
    }
}

impl Drop for InputSender {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_one();
    }
}

impl Drop for InputReceiver {
    fn drop(&mut self) {
        *self.shared.lock() = Queue { abandoned: true, ..Queue::default() };
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, data: &[u8]) -> io::Result<()> {
        if self.abandoned || data.is_empty() {
            return Ok(());
        }
        if self.spool.is_none() && self.memory_bytes + data.len() <= MEMORY_BYTES_MAX {
            self.memory_bytes += data.len();
            self.memory.push_back(data.to_vec());
            return Ok(());
        }
        let spool = match &mut self.spool {
            Some(spool) => spool,
            none => none.insert(Spool { file: tempfile::tempfile()?, read: 0, written: 0 }),
        };
        spool.file.write_all_at(data, spool.written)?;
        spool.written += data.len() as u64;
        Ok(())
    }

    fn pop(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(data) = self.memory.pop_front() {
            self.memory_bytes -= data.len();
            return Ok(Some(data));
        }
        let Some(spool) = &mut self.spool else { return Ok(None) };
        let length = usize::try_from(spool.written - spool.read).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        let mut data = vec![0; length];
        spool.file.read_exact_at(&mut data, spool.read)?;
        spool.read += length as u64;
        if spool.read == spool.written {
            self.spool = None;
        }
        Ok(Some(data).filter(|data| !data.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_arrives_in_order_however_much_it_is() {
        let check = async |pieces: usize, length: usize, read_between: usize| {
            let (sender, mut receiver) = channel();
            let (mut sent, mut received) = (Vec::new(), Vec::new());
            for piece in 0..pieces {
                let data: Vec<u8> = (0..length).map(|index| ((index * 7 + piece) % 251) as u8).collect();
                sender.send(&data);
                sent.extend(data);
                if read_between > 0 && piece % read_between == 0 {
                    received.extend(receiver.receive().await.unwrap().unwrap());
                }
            }
            drop(sender);
            while let Some(data) = receiver.receive().await.unwrap() {
                received.extend(data);
            }
            assert!(sent == received, "{pieces} pieces of {length}");
        };
        check(0, 0, 0).await;
        check(3, 10, 0).await;
        check(400, 30_000, 0).await;
        check(400, 30_000, 2).await;
        check(400, 30_000, 1).await;
    }

    #[tokio::test]
    async fn what_nobody_wants_is_not_kept() {
        let (sender, receiver) = channel();
        drop(receiver);
        sender.send(&vec![0; MEMORY_BYTES_MAX + 1]);
        assert!(sender.shared.lock().spool.is_none());
        assert_eq!(sender.shared.lock().memory_bytes, 0);
    }
}
