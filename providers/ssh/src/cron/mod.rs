//! `host_cron`: a job of cron, in a file of its own in /etc/cron.d.

mod schedule;
mod table;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshform_engine::address::Address;
use meshform_engine::diagnostic::Severity;
use meshform_engine::ports::{ErrorCode, Observation, PerformRequest, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Path, PathStep, Value};
use serde_json::json;

use self::table::Table;
use crate::account::{Account, Accounts};
use crate::answer;
use crate::attributes::{sensitive, text, unchanged};
use crate::check::{account, environment, one_line, wrong};
use crate::error::{blame, error};
use crate::file::Mode;
use crate::managed::{Managed, Native, There, end, missing, remembered};
use crate::promise::Promises;
use crate::script::quote;

/// The resource type of cron's jobs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cron;

impl Managed for Cron {
    fn name(&self) -> &'static str {
        "host_cron"
    }

    fn attributes(&self) -> Vec<Attribute> {
        vec![
            Attribute::required("name", Type::String, "Its name, which is that of its file in /etc/cron.d."),
            Attribute::required(
                "schedule",
                Type::String,
                "When it runs, as crontab(5) says it: \"*/5 * * * *\", \"0 3 * * mon-fri\", or a word such as \"@daily\".",
            ),
            Attribute::default("user", Type::String, "root", "As whom it runs."),
            Attribute::required(
                "command",
                Type::String,
                "What it runs, in POSIX sh on one line. A \"%\" means itself.",
            ),
            Attribute::default(
                "environment",
                Type::String.map(),
                Value::map([]),
                "Its environment variables; cron itself sets PATH to /usr/bin:/bin.",
            ),
            Attribute::optional(
                "mode",
                Type::String,
                "The permissions of its file in octal; by default 0644, or 0600 if a secret is in it.",
            ),
            end::attribute(
                "What becomes of its file at the end: remove, restore (what it held before) or keep.",
            ),
        ]
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(text(desired, "name").and_then(name));
        let when = text(desired, "schedule");
        problems.extend(when.and_then(schedule::problem).map(|detail| wrong("schedule", detail)));
        problems.extend(text(desired, "user").and_then(|user| account("user", user)));
        problems.extend(text(desired, "command").and_then(command));
        problems.extend(environment(desired));
        problems.extend(values(desired));
        problems.extend(crate::check::mode(desired));
        problems.extend(end::check(desired, end::WITH_RESTORE));
        problems
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        const REASON: &str =
            "Jobs are known by it, in every plan and in the state, and cron writes it to the log.";
        &[
            ("name", REASON),
            ("schedule", REASON),
            ("user", REASON),
            (
                "command",
                "Everyone on the host can see what is run, and cron writes it to the log. Put the secret into `environment`.",
            ),
        ]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        text(desired, "name").map(|name| format!("cron:{name}"))
    }

    fn accounts(&self, desired: &Value) -> Accounts {
        Account::users(desired)
    }

    fn fields(&self) -> &'static [&'static str] {
        &["name", "schedule", "user", "command", "environment", "mode"]
    }

    fn same(&self, name: &str, wanted: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> bool {
        match name {
            "name" => true,
            "mode" => {
                let wanted = wanted.as_str().and_then(Mode::parse).map(Mode::to_text);
                wanted.as_deref() == text(&there.attributes, "mode")
            }
            _ => unchanged(there.attributes.get(name), Some(wanted), keyed),
        }
    }

    fn made(&self, desired: &Value) -> Vec<String> {
        let mut notes: Vec<String> =
            text(desired, "schedule").and_then(schedule::caution).into_iter().collect();
        notes.extend(text(desired, "command").filter(|command| command.contains('%')).map(|_| {
            "In the file each \"%\" of the command is written as \"\\%\", as cron takes it for the end of the line otherwise."
                .to_owned()
        }));
        notes
    }

    fn taken_over(&self, desired: &Value, _: &Observation) -> Vec<String> {
        let end = match text(desired, "on_destroy") {
            Some("restore") => "what it holds now comes back at the end (on_destroy = \"restore\")",
            Some("keep") => "it stays at the end (on_destroy = \"keep\")",
            _ => "it goes at the end (on_destroy = \"remove\")",
        };
        vec![format!("The file is there already and is taken over; {end}.")]
    }

    fn ends(&self, record: &Record, _: &Observation) -> Vec<String> {
        let note = match (text(&record.attributes, "on_destroy"), was_there(record)) {
            (Some("keep"), _) => "The job stays on the host (on_destroy = \"keep\").",
            (Some("restore"), true) => "Its file holds again what it held before (on_destroy = \"restore\").",
            _ => return Vec::new(),
        };
        vec![note.to_owned()]
    }
}

impl Native for Cron {
    fn library(&self) -> &'static str {
        concat!(include_str!("../script/put.sh"), include_str!("cron.sh"))
    }

    fn sight(&self, subject: &Value) -> Vec<String> {
        vec!["see_cron".to_owned(), text(subject, "name").unwrap_or_default().to_owned()]
    }

    fn there(
        &self,
        subject: &Value,
        records: &[answer::Record],
        _: &Promises,
    ) -> Result<Option<There>, ProviderError> {
        let Some(record) = records.first() else { return Ok(None) };
        if record.kind == "absent" {
            return Ok(None);
        }
        let name = text(subject, "name").unwrap_or_default();
        let held = record.bytes(2).and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(held) = held.filter(|_| record.kind == "cron") else { return Err(not_a_table(name)) };
        let table = Table::read(&held);
        let variables = table.environment.into_iter().map(|(name, value)| (name, Value::string(value)));
        let mode = Mode::from_stat(record.field(0)).map(Mode::to_text).unwrap_or_default();
        // cron runs nothing from a file that is not root's.
        let mode = match record.field(1) {
            "0" => mode,
            other => format!("{mode}, of the user {other}"),
        };
        let attributes = [
            ("name", Value::string(name)),
            ("schedule", Value::string(table.schedule)),
            ("user", Value::string(table.user)),
            ("command", Value::string(table.command)),
            ("environment", Value::map(variables)),
            ("mode", Value::string(mode)),
        ];
        Ok(Some(There {
            attributes: Value::object(attributes.map(|(name, value)| (name.to_owned(), value))),
            detail: json!({}),
        }))
    }

    fn make(&self, request: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
        let word = |name| text(desired, name).map(str::to_owned).ok_or_else(|| missing(name));
        let variables = desired.get("environment").and_then(Value::as_map);
        let variables = variables
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let table = Table {
            environment: variables.collect(),
            schedule: word("schedule")?,
            user: word("user")?,
            command: word("command")?,
        };
        Ok(format!(
            "content() {{\nbase64 -d <<'CONTENT'\n{}\nCONTENT\n}}\nmake_cron {} {} {} {}\n",
            lines(table.write().as_bytes()),
            quote(&word("name")?),
            mode(desired),
            quote(&table.user),
            u8::from(request.record.is_none()),
        ))
    }

    fn unmake(&self, _: &PerformRequest, recorded: &Value) -> String {
        let (Some(name), Some(end)) = (text(recorded, "name"), text(recorded, "on_destroy")) else {
            return String::new();
        };
        format!("unmake_cron {} {end}\n", quote(name))
    }

    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
        crate::managed::origin::remember(request, before)
    }

    fn problem(&self, request: &PerformRequest, problem: &str, _: &str) -> ProviderError {
        let address = &request.address;
        match problem {
            "daemon" => error(
                ErrorCode::Invalid,
                "No cron",
                format!(
                    "{address} would never run, as the host has no cron. Install it before with a host_package, or use host_timer where there is systemd."
                ),
            ),
            "user" => no_user(request),
            _ => error(
                ErrorCode::Failed,
                "Job not changed",
                format!("The file of {address} in /etc/cron.d could not be written. It takes root."),
            ),
        }
    }
}

/// The name of a job: cron ignores files with a dot in their names.
pub(crate) fn name(name: &str) -> Option<Problem> {
    let fits = name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        && name.len() <= 64;
    (!fits).then(|| {
        let detail = format!(
            "{name:?} is not a name that is read everywhere: letters, digits, \"-\" and \"_\", a letter or digit first, 64 at most."
        );
        wrong("name", detail)
    })
}

/// The user under whom something is to run is not there.
pub(crate) fn no_user(request: &PerformRequest) -> ProviderError {
    let detail = format!(
        "{} is to run as a user whom the host does not have. Make it with a host_user before.",
        request.address
    );
    blame(error(ErrorCode::Invalid, "User missing", detail), "user")
}

/// Bytes in base64, as lines that every decoder takes.
pub(crate) fn lines(bytes: &[u8]) -> String {
    bytes.chunks(57).map(|line| STANDARD.encode(line)).collect::<Vec<_>>().join("\n")
}

fn command(command: &str) -> Option<Problem> {
    one_line("command", command).or_else(|| {
        let detail = match command {
            command if command.contains("\\%") => {
                "It holds \"\\%\". Write a plain \"%\": what cron needs before it is put there by itself."
            }
            command if command.trim() != command => {
                "It begins or ends with blanks, which cron does not keep."
            }
            _ => return None,
        };
        Some(wrong("command", detail.to_owned()))
    })
}

/// Values that no line of cron's can hold.
fn values(desired: &Value) -> Vec<Problem> {
    let variables = desired.get("environment").and_then(Value::as_map);
    let refused = variables.into_iter().flatten().filter(|(_, value)| {
        value.as_str().is_some_and(|value| !value.contains('\0') && table::quoted(value).is_none())
    });
    let at = |name: &str| Path::attribute("environment").join(PathStep::Attribute(name.to_owned()));
    let detail = "cron takes no line feed in a value, nor both kinds of quotes.";
    refused
        .map(|(name, _)| Problem {
            severity: Severity::Error,
            path: at(name),
            ..wrong("environment", detail.to_owned())
        })
        .collect()
}

fn mode(desired: &Value) -> String {
    let default = if sensitive(desired, "environment") { "0600" } else { "0644" };
    let mode = text(desired, "mode").and_then(Mode::parse).or_else(|| Mode::parse(default));
    mode.map(Mode::to_stat).unwrap_or_default()
}

fn was_there(record: &Record) -> bool {
    remembered(Some(record), "was_there").and_then(serde_json::Value::as_bool) == Some(true)
}

fn not_a_table(name: &str) -> ProviderError {
    let detail = format!(
        "/etc/cron.d/{name} is no text file in UTF-8, or the login user may not read it: set become on the host if that takes root."
    );
    blame(error(ErrorCode::Denied, "Job not readable", detail), "name")
}

#[cfg(test)]
mod tests;
