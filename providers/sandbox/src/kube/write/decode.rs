//! A body as the server understands it: unknown fields dropped, values in their canonical form.
//!
//! Built-in kinds behave as their Go types do: `null`, empty lists and maps, and zero values of plain (not pointer) fields are
//! not kept. Custom kinds are pruned by their structural schema.

use serde_json::{Map, Value};

use crate::kube::clock::{rfc3339, rfc3339_micro};
use crate::kube::types::{Scalar, Shape, TypeRef};
use meshform_kube_schema::object::{Pruned, prune};
use meshform_kube_schema::quantity;

/// A decoded body.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) object: Value,
    /// The paths that the type does not have.
    pub(crate) unknown: Vec<String>,
    /// Why the body is not of its type.
    pub(crate) mismatch: Option<String>,
}

/// Optional text fields where the empty text differs from none: they are pointers in the Go types.
const POINTER_TEXTS: [&str; 7] = [
    "storageClassName",
    "ingressClassName",
    "volumeAttributesClassName",
    "runtimeClassName",
    "loadBalancerClass",
    "appProtocol",
    "apiGroup",
];

/// Optional flags that are plain in the Go types: `false` is not kept.
const PLAIN_FLAGS: [&str; 22] = [
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "stdin",
    "stdinOnce",
    "tty",
    "readOnly",
    "paused",
    "unschedulable",
    "publishNotReadyAddresses",
    "deprecated",
    "globalDefault",
    "insecureSkipTLSVerify",
    "preserveUnknownFields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "uniqueItems",
    "nullable",
    "setAsDefault",
    "deprecatedService",
];

/// Optional numbers that are plain in the Go types: `0` is not kept.
const PLAIN_NUMBERS: [&str; 20] = [
    "minReadySeconds",
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
    "hostPort",
    "nodePort",
    "healthCheckNodePort",
    "observedGeneration",
    "readyReplicas",
    "availableReplicas",
    "updatedReplicas",
    "unavailableReplicas",
    "fullyLabeledReplicas",
    "currentReplicas",
    "active",
    "succeeded",
    "failed",
    "count",
];

/// Fields that Go writes as `null` when they are empty.
const WRITTEN_NULLS: [&str; 4] = ["lastProbeTime", "eventTime", "currentMetrics", "conditions"];

/// Decodes a body of a built-in kind.
pub(crate) fn builtin(ty: TypeRef<'_>, body: &Value) -> Decoded {
    let mut walk = Walk { at: String::new(), unknown: Vec::new(), mismatch: None };
    let object = walk.value(ty, body);
    Decoded { object, unknown: walk.unknown, mismatch: walk.mismatch }
}

/// Decodes a body of a custom kind.
pub(crate) fn custom(ty: TypeRef<'_>, body: &Value) -> Decoded {
    let Pruned { object, unknown } = prune(ty, body);
    Decoded { object, unknown, mismatch: None }
}

struct Walk {
    at: String,
    unknown: Vec<String>,
    mismatch: Option<String>,
}

impl Walk {
    fn value(&mut self, ty: TypeRef<'_>, value: &Value) -> Value {
        match (ty.shape(), value) {
            (Shape::Map(_), Value::Object(fields)) => Value::Object(self.fields(ty, fields)),
            (Shape::List { .. }, Value::Array(items)) => Value::Array(
                items.iter().enumerate().map(|(index, item)| self.item(ty, index, item)).collect(),
            ),
            (Shape::Scalar(scalar), value) => self.scalar(*scalar, value),
            (Shape::Any, value) => value.clone(),
            (shape, value) => {
                self.check_form(shape, value);
                value.clone()
            }
        }
    }

    fn item(&mut self, ty: TypeRef<'_>, index: usize, item: &Value) -> Value {
        self.within(&format!("[{index}]"), |walk| walk.value(ty.item(), item))
    }

    fn fields(&mut self, ty: TypeRef<'_>, fields: &Map<String, Value>) -> Map<String, Value> {
        let mut kept = Map::new();
        for (name, value) in fields {
            let step = if self.at.is_empty() { name.clone() } else { format!(".{name}") };
            self.within(&step, |walk| {
                let Some(below) = ty.value(name) else {
                    return walk.unknown.push(walk.at.clone());
                };
                if value.is_null() && is_text_of_map(ty, name, below) {
                    kept.insert(name.clone(), Value::from(""));
                    return;
                }
                let null = value.is_null() && !WRITTEN_NULLS.contains(&name.as_str());
                if null || is_omitted(ty, name, value, below) {
                    return;
                }
                let value = walk.value(below, value);
                kept.insert(name.clone(), value);
            });
        }
        kept
    }

    fn scalar(&mut self, scalar: Scalar, value: &Value) -> Value {
        match (scalar, value) {
            (Scalar::Quantity, Value::String(text)) => match quantity::canonical(text) {
                Some(canonical) => Value::from(canonical),
                None => self.refuse(
                    "quantities must match the regular expression \
                     '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
                    value,
                ),
            },
            (Scalar::Quantity, Value::Number(number)) => {
                let text = number.to_string();
                quantity::canonical(&text).map_or_else(|| value.clone(), Value::from)
            }
            (Scalar::Time, Value::String(text)) => {
                text.parse().map_or_else(|_| value.clone(), |at| Value::from(rfc3339(at)))
            }
            (Scalar::MicroTime, Value::String(text)) => {
                text.parse().map_or_else(|_| value.clone(), |at| Value::from(rfc3339_micro(at)))
            }
            (Scalar::Integer, Value::Number(number)) if number.is_f64() => integer(number.as_f64(), value),
            (scalar, value) => {
                self.check_form(&Shape::Scalar(scalar), value);
                value.clone()
            }
        }
    }

    /// Whether the value has the form of its type is for built-in kinds a matter of decoding, for custom ones of validation.
    fn check_form(&mut self, shape: &Shape, value: &Value) {
        let expected = match (shape, value) {
            (_, Value::Null) => return,
            (Shape::Map(_), Value::Object(_)) | (Shape::List { .. }, Value::Array(_)) => return,
            (Shape::Map(_), _) => "object",
            (Shape::List { .. }, _) => "array",
            (Shape::Scalar(Scalar::Integer | Scalar::Number), value) if !value.is_number() => "number",
            (Shape::Scalar(Scalar::Boolean), value) if !value.is_boolean() => "bool",
            (Shape::Scalar(Scalar::String | Scalar::Bytes | Scalar::Time | Scalar::MicroTime), value)
                if !value.is_string() =>
            {
                "string"
            }
            (Shape::Scalar(Scalar::IntOrString), Value::String(_) | Value::Number(_)) => return,
            (Shape::Scalar(Scalar::IntOrString | Scalar::Quantity), Value::Object(_) | Value::Array(_)) => {
                "string"
            }
            _ => return,
        };
        let got = json_type(value);
        let at = self.at.clone();
        self.mismatch.get_or_insert_with(|| {
            format!("json: cannot unmarshal {got} into field {at} of type {expected}")
        });
    }

    fn refuse(&mut self, why: &str, value: &Value) -> Value {
        self.mismatch.get_or_insert_with(|| why.to_owned());
        value.clone()
    }

    fn within<T>(&mut self, step: &str, visit: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.at.len();
        self.at.push_str(step);
        let result = visit(self);
        self.at.truncate(length);
        result
    }
}

/// Whether this is one of the texts of a map: Go reads `null` there as the empty text.
fn is_text_of_map(parent: TypeRef<'_>, name: &str, ty: TypeRef<'_>) -> bool {
    parent.field(name).is_none() && matches!(ty.shape(), Shape::Scalar(Scalar::String))
}

/// Whether the Go type leaves this value out when it is written.
fn is_omitted(parent: TypeRef<'_>, name: &str, value: &Value, ty: TypeRef<'_>) -> bool {
    // What Go writes even when it is empty has a default in the published schema.
    let Some(field) = parent.field(name) else { return false };
    if field.default.is_some() || parent.node().required.iter().any(|required| required == name) {
        return false;
    }
    match value {
        Value::String(text) => {
            let is_text = matches!(ty.shape(), Shape::Scalar(_));
            text.is_empty() && is_text && !POINTER_TEXTS.contains(&name)
        }
        Value::Bool(false) => PLAIN_FLAGS.contains(&name),
        Value::Number(number) => number.as_i64() == Some(0) && PLAIN_NUMBERS.contains(&name),
        // No managers differs from nothing said of them: it forgets those there are.
        Value::Array(items) => {
            let is_list = matches!(ty.shape(), Shape::List { .. });
            items.is_empty() && is_list && name != "managedFields"
        }
        Value::Object(fields) => {
            let is_map = matches!(ty.shape(), Shape::Map(map) if map.declares_values);
            fields.is_empty() && is_map
        }
        _ => false,
    }
}

/// The whole number that a float stands for (`80.0`), as clients that only know floats send it.
fn integer(float: Option<f64>, value: &Value) -> Value {
    match float {
        Some(float) if float.fract() == 0.0 && float.abs() < 9.0e15 => {
            format!("{float:.0}").parse::<i64>().map_or_else(|_| value.clone(), Value::from)
        }
        _ => value.clone(),
    }
}

/// What Go's JSON decoder calls a value.
pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
