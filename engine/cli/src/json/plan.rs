//! A plan.
//!
//! | member | meaning |
//! | --- | --- |
//! | `created_ms` | when it was made, in milliseconds since the epoch |
//! | `destroy`, `empty`, `complete` | whether it takes the stack down; changes nothing; defers nothing |
//! | `lineage`, `serial` | the state from which it was made |
//! | `summary` | instances by action |
//! | `targets` | identities by target |
//! | `variables` | values by name |
//! | `changes` | one for each instance, unchanged ones too, by address |
//! | `steps` | what apply does, each with its `address`, `operation` and the positions of the steps that it comes `after` |
//! | `outputs` | by name: `before`, `after`, `changed` |
//! | `warnings` | diagnostics |
//!
//! A change has `address`, `kind`, `target`, `identity`, `prior_identity`, `action` (`no_op`, `create`, `update`, `replace_delete_first`,
//! `replace_create_first`, `delete`, `forget`, `adopt`, `read`, `defer`, `step`), `reason`, `fields`, `drift`, `planned`, `depends_on`
//! and `notes`. A field has `path` (steps: a name, a position, or an object of the attributes that tell a list's element), `before`,
//! `after`, `forces_replace` and `owner`.

use meshform_engine::plan::{Action, Change, FieldChange, OutputChange, Plan, StepOperation};
use meshform_engine::ports::Operation;
use meshform_engine::value::{Path, PathStep};
use serde_json::{Map, Value as Json, json};

use super::{FORMAT_VERSION, diagnostics, value};
use crate::counts::Counts;
use crate::veil;

/// The document.
pub(crate) fn document(plan: &Plan) -> Json {
    let counts = Counts::of(plan);
    json!({
        "format_version": FORMAT_VERSION,
        "created_ms": plan.created_ms,
        "folder": plan.folder,
        "destroy": plan.destroy,
        "empty": plan.is_empty(),
        "complete": counts.defer == 0,
        "lineage": plan.lineage,
        "serial": plan.serial,
        "summary": summary(&counts),
        "targets": plan.targets.iter().map(|(target, identity)| (target.to_string(), json!(identity))).collect::<Map<_, _>>(),
        "variables": value::by_name(&plan.variables),
        "changes": plan.changes.iter().map(change).collect::<Vec<_>>(),
        "steps": plan.steps.iter().map(|step| json!({
            "address": step.address.to_string(),
            "operation": operation(step.operation),
            "after": step.after,
        })).collect::<Vec<_>>(),
        "outputs": plan.outputs.iter().map(|(name, change)| (name.clone(), output(change))).collect::<Map<_, _>>(),
        "warnings": diagnostics::list(&plan.warnings, &plan.sources),
    })
}

/// Instances by action.
pub(crate) fn summary(counts: &Counts) -> Json {
    Json::Object(counts.named().into_iter().map(|(name, count)| (name.to_owned(), json!(count))).collect())
}

/// The name of a step's operation.
pub(crate) fn operation(operation: StepOperation) -> &'static str {
    match operation {
        StepOperation::Perform(Operation::Create) => "create",
        StepOperation::Perform(Operation::Update) => "update",
        StepOperation::Perform(Operation::Delete) => "delete",
        StepOperation::Forget => "forget",
    }
}

fn change(change: &Change) -> Json {
    json!({
        "address": change.address.to_string(),
        "kind": change.kind,
        "target": change.target.as_ref().map(ToString::to_string),
        "identity": change.identity,
        "prior_identity": change.prior_identity,
        "action": action(change.action),
        "reason": change.reason,
        "fields": veil::fields(change).iter().map(field).collect::<Vec<_>>(),
        "drift": veil::drift(change).iter().map(field).collect::<Vec<_>>(),
        "planned": value::redacted(&change.planned),
        "depends_on": change.depends_on.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "notes": change.notes,
    })
}

fn action(action: Action) -> &'static str {
    match action {
        Action::NoOp => "no_op",
        Action::Create => "create",
        Action::Update => "update",
        Action::ReplaceDeleteFirst => "replace_delete_first",
        Action::ReplaceCreateFirst => "replace_create_first",
        Action::Delete => "delete",
        Action::Forget => "forget",
        Action::Adopt => "adopt",
        Action::Read => "read",
        Action::Defer => "defer",
        Action::Step => "step",
    }
}

fn field(field: &FieldChange) -> Json {
    json!({
        "path": path(&field.path),
        "before": value::optional(field.before.as_ref()),
        "after": value::optional(field.after.as_ref()),
        "forces_replace": field.forces_replace,
        "owner": field.owner,
    })
}

fn path(path: &Path) -> Json {
    let step = |step: &PathStep| match step {
        PathStep::Attribute(name) => json!(name),
        PathStep::Index(at) => json!(at),
        PathStep::Element(keys) => {
            Json::Object(keys.iter().map(|(name, text)| (name.clone(), json!(text))).collect())
        }
    };
    path.0.iter().map(step).collect()
}

fn output(output: &OutputChange) -> Json {
    json!({
        "before": value::optional(output.before.as_ref()),
        "after": value::optional(output.after.as_ref()),
        "changed": output.changed(),
    })
}
