//! The plan: pure data, and the program that apply runs.

mod draft;
mod impact;
mod order;
mod restriction;
mod settle;

use std::collections::BTreeMap;

pub(crate) use self::draft::{Draft, DraftInputs, Sights, Wants, asked, draft};
pub(crate) use self::impact::weigh;
pub use self::restriction::{Partial, Restriction, Unreachable};
pub(crate) use self::settle::settle;
use crate::address::{Address, TargetAddress};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources};
use crate::policy::Judgement;
use crate::ports::{Operation, Precondition};
use crate::value::{Path, Value};

/// All that would change, in what order, and under what it was reviewed.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// When it was made, in milliseconds since the epoch.
    pub created_ms: i64,
    /// Whether it is to take the whole stack down.
    pub destroy: bool,
    /// What makes it one of a part of the stack only; `None` if it is of all.
    pub partial: Option<Partial>,
    /// Whether it only brings the records up to date with what is there, and changes nothing on a target.
    pub refresh_only: bool,
    /// The instances that were not looked at, sorted: they are taken as they are recorded.
    pub unseen: Vec<Address>,
    /// The stack's folder as given.
    pub folder: String,
    /// The workspace that it is for.
    pub workspace: String,
    /// The configuration from which it was made.
    pub sources: Sources,
    /// The values of all variables, converted; sensitive ones are fingerprints in a saved plan.
    pub variables: BTreeMap<String, Value>,
    /// The lineage of the state that it was made from; empty if there was none.
    pub lineage: String,
    /// The serial of the state that it was made from.
    pub serial: u64,
    /// The identities of the targets that it was made against.
    pub targets: BTreeMap<TargetAddress, String>,
    /// One for each instance, unchanged ones too, by address; those that are left out have none.
    pub changes: Vec<Change>,
    /// What was looked up for it, by the instances of `data` blocks.
    pub data: BTreeMap<Address, Value>,
    /// What apply does, each step after those that it names.
    pub steps: Vec<Step>,
    /// What the outputs will be. What cannot be told in a partial plan has no entry, and stays as it is recorded.
    pub outputs: BTreeMap<String, OutputChange>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// What each policy says of it.
    pub policies: Vec<Judgement>,
}

impl Plan {
    /// Whether there are outputs that it does not tell, so that they stay as they are recorded.
    pub(crate) fn leaves_outputs(&self) -> bool {
        self.partial.is_some() || self.refresh_only
    }

    /// The targets that could not be reached, with what is left out because of them.
    pub fn unreachable(&self) -> &[Unreachable] {
        self.partial.as_ref().map_or(&[], |partial| &partial.unreachable)
    }

    /// The same as errors, for whoever needs the whole plan.
    pub(crate) fn unreached(&self) -> Diagnostics {
        let mut problems = Diagnostics::new();
        problems.extend(self.unreachable().iter().map(Unreachable::problem));
        problems
    }

    /// Whether apply would change anything at all: an instance, an output, or only what is recorded.
    pub fn is_empty(&self) -> bool {
        self.changes.iter().all(|change| change.action == Action::NoOp)
            && self.outputs.values().all(|output| !output.changed())
    }

    /// The changes as a reviewer counts them: a replacement that makes the new thing first is one, and not also the removal of the old.
    pub fn shown(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| {
            let successor = change.address.successor().and_then(|successor| self.change(&successor));
            !successor.is_some_and(|successor| successor.deposes(change))
        })
    }

    /// The change of one instance.
    pub fn change(&self, address: &Address) -> Option<&Change> {
        self.changes
            .binary_search_by(|change| change.address.cmp(address))
            .ok()
            .and_then(|index| self.changes.get(index))
    }
}

/// What of the targets a plan looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refresh {
    /// All that is recorded or wanted.
    #[default]
    Whole,
    /// What the configuration changes. The rest is taken as it is recorded.
    Changes,
    /// All that is recorded, and no more than that: only the records are brought up to date.
    Only,
}

/// What happens to one instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The instance.
    pub address: Address,
    /// The resource type whose attributes it has: its address's own, or that of a composite's part.
    pub kind: String,
    /// Where it lives.
    pub target: Option<TargetAddress>,
    /// What it is on its target; `None` while that is unknown.
    pub identity: Option<String>,
    /// What it was on its target, when the replace makes it something else there.
    pub prior_identity: Option<String>,
    /// What will be done.
    pub action: Action,
    /// Why, when the action alone does not tell; a sentence.
    pub reason: Option<String>,
    /// What changes, field by field.
    pub fields: Vec<FieldChange>,
    /// What was no longer as recorded.
    pub drift: Vec<FieldChange>,
    /// The attributes after apply, unknown where only apply tells.
    pub planned: Value,
    /// What the configuration wants, unknown where only apply tells; `None` when it is to be gone.
    pub desired: Option<Value>,
    /// Under what it was reviewed.
    pub precondition: Precondition,
    /// Under what the thing of [`Change::prior_identity`] was reviewed, where that is to be removed.
    pub prior_precondition: Option<Precondition>,
    /// What it depends on.
    pub depends_on: Vec<Address>,
    /// The longest that its steps may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// What the reviewer should know besides, each a sentence.
    pub notes: Vec<String>,
    /// What it brings about besides what it changes, each a sentence.
    pub impact: Vec<String>,
}

impl Change {
    /// Whether the other change is the second half of this replacement: the removal of the old thing.
    fn deposes(&self, other: &Self) -> bool {
        self.action == Action::ReplaceCreateFirst && self.prior_identity == other.identity
    }
}

/// The closed set of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// All is as wanted.
    NoOp,
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Remove it, then make it anew.
    ReplaceDeleteFirst,
    /// Make the new one, then remove the old one.
    ReplaceCreateFirst,
    /// Remove it.
    Delete,
    /// It is gone, or no longer ours: only the record goes.
    Forget,
    /// It is there already and becomes ours, with what changes about it.
    Adopt,
    /// It is not as recorded: only the record is brought up to date.
    Refresh,
    /// Look it up.
    Read,
    /// It cannot be planned yet: another round is due.
    Defer,
    /// One step of a rollout.
    Step,
}

/// One field's change.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Where.
    pub path: Path,
    /// What is there; `None` if nothing is.
    pub before: Option<Value>,
    /// What will be there, perhaps unknown; `None` if nothing will.
    pub after: Option<Value>,
    /// Whether this is why the thing must be replaced.
    pub forces_replace: bool,
    /// Who else wrote or owns it, and how: "kubectl-edit (Update, 2026-11-01T10:00:00Z)".
    pub owner: Option<String>,
}

/// What an output was and will be.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputChange {
    /// As recorded.
    pub before: Option<Value>,
    /// As planned, perhaps unknown; `None` if it goes.
    pub after: Option<Value>,
}

impl OutputChange {
    /// Whether it changes.
    pub fn changed(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                !before.same(after) || before.is_sensitive() != after.is_sensitive()
            }
            (before, after) => before.is_some() != after.is_some(),
        }
    }
}

/// One thing that apply does.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The instance.
    pub address: Address,
    /// What is done to it.
    pub operation: StepOperation,
    /// Positions in [`Plan::steps`] of the steps that must have succeeded before.
    pub after: Vec<usize>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepOperation {
    /// Change the target.
    Perform(Operation),
    /// Change only the record: write what is recorded of the same thing under this address, too.
    Record,
    /// Change only the record: take it out.
    Forget,
    /// Look something up: nothing changes, and nothing is recorded.
    Read,
}
