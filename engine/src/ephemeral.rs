//! Where ephemeral values may not go: into whatever is recorded.
//!
//! They may be used in conditions, local values, arguments of modules that expect them, and in the blocks of targets.

use crate::address::Address;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::Expression;
use crate::lower::Origin;
use crate::value::Value;

const SUMMARY: &str = "Ephemeral value not allowed";

/// That a value of the configuration is ephemeral where that cannot be, if it is. `what` reads before "is ephemeral".
pub(crate) fn refused(value: &Value, what: &str, why: &str, span: Option<Span>) -> Option<Diagnostic> {
    let detail =
        || format!("{what} is ephemeral: it is known while one run lasts, and never recorded. {why}");
    value.has_ephemeral().then(|| Diagnostic::error(SUMMARY, detail()).at(span))
}

/// The same of an output.
pub(crate) fn refused_output(name: &str, value: &Value, expression: &Expression) -> Option<Diagnostic> {
    let why = "An output is recorded. If it may be without this value, use ephemeralasnull(…).";
    refused(value, &format!("The value of the output \"{name}\""), why, expression.span())
}

/// The same of the attributes of a resource or a look-up.
pub(crate) fn refused_attributes(
    address: &Address,
    attributes: &Value,
    origin: &Origin,
) -> Option<Diagnostic> {
    let path = attributes.first_ephemeral()?;
    let span = origin.place(&path).or_else(|| origin.any_place());
    let why =
        "What a resource or a look-up is given is recorded. A `cluster` or `host` block may be given it.";
    refused(attributes, &format!("{path} of {address}"), why, span)
}
