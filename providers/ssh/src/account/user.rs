//! `host_user`: a user of a host.

use std::collections::BTreeSet;

use meshform_engine::address::Address;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Observation, PerformRequest, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Value};
use serde_json::json;

use super::{Account, Accounts, LIBRARY, failed, id, name, number, variables};
use crate::answer;
use crate::attributes::{flag, given, text, unchanged};
use crate::check::{place, wrong};
use crate::managed::{Managed, Native, There, end, missing, origin, touches};
use crate::promise::Promises;

/// The resource type of users.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User;

impl Managed for User {
    fn name(&self) -> &'static str {
        "host_user"
    }

    fn attributes(&self) -> Vec<Attribute> {
        let text = |name, description| Attribute::optional(name, Type::String, description);
        let flag =
            |name, default: bool, description| Attribute::default(name, Type::Bool, default, description);
        vec![
            Attribute::required("name", Type::String, "Its name."),
            Attribute::optional("uid", Type::Number, "Its number; the host's choice, if left out."),
            text("group", "Its own group by name; the host's choice, if left out: mostly one of its name."),
            Attribute::optional(
                "groups",
                Type::String.list(),
                "The groups that it is in besides its own, these and no others; as they are, if left out.",
            ),
            text("shell", "Its login shell; the host's choice, if left out."),
            text("home", "Its home; the host's choice, if left out. What lies in a former one is not moved."),
            text("comment", "Its full name, or what else is said of it."),
            flag("system", false, "Whether a new one gets a number of the system's."),
            flag("create_home", true, "Whether the home of a new one is made."),
            flag("remove_home", false, "Whether its home, with all that is in it, goes with it at the end."),
            end::attribute("What becomes of it at the end: remove (if it was made here) or keep."),
            Attribute::computed("assigned_uid", Type::Number, "The number that it has."),
            Attribute::computed("home_path", Type::String, "The home that it has."),
        ]
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        let named = |attribute| text(desired, attribute).and_then(|given| name(attribute, given));
        problems.extend(["name", "group"].into_iter().filter_map(named));
        let groups = desired.get("groups").and_then(Value::as_list).unwrap_or_default();
        problems.extend(groups.iter().filter_map(|group| name("groups", group.as_str()?)));
        problems.extend(number(desired, "uid"));
        problems.extend(["shell", "home"].into_iter().filter_map(|name| place(name, text(desired, name)?)));
        for name in ["shell", "home", "comment"] {
            let odd = |letter: char| letter == ':' || letter.is_control();
            if text(desired, name).is_some_and(|given| given.contains(odd)) {
                problems.push(wrong(
                    name,
                    "It holds a colon or a control character, which /etc/passwd cannot.".to_owned(),
                ));
            }
        }
        problems.extend(end::check(desired, end::WITHOUT_RESTORE));
        problems
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        &[("name", "Users are known by their names, in every plan and in the state.")]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        text(desired, "name").map(|name| format!("user:{name}"))
    }

    fn accounts(&self, desired: &Value) -> Accounts {
        let named = |text: &str| Account::name(text).map(Account::Group);
        let groups = desired.get("groups").filter(|groups| !groups.has_sensitive()).and_then(Value::as_list);
        let groups =
            groups.into_iter().flatten().filter_map(|group| Some(("groups", named(group.as_str()?)?)));
        Account::of(desired, "group", Account::Group).into_iter().chain(groups).collect()
    }

    fn fields(&self) -> &'static [&'static str] {
        &["name", "uid", "group", "groups", "shell", "home", "comment"]
    }

    fn settings(&self) -> &'static [&'static str] {
        &["system", "create_home", "remove_home", "on_destroy"]
    }

    /// The order of groups does not matter, nor that its own one is among them.
    fn same(&self, name: &str, wanted: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> bool {
        if name != "groups" {
            return unchanged(there.attributes.get(name), Some(wanted), keyed);
        }
        let own = text(&there.attributes, "group");
        let names = |value: &Value| -> BTreeSet<String> {
            let names = value.as_list().unwrap_or_default().iter().filter_map(Value::as_str);
            names.filter(|name| Some(*name) != own).map(str::to_owned).collect()
        };
        there.attributes.get(name).is_some_and(|there| names(there) == names(wanted))
    }

    fn keeps(&self, fields: &[FieldChange]) -> bool {
        !touches(fields, &["uid", "home"])
    }

    fn computed(&self, there: Option<&Observation>) -> Vec<(&'static str, Value)> {
        let found = |name: &str, ty| match there {
            Some(there) => there.attributes.get(name).cloned().unwrap_or_else(Value::null),
            None => Value::unknown(ty),
        };
        vec![("assigned_uid", found("uid", Type::Number)), ("home_path", found("home", Type::String))]
    }

    fn taken_over(&self, _: &Value, _: &Observation) -> Vec<String> {
        vec!["The user is there already and is taken over; it stays at the end.".to_owned()]
    }

    fn ends(&self, record: &Record, there: &Observation) -> Vec<String> {
        let notes = origin::ends(record, "user");
        let home = text(&there.attributes, "home").unwrap_or_default();
        match notes.is_empty() {
            true if flag(&record.attributes, "remove_home") => {
                vec![format!("Its home {home} goes with all that is in it (remove_home = true).")]
            }
            true => vec![format!("Its home {home} stays, if it has one (remove_home = false).")],
            false => notes,
        }
    }
}

impl Native for User {
    fn library(&self) -> &'static str {
        LIBRARY
    }

    fn sight(&self, subject: &Value) -> Vec<String> {
        vec!["see_user".to_owned(), text(subject, "name").unwrap_or_default().to_owned()]
    }

    fn there(
        &self,
        subject: &Value,
        records: &[answer::Record],
        _: &Promises,
    ) -> Result<Option<There>, ProviderError> {
        let Some(record) = records.iter().find(|record| record.kind == "user") else { return Ok(None) };
        let members = records.iter().filter(|record| record.kind == "member").map(|record| record.field(0));
        let groups: BTreeSet<&str> = members.filter(|group| *group != record.field(2)).collect();
        let word = |position| Value::string(record.field(position));
        let attributes = [
            ("name", subject.get("name").cloned().unwrap_or_else(Value::null)),
            ("uid", record.field(0).parse::<u32>().map_or_else(|_| Value::null(), Value::number)),
            ("group", word(2)),
            ("groups", Value::list(groups.into_iter().map(Value::string))),
            ("home", word(3)),
            ("shell", word(4)),
            ("comment", word(5)),
        ];
        let attributes = Value::object(attributes.map(|(name, value)| (name.to_owned(), value)));
        Ok(Some(There { attributes, detail: json!({}) }))
    }

    fn make(&self, _: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
        let name = text(desired, "name").ok_or_else(|| missing("name"))?;
        let uid = desired.get("uid").and_then(id).map(|uid| uid.to_string()).unwrap_or_default();
        let word = |name| text(desired, name).unwrap_or_default();
        let switch = |on: bool| if on { "1" } else { "0" };
        let groups = given(desired, "groups").and_then(Value::as_list);
        let joined: Vec<_> = groups.into_iter().flatten().filter_map(Value::as_str).collect();
        let variables = variables(&[
            ("name", name),
            ("uid", &uid),
            ("group", word("group")),
            ("groups", &joined.join(" ")),
            ("has_groups", switch(groups.is_some())),
            ("shell", word("shell")),
            ("home", word("home")),
            ("comment", word("comment")),
            ("has_comment", switch(text(desired, "comment").is_some())),
            ("system", switch(flag(desired, "system"))),
            ("create_home", switch(flag(desired, "create_home"))),
        ]);
        Ok(variables + "make_user\n")
    }

    fn unmake(&self, request: &PerformRequest, recorded: &Value) -> String {
        let Some(name) = text(recorded, "name").filter(|_| origin::goes(request.record.as_deref(), recorded))
        else {
            return String::new();
        };
        let home = u8::from(flag(recorded, "remove_home"));
        format!("{}unmake_user {home}\n", variables(&[("name", name)]))
    }

    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
        origin::remember(request, before)
    }

    fn problem(&self, request: &PerformRequest, problem: &str, what: &str) -> ProviderError {
        failed(request, problem, what)
    }
}
