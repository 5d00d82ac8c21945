//! The events of tests, one JSON document on each line.
//!
//! After `version` comes `tests` (with the `files`, what stands in for their `targets`, and their `runs`). Then for each file `test_file`; for each
//! of its runs `test_run_started`, the events of its plan and apply, and `test_run` with its `status` (`pass`, `fail`, `error` or `skip`), its
//! `findings` (each a `diagnostic` and the `values` that explain it) and `warnings`; and `test_clean_up` with what is `left`. At the end comes
//! `test_summary`.

use meshform_engine::diagnostic::Sources;
use meshform_engine::testing::{Finding, Run, TestFile};
use serde_json::{Value as Json, json};

use super::{diagnostics, plan, value};
use crate::tested::{Tally, TestedFile, TestedRun};

/// What is going to be run.
pub(crate) fn tests<'a>(files: impl IntoIterator<Item = &'a TestFile>) -> Json {
    let one = |file: &TestFile| {
        let runs: Vec<_> = file.runs.iter().map(|run| &run.name).collect();
        json!({ "file": file.name, "targets": file.targets.as_str(), "runs": runs })
    };
    json!({ "type": "tests", "files": files.into_iter().map(one).collect::<Vec<_>>() })
}

/// A file begins.
pub(crate) fn file_started(name: &str) -> Json {
    json!({ "type": "test_file", "file": name })
}

/// A run begins.
pub(crate) fn run_started(file: &str, run: &Run) -> Json {
    json!({ "type": "test_run_started", "file": file, "run": run.name, "command": run.command.as_str() })
}

/// A run has ended.
pub(crate) fn run(file: &str, run: &TestedRun, sources: &Sources, is_verbose: bool) -> Json {
    let findings: Vec<_> = run.report.findings.iter().map(|it| finding(it, sources)).collect();
    let mut event = json!({
        "type": "test_run",
        "file": file,
        "run": run.name,
        "command": run.command.as_str(),
        "status": run.report.status.as_str(),
        "elapsed_ms": run.elapsed_ms,
        "findings": findings,
        "warnings": diagnostics::list(run.report.warnings.iter(), sources),
    });
    if let Some(planned) = run.report.plan.as_ref().filter(|_| is_verbose) {
        event["plan"] = plan::document(planned);
    }
    event
}

/// A file's world has been cleaned up.
pub(crate) fn clean_up(file: &TestedFile, sources: &Sources) -> Json {
    json!({
        "type": "test_clean_up",
        "file": file.name,
        "left": file.clean_up.left.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "diagnostics": diagnostics::list(file.clean_up.diagnostics.iter(), sources),
    })
}

/// How all of it went.
pub(crate) fn summary(files: &[TestedFile], elapsed_ms: u64) -> Json {
    let tally = Tally::of_all(files);
    json!({
        "type": "test_summary",
        "good": tally.is_good(),
        "files": files.len(),
        "passed": tally.passed,
        "failed": tally.failed,
        "errors": tally.errors,
        "skipped": tally.skipped,
        "unclean": tally.unclean,
        "elapsed_ms": elapsed_ms,
    })
}

fn finding(finding: &Finding, sources: &Sources) -> Json {
    let values = finding.values.iter().map(|(part, explaining)| {
        let mut document = value::redacted(explaining);
        document["expression"] = part.as_str().into();
        document
    });
    json!({ "diagnostic": diagnostics::one(&finding.diagnostic, sources), "values": values.collect::<Vec<_>>() })
}
