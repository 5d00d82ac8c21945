//! What all resources have in common that are looked at, compared attribute by attribute, and changed in place.
//!
//! A type says what its attributes are ([`Managed`]), and either how a shell looks at it and changes it ([`Native`]), or how it is found in
//! and put into the text of a file ([`Text`]). The difference is the same for all.

mod difference;
pub(crate) mod end;
mod native;
pub(crate) mod origin;
mod text;

use meshform_engine::address::Address;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Observation, Problem};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::value::{Fingerprinter, PathStep, Value};

pub(crate) use self::native::{Native, OnHost, There, missing};
pub(crate) use self::text::{InText, Subject, Text, shared};
use crate::account::Accounts;
use crate::attributes::{change, given, present, unchanged};

/// A resource type whose instances are compared attribute by attribute.
pub(crate) trait Managed: Sync {
    /// Its name in HCL.
    fn name(&self) -> &'static str;

    /// What its block may contain.
    fn attributes(&self) -> Vec<Attribute>;

    /// What is wrong with its values, as far as they are known.
    fn check(&self, desired: &Value) -> Vec<Problem>;

    /// What is shown or stored as it is and so must not be sensitive, with the reason in sentences.
    fn exposed(&self) -> &'static [(&'static str, &'static str)];

    /// What an instance is on its host, once that is known.
    fn identity(&self, address: &Address, desired: &Value) -> Option<String>;

    /// The users and groups that have to be there for it.
    fn accounts(&self, _: &Value) -> Accounts {
        Accounts::new()
    }

    /// The attributes that the host holds, the first of which stands for the whole.
    fn fields(&self) -> &'static [&'static str];

    /// The attributes that only the record holds.
    fn settings(&self) -> &'static [&'static str] {
        &["on_destroy"]
    }

    /// Whether what is there is as this attribute, which is known, wants it.
    fn same(&self, name: &str, wanted: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> bool {
        unchanged(there.attributes.get(name), Some(wanted), keyed)
    }

    /// How what is there differs from what is wanted.
    fn changes(&self, desired: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> Vec<FieldChange> {
        let wanted = self.fields().iter().filter_map(|name| Some((*name, given(desired, name)?)));
        let differs =
            |(name, wanted): &(&str, &Value)| has_unknown(wanted) || !self.same(name, wanted, there, keyed);
        let show = |(name, wanted): (&'static str, &Value)| {
            change(name, present(there.attributes.get(name)), Some(wanted.clone()))
        };
        wanted.filter(differs).map(show).collect()
    }

    /// How what is there differs from what is recorded, as [`Self::changes`] tells it.
    fn drifted(&self, recorded: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> Vec<FieldChange> {
        self.changes(recorded, there, keyed)
    }

    /// What was put there by an earlier configuration and goes, as it is not wanted any more.
    fn leaving(&self, _: &Record, _: &Value, _: &Observation) -> Vec<FieldChange> {
        Vec::new()
    }

    /// Whether it has to be looked at again, now that all is known that is wanted.
    fn is_unseen(&self, _: &Value, _: &Observation) -> bool {
        false
    }

    /// What cannot be done with what is there.
    fn problems(&self, _: &Value, _: &Observation) -> Vec<Problem> {
        Vec::new()
    }

    /// What the reviewer should know when these fields change.
    fn remarks(&self, _: &Value, _: &Observation, _: &[FieldChange]) -> Vec<String> {
        Vec::new()
    }

    /// Whether a change of these fields leaves all as it is that only the host tells.
    fn keeps(&self, fields: &[FieldChange]) -> bool {
        fields.is_empty()
    }

    /// What only the host tells, once it is as wanted; unknown until then.
    fn computed(&self, _: Option<&Observation>) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// What the reviewer should know when something that is there already is taken over.
    fn taken_over(&self, desired: &Value, there: &Observation) -> Vec<String>;

    /// What the reviewer should know when something is made that is not there.
    fn made(&self, _: &Value) -> Vec<String> {
        Vec::new()
    }

    /// What becomes of it at the end, in sentences. `there` is what it is now.
    fn ends(&self, record: &Record, there: &Observation) -> Vec<String>;
}

/// Whether a value is known only after apply, wholly or in part. A fingerprint is a value that is known, but not to us.
pub(crate) fn has_unknown(value: &Value) -> bool {
    use meshform_engine::value::Kind;
    match value.kind() {
        Kind::Unknown(_) => true,
        Kind::Fingerprint(_) => false,
        _ => {
            value.as_list().is_some_and(|elements| elements.iter().any(has_unknown))
                || value.as_map().is_some_and(|entries| entries.values().any(has_unknown))
        }
    }
}

/// Whether one of these attributes changes.
pub(crate) fn touches(fields: &[FieldChange], names: &[&str]) -> bool {
    let is_named = |field: &FieldChange| {
        let attribute = field.path.0.first();
        names.iter().any(|name| attribute == Some(&PathStep::Attribute((*name).to_owned())))
    };
    fields.iter().any(is_named)
}

/// The remembered value of this name.
pub(crate) fn remembered<'a>(record: Option<&'a Record>, name: &str) -> Option<&'a serde_json::Value> {
    record?.private.get(name).filter(|value| !value.is_null())
}

/// What is there, with all marked that is sensitive where it is wanted or recorded.
pub(crate) fn marked_as(attributes: Value, wanted: Option<&Value>, recorded: Option<&Value>) -> Value {
    let Some(fields) = attributes.as_map() else { return attributes };
    let like = |name: &str| {
        [wanted, recorded].into_iter().flatten().filter_map(|one| one.get(name)).collect::<Vec<_>>()
    };
    let fields = fields.iter().map(|(name, value)| {
        let marked = like(name).into_iter().fold(value.clone(), marked_like);
        (name.clone(), marked)
    });
    Value::object(fields)
}

/// A value with the sensitive marks of another one of its shape.
fn marked_like(value: Value, like: &Value) -> Value {
    if like.is_sensitive() {
        return value.sensitive();
    }
    match (value.as_map(), like.as_map()) {
        (Some(entries), Some(others)) if like.has_sensitive() => {
            let mark = |(name, entry): (&String, &Value)| match others.get(name) {
                Some(other) => (name.clone(), marked_like(entry.clone(), other)),
                None => (name.clone(), entry.clone()),
            };
            Value::map(entries.iter().map(mark))
        }
        _ if like.has_sensitive() => value.sensitive(),
        _ => value,
    }
}
