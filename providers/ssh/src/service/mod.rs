//! `host_service`: a unit of systemd, its files, and what it runs with.
//!
//! ```text
//! pairs ────── what a unit runs with, and what that should be          pure
//! observe ──── what the host's records say                             pure
//! commands ─── the shell's part: see.sh looks, change.sh changes       pure
//! ```
//!
//! Whether a unit has to be started again is not an event that could get lost, but follows from what is on the host: with what the unit
//! was started is noted there, under the number of that very run, *after* it has started, and was measured *before*. A run that is cut off
//! between the writing of a file and the start leaves the old note, and so the next plan shows the restart.

mod accounts;
mod check;
mod commands;
mod observe;
mod pairs;
mod problem;
mod reference;

use std::collections::BTreeMap;

use meshform_engine::address::Address;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Observation, PerformRequest, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Path, PathStep, Value};
use serde_json::json;

use self::pairs::{Due, Weights, debts};
pub(crate) use self::reference::reduced;
use crate::account::Accounts;
use crate::answer;
use crate::attributes::{change, given, present, text, unchanged};
use crate::confirm::{self, Confirm};
use crate::managed::{Managed, Native, There, end, has_unknown, remembered};
use crate::promise::Promises;

/// Its name in HCL.
pub(crate) const NAME: &str = "host_service";
/// How long a change may take besides its check, in seconds: systemd gives a start and a stop 90 each.
const CHANGE_SECONDS: u64 = 300;
/// How long a check may take, unless it is said, in seconds.
const CHECK_SECONDS: u32 = 30;
/// What a unit's name ends in.
const KINDS: [&str; 9] =
    ["service", "socket", "timer", "path", "mount", "automount", "target", "slice", "swap"];

/// The resource type of units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service;

impl Managed for Service {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Vec<Attribute> {
        let list = |name, description| Attribute::optional(name, Type::Any, description);
        let text = |name, description| Attribute::optional(name, Type::String, description);
        vec![
            Attribute::required("name", Type::String, "The unit, such as \"nginx\" or \"backup.timer\"."),
            text("unit", "What its file in /etc/systemd/system holds; left out, the unit is a package's."),
            Attribute::optional(
                "drop_ins",
                Type::String.map(),
                "Files that add to it, by their names, such as \"limits.conf\". Others are left alone.",
            ),
            Attribute::optional("enabled", Type::Bool, "Whether it starts at boot; as it is, if left out."),
            text("state", "Whether it runs: running or stopped; as it is, if left out."),
            list(
                "restart_on",
                "A list of files, packages and other resources, paths on the host, and versions of anything. A unit that runs with older ones is restarted.",
            ),
            list("reload_on", "The same, for what the unit takes over when it is reloaded."),
            text("check", "A command, in sh, that has to succeed after each start and reload."),
            Attribute::default(
                "check_seconds",
                Type::Number,
                i64::from(CHECK_SECONDS),
                "How long the check is tried again until it succeeds, in seconds.",
            ),
            confirm::attribute(),
            end::attribute(
                "What becomes of it at the end: remove (its files that are ours; what they made is stopped), restore (all as it was before) or keep.",
            ),
        ]
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        check::service(desired)
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        &[(
            "name",
            "Units are known by their names, in every plan and in the state. Let only what is in them be sensitive.",
        )]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        text(desired, "name").map(|_| format!("unit:{}", unit_name(desired)))
    }

    fn accounts(&self, desired: &Value) -> Accounts {
        accounts::accounts(desired)
    }

    fn fields(&self) -> &'static [&'static str] {
        &["name", "unit", "drop_ins", "enabled", "state"]
    }

    fn settings(&self) -> &'static [&'static str] {
        &["check", "check_seconds", "on_destroy"]
    }

    /// A unit that has no say in it cannot be disabled, and one that has failed does not run.
    fn same(&self, name: &str, wanted: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> bool {
        let enablement = there.detail.get("enablement").and_then(serde_json::Value::as_str);
        match (name, wanted.as_str(), text(&there.attributes, "state")) {
            ("enabled", ..) if matches!(enablement, Some("indirect" | "generated")) => true,
            ("state", Some("stopped"), Some("failed")) => true,
            _ => unchanged(there.attributes.get(name), Some(wanted), keyed),
        }
    }

    fn changes(&self, desired: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> Vec<FieldChange> {
        let mut fields = self.own_changes(desired, there, keyed);
        fields.extend(open_debts(desired, there, &Weights::of(there)).into_iter().map(|(_, field)| field));
        fields
    }

    /// What this plan is going to bring is no drift.
    fn drifted(&self, recorded: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> Vec<FieldChange> {
        let weights = Weights { promised: BTreeMap::new(), ..Weights::of(there) };
        let mut fields = self.own_changes(recorded, there, keyed);
        fields.extend(open_debts(recorded, there, &weights).into_iter().map(|(_, field)| field));
        fields
    }

    /// Files that an earlier configuration has put there.
    fn leaving(&self, record: &Record, desired: &Value, there: &Observation) -> Vec<FieldChange> {
        let is_there = |name: &str| {
            let files = there.detail.get("files").and_then(serde_json::Value::as_array);
            files.is_some_and(|files| files.iter().any(|file| file.as_str() == Some(name)))
        };
        let (was, wanted) = (drop_ins(&record.attributes), drop_ins(desired));
        let gone = was.into_iter().filter(|(name, _)| !wanted.contains_key(name) && is_there(name));
        let mut fields: Vec<_> = gone.map(|(name, content)| drop_in(&name, Some(content), None)).collect();
        let had_unit = given(&record.attributes, "unit").is_some() && given(desired, "unit").is_none();
        if let Some(unit) = present(there.attributes.get("unit")).filter(|_| had_unit) {
            fields.push(change("unit", Some(unit), None));
        }
        fields
    }

    /// What it refers to was not known when the host was asked.
    fn is_unseen(&self, desired: &Value, there: &Observation) -> bool {
        let runs = text(&there.attributes, "state") == Some("running");
        runs && text(desired, "state") != Some("stopped") && !Weights::of(there).know(desired)
    }

    fn problems(&self, desired: &Value, there: &Observation) -> Vec<Problem> {
        check::on_host(desired, there)
    }

    fn taken_over(&self, desired: &Value, _: &Observation) -> Vec<String> {
        let end = match text(desired, "on_destroy") {
            Some("restore") => "at the end it becomes what it was (on_destroy = \"restore\")",
            Some("keep") => "all stays as it is at the end (on_destroy = \"keep\")",
            _ if given(desired, "unit").is_some() => {
                "at the end it is stopped, and its file goes (on_destroy = \"remove\")"
            }
            _ => "it stays at the end",
        };
        vec![format!("The unit is there already and is taken over; {end}.")]
    }

    fn made(&self, desired: &Value) -> Vec<String> {
        let unknown = given(desired, "unit").is_none();
        unknown
            .then(|| "The unit is not there yet: something else has to bring it before.".to_owned())
            .into_iter()
            .collect()
    }

    fn remarks(&self, desired: &Value, there: &Observation, fields: &[FieldChange]) -> Vec<String> {
        let confirm = Confirm::of_unit(&unit_name(desired), desired).filter(|_| !fields.is_empty());
        let note = match due(desired, there, fields) {
            Some(Due::Restart) => Some("The unit is restarted."),
            Some(Due::Reload) if there.detail.get("can_reload") == Some(&json!(true)) => {
                Some("The unit is reloaded.")
            }
            Some(Due::Reload) => Some("The unit cannot be reloaded: it is restarted."),
            None => None,
        };
        note.map(str::to_owned).into_iter().chain(confirm.map(|confirm| confirm.note())).collect()
    }

    fn ends(&self, record: &Record, _: &Observation) -> Vec<String> {
        let was_there = was_there(Some(record));
        let attributes = &record.attributes;
        let note = match text(attributes, "on_destroy") {
            Some("keep") => "The unit stays as it is (on_destroy = \"keep\").",
            Some("restore") if was_there => "The unit becomes what it was before (on_destroy = \"restore\").",
            _ if given(attributes, "unit").is_some() => return Vec::new(),
            _ if was_there => "The unit was there before, so it stays.",
            _ => "The unit is stopped and disabled where that was set here; its file is not ours.",
        };
        vec![note.to_owned()]
    }
}

impl Service {
    /// What differs apart from what the unit runs with.
    fn own_changes(
        &self,
        desired: &Value,
        there: &Observation,
        keyed: &dyn Fingerprinter,
    ) -> Vec<FieldChange> {
        let mut fields = Vec::new();
        for name in self.fields() {
            let Some(wanted) = given(desired, name) else { continue };
            match wanted.as_map() {
                Some(wanted) => fields.extend(drop_in_changes(wanted, there, keyed)),
                None if has_unknown(wanted) || !self.same(name, wanted, there, keyed) => {
                    fields.push(change(name, present(there.attributes.get(name)), Some(wanted.clone())));
                }
                None => {}
            }
        }
        if fields.is_empty() && there.detail.get("stale") == Some(&json!(true)) {
            let path = Path::attribute("running_with").join(PathStep::Attribute("files".to_owned()));
            let (before, after) = ("what systemd has read of them before", "the files on the host");
            fields.push(FieldChange { path, ..change("", Some(before.into()), Some(after.into())) });
        }
        fields
    }
}

impl Native for Service {
    fn library(&self) -> &'static str {
        include_str!("see.sh")
    }

    fn sight(&self, subject: &Value) -> Vec<String> {
        commands::sight(subject)
    }

    fn there(
        &self,
        subject: &Value,
        records: &[answer::Record],
        promises: &Promises,
    ) -> Result<Option<There>, ProviderError> {
        observe::there(subject, records, promises)
    }

    fn make(&self, request: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
        commands::make(request, desired)
    }

    fn unmake(&self, request: &PerformRequest, recorded: &Value) -> String {
        commands::unmake(recorded, was_there(request.record.as_deref()))
    }

    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
        crate::managed::origin::remember(request, before)
    }

    fn problem(&self, request: &PerformRequest, problem: &str, _: &str) -> ProviderError {
        problem::explain(request, problem)
    }

    fn seconds(&self, request: &PerformRequest) -> u64 {
        request.desired.as_ref().map_or(CHANGE_SECONDS, seconds)
    }

    fn confirm(&self, request: &PerformRequest) -> Option<Confirm> {
        let desired = request.desired.as_ref()?;
        Confirm::of_unit(&unit_name(desired), desired)
    }
}

/// Where the files of a unit lie.
struct UnitFiles {
    unit: String,
    folder: String,
}

fn files(attributes: &Value) -> UnitFiles {
    let unit = format!("/etc/systemd/system/{}", unit_name(attributes));
    UnitFiles { folder: format!("{unit}.d"), unit }
}

/// The unit's name as systemd has it: one without an ending is a service.
fn unit_name(attributes: &Value) -> String {
    let name = text(attributes, "name").unwrap_or_default();
    let has_kind = name.rsplit_once('.').is_some_and(|(_, kind)| KINDS.contains(&kind));
    if has_kind { name.to_owned() } else { format!("{name}.service") }
}

fn drop_ins(attributes: &Value) -> BTreeMap<String, Value> {
    let drop_ins = attributes.get("drop_ins").and_then(Value::as_map).into_iter().flatten();
    drop_ins.map(|(name, content)| (name.clone(), content.clone())).collect()
}

fn drop_in(name: &str, before: Option<Value>, after: Option<Value>) -> FieldChange {
    let path = Path::attribute("drop_ins").join(PathStep::Attribute(name.to_owned()));
    FieldChange { path, ..change("", before, after) }
}

fn drop_in_changes(
    wanted: &BTreeMap<String, Value>,
    there: &Observation,
    keyed: &dyn Fingerprinter,
) -> Vec<FieldChange> {
    let there = drop_ins(&there.attributes);
    let differs = |(name, content): &(&String, &Value)| {
        has_unknown(content) || !unchanged(there.get(*name), Some(content), keyed)
    };
    let show =
        |(name, content): (&String, &Value)| drop_in(name, there.get(name).cloned(), Some(content.clone()));
    wanted.iter().filter(differs).map(show).collect()
}

fn check_seconds(attributes: &Value) -> u32 {
    let given = attributes.get("check_seconds").and_then(Value::as_number);
    given.and_then(|number| number.to_string().parse().ok()).unwrap_or(CHECK_SECONDS)
}

/// How long a change may take, in seconds: the check is tried with the new files, and then with the previous ones.
fn seconds(desired: &Value) -> u64 {
    CHANGE_SECONDS + 2 * u64::from(check_seconds(desired))
}

/// What a unit that is to go on running should run with and does not.
fn open_debts(attributes: &Value, there: &Observation, weights: &Weights) -> Vec<(Due, FieldChange)> {
    let runs = text(&there.attributes, "state") == Some("running");
    if !runs || text(attributes, "state") == Some("stopped") {
        return Vec::new();
    }
    debts(attributes, weights)
}

/// What a running unit needs for these fields to change.
fn due(desired: &Value, there: &Observation, fields: &[FieldChange]) -> Option<Due> {
    let runs = text(&there.attributes, "state") == Some("running");
    if !runs || text(desired, "state") == Some("stopped") {
        return None;
    }
    let is_file = |field: &FieldChange| match field.path.0.first() {
        Some(PathStep::Attribute(name)) => name == "unit" || name == "drop_ins",
        _ => false,
    };
    let by_files = fields.iter().any(is_file).then_some(Due::Restart);
    let by_debts = debts(desired, &Weights::of(there)).into_iter().map(|(due, _)| due).max();
    by_files.max(by_debts)
}

fn was_there(record: Option<&Record>) -> bool {
    remembered(record, "was_there").and_then(serde_json::Value::as_bool) == Some(true)
}
