//! Finds what is opened and not closed: the parser gives up at the start of such a statement and cannot say why.

/// What is not closed, and where it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// A quote without another one on its line.
    Quote(usize),
    /// `<<MARKER` without the marker on a line of its own.
    Heredoc(usize),
    /// A line of a heredoc that starts with its marker and goes on: the parser takes it for the end, and HCL does not.
    HeredocLine(usize),
    /// A `.` at the end of a line where the line ends the argument.
    Dot(usize),
    /// An operator at the start of a line where the line before has ended the argument.
    Operator(usize),
    /// A carriage return without a line feed, outside of texts.
    CarriageReturn(usize),
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
            | Self::HeredocLine(at)
            | Self::Dot(at)
            | Self::Operator(at)
            | Self::CarriageReturn(at)
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
            Self::HeredocLine(_) => {
                "A line of a heredoc cannot start with its marker: the marker stands on a line of its own. If this line is part of \
                 the text, use another marker."
                    .into()
            }
            Self::Dot(_) => {
                "A reference cannot go on in the next line, but in parentheses. Write what follows the dot behind it.".into()
            }
            Self::Operator(_) => {
                "An expression cannot go on in the next line, but in parentheses. Put them around the whole of it.".into()
            }
            Self::CarriageReturn(_) => {
                "A carriage return stands here alone. A line ends with a line feed, or with both.".into()
            }
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
            frame if ends_line_with_dot(rest) && !in_one_line(text, frame.as_deref()) => {
                return Some(Unfinished::Dot(at));
            }
            frame if starts_line_with_operator(text, at) && !in_one_line(text, frame.as_deref()) => {
                return Some(Unfinished::Operator(at));
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
        [b'<', b'<', ..] => heredoc(rest, at).unwrap_or(Ok(2)),
        [b'.', b'.', b'.', ..] => Ok(3),
        [b'\r', b'\n', ..] => Ok(2),
        [b'\r', ..] => Err(Unfinished::CarriageReturn(at)),
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

/// Whether what is left starts with a dot that is the last on its line.
fn ends_line_with_dot(rest: &str) -> bool {
    let after = rest.strip_prefix('.').map(|after| after.trim_start_matches([' ', '\t']));
    after.is_some_and(|after| after.starts_with(['\n', '#']) || after.starts_with("//"))
}

/// Whether an operator at an offset is the first on its line. A minus may be the sign of a key.
fn starts_line_with_operator(text: &str, at: usize) -> bool {
    let (before, rest) = text.split_at(at);
    let is_operator = match rest.as_bytes() {
        [b'/', b'/' | b'*', ..] | [b'<', b'<', ..] => false,
        [b'!' | b'=', b'=', ..] => true,
        [first, ..] => b"+*/%<>?|&.[".contains(first),
        [] => false,
    };
    is_operator && before.trim_end_matches([' ', '\t']).ends_with('\n')
}

/// Whether the ends of lines mean nothing where the text is: in parentheses, lists, loops and templates.
fn in_one_line(text: &str, frame: Option<&Frame>) -> bool {
    let Some(Frame::Bracket(at, letter)) = frame else { return false };
    let is_template = at.checked_sub(1).is_some_and(|before| matches!(text.as_bytes()[before], b'$' | b'%'));
    *letter != '{' || is_template || text[at + 1..].trim_start().starts_with("for ")
}

/// The length of a heredoc down to its end marker; nothing if it is none.
fn heredoc(rest: &str, at: usize) -> Option<Result<usize, Unfinished>> {
    let opening = rest.get(2..)?;
    let (marker, mut after) = opening.strip_prefix('-').unwrap_or(opening).split_once('\n')?;
    let marker = marker.trim_end();
    if marker.is_empty() || !marker.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    loop {
        let (line, next) = after.split_once('\n').unwrap_or((after, ""));
        if line.trim() == marker {
            return Some(Ok(rest.len() - after.len() + line.len()));
        }
        let beyond = line.trim_start().strip_prefix(marker);
        let is_longer = |beyond: &str| {
            beyond.starts_with(|letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-'))
        };
        if beyond.is_some_and(|beyond| !is_longer(beyond)) {
            let line_start = at + rest.len() - after.len();
            return Some(Err(Unfinished::HeredocLine(line_start + line.len() - line.trim_start().len())));
        }
        if next.is_empty() {
            return Some(Err(Unfinished::Heredoc(at)));
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
