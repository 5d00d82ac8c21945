//! Tokens → lines, each cut into the three cells that are aligned with those of its neighbours.

use super::token::{Kind, Token, net_nesting};

/// The places in the list of tokens at which a line and its cells begin. What a cell lacks is empty.
///
/// ```text
/// start    assign         comment     end
/// │name    │= "value"     │# why      │
/// ```
///
/// A line ends where a line of code ends: a heredoc, or a comment of several lines, is within one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) start: usize,
    pub(super) assign: usize,
    pub(super) comment: usize,
    pub(super) end: usize,
}

impl Line {
    /// Whether it has an `=` to be aligned.
    pub(super) fn has_assign(self) -> bool {
        self.assign < self.comment
    }

    /// Whether a comment follows code.
    pub(super) fn has_comment(self) -> bool {
        self.comment < self.end
    }
}

/// All lines; none is empty.
pub(super) fn lines(tokens: &[Token<'_>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, token) in tokens.iter().enumerate() {
        if token.ends_line() || at + 1 == tokens.len() {
            lines.push(line(tokens, start, at + 1));
            start = at + 1;
        }
    }
    lines
}

fn line(tokens: &[Token<'_>], start: usize, end: usize) -> Line {
    let comment = if end - start > 1 && tokens[end - 1].kind == Kind::Comment { end - 1 } else { end };
    let equals = tokens[start..comment].iter().skip(1).position(|token| token.kind == Kind::Assign);
    // A value that goes on in the next line is not aligned, nor is the `=` in `block { name = value }`.
    let assign = equals.map(|at| start + 1 + at).filter(|at| net_nesting(&tokens[*at..comment]) == 0);
    Line { start, assign: assign.unwrap_or(comment), comment, end }
}
