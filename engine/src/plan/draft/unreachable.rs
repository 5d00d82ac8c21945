//! What is left out because its target cannot be reached: as by `-exclude`, and told for each target.

use std::collections::{BTreeMap, BTreeSet};

use super::remains::Ties;
use super::selection::LeftOut;
use super::{Drafting, Sights};
use crate::address::{Address, TargetAddress};
use crate::lower::{Instance, LookUp, Placement};
use crate::plan::{Restriction, Unreachable};
use crate::ports::{ErrorCode, ProviderError};

impl Sights {
    /// The targets that cannot be reached, while others can. Where none can, there is nothing to plan: that is an error.
    pub(super) fn out_of_reach(&self) -> BTreeMap<&TargetAddress, &ProviderError> {
        if !self.targets.values().any(Result::is_ok) {
            return BTreeMap::new();
        }
        let failed = self.targets.iter().filter_map(|(target, seen)| Some((target, seen.as_ref().err()?)));
        failed.filter(|(_, error)| error.code == ErrorCode::Unreachable).collect()
    }
}

impl<'a> Drafting<'a> {
    /// Whether not all of the stack is planned: it was not asked for, or some of it is out of reach.
    pub(super) fn is_partial(&self) -> bool {
        self.inputs.restriction.is_some() || !self.out_of_reach.is_empty()
    }

    /// Of the parts of one repetition, those that are out of reach, and what comes after them; what is not asked for does not matter.
    pub(super) fn out_of_reach_of(
        &self,
        parts: &[Instance],
        not_asked_for: &BTreeSet<Address>,
    ) -> BTreeMap<Address, LeftOut> {
        let asked_for = || parts.iter().filter(|part| !not_asked_for.contains(&part.address));
        let there = asked_for().map(|part| (part.address.clone(), self.places_out_of_reach(part)));
        let there = there.filter(|(_, because)| !because.is_empty());
        let mut found: BTreeMap<_, _> =
            there.map(|(address, because)| (address, LeftOut { because, is_there: true })).collect();
        loop {
            let behind = |part: &Instance| -> BTreeSet<TargetAddress> {
                let needs = part.depends_on.iter().filter_map(|need| found.get(need));
                needs.flat_map(|why| why.because.iter().cloned()).collect()
            };
            let rest = asked_for().filter(|part| !found.contains_key(&part.address));
            let falling = rest.map(|part| (part.address.clone(), behind(part)));
            let falling: Vec<_> = falling.filter(|(_, because)| !because.is_empty()).collect();
            if falling.is_empty() {
                return found;
            }
            let falling = falling.into_iter();
            found.extend(falling.map(|(address, because)| (address, LeftOut { because, is_there: false })));
        }
    }

    /// The targets out of reach that an instance is to be on, or is on until now.
    pub(super) fn places_out_of_reach(&self, instance: &Instance) -> BTreeSet<TargetAddress> {
        let records = &self.inputs.snapshot.records;
        let former = || records.get(*self.moved.get(&instance.address)?);
        let recorded = records.get(&instance.address).or_else(former);
        let wanted = match &instance.target {
            Placement::On(target) => Some(target),
            Placement::Nowhere | Placement::Unknown => None,
        };
        let places = wanted.into_iter().chain(recorded.and_then(|record| record.target.as_ref()));
        places.filter(|target| self.out_of_reach.contains_key(target)).cloned().collect()
    }

    /// Whether a composite is left out because a target out of reach would have to be asked what it consists of.
    pub(super) fn is_unasked(&mut self, look_up: &LookUp) -> bool {
        let Some(why) = self.out_of_reach_at(look_up) else { return false };
        self.leave_out(look_up.composite(), why);
        true
    }

    /// Whether something is not looked up because its target is out of reach. What is to be taken down with all else must be found.
    pub(super) fn is_unheard(&mut self, look_up: &LookUp) -> bool {
        let Some(why) = self.out_of_reach_at(look_up).filter(|_| !self.inputs.destroy) else { return false };
        match self.is_refresh_only() {
            // What needs it is held against what is there all the same.
            true => drop(self.selection.left_out.insert(look_up.address.clone(), why)),
            false => self.leave_out(look_up.address.clone(), why),
        }
        true
    }

    fn out_of_reach_at(&self, look_up: &LookUp) -> Option<LeftOut> {
        let Placement::On(target) = &look_up.target else { return None };
        let because = BTreeSet::from([target.clone()]);
        self.out_of_reach.contains_key(target).then_some(LeftOut { because, is_there: true })
    }

    /// Whether what is recorded is out of reach.
    pub(super) fn is_beyond_reach(&self, address: &Address) -> bool {
        let record = self.inputs.snapshot.records.get(address);
        let target = record.and_then(|record| record.target.as_ref());
        target.is_some_and(|target| self.out_of_reach.contains_key(target))
    }

    /// The orphans that have to stay: those out of reach, what needs them or anything else that is left out for them, and what those need.
    pub(super) fn strand(
        &mut self,
        orphans: &BTreeSet<&'a Address>,
        left_out: &BTreeSet<&'a Address>,
    ) -> BTreeSet<&'a Address> {
        if self.out_of_reach.is_empty() {
            return BTreeSet::new();
        }
        let ties = Ties::new(self.inputs, &self.environment);
        let is_orphan = |address: &Address| orphans.contains(address);
        for target in self.out_of_reach.keys() {
            let seeds = orphans.iter().chain(left_out).copied();
            let seeds = seeds.filter(|address| self.is_because_of(target, address)).collect();
            let mut staying = ties.needs(ties.dependents(seeds, is_orphan), is_orphan);
            staying.retain(|address| orphans.contains(address));
            self.stranded.insert(target, staying);
        }
        self.stranded.values().flatten().copied().collect()
    }

    /// What stays of a stack that is taken down: what is out of reach, and all that it needs. `asked` is what stays anyway.
    pub(super) fn strand_all(
        &mut self,
        ties: &Ties<'a>,
        asked: &BTreeSet<&'a Address>,
    ) -> BTreeSet<&'a Address> {
        for target in self.out_of_reach.keys() {
            let all = self.inputs.snapshot.records.keys();
            let there = all.filter(|address| self.is_on(target, address)).collect();
            let mut staying = ties.needs(there, |_| true);
            staying.retain(|address| !asked.contains(address));
            self.stranded.insert(target, staying);
        }
        self.stranded.values().flatten().copied().collect()
    }

    fn is_on(&self, target: &TargetAddress, address: &Address) -> bool {
        let record = self.inputs.snapshot.records.get(address);
        record.is_some_and(|record| record.target.as_ref() == Some(target))
    }

    /// Whether what is recorded is on a target out of reach, or left out for what is.
    fn is_because_of(&self, target: &TargetAddress, address: &Address) -> bool {
        let why = || self.selection.left_out.get(&self.left_out_as(address)?);
        self.is_on(target, address) || why().is_some_and(|why| why.because.contains(target))
    }

    /// The targets out of reach, with what is left out because of each.
    pub(super) fn unreachable(&self) -> Vec<Unreachable> {
        let all = self.out_of_reach.iter().map(|(target, error)| self.left_out_for(target, error));
        all.filter(|one| one.count() > 0).collect()
    }

    fn left_out_for(&self, target: &TargetAddress, error: &ProviderError) -> Unreachable {
        let mut told = Unreachable::new(target, error);
        let left_out = self.selection.left_out.iter().filter(|(_, why)| why.because.contains(target));
        let left_out =
            left_out.map(|(address, why)| (address, why.is_there || self.is_all_on(target, address)));
        let stranded = self.stranded.get(target).into_iter().flatten().copied();
        let stranded = stranded.filter(|address| self.is_asked_for(address));
        let unlooked = self.inputs.snapshot.records.keys().filter(|address| {
            self.is_refresh_only() && self.is_on(target, address) && self.is_asked_for(address)
        });
        let recorded = stranded.chain(unlooked).map(|address| (address, self.is_on(target, address)));
        for (address, is_there) in left_out.chain(recorded).collect::<BTreeMap<_, _>>() {
            let list = if is_there { &mut told.instances } else { &mut told.dependants };
            list.push(address.clone());
        }
        told
    }

    /// Whether all that is recorded of what an address stands for is on a target.
    fn is_all_on(&self, target: &TargetAddress, address: &Address) -> bool {
        let records = self.inputs.snapshot.records.range(address..);
        let mut own = records.map(|(own, _)| own).take_while(|own| address.contains(own)).peekable();
        own.peek().is_some() && own.all(|own| self.is_on(target, own))
    }

    /// Whether what is recorded and not configured, or only held against what is there, is what the plan is to be about.
    fn is_asked_for(&self, address: &Address) -> bool {
        let named = || {
            let selectors = self.inputs.restriction.into_iter().flat_map(Restriction::selectors);
            selectors.into_iter().any(|selector| selector.contains(address))
        };
        match self.inputs.restriction {
            Some(Restriction::Only(_)) => self.inputs.destroy || named() || self.selection.keeps(address),
            Some(Restriction::Except(_)) => !named(),
            None => true,
        }
    }
}
