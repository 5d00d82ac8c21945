//! Values as Go writes the structs that the server keeps them in: that is how it shows the versions and rules that it refuses.

use serde_json::{Value, json};

use crate::rule::Validation;

/// How a field of a schema is written where it says nothing.
#[derive(Clone, Copy)]
enum Empty {
    Null,
    Text,
    False,
}

/// What a field holds.
#[derive(Clone, Copy, PartialEq)]
enum Holds {
    Value,
    Schema,
    Schemas,
    Named,
    SchemaOrArray,
    SchemaOrBool,
    Rules,
}

/// The fields of a schema in the order of Go's struct: Go's name, the name in JSON, how it is when empty, what it holds.
const FIELDS: [(&str, &str, Empty, Holds); 44] = [
    ("ID", "id", Empty::Text, Holds::Value),
    ("Schema", "$schema", Empty::Text, Holds::Value),
    ("Ref", "$ref", Empty::Null, Holds::Value),
    ("Description", "description", Empty::Text, Holds::Value),
    ("Type", "type", Empty::Text, Holds::Value),
    ("Nullable", "nullable", Empty::False, Holds::Value),
    ("Format", "format", Empty::Text, Holds::Value),
    ("Title", "title", Empty::Text, Holds::Value),
    ("Default", "default", Empty::Null, Holds::Value),
    ("Maximum", "maximum", Empty::Null, Holds::Value),
    ("ExclusiveMaximum", "exclusiveMaximum", Empty::False, Holds::Value),
    ("Minimum", "minimum", Empty::Null, Holds::Value),
    ("ExclusiveMinimum", "exclusiveMinimum", Empty::False, Holds::Value),
    ("MaxLength", "maxLength", Empty::Null, Holds::Value),
    ("MinLength", "minLength", Empty::Null, Holds::Value),
    ("Pattern", "pattern", Empty::Text, Holds::Value),
    ("MaxItems", "maxItems", Empty::Null, Holds::Value),
    ("MinItems", "minItems", Empty::Null, Holds::Value),
    ("UniqueItems", "uniqueItems", Empty::False, Holds::Value),
    ("MultipleOf", "multipleOf", Empty::Null, Holds::Value),
    ("Enum", "enum", Empty::Null, Holds::Value),
    ("MaxProperties", "maxProperties", Empty::Null, Holds::Value),
    ("MinProperties", "minProperties", Empty::Null, Holds::Value),
    ("Required", "required", Empty::Null, Holds::Value),
    ("Items", "items", Empty::Null, Holds::SchemaOrArray),
    ("AllOf", "allOf", Empty::Null, Holds::Schemas),
    ("OneOf", "oneOf", Empty::Null, Holds::Schemas),
    ("AnyOf", "anyOf", Empty::Null, Holds::Schemas),
    ("Not", "not", Empty::Null, Holds::Schema),
    ("Properties", "properties", Empty::Null, Holds::Named),
    ("AdditionalProperties", "additionalProperties", Empty::Null, Holds::SchemaOrBool),
    ("PatternProperties", "patternProperties", Empty::Null, Holds::Named),
    ("Dependencies", "dependencies", Empty::Null, Holds::Value),
    ("AdditionalItems", "additionalItems", Empty::Null, Holds::SchemaOrBool),
    ("Definitions", "definitions", Empty::Null, Holds::Named),
    ("ExternalDocs", "externalDocs", Empty::Null, Holds::Value),
    ("Example", "example", Empty::Null, Holds::Value),
    ("XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields", Empty::Null, Holds::Value),
    ("XEmbeddedResource", "x-kubernetes-embedded-resource", Empty::False, Holds::Value),
    ("XIntOrString", "x-kubernetes-int-or-string", Empty::False, Holds::Value),
    ("XListMapKeys", "x-kubernetes-list-map-keys", Empty::Null, Holds::Value),
    ("XListType", "x-kubernetes-list-type", Empty::Null, Holds::Value),
    ("XMapType", "x-kubernetes-map-type", Empty::Null, Holds::Value),
    ("XValidations", "x-kubernetes-validations", Empty::Null, Holds::Rules),
];

/// The versions of a definition; what they have alike is not theirs.
pub(super) fn versions(versions: &[Value], are_alike: impl Fn(&str) -> bool) -> String {
    let own = |version: &Value, part: &str| match version.get(part) {
        Some(value) if !are_alike(part) => value.clone(),
        _ => Value::Null,
    };
    let shown = versions.iter().map(|version| {
        let schema = match own(version, "schema") {
            Value::Null => "null".to_owned(),
            given => format!("{{\"OpenAPIV3Schema\":{}}}", schema(&given["openAPIV3Schema"])),
        };
        let flag = |name: &str| version.get(name).and_then(Value::as_bool).unwrap_or(false);
        format!(
            "{{\"Name\":{},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":{},\"Schema\":{schema},\
             \"Subresources\":{},\"AdditionalPrinterColumns\":{},\"SelectableFields\":{}}}",
            escaped(&version["name"]),
            flag("served"),
            flag("storage"),
            flag("deprecated"),
            escaped(version.get("deprecationWarning").unwrap_or(&Value::Null)),
            escaped(&own(version, "subresources")),
            escaped(&own(version, "additionalPrinterColumns")),
            escaped(&own(version, "selectableFields")),
        )
    });
    format!("[{}]", shown.collect::<Vec<_>>().join(","))
}

/// A rule of a definition.
pub(super) fn rule(rule: &Validation) -> String {
    let text = |given: &Option<String>| escaped(&json!(given.as_deref().unwrap_or_default()));
    format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        escaped(&json!(rule.rule)),
        text(&rule.message),
        text(&rule.message_expression),
        escaped(&json!(rule.reason)),
        text(&rule.field_path),
        escaped(&json!(rule.optional_old_self)),
    )
}

fn schema(of: &Value) -> String {
    let fields = FIELDS.iter().map(|(name, key, empty, holds)| {
        let value = match of.get(key).filter(|value| !value.is_null()) {
            Some(value) => field(value, *holds),
            None => match empty {
                Empty::Null => "null".to_owned(),
                Empty::Text => "\"\"".to_owned(),
                Empty::False => "false".to_owned(),
            },
        };
        format!("\"{name}\":{value}")
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

fn field(value: &Value, holds: Holds) -> String {
    match (holds, value) {
        (Holds::Schema, value) => schema(value),
        (Holds::SchemaOrArray, value) => format!("{{\"Schema\":{},\"JSONSchemas\":null}}", schema(value)),
        (Holds::SchemaOrBool, Value::Bool(allows)) => format!("{{\"Allows\":{allows},\"Schema\":null}}"),
        (Holds::SchemaOrBool, value) => format!("{{\"Allows\":true,\"Schema\":{}}}", schema(value)),
        (Holds::Schemas, Value::Array(schemas)) => {
            format!("[{}]", schemas.iter().map(schema).collect::<Vec<_>>().join(","))
        }
        (Holds::Named, Value::Object(schemas)) => {
            let named =
                schemas.iter().map(|(name, value)| format!("{}:{}", escaped(&json!(name)), schema(value)));
            format!("{{{}}}", named.collect::<Vec<_>>().join(","))
        }
        (Holds::Rules, value) => {
            let wrapped = json!({ "x-kubernetes-validations": value });
            let rules = Validation::all(&wrapped);
            format!("[{}]", rules.iter().map(rule).collect::<Vec<_>>().join(","))
        }
        (_, value) => escaped(value),
    }
}

/// JSON as Go writes it, with what could be taken for HTML escaped.
fn escaped(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
