//! Structural schemas of custom resources, and the rules in them.
//!
//! Pure: it knows no API server and no clock. The sandbox's API server asks it, and the provider asks it of resources whose definition no
//! server has yet.

pub mod cel;
pub mod format;
pub mod name;
pub mod pattern;
pub mod quantity;
