//! Text to AST, with spans. Never fails: what does not parse is a diagnostic, and the other files are still there.
//!
//! The AST is `hcl_edit`'s. Two things are always taken from the source text by span, not from the AST: numbers (it keeps them
//! as doubles) and the literal parts of templates (it dedents and unescapes them differently from HCL).

mod problem;

use std::sync::Arc;

use hcl_edit::expr::Expression;
use hcl_edit::parser::{Error, parse_body, parse_expr, parse_template};
use hcl_edit::structure::Body;
use hcl_edit::template::Template;

use crate::diagnostic::{Diagnostic, Diagnostics, SourceId, Sources, Span};

/// One file that parsed.
#[derive(Clone, Debug)]
pub struct File {
    /// Which one.
    pub source: SourceId,
    /// Its text, as spans count it.
    pub text: Arc<str>,
    /// Its blocks and attributes.
    pub body: Body,
}

/// Parses every file. One that does not parse gives a diagnostic and is left out.
pub fn parse(sources: &Sources) -> (Vec<File>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut files = Vec::new();
    for (source, content) in sources.iter() {
        match patched(&content.text, parse_body) {
            Ok(body) => files.push(File { source, text: content.text.as_str().into(), body }),
            Err(error) => diagnostics.push(problem::explain(source, &content.text, &error)),
        }
    }
    (files, diagnostics)
}

/// Parses one expression, as given on a command line or to a console.
///
/// # Errors
/// A diagnostic with the exact place when it does not parse.
pub fn parse_expression(source: SourceId, text: &str) -> Result<Expression, Diagnostic> {
    patched(text, parse_expr).map_err(|error| problem::explain(source, text, &error))
}

/// Parses a template, as `templatefile` reads it. The error is a sentence that names the line.
pub(crate) fn template(text: &str) -> Result<Template, String> {
    patched(text, parse_template).map_err(|error| {
        let found = problem::explain(SourceId(0), text, &error);
        format!("line {}, column {}: {}", error.location().line(), error.location().column(), found.detail)
    })
}

/// Where in its file a piece of the AST stands.
pub fn span_of(source: SourceId, node: &impl hcl_edit::Span) -> Option<Span> {
    node.span().map(|range| Span { source, range })
}

/// Parses, helping the parser over number literals that no double holds, such as `1e400`: their exponent is blanked out with
/// zeros of the same width, which moves no span, and the evaluator reads numbers from the original text.
fn patched<T>(text: &str, parse: impl Fn(&str) -> Result<T, Error>) -> Result<T, Error> {
    const ATTEMPTS: usize = 64;
    let mut error = match parse(text) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error,
    };
    let mut patched = text.to_owned();
    for _ in 0..ATTEMPTS {
        let Some(digits) = exponent_at(&patched, error.location().offset()) else { break };
        let zeros = "0".repeat(digits.len());
        patched.replace_range(digits, &zeros);
        match parse(&patched) {
            Ok(parsed) => return Ok(parsed),
            Err(next) => error = next,
        }
    }
    Err(error)
}

/// The digits of the exponent that starts at an offset, when a number stands before it and they are not all zeros.
fn exponent_at(text: &str, offset: usize) -> Option<std::ops::Range<usize>> {
    let (before, rest) = text.split_at_checked(offset)?;
    let sign = rest.strip_prefix(['e', 'E'])?;
    let digits = sign.strip_prefix(['+', '-']).unwrap_or(sign);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let worth = before.ends_with(|last: char| last.is_ascii_digit())
        && digits[..length].bytes().any(|digit| digit != b'0');
    let start = text.len() - digits.len();
    worth.then(|| start..start + length)
}

#[cfg(test)]
mod tests;
