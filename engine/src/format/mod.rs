//! The canonical layout of HCL text, the one of `terraform fmt`.
//!
//! ```text
//! text ─ lexer ─► tokens ─ rewrite ─► tokens ─ lines, spacing, indent, align ─► gaps ─► text
//!   └── syntax ─► AST ◄───────────────── meaning: must be the same ──────────────── AST ◄┘
//! ```
//!
//! Only the spaces between tokens change, and three old ways of writing things: `"${x}"` for `x`, unquoted labels, and types such as
//! `"map"`. Comments and blank lines stay. The result is parsed again and compared with what was given: whatever would say something
//! else is not handed out. Formatting what is formatted changes nothing.

mod align;
mod indent;
mod lexer;
mod lines;
mod meaning;
mod rewrite;
mod spacing;
mod token;

use self::token::Token;
use crate::diagnostic::{Diagnostic, Diagnostics, Sources};
use crate::syntax;

/// Why a text is left as it is.
#[derive(Clone, Debug)]
pub struct Unformatted {
    /// What is wrong with it.
    pub diagnostics: Diagnostics,
    /// The text, as the diagnostics' places count.
    pub sources: Sources,
}

/// A text in canonical layout; its line ends are kept, a byte-order mark is not.
///
/// # Errors
/// When the text named `name` is not valid HCL, or could not be formatted without changing what it says.
pub fn format(name: &str, text: &str) -> Result<String, Unformatted> {
    let mut sources = Sources::default();
    sources.add(name, text);
    let (mut files, diagnostics) = syntax::parse(&sources);
    let Some(before) = files.pop() else { return Err(Unformatted { diagnostics, sources }) };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let formatted = laid_out(text);
    if formatted == text || meaning::is_same(before.body, &formatted) {
        return Ok(formatted);
    }
    let diagnostic = Diagnostic::error(
        "This file cannot be formatted",
        format!(
            "Formatting {name} would change what it says, so it stays as it is. Please report this as a bug, with the file."
        ),
    );
    Err(Unformatted { diagnostics: diagnostic.into(), sources })
}

/// Where the lines of code in a text end that leave neither a bracket nor a heredoc open: behind their line feeds.
pub(crate) fn line_ends(text: &str) -> impl Iterator<Item = usize> {
    let tokens = lexer::tokens(text);
    tokens
        .into_iter()
        .scan((0, 0isize), |(at, open), token| {
            *at += token.gap + token.text.len();
            *open += token.kind.nesting();
            // A bracket that closes nothing is wrong, and opens nothing either.
            let ended = token.ends_line() && *open <= 0;
            *open = if ended { 0 } else { *open };
            Some(ended.then_some(*at))
        })
        .flatten()
}

fn laid_out(text: &str) -> String {
    let mut tokens = rewrite::modernised(&lexer::tokens(text));
    let lines = lines::lines(&tokens);
    indent::indent(&mut tokens, &lines);
    spacing::space(&mut tokens, &lines);
    align::align(&mut tokens, &lines);
    written(&tokens, text.len())
}

fn written(tokens: &[Token<'_>], capacity: usize) -> String {
    let mut text = String::with_capacity(capacity + capacity / 8);
    for token in tokens {
        text.extend(std::iter::repeat_n(' ', token.gap));
        text.push_str(token.text);
    }
    text
}

#[cfg(test)]
mod tests;
