//! Structured merge: who owns which field of an object, and what an apply changes.
//!
//! ```text
//! path → fieldset        what is owned: sets of paths, `fieldsV1` on the wire
//! typed                  an object's field set; is it of its type?
//! compare                what differs between two objects
//! combine                two objects put together
//! prune                  an object without (or with only) the fields of a set
//! apply                  server-side apply and plain updates over all of these
//! managers               `metadata.managedFields`
//! ```
//!
//! The rules are those of KEP-555 and of Kubernetes' structured-merge-diff: fields of a granular map are owned one by
//! one, items of a `set` or `map` list by their value or keys, atomic lists and maps as a whole. Knows no store and no clock.

mod apply;
mod combine;
mod compare;
mod fieldset;
mod form;
mod managers;
mod path;
mod prune;
mod typed;

pub(crate) use apply::{Conflict, Owners, Ownership, apply, update};
pub(crate) use fieldset::FieldSet;
pub(crate) use form::same;
pub(crate) use managers::{ManagerKey, Managers, Operation};
pub(crate) use path::{Path, PathElement};
pub(crate) use typed::validate;
