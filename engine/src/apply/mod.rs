//! Applying a plan: schedule, journal, fold.

mod event;
mod fold;

pub use self::event::*;
pub use self::fold::*;
