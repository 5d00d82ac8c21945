//! Turns the parser's errors into diagnostics that say what to do.

use hcl_edit::parser::Error;

use crate::diagnostic::{Diagnostic, SourceId, Span};

const SUMMARY: &str = "Invalid syntax";

/// The diagnostic for a parse error.
pub(super) fn explain(source: SourceId, text: &str, error: &Error) -> Diagnostic {
    let offset = place(text, error);
    let range = offset..offset + token(text, offset).len();
    Diagnostic::error(SUMMARY, detail(text, offset, error.message())).at(Span { source, range })
}

/// Where the error is: the parser reports the last byte of the text when it ran out of it.
fn place(text: &str, error: &Error) -> usize {
    let mut offset = error.location().offset().min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// What to underline: a word, or one character, never the end of a line.
fn token(text: &str, offset: usize) -> &str {
    let rest = text.get(offset..).unwrap_or_default();
    let word = rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(rest.len());
    let width = match word {
        0 => rest.chars().next().filter(|first| *first != '\n').map_or(0, char::len_utf8),
        length => length,
    };
    &rest[..width]
}

fn detail(text: &str, offset: usize, message: &str) -> String {
    let found = token(text, offset);
    let before = text.get(..offset).unwrap_or_default().trim_end();
    if message.contains("redefined attribute") {
        return format!("The argument {found:?} is already set in this block. Each may be set once.");
    }
    if message.contains("redefined object key") {
        return format!("The key {found:?} is already set in this object. Each may be set once.");
    }
    if message.contains("nested levels") || message.contains("chained binary operators") {
        return "This is nested too deeply. Move a part of it into a local value.".into();
    }
    if message.contains("heredoc end delimiter") {
        return "The heredoc that starts above has no end: its marker must stand on a line of its own."
            .into();
    }
    if let Some(hint) = hint(text, offset, before) {
        return hint;
    }
    let expected = message.rsplit_once("expected ").map_or("something else", |(_, expected)| expected);
    let found = match found {
        "" if offset >= text.trim_end().len() => "the end of the file".to_owned(),
        "" => "the end of the line".to_owned(),
        found => format!("{found:?}"),
    };
    let expected = match expected.len() {
        0..=60 => format!("expected {}", readable(expected)),
        // The parser lists every character with which an expression may start.
        _ => "expected a value: a string, a number, a list, an object, a reference or a function call".into(),
    };
    format!("Found {found}, {expected}.")
}

fn readable(expected: &str) -> String {
    expected
        .replace("`\n`", "a new line")
        .replace("newline", "a new line")
        .replace("eof", "the end of the file")
}

/// Mistakes that deserve a sentence of their own.
fn hint(text: &str, offset: usize, before: &str) -> Option<String> {
    let rest = text.get(offset..).unwrap_or_default();
    let line = text.get(..offset).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    if rest.starts_with('\'') {
        return Some("Strings take double quotes: \"…\".".into());
    }
    if line.matches('"').count() % 2 == 1 && (rest.is_empty() || rest.starts_with('\n')) {
        return Some("This string is not closed: add \" at its end.".into());
    }
    if rest.starts_with("and ") || rest.starts_with("or ") {
        return Some("The logical operators are written && and ||.".into());
    }
    if rest.trim().is_empty() && unclosed(before) {
        return Some("The text ends inside a block, list or call: a closing bracket is missing.".into());
    }
    if rest.starts_with(':') && is_word(line.trim()) {
        return Some("Arguments are set with =, not with a colon.".into());
    }
    None
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
}

fn unclosed(text: &str) -> bool {
    let count = |letters: [char; 3]| text.matches(letters).count();
    count(['{', '[', '(']) > count(['}', ']', ')'])
}
