//! Whatever an interruption has left of a journal has a meaning: each prefix of it, to the byte, is read and folded.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use meshform_engine::ports::StateStore as _;
use meshform_state::{Condition, MemoryStorage, Storage, StorageError, Store};

use crate::executor::Time;
use crate::random::Random;

/// How many prefixes of a journal are tried.
const TRIES: u64 = 4;

/// What a future comes to that never waits.
///
/// # Errors
/// When it does.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err("something waits that never should".to_owned()),
    }
}

/// Cuts each journal in a storage off in some places: what is left is a state.
pub(crate) fn every_prefix_folds(storage: &dyn Storage, random: &mut Random) -> Result<(), String> {
    for log in at_once(storage.logs("journal/"))?.map_err(told)? {
        let content = at_once(storage.read_log(&log))?.map_err(told)?;
        for _ in 0..TRIES {
            let length = usize::try_from(random.below(content.len() as u64 + 1)).unwrap_or(0);
            let cut: Arc<dyn Storage> = at_once(copy(storage, &log, &content[..length]))?.map_err(told)?;
            let loaded = at_once(Store::over(cut, Arc::new(Time::new())).load())?;
            loaded.map_err(|error| {
                format!("of {} bytes of {log} only {length} are left: {error}", content.len())
            })?;
        }
    }
    Ok(())
}

/// The same storage, with other content of one log.
async fn copy(storage: &dyn Storage, cut: &str, left: &[u8]) -> Result<Arc<MemoryStorage>, StorageError> {
    let copied = MemoryStorage::new();
    let logs = storage.logs("").await?;
    for log in &logs {
        let content = if log == cut { left.to_vec() } else { storage.read_log(log).await? };
        if !content.is_empty() {
            copied.append(log, 0, &content).await?;
        }
    }
    for name in storage.list("").await? {
        let is_chunk = logs.iter().any(|log| name.starts_with(&format!("{log}/")));
        if let Some(blob) = storage.read(&name).await?.filter(|_| !is_chunk) {
            copied.write(&name, &blob.content, Condition::Absent).await?;
        }
    }
    Ok(Arc::new(copied))
}

fn told(error: StorageError) -> String {
    format!("failed to {error}")
}
