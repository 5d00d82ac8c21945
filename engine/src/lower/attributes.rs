//! A block's arguments → the attributes that its schema declares.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::{Expression, Scope, convert, evaluate};
use crate::schema::{Attribute, Presence};
use crate::types::Type;
use crate::value::Value;

/// All attributes that the user may give: evaluated, converted, defaulted and marked.
pub(crate) fn complete(
    schema: &[Attribute],
    arguments: &BTreeMap<String, Expression>,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Value {
    let settable = schema.iter().filter(|attribute| !matches!(attribute.presence, Presence::Computed));
    Value::object(settable.map(|attribute| {
        let value = match arguments.get(attribute.name) {
            Some(expression) => argument(attribute, expression, scope, diagnostics),
            None => Value::null(),
        };
        let value = match (&attribute.presence, value.is_null()) {
            (Presence::Default(default), true) => default.clone(),
            _ => value,
        };
        (attribute.name.to_owned(), value.marked(attribute.sensitive))
    }))
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
