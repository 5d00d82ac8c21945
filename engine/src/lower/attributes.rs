//! A block's arguments → the attributes that its schema declares.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::nested::{Origin, nest};
use crate::config::Content;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::{Expression, Scope, convert, evaluate};
use crate::schema::{Attribute, Body, Presence};
use crate::types::Type;
use crate::value::Value;

/// All attributes that the user may give, evaluated, converted, defaulted and marked, and the nested blocks among them; and where each part
/// comes from.
pub(crate) fn complete(
    schema: &Body,
    content: &Arc<Content>,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> (Value, Origin) {
    let mut fields = BTreeMap::new();
    for attribute in schema.settable() {
        let value = match content.attributes.get(attribute.name) {
            Some(expression) => argument(attribute, expression, scope, diagnostics),
            None => Value::null(),
        };
        let value = match (&attribute.presence, value.is_null()) {
            (Presence::Default(default), true) => default.clone(),
            _ => value,
        };
        fields.insert(attribute.name.to_owned(), value.marked(attribute.sensitive));
    }
    let mut origin = Origin::new(content);
    nest(schema, &mut fields, &mut origin, scope, diagnostics);
    (Value::object(fields), origin)
}

fn argument(
    attribute: &Attribute,
    expression: &Expression,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Value {
    let value = evaluate(expression, scope, diagnostics);
    if value.is_null() && matches!(attribute.presence, Presence::Required) {
        let detail = format!("\"{}\" must have a value, and it is null.", attribute.name);
        diagnostics.push(Diagnostic::error("Missing value", detail).at(expression.span()));
        return Value::unknown(attribute.ty.clone());
    }
    match convert(&value, &attribute.ty) {
        Ok(value) => value,
        Err(error) => {
            let wanted = match &attribute.ty {
                Type::Any => String::new(),
                ty => format!(" It must be of type {ty}."),
            };
            let detail = format!("\"{}\" has a wrong value: {error}.{wanted}", attribute.name);
            diagnostics.push(Diagnostic::error("Wrong type", detail).at(expression.part_at(&error.path)));
            Value::unknown(attribute.ty.clone())
        }
    }
}
