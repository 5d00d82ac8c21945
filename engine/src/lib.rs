//! The pure core of meshform.
pub mod address;
pub mod diagnostic;
pub mod types;
pub mod value;
