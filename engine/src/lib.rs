//! The pure core of meshform.
pub mod address;
pub mod apply;
pub mod diagnostic;
pub mod files;
pub mod observer;
pub mod plan;
pub mod ports;
pub mod schema;
pub mod state;
pub mod types;
pub mod value;
