//! Diagnostics with their ranges.
//!
//! | member | meaning |
//! | --- | --- |
//! | `severity` | `error` or `warning` |
//! | `summary`, `detail` | constant short text; what, why and what to do |
//! | `range` | `null`, or `filename` with `start` and `end`, each `line` and `column` from 1 (columns count characters) and `byte` from 0 |

use meshform_engine::diagnostic::{Diagnostic, Diagnostics, Severity, Sources, Span};
use serde_json::{Value as Json, json};

use super::FORMAT_VERSION;

/// The document of a run that found these.
pub(crate) fn document(diagnostics: &Diagnostics, sources: &Sources) -> Json {
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    json!({
        "format_version": FORMAT_VERSION,
        "valid": !diagnostics.has_errors(),
        "error_count": count(Severity::Error),
        "warning_count": count(Severity::Warning),
        "diagnostics": list(diagnostics.iter(), sources),
    })
}

/// Each of them.
pub(crate) fn list<'a>(diagnostics: impl IntoIterator<Item = &'a Diagnostic>, sources: &Sources) -> Json {
    diagnostics.into_iter().map(|diagnostic| one(diagnostic, sources)).collect()
}

/// One diagnostic.
pub(crate) fn one(diagnostic: &Diagnostic, sources: &Sources) -> Json {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    json!({
        "severity": severity,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
        "range": diagnostic.span.as_ref().and_then(|span| range(span, sources)),
    })
}

fn range(span: &Span, sources: &Sources) -> Option<Json> {
    let point = |at: usize| {
        let (line, column) = sources.position(&Span { source: span.source, range: at..at })?;
        Some(json!({ "line": line, "column": column, "byte": at }))
    };
    Some(json!({
        "filename": sources.get(span.source)?.name,
        "start": point(span.range.start)?,
        "end": point(span.range.end)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_count_from_one() {
        let mut sources = Sources::default();
        let source = sources.add("main.hcl", "a = 1\nb = x\n");
        let diagnostic = Diagnostic::error("Unknown reference", "No x.").at(Span { source, range: 10..11 });
        let document = document(&diagnostic.into(), &sources);
        assert_eq!(document["valid"], json!(false));
        let range = &document["diagnostics"][0]["range"];
        assert_eq!(
            *range,
            json!({
                "filename": "main.hcl",
                "start": { "line": 2, "column": 5, "byte": 10 },
                "end": { "line": 2, "column": 6, "byte": 11 },
            })
        );
    }
}
