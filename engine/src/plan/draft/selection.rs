//! What is planned of the configuration, where `-target` or `-exclude` restricts it, or a target that cannot be reached.
//!
//! Blocks are gone through each after what it refers to. What is left out is neither evaluated nor looked at: its record stands for it.
//! Whatever has something left out behind it is *clouded*: what is wrong with it is not told, and its value is no result.

use std::collections::{BTreeMap, BTreeSet};

use super::{DraftInputs, Drafting, Sights};
use crate::address::{Address, Key, ModuleInstance, Selector, TargetAddress};
use crate::config::{BlockId, BlockName, Config, ResourceBlock};
use crate::environment::{Environment, seen_from};
use crate::lower::{Each, Instance};
use crate::plan::{Refresh, Restriction};
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
    /// Whether there are targets that cannot be reached.
    is_cut_off: bool,
    /// What has something left out in it or behind it.
    clouded: BTreeMap<BlockId, Vec<Cloud>>,
    /// Instances that are left out, and blocks of which all is.
    pub(super) left_out: BTreeMap<Address, LeftOut>,
    /// Whether what is evaluated just now is clouded.
    pub(super) is_muted: bool,
    /// The targets out of reach behind the resource or look-up that is evaluated just now, if that is all that is behind it.
    pub(super) shade: Option<BTreeSet<TargetAddress>>,
}

/// Why something is left out.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut {
    /// The targets out of reach that it is on, or that something is on which it needs; none if it was asked to be left out.
    pub(super) because: BTreeSet<TargetAddress>,
    /// Whether it is itself on one of them.
    pub(super) is_there: bool,
}

/// An instance of a block's module in which something is left out in the block or behind it.
struct Cloud {
    at: ModuleInstance,
    shadow: Shadow,
}

/// What is behind something that is left out, or needs what is.
#[derive(Clone, Default)]
struct Shadow {
    /// Targets out of reach.
    because: BTreeSet<TargetAddress>,
    /// Whether something that was asked to be left out is behind it, too.
    is_asked: bool,
}

impl Shadow {
    fn and(self, other: &Self) -> Self {
        let because = self.because.into_iter().chain(other.because.iter().cloned()).collect();
        Self { because, is_asked: self.is_asked || other.is_asked }
    }
}

impl Selection {
    pub(super) fn new(inputs: &DraftInputs<'_>, sights: &Sights, environment: &Environment<'_>) -> Self {
        // What goes is told by what is recorded, and so is what is held against what is there.
        let is_cut_off = inputs.refresh != Refresh::Only && !sights.out_of_reach().is_empty();
        let whole = Self { is_cut_off, ..Self::default() };
        match inputs.restriction {
            _ if inputs.destroy => Self::default(),
            None => whole,
            Some(Restriction::Except(selectors)) => Self { except: selectors.clone(), ..whole },
            Some(Restriction::Only(selectors)) => {
                let kept = Kept::new(selectors, &sights.widened, inputs, environment);
                Self { kept: Some(kept), ..whole }
            }
        }
    }

    /// Whether an instance is asked for, or needed by one that is.
    pub(super) fn keeps(&self, address: &Address) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.contains(address))
    }

    fn is_whole(&self) -> bool {
        self.kept.is_none() && self.except.is_empty() && !self.is_cut_off
    }

    /// Whether something may be left out because it is out of reach.
    pub(super) fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// Whether all that an address stands for is left out by what is asked for.
    fn leaves_out(&self, address: &Address) -> bool {
        match &self.kept {
            Some(kept) => !kept.meets(address),
            None => self.except.iter().any(|selector| selector.contains(address)),
        }
    }

    /// Which of these parts of one repetition are not asked for: with one that is asked for come those that it comes after, and with one
    /// that is left out goes what comes after it.
    fn not_asked_for(&self, parts: &[Instance]) -> BTreeSet<Address> {
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

    fn cloud(&mut self, at: &ModuleInstance, id: &BlockId, shadow: &Shadow) {
        let clouds = self.clouded.entry(id.clone()).or_default();
        match clouds.iter_mut().find(|cloud| cloud.at == *at) {
            Some(cloud) => cloud.shadow = std::mem::take(&mut cloud.shadow).and(shadow),
            None => clouds.push(Cloud { at: at.clone(), shadow: shadow.clone() }),
        }
    }

    /// What is behind something that a block refers to in an instance of its module; `None` if nothing is left out in that or behind it.
    fn cloud_over(&self, config: &Config, at: &ModuleInstance, id: &BlockId) -> Option<Shadow> {
        let needs = config.dependencies.get(id).into_iter().flatten();
        let clouds = needs.filter_map(|need| Some((seen_from(at, &need.module), self.clouded.get(need)?)));
        let above = clouds.flat_map(|(seen, clouds)| {
            clouds
                .iter()
                .filter(move |cloud| seen.0.len() == cloud.at.0.len() && seen.is_on_the_way_to(&cloud.at))
        });
        above.map(|cloud| &cloud.shadow).fold(None, |all, more| Some(all.unwrap_or_default().and(more)))
    }
}

impl<'a> Drafting<'a> {
    /// Whether a block is left out as a whole in an instance of its module. Takes note of what is behind it.
    pub(super) fn is_left_out(&mut self, at: &ModuleInstance, id: &BlockId) -> bool {
        self.selection.is_muted = false;
        self.selection.shade = None;
        if self.selection.is_whole() {
            return false;
        }
        let cloud = self.selection.cloud_over(self.inputs.config, at, id);
        let address = match &id.name {
            BlockName::Resource(kind, name) => Address::within(at.clone(), kind, name),
            BlockName::Data(ty, name) => Address::look_up(at.clone(), ty, name),
            _ => {
                self.selection.is_muted = cloud.is_some();
                cloud.iter().for_each(|shadow| self.selection.cloud(at, id, shadow));
                return false;
            }
        };
        // What is asked for comes with all that it needs, unless that is out of reach.
        let follows = cloud.as_ref().is_some_and(|shadow| shadow.is_asked && self.selection.kept.is_none());
        if follows || self.selection.leaves_out(&address) {
            self.leave_out(address, LeftOut::default());
            return true;
        }
        self.selection.shade = cloud.map(|shadow| shadow.because).filter(|because| !because.is_empty());
        false
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
        self.leave_out(prefix.clone(), LeftOut::default());
        Some(self.stand_ins(&prefix))
    }

    /// What expressions see of all that an address stands for and that is left out.
    pub(super) fn stand_ins(&self, prefix: &Address) -> Vec<(Vec<Key>, Value)> {
        let records = self.inputs.snapshot.records.range(prefix..);
        let own = records.map(|(address, _)| address);
        let own = own.take_while(|address| prefix.contains(address) && address.deposed.is_none());
        let mut found: Vec<_> = own.map(|address| (address.keys.clone(), self.stand_in(address))).collect();
        if found.is_empty() {
            found.push((prefix.keys.clone(), self.stand_in(prefix)));
        }
        found
    }

    /// Which instances of one repetition are left out, for each of them.
    pub(super) fn left_out_of(&mut self, instances: &[Instance]) -> BTreeSet<Address> {
        if self.selection.is_whole() {
            return BTreeSet::new();
        }
        let not_asked_for = self.selection.not_asked_for(instances);
        let out_of_reach = self.out_of_reach_of(instances, &not_asked_for);
        let not_asked_for = not_asked_for.into_iter().map(|address| (address, LeftOut::default()));
        let left_out: BTreeMap<_, _> = not_asked_for.chain(out_of_reach).collect();
        let addresses = left_out.keys().cloned().collect();
        left_out.into_iter().for_each(|(address, why)| self.leave_out(address, why));
        addresses
    }

    pub(super) fn leave_out(&mut self, address: Address, why: LeftOut) {
        let shadow = Shadow { because: why.because.clone(), is_asked: why.because.is_empty() };
        self.selection.cloud(&address.module, &BlockId::of(&address), &shadow);
        self.selection.left_out.insert(address, why);
    }

    /// What expressions see of an instance that is left out: what is recorded of it.
    pub(super) fn stand_in(&self, address: &Address) -> Value {
        let records = &self.inputs.snapshot.records;
        let record = records.get(address).or_else(|| records.get(*self.moved.get(address)?));
        self.standing_in(match record {
            Some(record) => self.inputs.registry.seen(address, record.attributes.clone()),
            None => Value::unknown(Type::Any),
        })
    }

    /// What expressions see of a block that is left out.
    pub(super) fn left_out_block(&self, block: &ResourceBlock, at: &ModuleInstance, id: &BlockId) -> Value {
        let (kind, name) = id.name.reference();
        let from = Address::within(at.clone(), kind, name);
        let mut records = self.inputs.snapshot.records.range(&from..);
        self.standing_in(match records.next().is_some_and(|(address, _)| address.is_sibling(&from)) {
            true => self.recorded_value(block, at, id),
            false => Value::unknown(Type::Any),
        })
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
