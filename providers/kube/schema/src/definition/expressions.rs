//! The rules of a definition (`x-kubernetes-validations`).

use serde_json::{Value, json};

use super::{dump, invalid_raw, list_of, text};
use crate::field_error::FieldError;
use crate::rule::declared;
use crate::types::TypeRef;

const RULES: &str = "x-kubernetes-validations";
const REASONS: [&str; 4] =
    ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/// Everything that is wrong with what is said beside the expressions.
pub(super) fn check_fields(schema: &Value, at: &str, errors: &mut Vec<FieldError>) {
    for (index, rule) in list_of(schema, RULES).iter().enumerate() {
        let at = |name: &str| format!("{at}.{RULES}[{index}].{name}");
        let given = |name: &str| text(rule, &format!("/{name}")).to_owned();
        let (expression, message) = (given("rule"), given("message"));
        if expression.trim().is_empty() {
            errors.push(FieldError::required(at("rule"), "rule is not specified"));
        } else if !message.is_empty() && message.trim().is_empty() {
            errors.push(FieldError::invalid(
                at("message"),
                &json!(message),
                "must be non-empty if specified",
            ));
        } else if message.trim().contains('\n') {
            errors.push(FieldError::invalid(at("message"), &json!(message), "must not contain line breaks"));
        } else if expression.trim().contains('\n') && message.is_empty() {
            let detail = "message must be specified if rule contains line breaks";
            errors.push(FieldError::required(at("message"), detail));
        }
        let message_expression = given("messageExpression");
        if !message_expression.is_empty() && message_expression.trim().is_empty() {
            let detail = "messageExpression must be non-empty if specified";
            errors.push(FieldError::required(at("messageExpression"), detail));
        }
        let reason = given("reason");
        if !reason.is_empty() && !REASONS.contains(&reason.as_str()) {
            errors.push(FieldError::unsupported(at("reason"), &json!(reason), &REASONS.map(Value::from)));
        }
        let path = given("fieldPath");
        let mut refuse =
            |detail: &str| errors.push(FieldError::invalid(at("fieldPath"), &json!(path), detail));
        if !path.is_empty() && path.trim().is_empty() {
            refuse("must be non-empty if specified");
        }
        if path.contains('\n') {
            refuse("must not contain line breaks");
        }
        if !path.is_empty() && !is_path_of(schema, &path) {
            refuse("must be a valid path");
        }
    }
}

/// Whether a path (`.a.b['c']`) names something that the schema declares.
fn is_path_of(schema: &Value, path: &str) -> bool {
    let mut rest = path;
    let mut schema = schema;
    while !rest.is_empty() {
        let (name, after) = if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            after.split_at(end)
        } else if let Some((name, after)) = rest.strip_prefix("['").and_then(|rest| rest.split_once("']")) {
            (name, after)
        } else {
            return false;
        };
        let declared = match schema.get("properties") {
            Some(properties) => properties.get(name),
            None => schema.get("additionalProperties").filter(|values| values.is_object()),
        };
        let Some(below) = declared else { return false };
        (schema, rest) = (below, after);
    }
    true
}

/// Everything that is wrong with the expressions, of which `uncorrelated` says where the value before cannot be told.
pub(super) fn check(ty: TypeRef<'_>, at: &str, uncorrelated: Option<&str>, errors: &mut Vec<FieldError>) {
    let rules = &ty.node().validations;
    let Some(declared) = declared(ty).filter(|_| !rules.is_empty()) else { return };
    for (index, rule) in rules.iter().enumerate() {
        let at = |name: &str| format!("{at}.{RULES}[{index}].{name}");
        let mistakes = rule.mistakes(&declared);
        if let Some(detail) = &mistakes.rule {
            errors.push(invalid_raw(at("rule"), &dump::rule(rule), detail));
        }
        if let Some(detail) = &mistakes.message_expression {
            errors.push(invalid_raw(at("messageExpression"), &dump::rule(rule), detail));
        }
        match (mistakes.uses_old, uncorrelated, rule.optional_old_self) {
            (true, Some(within), _) => {
                let detail = format!(
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within {within}"
                );
                errors.push(FieldError::invalid(at("rule"), &json!(rule.rule), &detail));
            }
            (false, _, Some(optional)) if mistakes.rule.is_none() => {
                let detail = "may not be set if oldSelf is not used in rule";
                errors.push(FieldError::invalid(at("optionalOldSelf"), &json!(optional), detail));
            }
            _ => {}
        }
    }
}
