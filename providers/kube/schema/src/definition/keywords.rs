//! What the keywords of a schema may say, and what none may say.

use serde_json::{Value, json};

use super::structure::{flag, properties};
use super::{expressions, list_of, text};
use crate::field_error::FieldError;
use crate::types::TypeRef;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const META_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Everything that is wrong with the keywords of a schema and, where `rules_can_be_told`, with its rules.
pub(super) fn check(schema: &Value, root: TypeRef<'_>, at: &str, rules_can_be_told: bool) -> Vec<FieldError> {
    let mut walk = Walk { keywords: Vec::new(), rules: Vec::new() };
    let place = Place { ty: rules_can_be_told.then_some(root), is_root: true, ..Place::default() };
    walk.schema(schema, at, &place);
    walk.keywords.extend(walk.rules);
    walk.keywords
}

/// Where a schema stands.
#[derive(Clone, Default)]
struct Place<'t> {
    /// The type that rules see; `None` where none are asked.
    ty: Option<TypeRef<'t>>,
    is_root: bool,
    is_within_metadata: bool,
    /// Why there may be no defaults.
    no_defaults: Option<String>,
    /// The list or map in which what was there before cannot be told.
    uncorrelated: Option<String>,
}

struct Walk {
    keywords: Vec<FieldError>,
    rules: Vec<FieldError>,
}

impl Walk {
    fn schema(&mut self, schema: &Value, at: &str, place: &Place<'_>) {
        let before = self.keywords.len();
        self.forbidden(schema, at, place);
        self.below(schema, at, place);
        extensions(schema, at, &mut self.keywords);
        list_type(schema, at, &mut self.keywords);
        map_list(schema, at, &mut self.keywords);
        expressions::check_fields(schema, at, &mut self.keywords);
        // What is wrong with the schema itself would show as mistakes of its rules.
        if let Some(ty) = place.ty.filter(|_| self.keywords.len() == before) {
            expressions::check(ty, at, place.uncorrelated.as_deref(), &mut self.rules);
        }
    }

    fn forbidden(&mut self, schema: &Value, at: &str, place: &Place<'_>) {
        let kind = text(schema, "/type");
        if !kind.is_empty() && !TYPES.contains(&kind) {
            let allowed = TYPES.map(Value::from);
            self.keywords.push(FieldError::unsupported(format!("{at}.type"), &json!(kind), &allowed));
        }
        if let Some(why) = place.no_defaults.as_ref().filter(|_| schema.get("default").is_some()) {
            self.keywords
                .push(FieldError::forbidden(format!("{at}.default"), &format!("must not be set {why}")));
        }
        for name in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
            if schema.get(name).is_some_and(|value| !value.is_null()) {
                self.keywords
                    .push(FieldError::forbidden(format!("{at}.{name}"), &format!("{name} is not supported")));
            }
        }
        let mut forbid = |name: &str, detail: &str| {
            self.keywords.push(FieldError::forbidden(format!("{at}.{name}"), detail));
        };
        if kind == "null" {
            forbid("type", "type cannot be set to null, use nullable as an alternative");
        }
        if schema.get("items").is_some_and(Value::is_array) {
            forbid("items", "items must be a schema object and not an array");
        }
        if place.is_within_metadata && flag(schema, "x-kubernetes-embedded-resource") {
            forbid("x-kubernetes-embedded-resource", "must not be used inside of resource meta");
        }
        if flag(schema, "uniqueItems") {
            forbid(
                "uniqueItems",
                "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
            );
        }
        let has_properties = properties(schema).next().is_some();
        if has_properties && schema.get("additionalProperties").is_some_and(|values| *values != json!(true)) {
            forbid("additionalProperties", "additionalProperties and properties are mutual exclusive");
        }
    }

    fn below(&mut self, schema: &Value, at: &str, place: &Place<'_>) {
        let inner = Place { is_root: false, ..place.clone() };
        if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
            let mut inner = Place { ty: place.ty.and_then(|ty| ty.value("")), ..inner.clone() };
            if place.is_within_metadata {
                inner.no_defaults =
                    Some("inside additionalProperties applying to object metadata".to_owned());
            }
            self.schema(values, &format!("{at}.additionalProperties"), &inner);
        }
        let is_resource = place.is_root || flag(schema, "x-kubernetes-embedded-resource");
        for (name, property) in properties(schema) {
            let mut inner = Place { ty: place.ty.and_then(|ty| ty.value(name)), ..inner.clone() };
            if is_resource && META_FIELDS.contains(&name.as_str()) {
                inner.is_within_metadata = true;
                if place.is_root {
                    inner.no_defaults = Some(format!("in top-level {name}"));
                }
            }
            self.schema(property, &format!("{at}.properties[{name}]"), &inner);
        }
        let no_rules = Place { ty: None, ..inner.clone() };
        for junctor in ["allOf", "oneOf", "anyOf"] {
            for (index, nested) in list_of(schema, junctor).iter().enumerate() {
                self.schema(nested, &format!("{at}.{junctor}[{index}]"), &no_rules);
            }
        }
        if let Some(not) = schema.get("not") {
            self.schema(not, &format!("{at}.not"), &no_rules);
        }
        if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
            let mut inner = Place { ty: place.ty.map(TypeRef::item), ..inner };
            if text(schema, "/x-kubernetes-list-type") != "map" {
                inner.uncorrelated.get_or_insert_with(|| at.to_owned());
            }
            self.schema(items, &format!("{at}.items"), &inner);
        }
    }
}

fn extensions(schema: &Value, at: &str, errors: &mut Vec<FieldError>) {
    const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
    if schema.get(PRESERVE) == Some(&json!(false)) {
        errors.push(FieldError::invalid(
            format!("{at}.{PRESERVE}"),
            &json!(false),
            "must be true or undefined",
        ));
    }
    for (name, wanted, allowed) in [
        ("x-kubernetes-map-type", "object", &["atomic", "granular"][..]),
        ("x-kubernetes-list-type", "array", &["atomic", "set", "map"][..]),
    ] {
        let Some(given) = schema.get(name).and_then(Value::as_str) else { continue };
        let kind = text(schema, "/type");
        let detail = format!("must be {wanted} if {name} is specified");
        if kind.is_empty() {
            errors.push(FieldError::required(format!("{at}.type"), &detail));
        } else if kind != wanted {
            errors.push(FieldError::invalid(format!("{at}.type"), &json!(kind), &detail));
        }
        if !allowed.contains(&given) {
            let mut allowed: Vec<Value> = allowed.iter().map(|name| json!(name)).collect();
            allowed.sort_by_key(Value::to_string);
            errors.push(FieldError::unsupported(format!("{at}.{name}"), &json!(given), &allowed));
        }
    }
}

/// Lists as sets and maps: their items can be told apart.
fn list_type(schema: &Value, at: &str, errors: &mut Vec<FieldError>) {
    let kind = text(schema, "/x-kubernetes-list-type");
    let Some(items) = schema.get("items").filter(|items| items.is_object()) else { return };
    if kind == "set" && text(schema, "/type") == "array" {
        let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
        let own = items.get("x-kubernetes-list-type").unwrap_or(&Value::Null);
        match text(items, "/type") {
            "array" if !own.is_null() && own != "atomic" => {
                errors.push(FieldError::invalid(format!("{at}.items.x-kubernetes-list-type"), own, detail));
            }
            "object" if text(items, "/x-kubernetes-map-type") != "atomic" => {
                errors.push(FieldError::invalid(format!("{at}.items.x-kubernetes-map-type"), own, detail));
            }
            _ => {}
        }
    }
    if matches!(kind, "set" | "map") && flag(items, "nullable") {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {kind}");
        errors.push(FieldError::forbidden(format!("{at}.items.nullable"), &detail));
    }
}

fn map_list(schema: &Value, at: &str, errors: &mut Vec<FieldError>) {
    const KEYS: &str = "x-kubernetes-list-map-keys";
    let keys = list_of(schema, KEYS);
    let kind = schema.get("x-kubernetes-list-type").and_then(Value::as_str);
    if kind != Some("map") {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        let at = format!("{at}.x-kubernetes-list-type");
        match kind {
            _ if keys.is_empty() => {}
            None => errors.push(FieldError::required(at, detail)),
            Some(kind) => errors.push(FieldError::invalid(at, &json!(kind), detail)),
        }
        return;
    }
    if keys.is_empty() {
        let detail = "must not be empty if x-kubernetes-list-type is map";
        errors.push(FieldError::required(format!("{at}.{KEYS}"), detail));
    }
    let Some(items) = schema.get("items") else {
        let detail = "must have a schema if x-kubernetes-list-type is map";
        return errors.push(FieldError::required(format!("{at}.items"), detail));
    };
    let item_type = text(items, "/type");
    if item_type != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        return errors.push(FieldError::invalid(format!("{at}.items.type"), &json!(item_type), detail));
    }
    for (index, key) in keys.iter().enumerate() {
        let name = key.as_str().unwrap_or_default();
        let mut refuse =
            |detail: &str| errors.push(FieldError::invalid(format!("{at}.{KEYS}"), &json!(keys), detail));
        let Some(property) = items.get("properties").and_then(|all| all.get(name)) else {
            refuse("entries must all be names of item properties");
            continue;
        };
        if keys.iter().take(index).any(|other| other == key) {
            refuse("must not contain duplicate entries");
        }
        map_key(items, name, property, &format!("{at}.items.properties[{name}]"), errors);
    }
}

fn map_key(items: &Value, name: &str, property: &Value, at: &str, errors: &mut Vec<FieldError>) {
    if matches!(text(property, "/type"), "array" | "object") {
        let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
        errors.push(FieldError::invalid(format!("{at}.type"), &json!("object"), detail));
    }
    let is_required = list_of(items, "required").iter().any(|required| required == name);
    if !is_required && property.get("default").is_none() {
        let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
        errors.push(FieldError::required(format!("{at}.default"), detail));
    }
    if flag(property, "nullable") {
        let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
        errors.push(FieldError::forbidden(format!("{at}.nullable"), detail));
    }
}
