//! What is planned of the configuration, where `-target` or `-exclude` restricts it.
//!
//! Blocks are gone through each after what it refers to. What is left out is neither evaluated nor looked at: its record stands for it.
//! Whatever has something left out behind it is *clouded*: what is wrong with it is not told, and its value is no result.

use std::collections::{BTreeMap, BTreeSet};

use super::{DraftInputs, Drafting};
use crate::address::{Address, Key, ModuleInstance, Selector};
use crate::config::{BlockId, BlockName, Config, ResourceBlock};
use crate::environment::{Environment, seen_from};
use crate::lower::{Each, Instance};
use crate::plan::Restriction;
use crate::state::Snapshot;
use crate::types::Type;
use crate::value::Value;

/// What is planned and what is not.
#[derive(Default)]
pub(super) struct Selection {
    /// What is asked for only, with all that it needs.
    kept: Option<Kept>,
    /// What is asked to be left out.
    except: Vec<Selector>,
    /// What has something left out in it or behind it, in which instances of its module.
    clouded: BTreeMap<BlockId, Vec<ModuleInstance>>,
    /// Instances that are left out, and blocks of which all is.
    pub(super) left_out: BTreeSet<Address>,
    /// Whether what is evaluated just now is clouded.
    pub(super) is_muted: bool,
}

impl Selection {
    pub(super) fn new(
        inputs: &DraftInputs<'_>,
        widened: &BTreeSet<Address>,
        environment: &Environment<'_>,
    ) -> Self {
        match inputs.restriction {
            // What goes is told by what is recorded.
            None => Self::default(),
            Some(_) if inputs.destroy => Self::default(),
            Some(Restriction::Except(selectors)) => Self { except: selectors.clone(), ..Self::default() },
            Some(Restriction::Only(selectors)) => {
                let kept = Kept::new(selectors, widened, inputs, environment);
                Self { kept: Some(kept), ..Self::default() }
            }
        }
    }

    /// Whether an instance is asked for, or needed by one that is.
    pub(super) fn keeps(&self, address: &Address) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.contains(address))
    }

    fn is_whole(&self) -> bool {
        self.kept.is_none() && self.except.is_empty()
    }

    /// Whether all that an address stands for is left out by what is asked for.
    fn leaves_out(&self, address: &Address) -> bool {
        match &self.kept {
            Some(kept) => !kept.meets(address),
            None => self.except.iter().any(|selector| selector.contains(address)),
        }
    }

    /// Which of these parts of one repetition are left out: with one that is asked for come those that it comes after, and with one
    /// that is left out goes what comes after it.
    fn left_out_of(&self, parts: &[Instance]) -> BTreeSet<Address> {
        let addresses: BTreeSet<_> = parts.iter().map(|part| &part.address).collect();
        let (mut inside, outside): (BTreeSet<_>, BTreeSet<_>) =
            addresses.into_iter().partition(|address| match &self.kept {
                Some(kept) => kept.contains(address),
                None => !self.leaves_out(address),
            });
        let mut outside: BTreeSet<_> = outside.into_iter().cloned().collect();
        loop {
            let moving: Vec<_> = match &self.kept {
                Some(_) => {
                    let kept = parts.iter().filter(|part| inside.contains(&part.address));
                    kept.flat_map(|part| &part.depends_on).filter(|it| outside.contains(*it)).collect()
                }
                None => {
                    let rest = parts.iter().filter(|part| inside.contains(&part.address));
                    let fall = rest.filter(|part| part.depends_on.iter().any(|it| outside.contains(it)));
                    fall.map(|part| &part.address).collect()
                }
            };
            if moving.is_empty() {
                return outside;
            }
            for address in moving {
                match self.kept {
                    Some(_) => drop((outside.remove(address), inside.insert(address))),
                    None => drop((inside.remove(address), outside.insert(address.clone()))),
                }
            }
        }
    }

    fn cloud(&mut self, at: &ModuleInstance, id: &BlockId) {
        let places = self.clouded.entry(id.clone()).or_default();
        if !places.contains(at) {
            places.push(at.clone());
        }
    }

    /// Whether something that a block refers to in an instance of its module has something left out in it or behind it.
    fn is_clouded(&self, config: &Config, at: &ModuleInstance, id: &BlockId) -> bool {
        let needs = config.dependencies.get(id).into_iter().flatten();
        needs.filter_map(|need| Some((need, self.clouded.get(need)?))).any(|(need, places)| {
            let seen = seen_from(at, &need.module);
            places.iter().any(|place| seen.0.len() == place.0.len() && seen.is_on_the_way_to(place))
        })
    }
}

impl<'a> Drafting<'a> {
    /// Whether a block is left out as a whole in an instance of its module. Takes note of what is behind it.
    pub(super) fn is_left_out(&mut self, at: &ModuleInstance, id: &BlockId) -> bool {
        self.selection.is_muted = false;
        if self.selection.is_whole() {
            return false;
        }
        let is_clouded = self.selection.is_clouded(self.inputs.config, at, id);
        let address = match &id.name {
            BlockName::Resource(kind, name) => Address::within(at.clone(), kind, name),
            BlockName::Data(ty, name) => Address::look_up(at.clone(), ty, name),
            _ => {
                self.selection.is_muted = is_clouded;
                if is_clouded {
                    self.selection.cloud(at, id);
                }
                return false;
            }
        };
        let is_left_out =
            self.selection.leaves_out(&address) || (is_clouded && self.selection.kept.is_none());
        if is_left_out {
            self.selection.cloud(at, id);
            self.selection.left_out.insert(address);
        }
        is_left_out
    }

    /// The values of one repetition of a block, if all of it is left out.
    pub(super) fn left_out_repetition(
        &mut self,
        at: &ModuleInstance,
        id: &BlockId,
        each: &Each,
    ) -> Option<Vec<(Vec<Key>, Value)>> {
        if self.selection.is_whole() {
            return None;
        }
        let (kind, name) = id.name.reference();
        let keys = each.key.iter().cloned().collect();
        let prefix = Address { keys, ..Address::within(at.clone(), kind, name) };
        if !self.selection.leaves_out(&prefix) {
            return None;
        }
        self.leave_out(prefix.clone());
        let records = self.inputs.snapshot.records.range(&prefix..);
        let own = records.map(|(address, _)| address);
        let own = own.take_while(|address| prefix.contains(address) && address.deposed.is_none());
        let mut found: Vec<_> = own.map(|address| (address.keys.clone(), self.stand_in(address))).collect();
        if found.is_empty() {
            found.push((prefix.keys.clone(), self.stand_in(&prefix)));
        }
        Some(found)
    }

    /// Which instances of one repetition are left out, for each of them.
    pub(super) fn left_out_of(&mut self, instances: &[Instance]) -> BTreeSet<Address> {
        if self.selection.is_whole() {
            return BTreeSet::new();
        }
        let left_out = self.selection.left_out_of(instances);
        left_out.iter().for_each(|address| self.leave_out(address.clone()));
        left_out
    }

    fn leave_out(&mut self, address: Address) {
        self.selection.cloud(&address.module, &BlockId::of(&address));
        self.selection.left_out.insert(address);
    }

    /// What expressions see of an instance that is left out: what is recorded of it.
    pub(super) fn stand_in(&self, address: &Address) -> Value {
        let records = &self.inputs.snapshot.records;
        let record = records.get(address).or_else(|| records.get(*self.moved.get(address)?));
        match record {
            Some(record) => self.inputs.registry.seen(address, record.attributes.clone()),
            None => Value::unknown(Type::Any),
        }
    }

    /// What expressions see of a block that is left out.
    pub(super) fn left_out_block(&self, block: &ResourceBlock, at: &ModuleInstance, id: &BlockId) -> Value {
        let (kind, name) = id.name.reference();
        let from = Address::within(at.clone(), kind, name);
        let mut records = self.inputs.snapshot.records.range(&from..);
        match records.next().is_some_and(|(address, _)| address.is_sibling(&from)) {
            true => self.recorded_value(block, at, id),
            false => Value::unknown(Type::Any),
        }
    }
}

/// What is asked for, and all that it needs by what is configured and by what is recorded.
#[derive(Default)]
struct Kept {
    modules: Vec<ModuleInstance>,
    blocks: BTreeMap<BlockId, Vec<Address>>,
}

impl Kept {
    fn new(
        selectors: &[Selector],
        widened: &BTreeSet<Address>,
        inputs: &DraftInputs<'_>,
        environment: &Environment<'_>,
    ) -> Self {
        let records = by_block(inputs.snapshot);
        let mut kept = Self::default();
        let mut open: Vec<_> = widened.iter().cloned().collect();
        for selector in selectors {
            match selector {
                Selector::Instance(address) => open.push(address.clone()),
                Selector::Module(module) => {
                    kept.modules.push(module.clone());
                    open.extend(within(inputs.config, module));
                }
            }
        }
        while let Some(next) = open.pop() {
            let id = BlockId::of(&next);
            let own = kept.blocks.entry(id.clone()).or_default();
            if own.iter().any(|known| known.contains(&next)) {
                continue;
            }
            own.push(next.clone());
            // What goes needs nothing to go.
            if !inputs.config.dependencies.contains_key(&id) {
                continue;
            }
            open.extend(environment.resources_behind(&next.module, &id));
            let recorded = records.get(&id).into_iter().flatten().filter(|address| next.contains(address));
            let needs = recorded.filter_map(|address| inputs.snapshot.records.get(*address));
            open.extend(needs.flat_map(|record| record.depends_on.iter().cloned()));
        }
        kept
    }

    fn contains(&self, address: &Address) -> bool {
        let own = || self.blocks.get(&BlockId::of(address));
        self.modules.iter().any(|module| module.leads_to(&address.module))
            || own().is_some_and(|own| own.iter().any(|kept| kept.contains(address)))
    }

    fn meets(&self, address: &Address) -> bool {
        let own = || self.blocks.get(&BlockId::of(address));
        self.modules.iter().any(|module| module.is_on_the_way_to(&address.module))
            || own().is_some_and(|own| own.iter().any(|kept| kept.meets(address)))
    }
}

/// The resources and look-ups in a module and in those that it calls.
fn within(config: &Config, module: &ModuleInstance) -> Vec<Address> {
    let path = module.path();
    let inside = config.order.iter().filter(|id| id.module.is_within(&path));
    let named = inside.filter_map(|id| {
        let called = id.module.0.iter().skip(path.0.len());
        let at = called.fold(module.clone(), |at, name| at.child(name, None));
        match &id.name {
            BlockName::Resource(kind, name) => Some(Address::within(at, kind, name)),
            BlockName::Data(ty, name) => Some(Address::look_up(at, ty, name)),
            _ => None,
        }
    });
    named.collect()
}

/// What is recorded, by the blocks that it is of.
pub(super) fn by_block(snapshot: &Snapshot) -> BTreeMap<BlockId, Vec<&Address>> {
    let mut blocks: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for address in snapshot.records.keys() {
        blocks.entry(BlockId::of(address)).or_default().push(address);
    }
    blocks
}
