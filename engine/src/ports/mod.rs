//! What the engine asks of the world. Everything with IO, time or chance stands behind one of these traits.

mod backend;
mod impact;
mod provider;
mod read;
mod sandbox;
mod store;

pub use self::backend::*;
pub use self::impact::{Impact, ImpactItem};
pub use self::provider::*;
pub use self::read::{Found, Look, Looked, ReadItem};
pub use self::sandbox::*;
pub use self::store::*;

/// A future on the heap, as trait objects need it.
pub type BoxFuture<'a, T> = futures::future::BoxFuture<'a, T>;

/// The time, injected so that a run can be simulated.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;
    /// Completes after so many milliseconds.
    fn sleep_ms(&self, duration_ms: u64) -> BoxFuture<'static, ()>;
}
