//! A plan.
//!
//! | member | meaning |
//! | --- | --- |
//! | `created_ms` | when it was made, in milliseconds since the epoch |
//! | `destroy`, `empty`, `complete` | whether it takes the stack down; changes nothing; defers nothing, and could reach all of its targets |
//! | `partial` | null, or, of a plan of a part of the stack, what was asked for by `-target` or `-exclude` (`only` or `except`), which targets were `unreachable`, and what is `left_out` |
//! | `unreachable` | the targets that could not be reached, each with its `target`, `summary` and `detail`, and what is not planned: the `instances` that are there, and the `dependants` that need them (in a destroy, that they need) |
//! | `refresh_only` | whether only the records are brought up to date, and nothing on a target changes |
//! | `unseen` | the instances that were not looked at, and are taken as they are recorded |
//! | `lineage`, `serial` | the state from which it was made |
//! | `summary` | instances by action |
//! | `targets` | identities by target |
//! | `variables` | values by name |
//! | `changes` | one for each instance, unchanged ones too, by address |
//! | `steps` | what apply does, each with its `address`, `operation` and the positions of the steps that it comes `after` |
//! | `outputs` | by name: `before`, `after`, `changed` |
//! | `warnings` | diagnostics |
//! | `policies` | what each `policy` block says: `name`, `description`, `level` (`mandatory`, `advisory`), `verdict` (`holds`, `unknown`, `fails`) and `findings`, diagnostics |
//! | `forbidden` | whether a mandatory policy keeps it from being applied |
//!
//! A change has `address`, `kind`, `target`, `identity`, `prior_identity`, `action` (`no_op`, `create`, `update`, `replace_delete_first`,
//! `replace_create_first`, `delete`, `forget`, `adopt`, `refresh`, `read`, `defer`, `step`), `reason`, `fields`, `drift`, `planned`, `depends_on`,
//! `notes` and `impact` (what it brings about besides, each a sentence). A field has `path` (steps: a name, a position, or an object of the attributes that tell a list's element), `before`,
//! `after`, `forces_replace` and `owner`.

use meshform_engine::address::Address;
use meshform_engine::apply::MovedField;
use meshform_engine::plan::{
    Action, Change, FieldChange, OutputChange, Partial, Plan, Restriction, StepOperation, Unreachable,
};
use meshform_engine::policy::Judgement;
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
        "complete": counts.defer == 0 && plan.unreachable().is_empty(),
        "partial": plan.partial.as_ref().map(partial),
        "unreachable": unreachable(plan),
        "refresh_only": plan.refresh_only,
        "unseen": plan.unseen.iter().map(ToString::to_string).collect::<Vec<_>>(),
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
        "policies": policies(plan),
        "forbidden": plan.is_forbidden(),
    })
}

/// What makes a plan a partial one.
pub(crate) fn partial(partial: &Partial) -> Json {
    let unreachable = partial.unreachable.iter().map(|lost| json!(lost.target.to_string()));
    let mut members = Map::from_iter([
        ("left_out".to_owned(), addresses(&partial.left_out)),
        ("unreachable".to_owned(), unreachable.collect()),
    ]);
    if let Some(restriction) = &partial.restriction {
        let kind = match restriction {
            Restriction::Only(_) => "only",
            Restriction::Except(_) => "except",
        };
        let selectors = restriction.selectors().iter().map(|selector| json!(selector.to_string()));
        members.insert(kind.to_owned(), selectors.collect());
    }
    Json::Object(members)
}

/// The targets that could not be reached.
pub(crate) fn unreachable(plan: &Plan) -> Json {
    let one = |lost: &Unreachable| {
        json!({
            "target": lost.target.to_string(),
            "summary": lost.summary,
            "detail": lost.detail,
            "instances": addresses(&lost.instances),
            "dependants": addresses(&lost.dependants),
        })
    };
    plan.unreachable().iter().map(one).collect()
}

fn addresses(all: &[Address]) -> Json {
    all.iter().map(|address| json!(address.to_string())).collect()
}

/// What each policy says of a plan.
pub(crate) fn policies(plan: &Plan) -> Json {
    let policy = |judgement: &Judgement| {
        json!({
            "name": judgement.policy,
            "description": judgement.description,
            "level": judgement.level.as_str(),
            "verdict": judgement.verdict.as_str(),
            "findings": diagnostics::list(&judgement.findings, &plan.sources),
        })
    };
    plan.policies.iter().map(policy).collect()
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
        StepOperation::Record => "record",
        StepOperation::Forget => "forget",
        StepOperation::Read => "read",
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
        "impact": change.impact,
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
        Action::Refresh => "refresh",
        Action::Read => "read",
        Action::Defer => "defer",
        Action::Step => "step",
    }
}

/// A field that is not as reviewed any more.
pub(crate) fn moved(field: &MovedField) -> Json {
    json!({
        "path": path(&field.path),
        "reviewed": value::optional(field.reviewed.as_ref()),
        "now": value::optional(field.now.as_ref()),
        "wanted": value::optional(field.wanted.as_ref()),
    })
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
    let output = veil::output(output);
    json!({
        "before": value::optional(output.before.as_ref()),
        "after": value::optional(output.after.as_ref()),
        "changed": output.changed(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{render, samples};
    use meshform_engine::value::Value;

    /// A provider that forgets to mark a field must not make it public.
    #[test]
    fn a_secret_is_in_neither_form_of_a_plan() {
        let secret = Value::object([("password".into(), Value::string("hunter2").sensitive())]);
        let mut change = samples::value(Action::Update, "a", secret);
        change.fields = vec![samples::field(&["input", "password"], json!("hunter1"), json!("hunter2"))];
        change.drift = vec![samples::field(&["input", "password"], json!("hunter0"), json!("hunter1"))];
        let mut plan = samples::plan(vec![change]);
        plan.variables.insert("password".into(), Value::string("hunter2").sensitive());
        let (before, after) = (Some("hunter1".into()), Some(Value::string("hunter2").sensitive()));
        plan.outputs.insert("password".into(), OutputChange { before, after });
        let text = render::plan::text(&plan, render::plan::Detail { full: true, columns: 80 });
        let document = document(&plan);
        assert!(!text.contains("hunter"), "{text}");
        assert!(!document.to_string().contains("hunter"), "{document}");
        assert_eq!(document["changes"][0]["fields"][0]["after"]["sensitive"], json!([""]));
        assert_eq!(document["changes"][0]["planned"]["sensitive"], json!(["/input/password"]));
    }

    #[test]
    fn a_plan_without_what_is_out_of_reach_is_not_complete() {
        let document = document(&samples::out_of_reach(samples::plan(Vec::new())));
        assert_eq!((&document["empty"], &document["complete"]), (&json!(true), &json!(false)));
        let lost = &document["unreachable"][0];
        assert_eq!((&lost["target"], &lost["summary"]), (&json!("host.web"), &json!("Host unreachable")));
        assert_eq!(lost["instances"], json!(["host_file.motd"]));
        assert_eq!(lost["dependants"], json!(["value.greeting"]));
        assert_eq!(document["partial"]["unreachable"], json!(["host.web"]));
    }

    #[test]
    fn a_plan_is_told_in_full() {
        let mut change = samples::value(Action::ReplaceCreateFirst, "a", Value::null());
        let mut field = samples::field(&["triggers_replace"], json!(1), json!(2));
        field.forces_replace = true;
        field.path =
            field.path.join(PathStep::Element(vec![("name".into(), "web".into())])).join(PathStep::Index(3));
        change.fields = vec![field];
        let document =
            document(&samples::plan(vec![change, samples::value(Action::Defer, "b", Value::null())]));
        assert_eq!(document["format_version"], json!(FORMAT_VERSION));
        assert_eq!((&document["empty"], &document["complete"]), (&json!(false), &json!(false)));
        assert_eq!((&document["summary"]["replace"], &document["summary"]["defer"]), (&json!(1), &json!(1)));
        let change = &document["changes"][0];
        assert_eq!(change["action"], json!("replace_create_first"));
        assert_eq!(change["fields"][0]["path"], json!(["triggers_replace", { "name": "web" }, 3]));
        assert_eq!(change["fields"][0]["forces_replace"], json!(true));
    }
}
