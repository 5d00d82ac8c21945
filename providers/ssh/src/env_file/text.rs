//! Environment files as systemd and pam_env read them.

use std::collections::BTreeMap;

/// Who reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// systemd's `EnvironmentFile=` (systemd.exec(5)), and any shell that sources it.
    Systemd,
    /// pam_env(8), which reads /etc/environment: a line for each, no escapes.
    Environment,
}

impl Format {
    /// Their names in HCL.
    pub(super) const NAMES: [&'static str; 2] = ["systemd", "environment"];

    pub(super) fn named(name: &str) -> Self {
        if name == "environment" { Self::Environment } else { Self::Systemd }
    }

    /// What such a file cannot hold, in a sentence.
    pub(super) fn limits(self) -> &'static str {
        match self {
            Self::Systemd => "It holds a NUL byte, which no environment variable can.",
            Self::Environment => {
                "pam_env takes no line feed, NUL byte or \"#\" in a value of /etc/environment, whatever quotes it stands in, and no empty one."
            }
        }
    }

    /// A value as it is written, if it can be.
    pub(super) fn quoted(self, value: &str) -> Option<String> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:,@%+=".contains(letter);
        let refused: &[char] = match self {
            Self::Systemd => &['\0'],
            Self::Environment => &['\0', '\n', '\r', '#'],
        };
        if value.contains(refused) || (self == Self::Environment && value.is_empty()) {
            return None;
        }
        if value.chars().all(plain) {
            return Some(value.to_owned());
        }
        let mut quoted = String::with_capacity(value.len() + 2);
        quoted.push('"');
        for letter in value.chars() {
            if self == Self::Systemd && matches!(letter, '"' | '\\' | '$' | '`') {
                quoted.push('\\');
            }
            quoted.push(letter);
        }
        quoted.push('"');
        Some(quoted)
    }
}

/// The variables that a text sets.
pub(super) fn read(text: &str, format: Format) -> BTreeMap<String, String> {
    let entries = entries(text, format).into_iter();
    entries.filter_map(|entry| Some((entry.name?.to_owned(), entry.value))).collect()
}

/// The entry of a variable as it stands in the text, without the line feed after it; of several, the last one counts.
pub(super) fn raw<'a>(text: &'a str, format: Format, name: &str) -> Option<&'a str> {
    let mut entries = entries(text, format).into_iter().rev();
    entries.find(|entry| entry.name == Some(name)).map(|entry| entry.raw.trim_end_matches(['\n', '\r']))
}

/// The text with this variable set: the last entry that set it gives it another value, or there is one more. What reads the same stays as it
/// is written.
pub(super) fn set(text: &str, format: Format, name: &str, value: &str, quoted: &str) -> String {
    let entries = entries(text, format);
    match entries.iter().rev().find(|entry| entry.name == Some(name)) {
        Some(entry) if entry.value == value => text.to_owned(),
        Some(entry) => {
            let export = if entry.is_exported { "export " } else { "" };
            replace(text, format, name, Some(&format!("{export}{name}={quoted}")))
        }
        None => {
            let mut edited = text.to_owned();
            if !edited.is_empty() && !edited.ends_with('\n') {
                edited.push('\n');
            }
            edited + &format!("{name}={quoted}\n")
        }
    }
}

/// The text with another entry in the place of a variable's last one, or without all of its entries.
pub(super) fn replace(text: &str, format: Format, name: &str, entry: Option<&str>) -> String {
    let entries = entries(text, format);
    let last = entries.iter().rposition(|entry| entry.name == Some(name));
    let mut edited = String::with_capacity(text.len());
    for (position, there) in entries.iter().enumerate() {
        match entry {
            _ if there.name != Some(name) => edited.push_str(there.raw),
            Some(entry) if Some(position) == last => {
                edited.push_str(entry);
                edited.push('\n');
            }
            Some(_) => edited.push_str(there.raw),
            None => {}
        }
    }
    edited
}

/// A variable, or what stands between two of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry<'a> {
    raw: &'a str,
    name: Option<&'a str>,
    value: String,
    is_exported: bool,
}

fn entries(text: &str, format: Format) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (length, value) = match format {
            Format::Systemd => systemd(rest),
            Format::Environment => environment(rest),
        };
        let (raw, after) = rest.split_at_checked(length.max(1)).unwrap_or((rest, ""));
        entries.push(entry(raw, value));
        rest = after;
    }
    entries
}

fn entry(raw: &str, value: Option<String>) -> Entry<'_> {
    let name = raw.split_once('=').map(|(name, _)| name.trim());
    let (name, is_exported) = match name.and_then(|name| name.strip_prefix("export ")) {
        Some(exported) => (Some(exported.trim()), true),
        None => (name, false),
    };
    match (name.filter(|name| crate::check::is_variable(name)), value) {
        (Some(name), Some(value)) => Entry { raw, name: Some(name), value, is_exported },
        _ => Entry { raw, name: None, value: String::new(), is_exported: false },
    }
}

/// The length of the first line and the value that it sets.
fn environment(text: &str) -> (usize, Option<String>) {
    let line = text.split_inclusive('\n').next().unwrap_or(text);
    let written = line.trim_end_matches(['\n', '\r']);
    if written.trim_start().starts_with('#') {
        return (line.len(), None);
    }
    let value = written.split_once('=').map(|(_, value)| value.split('#').next().unwrap_or_default());
    let value = value.map(|value| match value.strip_prefix(['"', '\'']) {
        Some(inner) => inner.strip_suffix(['"', '\'']).unwrap_or(inner),
        None => value,
    });
    (line.len(), value.map(str::to_owned))
}

/// Where the reader is in a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Plain,
    Single,
    Double,
}

/// The length of the first entry, which may go over several lines, and the value that it sets.
fn systemd(text: &str) -> (usize, Option<String>) {
    let line = text.split_inclusive('\n').next().unwrap_or(text);
    if line.trim_start().starts_with(['#', ';']) {
        return (comment(text), None);
    }
    let Some(equals) = line.find('=') else { return (line.len(), None) };
    let mut value = String::new();
    let mut state = State::Start;
    // Blanks at the end of an unquoted value do not belong to it.
    let mut kept = 0;
    let mut letters = text.char_indices().skip_while(|(position, _)| *position <= equals).peekable();
    let mut end = text.len();
    while let Some((position, letter)) = letters.next() {
        match (state, letter) {
            (State::Start | State::Plain, '\n') => {
                end = position + 1;
                break;
            }
            (State::Start, '\'') => state = State::Single,
            (State::Start, '"') => state = State::Double,
            (State::Single, '\'') | (State::Double, '"') => (state, kept) = (State::Start, value.len()),
            (State::Start, letter) if letter.is_whitespace() => {}
            (State::Start | State::Plain, '\\') => {
                state = State::Plain;
                value.extend(letters.next().map(|(_, letter)| letter).filter(|letter| *letter != '\n'));
                kept = value.len();
            }
            (State::Double, '\\') => match letters.peek() {
                Some((_, '\n')) => _ = letters.next(),
                Some((_, escaped @ ('"' | '\\' | '$' | '`'))) => {
                    value.push(*escaped);
                    letters.next();
                }
                _ => value.push('\\'),
            },
            (State::Start | State::Plain, letter) => {
                state = State::Plain;
                value.push(letter);
                kept = if letter.is_whitespace() { kept } else { value.len() };
            }
            (State::Single | State::Double, letter) => value.push(letter),
        }
    }
    if !matches!(state, State::Single | State::Double) {
        value.truncate(kept);
    }
    (end, Some(value))
}

/// The length of a comment, which goes on where a line ends in a backslash.
fn comment(text: &str) -> usize {
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        length += line.len();
        if !line.trim_end_matches('\n').ends_with('\\') {
            break;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_their_readers_do() {
        let check = |format, text: &str, expect: &[(&str, &str)]| {
            let expect =
                expect.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(read(text, format), expect, "{text:?}");
        };
        let systemd = [
            ("A=1\nB=two words \n", &[("A", "1"), ("B", "two words")][..]),
            ("# A=1\n; B=2\n#c\\\nD=4\nE=5\n", &[("E", "5")]),
            ("A=\"x \\\"y\\\" \\$z \\q\"\nB='it\\n $x'\n", &[("A", "x \"y\" $z \\q"), ("B", "it\\n $x")]),
            ("A=\"one\ntwo\"\nB=3\n", &[("A", "one\ntwo"), ("B", "3")]),
            ("A=a\\\nb\nA=last", &[("A", "last")]),
            ("export A=1\n 1A=2\nnonsense\nA B=3\n\nC=\n", &[("A", "1"), ("C", "")]),
            ("A='open\nB=2", &[("A", "open\nB=2")]),
        ];
        systemd.iter().for_each(|(text, expect)| check(Format::Systemd, text, expect));
        check(
            Format::Environment,
            "A=1 2\nB=\"x \"y\"\"\n#C=1\nexport D='d' # more\nE=a\\b\r\n",
            &[("A", "1 2"), ("B", "x \"y\""), ("D", "'d' ".trim_start_matches('\'')), ("E", "a\\b")],
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        for value in [
            "",
            "a",
            "a b",
            "it's",
            "\"q\" $HOME `x` \\ \\n",
            "one\ntwo\n",
            " blanks ",
            "#no comment",
            "ü€\t",
            "'",
            "a#b",
        ] {
            for format in [Format::Systemd, Format::Environment] {
                let Some(quoted) = format.quoted(value) else {
                    assert_eq!(format, Format::Environment, "{value:?}");
                    continue;
                };
                let text = set("# first\nB=2", format, "A", value, &quoted);
                assert!(text.starts_with("# first\nB=2\n"));
                assert_eq!(read(&text, format).get("A").map(String::as_str), Some(value), "{text:?}");
                assert_eq!(set(&text, format, "A", value, &quoted), text);
                assert_eq!(replace(&text, format, "A", None), "# first\nB=2\n");
            }
        }
    }

    #[test]
    fn all_else_stays() {
        let check = |text: &str, expect: &str| {
            assert_eq!(set(text, Format::Systemd, "A", "1", "1"), expect, "{text:?}");
        };
        check("", "A=1\n");
        check("B=2 # ü\n\n", "B=2 # ü\n\nA=1\n");
        check("A=0\nB=\"x\ny\"\n", "A=1\nB=\"x\ny\"\n");
        check("export A=0\n", "export A=1\n");
        check("A='1'\n", "A='1'\n");
        check("A=3\nA=2\n#\n", "A=3\nA=1\n#\n");
    }
}
