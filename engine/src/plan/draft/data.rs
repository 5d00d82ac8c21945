//! What is looked up: in the round in which all that it needs is known, or, where that is known only after apply, as a step of the apply.

use std::collections::BTreeSet;

use super::reach::Reach;
use super::shade::is_repeated_by_stand_ins;
use super::{Drafting, blank, context};
use crate::address::{Address, ModuleInstance, TargetAddress};
use crate::config::{BlockId, BlockName, DataBlock};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::environment::gather;
use crate::lang::Expression;
use crate::lower::{Expansion, LookUp, Placement, expand, nothing_found};
use crate::plan::{Action, Change};
use crate::secrets::Secrets;
use crate::types::Type;
use crate::value::Value;

/// Why something is not looked up in this round.
enum Wait {
    /// Something else is still to be seen, or cannot be (said already).
    NotNow,
    /// It is looked up in the apply, for this reason.
    Until(String),
    /// Where it is looked up is known only after apply.
    Defer(String),
}

impl<'a> Drafting<'a> {
    /// What expressions see of a `data` block in an instance of its module.
    pub(super) fn data_block(
        &mut self,
        at: &ModuleInstance,
        id: &BlockId,
        block: &'a DataBlock,
        shade: Option<&BTreeSet<TargetAddress>>,
    ) -> Value {
        if self.inputs.destroy && !self.data_of_targets.contains(id) {
            return Value::unknown(Type::Any);
        }
        let scope = self.environment.scope(at, id);
        let mut found = Diagnostics::new();
        let shade = shade.filter(|_| block.check.is_none() && !self.inputs.destroy);
        if let Some(shade) = shade.filter(|_| is_repeated_by_stand_ins(&block.repetition, &scope)) {
            return self.left_out_data(at, id, shade);
        }
        let repetitions = match expand(&block.repetition, &scope, &mut found) {
            Expansion::Instances(repetitions) => repetitions,
            Expansion::Deferred(reason) => return self.defer_data(at, id, block, reason),
            Expansion::Invalid => {
                self.complain(found);
                return Value::unknown(Type::Any);
            }
        };
        let mut values = Vec::new();
        for each in &repetitions {
            let context = context(self.inputs, &self.environment, &self.target_list, &nothing_found);
            let Some(look_up) = context.look_up(at, id, block, each, &mut found) else { continue };
            if let Some(shade) = shade
                && (self.is_look_up_shaded(&look_up) || self.comes_after_left_out(at, id, each))
            {
                self.leave_out_for(look_up.address.clone(), shade);
                values.push((look_up.address.keys, self.standing_in(look_up.unknown)));
                continue;
            }
            let value = self.looked_up(id, block, &look_up);
            let value = self.inputs.registry.seen(&look_up.address, value);
            let problems = look_up.failures(&self.environment, block, value.clone());
            self.complain_of(block, problems);
            values.push((look_up.address.keys, value));
        }
        self.complain(found);
        gather(&block.repetition, values)
    }

    /// What stands for look-ups that are left out as a whole because of what they need.
    pub(super) fn left_out_data(
        &mut self,
        at: &ModuleInstance,
        id: &BlockId,
        shade: &BTreeSet<TargetAddress>,
    ) -> Value {
        let BlockName::Data(ty, name) = &id.name else { return Value::null() };
        self.leave_out_for(Address::look_up(at.clone(), ty, name), shade);
        self.standing_in(Value::unknown(Type::Any))
    }

    /// What is wrong with what is looked up in a `check` block is what that is there to tell.
    fn complain_of(&mut self, block: &DataBlock, problems: Diagnostics) {
        let problems: Diagnostics = match block.check {
            Some(_) => problems.into_warnings(),
            None => problems,
        };
        self.complain(problems);
    }

    /// It cannot be told how many times it is looked up.
    pub(super) fn defer_data(
        &mut self,
        at: &ModuleInstance,
        id: &BlockId,
        block: &DataBlock,
        reason: String,
    ) -> Value {
        let BlockName::Data(kind, name) = &id.name else { return Value::null() };
        if block.check.is_none() && !self.inputs.destroy && !self.is_refresh_only() {
            let depends_on = self.environment.resources_behind(at, id);
            let address = Address::look_up(at.clone(), kind, name);
            let change = Change { depends_on, ..blank(address, kind, Action::Defer, Some(reason)) };
            self.add(change);
        }
        Value::unknown(Type::Any)
    }

    fn looked_up(&mut self, id: &BlockId, block: &DataBlock, look_up: &LookUp) -> Value {
        if block.check.is_none() && self.is_unheard(look_up) {
            return self.standing_in(look_up.unknown.clone());
        }
        let wait = match self.place_of(block, look_up) {
            Ok(target) => match self.wait(id, look_up, target) {
                None => return self.found(block, look_up, target),
                Some(wait) => wait,
            },
            Err(wait) => wait,
        };
        let (action, reason) = match wait {
            Wait::NotNow => return look_up.unknown.clone(),
            Wait::Until(reason) => (Action::Read, reason),
            Wait::Defer(reason) => (Action::Defer, reason),
        };
        // What only a check asks is looked up after all else, whatever changes.
        if block.check.is_none() && !self.inputs.destroy && !self.is_refresh_only() {
            let depends_on = self.environment.resources_behind(&look_up.address.module, id);
            let (action, reason) = match self.waits_along(&depends_on) {
                Some(reason) => (Action::Defer, reason),
                None => (action, reason),
            };
            let target = match &look_up.target {
                Placement::On(target) if action == Action::Read => Some(target.clone()),
                _ => None,
            };
            let change = Change {
                target,
                planned: look_up.unknown.clone(),
                desired: Some(look_up.arguments.clone()),
                depends_on,
                ..blank(look_up.address.clone(), &look_up.kind, action, Some(reason))
            };
            self.add(change);
        }
        look_up.unknown.clone()
    }

    /// Where it is looked up, which is connected; nowhere is a place, too.
    fn place_of<'l>(
        &mut self,
        block: &DataBlock,
        look_up: &'l LookUp,
    ) -> Result<Option<&'l TargetAddress>, Wait> {
        let target = match &look_up.target {
            Placement::Nowhere => return Ok(None),
            Placement::Unknown => {
                return Err(Wait::Defer("where it is looked up is known only after apply".to_owned()));
            }
            Placement::On(target) => target,
        };
        if let (Some(_), Some(Err(error))) = (&block.check, self.sights.targets.get(target)) {
            let detail = format!("{} (at {target})", error.detail);
            let problem = Diagnostic::error(error.summary.clone(), detail).at(block.span.clone());
            self.complain_of(block, problem.into());
            return Err(Wait::NotNow);
        }
        let used_at = block.target.as_ref().and_then(Expression::span).or_else(|| block.span.clone());
        match self.reach(target, used_at) {
            Reach::Connected => Ok(Some(target)),
            Reach::Unknown => Err(Wait::Defer("its target is known only after apply".to_owned())),
            Reach::NotNow => Err(Wait::NotNow),
        }
    }

    /// Why it cannot be looked up yet.
    fn wait(&self, id: &BlockId, look_up: &LookUp, target: Option<&TargetAddress>) -> Option<Wait> {
        if let Some(name) = look_up.unknown_argument() {
            return Some(Wait::Until(format!("its argument \"{name}\" is known only after apply")));
        }
        if self.inputs.destroy {
            return None;
        }
        let at = &look_up.address.module;
        let mut first = self.environment.named_first(at, id);
        if let Some(target) = target {
            let block = BlockName::Target(target.kind, target.name.clone()).within(target.module.path());
            first.extend(self.environment.resources_behind(&target.module, &block));
        }
        first.iter().find_map(|address| self.wait_for(address))
    }

    /// Whether something changes, or has not been seen, at an address or one that it stands for.
    fn wait_for(&self, address: &Address) -> Option<Wait> {
        let changes =
            |change: &&Change| !matches!(change.action, Action::NoOp | Action::Forget | Action::Refresh);
        let mut meant = self.draft.changes.values().filter(|change| address.contains(&change.address));
        if let Some(change) = meant.find(changes) {
            return Some(Wait::Until(format!("{} changes first", change.address)));
        }
        let unseen = self.pending.iter().any(|pending| address.contains(pending));
        unseen.then_some(Wait::NotNow)
    }

    /// What was found; asks for it if it was not looked up yet.
    fn found(&mut self, block: &DataBlock, look_up: &LookUp, target: Option<&TargetAddress>) -> Value {
        let asked = (target.cloned(), look_up.arguments.clone());
        match self.sights.found.get(&look_up.address).filter(|(key, _)| *key == asked) {
            Some((_, Ok(found))) => {
                let mut secrets = Secrets::new(self.inputs.fingerprinter);
                secrets.learn(&look_up.arguments);
                let found = secrets.mark(found);
                // What only a check asks is looked up again when all is done.
                if block.check.is_none() {
                    self.draft.data.insert(look_up.address.clone(), found.clone());
                }
                return found;
            }
            Some((_, Err(error))) => {
                let mut secrets = Secrets::new(self.inputs.fingerprinter);
                secrets.learn(&look_up.arguments);
                let problem = Diagnostic::error(
                    error.summary.clone(),
                    format!("{} ({})", secrets.scrub(&error.detail), look_up.address),
                );
                let argument = error.path.as_ref().and_then(|path| look_up.origin.place(path));
                self.complain_of(block, problem.at(argument.or_else(|| block.span.clone())).into());
            }
            None => self.draft.wants.read.entry(target.cloned()).or_default().push(look_up.item()),
        }
        look_up.unknown.clone()
    }
}

/// The look-ups that targets depend on: even what is to be taken down is reached by them.
pub(super) fn data_of_targets(config: &crate::config::Config) -> BTreeSet<&BlockId> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<_> =
        config.order.iter().filter(|id| matches!(id.name, BlockName::Target(..))).collect();
    while let Some(next) = open.pop() {
        if seen.insert(next) && !matches!(next.name, BlockName::Resource(..)) {
            open.extend(config.dependencies.get(next).into_iter().flatten());
        }
    }
    seen.retain(|id| matches!(id.name, BlockName::Data(..)));
    seen
}
