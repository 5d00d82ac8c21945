//! Standard output, error and input: the only place that prints results.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Sentences are wrapped at this width where no terminal tells its own.
const COLUMNS: usize = 100;
/// Sentences are no wider than this, however wide the terminal.
const COLUMNS_MAX: usize = 120;

/// Writes a result to standard output. That the reader has gone away is no error: it has seen enough.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes bytes to standard output as they are.
pub(crate) fn print_raw(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes to standard error. If that fails there is nowhere left to say so.
pub(crate) fn say(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Whether someone is there to be asked.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks, and gives the answer without the spaces around it; `None` at the end of the input.
pub(crate) fn ask(question: &str) -> io::Result<Option<String>> {
    say(question);
    let mut answer = String::new();
    let length = io::stdin().lock().read_line(&mut answer)?;
    Ok((length > 0).then(|| answer.trim().to_owned()))
}

/// The same for a secret: what is typed is not shown.
pub(crate) fn ask_hidden(question: &str) -> io::Result<Option<String>> {
    let before = tcgetattr(io::stdin())?;
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
    let answer = ask(question);
    tcsetattr(io::stdin(), OptionalActions::Drain, &before)?;
    say("\n");
    answer
}

/// Whether someone is there to type and to read the results.
pub(crate) fn can_converse() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Whether a person reads the results.
pub(crate) fn is_watched() -> bool {
    io::stdout().is_terminal()
}

/// Whether a person follows what goes on.
pub(crate) fn is_followed() -> bool {
    io::stderr().is_terminal()
}

/// How wide sentences may be.
pub(crate) fn columns() -> usize {
    match terminal_size::terminal_size_of(io::stderr()) {
        Some((width, _)) => usize::from(width.0).clamp(40, COLUMNS_MAX),
        None => COLUMNS,
    }
}

/// Columns and rows of the terminal at standard error.
pub(crate) fn size() -> (usize, usize) {
    terminal_size::terminal_size_of(io::stderr())
        .map_or((80, 24), |(width, height)| (usize::from(width.0).max(20), usize::from(height.0).max(4)))
}
