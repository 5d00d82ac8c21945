//! Turns the parser's errors into diagnostics that say what to do.

use std::ops::Range;

use hcl_edit::parser::{Error, parse_body};

use super::patch::patched;
use super::unfinished::{self, Unfinished};
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

/// The diagnostic of an expression that does not parse. As the value of an attribute, it gets a better reason from the parser.
pub(super) fn explain_expression(source: SourceId, text: &str, error: &Error) -> Diagnostic {
    const BEFORE: &str = "x=";
    let attribute = format!("{BEFORE}{text}");
    let Err(error_as_value) = patched(&attribute, parse_body) else { return explain(source, text, error) };
    let mut diagnostic = explain(source, &attribute, &error_as_value);
    if diagnostic.span.as_ref().is_some_and(|span| span.range.start < BEFORE.len()) {
        return explain(source, text, error);
    }
    if let Some(span) = &mut diagnostic.span {
        let moved = |at: usize| at.saturating_sub(BEFORE.len());
        span.range = moved(span.range.start)..moved(span.range.end);
    }
    diagnostic
}

/// The diagnostic for a parse error.
pub(super) fn explain(source: SourceId, text: &str, error: &Error) -> Diagnostic {
    let offset = place(text, error);
    if let Some(problem) = open_text(source, text, offset) {
        return problem;
    }
    if let Some(unfinished) = unfinished_there(text, offset, error.message()) {
        let range = unfinished.at()..unfinished.at() + 1;
        return Diagnostic::error(SUMMARY, unfinished.detail()).at(Span { source, range });
    }
    let range = offset..offset + token(text, offset).len();
    Diagnostic::error(SUMMARY, detail(text, offset, error.message())).at(Span { source, range })
}

/// What the parser accepts before an offset, and HCL does not: a quoted string that does not end on its line, a heredoc whose end has
/// more on its line or that has none, an expression that goes on in the next line (behind a dot, or behind a bracket), a carriage return by itself.
pub(super) fn open_text(source: SourceId, text: &str, before: usize) -> Option<Diagnostic> {
    let is_text = |it: &Unfinished| {
        matches!(
            it,
            Unfinished::Quote(_)
                | Unfinished::Heredoc(_)
                | Unfinished::HeredocLine(_)
                | Unfinished::Dot(_)
                | Unfinished::Operator(_)
                | Unfinished::CarriageReturn(_)
        )
    };
    let open = unfinished::find(text).filter(|it| is_text(it) && it.at() < before)?;
    let range = open.at()..open.at() + 1;
    Some(Diagnostic::error(SUMMARY, open.detail()).at(Span { source, range }))
}

/// What is not closed in the statement that the parser gave up on, if that may be the reason.
fn unfinished_there(text: &str, offset: usize, message: &str) -> Option<Unfinished> {
    let gave_up = message == "unexpected token" || message.starts_with("invalid block body");
    let closing = ["expected `]`", "expected `)`", "expected `}`"].iter().any(|end| message.ends_with(end));
    if !(gave_up || closing || message.contains("or expression") || offset >= text.trim_end().len()) {
        return None;
    }
    let end = block_around(text, offset).map_or(text.len(), |block| block.end);
    let found = unfinished::find(text.get(..end)?)?;
    // A list with a comma missing is closed: then the parser knows better.
    let line_start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    (gave_up || offset >= text.trim_end().len() || found.at() < line_start || found.at() >= offset)
        .then_some(found)
}

/// Where the error is. When the parser ran out of text, it gives the offset of the last byte, but the column behind it.
fn place(text: &str, error: &Error) -> usize {
    let mut offset = error.location().offset().min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let line_start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let column = text[line_start..offset].chars().count() + 1;
    let last = text[offset..].chars().next().is_some_and(|last| offset + last.len_utf8() == text.len());
    if last && error.location().column() > column { text.len() } else { offset }
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
    if message.contains("redefined attribute") {
        let name = token(text, offset);
        return format!("The argument {name:?} is already set in this block. Each may be set once.");
    }
    if message.contains("redefined object key") {
        let name = token(text, offset);
        return format!("The key {name:?} is already set in this object. Each may be set once.");
    }
    if message.contains("nested levels") || message.contains("chained binary operators") {
        return "This is nested too deeply. Move a part of it into a local value.".into();
    }
    if message.contains("escape sequence") {
        return "There is no such escape. The escapes are \\n \\r \\t \\\" \\\\ \\uNNNN and \\UNNNNNNNN."
            .into();
    }
    if let Some(hint) = hint(text, offset, message) {
        return hint;
    }
    let expected = message.split_once("expected ").map_or("token", |(_, expected)| expected);
    let found = match token(text, offset) {
        "" if offset >= text.len() => "the end of the file".to_owned(),
        "" => "the end of the line".to_owned(),
        found => format!("{found:?}"),
    };
    match message {
        // The parser lists every character with which an expression may start.
        _ if message.starts_with("invalid expression") => format!(
            "Found {found}, expected a value: a string, a number, a list, an object, a reference or a function call."
        ),
        _ if expected == "token" => {
            "This cannot be read as an argument or a block. Is an operand, a quote or a bracket missing?"
                .into()
        }
        _ => format!("Found {found}, expected {}.", readable(expected)),
    }
}

fn readable(expected: &str) -> String {
    expected
        .replace("`\n`", "a new line")
        .replace("newline", "a new line")
        .replace("eof", "the end of the file")
}

/// Mistakes that deserve a sentence of their own.
fn hint(text: &str, offset: usize, message: &str) -> Option<String> {
    let rest = text.get(offset..).unwrap_or_default();
    let line = text.get(..offset).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    let says = |sentence: &str| Some(sentence.to_owned());
    match rest.chars().next()? {
        '\'' => says("Strings take double quotes: \"…\"."),
        '$' if rest.starts_with("${") => says("Outside of quotes a reference needs no ${ }."),
        'a' | 'o' if rest.starts_with("and ") || rest.starts_with("or ") => {
            says("The logical operators are written && and ||.")
        }
        ':' if is_word(line.trim()) => says("Arguments are set with =, not with a colon."),
        '"' if message == "unexpected token" => {
            says("The name of an argument or block is written without quotes.")
        }
        '}' if message == "unexpected token" => says("This } closes nothing."),
        ',' if message.contains("newline") => says("Arguments stand on lines of their own, without commas."),
        _ if message.ends_with("expected `]`") => says("Expected a comma or ]."),
        _ => None,
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
}
