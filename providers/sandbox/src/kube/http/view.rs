//! An object as it is written out: in a version of its kind, and with its managed fields in the order of their paths.

use meshform_kube_schema::object::prune;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::kube::merge::PathElement;
use crate::kube::types::TypeRef;

/// An object as a version of its kind shows it, or (`bare`) as an item of a list.
pub(crate) struct View<'v> {
    pub(crate) object: &'v Value,
    pub(crate) api_version: &'v str,
    /// What of its fields is shown; all of them where it is nothing.
    pub(crate) schema: Option<TypeRef<'v>>,
    pub(crate) bare: bool,
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pruned = self.schema.map(|schema| prune(schema, self.object).object);
        let object = pruned.as_ref().unwrap_or(self.object);
        let Value::Object(fields) = object else { return object.serialize(serializer) };
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in fields {
            match key.as_str() {
                "apiVersion" | "kind" if self.bare => {}
                "apiVersion" => map.serialize_entry(key, self.api_version)?,
                "metadata" => map.serialize_entry(key, &Metadata(value))?,
                _ => map.serialize_entry(key, value)?,
            }
        }
        map.end()
    }
}

struct Metadata<'v>(&'v Value);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value::Object(fields) = self.0 else { return self.0.serialize(serializer) };
        let mut map = serializer.serialize_map(Some(fields.len()))?;
        for (key, value) in fields {
            match value {
                Value::Array(entries) if key == "managedFields" => {
                    let entries: Vec<Entry<'_>> = entries.iter().map(Entry).collect();
                    map.serialize_entry(key, &entries)?;
                }
                _ => map.serialize_entry(key, value)?,
            }
        }
        map.end()
    }
}

struct Entry<'v>(&'v Value);

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value::Object(fields) = self.0 else { return self.0.serialize(serializer) };
        let mut map = serializer.serialize_map(Some(fields.len()))?;
        for (key, value) in fields {
            match value {
                Value::Object(paths) if key == "fieldsV1" => map.serialize_entry(key, &Paths(paths))?,
                _ => map.serialize_entry(key, value)?,
            }
        }
        map.end()
    }
}

/// Steps of paths with what lies below them. Texts have the order of the steps, but for numbers: 80 comes before 443.
struct Paths<'v>(&'v Map<String, Value>);

impl Serialize for Paths<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut steps: Vec<(&String, &Value)> = self.0.iter().collect();
        let may_have_numbers = |key: &str| key.starts_with("k:") || key.starts_with("v:");
        if steps.len() > 1 && steps.iter().any(|(key, _)| may_have_numbers(key)) {
            steps.sort_by_cached_key(|(key, _)| PathElement::decode(key));
        }
        let mut map = serializer.serialize_map(Some(steps.len()))?;
        for (key, below) in steps {
            match below {
                Value::Object(below) => map.serialize_entry(key, &Paths(below))?,
                other => map.serialize_entry(key, other)?,
            }
        }
        map.end()
    }
}
