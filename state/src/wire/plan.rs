//! The plan file: all that apply runs and a reviewer reads, without secrets.

use std::collections::BTreeMap;

use meshform_engine::address::{Address, ModulePath, TargetAddress};
use meshform_engine::diagnostic::{Diagnostic, Severity, Source, SourceId, Sources, Span};
use meshform_engine::plan::{Action, Change, FieldChange, OutputChange, Plan, Step};
use meshform_engine::ports::{DEFAULT_WORKSPACE, Precondition};
use meshform_engine::value::{Fingerprinter, Path, PathStep, Value};
use serde::{Deserialize, Serialize};

use super::event::OperationBody;
use super::partial::PartialBody;
use super::policy::JudgementBody;
use super::state::{into_targets, targets};
use super::value::{Stored, present};
use super::{Text, WireError};

/// A plan's image.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanBody {
    created_ms: i64,
    destroy: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partial: Option<PartialBody>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    refresh_only: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unseen: Vec<Text<Address>>,
    folder: String,
    #[serde(default = "default_workspace", skip_serializing_if = "is_default_workspace")]
    workspace: String,
    lineage: String,
    serial: u64,
    targets: BTreeMap<Text<TargetAddress>, String>,
    variables: BTreeMap<String, Stored>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    data: BTreeMap<Text<Address>, Stored>,
    steps: Vec<StepBody>,
    changes: Vec<ChangeBody>,
    outputs: BTreeMap<String, OutputBody>,
    warnings: Vec<DiagnosticBody>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    policies: Vec<JudgementBody>,
    sources: Vec<SourceBody>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    modules: Vec<ModuleBody>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceBody {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    text: String,
}

/// Where the files of a module lie, by the names of the calls that lead to it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModuleBody {
    calls: Vec<String>,
    folder: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepBody {
    address: Text<Address>,
    operation: OperationBody,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after: Vec<usize>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    address: Text<Address>,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Text<TargetAddress>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prior_identity: Option<String>,
    #[serde(with = "ActionBody")]
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(with = "PreconditionBody")]
    precondition: Precondition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prior_precondition: Option<Reviewed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<Text<Address>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    impact: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldBody>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    drift: Vec<FieldBody>,
    planned: Stored,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    desired: Option<Stored>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldBody {
    path: Vec<PathStepBody>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    before: Option<Stored>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    after: Option<Stored>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    forces_replace: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
}

/// A name, a position, or the pairs that an element is found by.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PathStepBody {
    Attribute(String),
    Index(usize),
    Element(Vec<(String, String)>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputBody {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    before: Option<Stored>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    after: Option<Stored>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiagnosticBody {
    #[serde(with = "SeverityBody")]
    severity: Severity,
    summary: String,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<SpanBody>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanBody {
    source: u32,
    start: usize,
    end: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Severity", rename_all = "snake_case")]
enum SeverityBody {
    Warning,
    Error,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Reviewed(#[serde(with = "PreconditionBody")] Precondition);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Precondition", rename_all = "snake_case")]
enum PreconditionBody {
    Absent,
    Version(String),
    Unproven,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Action", rename_all = "snake_case")]
enum ActionBody {
    NoOp,
    Create,
    Update,
    ReplaceDeleteFirst,
    ReplaceCreateFirst,
    Delete,
    Forget,
    Adopt,
    Refresh,
    Read,
    Defer,
    Step,
}

fn default_workspace() -> String {
    DEFAULT_WORKSPACE.to_owned()
}

fn is_default_workspace(name: &String) -> bool {
    name == DEFAULT_WORKSPACE
}

/// The variables' values. What is ephemeral is not recorded, in whatever form: it is given to the apply again.
fn recorded(variables: &BTreeMap<String, Value>, keyed: &dyn Fingerprinter) -> BTreeMap<String, Stored> {
    let recorded = variables.iter().filter(|(_, value)| !value.has_ephemeral());
    recorded.map(|(name, value)| (name.clone(), Stored::new(value, keyed))).collect()
}

impl PlanBody {
    /// The image of a plan, without its secrets.
    pub(crate) fn new(plan: &Plan, keyed: &dyn Fingerprinter) -> Self {
        let outputs = plan.outputs.iter();
        Self {
            created_ms: plan.created_ms,
            destroy: plan.destroy,
            partial: plan.partial.as_ref().map(PartialBody::new),
            refresh_only: plan.refresh_only,
            unseen: plan.unseen.iter().cloned().map(Text).collect(),
            folder: plan.folder.clone(),
            workspace: plan.workspace.clone(),
            lineage: plan.lineage.clone(),
            serial: plan.serial,
            targets: targets(&plan.targets),
            variables: recorded(&plan.variables, keyed),
            data: plan
                .data
                .iter()
                .map(|(address, found)| (Text(address.clone()), Stored::new(found, keyed)))
                .collect(),
            steps: plan.steps.iter().map(StepBody::new).collect(),
            changes: plan.changes.iter().map(|change| ChangeBody::new(change, keyed)).collect(),
            outputs: outputs.map(|(name, output)| (name.clone(), OutputBody::new(output, keyed))).collect(),
            warnings: plan.warnings.iter().map(DiagnosticBody::new).collect(),
            policies: plan.policies.iter().map(JudgementBody::new).collect(),
            sources: plan.sources.iter().map(|(_, source)| SourceBody::new(source)).collect(),
            modules: plan
                .sources
                .modules()
                .map(|(path, folder)| ModuleBody { calls: path.0.clone(), folder: folder.to_owned() })
                .collect(),
        }
    }

    /// The plan.
    ///
    /// # Errors
    /// When it is not one that planning makes: its changes out of order, or a step after one that is not there.
    pub(crate) fn into_plan(self) -> Result<Plan, WireError> {
        let mut sources = Sources::default();
        for source in &self.sources {
            source.add_to(&mut sources);
        }
        for module in self.modules {
            sources.locate(ModulePath(module.calls), Ok(module.folder));
        }
        let plan = Plan {
            created_ms: self.created_ms,
            destroy: self.destroy,
            partial: self.partial.map(PartialBody::into_partial),
            refresh_only: self.refresh_only,
            unseen: self.unseen.into_iter().map(|address| address.0).collect(),
            folder: self.folder,
            workspace: self.workspace,
            sources,
            variables: Stored::into_values(self.variables),
            lineage: self.lineage,
            serial: self.serial,
            targets: into_targets(self.targets),
            changes: self.changes.into_iter().map(ChangeBody::into_change).collect(),
            data: self.data.into_iter().map(|(address, found)| (address.0, found.into_value())).collect(),
            steps: self.steps.into_iter().map(StepBody::into_step).collect(),
            outputs: self.outputs.into_iter().map(|(name, output)| (name, output.into_output())).collect(),
            warnings: self.warnings.into_iter().map(DiagnosticBody::into_diagnostic).collect(),
            policies: self.policies.into_iter().map(JudgementBody::into_judgement).collect(),
        };
        check(&plan)?;
        Ok(plan)
    }
}

fn check(plan: &Plan) -> Result<(), WireError> {
    if !plan.changes.is_sorted_by(|a, b| a.address < b.address) {
        return Err(WireError::Content("its changes are not in the order of their addresses".into()));
    }
    // It would outrank what is planned for it.
    if let Some(address) = plan.data.keys().find(|address| address.data_type().is_none()) {
        return Err(WireError::Content(format!("it holds {address} as looked up, which is managed")));
    }
    let lost = |step: &&Step| step.after.iter().any(|before| *before >= plan.steps.len());
    match plan.steps.iter().find(lost) {
        Some(step) => Err(WireError::Content(format!(
            "its step for {} comes after one that is not there",
            step.address
        ))),
        None => Ok(()),
    }
}

impl SourceBody {
    fn new(source: &Source) -> Self {
        Self { name: source.name.clone(), folder: source.folder.clone(), text: source.text.clone() }
    }

    /// Adds the very same text: what [`Sources::add`] would take away from it is put there first.
    fn add_to(&self, sources: &mut Sources) {
        let text = format!("\u{feff}{}", self.text.replace('\n', "\r\n"));
        sources.add_in(self.folder.as_deref(), &self.name, &text);
    }
}

impl StepBody {
    fn new(step: &Step) -> Self {
        Self {
            address: Text(step.address.clone()),
            operation: step.operation.into(),
            after: step.after.clone(),
        }
    }

    fn into_step(self) -> Step {
        Step { address: self.address.0, operation: self.operation.into(), after: self.after }
    }
}

impl ChangeBody {
    fn new(change: &Change, keyed: &dyn Fingerprinter) -> Self {
        let fields =
            |fields: &[FieldChange]| fields.iter().map(|field| FieldBody::new(field, keyed)).collect();
        Self {
            address: Text(change.address.clone()),
            kind: change.kind.clone(),
            target: change.target.clone().map(Text),
            identity: change.identity.clone(),
            prior_identity: change.prior_identity.clone(),
            action: change.action,
            reason: change.reason.clone(),
            precondition: change.precondition.clone(),
            prior_precondition: change.prior_precondition.clone().map(Reviewed),
            timeout_ms: change.timeout_ms,
            depends_on: change.depends_on.iter().cloned().map(Text).collect(),
            notes: change.notes.clone(),
            impact: change.impact.clone(),
            fields: fields(&change.fields),
            drift: fields(&change.drift),
            planned: Stored::new(&change.planned, keyed),
            desired: stored(change.desired.as_ref(), keyed),
        }
    }

    fn into_change(self) -> Change {
        let fields = |fields: Vec<FieldBody>| fields.into_iter().map(FieldBody::into_field).collect();
        Change {
            address: self.address.0,
            kind: self.kind,
            target: self.target.map(|target| target.0),
            identity: self.identity,
            prior_identity: self.prior_identity,
            action: self.action,
            reason: self.reason,
            fields: fields(self.fields),
            drift: fields(self.drift),
            planned: self.planned.into_value(),
            desired: self.desired.map(Stored::into_value),
            precondition: self.precondition,
            prior_precondition: self.prior_precondition.map(|reviewed| reviewed.0),
            depends_on: self.depends_on.into_iter().map(|address| address.0).collect(),
            timeout_ms: self.timeout_ms,
            notes: self.notes,
            impact: self.impact,
        }
    }
}

impl FieldBody {
    fn new(field: &FieldChange, keyed: &dyn Fingerprinter) -> Self {
        Self {
            path: field.path.0.iter().cloned().map(PathStepBody::from).collect(),
            before: stored(field.before.as_ref(), keyed),
            after: stored(field.after.as_ref(), keyed),
            forces_replace: field.forces_replace,
            owner: field.owner.clone(),
        }
    }

    fn into_field(self) -> FieldChange {
        FieldChange {
            path: Path(self.path.into_iter().map(PathStep::from).collect()),
            before: self.before.map(Stored::into_value),
            after: self.after.map(Stored::into_value),
            forces_replace: self.forces_replace,
            owner: self.owner,
        }
    }
}

impl OutputBody {
    fn new(output: &OutputChange, keyed: &dyn Fingerprinter) -> Self {
        Self { before: stored(output.before.as_ref(), keyed), after: stored(output.after.as_ref(), keyed) }
    }

    fn into_output(self) -> OutputChange {
        OutputChange {
            before: self.before.map(Stored::into_value),
            after: self.after.map(Stored::into_value),
        }
    }
}

impl DiagnosticBody {
    pub(super) fn new(diagnostic: &Diagnostic) -> Self {
        let span =
            |span: &Span| SpanBody { source: span.source.0, start: span.range.start, end: span.range.end };
        Self {
            severity: diagnostic.severity,
            summary: diagnostic.summary.clone(),
            detail: diagnostic.detail.clone(),
            span: diagnostic.span.as_ref().map(span),
        }
    }

    pub(super) fn into_diagnostic(self) -> Diagnostic {
        let span = |span: SpanBody| Span { source: SourceId(span.source), range: span.start..span.end };
        Diagnostic {
            severity: self.severity,
            summary: self.summary,
            detail: self.detail,
            span: self.span.map(span),
        }
    }
}

impl From<PathStep> for PathStepBody {
    fn from(step: PathStep) -> Self {
        match step {
            PathStep::Attribute(name) => Self::Attribute(name),
            PathStep::Index(index) => Self::Index(index),
            PathStep::Element(keys) => Self::Element(keys),
        }
    }
}

impl From<PathStepBody> for PathStep {
    fn from(step: PathStepBody) -> Self {
        match step {
            PathStepBody::Attribute(name) => Self::Attribute(name),
            PathStepBody::Index(index) => Self::Index(index),
            PathStepBody::Element(keys) => Self::Element(keys),
        }
    }
}

fn stored(value: Option<&Value>, keyed: &dyn Fingerprinter) -> Option<Stored> {
    value.map(|value| Stored::new(value, keyed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sample;

    fn check(spoil: impl FnOnce(&mut Plan), expect: &str) {
        let mut plan = sample::plan();
        spoil(&mut plan);
        let read = PlanBody::new(&plan, &sample::key()).into_plan();
        assert_eq!(read.map(|_| ()).map_err(|error| error.to_string()), Err(expect.to_owned()));
    }

    #[test]
    fn impossible_plans_are_refused() {
        check(|plan| plan.changes.reverse(), "its changes are not in the order of their addresses");
        check(
            |plan| drop(plan.data.insert("kube_object.web".parse().unwrap(), Value::null())),
            "it holds kube_object.web as looked up, which is managed",
        );
        check(
            |plan| plan.steps[0].after.push(99),
            "its step for kube_object.web comes after one that is not there",
        );
    }

    #[test]
    fn sources_come_back_to_the_letter() {
        let mut plan = sample::plan();
        plan.sources.add("odd.hcl", "\u{feff}\u{feff}a\r\r\nb\r\nc\r");
        let read = PlanBody::new(&plan, &sample::key()).into_plan();
        assert_eq!(read.map(|read| read.sources), Ok(plan.sources));
    }
}
