//! The language, shown by tables: an expression, and what comes out of it.
//!
//! `UPDATE=1 cargo test -p meshform-engine --test language` writes what comes out now into the tables; the difference is for a person to
//! judge. Where there is a `terraform`, all of it is compared with what Terraform says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read tables, measure time and run terraform; the engine does not"
)]

mod cases;
mod constraints;
mod limits;
mod references;
mod tables;
mod terraform;
mod types;
mod world;
