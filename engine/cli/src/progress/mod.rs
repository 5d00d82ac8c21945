//! What a run says while it runs.
//!
//! ```text
//! Progress ──▶ Board (a fold, pure) ──▶ lines that stay ──▶ standard error
//!                                  └──▶ a frame that is redrawn (on a terminal)
//! Progress ──▶ one JSON line each ──▶ standard output (-json)
//! ```

mod board;
mod display;
mod events;
mod frame;
mod watcher;
mod words;

pub(crate) use self::display::Display;
pub(crate) use self::events::EventStream;
pub(crate) use self::watcher::Watcher;
