//! Finds what is opened and not closed: the parser gives up at the start of such a statement and cannot say why.

/// What is not closed, and where it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// A quote without another one on its line.
    Quote(usize),
    /// `<<MARKER` without the marker on a line of its own.
    Heredoc(usize),
    /// A bracket that is never closed.
    Bracket(usize, char),
    /// A bracket that closes nothing, or not what was opened last.
    Closing(usize, char),
    /// `/*` without `*/`.
    Comment(usize),
    /// `%{ if }` or `%{ for }` without its end in the same string.
    Directive(usize),
}

impl Unfinished {
    /// Where it is.
    pub(super) fn at(self) -> usize {
        match self {
            Self::Quote(at)
            | Self::Heredoc(at)
            | Self::Bracket(at, _)
            | Self::Closing(at, _)
            | Self::Comment(at)
            | Self::Directive(at) => at,
        }
    }

    /// What to say about it.
    pub(super) fn detail(self) -> String {
        match self {
            Self::Quote(_) => {
                "This string is not closed: add \" at its end. A string of several lines is a heredoc.".into()
            }
            Self::Heredoc(_) => "This heredoc has no end: its marker must stand on a line of its own.".into(),
            Self::Bracket(_, letter) => format!("This {letter} is not closed."),
            Self::Closing(_, letter) => format!("This {letter} does not close what was opened last."),
            Self::Comment(_) => "This comment is not closed: add */ at its end.".into(),
            Self::Directive(_) => {
                "This directive has no end: add %{ endif } or %{ endfor } before the string ends.".into()
            }
        }
    }
}

/// What the text is inside of.
enum Frame {
    Bracket(usize, char),
    /// A quoted string, and its directives that have not ended.
    Quote(usize, Vec<usize>),
}

/// The first thing in a text that is not closed.
pub(super) fn find(text: &str) -> Option<Unfinished> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        at += match frames.last_mut() {
            Some(Frame::Quote(start, directives)) => {
                let (start, unended) = (*start, directives.first().copied());
                match rest.as_bytes() {
                    [b'\n', ..] => return Some(Unfinished::Quote(start)),
                    [b'"', ..] if unended.is_some() => return unended.map(Unfinished::Directive),
                    [b'"', ..] => {
                        frames.pop();
                        1
                    }
                    [b'\\', _, ..] => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                    [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => 3,
                    [b'$' | b'%', b'{', ..] => {
                        note_directive(rest, at, directives);
                        frames.push(Frame::Bracket(at + 1, '{'));
                        2
                    }
                    _ => rest.chars().next().map_or(1, char::len_utf8),
                }
            }
            _ => match step(rest, at, &mut frames) {
                Ok(length) => length,
                Err(unfinished) => return Some(unfinished),
            },
        };
    }
    match frames.last()? {
        Frame::Bracket(at, letter) => Some(Unfinished::Bracket(*at, *letter)),
        Frame::Quote(at, _) => Some(Unfinished::Quote(*at)),
    }
}

/// One step outside of strings; gives its length.
fn step(rest: &str, at: usize, frames: &mut Vec<Frame>) -> Result<usize, Unfinished> {
    let line = || rest.find('\n').unwrap_or(rest.len());
    match rest.as_bytes() {
        [b'#', ..] | [b'/', b'/', ..] => Ok(line()),
        [b'/', b'*', ..] => rest.find("*/").map(|end| end + 2).ok_or(Unfinished::Comment(at)),
        [b'<', b'<', ..] => heredoc(rest).unwrap_or(Some(2)).ok_or(Unfinished::Heredoc(at)),
        [b'"', ..] => {
            frames.push(Frame::Quote(at, Vec::new()));
            Ok(1)
        }
        [open @ (b'{' | b'[' | b'('), ..] => {
            frames.push(Frame::Bracket(at, char::from(*open)));
            Ok(1)
        }
        [close @ (b'}' | b']' | b')'), ..] => match (frames.pop(), close) {
            (Some(Frame::Bracket(_, '{')), b'}')
            | (Some(Frame::Bracket(_, '[')), b']')
            | (Some(Frame::Bracket(_, '(')), b')') => Ok(1),
            // What was opened is more telling than what closes something further out.
            (Some(Frame::Bracket(open, letter)), _) if !frames.is_empty() => {
                Err(Unfinished::Bracket(open, letter))
            }
            _ => Err(Unfinished::Closing(at, char::from(*close))),
        },
        _ => Ok(rest.chars().next().map_or(1, char::len_utf8)),
    }
}

/// The length of a heredoc down to its end marker, if it has one; nothing if it is none.
fn heredoc(rest: &str) -> Option<Option<usize>> {
    let opening = rest.get(2..)?;
    let (marker, mut after) = opening.strip_prefix('-').unwrap_or(opening).split_once('\n')?;
    let marker = marker.trim_end();
    if marker.is_empty() || !marker.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    loop {
        let (line, next) = after.split_once('\n').unwrap_or((after, ""));
        if line.trim_start().starts_with(marker) {
            return Some(Some(rest.len() - after.len() + line.len()));
        }
        if next.is_empty() {
            return Some(None);
        }
        after = next;
    }
}

/// Counts a directive in a string.
fn note_directive(rest: &str, at: usize, directives: &mut Vec<usize>) {
    let Some(inside) = rest.strip_prefix("%{") else { return };
    let word: String =
        inside.trim_start_matches(['~', ' ', '\t']).chars().take_while(char::is_ascii_alphabetic).collect();
    match word.as_str() {
        "if" | "for" => directives.push(at),
        "endif" | "endfor" => drop(directives.pop()),
        _ => {}
    }
}
