//! Which steps may run: a pure machine over a plan's steps. A failed step blocks its descendants only.

use std::collections::BTreeSet;

use crate::plan::{Plan, Step};

/// The progress of a plan's steps.
pub(super) struct Schedule {
    waits_for: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    ready: BTreeSet<usize>,
    skipped: Vec<bool>,
}

impl Schedule {
    /// The schedule of a plan, which may come from a file: checked, not trusted.
    ///
    /// # Errors
    /// When a step names one that is not there, or has no change, or the steps wait for each other in a circle.
    pub(super) fn new(plan: &Plan) -> Result<Self, String> {
        let steps = &plan.steps;
        let mut schedule = Self {
            waits_for: steps.iter().map(|step| step.after.len()).collect(),
            dependents: vec![Vec::new(); steps.len()],
            ready: BTreeSet::new(),
            skipped: vec![false; steps.len()],
        };
        for (index, step) in steps.iter().enumerate() {
            if plan.change(&step.address).is_none() {
                return Err(format!("the step of {} has no change", step.address));
            }
            for &before in &step.after {
                let dependents = schedule.dependents.get_mut(before);
                dependents.ok_or_else(|| format!("the step of {} waits for none", step.address))?.push(index);
            }
        }
        schedule.ready = (0..steps.len()).filter(|&index| schedule.waits_for[index] == 0).collect();
        match schedule.reachable() == steps.len() {
            true => Ok(schedule),
            false => Err("steps wait for each other in a circle".to_owned()),
        }
    }

    fn reachable(&self) -> usize {
        let mut waits_for = self.waits_for.clone();
        let mut open: Vec<_> = self.ready.iter().copied().collect();
        let mut count = 0;
        while let Some(step) = open.pop() {
            count += 1;
            for &dependent in &self.dependents[step] {
                waits_for[dependent] -= 1;
                if waits_for[dependent] == 0 {
                    open.push(dependent);
                }
            }
        }
        count
    }

    /// The steps that may begin now, in the plan's order.
    pub(super) fn ready(&self) -> Vec<usize> {
        self.ready.iter().copied().collect()
    }

    /// A step begins.
    pub(super) fn start(&mut self, step: usize) {
        self.ready.remove(&step);
    }

    /// A step succeeded: those that waited for it last become ready.
    pub(super) fn succeed(&mut self, step: usize) {
        for &dependent in &self.dependents[step] {
            self.waits_for[dependent] -= 1;
            if self.waits_for[dependent] == 0 && !self.skipped[dependent] {
                self.ready.insert(dependent);
            }
        }
    }

    /// A step failed: all that come after it will not run. Returns them.
    pub(super) fn fail(&mut self, step: usize) -> Vec<usize> {
        let mut open = self.dependents[step].clone();
        let mut skipped = BTreeSet::new();
        while let Some(dependent) = open.pop() {
            if !std::mem::replace(&mut self.skipped[dependent], true) {
                skipped.insert(dependent);
                open.extend(&self.dependents[dependent]);
            }
        }
        skipped.into_iter().collect()
    }
}

/// The steps that neither ran nor were skipped, when a run stops early.
pub(super) fn left(steps: &[Step], begun: &BTreeSet<usize>, skipped: &BTreeSet<usize>) -> Vec<usize> {
    (0..steps.len()).filter(|step| !begun.contains(step) && !skipped.contains(step)).collect()
}
