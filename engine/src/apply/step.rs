//! One step: what is asked of its target, and what is recorded about it before and after.

use std::sync::Arc;

use super::agree::contradiction;
use super::moved::{MovedField, moved};
use super::values::Values;
use crate::address::Address;
use crate::condition;
use crate::config::{IgnoredChanges, Lifecycle, Registry};
use crate::diagnostic::Diagnostics;
use crate::lower::Instance;
use crate::plan::{Action, Change, Plan, StepOperation};
use crate::ports::{ErrorCode, Operation, PerformRequest, Precondition, ProviderError, StepFailure, Target};
use crate::secrets::{Secrets, marked_like};
use crate::state::{Record, RecordStatus, Snapshot};
use crate::value::{Fingerprinter, Kind, Path, Value};

/// What preparing a step needs to know.
pub(super) struct Preparing<'a> {
    pub(super) registry: &'a Registry,
    pub(super) fingerprinter: &'a Arc<dyn Fingerprinter>,
}

impl Preparing<'_> {
    /// What is not as reviewed any more of a thing whose step was turned down for that.
    pub(super) async fn moved(
        &self,
        change: &Change,
        prepared: &Prepared,
        target: &dyn Target,
    ) -> Vec<MovedField> {
        moved(change, prepared, target, self.registry, &**self.fingerprinter).await
    }
}

/// A step ready to be tried.
pub(super) struct Prepared {
    /// What its target is asked; `None` when only the record changes.
    pub(super) request: Option<PerformRequest>,
    /// The record while the outcome is not known.
    pub(super) intent: Record,
    /// Whether the record goes when it succeeds.
    pub(super) removes: bool,
    /// What is recorded of a thing that is looked at before what is there is written down.
    pub(super) looks_first: Option<Record>,
    prior: Option<Record>,
    secrets: Secrets,
}

impl Prepared {
    /// What came back from the target, with every secret in it marked.
    pub(super) fn mark(&self, attributes: &Value) -> Value {
        self.secrets.mark(attributes)
    }

    /// A field that is not as reviewed, with every secret in it marked: on all sides, if on one.
    pub(super) fn mark_moved(&self, field: MovedField) -> MovedField {
        let sides = [&field.reviewed, &field.now, &field.wanted];
        let sides = sides.map(|side| side.as_ref().map(|value| self.secrets.mark(value)));
        let is_secret = sides.iter().flatten().any(Value::has_sensitive);
        let [reviewed, now, wanted] = sides.map(|side| side.map(|value| value.marked(is_secret)));
        MovedField { path: field.path, reviewed, now, wanted }
    }

    /// An error without the secrets that the target may have repeated in it.
    pub(super) fn scrub(&self, error: ProviderError) -> ProviderError {
        ProviderError { detail: self.secrets.scrub(&error.detail), ..error }
    }
}

/// The record after a failure: what is there for certain, or "look first" where the outcome is not known.
pub(super) fn failed_record(prepared: &Prepared, failure: &StepFailure) -> Option<Record> {
    if let Some(partial) = &failure.partial {
        return Some(Record {
            attributes: prepared.mark(&partial.attributes),
            private: partial.private.clone(),
            status: RecordStatus::Incomplete,
            ..prepared.intent.clone()
        });
    }
    if prepared.request.is_none() {
        return prepared.prior.clone();
    }
    match failure.error.code {
        // The target, or the proof before the write, turned the step down: nothing has changed.
        ErrorCode::Changed
        | ErrorCode::Condition
        | ErrorCode::Conflict
        | ErrorCode::Denied
        | ErrorCode::Invalid => prepared.prior.clone(),
        ErrorCode::Unreachable | ErrorCode::TimedOut | ErrorCode::Failed | ErrorCode::Other => {
            Some(Record { status: RecordStatus::Incomplete, ..prepared.intent.clone() })
        }
    }
}

/// Evaluates what a step needs and holds it against what was reviewed.
///
/// # Errors
/// When it cannot be evaluated, or comes out differently than planned.
pub(super) fn prepare(
    preparing: &Preparing<'_>,
    plan: &Plan,
    step: usize,
    values: &mut Values<'_>,
    snapshot: &Snapshot,
) -> Result<Prepared, ProviderError> {
    let step = &plan.steps[step];
    let change =
        plan.change(&step.address).ok_or_else(|| refused("the plan has no change for it".to_owned()))?;
    let prior = snapshot.records.get(&change.address).cloned();
    let mut secrets = Secrets::new(preparing.fingerprinter);
    prior.iter().for_each(|record| secrets.learn(&record.attributes));
    match step.operation {
        StepOperation::Read => Err(refused("it is looked up, and not changed".to_owned())),
        StepOperation::Forget => {
            let intent = intent(change, prior.as_ref(), change.identity.as_deref().unwrap_or_default());
            let looks_first = prior.clone().filter(|_| plan.refresh_only);
            Ok(Prepared { request: None, intent, removes: true, looks_first, prior, secrets })
        }
        StepOperation::Record if change.action == Action::Refresh => {
            let known = prior.clone().ok_or_else(|| refused("it is not recorded any more".to_owned()))?;
            let intent = Record { attributes: marked_like(known.attributes, &change.planned), ..known };
            let looks_first = Some(intent.clone());
            Ok(Prepared { request: None, intent, removes: false, looks_first, prior, secrets })
        }
        StepOperation::Record => {
            // What is to be removed first keeps its name until then.
            let removed = change.prior_identity.as_deref().filter(|_| change.prior_precondition.is_some());
            let identity = removed.or(change.identity.as_deref()).unwrap_or_default();
            let known = recorded_as(snapshot, change, identity);
            let known = known.ok_or_else(|| refused("it is not recorded any more".to_owned()))?;
            let intent = Record {
                identity: identity.to_owned(),
                depends_on: recorded_dependencies(change),
                status: RecordStatus::Complete,
                ..known
            };
            Ok(Prepared { request: None, intent, removes: false, looks_first: None, prior, secrets })
        }
        StepOperation::Perform(Operation::Delete) => {
            let identity = change.prior_identity.as_ref().or(change.identity.as_ref());
            let identity = identity.map(String::as_str).unwrap_or_default().to_owned();
            let request = request(change, Operation::Delete, &identity, prior.clone(), None);
            let intent = intent(change, prior.as_ref(), &identity);
            Ok(Prepared { request: Some(request), intent, removes: true, looks_first: None, prior, secrets })
        }
        StepOperation::Perform(operation) => {
            let mut instance = values.instance(&change.address).map_err(|problems| unevaluated(&problems))?;
            let planned = change.desired.as_ref().filter(|_| change.action != Action::Create);
            if let (Some(planned), Some(lifecycle)) = (planned, values.lifecycle(&change.address)) {
                instance.desired = keep_ignored(instance.desired, planned, lifecycle)?;
            }
            secrets.learn(&instance.desired);
            let identity = agreed_identity(preparing, change, &instance)?;
            let known = prior.clone().filter(|record| is_of(record, change, &identity));
            let request = request(change, operation, &identity, known, Some(instance.desired));
            let intent = intent(change, prior.as_ref(), &identity);
            Ok(Prepared { request: Some(request), intent, removes: false, looks_first: None, prior, secrets })
        }
    }
}

/// What was to be ignored stays as the plan found it, as far as the plan knew what it is in.
fn keep_ignored(desired: Value, planned: &Value, lifecycle: &Lifecycle) -> Result<Value, ProviderError> {
    let IgnoredChanges::Paths(paths) = &lifecycle.ignore_changes else { return Ok(desired) };
    paths.iter().try_fold(desired, |desired, path| {
        let part = planned.at(path);
        let around = Path(path.0.iter().take(path.0.len().saturating_sub(1)).cloned().collect());
        let told = match &part {
            Some(part) => part.is_wholly_known() || matches!(part.kind(), Kind::Fingerprint(_)),
            None => planned.at(&around).is_some_and(|around| around.is_known()),
        };
        if !told {
            return Ok(desired);
        }
        if part.as_ref().is_some_and(|part| matches!(part.kind(), Kind::Fingerprint(_))) {
            return Err(refused(format!(
                "{path} is sensitive and ignored, and a saved plan does not hold what it was: apply without a saved plan"
            )));
        }
        Ok(desired.with_part(path, part))
    })
}

/// The instance's identity, once what is wanted of it is found to be what was reviewed.
fn agreed_identity(
    preparing: &Preparing<'_>,
    change: &Change,
    instance: &Instance,
) -> Result<String, ProviderError> {
    if !instance.desired.is_wholly_known() {
        return Err(refused("some of its values are not known even now".to_owned()));
    }
    if let Some(planned) = &change.desired
        && let Some(path) = contradiction(planned, &instance.desired, &**preparing.fingerprinter)
    {
        return Err(refused(format!("{path} comes out otherwise than planned")));
    }
    let provider = preparing.registry.provider(&change.kind);
    let identity = provider
        .and_then(|provider| provider.identify(&change.kind, &change.address, &instance.desired))
        .ok_or_else(|| refused("what it is on its target cannot be told even now".to_owned()))?;
    match &change.identity {
        Some(planned) if *planned != identity => {
            Err(refused(format!("it is {identity}, and was planned as {planned}")))
        }
        _ => Ok(identity),
    }
}

/// The record of the same thing under its former address.
fn recorded_as(snapshot: &Snapshot, change: &Change, identity: &str) -> Option<Record> {
    let identity = change.prior_identity.as_deref().unwrap_or(identity);
    let mut records = snapshot.records.values();
    records.find(|record| record.identity == identity && record.target == change.target).cloned()
}

fn request(
    change: &Change,
    operation: Operation,
    identity: &str,
    record: Option<Record>,
    desired: Option<Value>,
) -> PerformRequest {
    let replaces = matches!(change.action, Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst);
    let precondition = match (&change.prior_precondition, operation) {
        (Some(prior), Operation::Delete) => prior.clone(),
        // The old thing's version was proved before it was removed: nothing is left to be proved against.
        (None, Operation::Create) if replaces => Precondition::Absent,
        _ => change.precondition.clone(),
    };
    PerformRequest {
        address: change.address.clone(),
        kind: change.kind.clone(),
        identity: identity.to_owned(),
        operation,
        desired,
        record: record.map(Arc::new),
        precondition,
        timeout_ms: change.timeout_ms,
    }
}

fn intent(change: &Change, prior: Option<&Record>, identity: &str) -> Record {
    let known = prior.filter(|record| is_of(record, change, identity));
    let mut depends_on = recorded_dependencies(change);
    // Until the outcome is known, what it depended on counts, too.
    depends_on.extend(prior.into_iter().flat_map(|record| record.depends_on.iter().cloned()));
    depends_on.sort();
    depends_on.dedup();
    Record {
        target: change.target.clone(),
        identity: identity.to_owned(),
        attributes: known.map_or_else(Value::null, |record| record.attributes.clone()),
        private: known.map_or(serde_json::Value::Null, |record| record.private.clone()),
        depends_on,
        status: RecordStatus::Incomplete,
    }
}

/// Whether a record is of the thing of that identity on the target that the change is about.
fn is_of(record: &Record, change: &Change, identity: &str) -> bool {
    record.identity == identity && record.target == change.target
}

/// What it depends on that is managed: look-ups do not outlive a run.
fn recorded_dependencies(change: &Change) -> Vec<Address> {
    change.depends_on.iter().filter(|needed| needed.data_type().is_none()).cloned().collect()
}

fn unevaluated(problems: &Diagnostics) -> ProviderError {
    let details: Vec<_> = problems.iter().map(|problem| problem.detail.clone()).collect();
    let code = match problems.iter().any(condition::is_failure) {
        true => ErrorCode::Condition,
        false => ErrorCode::Changed,
    };
    ProviderError { code, ..refused(details.join(" ")) }
}

fn refused(detail: String) -> ProviderError {
    ProviderError {
        code: ErrorCode::Changed,
        summary: "Not as planned".to_owned(),
        detail: format!("{detail}. Nothing was done about it: plan again and review.").replace("..", "."),
        path: None,
    }
}
