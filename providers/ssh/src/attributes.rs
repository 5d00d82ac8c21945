//! Reading attributes that may be missing, null, unknown or sensitive.

use std::collections::BTreeMap;

use meshform_engine::plan::FieldChange;
use meshform_engine::value::{Fingerprinter, Path, Value};

/// An attribute's known text.
pub(crate) fn text<'a>(attributes: &'a Value, name: &str) -> Option<&'a str> {
    attributes.get_str(name)
}

/// Whether an attribute is known to be true.
pub(crate) fn flag(attributes: &Value, name: &str) -> bool {
    attributes.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// An attribute that is there and not null; it may be unknown.
pub(crate) fn given<'a>(attributes: &'a Value, name: &str) -> Option<&'a Value> {
    attributes.get(name).filter(|value| !value.is_null())
}

/// Whether an attribute's value is known only after apply, wholly or in part.
pub(crate) fn unknown(attributes: &Value, name: &str) -> bool {
    attributes.get(name).is_some_and(|value| !value.is_wholly_known())
}

/// Whether an attribute, or the whole, is sensitive, also in part.
pub(crate) fn sensitive(attributes: &Value, name: &str) -> bool {
    attributes.is_sensitive() || attributes.get(name).is_some_and(Value::has_sensitive)
}

/// Whether a recorded attribute still has the wanted value. Sensitive parts are compared by fingerprint; missing is null.
pub(crate) fn unchanged(recorded: Option<&Value>, wanted: Option<&Value>, keyed: &dyn Fingerprinter) -> bool {
    let null = Value::null();
    let (recorded, wanted) = (recorded.unwrap_or(&null), wanted.unwrap_or(&null));
    recorded.same(wanted) || recorded.redacted(keyed).same(&wanted.redacted(keyed))
}

/// The attributes with some of them replaced or added.
pub(crate) fn with(attributes: &Value, replaced: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut fields: BTreeMap<String, Value> = attributes.as_map().cloned().unwrap_or_default();
    fields.extend(replaced.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::object(fields).marked(attributes.is_sensitive())
}

/// One attribute's change.
pub(crate) fn change(name: &str, before: Option<Value>, after: Option<Value>) -> FieldChange {
    FieldChange { path: Path::attribute(name), before, after, forces_replace: false, owner: None }
}

/// The changes that making something anew shows: its attributes of these names that are given and not empty lists or maps.
pub(crate) fn created(attributes: &Value, names: &[&str]) -> Vec<FieldChange> {
    let is_empty = |value: &&Value| {
        value.as_list().is_some_and(<[Value]>::is_empty) || value.as_map().is_some_and(BTreeMap::is_empty)
    };
    let given = |name: &&str| {
        given(attributes, name)
            .filter(|value| !is_empty(value))
            .map(|value| change(name, None, Some(value.clone())))
    };
    names.iter().filter_map(given).collect()
}

/// A value that is not null.
pub(crate) fn present(value: Option<&Value>) -> Option<Value> {
    value.filter(|value| !value.is_null()).cloned()
}
