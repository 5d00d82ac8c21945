//! What stands in for providers and their targets: things that are made up, in front of those that are not.
//!
//! ```text
//! engine ──▶ StandIn (Provider) ── made up? ──▶ a difference of its own: create, update in place, delete
//!              │ connect              └─ no ──▶ the provider
//!              ▼
//!            Stage (Target) ───── made up? ──▶ memory
//!                                     └─ no ──▶ the target: of the sandbox, or the real one
//! ```

mod cast;
mod made_up;
mod provider;
mod stage;

pub(super) use self::cast::{Cast, Made, Played};
pub(super) use self::provider::StandIn;
