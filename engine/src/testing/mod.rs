//! `test`: a stack is planned and applied in worlds that stand in for the real one, and what comes of it is compared with what was expected.
//!
//! ```text
//! *.mftest.hcl ──decode──▶ TestFile ──▶ Session ── run by run ──▶ RunReport … ──▶ CleanUp
//!                             │            │ plan, apply
//!                             └─ Cast ─────┴──▶ stand_in: mocks in front of the providers
//! ```
//!
//! The runs of a file share one state and one world; no two files do. Neither the stack's own state nor its sandbox is ever touched: whoever
//! opens a [`Bench`] brings a store and providers that are used for one file only.

mod decode;
mod file;
mod findings;
mod names;
mod parts;
mod session;
mod stand_in;

pub use self::decode::decode;
pub use self::file::{Checked, Command, Double, Mock, Moment, Run, Targets, TestFile};
pub use self::findings::{Finding, RunReport, Status};
pub use self::session::{Bench, CleanUp, Session, Subject};
