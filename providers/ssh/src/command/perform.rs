//! How a command is run, and what the answer makes of it.

use meshform_engine::ports::{ErrorCode, Operation, PerformRequest, Performed, ProviderError, StepFailure};
use meshform_engine::value::Value;
use serde_json::json;

use super::{guards, is_done, runs_again, says_secrets, setting};
use crate::answer::Answer;
use crate::attributes::{text, with};
use crate::confirm::Confirm;
use crate::error::error;
use crate::resource::{Job, Work};
use crate::script::{self, Guards, Program, Revert, Task};

/// The longest output that is recorded, in bytes; more is cut off at the end.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// So much of what a failed command wrote is shown, in bytes, of each of its outputs.
const QUOTE_LIMIT: usize = 64 * 1024;

/// How long the program around a command may take longer than the command, in seconds: its guards, and what is left when it is killed.
const AROUND_SECONDS: u64 = 60;

/// One run of a command.
struct Run<'a> {
    request: &'a PerformRequest,
    task: Task<'a>,
}

/// What a step does with a command, which may take so many seconds.
///
/// # Errors
/// When there is nothing to run.
pub(crate) fn work(request: &PerformRequest, seconds: u64) -> Result<Work<'_>, ProviderError> {
    let run = |task| Work::Job(Box::new(Run { request, task }));
    match (request.operation, &request.desired) {
        (Operation::Delete, _) => Ok(end(request, seconds).map_or_else(|| Work::Record(gone()), run)),
        (operation, Some(desired)) => {
            let done = request.record.as_deref().filter(|record| is_done(Some(record)));
            let was = done.map(|record| &record.attributes).filter(|_| operation == Operation::Update);
            match was.filter(|was| !runs_again(was, desired)) {
                Some(was) => Ok(Work::Record(record_only(was, desired))),
                None => begin(request, desired, seconds).map(run),
            }
        }
        (_, None) => Err(error(ErrorCode::Invalid, "Incomplete request", "The command is missing.")),
    }
}

fn begin<'a>(request: &PerformRequest, desired: &'a Value, seconds: u64) -> Result<Task<'a>, ProviderError> {
    let Some(command) = text(desired, "run") else {
        return Err(error(ErrorCode::Invalid, "Incomplete request", "The command is missing."));
    };
    // New triggers run the command whatever its guards say.
    let asked = request.operation == Operation::Create || !is_done(request.record.as_deref());
    let guards = if asked { guards(desired) } else { Guards::default() };
    let confirm = Confirm::of_command(&request.identity, desired);
    let revert = confirm.zip(text(desired, "revert"));
    let revert = revert.map(|(confirm, command)| Revert { command, confirm });
    Ok(Task { command, setting: setting(desired), guards, seconds, revert })
}

fn end(request: &PerformRequest, seconds: u64) -> Option<Task<'_>> {
    let attributes = &request.record.as_deref()?.attributes;
    let command = text(attributes, "on_destroy")?;
    Some(Task { command, setting: setting(attributes), guards: Guards::default(), seconds, revert: None })
}

impl Job for Run<'_> {
    fn seconds(&self) -> u64 {
        self.task.seconds + AROUND_SECONDS
    }

    fn notice(&self) -> Option<&'static str> {
        Some("the command is running")
    }

    fn program(&self, nonce: &str, _: bool, timeout: bool) -> Result<Program, ProviderError> {
        Ok(script::task(nonce, &self.task, timeout))
    }

    fn settles_itself(&self) -> bool {
        false
    }

    fn is_alone(&self) -> bool {
        false
    }

    /// It may have done a part of its work.
    fn confirm(&self) -> Option<Confirm> {
        self.task.revert.as_ref().map(|revert| revert.confirm.clone())
    }

    fn cut_off(&self) -> Option<Box<Performed>> {
        Some(Box::new(ended(self.request.desired.as_ref()?, Value::null(), Value::null())))
    }

    fn performed(&self, answer: &Answer, words: &str) -> Result<Performed, StepFailure> {
        performed(self.request, answer, words)
    }
}

fn performed(request: &PerformRequest, answer: &Answer, words: &str) -> Result<Performed, StepFailure> {
    let Some(desired) = &request.desired else {
        return match exit_code(answer) {
            Some(0) => Ok(gone()),
            code => Err(failure(request, code, answer, words).into()),
        };
    };
    if answer.get("skipped", 0).is_some() {
        return Ok(ended(desired, Value::null(), Value::null()));
    }
    match exit_code(answer) {
        Some(0) => Ok(ended(desired, output(answer), Value::number(0))),
        code => Err(StepFailure {
            error: failure(request, code, answer, words),
            // It may have done a part of its work.
            partial: Some(Box::new(ended(
                desired,
                Value::null(),
                code.map_or_else(Value::null, Value::from),
            ))),
        }),
    }
}

fn exit_code(answer: &Answer) -> Option<i64> {
    answer.get("exit", 0)?.field(0).parse().ok()
}

fn output(answer: &Answer) -> Value {
    let bytes = answer.get("output", 0).and_then(|record| record.bytes(0)).unwrap_or_default();
    Value::string(shortened(&String::from_utf8_lossy(&bytes)))
}

/// As much of an output as is recorded, without the line feeds at its end.
pub(super) fn shortened(text: &str) -> &str {
    let end = text.floor_char_boundary(OUTPUT_LIMIT);
    text.get(..end).unwrap_or_default().trim_end_matches('\n')
}

fn record_only(was: &Value, desired: &Value) -> Performed {
    let value = |name| was.get(name).cloned().unwrap_or_else(Value::null);
    ended(desired, value("stdout"), value("exit_code"))
}

fn ended(desired: &Value, stdout: Value, exit_code: Value) -> Performed {
    let stdout = stdout.marked(says_secrets(desired));
    Performed {
        attributes: with(desired, [("stdout", stdout), ("exit_code", exit_code)]),
        private: json!({}),
    }
}

fn gone() -> Performed {
    Performed { attributes: Value::null(), private: serde_json::Value::Null }
}

fn failure(request: &PerformRequest, code: Option<i64>, answer: &Answer, words: &str) -> ProviderError {
    let (what, attributes) = match &request.desired {
        Some(desired) => ("The command", Some(desired)),
        None => ("on_destroy", request.record.as_deref().map(|record| &record.attributes)),
    };
    let how = how(code);
    let secret = attributes.is_some_and(|attributes| says_secrets(attributes) || attributes.has_sensitive());
    let said = match secret {
        true => " Its output may hold secrets and is not shown.".to_owned(),
        false => {
            quoted("standard error", words)
                + &quoted("standard output", output(answer).as_str().unwrap_or_default())
        }
    };
    let error_code = match code {
        Some(124 | 137 | 143) => ErrorCode::TimedOut,
        _ => ErrorCode::Failed,
    };
    error(error_code, "Command failed", format!("{what} {how}.{said}"))
}

/// How it ended, in words.
pub(super) fn how(code: Option<i64>) -> String {
    match code {
        Some(code @ (124 | 137 | 143)) => {
            format!("was stopped (exit code {code}), as it took longer than it may, or by someone else")
        }
        Some(126) => {
            "ended with exit code 126: it, or its working_directory, cannot be entered or run".to_owned()
        }
        Some(code) => format!("ended with exit code {code}"),
        None => "did not tell how it ended".to_owned(),
    }
}

/// All that it wrote, or the end of what is too much for anyone to read.
pub(super) fn quoted(name: &str, text: &str) -> String {
    let text = text.trim();
    let start = text.ceil_char_boundary(text.len().saturating_sub(QUOTE_LIMIT));
    match (text.is_empty(), start) {
        (true, _) => String::new(),
        (false, 0) => format!("\nIts {name}:\n{text}"),
        (false, _) => format!("\nThe end of its {name}:\n{}", text.get(start..).unwrap_or_default()),
    }
}
