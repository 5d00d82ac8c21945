//! Values, plans and diagnostics as text: pure functions, styled with ANSI sequences.
//!
//! Nothing here knows where the text goes: the terminal strips the styles where nobody would see them.

pub(crate) mod answer;
pub(crate) mod diagnostics;
pub(crate) mod fields;
pub(crate) mod graph;
pub(crate) mod hcl_text;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod measured;
pub(crate) mod moved;
pub(crate) mod outcome;
pub(crate) mod outputs;
pub(crate) mod plan;
pub(crate) mod policies;
pub(crate) mod sandbox;
pub(crate) mod state;
pub(crate) mod style;
pub(crate) mod test;
pub(crate) mod text;
pub(crate) mod text_diff;
pub(crate) mod unified;
pub(crate) mod yaml_text;
