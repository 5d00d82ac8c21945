//! The lock file: who holds the lease, and the token that goes up with every lease, even when nobody does.

use serde::{Deserialize, Serialize};

use crate::process::Process;

/// The lock's image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockBody {
    /// The token of the newest lease, held or not.
    pub(crate) token: u64,
    /// The lease that is held.
    pub(crate) lease: Option<LeaseBody>,
}

/// A held lease's image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaseBody {
    /// A random name, by which whoever wrote it knows it again.
    #[serde(default)]
    pub(crate) id: String,
    /// Who: user and machine.
    pub(crate) holder: String,
    /// The holder's process.
    pub(crate) process: Process,
    /// For what.
    pub(crate) operation: String,
    /// Since when, RFC 3339.
    pub(crate) since: String,
    /// The last sign of life, in milliseconds since the epoch.
    pub(crate) heartbeat_ms: i64,
}
