//! Providers and their targets.
//!
//! A provider's *pure* half (schemas, lowering, identities, differences) and its *effectful* half (a connected target) are separate, so
//! that planning can be tested without any target.

use std::sync::Arc;

use thiserror::Error;

use super::BoxFuture;
use super::impact::{Impact, ImpactItem};
use super::read::{Found, Look, Looked, ReadItem, strangers};
use crate::address::{Address, TargetAddress, TargetKind};
use crate::diagnostic::Severity;
use crate::files::Files;
use crate::plan::FieldChange;
use crate::schema::{Body, DataType, ResourceType};
use crate::state::Record;
use crate::value::{Fingerprinter, Path, Value};

/// A family of resource types and, perhaps, a kind of target.
pub trait Provider: Send + Sync {
    /// The resource types that this provider implements.
    fn resource_types(&self) -> Vec<ResourceType>;

    /// What this provider can look up.
    fn data_types(&self) -> Vec<DataType> {
        Vec::new()
    }

    /// The kind of target that this provider connects to, with what its block may contain.
    fn target(&self) -> Option<(TargetKind, Body)>;

    /// Checks a resource's values beyond their types. Values may be unknown: what cannot be told yet is no problem.
    fn check(&self, kind: &str, desired: &Value) -> Vec<Problem>;

    /// The values with all marked that is secret by its nature, whatever the configuration says of it.
    fn mark(&self, _kind: &str, desired: Value) -> Value {
        desired
    }

    /// Checks a look-up's arguments beyond their types, as [`Provider::check`] does a resource's values.
    fn check_data(&self, _kind: &str, _arguments: &Value) -> Vec<Problem> {
        Vec::new()
    }

    /// What a target has to be asked before a composite can be lowered: the arguments of a look-up of the composite's own type, which
    /// `lower` gets the answer of. `None` for what can be lowered as it stands.
    ///
    /// # Errors
    /// When the composite's content is wrong.
    fn asks(&self, _request: &LowerRequest<'_>) -> Result<Option<Value>, Vec<Problem>> {
        Ok(None)
    }

    /// The parts of a composite, or `None` while too much of it is unknown.
    ///
    /// # Errors
    /// When the composite's content is wrong.
    fn lower(&self, request: &LowerRequest<'_>) -> Result<Option<Vec<Part>>, Vec<Problem>>;

    /// What there is to warn about in a composite that has been lowered.
    fn cautions(&self, _request: &LowerRequest<'_>) -> Vec<Problem> {
        Vec::new()
    }

    /// What the instance is on its target, or `None` while that is unknown. Two instances of one target never share it.
    fn identify(&self, kind: &str, address: &Address, desired: &Value) -> Option<String>;

    /// What is wanted of an instance when its part at `path` is to stay as it is on the target.
    fn keep(&self, desired: &Value, path: &Path, there: &Observation) -> Value {
        keep_part(desired, path, there.attributes.at(path))
    }

    /// What a record becomes when it is brought up to date with what is there, and nothing is done about the thing.
    fn recorded_as_found(&self, _kind: &str, record: &Record, there: &Observation) -> Performed {
        Performed {
            attributes: overlaid(&record.attributes, &there.attributes),
            private: record.private.clone(),
        }
    }

    /// Whether a record still tells what the last apply left, where its attributes alone do not.
    fn is_as_applied(&self, _kind: &str, _record: &Record) -> bool {
        true
    }

    /// What apply would have to do: a pure function of what is recorded, there, and wanted.
    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference;

    /// Looks up what is on no target, read-only: one answer per item, in order. Cancelled by dropping; has a deadline of its own.
    fn read<'a>(&'a self, items: &'a [ReadItem]) -> BoxFuture<'a, Vec<Found>> {
        Box::pin(async move { strangers(items) })
    }

    /// Connects to a target. Cancelled by dropping; has a deadline of its own.
    fn connect<'a>(
        &'a self,
        target: &'a TargetConfig,
    ) -> BoxFuture<'a, Result<Arc<dyn Target>, ProviderError>>;
}

/// What is recorded, with all that a look tells in its place: a secret that is not told stays as it is recorded.
pub fn overlaid(recorded: &Value, there: &Value) -> Value {
    let is_told = |(_, value): &(&String, &Value)| !(value.is_null() && value.is_sensitive());
    let told = there.as_map().into_iter().flatten().filter(is_told);
    let known = recorded.as_map().into_iter().flatten().chain(told);
    Value::object(known.map(|(name, value)| (name.clone(), value.clone())))
}

/// The values with the part at `path` as it is live: gone if it is not there, unless the target does not tell a whole attribute.
pub fn keep_part(desired: &Value, path: &Path, live: Option<Value>) -> Value {
    let is_sensitive = desired.at(path).is_some_and(|part| part.is_sensitive());
    match live {
        Some(part) if !part.is_null() => desired.with_part(path, Some(part.marked(is_sensitive))),
        _ if path.0.len() == 1 => desired.clone(),
        _ => desired.with_part(path, None),
    }
}

/// A connected target. Every call has a deadline of its own and is cancelled by dropping its future.
pub trait Target: Send + Sync {
    /// What makes this cluster or host itself, whatever its address: it is recorded, and checked on every run.
    fn identity(&self) -> &str;

    /// Looks at all of the items at once, read-only: one answer per item, in order.
    fn observe<'a>(&'a self, items: &'a [ObserveItem])
    -> BoxFuture<'a, Vec<Result<Observed, ProviderError>>>;

    /// Looks all of this up at once, read-only: one answer per item, in order.
    fn read<'a>(&'a self, items: &'a [ReadItem]) -> BoxFuture<'a, Vec<Found>> {
        Box::pin(async move { strangers(items) })
    }

    /// Observes and reads at once: for targets to which one way there and back is cheaper than two.
    fn look<'a>(&'a self, look: Look<'a>) -> BoxFuture<'a, Looked> {
        Box::pin(async move {
            let (observed, found) = futures::join!(self.observe(look.observe), self.read(look.read));
            Looked { observed, found }
        })
    }

    /// Asks the target what it would make of these changes, without making them: one answer per item, in order.
    fn preview<'a>(&'a self, items: &'a [PreviewItem]) -> BoxFuture<'a, Vec<Preview>>;

    /// What all changes that are planned for it bring about besides, read-only: one answer per item, in order.
    fn impact<'a>(&'a self, items: &'a [ImpactItem]) -> BoxFuture<'a, Vec<Impact>> {
        Box::pin(async move { vec![Impact::new(); items.len()] })
    }

    /// What whoever plans and applies these instances and look-ups must be allowed to do, as documents that grant it.
    fn rights<'a>(
        &'a self,
        _items: &'a [ObserveItem],
        _read: &'a [ReadItem],
    ) -> BoxFuture<'a, Result<Vec<Value>, ProviderError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Makes one change, after proving the precondition under which it was reviewed.
    fn perform<'a>(
        &'a self,
        request: &'a PerformRequest,
        progress: &'a dyn Progress,
    ) -> BoxFuture<'a, Result<Performed, StepFailure>>;
}

/// Takes word of what a step waits for.
pub trait Progress: Send + Sync {
    /// What the step is doing now, in a few words, such as "2 of 3 replicas are ready".
    fn report(&self, address: &Address, message: &str);
}

/// A target's block with its values.
#[derive(Clone, Debug)]
pub struct TargetConfig {
    /// Its address.
    pub address: TargetAddress,
    /// Its attributes by the provider's schema, wholly known.
    pub attributes: Value,
    /// The stack's folder, which relative paths start from.
    pub folder: String,
}

/// A composite to be lowered.
pub struct LowerRequest<'a> {
    /// The resource type.
    pub kind: &'a str,
    /// The composite's own address.
    pub address: &'a Address,
    /// Its attributes, perhaps unknown.
    pub desired: &'a Value,
    /// The files that it may read.
    pub files: &'a dyn Files,
    /// The stack's folder, which relative paths start from.
    pub folder: &'a str,
    /// What its target answered, if it was asked ([`Provider::asks`]).
    pub found: Option<&'a Value>,
}

/// One part of a composite: an instance of the composite's [`ResourceType::part_kind`].
#[derive(Clone, Debug)]
pub struct Part {
    /// The key that tells it from its siblings.
    pub key: String,
    /// Its attributes.
    pub desired: Value,
    /// Keys of the siblings that must be there before it.
    pub after: Vec<String>,
}

/// Something wrong with a resource's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// Constant short text.
    pub summary: String,
    /// What, why and what to do, in sentences.
    pub detail: String,
    /// The attribute, or the place inside it.
    pub path: Path,
}

/// One thing to look at.
#[derive(Clone, Debug)]
pub struct ObserveItem {
    /// The instance.
    pub address: Address,
    /// Its resource type.
    pub kind: String,
    /// What it is on the target.
    pub identity: String,
    /// What the configuration wants, perhaps unknown in part; `None` if it wants it gone.
    pub desired: Option<Value>,
    /// What is recorded about it.
    pub record: Option<Arc<Record>>,
}

/// What a target holds under one identity.
#[derive(Clone, Debug)]
pub enum Observed {
    /// Nothing.
    Absent,
    /// This.
    Present(Observation),
}

/// Something that is there.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Its attributes by the resource type's schema, computed ones included.
    pub attributes: Value,
    /// Changes whenever the thing changes in a way that matters to this instance: what apply proves before writing.
    pub version: String,
    /// What the provider's own `difference` needs besides. Never stored, never shown.
    pub detail: serde_json::Value,
}

/// One change to be previewed.
#[derive(Clone, Debug)]
pub struct PreviewItem {
    /// What was observed, with what is wanted (wholly known) and recorded.
    pub item: ObserveItem,
    /// What was there.
    pub observed: Observed,
}

/// A target's own answer to what a change would do.
#[derive(Clone, Debug)]
pub enum Preview {
    /// It would be this.
    Would(Observation),
    /// The target would refuse.
    Refused(ProviderError),
    /// The target cannot tell yet (what it needs is not there); the reason in a sentence.
    Unverified(String),
}

/// All that a difference is a function of.
pub struct DifferenceRequest<'a> {
    /// The instance.
    pub address: &'a Address,
    /// Its resource type.
    pub kind: &'a str,
    /// What is recorded.
    pub record: Option<&'a Record>,
    /// What is there.
    pub observed: &'a Observed,
    /// What is wanted: attributes with defaults, perhaps unknown in part. `None`: it is to be gone.
    pub desired: Option<&'a Value>,
    /// The target's answer, once it was asked.
    pub preview: Option<&'a Preview>,
    /// For comparing sensitive values with the fingerprints in the record.
    pub fingerprinter: &'a dyn Fingerprinter,
}

/// What apply would have to do with one instance.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The outcome.
    pub verdict: Verdict,
    /// What would change, field by field. For a replace, marked where the reason is.
    pub fields: Vec<FieldChange>,
    /// What is no longer as recorded, in fields that are ours.
    pub drift: Vec<FieldChange>,
    /// The attributes after apply, unknown where only apply tells. What others may refer to.
    pub planned: Value,
    /// Whether the target's own answer would make this more exact (asked only when all is known).
    pub wants_preview: bool,
    /// What the reviewer should know besides, each a sentence.
    pub notes: Vec<String>,
    /// What is wrong: an error stops the plan.
    pub problems: Vec<Problem>,
}

impl Difference {
    /// One about which there is nothing to say besides, and which needs no preview.
    pub(crate) fn bare(verdict: Verdict, fields: Vec<FieldChange>, planned: Value) -> Self {
        Self {
            verdict,
            fields,
            drift: Vec::new(),
            planned,
            wants_preview: false,
            notes: Vec::new(),
            problems: Vec::new(),
        }
    }
}

/// The outcome of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is as wanted.
    NoOp,
    /// It is to be made.
    Create,
    /// It is to be changed in place.
    Update,
    /// It cannot be changed in place.
    Replace,
    /// It is to be removed.
    Delete,
}

/// What a step does to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Remove it.
    Delete,
}

/// One change to be made.
#[derive(Clone, Debug)]
pub struct PerformRequest {
    /// The instance.
    pub address: Address,
    /// Its resource type.
    pub kind: String,
    /// What it is on the target.
    pub identity: String,
    /// What to do.
    pub operation: Operation,
    /// What is wanted, wholly known, with sensitive values in the clear (and marked). `None` for a delete.
    pub desired: Option<Value>,
    /// What is recorded.
    pub record: Option<Arc<Record>>,
    /// Under what it was reviewed.
    pub precondition: Precondition,
    /// The longest that the step may take, in milliseconds; `None`: the provider's default.
    pub timeout_ms: Option<u64>,
}

/// What must still hold just before a step writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing is there.
    Absent,
    /// What is there has this version ([`Observation::version`]).
    Version(String),
    /// The outcome of an earlier attempt is not known: whatever is there is ours.
    Unproven,
}

/// A change that was made.
#[derive(Clone, Debug)]
pub struct Performed {
    /// The attributes as they are now; null after a delete.
    pub attributes: Value,
    /// What the provider wants to remember. Holds no secrets.
    pub private: serde_json::Value,
}

/// A change that was not, or only partly made.
#[derive(Clone, Debug)]
pub struct StepFailure {
    /// Why.
    pub error: ProviderError,
    /// What is there nevertheless: recorded as incomplete.
    pub partial: Option<Box<Performed>>,
}

/// Why a target did not do what it was asked for.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{summary}: {detail}")]
pub struct ProviderError {
    /// What kind of failure it is: code branches on this, never on the texts.
    pub code: ErrorCode,
    /// Constant short text.
    pub summary: String,
    /// What, why and what to do, in sentences. Holds no secrets.
    pub detail: String,
    /// The attribute to blame, if one is.
    pub path: Option<Path>,
}

/// The kinds of failure that the engine tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The target does not answer.
    Unreachable,
    /// The target does not let us in, or not do this.
    Denied,
    /// What is there is not what was reviewed.
    Changed,
    /// A condition that the configuration states does not hold.
    Condition,
    /// Another owner holds what we would change.
    Conflict,
    /// The target says that the wanted thing is not valid.
    Invalid,
    /// It took longer than it may.
    TimedOut,
    /// The change was made, but what it made does not work.
    Failed,
    /// Anything else.
    Other,
}

impl From<ProviderError> for StepFailure {
    fn from(error: ProviderError) -> Self {
        Self { error, partial: None }
    }
}
