//! Tests for their reader: each run on a line, and below it what is not as expected.

use meshform_engine::diagnostic::{Diagnostic, Sources};
use meshform_engine::testing::{Finding, Status};
use meshform_engine::value::Value;

use super::diagnostics;
use super::hcl_text::inline;
use super::plan::{self, Detail};
use super::style::{DANGER, FAINT, GOOD, STRONG, WARNING, paint};
use super::text::{counted, duration, harmless, indented};
use crate::tested::{Tally, TestedFile, TestedRun};

/// Longer values are cut off, in letters.
const VALUE_MAX: usize = 200;

/// A file's name, above its runs.
pub(crate) fn heading(name: &str) -> String {
    format!("{}\n", paint(STRONG, harmless(name)))
}

/// One run, with its plan if that is wanted, and what is not as expected.
pub(crate) fn run(run: &TestedRun, sources: &Sources, is_verbose: bool, detail: Detail) -> String {
    let (mark, style) = match run.report.status {
        Status::Pass => ("✓", GOOD),
        Status::Skip => ("-", FAINT),
        Status::Fail | Status::Error => ("✗", DANGER),
    };
    let what = match run.report.status {
        Status::Skip => "skipped".to_owned(),
        _ => format!("{}, {}", run.command.as_str(), duration(run.elapsed_ms)),
    };
    let mut text =
        format!("  {} {} {}\n", paint(style, mark), harmless(&run.name), paint(FAINT, format!("({what})")));
    if let Some(planned) = run.report.plan.as_ref().filter(|_| is_verbose) {
        text.push_str(&block(&plan::text(planned, detail)));
        text.push('\n');
    }
    let warnings = run.report.warnings.iter().map(|it| diagnostics::one(it, sources, detail.columns));
    let findings = run.report.findings.iter().map(|it| finding(it, sources, detail.columns));
    let said: String = warnings.chain(findings).map(|said| block(&said)).collect();
    text.push_str(&said);
    if !said.is_empty() {
        text.push('\n');
    }
    text
}

/// What is left of a file's world; empty if nothing is.
pub(crate) fn clean_up(file: &TestedFile, sources: &Sources, columns: usize) -> String {
    if file.is_clean() {
        return String::new();
    }
    let mut text = format!("  {} clean-up\n", paint(DANGER, "✗"));
    for diagnostic in file.clean_up.diagnostics.iter() {
        text.push_str(&block(&diagnostics::one(diagnostic, sources, columns)));
    }
    if !file.clean_up.left.is_empty() {
        let left: Vec<_> = file.clean_up.left.iter().map(ToString::to_string).collect();
        text.push_str(&block(&format!("Left behind: {}.", harmless(&left.join(", ")))));
    }
    text
}

/// What is not as expected, with the values that explain it, without a line feed at its end.
pub(crate) fn finding(finding: &Finding, sources: &Sources, columns: usize) -> String {
    let mut detail = finding.diagnostic.detail.clone();
    for (part, value) in &finding.values {
        let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
        detail.push_str(&format!("\n  {part} is {}", short(value)));
    }
    diagnostics::one(&Diagnostic { detail, ..finding.diagnostic.clone() }, sources, columns)
}

/// How all of it went.
pub(crate) fn summary(files: &[TestedFile], elapsed_ms: u64) -> String {
    let tally = Tally::of_all(files);
    let rare = [(tally.errors, "with errors"), (tally.skipped, "skipped"), (tally.unclean, "not cleaned up")];
    let mut line = format!("{} passed, {} failed", tally.passed, tally.failed);
    for (count, word) in rare.iter().filter(|(count, _)| *count > 0) {
        line.push_str(&format!(", {count} {word}"));
    }
    let (word, style) = match (tally.is_good(), tally.passed) {
        (false, _) => ("Failed", DANGER),
        (true, 0) => ("Nothing was tested", WARNING),
        (true, _) => ("Passed", GOOD),
    };
    let line = format!("{word}: {line} in {} ({}).", counted(files.len(), "file"), duration(elapsed_ms));
    format!("\n{}\n", paint(style, line))
}

fn short(value: &Value) -> String {
    let text = inline(value);
    match text.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Lines below a run, with space before them.
fn block(text: &str) -> String {
    let lines = indented(text.trim_end().lines().map(str::to_owned), 4);
    format!("\n{}\n", lines.join("\n"))
}
