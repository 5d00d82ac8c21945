//! The programs that hosts run: pure text.
//!
//! A program is one shell function that is called on its last line, so a transfer that is cut off executes nothing. It reads nothing from
//! the standard input on which it arrived, but for a large content that follows it there. Values go in as quoted words or quoted
//! here-documents, never as arguments of a process.
//!
//! Its answer is framed by a nonce: what a login shell prints before it is not taken for an answer, and only the last record proves that
//! the answer is whole.

mod change;
mod confirm;
mod look;
mod native;
mod task;

pub(crate) use self::change::{Guard, Keep, Policy, Remove, Write, remove, sha256, write};
pub(crate) use self::confirm::{confirming, disarm};
pub(crate) use self::look::{FileLook, GuardLook, Looks, look};
pub(crate) use self::native::{Deed, Sight, deed, with_library};
pub(crate) use self::task::{Guards, Question, Revert, Setting, Task, task};

/// Content of up to so many bytes is fetched for a diff and kept for the way back.
pub(crate) const CONTENT_LIMIT: usize = 1024 * 1024;

/// One program, and the nonce that its answer has to bear.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// What `/bin/sh` reads.
    pub(crate) text: String,
    /// The nonce of its answer.
    pub(crate) nonce: String,
    /// What follows the text, for the program to read.
    pub(crate) payload: Vec<u8>,
}

impl Program {
    /// What the shell has to be given as its `-c` to run what comes by standard input, if that is more than the text: by itself, it reads
    /// ahead of what it runs. Byte by byte, `dd` reads just as much as it is told to.
    pub(crate) fn reader(&self) -> Option<String> {
        let read = || format!("eval \"$(dd bs=1 count={} 2>/dev/null)\"", self.text.len());
        (!self.payload.is_empty()).then(read)
    }
}

/// The program that tells what a host is: its machine id, who we are there, and whether it has what we need.
pub(crate) fn hello(nonce: &str) -> Program {
    program(nonce, include_str!("hello.sh"))
}

fn program(nonce: &str, body: &str) -> Program {
    let text = format!(
        "main() {{\n{}{}{}printf 'BEGIN\\t%s\\n' \"$nonce\"\n{body}finish\n}}\nmain </dev/null\n",
        assign("nonce", nonce),
        assign("content_limit", &CONTENT_LIMIT.to_string()),
        include_str!("prelude.sh"),
    );
    Program { text, nonce: nonce.to_owned(), payload: Vec::new() }
}

/// A line that sets a variable.
fn assign(name: &str, value: &str) -> String {
    format!("{name}={}\n", quote(value))
}

/// One word of the shell, whatever is in it (NUL bytes apart, which no shell can hold).
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod awkward;
#[cfg(test)]
mod tests;
