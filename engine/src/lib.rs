//! The pure core of meshform. It knows no file, socket, clock, terminal or provider: all of these stand behind [`ports`].
//!
//! ```text
//! Sources ─ syntax ─► AST ─ config ─► Config ─┐
//!                            state store ─► Snapshot ─┤
//!                                                     ▼
//!                  ┌───────────────► plan::draft ─► Wants ──┐
//!                  │ (lower, lang)        │                 │ connect, look, preview
//!                  └──────── Sights ◄─────┼─────────────────┘
//!                                         ▼ nothing more is wanted
//!                                   plan::settle ─► Plan ─ apply ─► journal ─ fold ─► Snapshot
//! ```
//!
//! Modules in reading order: what there is to talk about, the language, the configuration, planning, applying, and the way in.

pub mod address;
pub mod diagnostic;
pub mod types;
pub mod value;

pub mod files;
pub mod format;
pub mod lang;
pub mod schema;
pub mod syntax;

mod condition;
pub mod config;
mod environment;
mod ephemeral;
pub mod inputs;
mod lower;
pub mod modules;
pub mod settings;
mod unroll;
mod unused;
mod validate;

pub mod dice;
pub mod ports;
pub mod state;

pub mod budget;
mod builtin;
pub mod plan;
pub mod policy;
mod secrets;

pub mod apply;
pub mod console;
pub mod graph;
pub mod observer;
pub mod pipeline;
pub mod rights;
pub mod testing;
