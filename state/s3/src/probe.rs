//! Whether a store honours conditions: one that ignores them would let two runs have one lease.

use meshform_state::{Condition, Version};
use object_store::path::Path;

use crate::bucket::{Bucket, Refusal};

/// The object that it is tried with. It stays, so that the next time one request shows the same.
pub(crate) const NAME: &str = "conditions.probe";

const CONTENT: &[u8] = b"Tells whether this store honours If-None-Match and If-Match.\n";

/// The tag of no object.
const NO_TAG: &str = "\"00000000000000000000000000000000\"";

/// Writes the object where it is already, and where it is not of that version: both must be refused.
///
/// # Errors
/// When one is not.
pub(crate) async fn prove(bucket: &Bucket, path: Path) -> Result<(), Refusal> {
    if bucket.create(&path, CONTENT).await? && bucket.create(&path, CONTENT).await? {
        return Err(ignored("If-None-Match"));
    }
    let other = Condition::Unchanged(Version(NO_TAG.to_owned()));
    match bucket.put(&path, CONTENT, &other).await {
        Err(Refusal::Conflict) => Ok(()),
        Ok(_) => Err(ignored("If-Match")),
        Err(refusal) => Err(refusal),
    }
}

fn ignored(condition: &str) -> Refusal {
    Refusal::Failed(format!(
        "the store ignores {condition}, so that nothing could be locked: it cannot hold a state"
    ))
}
