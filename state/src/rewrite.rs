//! Writing all documents of a state anew, so that they are encrypted as they would be now.

use meshform_engine::ports::StoreError;

use crate::documents::{FINGERPRINT_KEY, STATE, refused};
use crate::history;
use crate::lease;
use crate::storage::{Condition, Storage};

/// Writes each document anew, with the content that it has. How many there are. The lock is never encrypted, and there are no journals once
/// they are settled.
///
/// # Errors
/// When the lease of this token is lost, or a document cannot be read or written: those before it are written anew.
pub(crate) async fn rewrite(storage: &dyn Storage, token: u64) -> Result<usize, StoreError> {
    let mut names = history::names(storage).await?;
    names.extend([FINGERPRINT_KEY, STATE].map(str::to_owned));
    let mut rewritten = 0;
    for name in names {
        let Some(blob) = storage.read(&name).await.map_err(refused)? else { continue };
        lease::prove(storage, token).await?;
        let condition = Condition::Unchanged(blob.version);
        storage.write(&name, &blob.content, condition).await.map_err(refused)?;
        rewritten += 1;
    }
    Ok(rewritten)
}
