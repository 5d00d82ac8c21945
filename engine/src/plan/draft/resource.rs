//! A resource block → the changes of its instances.

use std::collections::BTreeSet;

use super::shade::is_repeated_by_stand_ins;
use super::{Drafting, composite, context};
use crate::address::{Address, Key, ModuleInstance, TargetAddress};
use crate::config::{BlockId, ResourceBlock};
use crate::diagnostic::Diagnostics;
use crate::environment::gather;
use crate::lower::{Each, Expansion, Instance, LookUp, Lowered, expand, postconditions};
use crate::types::Type;
use crate::value::Value;

/// The values of instances, by their keys.
type Values = Vec<(Vec<Key>, Value)>;

impl<'a> Drafting<'a> {
    /// What expressions see of a block. `shade` are the targets out of reach behind something that it refers to, if there are any: then it
    /// is told instance by instance which of them can be planned all the same.
    pub(super) fn resource_block(
        &mut self,
        at: &ModuleInstance,
        id: &BlockId,
        block: &'a ResourceBlock,
        shade: Option<&BTreeSet<TargetAddress>>,
    ) -> Value {
        let scope = self.environment.scope(at, id);
        let mut found = Diagnostics::new();
        let expansion = match shade.filter(|_| is_repeated_by_stand_ins(&block.repetition, &scope)) {
            Some(shade) => return self.left_out_whole(at, id, block, shade),
            None => expand(&block.repetition, &scope, &mut found),
        };
        let repetitions = match (expansion, shade) {
            (Expansion::Instances(repetitions), _) => repetitions,
            (_, Some(shade)) => return self.left_out_whole(at, id, block, shade),
            (Expansion::Deferred(reason), None) => return self.defer_block(at, id, reason),
            (Expansion::Invalid, None) => {
                self.draft.diagnostics.extend(found);
                self.unsettle(at, id);
                return Value::unknown(Type::Any);
            }
        };
        let mut values = Values::new();
        let mut is_answered = true;
        let (inputs, sights) = (self.inputs, self.sights);
        let answered = |look_up: &LookUp| composite::answered(inputs, sights, look_up);
        for each in &repetitions {
            if let Some(recorded) = self.left_out_repetition(at, id, each) {
                values.extend(recorded);
                continue;
            }
            let context = context(self.inputs, &self.environment, &self.target_list, &answered);
            let mut found = Diagnostics::new();
            let lowered = context.lower(at, id, block, each, &mut found);
            if let Some(shade) = shade
                && (found.has_errors() || self.is_shaded((at, id), block, each, &lowered))
            {
                values.extend(self.shaded_repetition((at, id), each, &lowered, shade));
                continue;
            }
            self.draft.diagnostics.extend(found);
            match lowered {
                Lowered::Instances(instances) => self.instances(instances, block, &mut values),
                Lowered::Deferred(reason) => return self.defer_block(at, id, reason),
                Lowered::Asks(look_up) if self.is_unasked(&look_up) => {
                    values.extend(self.stand_ins(&look_up.composite()));
                }
                Lowered::Asks(look_up) => match self.ask(block, &look_up) {
                    Some(reason) => return self.defer_block(at, id, reason),
                    None => is_answered = false,
                },
            }
        }
        if !is_answered {
            return self.unanswered_block(at, id);
        }
        gather(&block.repetition, values)
    }

    /// The instances of one repetition, as far as they are not left out.
    fn instances(&mut self, instances: Vec<Instance>, block: &ResourceBlock, values: &mut Values) {
        let left_out = self.left_out_of(&instances);
        for instance in instances {
            if left_out.contains(&instance.address) {
                let recorded = self.stand_in(&instance.address);
                values.push((instance.address.keys, recorded));
                continue;
            }
            let value = self.instance(&instance, block);
            let problems = postconditions(&self.environment, block, &instance, value.clone());
            self.draft.diagnostics.extend(problems);
            values.push((instance.address.keys, value));
        }
    }

    /// What stands for a block that is left out as a whole because of what it needs.
    pub(super) fn left_out_whole(
        &mut self,
        at: &ModuleInstance,
        id: &BlockId,
        block: &ResourceBlock,
        shade: &BTreeSet<TargetAddress>,
    ) -> Value {
        let address = self.unsettle(at, id);
        self.leave_out_for(address, shade);
        self.left_out_block(block, at, id)
    }

    /// What stands for one repetition that is left out, because of what it needs or of where it is itself.
    fn shaded_repetition(
        &mut self,
        (at, id): (&ModuleInstance, &BlockId),
        each: &Each,
        lowered: &Lowered,
        shade: &BTreeSet<TargetAddress>,
    ) -> Values {
        let (kind, name) = id.name.reference();
        let keys = each.key.iter().cloned().collect();
        let prefix = Address { keys, ..Address::within(at.clone(), kind, name) };
        let there = match lowered {
            Lowered::Instances(parts) => {
                parts.iter().flat_map(|part| self.places_out_of_reach(part)).collect()
            }
            Lowered::Asks(_) | Lowered::Deferred(_) => BTreeSet::new(),
        };
        match there.is_empty() {
            true => self.leave_out_for(prefix.clone(), shade),
            false => self.leave_out_there(prefix.clone(), there),
        }
        self.stand_ins(&prefix)
    }
}
