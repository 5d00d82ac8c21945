//! The pure core of meshform.
pub mod address;
pub mod apply;
pub mod diagnostic;
pub mod files;
pub mod lang;
pub mod observer;
pub mod plan;
pub mod ports;
pub mod schema;
pub mod state;
pub mod syntax;
pub mod types;
pub mod value;
