//! Whether the defaults of a schema are values of it.

use serde_json::Value;

use super::structure::properties;
use crate::field_error::{FieldError, NOWHERE};
use crate::object::prune;
use crate::rule::broken_rules;
use crate::types::TypeRef;
use crate::validate::validate;

/// Every default that breaks its own schema.
pub(super) fn check(schema: &Value, ty: TypeRef<'_>, at: &str, errors: &mut Vec<FieldError>) {
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        check_default(default, ty, &format!("{at}.default"), errors);
    }
    if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
        check(items, ty.item(), &format!("{at}.items"), errors);
    }
    for (name, property) in properties(schema) {
        check(property, ty.value_or_any(name), &format!("{at}.properties[{name}]"), errors);
    }
}

fn check_default(default: &Value, ty: TypeRef<'_>, at: &str, errors: &mut Vec<FieldError>) {
    if !prune(ty, default).unknown.is_empty() {
        errors.push(FieldError::invalid(at, default, "must not have unknown fields"));
    }
    let mut found = Vec::new();
    validate(ty, default, None, "", &mut found);
    if found.is_empty() {
        found = broken_rules(ty, default, None, &|_| false);
    }
    errors.extend(found.into_iter().map(|error| match error.field.as_str() {
        NOWHERE if error.message.contains("must be of type integer (default format)") => error,
        _ => error.within(at),
    }));
}
