//! What a schema says of single values.

use serde_json::Value;

/// What a schema says about a value beyond its shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// The only values; none are named where it is empty.
    pub allowed: Vec<Value>,
    /// A regular expression that texts match.
    pub pattern: Option<String>,
    /// The least number.
    pub minimum: Option<f64>,
    /// The greatest number.
    pub maximum: Option<f64>,
    /// Whether the least number is too little itself.
    pub exclusive_minimum: bool,
    /// Whether the greatest number is too much itself.
    pub exclusive_maximum: bool,
    /// What numbers are a multiple of.
    pub multiple_of: Option<f64>,
    /// The least characters of a text.
    pub min_length: Option<u64>,
    /// The most characters of a text.
    pub max_length: Option<u64>,
    /// The least items of a list.
    pub min_items: Option<u64>,
    /// The most items of a list.
    pub max_items: Option<u64>,
    /// The least entries of an object.
    pub min_properties: Option<u64>,
    /// The most entries of an object.
    pub max_properties: Option<u64>,
    /// Whether all items of a list differ.
    pub unique_items: bool,
    /// What texts are: a date, an address.
    pub format: Option<String>,
}

impl Limits {
    /// The limits of a schema, if it has any.
    pub fn of(schema: &Value) -> Option<Box<Self>> {
        let number = |name: &str| schema.get(name).and_then(Value::as_f64);
        let count = |name: &str| schema.get(name).and_then(Value::as_u64);
        let flag = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or(false);
        let limits = Self {
            allowed: schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
            pattern: schema.get("pattern").and_then(Value::as_str).map(str::to_owned),
            minimum: number("minimum"),
            maximum: number("maximum"),
            exclusive_minimum: flag("exclusiveMinimum"),
            exclusive_maximum: flag("exclusiveMaximum"),
            multiple_of: number("multipleOf"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
            unique_items: flag("uniqueItems"),
            format: schema.get("format").and_then(Value::as_str).map(str::to_owned),
        };
        (limits != Self::default()).then(|| Box::new(limits))
    }
}
