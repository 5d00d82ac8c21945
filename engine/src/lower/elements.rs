//! What something is repeated over that has no addresses: the blocks that a `dynamic` block makes, the cases that a policy judges.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::{Expression, Scope, article, evaluate};
use crate::types::Type;
use crate::value::{Kind, Value};

/// The elements of a `for_each`.
pub(crate) struct Elements {
    /// Their keys and values; where it cannot be told which there are, the types of these.
    pub(crate) all: Result<Vec<(Value, Value)>, (Type, Type)>,
    /// Whether it is a secret which there are.
    pub(crate) sensitive: bool,
}

/// Evaluates the `for_each` of something, such as "a `dynamic` block".
pub(crate) fn elements(
    for_each: &Expression,
    of: &str,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Elements {
    let mut problems = Diagnostics::new();
    let value = evaluate(for_each, scope, &mut problems);
    let sensitive = value.is_sensitive();
    let untold = |key: Type, value: Type| Elements { all: Err((key, value)), sensitive };
    if problems.has_errors() {
        diagnostics.extend(problems);
        return untold(Type::Any, Type::Any);
    }
    let all = match value.kind() {
        Kind::List(elements) => {
            let keys = (0i64..).map(Value::number);
            keys.zip(elements.iter().cloned()).collect()
        }
        // Which of them are the same can be told only once all are known.
        Kind::Set(elements) if !elements.iter().all(Value::is_wholly_known) => {
            return untold(Type::Any, Type::Any);
        }
        Kind::Set(elements) => elements.iter().map(|element| (element.clone(), element.clone())).collect(),
        Kind::Object(object) if object.open => return untold(Type::String, Type::Any),
        Kind::Map(_) | Kind::Object(_) => {
            let entries = value.as_map().into_iter().flatten();
            entries.map(|(key, value)| (Value::string(key.as_str()), value.clone())).collect()
        }
        Kind::Unknown(Type::List(ty)) => return untold(Type::Number, (**ty).clone()),
        Kind::Unknown(Type::Set(ty)) => return untold((**ty).clone(), (**ty).clone()),
        Kind::Unknown(Type::Map(ty)) => return untold(Type::String, (**ty).clone()),
        Kind::Unknown(Type::Any | Type::Tuple(_) | Type::Object(_)) | Kind::Fingerprint(_) => {
            return untold(Type::Any, Type::Any);
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) | Kind::Unknown(_) => {
            let found = article(value.type_name());
            let detail =
                format!("`for_each` of {of} must be a list, a set, a map or an object, not {found}.");
            diagnostics.push(Diagnostic::error("Invalid for_each", detail).at(for_each.span()));
            return untold(Type::Any, Type::Any);
        }
    };
    Elements { all: Ok(all), sensitive }
}
