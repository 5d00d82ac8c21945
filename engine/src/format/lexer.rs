//! Text → tokens, in one pass. Nothing is lost: the tokens' texts and gaps are the text, tabs counting as spaces.
//!
//! Text that is not valid HCL gives some tokens, too; the parser has refused it before.

use super::token::{Kind, Token};

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { rest: text, frames: Vec::new(), tokens: Vec::with_capacity(text.len() / 4) };
    while !lexer.rest.is_empty() {
        lexer.step();
    }
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    /// What the text is inside of, the innermost last. Empty, or `Code` on top: outside of strings.
    frames: Vec<Frame<'a>>,
    tokens: Vec<Token<'a>>,
}

#[derive(Clone, Copy)]
enum Frame<'a> {
    /// `${ … }` or `%{ … }`, with so many braces open in it.
    Code { braces: usize },
    /// `" … "`
    Quoted,
    /// A heredoc with its end marker.
    Heredoc { marker: &'a str },
}

impl<'a> Lexer<'a> {
    fn step(&mut self) {
        match self.frames.last().copied() {
            None | Some(Frame::Code { .. }) => self.code(),
            Some(Frame::Quoted) => self.quoted(),
            Some(Frame::Heredoc { marker }) => self.heredoc(marker),
        }
    }

    /// Takes so many bytes as a token.
    fn take(&mut self, kind: Kind, length: usize) {
        self.take_after(0, kind, length);
    }

    fn take_after(&mut self, gap: usize, kind: Kind, length: usize) {
        let (text, rest) = self.rest.split_at(length);
        self.tokens.push(Token { kind, text, gap });
        self.rest = rest;
    }

    fn code(&mut self) {
        let gap = leading(self.rest, |byte| matches!(byte, b' ' | b'\t'));
        self.rest = &self.rest[gap..];
        if self.rest.is_empty() {
            return;
        }
        if let Some((marker, length)) = heredoc_opening(self.rest) {
            self.take_after(gap, Kind::HeredocOpen, length);
            self.frames.push(Frame::Heredoc { marker });
            return;
        }
        let (kind, length) = self.code_token();
        self.take_after(gap, kind, length);
        self.nest(kind);
    }

    fn code_token(&self) -> (Kind, usize) {
        let in_template = matches!(self.frames.last(), Some(Frame::Code { braces: 0 }));
        match self.rest.as_bytes() {
            [b'}', ..] if in_template => (Kind::TemplateEnd, 1),
            [b'~', b'}', ..] if in_template => (Kind::TemplateEnd, 2),
            [b'\n', ..] => (Kind::Newline, 1),
            [b'\r', b'\n', ..] => (Kind::Newline, 2),
            [b'#', ..] | [b'/', b'/', ..] => (Kind::Comment, line_length(self.rest)),
            [b'/', b'*', ..] => (Kind::Comment, self.rest.find("*/").map_or(self.rest.len(), |end| end + 2)),
            [b'"', ..] => (Kind::QuoteOpen, 1),
            [b'0'..=b'9', ..] => (Kind::Number, number_length(self.rest)),
            [first, ..] if starts_identifier(*first) => {
                (Kind::Identifier, leading(self.rest, continues_identifier))
            }
            _ => symbol(self.rest),
        }
    }

    /// Keeps track of what the text is inside of.
    fn nest(&mut self, kind: Kind) {
        match (kind, self.frames.last_mut()) {
            (Kind::QuoteOpen, _) => self.frames.push(Frame::Quoted),
            (Kind::TemplateEnd, _) => drop(self.frames.pop()),
            (Kind::BraceOpen, Some(Frame::Code { braces })) => *braces += 1,
            (Kind::BraceClose, Some(Frame::Code { braces })) => *braces = braces.saturating_sub(1),
            _ => {}
        }
    }

    fn quoted(&mut self) {
        if self.rest.starts_with('"') {
            self.take(Kind::QuoteClose, 1);
            self.frames.pop();
        } else if self.rest.starts_with('\n') {
            // It is not closed. No string goes on in the next line.
            self.frames.pop();
        } else if !self.template_opening() {
            let length = literal_length(self.rest, |rest| rest.starts_with(['"', '\n']), true);
            self.take(Kind::Literal, length);
        }
    }

    fn heredoc(&mut self, marker: &'a str) {
        // Before the first line stands the opening, before every other one the end of the line above.
        let line_start = self.tokens.last().is_some_and(|token| token.text.ends_with('\n'));
        if let Some(length) = end_marker(self.rest, marker).filter(|_| line_start) {
            self.take(Kind::HeredocClose, length);
            self.frames.pop();
        } else if !self.template_opening() {
            let line = &self.rest[..line_length(self.rest)];
            self.take(Kind::Literal, literal_length(line, |_| false, false));
        }
    }

    /// Takes `${` or `%{`, if that is next.
    fn template_opening(&mut self) -> bool {
        let kind = match self.rest.as_bytes() {
            [b'$', b'{', ..] => Kind::Interpolation,
            [b'%', b'{', ..] => Kind::Directive,
            _ => return false,
        };
        self.take(kind, if self.rest[2..].starts_with('~') { 3 } else { 2 });
        self.frames.push(Frame::Code { braces: 0 });
        true
    }
}

/// How many bytes at the start satisfy the condition.
fn leading(text: &str, holds: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !holds(byte)).unwrap_or(text.len())
}

/// Outside of strings and comments, valid text has other than ASCII letters only in identifiers.
fn starts_identifier(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

fn continues_identifier(byte: u8) -> bool {
    starts_identifier(byte) || byte.is_ascii_digit() || byte == b'-'
}

/// Up to the end of the line, the line feed included.
fn line_length(rest: &str) -> usize {
    rest.find('\n').map_or(rest.len(), |end| end + 1)
}

fn number_length(rest: &str) -> usize {
    let digits = |from: usize| from + leading(&rest[from..], |byte| byte.is_ascii_digit());
    let mut end = digits(0);
    if rest[end..].starts_with('.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

fn symbol(rest: &str) -> (Kind, usize) {
    match rest.as_bytes() {
        [b'.', b'.', b'.', ..] => (Kind::Ellipsis, 3),
        [b'=', b'>', ..] => (Kind::Arrow, 2),
        [b':', b':', ..] => (Kind::DoubleColon, 2),
        [b'=' | b'!' | b'<' | b'>', b'=', ..] | [b'&', b'&', ..] | [b'|', b'|', ..] => (Kind::Operator, 2),
        [b'{', ..] => (Kind::BraceOpen, 1),
        [b'}', ..] => (Kind::BraceClose, 1),
        [b'[', ..] => (Kind::BracketOpen, 1),
        [b']', ..] => (Kind::BracketClose, 1),
        [b'(', ..] => (Kind::ParenthesisOpen, 1),
        [b')', ..] => (Kind::ParenthesisClose, 1),
        [b',', ..] => (Kind::Comma, 1),
        [b':', ..] => (Kind::Colon, 1),
        [b'.', ..] => (Kind::Dot, 1),
        [b'?', ..] => (Kind::Question, 1),
        [b'=', ..] => (Kind::Assign, 1),
        [b'!', ..] => (Kind::Bang, 1),
        [b'-', ..] => (Kind::Minus, 1),
        [b'+' | b'*' | b'/' | b'%' | b'<' | b'>', ..] => (Kind::Operator, 1),
        _ => (Kind::Other, rest.chars().next().map_or(0, char::len_utf8)),
    }
}

/// The end marker and the length of `<<EOT` or `<<-EOT` with its line end.
fn heredoc_opening(rest: &str) -> Option<(&str, usize)> {
    let after = rest.strip_prefix("<<")?;
    let after = after.strip_prefix('-').unwrap_or(after);
    let (marker, line_end) = after.split_at(leading(after, continues_identifier));
    let behind = line_end.strip_prefix("\r\n").or_else(|| line_end.strip_prefix('\n'))?;
    (!marker.is_empty()).then(|| (marker, rest.len() - behind.len()))
}

/// The length of the end marker at the start of a line, with the spaces around it.
fn end_marker(line: &str, marker: &str) -> Option<usize> {
    let blank = |byte| matches!(byte, b' ' | b'\t');
    let after = line[leading(line, blank)..].strip_prefix(marker)?;
    if after.bytes().next().is_some_and(continues_identifier) {
        return None;
    }
    let trailing = leading(after, blank);
    let alone = matches!(&after.as_bytes()[trailing..], [] | [b'\n', ..] | [b'\r', b'\n', ..]);
    Some(line.len() - after.len() + if alone { trailing } else { 0 })
}

/// The length of literal text up to `end` or the next `${` or `%{` that is not doubled; at least one letter.
fn literal_length(rest: &str, end: impl Fn(&str) -> bool, escapes: bool) -> usize {
    let mut at = 0;
    while at < rest.len() {
        at += match rest.as_bytes()[at..] {
            [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => 3,
            [b'$' | b'%', b'{', ..] => break,
            [b'\\', _, ..] if escapes => 2,
            _ if rest.is_char_boundary(at) && end(&rest[at..]) => break,
            _ => 1,
        };
    }
    ceiling(rest, at.max(1))
}

fn ceiling(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}
