//! CustomResourceDefinitions, and the values of custom resources.

use serde_json::{Value, json};

use super::is_dns_subdomain;
use crate::kube::object::{self, child, flag, list, put_default, text};
use crate::kube::pattern;
use crate::kube::status::FieldError;
use crate::kube::types::{Rules, Scalar, Shape, TypeRef};

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

/// Everything in which a custom object breaks its schema.
pub(crate) fn validate_schema_value(ty: TypeRef<'_>, value: &Value, at: &str, errors: &mut Vec<FieldError>) {
    if let Some(expected) = wrong_type(ty, value) {
        let got = type_name(value);
        let detail = format!("{at} in body must be of type {expected}: {got:?}");
        errors.push(FieldError::type_invalid(at, &format!("{got:?}"), &detail));
        return;
    }
    if let Some(rules) = &ty.node().rules {
        check_rules(rules, value, at, errors);
    }
    match value {
        Value::Object(fields) => {
            for required in ty.node().required.iter().filter(|name| !fields.contains_key(*name)) {
                errors.push(FieldError::required(join(at, required), ""));
            }
            for (name, field) in fields {
                if let Some(below) = ty.value(name) {
                    validate_schema_value(below, field, &join(at, name), errors);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                validate_schema_value(ty.item(), item, &format!("{at}[{index}]"), errors);
            }
        }
        _ => {}
    }
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

fn wrong_type(ty: TypeRef<'_>, value: &Value) -> Option<&'static str> {
    if value.is_null() {
        return (!ty.node().nullable && !matches!(ty.shape(), Shape::Any)).then(|| shape_name(ty));
    }
    let fits = match ty.shape() {
        Shape::Any => true,
        Shape::Map(_) => value.is_object(),
        Shape::List { .. } => value.is_array(),
        Shape::Scalar(Scalar::Integer) => value.is_i64() || value.is_u64(),
        Shape::Scalar(Scalar::Number) => value.is_number(),
        Shape::Scalar(Scalar::Boolean) => value.is_boolean(),
        Shape::Scalar(Scalar::IntOrString | Scalar::Quantity) => value.is_number() || value.is_string(),
        Shape::Scalar(_) => value.is_string(),
    };
    (!fits).then(|| shape_name(ty))
}

fn shape_name(ty: TypeRef<'_>) -> &'static str {
    match ty.shape() {
        Shape::Any | Shape::Map(_) => "object",
        Shape::List { .. } => "array",
        Shape::Scalar(Scalar::Integer) => "integer",
        Shape::Scalar(Scalar::Number) => "number",
        Shape::Scalar(Scalar::Boolean) => "boolean",
        Shape::Scalar(Scalar::IntOrString | Scalar::Quantity) => "integer,string",
        Shape::Scalar(_) => "string",
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn check_rules(rules: &Rules, value: &Value, at: &str, errors: &mut Vec<FieldError>) {
    if !rules.allowed.is_empty() && !rules.allowed.contains(value) {
        errors.push(FieldError::unsupported(at, value, &rules.allowed));
    }
    let mut refuse = |detail: String| errors.push(FieldError::invalid(at, value, &detail));
    if let Some(number) = value.as_f64() {
        check_number(rules, number, at, &mut refuse);
    }
    match value {
        Value::String(string) => {
            if let Some(regex) = rules.pattern.as_deref().filter(|regex| !pattern::matches(regex, string)) {
                refuse(format!("{at} in body should match '{regex}'"));
            }
            let length = string.chars().count() as u64;
            if let Some(least) = rules.min_length.filter(|least| length < *least) {
                refuse(format!("{at} in body should be at least {least} chars long"));
            }
            if let Some(most) = rules.max_length.filter(|most| length > *most) {
                errors.push(FieldError::too_long(at, most));
            }
        }
        Value::Array(items) => {
            let length = items.len() as u64;
            if let Some(least) = rules.min_items.filter(|least| length < *least) {
                refuse(format!("{at} in body should have at least {least} items"));
            }
            if let Some(most) = rules.max_items.filter(|most| length > *most) {
                errors.push(FieldError::too_many(at, items.len(), most));
            }
        }
        Value::Object(fields) => {
            let length = fields.len() as u64;
            if let Some(least) = rules.min_properties.filter(|least| length < *least) {
                refuse(format!("{at} in body should have at least {least} properties"));
            }
            if let Some(most) = rules.max_properties.filter(|most| length > *most) {
                refuse(format!("{at} in body should have at most {most} properties"));
            }
        }
        _ => {}
    }
}

fn check_number(rules: &Rules, number: f64, at: &str, refuse: &mut impl FnMut(String)) {
    if let Some(least) = rules.minimum {
        match (rules.exclusive_minimum, number) {
            (true, number) if number <= least => {
                refuse(format!("{at} in body should be greater than {least}"))
            }
            (false, number) if number < least => {
                refuse(format!("{at} in body should be greater than or equal to {least}"));
            }
            _ => {}
        }
    }
    if let Some(most) = rules.maximum {
        match (rules.exclusive_maximum, number) {
            (true, number) if number >= most => refuse(format!("{at} in body should be less than {most}")),
            (false, number) if number > most => {
                refuse(format!("{at} in body should be less than or equal to {most}"));
            }
            _ => {}
        }
    }
    if let Some(step) = rules.multiple_of.filter(|step| *step > 0.0)
        && (number / step).fract().abs() > f64::EPSILON
    {
        refuse(format!("{at} in body should be a multiple of {step}"));
    }
}
