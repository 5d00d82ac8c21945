//! `data "kube_object"` and `data "kube_objects"`: what is asked for, and what becomes of the answer.

use meshform_engine::diagnostic::Severity;
use meshform_engine::ports::{ErrorCode, Problem, ProviderError, ReadItem};
use meshform_engine::value::{Path, Value};
use serde_json::Value as Json;

use crate::attributes::live_object;
use crate::catalog::{Catalog, Resource};
use crate::identity::{ObjectName, TypeName};
use crate::request::Selection;
use crate::schema::OBJECTS;

/// The arguments that say what is looked up. They stand in requests and messages.
const TEXTS: [&str; 6] = ["api_version", "kind", "name", "namespace", "label_selector", "field_selector"];

/// One look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LookUp<'a> {
    /// The kind, at exactly this version.
    pub(crate) of_type: TypeName,
    namespace: Option<&'a str>,
    /// Which objects of it.
    pub(crate) wanted: Wanted<'a>,
}

/// Which objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    /// The one of this name.
    One {
        /// The name.
        name: &'a str,
        /// Whether it may be missing.
        optional: bool,
    },
    /// All of a selection.
    All(Selection<'a>),
}

/// Why a kind cannot be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotServed {
    /// There is no such kind.
    Kind(ProviderError),
    /// There is, but not at this version.
    Version(ProviderError),
}

/// What is wrong with a look-up's arguments, as far as they are known.
pub(crate) fn check(arguments: &Value) -> Vec<Problem> {
    let problem = |name: &&str| {
        let value = arguments.get(name).filter(|value| !value.is_null())?;
        let (summary, detail) = match value {
            value if value.is_sensitive() => (
                "A sensitive name",
                "What is looked up is told in every plan and message. Let only what is found be sensitive.",
            ),
            value if value.as_str().is_some_and(str::is_empty) => {
                ("An empty text", "It must not be empty. Leave it out where it does not apply.")
            }
            _ => return None,
        };
        let (summary, detail) = (summary.to_owned(), format!("`{name}` cannot be used. {detail}"));
        Some(Problem { severity: Severity::Error, summary, detail, path: Path::attribute(*name) })
    };
    TEXTS.iter().filter_map(problem).collect()
}

impl<'a> LookUp<'a> {
    /// What an item asks for.
    pub(crate) fn of(item: &'a ReadItem) -> Self {
        let text = |name: &str| item.arguments.get_str(name);
        let given = |name: &str| text(name).unwrap_or_default();
        let wanted = match item.kind == OBJECTS {
            true => {
                let (fields, labels) = (given("field_selector"), given("label_selector"));
                Wanted::All(Selection { fields, labels })
            }
            false => Wanted::One {
                name: given("name"),
                optional: item.arguments.get("optional").and_then(Value::as_bool) == Some(true),
            },
        };
        Self {
            of_type: TypeName::new(given("api_version"), given("kind")),
            namespace: text("namespace"),
            wanted,
        }
    }

    /// Where the kind is served.
    pub(crate) fn resource<'c>(&self, catalog: &'c Catalog) -> Result<&'c Resource, NotServed> {
        let of_type = &self.of_type;
        if let Some(resource) = catalog.find(of_type) {
            return Ok(resource);
        }
        let versions = catalog.versions(&of_type.group, &of_type.kind);
        let versions: Vec<_> = versions.iter().map(|resource| resource.of_type.api_version()).collect();
        if versions.is_empty() {
            let detail = format!(
                "The cluster does not serve {of_type}. Check `api_version` and `kind`. If something in this stack defines the kind, name \
                 that in `depends_on`."
            );
            return Err(NotServed::Kind(invalid("Kind not served", detail, "kind")));
        }
        let detail = format!(
            "The cluster does not serve {of_type}. It serves the kind as {}. Change `api_version`.",
            versions.join(", ")
        );
        Err(NotServed::Version(invalid("Kind not served", detail, "api_version")))
    }

    /// Where to list; empty for everywhere.
    pub(crate) fn list_namespace(&self, resource: &Resource) -> Result<&'a str, ProviderError> {
        match self.namespace {
            Some(_) if !resource.is_namespaced => Err(self.has_no_namespace()),
            namespace => Ok(namespace.unwrap_or_default()),
        }
    }

    /// The object of this name.
    pub(crate) fn object_name(&self, resource: &Resource, name: &str) -> Result<ObjectName, ProviderError> {
        let namespace = match (resource.is_namespaced, self.namespace) {
            (true, namespace) => namespace.unwrap_or("default"),
            (false, None) => "",
            (false, Some(_)) => return Err(self.has_no_namespace()),
        };
        Ok(ObjectName {
            group: self.of_type.group.clone(),
            kind: self.of_type.kind.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    fn has_no_namespace(&self) -> ProviderError {
        let detail = format!("A {} belongs to the whole cluster. Remove `namespace`.", self.of_type.kind);
        invalid("The kind has no namespace", detail, "namespace")
    }
}

/// There is no such object.
pub(crate) fn missing(name: &ObjectName) -> ProviderError {
    let detail = format!("There is no {name} in the cluster. Set `optional = true` if it may be missing.");
    invalid("Object missing", detail, "name")
}

/// The attributes of a look-up that has found these objects.
pub(crate) fn found(item: &ReadItem, look_up: &LookUp<'_>, objects: &[Json]) -> Value {
    let mut objects = objects.iter().map(|object| live_object(object, &[]));
    let (name, value) = match look_up.wanted {
        Wanted::One { .. } => ("object", objects.next().unwrap_or_else(Value::null)),
        Wanted::All(_) => ("objects", Value::list(objects)),
    };
    let mut fields = item.arguments.as_map().cloned().unwrap_or_default();
    fields.insert(name.to_owned(), value);
    Value::object(fields)
}

fn invalid(summary: &str, detail: String, attribute: &str) -> ProviderError {
    let path = Some(Path::attribute(attribute));
    ProviderError { code: ErrorCode::Invalid, summary: summary.to_owned(), detail, path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::types::Type;
    use meshform_engine::value::from_json;
    use serde_json::json;

    #[test]
    fn arguments_are_checked() {
        let check = |arguments: &[(&str, Value)], expect: &[&str]| {
            let arguments = arguments.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
            let found = super::check(&Value::object(arguments));
            assert_eq!(found.iter().map(|it| it.path.to_string()).collect::<Vec<_>>(), expect);
        };
        check(&[("api_version", "v1".into()), ("namespace", Value::null())], &[]);
        check(&[("name", Value::unknown(Type::String))], &[]);
        check(&[("name", "".into()), ("namespace", "".into())], &["name", "namespace"]);
        check(&[("label_selector", Value::string("a=b").sensitive())], &["label_selector"]);
    }

    #[test]
    fn names_and_scopes() {
        let version = json!({ "version": "v1", "resources": [
            { "resource": "gadgets", "scope": "Namespaced", "responseKind": { "kind": "Gadget" } },
            { "resource": "realms", "scope": "Cluster", "responseKind": { "kind": "Realm" } },
        ] });
        let list = json!({ "kind": "APIGroupDiscoveryList", "items": [{ "metadata": { "name": "x.io" }, "versions": [version] }] });
        let catalog = Catalog::parse(&[list]).unwrap();
        let check = |arguments: Json, expect: &str| {
            let item = ReadItem {
                address: meshform_engine::address::Address::new("kube_object", "x"),
                kind: "kube_object".into(),
                arguments: from_json(&arguments),
            };
            let look_up = LookUp::of(&item);
            let name = match look_up.resource(&catalog) {
                Ok(resource) => look_up.object_name(resource, "a").map(|name| name.identity()),
                Err(NotServed::Kind(error) | NotServed::Version(error)) => Err(error),
            };
            let shown = name.unwrap_or_else(|error| format!("{} {}", error.summary, error.path.unwrap()));
            assert_eq!(shown, expect, "{arguments}");
        };
        check(json!({ "api_version": "x.io/v1", "kind": "Gadget" }), "x.io/Gadget/default/a");
        check(json!({ "api_version": "x.io/v1", "kind": "Gadget", "namespace": "b" }), "x.io/Gadget/b/a");
        check(json!({ "api_version": "x.io/v1", "kind": "Realm" }), "x.io/Realm/a");
        let scoped = json!({ "api_version": "x.io/v1", "kind": "Realm", "namespace": "b" });
        check(scoped, "The kind has no namespace namespace");
        check(json!({ "api_version": "x.io/v2", "kind": "Realm" }), "Kind not served api_version");
        check(json!({ "api_version": "v1", "kind": "Realm" }), "Kind not served kind");
    }
}
