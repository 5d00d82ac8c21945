//! The pipeline from HCL text to a recorded apply, against a provider, a target and a store in memory.

mod crashes;
mod diagnostics;
mod plans;
mod world;
