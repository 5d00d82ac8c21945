//! The writes: each is one synchronous step from a request to a committed object.
//!
//! ```text
//! create, replace, patch  → decode → default ┐
//! apply                   → typed merge → decode → default ┤→ admit (ownership, strategy, validation) → store
//! delete                  → preconditions, finalizers, dependents
//! ```

mod admit;
mod apply;
mod create;
mod decode;
mod delete;
mod evict;
mod patch;
mod request;
mod scale;
mod strategic;
mod update;

pub(crate) use admit::owners_of_new;
pub(crate) use decode::json_type;
pub(crate) use delete::{CLEANUP, DeleteOptions, FOREGROUND, ORPHAN};
pub(crate) use patch::Patch;
pub(crate) use request::{Outcome, Request, Validation};
pub(crate) use scale::scale_of;
