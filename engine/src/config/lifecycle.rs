//! `lifecycle { }`: how an instance may change, and what must hold before and after.

use hcl_edit::structure::Block;

use super::blocks::{conditions, literal_bool};
use super::body::{BodyReader, FileText};
use super::{IgnoredChanges, Lifecycle};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::Expression;

pub(super) fn lifecycle(file: &FileText, block: &Block, diagnostics: &mut Diagnostics) -> Lifecycle {
    let span = file.span(&block.ident);
    let mut body = BodyReader::new(file.clone(), "A `lifecycle` block", span.clone(), &block.body);
    let lifecycle = Lifecycle {
        preconditions: conditions(file, body.take_blocks("precondition"), diagnostics),
        postconditions: conditions(file, body.take_blocks("postcondition"), diagnostics),
        create_before_destroy: literal_bool(body.take("create_before_destroy"), false, diagnostics),
        prevent_destroy: literal_bool(body.take("prevent_destroy"), false, diagnostics),
        ignore_changes: body
            .take("ignore_changes")
            .map_or_else(IgnoredChanges::default, |ignored| ignore_changes(&ignored, diagnostics)),
        replace_triggered_by: body
            .take("replace_triggered_by")
            .map_or_else(Vec::new, |triggers| replace_triggered_by(&triggers, diagnostics)),
        span,
    };
    body.finish(diagnostics);
    lifecycle
}

fn ignore_changes(expression: &Expression, diagnostics: &mut Diagnostics) -> IgnoredChanges {
    if expression.as_identifier() == Some("all") {
        return IgnoredChanges::All;
    }
    let paths = expression
        .list_items()
        .and_then(|items| items.iter().map(Expression::as_value_path).collect::<Option<Vec<_>>>());
    paths.map(IgnoredChanges::Paths).unwrap_or_else(|| {
        diagnostics.push(
            Diagnostic::error(
                "Invalid ignore_changes",
                "It is `all`, or a list of the resource's own attributes, such as [manifest.spec.replicas].",
            )
            .at(expression.span()),
        );
        IgnoredChanges::default()
    })
}

fn replace_triggered_by(expression: &Expression, diagnostics: &mut Diagnostics) -> Vec<Expression> {
    let items =
        expression.list_items().filter(|items| items.iter().all(|item| item.as_traversal().is_some()));
    items.unwrap_or_else(|| {
        diagnostics.push(
            Diagnostic::error(
                "Invalid replace_triggered_by",
                "It is a list of references to resources or their attributes, such as [kube_object.config].",
            )
            .at(expression.span()),
        );
        Vec::new()
    })
}
