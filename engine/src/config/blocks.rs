//! One function per block type: its body → what it says.

use std::sync::Arc;

use hcl_edit::structure::Block;

use super::body::{BodyReader, FileText};
use super::lifecycle::lifecycle;
use super::nested::content;
use super::{Condition, Output, Repetition, ResourceBlock, TargetBlock, Timeouts, Variable};
use crate::address::TargetKind;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::lang::{Expression, TypeConstraint, type_of};
use crate::schema::{Body, ResourceType};

/// The labels of a block and where they are.
pub(crate) struct Labels {
    pub(crate) texts: Vec<String>,
    pub(crate) span: Option<Span>,
}

pub(super) fn variable(
    file: &FileText,
    block: &Block,
    labels: &Labels,
    diagnostics: &mut Diagnostics,
) -> Variable {
    let what = format!("The variable \"{}\"", labels.texts.concat());
    let mut body = BodyReader::new(file.clone(), what, labels.span.clone(), &block.body);
    let constraint = match body.take("type").as_ref().map(type_of) {
        Some(Ok(constraint)) => constraint,
        Some(Err(diagnostic)) => {
            diagnostics.push(diagnostic);
            TypeConstraint::any()
        }
        None => TypeConstraint::any(),
    };
    let validations = conditions(file, body.take_blocks("validation"), diagnostics);
    let variable = Variable {
        span: labels.span.clone(),
        constraint,
        default: body.take("default"),
        sensitive: literal_bool(body.take("sensitive"), false, diagnostics),
        ephemeral: literal_bool(body.take("ephemeral"), false, diagnostics),
        nullable: literal_bool(body.take("nullable"), true, diagnostics),
        description: literal_string(body.take("description"), diagnostics),
        validations,
    };
    body.finish(diagnostics);
    variable
}

/// What a `check` block asserts, and the `data` blocks in it.
pub(super) fn check<'b>(
    file: &FileText,
    block: &'b Block,
    diagnostics: &mut Diagnostics,
) -> (Vec<Condition>, Vec<&'b Block>) {
    let span = file.span(&block.ident);
    let mut body = BodyReader::new(file.clone(), "The `check` block", span.clone(), &block.body);
    let asserts = conditions(file, body.take_blocks("assert"), diagnostics);
    let data = body.take_blocks("data");
    body.finish(diagnostics);
    if asserts.is_empty() {
        let detail = "A `check` block holds at least one `assert { condition = …, error_message = … }`.";
        diagnostics.push(Diagnostic::error("Empty check", detail).at(span));
    }
    (asserts, data)
}

pub(crate) fn conditions(
    file: &FileText,
    blocks: Vec<&Block>,
    diagnostics: &mut Diagnostics,
) -> Vec<Condition> {
    blocks.into_iter().filter_map(|block| condition(file, block, diagnostics)).collect()
}

/// A `validation`, `precondition`, `postcondition` or `assert` block.
fn condition(file: &FileText, block: &Block, diagnostics: &mut Diagnostics) -> Option<Condition> {
    let span = file.span(&block.ident);
    let what = format!("The `{}` block", block.ident.as_str());
    let mut body = BodyReader::new(file.clone(), what, span, &block.body);
    let condition = body.require("condition", diagnostics);
    let error_message = body.require("error_message", diagnostics);
    body.finish(diagnostics);
    Some(Condition { condition: condition?, error_message: error_message? })
}

pub(super) fn output(
    file: &FileText,
    block: &Block,
    labels: &Labels,
    diagnostics: &mut Diagnostics,
) -> Option<Output> {
    let what = format!("The output \"{}\"", labels.texts.concat());
    let mut body = BodyReader::new(file.clone(), what, labels.span.clone(), &block.body);
    let value = body.require("value", diagnostics);
    let sensitive = literal_bool(body.take("sensitive"), false, diagnostics);
    literal_string(body.take("description"), diagnostics);
    let preconditions = conditions(file, body.take_blocks("precondition"), diagnostics);
    body.finish(diagnostics);
    Some(Output { value: value?, sensitive, preconditions })
}

pub(super) fn target(
    file: &FileText,
    block: &Block,
    kind: TargetKind,
    schema: &Body,
    labels: &Labels,
    diagnostics: &mut Diagnostics,
) -> TargetBlock {
    let what = format!("The {} \"{}\"", kind.as_str(), labels.texts.concat());
    let mut body = BodyReader::new(file.clone(), what, labels.span.clone(), &block.body);
    let repetition = repetition(&mut body, diagnostics);
    let content = Arc::new(content(&mut body, schema, diagnostics));
    body.finish(diagnostics);
    TargetBlock { span: labels.span.clone(), repetition, content }
}

pub(super) fn resource(
    file: &FileText,
    block: &Block,
    ty: &ResourceType,
    labels: &Labels,
    diagnostics: &mut Diagnostics,
) -> ResourceBlock {
    let what = format!("The resource {}", labels.texts.join("."));
    let mut body = BodyReader::new(file.clone(), what, labels.span.clone(), &block.body);
    let repetition = repetition(&mut body, diagnostics);
    let target = ty.target.and_then(|kind| body.take(kind.as_str()));
    let depends_on = body.take("depends_on");
    let timeouts = body.take_block("timeouts", diagnostics).map(|block| timeouts(file, block, diagnostics));
    let lifecycle =
        body.take_block("lifecycle", diagnostics).map(|block| lifecycle(file, block, diagnostics));
    let content = Arc::new(content(&mut body, &ty.body, diagnostics));
    body.finish(diagnostics);
    ResourceBlock {
        span: labels.span.clone(),
        repetition,
        content,
        target,
        depends_on,
        timeouts: timeouts.unwrap_or_default(),
        lifecycle: lifecycle.unwrap_or_default(),
    }
}

pub(super) fn repetition(body: &mut BodyReader<'_>, diagnostics: &mut Diagnostics) -> Repetition {
    match (body.take("count"), body.take("for_each")) {
        (Some(count), None) => Repetition::Count(count),
        (None, Some(for_each)) => Repetition::ForEach(for_each),
        (None, None) => Repetition::None,
        (Some(_), Some(for_each)) => {
            diagnostics.push(
                Diagnostic::error(
                    "Both count and for_each",
                    "A block is repeated by `count` or by `for_each`, not by both. Remove one of them.",
                )
                .at(for_each.span()),
            );
            Repetition::None
        }
    }
}

fn timeouts(file: &FileText, block: &Block, diagnostics: &mut Diagnostics) -> Timeouts {
    let span = file.span(&block.ident);
    let mut body = BodyReader::new(file.clone(), "A `timeouts` block", span, &block.body);
    let mut timeouts = Timeouts::default();
    for (name, slot) in [
        ("create", &mut timeouts.create_ms),
        ("update", &mut timeouts.update_ms),
        ("delete", &mut timeouts.delete_ms),
    ] {
        if let Some(expression) = body.take(name) {
            *slot = duration_ms(&expression, diagnostics);
        }
    }
    body.finish(diagnostics);
    timeouts
}

/// A duration such as "90s", "5m" or "1h30m".
fn duration_ms(expression: &Expression, diagnostics: &mut Diagnostics) -> Option<u64> {
    let parsed = expression.literal_string().and_then(parse_duration_ms);
    if parsed.is_none() {
        diagnostics.push(
            Diagnostic::error(
                "Invalid duration",
                "A duration is a literal such as \"90s\", \"5m\" or \"1h30m\".",
            )
            .at(expression.span()),
        );
    }
    parsed
}

fn parse_duration_ms(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let factor: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = after;
    }
    (total > 0).then_some(total)
}

/// Checks `required_version` against this version: comma-separated constraints such as ">= 0.1, < 1".
pub(super) fn required_version(expression: &Expression, diagnostics: &mut Diagnostics) {
    let Some(text) = expression.literal_string() else {
        diagnostics.push(
            Diagnostic::error(
                "Invalid version constraint",
                "It must be a literal string such as \">= 0.1\".",
            )
            .at(expression.span()),
        );
        return;
    };
    let own = env!("CARGO_PKG_VERSION");
    let detail = match satisfies(own, text) {
        Some(true) => return,
        Some(false) => format!("This stack wants meshform {text}, and this is {own}."),
        None => format!("{text:?} is no version constraint: write such as \">= 0.1\" or \"~> 1.2\"."),
    };
    diagnostics.push(Diagnostic::error("Unsupported version", detail).at(expression.span()));
}

fn satisfies(version: &str, constraints: &str) -> Option<bool> {
    let own = numbers(version)?;
    let mut all = true;
    for constraint in constraints.split(',').map(str::trim) {
        let split = constraint.find(|letter: char| letter.is_ascii_digit())?;
        let (operator, wanted) = (constraint[..split].trim(), &constraint[split..]);
        let parts = wanted.split('.').count();
        let wanted = numbers(wanted)?;
        all &= match operator {
            "" | "=" => own == wanted,
            "!=" => own != wanted,
            ">" => own > wanted,
            ">=" => own >= wanted,
            "<" => own < wanted,
            "<=" => own <= wanted,
            // The last number given may grow, those before it may not.
            "~>" => own >= wanted && own[..parts.saturating_sub(1)] == wanted[..parts.saturating_sub(1)],
            _ => return None,
        };
    }
    Some(all)
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let mut numbers = [0; 3];
    let mut parts = version.trim().split('.');
    for (number, part) in numbers.iter_mut().zip(&mut parts) {
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

pub(super) fn literal_bool(
    expression: Option<Expression>,
    default: bool,
    diagnostics: &mut Diagnostics,
) -> bool {
    let Some(expression) = expression else { return default };
    expression.ast().as_bool().unwrap_or_else(|| {
        diagnostics.push(
            Diagnostic::error("Invalid argument", "This must be the literal true or false.")
                .at(expression.span()),
        );
        default
    })
}

pub(crate) fn literal_string(
    expression: Option<Expression>,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let expression = expression?;
    let text = expression.literal_string();
    if text.is_none() {
        diagnostics.push(
            Diagnostic::error("Invalid argument", "This must be a literal string.").at(expression.span()),
        );
    }
    text.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |text, expect| assert_eq!(parse_duration_ms(text), expect, "{text}");
        check("90s", Some(90_000));
        check("1h30m", Some(5_400_000));
        check("250ms", Some(250));
        for wrong in ["", "5", "m", "1d", "0s", "-1s", "99999999999999999999h"] {
            check(wrong, None);
        }
    }

    #[test]
    fn version_constraints() {
        let check =
            |version, constraint, expect| assert_eq!(satisfies(version, constraint), expect, "{constraint}");
        check("1.2.3", ">= 1.0, < 2", Some(true));
        check("1.2.3", "~> 1.2", Some(true));
        check("2.0.0", "~> 1.2", Some(false));
        check("1.3.0", "~> 1.2.0", Some(false));
        check("1.2.3", "=1.2.3", Some(true));
        check("1.2.3", "new", None);
        check("1.2.3", ">> 1", None);
    }
}
