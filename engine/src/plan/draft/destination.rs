//! Where what is recorded under an address belongs by now: by `moved` blocks, or because `count` came or went.

use std::collections::BTreeMap;

use super::{DraftInputs, Drafting};
use crate::address::{Address, Key};
use crate::config::{BlockName, Config, Repetition, destination};

/// Under which address each instance was recorded that belongs to another one since. Where two belong to one, a `moved` block goes before
/// a `count` that came or went.
pub(super) fn moved<'a>(inputs: &DraftInputs<'a>) -> BTreeMap<Address, &'a Address> {
    let mut moved = BTreeMap::new();
    for from in inputs.snapshot.records.keys() {
        let Some((to, is_said)) = destination_of(from, inputs) else { continue };
        if is_said || !moved.contains_key(&to) {
            moved.insert(to, from);
        }
    }
    moved
}

impl Drafting<'_> {
    /// Where what is recorded under an address belongs, if that is another one, and nothing else belongs there.
    pub(super) fn destination(&self, address: &Address) -> Option<Address> {
        let (to, _) = destination_of(address, self.inputs)?;
        self.moved.get(&to).is_some_and(|from| *from == address).then_some(to)
    }
}

/// The address, and whether a `moved` block says so.
fn destination_of(address: &Address, inputs: &DraftInputs<'_>) -> Option<(Address, bool)> {
    let moved = match inputs.config.moved.is_empty() {
        true => None,
        false => Some(destination(address, &inputs.config.moved)?).filter(|to| to != address),
    };
    // What is recorded there already stays.
    let implied = || recounted(address, inputs.config).filter(|to| !inputs.snapshot.records.contains_key(to));
    moved.map(|to| (to, true)).or_else(|| Some((implied()?, false)))
}

/// The only instance of a block or a module becomes the first under `count`, and the other way round.
fn recounted(address: &Address, config: &Config) -> Option<Address> {
    let mut to = address.clone();
    let mut path = crate::address::ModulePath::ROOT;
    for step in &mut to.module.0 {
        let call = config.call(&BlockName::Module(step.name.clone()).within(path.clone()))?;
        match (&call.repetition, &step.key) {
            (Repetition::Count(_), None) => step.key = Some(Key::Index(0)),
            (Repetition::None, Some(Key::Index(0))) => step.key = None,
            _ => {}
        }
        path = path.child(&step.name);
    }
    match (&config.resource_at(address)?.repetition, to.keys.first()) {
        (Repetition::Count(_), Some(Key::Index(_))) => {}
        (Repetition::Count(_), _) => to.keys.insert(0, Key::Index(0)),
        (Repetition::None, Some(Key::Index(0))) => drop(to.keys.remove(0)),
        _ => {}
    }
    (to != *address).then_some(to)
}
