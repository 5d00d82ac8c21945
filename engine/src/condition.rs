//! Conditions that must hold: of variables and outputs, before and after an instance is planned or applied, in checks.

use crate::config::Condition;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::{Scope, convert, evaluate};
use crate::types::Type;

/// That a variable's value is not one that it may have.
pub(crate) const VALIDATION: &str = "Invalid value for variable";
/// That something must hold before, and does not.
pub(crate) const PRECONDITION: &str = "Precondition does not hold";
/// That something must hold afterwards, and does not.
pub(crate) const POSTCONDITION: &str = "Postcondition does not hold";
/// That a `check` block finds something.
pub(crate) const CHECK: &str = "Check does not hold";

/// Whether a diagnostic says that a condition of the configuration does not hold, and not that it cannot be evaluated.
pub(crate) fn is_failure(diagnostic: &Diagnostic) -> bool {
    [VALIDATION, PRECONDITION, POSTCONDITION, CHECK].contains(&diagnostic.summary.as_str())
}

/// What of `conditions` does not hold, each as an error `summary` that ends by saying what it is `about`.
///
/// A condition that is not known yet holds so far.
pub(crate) fn failures(
    conditions: &[Condition],
    (summary, about): (&str, &str),
    scope: &Scope<'_>,
) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for condition in conditions {
        let value = evaluate(&condition.condition, scope, &mut diagnostics);
        let detail = match convert(&value, &Type::Bool) {
            Ok(holds) if holds.as_bool() == Some(false) => {
                format!("{} ({about})", message(condition, scope, &mut diagnostics))
            }
            Ok(holds) if !holds.is_null() => continue,
            Ok(_) | Err(_) => format!("The condition must be true or false ({about})."),
        };
        diagnostics.push(Diagnostic::error(summary, detail).at(condition.condition.span()));
    }
    diagnostics
}

/// What to say of a condition that does not hold.
pub(crate) fn message(condition: &Condition, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> String {
    let message = evaluate(&condition.error_message, scope, diagnostics);
    match message.as_str() {
        _ if message.has_ephemeral() => {
            "A condition does not hold; its message refers to an ephemeral value, which is not shown."
                .to_owned()
        }
        Some(text) if !message.has_sensitive() => text.to_owned(),
        Some(_) => "A condition does not hold; its message is sensitive.".to_owned(),
        None => "A condition does not hold; its message is known only after apply.".to_owned(),
    }
}
