//! What a change brings about besides what it changes.

use crate::address::Address;
use crate::value::Value;

/// A change whose consequences for other things are asked for.
#[derive(Clone, Debug)]
pub struct ImpactItem {
    /// The instance.
    pub address: Address,
    /// Its resource type.
    pub kind: String,
    /// What it is on the target.
    pub identity: String,
    /// Its attributes as they are there; `None` if nothing is.
    pub before: Option<Value>,
    /// Its attributes after apply, unknown where only apply tells; `None` if it goes.
    pub after: Option<Value>,
    /// Whether what is there is removed and made anew.
    pub replaced: bool,
}

/// The consequences of a change, each a sentence. Holds no secrets.
pub type Impact = Vec<String>;
