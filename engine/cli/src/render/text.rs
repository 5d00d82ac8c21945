//! Plain text for terminals: harmless, measured, wrapped.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

/// The text with every character that would steer a terminal, or hide what is there, written as an escape.
///
/// Line feeds and tabs stay.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if steers(letter) {
            // Writing to a string does not fail.
            let _ = write!(safe, "\\u{:04x}", u32::from(letter));
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

/// Control characters, and those that reorder or hide their neighbours.
pub(crate) fn steers(letter: char) -> bool {
    let invisible = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    invisible || (letter.is_control() && letter != '\n' && letter != '\t')
}

/// How many columns a styled text takes.
pub(crate) fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}

/// `count` with the noun in the right number.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// A span of time as people say it: `340ms`, `2.1s`, `1m 05s`, `2h 03m`.
pub(crate) fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 => format!("{milliseconds}ms"),
        1..60 => format!("{seconds}.{}s", milliseconds % 1000 / 100),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// Breaks sentences into lines of at most `columns`, at spaces. Line feeds, and the spaces that begin a line, stay.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    text.lines().flat_map(|line| wrap_line(line, columns)).collect()
}

fn wrap_line(line: &str, columns: usize) -> Vec<String> {
    // What fits is left as it is: it may be a table.
    if line.width() <= columns {
        return vec![line.to_owned()];
    }
    let indent = &line[..line.len() - line.trim_start().len()];
    let mut lines = Vec::new();
    let mut current = indent.to_owned();
    for word in line.split_whitespace() {
        let empty = current.len() == indent.len();
        if !empty && current.width() + 1 + word.width() > columns {
            lines.push(std::mem::replace(&mut current, indent.to_owned()));
        } else if !empty {
            current.push(' ');
        }
        current.push_str(word);
    }
    lines.push(current);
    lines
}

/// Every line with `spaces` in front; empty lines stay empty.
pub(crate) fn indented(lines: impl IntoIterator<Item = String>, spaces: usize) -> Vec<String> {
    let indent = " ".repeat(spaces);
    lines.into_iter().map(|line| if line.is_empty() { line } else { format!("{indent}{line}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        let check = |given, expect: &str| assert_eq!(harmless(given), expect);
        check("plain, ä, 漢\tand\nlines", "plain, ä, 漢\tand\nlines");
        check("\u{1b}[31mred\r", "\\u001b[31mred\\u000d");
        check("a\u{202e}b", "a\\u202eb");
    }

    #[test]
    fn durations_are_short() {
        let check = |given, expect: &str| assert_eq!(duration(given), expect);
        check(0, "0ms");
        check(999, "999ms");
        check(2_140, "2.1s");
        check(65_000, "1m 05s");
        check(7_380_000, "2h 03m");
    }

    #[test]
    fn lines_break_at_spaces_and_keep_their_indent() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("first\n  second third", 10), ["first", "  second", "  third"]);
        assert_eq!(wrap("unbreakable", 3), ["unbreakable"]);
        assert_eq!(wrap("a   table\na   wide table", 9), ["a   table", "a wide", "table"]);
    }

    #[test]
    fn styles_take_no_columns() {
        assert_eq!(width("\u{1b}[1mab\u{1b}[0m漢"), 4);
    }
}
