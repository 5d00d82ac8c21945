//! Diagnostics in the manner of rustc: the place, the text underlined, and below it what to do.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use meshform_engine::diagnostic::{Diagnostic, Diagnostics, Severity, Source, Sources};

use super::style::{DANGER, STRONG, WARNING, paint};
use super::text::{counted, harmless, indented, wrap};
use crate::modules::masked;

/// A longer stretch is underlined on its first line only.
const LINES_MAX: usize = 4;

/// All of them, each followed by an empty line, and how many there are.
pub(crate) fn text(diagnostics: &Diagnostics, sources: &Sources, columns: usize) -> String {
    let mut text: String =
        diagnostics.iter().map(|diagnostic| one(diagnostic, sources, columns) + "\n\n").collect();
    if let Some(count) = count_line(diagnostics) {
        text.push_str(&count);
        text.push('\n');
    }
    text
}

/// One diagnostic, without a line feed at its end.
pub(crate) fn one(diagnostic: &Diagnostic, sources: &Sources, columns: usize) -> String {
    let source = diagnostic.span.as_ref().and_then(|span| Some((span, sources.get(span.source)?)));
    let place = source.map(|(span, source)| (source, clipped(&source.text, span.range.clone())));
    match place {
        Some((source, range)) => placed(diagnostic, source, range, columns),
        None => placeless(diagnostic, columns),
    }
}

/// With its source, by the renderer of rustc.
fn placed(diagnostic: &Diagnostic, source: &Source, range: Range<usize>, columns: usize) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    // The renderer looks at all that it is given: only what is to be seen keeps many diagnostics of a long file quick.
    let (number, lines) = source.lines_around(&range);
    let range = range.start - lines.start..range.end - lines.start;
    // A module's source may hold credentials.
    let shown = masked(&source.text[lines]);
    let snippet = Snippet::source(&*shown).line_start(number).path(source.name.as_str());
    let title = level.primary_title(harmless(&diagnostic.summary));
    let mut group = Group::with_title(title).element(snippet.annotation(AnnotationKind::Primary.span(range)));
    let detail = wrap(&harmless(&diagnostic.detail), columns.saturating_sub(6).max(20)).join("\n");
    if !detail.is_empty() {
        group = group.element(Level::NOTE.no_name().message(detail));
    }
    Renderer::styled().term_width(columns).render(&[group])
}

/// Without a source there is no margin to draw: the detail is indented below the summary.
fn placeless(diagnostic: &Diagnostic, columns: usize) -> String {
    let word = match diagnostic.severity {
        Severity::Error => paint(DANGER, "error"),
        Severity::Warning => paint(WARNING, "warning"),
    };
    let title = format!("{word}{}", paint(STRONG, format!(": {}", harmless(&diagnostic.summary))));
    let detail = wrap(&harmless(&diagnostic.detail), columns.saturating_sub(2).max(20));
    std::iter::once(title).chain(indented(detail, 2)).collect::<Vec<_>>().join("\n")
}

/// The range cut to what the renderer can show: inside the text, between letters, and few lines.
fn clipped(text: &str, range: Range<usize>) -> Range<usize> {
    let start = floor(text, range.start);
    let end = floor(text, range.end.max(start)).max(start);
    let stretch = &text[start..end];
    if stretch.matches('\n').count() < LINES_MAX {
        return start..start + stretch.trim_end_matches('\n').len();
    }
    let first = stretch.find('\n').unwrap_or(stretch.len());
    start..start + stretch[..first].trim_end().len()
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// `2 errors and 1 warning`; `None` when there are none.
fn count_line(diagnostics: &Diagnostics) -> Option<String> {
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) => None,
        (0, warnings) => Some(paint(STRONG, counted(warnings, "warning"))),
        (errors, 0) => Some(paint(DANGER, counted(errors, "error"))),
        (errors, warnings) => {
            Some(paint(DANGER, format!("{} and {}", counted(errors, "error"), counted(warnings, "warning"))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::diagnostic::Span;

    fn check(diagnostics: Diagnostics, sources: &Sources, expect: &str) {
        let text = text(&diagnostics, sources, 60);
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), expect);
    }

    #[test]
    fn the_place_is_underlined_and_the_detail_wrapped() {
        let mut sources = Sources::default();
        let source = sources.add("main.hcl", "locals {\n  a = locl.b\n}\n");
        let error = Diagnostic::error(
            "Unknown reference",
            "There is no block type \"locl\" that could be referred to here. Did you mean \"local\"?",
        );
        let mut diagnostics = Diagnostics::from(error.at(Span { source, range: 15..21 }));
        diagnostics.push(Diagnostic::warning(
            "Nothing is declared",
            "The stack has no resources, so that there is nothing to do.",
        ));
        check(
            diagnostics,
            &sources,
            "error: Unknown reference\n --> main.hcl:2:7\n  |\n2 |   a = locl.b\n  |       ^^^^^^\n  |\n  = There is no block type \
             \"locl\" that could be referred\n    to here. Did you mean \"local\"?\n\nwarning: Nothing is declared\n  The stack has no resources, so that there is nothing to\n  do.\n\n1 error and 1 \
             warning\n",
        );
    }

    #[test]
    fn no_span_is_out_of_bounds() {
        let mut sources = Sources::default();
        let source = sources.add("a.hcl", "ä\nb\nc\nd\ne\nf\n");
        for (range, expect) in [(1..1, 0..0), (0..99, 0..2), (99..100, 13..13), (3..5, 3..4), (0..3, 0..2)] {
            let text = &sources.get(source).unwrap().text;
            assert_eq!(clipped(text, range.clone()), expect, "{range:?}");
            let diagnostic = Diagnostic::error("x", "y").at(Span { source, range });
            assert!(one(&diagnostic, &sources, 80).contains("a.hcl"));
        }
    }
}
