//! What one field is refused for, in the API server's words.

use serde_json::{Value, json};

/// What one field is refused for.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// The path of the field; [`NOWHERE`] where the whole object is meant.
    pub field: String,
    /// The API server's code for the kind of mistake.
    pub reason: &'static str,
    /// What is wrong.
    pub message: String,
}

/// Where the API server says that a failure is which is of no field alone.
pub const NOWHERE: &str = "<nil>";

impl FieldError {
    /// A value that has to be there.
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        Self { field: field.into(), reason: "FieldValueRequired", message: format!("Required value{detail}") }
    }

    /// A value that must not be what it is.
    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        let message = format!("Invalid value: {value}: {detail}");
        Self { field: field.into(), reason: "FieldValueInvalid", message }
    }

    /// As [`invalid`](Self::invalid), without the value: it is too much to show.
    pub fn invalid_whole(field: impl Into<String>, detail: &str) -> Self {
        Self { field: field.into(), reason: "FieldValueInvalid", message: format!("Invalid value: {detail}") }
    }

    /// A value that must not be there.
    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self { field: field.into(), reason: "FieldValueForbidden", message: format!("Forbidden: {detail}") }
    }

    /// A value that is there twice.
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        let message = format!("Duplicate value: {value}");
        Self { field: field.into(), reason: "FieldValueDuplicate", message }
    }

    /// A value that names what is not there.
    pub fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self { field: field.into(), reason: "FieldValueNotFound", message: format!("Not found: {value}") }
    }

    /// A value that is none of those that are allowed.
    pub fn unsupported(field: impl Into<String>, value: &Value, allowed: &[Value]) -> Self {
        let allowed = allowed.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
        let message = format!("Unsupported value: {value}: supported values: {allowed}");
        Self { field: field.into(), reason: "FieldValueNotSupported", message }
    }

    /// A value of another type.
    pub fn type_invalid(field: impl Into<String>, value: &str, detail: &str) -> Self {
        let message = format!("Invalid value: {value}: {detail}");
        Self { field: field.into(), reason: "FieldValueTypeInvalid", message }
    }

    /// A list or map with too many items.
    pub fn too_many(field: impl Into<String>, actual: usize, maximum: u64) -> Self {
        let message = format!("Too many: {actual}: must have at most {maximum} items");
        Self { field: field.into(), reason: "FieldValueTooMany", message }
    }

    /// A text that is too long, in bytes.
    pub fn too_long(field: impl Into<String>, maximum: u64) -> Self {
        let message = format!("Too long: may not be more than {maximum} bytes");
        Self { field: field.into(), reason: "FieldValueTooLong", message }
    }

    /// As one of the causes of a `Status`.
    pub fn cause(&self) -> Value {
        json!({ "reason": self.reason, "message": self.message, "field": self.field })
    }

    /// The same of a value that lies at `path`.
    #[must_use]
    pub fn within(self, path: &str) -> Self {
        let field = match self.field.as_str() {
            "" | NOWHERE => path.to_owned(),
            below if below.starts_with('[') => format!("{path}{below}"),
            below => format!("{path}.{below}"),
        };
        Self { field, ..self }
    }

    /// Whether an object with this failure is not in a state in which its rules could be asked.
    pub fn is_blocking(&self) -> bool {
        matches!(
            self.reason,
            "FieldValueNotSupported"
                | "FieldValueRequired"
                | "FieldValueTooLong"
                | "FieldValueTooMany"
                | "FieldValueTypeInvalid"
        )
    }
}
