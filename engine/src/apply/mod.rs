//! `Plan` → `Schedule` → { journal the intent → prove and perform → journal the outcome } → fold → `Snapshot`.
//!
//! Apply never plans: it does what the plan says, or refuses. The journal is the only truth about what it did.

mod agree;
mod event;
mod fold;
mod look_up;
mod moved;
mod refresh;
mod run;
mod schedule;
mod session;
mod step;
mod values;

pub use self::event::*;
pub(crate) use self::fold::Fold;
pub use self::fold::{FoldError, fold};
pub use self::moved::MovedField;
pub(crate) use self::session::known_instances;
pub use self::session::{Applied, FailedStep, apply};
pub(crate) use self::values::Values;
