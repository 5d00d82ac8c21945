//! The `=` and the comments of neighbouring lines, each below the one above.

use unicode_segmentation::UnicodeSegmentation as _;

use super::lines::Line;
use super::token::Token;

/// Sets the spaces before the cells of all lines.
pub(super) fn align(tokens: &mut [Token<'_>], lines: &[Line]) {
    // Comments come last: they are moved by what stands before them.
    for run in lines.chunk_by(|above, below| above.has_assign() == below.has_assign()) {
        if run[0].has_assign() {
            align_cells(tokens, run, |line| line.assign);
        }
    }
    for run in lines.chunk_by(|above, below| above.has_comment() == below.has_comment()) {
        if run[0].has_comment() {
            align_cells(tokens, run, |line| line.comment);
        }
    }
}

/// Moves one cell of each line to the same column, one behind the widest of what stands before it.
fn align_cells(tokens: &mut [Token<'_>], run: &[Line], cell: impl Fn(&Line) -> usize) {
    let widths: Vec<_> = run.iter().map(|line| columns(&tokens[line.start..cell(line)])).collect();
    let widest = widths.iter().copied().max().unwrap_or(0);
    for (line, width) in run.iter().zip(widths) {
        tokens[cell(line)].gap = widest - width + 1;
    }
}

fn columns(tokens: &[Token<'_>]) -> usize {
    tokens.iter().map(|token| token.gap + letters(token.text)).sum()
}

/// As many columns as letters, whatever a terminal makes of wide ones.
fn letters(text: &str) -> usize {
    if text.is_ascii() && !text.contains('\r') { text.len() } else { text.graphemes(true).count() }
}
