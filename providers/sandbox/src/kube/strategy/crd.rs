//! CustomResourceDefinitions.

use serde_json::{Value, json};

use super::is_dns_subdomain;
use crate::kube::object::{self, child, flag, list, put_default, text};
use crate::kube::status::FieldError;

pub(crate) fn default(definition: &mut Value) {
    let kind = text(definition, "/spec/names/kind").to_owned();
    let spec = child(definition, "spec");
    let names = child(spec, "names");
    if !kind.is_empty() {
        put_default(names, "singular", kind.to_lowercase());
        put_default(names, "listKind", format!("{kind}List"));
    }
    put_default(child(spec, "conversion"), "strategy", "None");
}

/// The versions that objects may be stored in.
pub(crate) fn stored_versions(definition: &Value) -> Value {
    let stored = list(definition, "/spec/versions").iter().filter(|version| flag(version, "/storage"));
    stored.map(|version| version["name"].clone()).collect()
}

pub(super) fn validate(definition: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    let (group, plural) = (text(definition, "/spec/group"), text(definition, "/spec/names/plural"));
    for (field, value) in [
        ("spec.group", group),
        ("spec.names.plural", plural),
        ("spec.names.kind", text(definition, "/spec/names/kind")),
        ("spec.scope", text(definition, "/spec/scope")),
    ] {
        if value.is_empty() {
            errors.push(FieldError::required(field, ""));
        }
    }
    let expected = format!("{plural}.{group}");
    let name = object::name(definition);
    if name != expected {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        errors.push(FieldError::invalid("metadata.name", &json!(name), detail));
    }
    if !group.is_empty() && (!is_dns_subdomain(group) || !group.contains('.')) {
        errors.push(FieldError::invalid(
            "spec.group",
            &json!(group),
            "should be a domain with at least one dot",
        ));
    }
    versions(definition, errors);
    let Some(live) = live else { return };
    for pointer in ["/spec/group", "/spec/scope", "/spec/names/plural", "/spec/names/kind"] {
        if live.pointer(pointer) != definition.pointer(pointer) {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            let value = definition.pointer(pointer).unwrap_or(&Value::Null);
            errors.push(FieldError::invalid(field, value, "field is immutable"));
        }
    }
}

fn versions(definition: &Value, errors: &mut Vec<FieldError>) {
    let versions = list(definition, "/spec/versions");
    let stored = versions.iter().filter(|version| flag(version, "/storage")).count();
    if stored != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", &definition["spec"]["versions"], detail));
    }
    for (index, version) in versions.iter().enumerate() {
        let at = format!("spec.versions[{index}].schema.openAPIV3Schema");
        match version.pointer("/schema/openAPIV3Schema") {
            None => errors.push(FieldError::required(at, "schemas are required")),
            Some(schema) if text(schema, "/type").is_empty() => {
                errors.push(FieldError::required(format!("{at}.type"), "must not be empty at the root"));
            }
            Some(schema) => structural(schema, &at, errors),
        }
    }
}

/// Every property needs a type, unless it is marked otherwise.
fn structural(schema: &Value, at: &str, errors: &mut Vec<FieldError>) {
    let untyped = text(schema, "/type").is_empty()
        && !flag(schema, "/x-kubernetes-int-or-string")
        && !flag(schema, "/x-kubernetes-preserve-unknown-fields");
    if untyped {
        errors.push(FieldError::required(
            format!("{at}.type"),
            "must not be empty for specified object fields",
        ));
    }
    if text(schema, "/x-kubernetes-list-type") == "map"
        && list(schema, "/x-kubernetes-list-map-keys").is_empty()
    {
        let detail = "must not be empty if x-kubernetes-list-type is map";
        errors.push(FieldError::required(format!("{at}.x-kubernetes-list-map-keys"), detail));
    }
    for (name, property) in object::map(schema, "/properties") {
        structural(property, &format!("{at}.properties[{name}]"), errors);
    }
    if let Some(items) = schema.get("items") {
        structural(items, &format!("{at}.items"), errors);
    }
    if let Some(values @ Value::Object(_)) = schema.get("additionalProperties") {
        structural(values, &format!("{at}.additionalProperties"), errors);
    }
}
