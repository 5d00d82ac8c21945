//! Structural schemas of custom resources, and the rules in them.
//!
//! ```text
//! CustomResourceDefinition → check_definition → what is wrong with it
//! its schema → types::Compiler → Types
//! object → object::prune → object::fill_defaults → check_object (validate, then the rules) → what is wrong with it
//! ```
//!
//! Pure: it knows no API server and no clock. The sandbox's API server asks it, and the provider asks it of resources whose definition no
//! server has yet.

pub mod cel;
mod definition;
mod field_error;
pub mod format;
pub mod name;
pub mod object;
pub mod pattern;
pub mod quantity;
mod rule;
pub mod types;
mod validate;

use serde_json::{Value, json};

pub use self::definition::check_definition;
pub use self::field_error::{FieldError, NOWHERE};
pub use self::rule::{Validation, broken_rules};
pub use self::validate::validate;

use self::types::TypeRef;

/// Everything in which an object of a custom kind, or a change of one, breaks its schema and the rules in it.
///
/// Rules are asked of objects only in which they find what the schema promises.
pub fn check_object(root: TypeRef<'_>, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = check_values(root, object, old);
    if !rule::has_rules(root) {
        return errors;
    }
    if errors.iter().any(FieldError::is_blocking) {
        let detail = "some validation rules were not checked because the object was invalid; correct the existing errors to \
                      complete validation";
        errors.push(FieldError::invalid(NOWHERE, &json!(null), detail));
    } else {
        errors.extend(broken_rules(root, object, old, &|_| false));
    }
    errors
}

/// Everything in which an object of a custom kind, or a change of one, breaks its schema, the rules in it apart.
pub fn check_values(root: TypeRef<'_>, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate(root, &without_metadata(object), old.map(without_metadata).as_ref(), "", &mut errors);
    errors
}

/// What the metadata says is checked as every object's is.
fn without_metadata(object: &Value) -> Value {
    let mut own = object.clone();
    if let Some(fields) = own.as_object_mut() {
        fields.remove("metadata");
    }
    own
}
