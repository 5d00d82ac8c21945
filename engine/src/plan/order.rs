//! All rules of order, in one place: changes → steps and what each must wait for.
//!
//! Where B depends on A:
//! 1. A is made before B is made. Unchanged instances between two changed ones keep the order.
//! 2. B is removed before A is removed, by what was *recorded*, not by what the configuration says now.
//! 3. A replace that deletes first: removed, then made.
//! 4. A is to go and B only to change: B changes first, so that it lets go of A.
//! 5. B is to go and A only to change: B goes first, as it may not bear the changed A. This one gives way where it contradicts the others.
//! 6. A renamed instance is recorded under its new address before the old one is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;

use super::{Action, Change, Step, StepOperation};
use crate::address::Address;
use crate::diagnostic::Diagnostic;
use crate::ports::{Operation, Precondition};
use crate::state::Snapshot;

/// The steps of these changes, which are sorted by address.
///
/// # Errors
/// When the rules contradict each other, which takes a cycle among recorded and configured dependencies together.
pub(super) fn steps(changes: &[Change], snapshot: &Snapshot) -> Result<Vec<Step>, Diagnostic> {
    let mut ordering = Ordering::new(changes, snapshot);
    for change in changes {
        ordering.make_after_dependencies(change);
        ordering.make_after_own_removal(change);
    }
    ordering.forget_after_heirs(changes);
    for (address, record) in &snapshot.records {
        for needed in &record.depends_on {
            ordering.recorded(address, needed);
        }
    }
    ordering.finish()
}

struct Ordering<'a> {
    by_block: BTreeMap<(&'a str, &'a str), Vec<&'a Change>>,
    steps: Vec<Step>,
    edges: BTreeSet<(usize, usize)>,
    /// Those of rule 5.
    weak: BTreeSet<(usize, usize)>,
    make: BTreeMap<&'a Address, usize>,
    remove: BTreeMap<&'a Address, usize>,
    /// Steps that only take a record out: nothing on a target has to wait for them.
    forget: BTreeMap<&'a Address, usize>,
    makers: BTreeMap<Address, Vec<usize>>,
}

impl<'a> Ordering<'a> {
    fn new(changes: &'a [Change], snapshot: &Snapshot) -> Self {
        let recorded: BTreeSet<_> =
            snapshot.records.values().map(|record| (&record.target, record.identity.as_str())).collect();
        let mut ordering = Self {
            by_block: BTreeMap::new(),
            steps: Vec::new(),
            edges: BTreeSet::new(),
            weak: BTreeSet::new(),
            make: BTreeMap::new(),
            remove: BTreeMap::new(),
            forget: BTreeMap::new(),
            makers: BTreeMap::new(),
        };
        for change in changes {
            let block = (change.address.kind.as_str(), change.address.name.as_str());
            ordering.by_block.entry(block).or_default().push(change);
            let identity = change.prior_identity.as_ref().or(change.identity.as_ref());
            let is_recorded = identity.is_some_and(|identity| recorded.contains(&(&change.target, identity)));
            ordering.add(change, is_recorded);
        }
        ordering
    }

    fn add(&mut self, change: &'a Change, is_recorded: bool) {
        let perform = StepOperation::Perform;
        let (removes, makes) = match change.action {
            Action::NoOp | Action::Defer | Action::Read | Action::Step => (None, None),
            Action::Create => (None, Some(perform(Operation::Create))),
            // Ours already, and as it should be: only under another address.
            Action::Adopt if is_recorded => (None, Some(StepOperation::Record)),
            Action::Update | Action::Adopt => (None, Some(perform(Operation::Update))),
            Action::Delete => (Some(perform(Operation::Delete)), None),
            Action::Forget => (Some(StepOperation::Forget), None),
            // It becomes another thing, which is there already.
            Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst
                if change.prior_precondition.is_some() && change.precondition != Precondition::Absent =>
            {
                (Some(perform(Operation::Delete)), Some(perform(Operation::Update)))
            }
            Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst => {
                (Some(perform(Operation::Delete)), Some(perform(Operation::Create)))
            }
        };
        let mut push = |operation| {
            self.steps.push(Step { address: change.address.clone(), operation, after: Vec::new() });
            self.steps.len() - 1
        };
        match removes {
            Some(StepOperation::Forget) => {
                self.forget.insert(&change.address, push(StepOperation::Forget));
            }
            Some(operation) => {
                self.remove.insert(&change.address, push(operation));
            }
            None => {}
        }
        if let Some(operation) = makes {
            self.make.insert(&change.address, push(operation));
        }
    }

    /// The changes that a dependency names: one instance, or all of its block.
    fn named(&self, needed: &Address) -> Vec<&'a Change> {
        let block = self.by_block.get(&(needed.kind.as_str(), needed.name.as_str()));
        let block = block.map(Vec::as_slice).unwrap_or_default();
        block.iter().copied().filter(|change| change.address.keys.starts_with(&needed.keys)).collect()
    }

    /// Rule 1.
    fn make_after_dependencies(&mut self, change: &'a Change) {
        let Some(&step) = self.make.get(&change.address) else { return };
        for needed in &change.depends_on {
            for before in self.makers_behind(needed, &mut BTreeSet::new()) {
                self.edge(before, step);
            }
        }
    }

    /// The steps that make what a dependency names; where it does not change, those that make what *it* depends on.
    fn makers_behind(&mut self, needed: &Address, under_way: &mut BTreeSet<Address>) -> Vec<usize> {
        if let Some(known) = self.makers.get(needed) {
            return known.clone();
        }
        if !under_way.insert(needed.clone()) {
            return Vec::new();
        }
        let mut found = BTreeSet::new();
        for change in self.named(needed) {
            match self.make.get(&change.address) {
                Some(&step) => drop(found.insert(step)),
                // What goes makes nothing, and nothing is made of it.
                None if matches!(change.action, Action::Delete | Action::Forget) => {}
                None => {
                    for next in &change.depends_on {
                        found.extend(self.makers_behind(next, under_way));
                    }
                }
            }
        }
        let found: Vec<_> = found.into_iter().collect();
        self.makers.insert(needed.clone(), found.clone());
        found
    }

    /// Rule 3.
    fn make_after_own_removal(&mut self, change: &'a Change) {
        let steps = (self.remove.get(&change.address), self.make.get(&change.address));
        if let (Some(&remove), Some(&make)) = steps {
            self.edge(remove, make);
        }
    }

    /// Rule 6.
    fn forget_after_heirs(&mut self, changes: &'a [Change]) {
        let mut heirs: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for change in changes {
            let Some(&step) = self.make.get(&change.address) else { continue };
            for identity in change.identity.iter().chain(&change.prior_identity) {
                heirs.entry((&change.target, identity)).or_default().push(step);
            }
        }
        for change in changes {
            let Some(&forget) = self.forget.get(&change.address) else { continue };
            let heirs = change.identity.as_ref().and_then(|identity| heirs.get(&(&change.target, identity)));
            heirs.into_iter().flatten().for_each(|&heir| self.edge(heir, forget));
        }
    }

    /// Rules 2, 4 and 5 for `dependent`, which was recorded as depending on `needed`.
    fn recorded(&mut self, dependent: &Address, needed: &Address) {
        for change in self.named(needed) {
            let goes = |address| self.remove.get(address).copied();
            let stays = |address| self.make.get(address).copied().filter(|_| goes(address).is_none());
            match (goes(dependent), stays(dependent), goes(&change.address), stays(&change.address)) {
                (Some(dependent_goes), _, Some(needed_goes), _) => self.edge(dependent_goes, needed_goes),
                (Some(dependent_goes), _, _, Some(needed_changes)) => {
                    self.weak.insert((dependent_goes, needed_changes));
                }
                (_, Some(dependent_changes), Some(needed_goes), _) if change.action == Action::Delete => {
                    self.edge(dependent_changes, needed_goes);
                }
                _ => {}
            }
        }
    }

    fn edge(&mut self, before: usize, after: usize) {
        if before != after {
            self.edges.insert((before, after));
        }
    }

    fn finish(mut self) -> Result<Vec<Step>, Diagnostic> {
        // Each round takes weak edges out of circles; where there is none left in a circle, the others contradict each other.
        while let Some(circle) = self.circle() {
            let before = self.weak.len();
            self.weak.retain(|(from, to)| !(circle.contains(from) && circle.contains(to)));
            if self.weak.len() == before {
                let step = circle.first().and_then(|step| self.steps.get(*step));
                let address = step.map(|step| step.address.to_string()).unwrap_or_default();
                return Err(Diagnostic::error(
                    "Cycle",
                    format!(
                        "The order in which {address} and others must change contradicts itself. Apply in two rounds: first without the new references."
                    ),
                ));
            }
        }
        for &(before, after) in self.edges.union(&self.weak) {
            self.steps[after].after.push(before);
        }
        Ok(self.steps)
    }

    /// Steps that wait for each other.
    fn circle(&self) -> Option<BTreeSet<usize>> {
        let mut graph: DiGraph<usize, ()> = DiGraph::new();
        let nodes: Vec<_> = (0..self.steps.len()).map(|step| graph.add_node(step)).collect();
        for &(before, after) in self.edges.union(&self.weak) {
            graph.add_edge(nodes[before], nodes[after], ());
        }
        let circle = tarjan_scc(&graph).into_iter().find(|component| component.len() > 1)?;
        Some(circle.into_iter().map(|node| graph[node]).collect())
    }
}
