//! Two spaces for each line that has left brackets open, however many it has opened.

use super::lines::Line;
use super::token::{Kind, Token};

const STEP: usize = 2;

/// Sets the spaces at the start of every line.
pub(super) fn indent(tokens: &mut [Token<'_>], lines: &[Line]) {
    // For each level, how many brackets its line has opened.
    let mut levels: Vec<usize> = Vec::new();
    for line in lines {
        if tokens[line.start].kind == Kind::Newline {
            tokens[line.start].gap = 0;
            continue;
        }
        let change = net_brackets(&tokens[line.start..line.comment]);
        if change < 0 {
            close(&mut levels, change.unsigned_abs());
        }
        tokens[line.start].gap = STEP * levels.len();
        if change > 0 {
            levels.push(change.unsigned_abs());
        }
    }
}

/// How many more brackets are opened than closed, up to a heredoc.
fn net_brackets(tokens: &[Token<'_>]) -> isize {
    let before_heredoc = tokens.iter().take_while(|token| token.kind != Kind::HeredocOpen);
    before_heredoc.map(|token| token.kind.nesting()).sum()
}

/// Leaves every level whose brackets are all closed.
fn close(levels: &mut Vec<usize>, mut closed: usize) {
    while let Some(open) = levels.last_mut().filter(|_| closed > 0) {
        let taken = closed.min(*open);
        closed -= taken;
        *open -= taken;
        if *open == 0 {
            levels.pop();
        }
    }
}
