//! Which steps may run: a pure machine over a plan's steps. A failed step blocks its descendants only.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::TargetAddress;
use crate::plan::{Plan, Step};

/// The progress of a plan's steps.
pub(super) struct Schedule {
    steps: Vec<Progress>,
    queues: Vec<Queue>,
}

struct Progress {
    waits_for: usize,
    dependents: Vec<usize>,
    queue: usize,
    skipped: bool,
}

/// The steps of one target: parallelism is bounded for each target, not for all together.
struct Queue {
    ready: BTreeSet<usize>,
    running: usize,
    limit: usize,
}

impl Schedule {
    /// The schedule of a plan, which may come from a file: checked, not trusted. At most `parallelism` steps run on one target at once.
    ///
    /// # Errors
    /// When a step names one that is not there, or has no change, or the steps wait for each other in a circle.
    pub(super) fn new(plan: &Plan, parallelism: usize) -> Result<Self, String> {
        let mut schedule = Self { steps: Vec::new(), queues: Vec::new() };
        let mut queues: BTreeMap<&Option<TargetAddress>, usize> = BTreeMap::new();
        for step in &plan.steps {
            let change = plan.change(&step.address);
            let target = &change.ok_or_else(|| format!("the step of {} has no change", step.address))?.target;
            let queue = *queues.entry(target).or_insert_with(|| {
                // What lives nowhere costs nothing.
                let limit = if target.is_some() { parallelism.max(1) } else { usize::MAX };
                schedule.queues.push(Queue { ready: BTreeSet::new(), running: 0, limit });
                schedule.queues.len() - 1
            });
            let waits_for = step.after.len();
            schedule.steps.push(Progress { waits_for, dependents: Vec::new(), queue, skipped: false });
        }
        for (index, step) in plan.steps.iter().enumerate() {
            for &before in &step.after {
                let before = schedule.steps.get_mut(before);
                before
                    .ok_or_else(|| format!("the step of {} waits for none", step.address))?
                    .dependents
                    .push(index);
            }
        }
        match schedule.reachable() == plan.steps.len() {
            true => {
                (0..plan.steps.len()).for_each(|step| schedule.make_ready(step));
                Ok(schedule)
            }
            false => Err("steps wait for each other in a circle".to_owned()),
        }
    }

    fn reachable(&self) -> usize {
        let mut waits_for: Vec<_> = self.steps.iter().map(|step| step.waits_for).collect();
        let mut open: Vec<_> = (0..waits_for.len()).filter(|&step| waits_for[step] == 0).collect();
        let mut count = 0;
        while let Some(step) = open.pop() {
            count += 1;
            for &dependent in &self.steps[step].dependents {
                waits_for[dependent] -= 1;
                if waits_for[dependent] == 0 {
                    open.push(dependent);
                }
            }
        }
        count
    }

    /// A step that may begin now, if there is one: it is under way from now on.
    pub(super) fn start(&mut self) -> Option<usize> {
        let queue =
            self.queues.iter_mut().find(|queue| queue.running < queue.limit && !queue.ready.is_empty())?;
        queue.running += 1;
        queue.ready.pop_first()
    }

    /// A step succeeded: those that waited for it last become ready.
    pub(super) fn succeed(&mut self, step: usize) {
        self.queues[self.steps[step].queue].running -= 1;
        for dependent in std::mem::take(&mut self.steps[step].dependents) {
            self.steps[dependent].waits_for -= 1;
            self.make_ready(dependent);
        }
    }

    /// A step failed: all that come after it will not run. Returns them.
    pub(super) fn fail(&mut self, step: usize) -> Vec<usize> {
        self.queues[self.steps[step].queue].running -= 1;
        let mut open = self.steps[step].dependents.clone();
        let mut skipped = BTreeSet::new();
        while let Some(dependent) = open.pop() {
            if !std::mem::replace(&mut self.steps[dependent].skipped, true) {
                skipped.insert(dependent);
                open.extend(&self.steps[dependent].dependents);
            }
        }
        skipped.into_iter().collect()
    }

    fn make_ready(&mut self, step: usize) {
        let progress = &self.steps[step];
        if progress.waits_for == 0 && !progress.skipped {
            self.queues[progress.queue].ready.insert(step);
        }
    }
}

/// The steps that neither ran nor were skipped, when a run stops early.
pub(super) fn left(steps: &[Step], begun: &BTreeSet<usize>, skipped: &BTreeSet<usize>) -> Vec<usize> {
    (0..steps.len()).filter(|step| !begun.contains(step) && !skipped.contains(step)).collect()
}
