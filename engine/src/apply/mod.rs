//! Applying a plan: schedule, journal, fold.

mod event;

pub use self::event::*;
