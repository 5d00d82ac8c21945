//! Lines typed at a terminal, with a cursor that moves and a history that lasts as long as the program.
//!
//! ```text
//! bytes ─ keys ─► Key ─ line ─► Line, History ─► what to draw
//! ```
//!
//! Small on purpose: no crate for it fits into what the build may cost. The terminal is in raw mode only while a line is being typed.

mod keys;
mod line;

use std::io::{self, Read as _};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use self::keys::{Key, next_key};
use self::line::{History, Line};
use crate::terminal;

/// What came of asking for a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A line, without its end.
    Line(String),
    /// ^C: the line is thrown away.
    Interrupted,
    /// ^D, or the end of the input.
    End,
}

/// Reads lines.
pub(crate) struct LineEditor {
    /// Whether the terminal cannot redraw: then it edits the lines itself.
    is_plain: bool,
    history: History,
}

impl LineEditor {
    pub(crate) fn new(is_plain: bool) -> Self {
        Self { is_plain, history: History::default() }
    }

    /// Asks for one line.
    ///
    /// # Errors
    /// When the terminal cannot be read or written.
    pub(crate) fn read(&mut self, prompt: &str) -> io::Result<Entry> {
        if self.is_plain {
            return Ok(terminal::ask(prompt)?.map_or(Entry::End, Entry::Line));
        }
        let raw = RawMode::enter()?;
        let entry = self.edit(prompt)?;
        drop(raw);
        terminal::print_raw(b"\n")?;
        if let Entry::Line(line) = &entry {
            self.history.add(line);
        }
        Ok(entry)
    }

    fn edit(&mut self, prompt: &str) -> io::Result<Entry> {
        let mut bytes = io::stdin().lock().bytes();
        let mut line = Line::default();
        loop {
            let (columns, _) = terminal::size();
            terminal::print_raw(line.drawn(prompt, columns).as_bytes())?;
            let Some(key) = next_key(&mut bytes)? else { return Ok(Entry::End) };
            match key {
                Key::Enter => return Ok(Entry::Line(line.text())),
                Key::Interrupt => return Ok(Entry::Interrupted),
                Key::EndOrDelete if line.is_empty() => return Ok(Entry::End),
                Key::Up => self.history.back(&mut line),
                Key::Down => self.history.forth(&mut line),
                key => line.press(key),
            }
        }
    }
}

/// The terminal gives every key at once and unchanged, until this is dropped.
struct RawMode {
    before: Termios,
}

impl RawMode {
    fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Drain, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // Whoever reads the terminal next will notice if it has gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}
