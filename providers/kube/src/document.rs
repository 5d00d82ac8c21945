//! YAML and JSON text as documents, read as kubectl reads them.
//!
//! kubectl reads YAML 1.1: `0644` is octal and an unquoted `yes` is a boolean. Duplicate keys are refused, as they are by
//! `kubectl apply` with strict validation: one of the two was meant, and nothing tells which.

use meshform_engine::value::{Value, from_json};
use serde_json::Value as Json;
use serde_saphyr::{MessageFormatter, UserMessageFormatter};
use thiserror::Error;

/// One document of a text.
#[derive(Debug, PartialEq)]
pub(crate) struct Document {
    /// Its position in the text, from 1, empty ones counted.
    pub(crate) number: usize,
    /// The line on which it starts, from 1.
    pub(crate) line: usize,
    /// The file that a comment before it names, as `helm` writes it.
    pub(crate) file: Option<String>,
    /// What it says.
    pub(crate) content: Value,
}

/// Why a document cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("read document {number} as YAML: line {line}: {problem}")]
pub(crate) struct DocumentError {
    /// Its position in the text, from 1.
    pub(crate) number: usize,
    /// The line of the problem, from 1.
    pub(crate) line: usize,
    /// The file that a comment before it names.
    pub(crate) file: Option<String>,
    /// What is wrong, in the parser's words.
    pub(crate) problem: String,
}

/// All documents that are not empty; the first error of each that cannot be read.
pub(crate) fn parse(text: &str) -> (Vec<Document>, Vec<DocumentError>) {
    let mut documents = Vec::new();
    let mut errors = Vec::new();
    for (index, (line, text)) in split(text).into_iter().enumerate() {
        let number = index + 1;
        match read(text) {
            Ok(Json::Null) => {}
            Ok(json) => {
                let file = file(text);
                documents.push(Document { number, line, file, content: from_json(&json) });
            }
            Err((offset, problem)) => {
                let file = file(text);
                errors.push(DocumentError { number, line: line + offset, file, problem });
            }
        }
    }
    (documents, errors)
}

fn file(text: &str) -> Option<String> {
    let mut lines =
        text.lines().map(str::trim_start).take_while(|line| line.is_empty() || line.starts_with('#'));
    lines.find_map(|line| line.strip_prefix("# Source: ")).map(|source| source.trim().to_owned())
}

/// The texts between lines that begin with `---`, each with its first line. As kubectl does it, before any parsing.
fn split(text: &str) -> Vec<(usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parts = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if is_separator(line) {
            parts.push((start_line, &text[start..at]));
            (start, start_line) = (at + line.len(), index + 2);
        }
        at += line.len();
    }
    parts.push((start_line, &text[start..]));
    // What stands before the first separator is rarely a document: usually nothing, or a comment.
    if parts.len() > 1 && parts.first().is_some_and(|(_, text)| is_blank(text)) {
        parts.remove(0);
    }
    parts
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| {
        let rest = rest.trim();
        rest.is_empty() || rest.starts_with('#')
    })
}

fn is_blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

fn read(text: &str) -> Result<Json, (usize, String)> {
    if is_blank(text) {
        return Ok(Json::Null);
    }
    // A snippet could show a secret.
    let options = serde_saphyr::options! { with_snippet: false, legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options::<Json>(text, options).map_err(|error| {
        let line = error.location().map_or(1, |location| usize::try_from(location.line()).unwrap_or(1));
        (line.saturating_sub(1), UserMessageFormatter.format_message(error.without_snippet()).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::value::to_json;

    fn check(text: &str, expect: &[&str]) {
        let (documents, errors) = parse(text);
        let shown = documents.iter().map(|document| {
            format!("{}:{} {}", document.number, document.line, to_json(&document.content).unwrap())
        });
        let errors = errors.iter().map(|error| format!("{}:{} error", error.number, error.line));
        assert_eq!(shown.chain(errors).collect::<Vec<_>>(), expect, "{text:?}");
    }

    #[test]
    fn texts_are_split_as_kubectl_splits_them() {
        check("a: 1\n---\nb: 2\n", &[r#"1:1 {"a":1}"#, r#"2:3 {"b":2}"#]);
        check("# only a comment\n--- # first\na: 1\n---\n\n---\nb: 2", &[r#"1:3 {"a":1}"#, r#"3:7 {"b":2}"#]);
        check("a: |\n  ---\n  x\n", &[r#"1:1 {"a":"---\nx\n"}"#]);
        check("{\"a\": [1, 2.5, null]}", &[r#"1:1 {"a":[1,2.5,null]}"#]);
        check("", &[]);
        check("---\n", &[]);
    }

    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        // Each measured with `kubectl patch --local`.
        check(
            "a: yes\nb: on\nc: 0644\nd: 0o644\ne: 0x1F\nf: ~\ng: \"yes\"\n",
            &[r#"1:1 {"a":true,"b":true,"c":420,"d":420,"e":31,"f":null,"g":"yes"}"#],
        );
        check(
            "a: 12345678901234567890\nb: 2001-01-01\nc: 1:30\nd: .5\n",
            &[r#"1:1 {"a":12345678901234567890,"b":"2001-01-01","c":"1:30","d":0.5}"#],
        );
    }

    #[test]
    fn errors_say_where() {
        check(
            "a: 1\n---\nb: 2\nb: 3\n---\nc: [\n---\nd: 4\n",
            &[r#"1:1 {"a":1}"#, r#"4:8 {"d":4}"#, "2:4 error", "3:6 error"],
        );
    }

    #[test]
    fn odd_texts_do_no_harm() {
        for text in ["&a [*a]", "a: *b", "? [x]\n: y", "!!binary x", "\u{feff}", "\0", "- -\n -"] {
            parse(text);
        }
    }
}
