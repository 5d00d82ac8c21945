//! What is recorded and stays as it is, because `-target` or `-exclude` restricts the plan, or a target cannot be reached.
//!
//! Removing goes the other way than making: with what is removed goes all that needs it, and with what stays stays all that it needs.
//! So these rules see records only, with what each needs by what is recorded and by what is configured.

use std::collections::{BTreeMap, BTreeSet};

use super::selection::by_block;
use super::{DraftInputs, Drafting};
use crate::address::{Address, ModuleInstance, ModulePath, Selector};
use crate::config::{BlockId, BlockName, Config};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::environment::Environment;
use crate::plan::Restriction;
use crate::state::Snapshot;

impl<'a> Drafting<'a> {
    /// The records that no change is to be made of. Complains of what the restriction would tear apart.
    pub(super) fn remains(&mut self) -> BTreeSet<Address> {
        if !self.is_partial() {
            return BTreeSet::new();
        }
        if self.inputs.destroy {
            return self.outlive();
        }
        let restriction = self.inputs.restriction;
        let mut left_out = BTreeSet::new();
        let mut orphans = BTreeSet::new();
        for address in self.inputs.snapshot.records.keys() {
            let is_wanted = self.draft.changes.contains_key(address) || self.pending.contains(address);
            if self.leaves_out(address) {
                left_out.insert(address);
            } else if !is_wanted && !self.is_unsettled(address) {
                orphans.insert(address);
            }
        }
        orphans.retain(|address| {
            let heir = self.taken_over_by(address);
            if let (Some(heir), Some(Restriction::Except(selectors))) = (&heir, restriction)
                && selectors.iter().any(|selector| selector.contains(address))
            {
                self.draft.diagnostics.push(torn(restriction, heir, address));
            }
            heir.is_none()
        });
        for address in &left_out {
            if let Some(heir) = self.taken_over_by(address) {
                self.draft.diagnostics.push(torn(restriction, &heir, address));
            }
        }
        let stranded = self.strand(&orphans, &left_out);
        orphans.retain(|address| !stranded.contains(address));
        let going = match restriction {
            Some(Restriction::Only(selectors)) => self.go_along(selectors, &orphans, &left_out),
            Some(Restriction::Except(selectors)) => self.may_go(selectors, &orphans, &left_out),
            None => self.may_go(&[], &orphans, &left_out),
        };
        let staying = orphans.into_iter().filter(|address| !going.contains(*address));
        staying.chain(left_out).chain(stranded).cloned().collect()
    }

    /// What stays of a stack that is taken down in part.
    fn outlive(&mut self) -> BTreeSet<Address> {
        let ties = Ties::new(self.inputs, &self.environment);
        let all = self.inputs.snapshot.records.keys();
        let selectors = self.inputs.restriction.map_or(&[][..], Restriction::selectors);
        let is_named = |address: &&Address| selectors.iter().any(|it| it.contains(address));
        let named = all.clone().filter(is_named).collect();
        let any = |_: &Address| true;
        let asked: BTreeSet<_> = match self.inputs.restriction {
            Some(Restriction::Only(_)) => {
                let going = ties.dependents(named, any);
                all.filter(|address| !going.contains(*address)).collect()
            }
            Some(Restriction::Except(_)) => ties.needs(named, any),
            None => BTreeSet::new(),
        };
        let stranded = self.strand_all(&ties, &asked);
        asked.into_iter().chain(stranded).cloned().collect()
    }

    /// The orphans that are asked for, with those that need them. What else needs one of them has to let go of it, and is planned, too.
    fn go_along(
        &mut self,
        selectors: &[Selector],
        orphans: &BTreeSet<&'a Address>,
        left_out: &BTreeSet<&'a Address>,
    ) -> BTreeSet<&'a Address> {
        let ties = Ties::new(self.inputs, &self.environment);
        let mut going = BTreeSet::new();
        for address in orphans.iter().filter(|it| selectors.iter().any(|selector| selector.contains(it))) {
            match self.destination(address).filter(|heir| self.leaves_out(heir)) {
                Some(heir) => self.draft.diagnostics.push(torn_away(&heir, address)),
                None => drop(going.insert(*address)),
            }
        }
        let going = ties.dependents(going, |address| orphans.contains(address));
        if self.pending.is_empty() && self.draft.wants.is_empty() {
            let holding = ties.holding(&going);
            let holding = holding.into_iter().filter(|address| left_out.contains(address));
            let holding: Vec<_> = holding.filter_map(|address| self.left_out_as(address)).collect();
            self.draft.wants.widen.extend(holding);
        }
        orphans.iter().copied().filter(|address| going.contains(address)).collect()
    }

    /// The orphans that nothing that is left out needs or may be, and that need nothing that is left out.
    fn may_go(
        &self,
        selectors: &[Selector],
        orphans: &BTreeSet<&'a Address>,
        left_out: &BTreeSet<&'a Address>,
    ) -> BTreeSet<&'a Address> {
        let ties = Ties::new(self.inputs, &self.environment);
        let is_orphan = |address: &Address| orphans.contains(address);
        let is_excluded = |it: &&&Address| {
            selectors.iter().any(|one| one.contains(it)) || self.may_be_renamed(it, left_out)
        };
        let excluded = orphans.iter().filter(is_excluded).copied();
        let excluded = excluded.chain(left_out.iter().copied()).collect();
        let staying = ties.needs(ties.dependents(excluded, is_orphan), is_orphan);
        orphans.iter().copied().filter(|address| !staying.contains(address)).collect()
    }

    /// Whether something that is left out may be what an orphan is called now: it was moved there, or it is of the same type and was
    /// never recorded, so that it may have taken over the very same thing.
    fn may_be_renamed(&self, orphan: &Address, recorded: &BTreeSet<&Address>) -> bool {
        let left_out = &self.selection.left_out;
        self.destination(orphan).is_some_and(|heir| self.leaves_out(&heir))
            || left_out.iter().any(|(it, why)| {
                // What is out of reach can only have taken over what is there, too.
                !why.is_there && it.kind == orphan.kind && !recorded.contains(it)
            })
    }

    /// Whether an instance is left out.
    pub(super) fn leaves_out(&self, address: &Address) -> bool {
        self.left_out_as(address).is_some()
    }

    /// Under which address an instance is left out: its own, or that of what stands for it.
    pub(super) fn left_out_as(&self, address: &Address) -> Option<Address> {
        let mut named = address.successor().unwrap_or_else(|| address.clone());
        while !self.selection.left_out.contains_key(&named) {
            // A block as a whole stands for its instances, and one in any instance of its module for those in each.
            if named.keys.pop().is_some() {
                continue;
            }
            match named.module.0.iter_mut().rfind(|step| step.key.is_some()) {
                Some(step) => step.key = None,
                None => return None,
            }
        }
        Some(named)
    }

    /// The planned instance that what is recorded as `address` becomes.
    fn taken_over_by(&self, address: &Address) -> Option<Address> {
        let record = self.inputs.snapshot.records.get(address)?;
        let claim = self.claims.get(&(record.target.clone(), record.identity.clone()));
        let moved = || self.destination(address);
        let planned = |heir: &Address| self.draft.changes.contains_key(heir) || self.pending.contains(heir);
        claim.cloned().or_else(moved).filter(|heir| heir != address && planned(heir))
    }

    /// Whether it cannot be told from a part of the stack what becomes of a recorded output.
    pub(super) fn stays_recorded(&self, name: &str) -> bool {
        if self.is_refresh_only() {
            return true;
        }
        if !self.is_partial() {
            return false;
        }
        let id = BlockName::Output(name.to_owned()).within(ModulePath::ROOT);
        if !self.inputs.destroy {
            return self.inputs.config.dependencies.contains_key(&id);
        }
        let behind = self.environment.resources_behind(&ModuleInstance::ROOT, &id);
        let goes = |address: &Address| behind.iter().any(|behind| behind.contains(address));
        !self.draft.changes.keys().any(goes)
    }

    /// Whether a restriction keeps a record from being held against what is there.
    pub(super) fn keeps_from_refresh(&self, address: &Address) -> bool {
        let named = |selectors: &[Selector]| selectors.iter().any(|selector| selector.contains(address));
        match self.inputs.restriction {
            _ if self.is_beyond_reach(address) => true,
            None => false,
            Some(Restriction::Except(selectors)) => named(selectors) || self.leaves_out(address),
            Some(Restriction::Only(selectors)) => !named(selectors) && !self.selection.keeps(address),
        }
    }

    /// Complains of what is named and is nowhere in the stack, once there is nothing more to see.
    pub(super) fn check_selectors(&mut self) {
        let Some(restriction) = self.inputs.restriction.filter(|_| self.draft.wants.is_empty()) else {
            return;
        };
        for selector in restriction.selectors() {
            if self.is_there(selector) {
                continue;
            }
            let known = self.inputs.snapshot.records.keys().chain(self.draft.changes.keys());
            let known = known.chain(self.selection.left_out.keys()).chain(self.draft.data.keys());
            let known = known.map(ToString::to_string);
            let blocks = self.inputs.config.order.iter().filter(|id| is_managed(id));
            let known: BTreeSet<_> = known.chain(blocks.map(ToString::to_string)).collect();
            let hint = did_you_mean(&selector.to_string(), known.iter().map(String::as_str));
            let hint = hint.map(|name| format!(" Did you mean {name}?")).unwrap_or_default();
            let detail = format!(
                "{selector} ({}) is neither in the configuration nor in the state.{hint}",
                restriction.flag()
            );
            self.draft.diagnostics.push(Diagnostic::error("No such instance", detail));
        }
    }

    fn is_there(&self, selector: &Selector) -> bool {
        let contains = |address: &Address| selector.contains(address);
        let meets = |address: &Address| selector.meets(address);
        let is_deferred = |(address, change): (&Address, &crate::plan::Change)| {
            meets(address) && change.action == crate::plan::Action::Defer
        };
        self.draft.changes.keys().chain(&self.pending).any(contains)
            || self.draft.changes.iter().any(is_deferred)
            || self.draft.data.keys().any(contains)
            || self.inputs.snapshot.records.keys().any(contains)
            || self
                .selection
                .left_out
                .keys()
                .any(|left_out| contains(left_out) || self.hides(left_out, selector))
            || (self.inputs.destroy && self.inputs.config.order.iter().any(|id| is_of(id, selector)))
    }

    /// Whether what is left out is a block as a whole, whose instances were not told, and one of them may be meant.
    fn hides(&self, left_out: &Address, selector: &Selector) -> bool {
        self.unsettled.contains(left_out) && selector.meets(left_out)
    }
}

fn is_managed(id: &BlockId) -> bool {
    matches!(id.name, BlockName::Resource(..) | BlockName::Data(..))
}

/// Whether an instance of a block may be meant.
fn is_of(id: &BlockId, selector: &Selector) -> bool {
    match selector {
        Selector::Instance(address) => BlockId::of(address) == *id,
        Selector::Module(module) => is_managed(id) && id.module.is_within(&module.path()),
    }
}

fn torn(restriction: Option<&Restriction>, heir: &Address, address: &Address) -> Diagnostic {
    let what = format!("{heir} takes over what is recorded as {address}, which the plan leaves out.");
    let remedy = match restriction {
        Some(Restriction::Only(_)) => format!("Add -target '{address}', so that both are planned together."),
        Some(Restriction::Except(_)) => {
            format!("Leave both out by -exclude '{heir}' besides, or neither of the two.")
        }
        None => format!("Leave both out by -exclude '{heir}'."),
    };
    Diagnostic::error("Move torn apart", format!("{what} {remedy}"))
}

fn torn_away(heir: &Address, address: &Address) -> Diagnostic {
    let detail = format!(
        "What is recorded as {address} becomes {heir}, which the plan leaves out. Give -target '{heir}' instead."
    );
    Diagnostic::error("Move torn apart", detail)
}

/// What each record needs, by what is recorded and by what is configured.
pub(super) struct Ties<'a> {
    needs: BTreeMap<&'a Address, Vec<Address>>,
    by_block: BTreeMap<BlockId, Vec<&'a Address>>,
}

impl<'a> Ties<'a> {
    pub(super) fn new(inputs: &DraftInputs<'a>, environment: &Environment<'_>) -> Self {
        let snapshot: &'a Snapshot = inputs.snapshot;
        let mut configured = BTreeMap::new();
        let needs = snapshot.records.iter().map(|(address, record)| {
            let block = (&address.module, BlockId::of(address));
            let behind = configured
                .entry(block)
                .or_insert_with_key(|(at, id)| configured_needs(inputs.config, environment, at, id));
            (address, record.depends_on.iter().chain(&*behind).cloned().collect())
        });
        Self { needs: needs.collect(), by_block: by_block(snapshot) }
    }

    /// These and all that needs them, as far as it `counts`.
    pub(super) fn dependents(
        &self,
        seeds: BTreeSet<&'a Address>,
        counts: impl Fn(&Address) -> bool,
    ) -> BTreeSet<&'a Address> {
        let mut waiting: BTreeMap<BlockId, Vec<(&Address, &'a Address)>> = BTreeMap::new();
        for (address, needs) in self.needs.iter().filter(|(address, _)| counts(address)) {
            for need in needs {
                waiting.entry(BlockId::of(need)).or_default().push((need, address));
            }
        }
        let mut open: Vec<_> = seeds.iter().copied().collect();
        let mut found = seeds;
        while let Some(next) = open.pop() {
            let Some(waiting) = waiting.get_mut(&BlockId::of(next)) else { continue };
            waiting.retain(|(need, address)| {
                let is_hit = need.contains(next);
                if is_hit && found.insert(address) {
                    open.push(address);
                }
                !is_hit
            });
        }
        found
    }

    /// These and all that they need, as far as it `counts`.
    pub(super) fn needs(
        &self,
        seeds: BTreeSet<&'a Address>,
        counts: impl Fn(&Address) -> bool,
    ) -> BTreeSet<&'a Address> {
        let mut rest = self.by_block.clone();
        rest.values_mut().for_each(|own| own.retain(|address| counts(address)));
        let mut open: Vec<_> = seeds.iter().copied().collect();
        let mut found = seeds;
        while let Some(next) = open.pop() {
            for need in self.needs.get(next).into_iter().flatten() {
                let Some(own) = rest.get_mut(&BlockId::of(need)) else { continue };
                own.retain(|address| {
                    let is_hit = need.contains(address);
                    if is_hit && found.insert(address) {
                        open.push(address);
                    }
                    !is_hit
                });
            }
        }
        found
    }

    /// What needs one of these and is none of them.
    fn holding(&self, these: &BTreeSet<&Address>) -> Vec<&'a Address> {
        let is_held = |need: &Address| these.iter().any(|address| need.contains(address));
        let others = self.needs.iter().filter(|(address, _)| !these.contains(*address));
        others.filter(|(_, needs)| needs.iter().any(is_held)).map(|(address, _)| *address).collect()
    }
}

fn configured_needs(
    config: &Config,
    environment: &Environment<'_>,
    at: &ModuleInstance,
    id: &BlockId,
) -> Vec<Address> {
    match config.dependencies.contains_key(id) {
        true => environment.resources_behind(at, id),
        false => Vec::new(),
    }
}
