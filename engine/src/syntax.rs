//! Text to AST, with spans. Never fails: what does not parse is a diagnostic, and the other files are still there.
//!
//! The AST is `hcl_edit`'s. Two things are always taken from the source text by span, not from the AST: numbers (it keeps them
//! as doubles) and the literal parts of templates (it dedents and unescapes them differently from HCL).

mod patch;
mod problem;
mod unfinished;

use std::sync::Arc;

use hcl_edit::expr::Expression;
use hcl_edit::parser::{parse_body, parse_expr, parse_template};
use hcl_edit::structure::Body;
use hcl_edit::template::Template;

use self::patch::patched;
use crate::diagnostic::{Diagnostic, Diagnostics, Source, SourceId, Sources, Span};

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

/// Parses every file. One that does not parse gives a diagnostic for each of its blocks that is wrong, and is left out.
pub fn parse(sources: &Sources) -> (Vec<File>, Diagnostics) {
    parse_where(sources, |_, _| true)
}

/// Parses some of the files.
pub(crate) fn parse_where(
    sources: &Sources,
    is_wanted: impl Fn(SourceId, &Source) -> bool,
) -> (Vec<File>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut files = Vec::new();
    for (source, content) in sources.iter().filter(|(id, content)| is_wanted(*id, content)) {
        match patched(&content.text, parse_body) {
            Ok(body) => match problem::open_text(source, &content.text, content.text.len()) {
                Some(problem) => diagnostics.push(problem),
                None => files.push(File { source, text: content.text.as_str().into(), body }),
            },
            Err(error) => diagnostics.extend(problem::explain_all(source, &content.text, error)),
        }
    }
    (files, diagnostics)
}

/// Parses one expression, as given on a command line or to a console.
///
/// # Errors
/// A diagnostic with the exact place when it does not parse.
pub fn parse_expression(source: SourceId, text: &str) -> Result<Expression, Diagnostic> {
    let text = text.trim_end();
    // An empty heredoc leaves spaces at the end, where the parser does not want them.
    patched(text, |text| parse_expr(text.trim_end()))
        .map_err(|error| problem::explain_expression(source, text, &error))
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

#[cfg(test)]
mod tests;
