//! All rules of order, in one place: changes → steps and what each must wait for.
//!
//! Where B depends on A:
//! 1. A is made before B is made. Unchanged instances between two changed ones keep the order.
//! 2. B is removed before A is removed, by what was *recorded*, not by what the configuration says now.
//! 3. A replace that deletes first: removed, then made.
//! 4. A is to go and B only to change: B changes first, so that it lets go of A.
//! 5. B is to go and A only to change: B goes first, as it may not bear the changed A.
//!    What was deposed goes when its successor is made, and when all that was recorded as depending on it has changed or gone.
//! 6. What an instance takes over from another address is recorded as its own before the old record is forgotten or overwritten.
//!
//! Where they contradict each other, 5 gives way first, then 4: they spare what is about to change a moment of trouble, no more. Then
//! what was deposed goes first.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

use super::{Action, Change, Step, StepOperation};
use crate::address::{Address, ModulePath};
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
    ordering.hand_over_first(changes, snapshot);
    for change in changes {
        ordering.deposed_last(change);
        // Not recorded under this address yet.
        if change.address.deposed.is_some() && !snapshot.records.contains_key(&change.address) {
            change.depends_on.iter().for_each(|needed| ordering.recorded(&change.address, needed));
        }
    }
    for (address, record) in &snapshot.records {
        for needed in &record.depends_on {
            ordering.recorded(address, needed);
        }
    }
    ordering.finish()
}

/// How weak it is that what was deposed goes last: it gives way when nothing else does, as when it stands in the way of what its successor
/// depends on. What is asked for by `create_before_destroy` does not come to that, for it spreads to all that it depends on.
const DEPOSED_LAST: u8 = 3;

struct Ordering<'a> {
    by_block: BTreeMap<(ModulePath, &'a str, &'a str), Vec<&'a Change>>,
    steps: Vec<Step>,
    edges: BTreeSet<(usize, usize)>,
    /// Those that may give way, with the number of their rule.
    weak: BTreeMap<(usize, usize), u8>,
    make: BTreeMap<&'a Address, usize>,
    remove: BTreeMap<&'a Address, usize>,
    /// Steps that only write a record under another address, whatever has yet to happen elsewhere.
    record: BTreeMap<&'a Address, usize>,
    /// Steps that only take a record out: nothing on a target has to wait for them.
    forget: BTreeMap<&'a Address, usize>,
    makers: BTreeMap<Address, Vec<usize>>,
}

impl<'a> Ordering<'a> {
    fn new(changes: &'a [Change], snapshot: &Snapshot) -> Self {
        let recorded: BTreeSet<_> =
            snapshot.records.values().map(|record| (&record.target, record.identity.as_str())).collect();
        let is_renamed = |change: &Change| {
            let identity = change.prior_identity.as_ref().or(change.identity.as_ref());
            let own = snapshot.records.get(&change.address).map(|record| &record.identity);
            own != identity && identity.is_some_and(|identity| recorded.contains(&(&change.target, identity)))
        };
        let mut ordering = Self {
            by_block: BTreeMap::new(),
            steps: Vec::new(),
            edges: BTreeSet::new(),
            weak: BTreeMap::new(),
            make: BTreeMap::new(),
            remove: BTreeMap::new(),
            record: BTreeMap::new(),
            forget: BTreeMap::new(),
            makers: BTreeMap::new(),
        };
        for change in changes {
            let address = &change.address;
            let block = (address.module.path(), address.kind.as_str(), address.name.as_str());
            ordering.by_block.entry(block).or_default().push(change);
            ordering.add(change, is_renamed(change));
        }
        ordering
    }

    fn add(&mut self, change: &'a Change, is_renamed: bool) {
        let perform = StepOperation::Perform;
        let (removes, makes) = match change.action {
            Action::NoOp | Action::Defer | Action::Step | Action::Refresh => (None, None),
            // For those that come after it, it is made.
            Action::Read => (None, Some(StepOperation::Read)),
            Action::Create => (None, Some(perform(Operation::Create))),
            // Ours already, and as it should be: only under another address.
            Action::Adopt if is_renamed => (None, None),
            Action::Update | Action::Adopt => (None, Some(perform(Operation::Update))),
            Action::Delete => (Some(perform(Operation::Delete)), None),
            Action::Forget => (Some(StepOperation::Forget), None),
            // It becomes another thing, which is there already.
            Action::ReplaceDeleteFirst
                if change.prior_precondition.is_some() && change.precondition != Precondition::Absent =>
            {
                (Some(perform(Operation::Delete)), Some(perform(Operation::Update)))
            }
            Action::ReplaceDeleteFirst => {
                (Some(perform(Operation::Delete)), Some(perform(Operation::Create)))
            }
            // The removal is that of what is deposed.
            Action::ReplaceCreateFirst
                if change.prior_identity.is_some() && change.precondition != Precondition::Absent =>
            {
                (None, Some(perform(Operation::Update)))
            }
            Action::ReplaceCreateFirst => (None, Some(perform(Operation::Create))),
        };
        let mut push = |operation| {
            self.steps.push(Step { address: change.address.clone(), operation, after: Vec::new() });
            self.steps.len() - 1
        };
        // Of what is not there, there is nothing to keep.
        let keeps = matches!(change.action, Action::Update | Action::Adopt | Action::ReplaceDeleteFirst)
            || change.address.deposed.is_some();
        if (is_renamed && keeps) || change.action == Action::Refresh {
            self.record.insert(&change.address, push(StepOperation::Record));
        }
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
        let block = (needed.module.path(), needed.kind.as_str(), needed.name.as_str());
        let block = self.by_block.get(&block).map(Vec::as_slice).unwrap_or_default();
        block.iter().copied().filter(|change| needed.contains(&change.address)).collect()
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

    /// Rule 3, and a new address before anything else.
    fn make_after_own_removal(&mut self, change: &'a Change) {
        let steps = [&self.record, &self.remove, &self.make].map(|steps| steps.get(&change.address).copied());
        let steps: Vec<_> = steps.into_iter().flatten().collect();
        steps.windows(2).for_each(|pair| self.edge(pair[0], pair[1]));
    }

    /// Rule 5 for what is deposed: it is recorded before its successor is, and removed after that is made.
    fn deposed_last(&mut self, change: &'a Change) {
        let Some(successor) = change.address.successor() else { return };
        let Some(&make) = self.make.get(&successor) else { return };
        let steps = [&self.record, &self.remove].map(|steps| steps.get(&change.address).copied());
        let [record, remove] = steps;
        record.into_iter().for_each(|record| self.edge(record, make));
        self.weak.extend(remove.map(|remove| ((make, remove), DEPOSED_LAST)));
    }

    /// Rule 6.
    fn hand_over_first(&mut self, changes: &'a [Change], snapshot: &Snapshot) {
        let mut heirs: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for change in changes.iter().filter(|change| change.action != Action::Create) {
            let make = self.make.get(&change.address);
            let first = self.record.get(&change.address).or(make);
            // Where there is a former thing, it is that which is recorded first.
            let of_identity = if change.prior_identity.is_some() { make } else { first };
            for (identity, step) in [(&change.identity, of_identity), (&change.prior_identity, first)] {
                let (Some(identity), Some(&step)) = (identity, step) else { continue };
                heirs.entry((&change.target, identity)).or_default().push((&change.address, step));
            }
        }
        for (address, record) in &snapshot.records {
            let own = [&self.record, &self.make, &self.forget].map(|steps| steps.get(address).copied());
            let overwrites = own.into_iter().flatten().next();
            let heirs = heirs.get(&(&record.target, &record.identity)).into_iter().flatten();
            for (_, step) in heirs.filter(|(heir, _)| *heir != address) {
                overwrites.into_iter().for_each(|overwrites| self.edge(*step, overwrites));
            }
        }
    }

    /// Rules 2, 4 and 5 for `dependent`, which was recorded as depending on `needed`.
    fn recorded(&mut self, dependent: &Address, needed: &Address) {
        for change in self.named(needed) {
            let goes = |address| self.remove.get(address).copied();
            let stays = |address| self.make.get(address).copied().filter(|_| goes(address).is_none());
            match (goes(dependent), stays(dependent), goes(&change.address), stays(&change.address)) {
                (Some(dependent_goes), _, Some(needed_goes), _) => self.edge(dependent_goes, needed_goes),
                // Nothing happens yet to what the dependent has.
                (Some(_), _, _, Some(_)) if change.action == Action::ReplaceCreateFirst => {}
                (Some(dependent_goes), _, _, Some(needed_changes)) => {
                    self.weak.entry((dependent_goes, needed_changes)).or_insert(5);
                }
                (_, Some(dependent_changes), Some(needed_goes), _) if change.address.deposed.is_some() => {
                    self.weak.insert((dependent_changes, needed_goes), DEPOSED_LAST);
                }
                (_, Some(dependent_changes), Some(needed_goes), _) if change.action == Action::Delete => {
                    self.weak.insert((dependent_changes, needed_goes), 4);
                }
                _ => {}
            }
        }
    }

    fn edge(&mut self, before: usize, after: usize) {
        self.edges.insert((before, after));
    }

    fn finish(mut self) -> Result<Vec<Step>, Diagnostic> {
        while let Some(circle) = self.circle() {
            let inside = |(from, to): &(usize, usize)| circle.contains(from) && circle.contains(to);
            let Some(weakest) =
                self.weak.iter().filter(|(edge, _)| inside(edge)).map(|(_, rule)| *rule).max()
            else {
                return Err(self.contradiction(&circle));
            };
            self.weak.retain(|edge, rule| *rule != weakest || !inside(edge));
        }
        for (before, after) in self.all_edges() {
            self.steps[after].after.push(before);
        }
        Ok(self.steps)
    }

    fn contradiction(&self, circle: &BTreeSet<usize>) -> Diagnostic {
        let steps = circle.iter().filter_map(|step| self.steps.get(*step));
        let names: BTreeSet<String> = steps.map(|step| step.address.to_string()).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        let detail = format!(
            "The order in which these must change contradicts itself: {names}. Apply in two rounds: first without the new references."
        );
        Diagnostic::error("Cycle", detail)
    }

    fn all_edges(&self) -> BTreeSet<(usize, usize)> {
        self.edges.iter().chain(self.weak.keys()).copied().filter(|(before, after)| before != after).collect()
    }

    /// Steps that wait for each other.
    fn circle(&self) -> Option<BTreeSet<usize>> {
        let mut graph: DiGraph<usize, ()> = DiGraph::new();
        let nodes: Vec<_> = (0..self.steps.len()).map(|step| graph.add_node(step)).collect();
        for (before, after) in self.all_edges() {
            graph.add_edge(nodes[before], nodes[after], ());
        }
        let circle = kosaraju_scc(&graph).into_iter().find(|component| component.len() > 1)?;
        Some(circle.into_iter().map(|node| graph[node]).collect())
    }
}
