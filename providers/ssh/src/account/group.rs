//! `host_group`: a group of users.

use meshform_engine::address::Address;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Observation, PerformRequest, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::Value;
use serde_json::json;

use super::{LIBRARY, failed, id, name, number, variables};
use crate::answer;
use crate::attributes::{flag, text};
use crate::managed::{Managed, Native, There, end, missing, origin, touches};
use crate::promise::Promises;

/// The resource type of groups.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group;

impl Managed for Group {
    fn name(&self) -> &'static str {
        "host_group"
    }

    fn attributes(&self) -> Vec<Attribute> {
        vec![
            Attribute::required("name", Type::String, "Its name."),
            Attribute::optional("gid", Type::Number, "Its number; the host's choice, if left out."),
            Attribute::default(
                "system",
                Type::Bool,
                false,
                "Whether a new one gets a number of the system's.",
            ),
            end::attribute("What becomes of it at the end: remove (if it was made here) or keep."),
            Attribute::computed("assigned_gid", Type::Number, "The number that it has."),
        ]
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let named = text(desired, "name").and_then(|given| name("name", given));
        named
            .into_iter()
            .chain(number(desired, "gid"))
            .chain(end::check(desired, end::WITHOUT_RESTORE))
            .collect()
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        &[("name", "Groups are known by their names, in every plan and in the state.")]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        text(desired, "name").map(|name| format!("group:{name}"))
    }

    fn fields(&self) -> &'static [&'static str] {
        &["name", "gid"]
    }

    fn settings(&self) -> &'static [&'static str] {
        &["system", "on_destroy"]
    }

    fn keeps(&self, fields: &[FieldChange]) -> bool {
        !touches(fields, &["gid"])
    }

    fn computed(&self, there: Option<&Observation>) -> Vec<(&'static str, Value)> {
        let gid = match there {
            Some(there) => there.attributes.get("gid").cloned().unwrap_or_else(Value::null),
            None => Value::unknown(Type::Number),
        };
        vec![("assigned_gid", gid)]
    }

    fn taken_over(&self, _: &Value, _: &Observation) -> Vec<String> {
        vec!["The group is there already and is taken over; it stays at the end.".to_owned()]
    }

    fn ends(&self, record: &Record, _: &Observation) -> Vec<String> {
        origin::ends(record, "group")
    }
}

impl Native for Group {
    fn library(&self) -> &'static str {
        LIBRARY
    }

    fn sight(&self, subject: &Value) -> Vec<String> {
        vec!["see_group".to_owned(), text(subject, "name").unwrap_or_default().to_owned()]
    }

    fn there(
        &self,
        subject: &Value,
        records: &[answer::Record],
        _: &Promises,
    ) -> Result<Option<There>, ProviderError> {
        let Some(record) = records.iter().find(|record| record.kind == "group") else { return Ok(None) };
        let gid = record.field(0).parse::<u32>().map_or_else(|_| Value::null(), Value::number);
        let name = subject.get("name").cloned().unwrap_or_else(Value::null);
        let attributes = Value::object([("name".to_owned(), name), ("gid".to_owned(), gid)]);
        Ok(Some(There { attributes, detail: json!({}) }))
    }

    fn make(&self, _: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
        let name = text(desired, "name").ok_or_else(|| missing("name"))?;
        let gid = desired.get("gid").and_then(id).map(|gid| gid.to_string()).unwrap_or_default();
        let system = if flag(desired, "system") { "1" } else { "0" };
        Ok(variables(&[("name", name), ("gid", &gid), ("system", system)]) + "make_group\n")
    }

    fn unmake(&self, request: &PerformRequest, recorded: &Value) -> String {
        let Some(name) = text(recorded, "name").filter(|_| origin::goes(request.record.as_deref(), recorded))
        else {
            return String::new();
        };
        variables(&[("name", name)]) + "unmake_group\n"
    }

    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
        origin::remember(request, before)
    }

    fn problem(&self, request: &PerformRequest, problem: &str, what: &str) -> ProviderError {
        failed(request, problem, what)
    }
}
