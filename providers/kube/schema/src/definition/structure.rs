//! Whether a schema is structural: every value has one place that says its type.

use serde_json::{Map, Value, json};

use super::text;
use crate::field_error::FieldError;
use crate::pattern;

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Field,
}

/// What must not be said within `anyOf` and its like, and how it is refused.
const NOT_NESTED: [(&str, &str); 11] = [
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
    ("x-kubernetes-embedded-resource", "must be false to be structural"),
    ("x-kubernetes-int-or-string", "must be false to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
    ("x-kubernetes-validations", "must be empty to be structural"),
];

/// Everything in which a schema is not structural, sorted as the server does.
pub(super) fn check(schema: &Value, at: &str, errors: &mut Vec<FieldError>) {
    let mut found = Vec::new();
    invariants(schema, Level::Root, at, &mut found);
    complete(schema, at, &mut found);
    found.sort_by_key(|error| format!("{}: {}", error.field, error.message));
    found.dedup();
    errors.extend(found);
}

pub(super) fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool).unwrap_or(false)
}

pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn invariants(schema: &Value, level: Level, at: &str, errors: &mut Vec<FieldError>) {
    let kind = text(schema, "/type");
    match schema.get("items") {
        Some(items) => invariants(items, Level::Item, &format!("{at}.items"), errors),
        None if kind == "array" => {
            errors.push(FieldError::required(format!("{at}.items"), "must be specified"))
        }
        None => {}
    }
    for (name, property) in properties(schema) {
        invariants(property, Level::Field, &format!("{at}.properties[{name}]"), errors);
    }
    if let Some(values) = schema.get("additionalProperties") {
        let at = format!("{at}.additionalProperties");
        if level == Level::Root {
            errors.push(FieldError::forbidden(at.clone(), "must not be used at the root"));
        }
        if values.is_object() {
            invariants(values, Level::Field, &at, errors);
        }
    }
    extensions(schema, at, errors);
    junctors(schema, at, errors);
    typed(schema, level, at, errors);
    resource(schema, level, at, errors);
}

fn extensions(schema: &Value, at: &str, errors: &mut Vec<FieldError>) {
    if flag(schema, "x-kubernetes-int-or-string") {
        for name in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
            if flag(schema, name) {
                let detail = "must be false if x-kubernetes-int-or-string is true";
                errors.push(FieldError::invalid(format!("{at}.{name}"), &json!(true), detail));
            }
        }
    }
}

fn typed(schema: &Value, level: Level, at: &str, errors: &mut Vec<FieldError>) {
    let kind = text(schema, "/type");
    let at_type = format!("{at}.type");
    let is_embedded = flag(schema, "x-kubernetes-embedded-resource");
    if is_embedded && kind != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(match kind {
            "" => FieldError::required(at_type.clone(), detail),
            _ => FieldError::invalid(at_type.clone(), &json!(kind), detail),
        });
    } else if kind.is_empty()
        && !flag(schema, "x-kubernetes-int-or-string")
        && !flag(schema, "x-kubernetes-preserve-unknown-fields")
    {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(FieldError::required(at_type.clone(), detail));
    }
    if is_embedded && schema.get("additionalProperties").is_some() {
        let detail = "must not be used if x-kubernetes-embedded-resource is set";
        errors.push(FieldError::forbidden(format!("{at}.additionalProperties"), detail));
    }
    if level == Level::Root && !matches!(kind, "" | "object") {
        errors.push(FieldError::invalid(at_type, &json!(kind), "must be object at the root"));
    }
}

/// What is said of the metadata that every object has.
fn resource(schema: &Value, level: Level, at: &str, errors: &mut Vec<FieldError>) {
    let is_embedded = flag(schema, "x-kubernetes-embedded-resource");
    let is_resource = level == Level::Root || is_embedded;
    let property = |name: &str| schema.get("properties").and_then(|properties| properties.get(name));
    for name in ["kind", "apiVersion"] {
        let kind = property(name).map(|schema| text(schema, "/type"));
        if let Some(kind) = kind.filter(|kind| is_resource && *kind != "string") {
            let at = format!("{at}.properties[{name}].type");
            errors.push(FieldError::invalid(at, &json!(kind), "must be string"));
        }
    }
    if let Some(metadata) = property("metadata") {
        let at = format!("{at}.properties[metadata]");
        let kind = text(metadata, "/type");
        if is_resource && kind != "object" {
            errors.push(FieldError::invalid(format!("{at}.type"), &json!(kind), "must be object"));
        }
        if level == Level::Root && says_more_than_names(metadata) {
            let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
            errors.push(FieldError::forbidden(at, detail));
        }
    }
    let is_hollow =
        properties(schema).next().is_none() && !flag(schema, "x-kubernetes-preserve-unknown-fields");
    if is_embedded && is_hollow {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without \
                      x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(format!("{at}.properties"), detail));
    }
}

fn says_more_than_names(metadata: &Value) -> bool {
    let empty = Map::new();
    let keywords = metadata.as_object().unwrap_or(&empty).iter();
    let mut others = keywords.filter(|(name, value)| match name.as_str() {
        "type" | "default" => false,
        "properties" => !value
            .as_object()
            .is_some_and(|all| all.keys().all(|name| name == "name" || name == "generateName")),
        _ => true,
    });
    others.next().is_some()
}

/// `anyOf` and its like, which say more of values whose type is said elsewhere.
fn junctors(schema: &Value, at: &str, errors: &mut Vec<FieldError>) {
    for junctor in ["anyOf", "allOf", "oneOf"] {
        let schemas = super::list_of(schema, junctor);
        for (index, nested) in schemas.iter().enumerate() {
            let at = format!("{at}.{junctor}[{index}]");
            let is_exempt = match junctor {
                "anyOf" => is_int_or_string(schema),
                "allOf" => index == 0 && is_int_or_string(nested),
                _ => false,
            };
            if !(is_exempt && junctor == "anyOf") {
                says_no_type(nested, is_exempt, &at, errors);
            }
        }
    }
    if let Some(not) = schema.get("not") {
        says_no_type(not, false, &format!("{at}.not"), errors);
    }
    let pattern = text(schema, "/pattern");
    if !pattern.is_empty() && pattern::compiled(pattern).is_none() {
        let detail = "must be a valid regular expression, but isn't: error parsing regexp";
        errors.push(FieldError::invalid(format!("{at}.pattern"), &json!(pattern), detail));
    }
}

/// The one place where a type may be said twice.
fn is_int_or_string(schema: &Value) -> bool {
    schema.get("anyOf") == Some(&json!([{ "type": "integer" }, { "type": "string" }]))
}

fn says_no_type(schema: &Value, is_exempt: bool, at: &str, errors: &mut Vec<FieldError>) {
    if !is_exempt {
        junctors(schema, at, errors);
    }
    if let Some(items) = schema.get("items") {
        says_no_type(items, false, &format!("{at}.items"), errors);
    }
    for (name, property) in properties(schema) {
        says_no_type(property, false, &format!("{at}.properties[{name}]"), errors);
    }
    for (name, detail) in NOT_NESTED {
        let said = schema.get(name).filter(|value| !matches!(value, Value::Null | Value::Bool(false)));
        if said.is_some_and(|value| value != "" && value != &json!([])) {
            errors.push(FieldError::forbidden(format!("{at}.{name}"), detail));
        }
    }
    if schema.pointer("/properties/metadata").is_some() {
        let detail = "must not be specified in a nested context";
        errors.push(FieldError::forbidden(format!("{at}.properties[metadata]"), detail));
    }
}

/// What `anyOf` and its like say something of is declared outside of them, too.
fn complete(schema: &Value, at: &str, errors: &mut Vec<FieldError>) {
    for junctor in ["anyOf", "allOf", "oneOf"] {
        for (index, nested) in super::list_of(schema, junctor).iter().enumerate() {
            complement(nested, Some(schema), &format!("{at}.{junctor}[{index}]"), at, errors);
        }
    }
    if let Some(not) = schema.get("not") {
        complement(not, Some(schema), &format!("{at}.not"), at, errors);
    }
    if let Some(items) = schema.get("items") {
        complete(items, &format!("{at}.items"), errors);
    }
    for (name, property) in properties(schema) {
        complete(property, &format!("{at}.properties[{name}]"), errors);
    }
    if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
        complete(values, &format!("{at}.additionalProperties"), errors);
    }
}

fn complement(nested: &Value, of: Option<&Value>, from: &str, at: &str, errors: &mut Vec<FieldError>) {
    let Some(of) = of else {
        let detail = format!("because it is defined in {from}");
        return errors.push(FieldError::required(at, &detail));
    };
    if let Some(items) = nested.get("items") {
        complement(items, of.get("items"), &format!("{from}.items"), &format!("{at}.items"), errors);
    }
    for (name, property) in properties(nested) {
        let declared = of.get("properties").and_then(|all| all.get(name));
        let step = format!("properties[{name}]");
        complement(property, declared, &format!("{from}.{step}"), &format!("{at}.{step}"), errors);
    }
    for junctor in ["anyOf", "allOf", "oneOf"] {
        for (index, inner) in super::list_of(nested, junctor).iter().enumerate() {
            complement(inner, Some(of), &format!("{from}.{junctor}[{index}]"), at, errors);
        }
    }
    if let Some(not) = nested.get("not") {
        complement(not, Some(of), &format!("{from}.not"), at, errors);
    }
}
