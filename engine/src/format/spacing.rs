//! One space or none between two tokens of a line.

use super::lines::Line;
use super::token::{Kind, Token};

/// Sets the spaces between the tokens of each cell. Those before a cell are for the alignment to set.
pub(super) fn space(tokens: &mut [Token<'_>], lines: &[Line]) {
    for line in lines {
        space_cell(&mut tokens[line.start..line.assign]);
        space_cell(&mut tokens[line.assign..line.comment]);
    }
}

fn space_cell(tokens: &mut [Token<'_>]) {
    for at in 1..tokens.len() {
        let before = at.checked_sub(2).map(|before| tokens[before].kind);
        tokens[at].gap = usize::from(is_apart(before, &tokens[at - 1], tokens[at].kind));
    }
}

/// Whether a space stands between two tokens, `before` being what stands before the first of them. The first rule that applies decides.
fn is_apart(before: Option<Kind>, left: &Token<'_>, right: Kind) -> bool {
    match (left.kind, right) {
        // Line ends, calls, namespaces and attributes.
        (_, Kind::Newline) | (Kind::Identifier, Kind::ParenthesisOpen) => false,
        (Kind::Identifier, Kind::DoubleColon) | (Kind::DoubleColon, Kind::Identifier) => false,
        // Together they would be another number.
        (Kind::Number, Kind::Dot) if before != Some(Kind::Dot) => true,
        (Kind::Dot, _) | (_, Kind::Dot) => false,
        // Lists.
        (_, Kind::Comma | Kind::Ellipsis) => false,
        (Kind::Comma, _) => true,
        // What a string says is not ours to change.
        (Kind::Literal | Kind::QuoteOpen | Kind::HeredocOpen, _) => false,
        (_, Kind::Literal | Kind::QuoteClose | Kind::HeredocClose) => false,
        // `for x in [1]` is not an index into something named `in`.
        (Kind::Identifier, _) if left.text == "in" && before == Some(Kind::Identifier) => true,
        (Kind::Identifier | Kind::Number, Kind::BracketOpen) => false,
        (left, Kind::BracketOpen) if left.closes() => false,
        // Signs.
        (Kind::Bang, _) => false,
        (Kind::Minus, _) => before.is_some_and(ends_operand),
        // Braces, and the brackets of templates around them.
        (Kind::BraceOpen, Kind::BraceClose) => false,
        (Kind::BraceOpen, _) | (_, Kind::BraceClose) => true,
        (Kind::Interpolation | Kind::Directive, Kind::BraceOpen) => true,
        (Kind::BraceClose, Kind::TemplateEnd) => true,
        (Kind::TemplateEnd, Kind::Interpolation | Kind::Directive) => false,
        // All other brackets hug what is in them; all else stands apart.
        (left, right) => !left.opens() && !right.closes(),
    }
}

/// Whether a `-` after it subtracts. As Terraform has it, it does so after `=>`, after keywords and at the start of a template, too.
fn ends_operand(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::ParenthesisOpen
            | Kind::BraceOpen
            | Kind::BracketOpen
            | Kind::Assign
            | Kind::Colon
            | Kind::Comma
            | Kind::Question
            | Kind::Operator
            | Kind::Minus
            | Kind::Bang
    )
}
