//! Turns the parser's errors into diagnostics that say what to do.

use std::ops::Range;

use hcl_edit::parser::{Error, parse_body};

use super::patch::patched;
use crate::diagnostic::{Diagnostic, SourceId, Span};

const SUMMARY: &str = "Invalid syntax";

/// The diagnostics of a file that does not parse. The parser stops at the first error; the block around it is blanked out, which
/// moves nothing, to find those in other blocks.
pub(super) fn explain_all(source: SourceId, text: &str, first: Error) -> Vec<Diagnostic> {
    const SHOWN_MAX: usize = 10;
    let mut found = vec![explain(source, text, &first)];
    let mut rest = text.to_owned();
    let mut error = first;
    while found.len() < SHOWN_MAX {
        let Some(block) = block_around(&rest, place(&rest, &error)) else { break };
        let blank: String =
            rest[block.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
        rest.replace_range(block, &blank);
        match patched(&rest, parse_body) {
            Ok(_) => break,
            Err(next) => error = next,
        }
        found.push(explain(source, text, &error));
    }
    found
}

/// The lines from a name at a line's start down to a bracket at a line's start, around an offset. `None` if the block has no such
/// end: then all that follows would be misread.
fn block_around(text: &str, offset: usize) -> Option<Range<usize>> {
    let line_start = |at: usize| text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let mut start = line_start(offset);
    while !text[start..].starts_with(|first: char| first.is_alphabetic() || first == '_') {
        start = line_start(start.checked_sub(1)?);
    }
    let lines = text[start..].split_inclusive('\n').scan(start, |at, line| {
        *at += line.len();
        Some((*at, line))
    });
    let mut after = lines.skip_while(|(end, _)| *end <= offset);
    let (end, _) = after.find(|(_, line)| line.starts_with('}'))?;
    Some(start..end)
}

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
    let expected = message.split_once("expected ").map_or("token", |(_, expected)| expected);
    let found = match found {
        "" if offset >= text.len() => "the end of the file".to_owned(),
        "" => "the end of the line".to_owned(),
        found => format!("{found:?}"),
    };
    let expected = match message {
        // The parser lists every character with which an expression may start.
        _ if message.starts_with("invalid expression") => {
            "expected a value: a string, a number, a list, an object, a reference or a function call".into()
        }
        _ if expected == "token" => "which does not belong here".into(),
        _ => format!("expected {}", readable(expected)),
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
