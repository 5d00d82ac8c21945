//! How many instances see which action.

use std::collections::BTreeMap;

use meshform_engine::address::Address;
use meshform_engine::plan::{Action, Plan, StepOperation};

/// Instances by what happens to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) create: usize,
    pub(crate) update: usize,
    pub(crate) replace: usize,
    pub(crate) delete: usize,
    pub(crate) adopt: usize,
    pub(crate) refresh: usize,
    pub(crate) forget: usize,
    pub(crate) read: usize,
    pub(crate) defer: usize,
    pub(crate) step: usize,
    pub(crate) unchanged: usize,
}

impl Counts {
    /// What a plan holds.
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut counts = Self::default();
        plan.shown().for_each(|change| counts.add(change.action));
        counts
    }

    /// Counts one more instance.
    pub(crate) fn add(&mut self, action: Action) {
        *self.slot(action) += 1;
    }

    fn slot(&mut self, action: Action) -> &mut usize {
        match action {
            Action::NoOp => &mut self.unchanged,
            Action::Create => &mut self.create,
            Action::Update => &mut self.update,
            Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst => &mut self.replace,
            Action::Delete => &mut self.delete,
            Action::Forget => &mut self.forget,
            Action::Adopt => &mut self.adopt,
            Action::Refresh => &mut self.refresh,
            Action::Read => &mut self.read,
            Action::Defer => &mut self.defer,
            Action::Step => &mut self.step,
        }
    }

    /// Each count with its names, for what only machines read.
    pub(crate) fn named(&self) -> [(&'static str, usize); 11] {
        [
            ("create", self.create),
            ("update", self.update),
            ("replace", self.replace),
            ("delete", self.delete),
            ("adopt", self.adopt),
            ("refresh", self.refresh),
            ("forget", self.forget),
            ("read", self.read),
            ("defer", self.defer),
            ("step", self.step),
            ("unchanged", self.unchanged),
        ]
    }
}

/// What a plan sets out to do, to be compared with what was done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    instances: BTreeMap<Address, (Action, usize)>,
}

impl Work {
    /// Each changing instance with the number of its steps.
    pub(crate) fn of(plan: &Plan) -> Self {
        let changing = plan.shown().filter(|change| !matches!(change.action, Action::NoOp | Action::Defer));
        let mut instances: BTreeMap<_, _> =
            changing.map(|change| (change.address.clone(), (change.action, 0))).collect();
        for step in &plan.steps {
            if let Some((_, steps)) = instances.get_mut(&step.address) {
                *steps += 1;
            }
        }
        Self { instances }
    }

    /// The instances whose steps have all succeeded.
    pub(crate) fn done(&self, succeeded: &[(Address, StepOperation)]) -> Counts {
        let mut ended: BTreeMap<&Address, usize> = BTreeMap::new();
        for (address, _) in succeeded {
            *ended.entry(address).or_default() += 1;
        }
        let mut counts = Counts::default();
        let done = self
            .instances
            .iter()
            .filter(|(address, (_, steps))| ended.get(address).copied().unwrap_or(0) >= *steps);
        done.for_each(|(_, (action, _))| counts.add(*action));
        counts
    }
}
