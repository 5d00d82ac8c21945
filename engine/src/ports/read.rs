//! Looking things up: what a `data` block asks of its target or provider.

use super::{ObserveItem, Observed, ProviderError};
use crate::address::Address;
use crate::value::Value;

/// One thing to look up.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadItem {
    /// The instance of the `data` block.
    pub address: Address,
    /// Its data type.
    pub kind: String,
    /// The arguments that the user may give, with defaults, wholly known.
    pub arguments: Value,
}

/// What was found: all attributes by the data type's schema, arguments included, with what is secret in them marked.
pub type Found = Result<Value, ProviderError>;

/// The answers to one look at a target.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// What it holds: one for each item to observe, in order.
    pub observed: Vec<Result<Observed, ProviderError>>,
    /// What was looked up: one for each item to read, in order.
    pub found: Vec<Found>,
}

/// All that one look at a target asks for.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Instances.
    pub observe: &'a [ObserveItem],
    /// Look-ups.
    pub read: &'a [ReadItem],
}

/// The answers of who knows none of these data types.
pub(super) fn strangers(items: &[ReadItem]) -> Vec<Found> {
    let stranger = |item: &ReadItem| ProviderError {
        code: super::ErrorCode::Other,
        summary: "Unknown data type".to_owned(),
        detail: format!("{} is a {}, which cannot be looked up here.", item.address, item.kind),
        path: None,
    };
    items.iter().map(|item| Err(stranger(item))).collect()
}
