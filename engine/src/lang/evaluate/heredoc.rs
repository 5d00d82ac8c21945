//! Heredocs and the indentation that `<<-` takes away.

use hcl_edit::template::HeredocTemplate;

use super::template::{Style, Token};
use super::{Evaluated, Evaluator};
use crate::diagnostic::Diagnostics;

impl Evaluator<'_> {
    pub(super) fn heredoc(&self, heredoc: &HeredocTemplate, diagnostics: &mut Diagnostics) -> Evaluated {
        // The parser has an indent only for `<<-`, but none as well when it found nothing to take away.
        let source = heredoc.template.iter().next().and_then(hcl_edit::Span::span);
        let opening = source.and_then(|range| self.unit.text().get(..range.start));
        let dedented = heredoc.indent().is_some() || opening.is_some_and(is_dedented);
        let style = if dedented { Style::Dedented } else { Style::Lines };
        self.template(&heredoc.template, style, diagnostics)
    }
}

/// Whether the line before a heredoc's content opens it with `<<-`.
fn is_dedented(before: &str) -> bool {
    let line = before.trim_end_matches('\n').rsplit('\n').next().unwrap_or_default();
    line.rfind("<<").is_some_and(|at| line[at..].starts_with("<<-"))
}

/// Takes away the indentation that all lines share. What a marker has stripped no longer counts as a line of its own, and a
/// line that starts with an interpolation or directive has no indentation; blank lines do not count.
pub(super) fn dedent(tokens: &mut [Token]) {
    let mut shared = usize::MAX;
    let mut lines = Vec::new();
    let mut line_start = true;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Text(text) => {
                let indent = text.chars().take_while(|letter| letter.is_whitespace()).count();
                let blank = text.ends_with('\n') && text.trim().is_empty();
                if line_start && !blank {
                    shared = shared.min(indent);
                    lines.push(at);
                }
                line_start = text.ends_with('\n');
            }
            Token::Marker(_) => {
                if line_start {
                    shared = 0;
                }
                line_start = false;
            }
        }
    }
    for at in lines {
        if let Some(Token::Text(text)) = tokens.get_mut(at) {
            *text = text.chars().skip(shared).collect();
        }
    }
}
