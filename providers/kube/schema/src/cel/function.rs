//! Functions: those of the language, and those that the API server adds to it.

mod list;
mod named_format;
mod network;
mod number;
mod standard;
mod text;
mod time;

use super::evaluate::{Failure, Outcome};
use super::operator;
use super::value::Value;

/// What a function makes of its arguments; a member's first argument is what stands before its name.
pub(super) fn call(name: &str, is_member: bool, arguments: &[Value]) -> Outcome {
    if let Some(outcome) = operator::call(name, arguments) {
        return outcome;
    }
    if let ("size" | "type", [argument]) = (name, arguments)
        && !matches!(argument, Value::Unknown)
    {
        return standard::call(name, arguments).unwrap_or_else(|| Err(Failure::no_overload()));
    }
    if arguments.iter().any(Value::has_unknown) {
        return Ok(Value::Unknown);
    }
    let found = standard::call(name, arguments)
        .or_else(|| text::call(name, is_member, arguments))
        .or_else(|| list::call(name, arguments))
        .or_else(|| time::call(name, arguments))
        .or_else(|| number::call(name, arguments))
        .or_else(|| network::call(name, arguments))
        .or_else(|| named_format::call(name, arguments));
    found.unwrap_or_else(|| Err(Failure::no_overload()))
}
