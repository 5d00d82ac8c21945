//! Tests as JUnit's XML, which CI systems show: a suite for each file, a case for each run.
//!
//! The form is that of the schema that JUnit's own Ant task is described by; it has what Jenkins and GitLab want.

use std::fmt::Write as _;

use meshform_engine::diagnostic::Sources;
use meshform_engine::testing::{Finding, Status};

use crate::render;
use crate::render::text::harmless;
use crate::tested::{Tally, TestedFile, TestedRun};

/// How wide the texts of failures are.
const COLUMNS: usize = 100;

/// The whole document.
pub(crate) fn document(files: &[TestedFile], sources: &Sources) -> String {
    let suites: String = files.iter().enumerate().map(|(id, file)| suite(id, file, sources)).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n{suites}</testsuites>\n")
}

fn suite(id: usize, file: &TestedFile, sources: &Sources) -> String {
    let tally = Tally::of(file);
    let mut cases: String = file.runs.iter().map(|run| case(&file.name, run, sources)).collect();
    let unclean = render::test::clean_up(file, sources, COLUMNS);
    if !unclean.is_empty() {
        let error = outcome("error", "Not all is gone", &unclean);
        cases.push_str(&element(&file.name, "clean-up", 0, &error));
    }
    let attributes = [
        ("name", file.name.clone()),
        ("package", file.name.clone()),
        ("id", id.to_string()),
        ("timestamp", timestamp(file.began_ms)),
        ("hostname", "localhost".to_owned()),
        ("tests", (file.runs.len() + tally.unclean).to_string()),
        ("failures", tally.failed.to_string()),
        ("errors", (tally.errors + tally.unclean).to_string()),
        ("skipped", tally.skipped.to_string()),
        ("time", seconds(file.elapsed_ms)),
    ];
    let attributes: String =
        attributes.iter().map(|(name, value)| format!(" {name}=\"{}\"", escaped(value))).collect();
    format!(
        "  <testsuite{attributes}>\n    <properties/>\n{cases}    <system-out/>\n    <system-err/>\n  </testsuite>\n"
    )
}

fn case(file: &str, run: &TestedRun, sources: &Sources) -> String {
    let outcome = match run.report.status {
        Status::Pass => String::new(),
        Status::Skip => "      <skipped/>\n".to_owned(),
        Status::Fail => found("failure", &run.report.findings, sources),
        Status::Error => found("error", &run.report.findings, sources),
    };
    element(file, &run.name, run.elapsed_ms, &outcome)
}

fn element(file: &str, name: &str, elapsed_ms: u64, inside: &str) -> String {
    let (file, name, time) = (escaped(file), escaped(name), seconds(elapsed_ms));
    let start = format!("    <testcase name=\"{name}\" classname=\"{file}\" time=\"{time}\"");
    match inside.is_empty() {
        true => format!("{start}/>\n"),
        false => format!("{start}>\n{inside}    </testcase>\n"),
    }
}

fn found(tag: &str, findings: &[Finding], sources: &Sources) -> String {
    let texts: Vec<_> = findings.iter().map(|it| render::test::finding(it, sources, COLUMNS)).collect();
    let first = findings.first().map(|it| it.diagnostic.detail.as_str()).unwrap_or_default();
    outcome(tag, first, &texts.join("\n\n"))
}

fn outcome(tag: &str, message: &str, text: &str) -> String {
    let plain = anstream::adapter::strip_str(text).to_string();
    let kind = if tag == "failure" { "assertion" } else { "error" };
    format!("      <{tag} message=\"{}\" type=\"{kind}\">{}</{tag}>\n", escaped(message), escaped(&plain))
}

/// The text as XML takes it: control characters are not allowed even as references.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in harmless(text).chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// ISO 8601 without a zone, as the schema wants it; it is UTC. The calendar is reckoned in years that begin in March, so that a leap day ends one.
fn timestamp(at_ms: i64) -> String {
    let at = at_ms.div_euclid(1000);
    let (days, second) = (at.div_euclid(86_400), at.rem_euclid(86_400));
    // Days since 0000-03-01, and the 400-year cycle of the calendar that they are in.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let mut text = format!("{year:04}-{month:02}-{day:02}T");
    // Writing to a string does not fail.
    let _ = write!(text, "{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::diagnostic::{Diagnostic, Diagnostics};
    use meshform_engine::testing::{CleanUp, Command, RunReport};
    use meshform_engine::value::Value;

    #[test]
    fn times_are_written_as_the_schema_wants_them() {
        let check = |at_ms, expect: &str| assert_eq!(timestamp(at_ms), expect);
        check(0, "1970-01-01T00:00:00");
        check(951_827_696_789, "2000-02-29T12:34:56");
        check(1_709_164_800_000, "2024-02-29T00:00:00");
        check(4_107_542_399_000, "2100-02-28T23:59:59");
        check(-1, "1969-12-31T23:59:59");
        assert_eq!(seconds(61_005), "61.005");
    }

    #[test]
    fn each_run_is_a_case() {
        let run = |name: &str, status, findings| TestedRun {
            name: name.to_owned(),
            command: Command::Plan,
            report: RunReport { status, findings, warnings: Diagnostics::new(), plan: None },
            elapsed_ms: 12,
        };
        let values = vec![("var.s".to_owned(), Value::string("hush").sensitive())];
        let finding = Finding {
            diagnostic: Diagnostic::error("Assertion does not hold", "a < b & \"c\"\u{1}"),
            values,
        };
        let file = TestedFile {
            name: "a.mftest.hcl".to_owned(),
            began_ms: 0,
            runs: vec![
                run("good", Status::Pass, Vec::new()),
                run("bad", Status::Fail, vec![finding]),
                run("late", Status::Skip, Vec::new()),
            ],
            clean_up: CleanUp { diagnostics: Diagnostics::new(), left: Vec::new() },
            elapsed_ms: 1_500,
        };
        let expect = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  \
            <testsuite name=\"a.mftest.hcl\" package=\"a.mftest.hcl\" id=\"0\" timestamp=\"1970-01-01T00:00:00\" hostname=\"localhost\" \
            tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"1.500\">\n    <properties/>\n    \
            <testcase name=\"good\" classname=\"a.mftest.hcl\" time=\"0.012\"/>\n    \
            <testcase name=\"bad\" classname=\"a.mftest.hcl\" time=\"0.012\">\n      \
            <failure message=\"a &lt; b &amp; &quot;c&quot;\\u0001\" type=\"assertion\">error: Assertion does not hold\n  a &lt; b &amp; &quot;c&quot;\\u0001\n    var.s is (sensitive)</failure>\n    </testcase>\n    \
            <testcase name=\"late\" classname=\"a.mftest.hcl\" time=\"0.012\">\n      <skipped/>\n    </testcase>\n    \
            <system-out/>\n    <system-err/>\n  </testsuite>\n</testsuites>\n";
        assert_eq!(document(&[file], &Sources::default()), expect);
    }
}
