//! `host_timer`: what systemd runs at times, by a timer and a service of its own.

mod unit;

use std::collections::BTreeMap;

use meshform_engine::address::Address;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{ErrorCode, Observation, PerformRequest, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Value};
use serde_json::json;

use self::unit::Units;
use crate::account::{Account, Accounts};
use crate::answer;
use crate::attributes::{change, flag, given, text, unchanged};
use crate::check::{account, environment, one_line, wrong};
use crate::cron::{lines, name, no_user};
use crate::env_file::{systemd_file, systemd_variables};
use crate::error::{blame, error};
use crate::managed::{Managed, Native, There, end, has_unknown, missing, origin};
use crate::promise::Promises;
use crate::script::quote;

/// The resource type of systemd's timers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer;

impl Managed for Timer {
    fn name(&self) -> &'static str {
        "host_timer"
    }

    fn attributes(&self) -> Vec<Attribute> {
        let flag = |name, value: bool, description| Attribute::default(name, Type::Bool, value, description);
        vec![
            Attribute::required(
                "name",
                Type::String,
                "Its name, which is that of its units in /etc/systemd/system.",
            ),
            Attribute::required(
                "calendar",
                Type::String,
                "When it runs, as systemd.time(7) says it: \"daily\", \"Mon..Fri *-*-* 03:00\".",
            ),
            Attribute::required("command", Type::String, "What it runs, in POSIX sh."),
            Attribute::default("user", Type::String, "root", "As whom it runs."),
            Attribute::default(
                "environment",
                Type::String.map(),
                Value::map([]),
                "Its environment variables, in a file that only root can read.",
            ),
            flag(
                "catch_up",
                false,
                "Whether it runs at once after a time that was missed, as the host was off.",
            ),
            Attribute::optional(
                "random_delay",
                Type::String,
                "By how much it may be late, such as \"15min\", so that not all hosts begin at once.",
            ),
            flag("active", true, "Whether it runs at all, also after the next boot."),
            end::attribute("What becomes of it at the end: remove (if it was made here) or keep."),
        ]
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(text(desired, "name").and_then(name));
        problems.extend(
            ["calendar", "random_delay"].into_iter().filter_map(|name| one_line(name, text(desired, name)?)),
        );
        problems.extend(text(desired, "user").and_then(|user| account("user", user)));
        problems.extend(
            text(desired, "command")
                .filter(|command| command.trim().is_empty() || command.contains('\0'))
                .map(|_| wrong("command", "It is empty, or holds a NUL byte.".to_owned())),
        );
        problems.extend(environment(desired));
        problems.extend(end::check(desired, end::WITHOUT_RESTORE));
        problems
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        const REASON: &str =
            "systemd shows its units to everyone on the host. Put the secret into `environment`.";
        &[
            ("name", REASON),
            ("calendar", REASON),
            ("user", REASON),
            ("command", REASON),
            ("random_delay", REASON),
        ]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        text(desired, "name").map(|name| format!("timer:{name}"))
    }

    fn accounts(&self, desired: &Value) -> Accounts {
        Account::users(desired)
    }

    fn fields(&self) -> &'static [&'static str] {
        &["name", "calendar", "command", "user", "environment", "catch_up", "random_delay", "active"]
    }

    /// What is otherwise in the units than by any of its attributes is a change of the whole.
    fn changes(&self, desired: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> Vec<FieldChange> {
        let none = Value::null();
        let mut changes: Vec<FieldChange> = self
            .fields()
            .iter()
            .filter_map(|name| {
                let wanted = desired.get(name).unwrap_or(&none);
                let before = there.attributes.get(name);
                let is_same = !has_unknown(wanted) && unchanged(before, Some(wanted), keyed);
                (!is_same).then(|| change(name, before.cloned(), Some(wanted.clone())))
            })
            .collect();
        if changes.is_empty() && differs(desired, &there.detail) {
            let before = format!("{} with other lines", text(desired, "name").unwrap_or_default());
            changes.push(change("name", Some(Value::string(before)), given(desired, "name").cloned()));
        }
        changes
    }

    fn taken_over(&self, _: &Value, _: &Observation) -> Vec<String> {
        vec!["A timer of this name is there already and is taken over; it stays at the end.".to_owned()]
    }

    fn ends(&self, record: &Record, _: &Observation) -> Vec<String> {
        origin::ends(record, "timer")
    }
}

impl Native for Timer {
    fn library(&self) -> &'static str {
        concat!(include_str!("../script/put.sh"), include_str!("timer.sh"))
    }

    fn sight(&self, subject: &Value) -> Vec<String> {
        let word = |name| text(subject, name).unwrap_or_default();
        ["see_timer", word("name"), word("calendar")].map(str::to_owned).to_vec()
    }

    fn there(
        &self,
        subject: &Value,
        records: &[answer::Record],
        _: &Promises,
    ) -> Result<Option<There>, ProviderError> {
        let find = |kind: &str| records.iter().find(|record| record.kind == kind);
        if find("unmanaged").is_some() {
            return Err(no_systemd());
        }
        if find("also_calendar").is_some() {
            return Err(no_calendar(text(subject, "calendar").unwrap_or_default()));
        }
        if find("absent").is_some() {
            return Ok(None);
        }
        let file = |kind: &str| {
            find(kind)
                .and_then(|record| record.bytes(0))
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let (timer, service) = (file("timer").unwrap_or_default(), file("service").unwrap_or_default());
        let units = Units::read(text(subject, "name").unwrap_or_default(), &timer, &service);
        let variables = file("env").filter(|_| units.variables).map(|text| systemd_variables(&text));
        let variables = variables.into_iter().flatten().map(|(name, value)| (name, Value::string(value)));
        let field = |position| find("state").map(|record| record.field(position)).unwrap_or_default();
        let delay = Some(units.random_delay).filter(|delay| !delay.is_empty());
        let attributes = [
            ("name", Value::string(units.name)),
            ("calendar", Value::string(units.calendar)),
            ("command", Value::string(units.command)),
            ("user", Value::string(units.user)),
            ("environment", Value::map(variables)),
            ("catch_up", Value::bool(units.catch_up)),
            ("random_delay", delay.map_or_else(Value::null, Value::string)),
            ("active", Value::bool(field(0) == "enabled" && field(1) == "active")),
        ];
        Ok(Some(There {
            attributes: Value::object(attributes.map(|(name, value)| (name.to_owned(), value))),
            detail: json!({
                "timer": timer, "service": service,
                "is_private": find("mode").is_none_or(|mode| mode.field(0) == "600"),
                "is_loaded": !field(2).contains("yes"),
            }),
        }))
    }

    fn make(&self, _: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
        let units = units(desired).ok_or_else(|| missing("command"))?;
        let content = |name: &str, text: &str| {
            format!("{name}() {{\nbase64 -d <<'CONTENT'\n{}\nCONTENT\n}}\n", lines(text.as_bytes()))
        };
        let variables = systemd_file(&variables(desired)).ok_or_else(|| missing("environment"))?;
        Ok(format!(
            "{}{}{}make_timer {} {} {} {}\n",
            content("timer", &units.timer()),
            content("service", &units.service()),
            content("variables", &variables),
            quote(&units.name),
            quote(&units.calendar),
            quote(&units.user),
            u8::from(flag(desired, "active")),
        ))
    }

    fn unmake(&self, request: &PerformRequest, recorded: &Value) -> String {
        match text(recorded, "name").filter(|_| origin::goes(request.record.as_deref(), recorded)) {
            Some(name) => format!("unmake_timer {}\n", quote(name)),
            None => String::new(),
        }
    }

    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
        origin::remember(request, before)
    }

    fn problem(&self, request: &PerformRequest, problem: &str, _: &str) -> ProviderError {
        let address = &request.address;
        match problem {
            "calendar" => {
                let calendar = request.desired.as_ref().and_then(|desired| text(desired, "calendar"));
                no_calendar(calendar.unwrap_or_default())
            }
            "user" => no_user(request),
            "start" => error(
                ErrorCode::Failed,
                "Timer not started",
                format!(
                    "The units of {address} are written, but systemd does not enable or start its timer."
                ),
            ),
            _ => error(
                ErrorCode::Failed,
                "Timer not changed",
                format!("The units of {address} could not be written or removed. It takes root."),
            ),
        }
    }
}

/// The units that are wanted, once all of them is known.
fn units(desired: &Value) -> Option<Units> {
    let word = |name| text(desired, name).map(str::to_owned);
    Some(Units {
        name: word("name")?,
        calendar: word("calendar")?,
        catch_up: flag(desired, "catch_up"),
        random_delay: word("random_delay").unwrap_or_default(),
        user: word("user")?,
        command: word("command")?,
        variables: given(desired, "environment").and_then(Value::as_map).is_some_and(|map| !map.is_empty()),
    })
}

fn variables(desired: &Value) -> BTreeMap<&str, &str> {
    let variables = desired.get("environment").and_then(Value::as_map).into_iter().flatten();
    variables.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
}

/// Whether the units hold something else than what is wanted, are not those that systemd has loaded, or let others read the variables.
fn differs(desired: &Value, detail: &serde_json::Value) -> bool {
    let is = |name: &str| detail.get(name).and_then(serde_json::Value::as_bool).unwrap_or(true);
    let holds = |name: &str, wanted: &str| detail.get(name).and_then(|text| text.as_str()) == Some(wanted);
    let fits = units(desired)
        .is_none_or(|units| holds("timer", &units.timer()) && holds("service", &units.service()));
    !fits || !is("is_private") || !is("is_loaded")
}

fn no_systemd() -> ProviderError {
    let detail = "The host was not started by systemd, so that it has no timers. Use host_cron there.";
    error(ErrorCode::Invalid, "No systemd", detail)
}

fn no_calendar(calendar: &str) -> ProviderError {
    let detail = format!(
        "The host's systemd does not understand {calendar:?}. Try `systemd-analyze calendar` there, such as with \"Mon..Fri *-*-* 03:00:00\"."
    );
    blame(error(ErrorCode::Invalid, "Invalid calendar", detail), "calendar")
}
