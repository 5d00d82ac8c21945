//! The program that changes what a shell can look at: it proves the precondition first, and looks again after.

use super::{Program, assign, program, quote};

/// One thing to look at by a command of a library.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// The number of its records.
    pub(crate) index: usize,
    /// Shell functions.
    pub(crate) library: &'static str,
    /// The command, without the number.
    pub(crate) words: Vec<String>,
}

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Deed<'a> {
    /// Shell functions.
    pub(crate) library: &'static str,
    /// The command that looks.
    pub(crate) sight: Vec<String>,
    /// The hash of what has to be there, or `absent`; `None` for whatever it is.
    pub(crate) version: Option<&'a str>,
    /// What is to be done.
    pub(crate) commands: &'a str,
}

impl Sight {
    /// The line that looks.
    pub(super) fn line(&self) -> String {
        line(&self.words, &self.index.to_string())
    }
}

/// The program that makes a change.
pub(crate) fn deed(nonce: &str, deed: &Deed<'_>) -> Program {
    let body = format!(
        "{}{}see() {{\n{}}}\nact() {{\n:\n{}}}\n{}",
        deed.library,
        assign("version", deed.version.unwrap_or_default()),
        line(&deed.sight, "\"$1\""),
        deed.commands,
        include_str!("native.sh"),
    );
    program(nonce, &body)
}

/// A program of a library's functions and these commands.
pub(crate) fn with_library(nonce: &str, library: &str, commands: &str) -> Program {
    program(nonce, &format!("{library}{commands}"))
}

/// The first word is a function's name, the second one the number, and what follows are quoted words.
fn line(words: &[String], index: &str) -> String {
    let mut words = words.iter();
    let name = words.next().map(String::as_str).unwrap_or_default();
    let arguments: String = words.map(|word| format!(" {}", quote(word))).collect();
    format!("{name} {index}{arguments}\n")
}
