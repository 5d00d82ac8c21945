//! What needs something out of reach, told instance by instance: of a block on many hosts, those on the other hosts are planned.
//!
//! The values of what is left out are marked, and a mark survives every operation: an instance whose values carry it needs what is left
//! out. What comes after something only by `depends_on` comes after all of it; but where both are repeated, after that of its own key.

use std::collections::BTreeSet;

use super::Drafting;
use super::selection::LeftOut;
use crate::address::{Address, ModuleInstance, ModulePath, TargetAddress};
use crate::config::{BlockId, BlockName, Repetition, ResourceBlock};
use crate::diagnostic::Diagnostics;
use crate::environment::Called;
use crate::lang::{Scope, evaluate};
use crate::lower::{Each, LookUp, Lowered, Placement};
use crate::types::Type;
use crate::value::{Marks, Value};

impl Drafting<'_> {
    /// Whether one repetition of a block needs something that is left out.
    pub(super) fn is_shaded(
        &self,
        (at, id): (&ModuleInstance, &BlockId),
        block: &ResourceBlock,
        each: &Each,
        lowered: &Lowered,
    ) -> bool {
        let outer = self.environment.scope(at, id);
        let mut scope = outer.child();
        each.bind(&mut scope);
        scope.set("self", Value::unknown(Type::Any));
        let conditions = block.lifecycle.preconditions.iter().chain(&block.lifecycle.postconditions);
        let named = conditions.map(|it| &it.condition).chain(&block.target);
        let marks = |expression| evaluate(expression, &scope, &mut Diagnostics::new()).all_marks();
        let named = named.map(marks).fold(each.marks(), |all, more| all | more);
        let is_part_shaded = match lowered {
            Lowered::Deferred(_) => true,
            Lowered::Asks(look_up) => self.is_look_up_shaded(look_up),
            Lowered::Instances(parts) => {
                parts.iter().any(|part| is_stand_in(&part.desired) || self.is_place_shaded(&part.target))
            }
        };
        is_part_shaded || named.is_stand_in() || self.comes_after_left_out(at, id, each)
    }

    /// Whether a look-up needs something that is left out.
    pub(super) fn is_look_up_shaded(&self, look_up: &LookUp) -> bool {
        look_up.unknown_argument().is_some()
            || is_stand_in(&look_up.arguments)
            || self.is_place_shaded(&look_up.target)
    }

    fn is_place_shaded(&self, place: &Placement) -> bool {
        match place {
            Placement::Nowhere => false,
            Placement::Unknown => true,
            Placement::On(target) => self.shaded_targets.contains(target),
        }
    }

    /// Whether what a repetition comes after by `depends_on` is left out.
    pub(super) fn comes_after_left_out(&self, at: &ModuleInstance, id: &BlockId, each: &Each) -> bool {
        let named = self.environment.named_first(at, id);
        let left_out = self.selection.left_out.keys();
        left_out.filter(|it| named.iter().any(|need| need.meets(it))).any(|it| {
            match (&each.key, it.keys.first()) {
                (Some(own), Some(other)) if own != other => !self.has_counterpart(it, each),
                _ => true,
            }
        })
    }

    /// Whether a block has an instance of the same key as a repetition.
    fn has_counterpart(&self, of: &Address, each: &Each) -> bool {
        let counterpart = Address { keys: each.key.iter().cloned().collect(), ..of.clone() };
        let mut planned = self.draft.changes.range(&counterpart..).map(|(address, _)| address);
        planned.next().is_some_and(|address| counterpart.contains(address))
            || self.pending.iter().any(|address| counterpart.contains(address))
            || self.selection.left_out.keys().any(|address| counterpart.contains(address))
    }

    /// Whether a block is in a module of which it depends on what is left out how many instances there are.
    pub(super) fn is_in_shaded_module(&self, called: &Called) -> bool {
        let path = called.at.path();
        let mut on_the_way = (0..path.0.len()).map(|depth| {
            let (outer, name) = (ModulePath(path.0[..depth].to_vec()), path.0[depth].clone());
            BlockName::Module(name).within(outer)
        });
        called.deferred.is_some() || on_the_way.any(|call| self.shaded_calls.contains(&call))
    }

    pub(super) fn leave_out_for(&mut self, address: Address, because: &BTreeSet<TargetAddress>) {
        self.leave_out(address, LeftOut { because: because.clone(), is_there: false });
    }

    pub(super) fn leave_out_there(&mut self, address: Address, because: BTreeSet<TargetAddress>) {
        self.leave_out(address, LeftOut { because, is_there: true });
    }

    /// The value of what is left out, marked for what needs it.
    pub(super) fn standing_in(&self, value: Value) -> Value {
        if self.selection.is_cut_off() { value.marked(Marks::STAND_IN) } else { value }
    }
}

/// Whether how often a block is repeated depends on what is left out.
pub(super) fn is_repeated_by_stand_ins(repetition: &Repetition, scope: &Scope<'_>) -> bool {
    let (Repetition::Count(expression) | Repetition::ForEach(expression)) = repetition else { return false };
    evaluate(expression, scope, &mut Diagnostics::new()).marks().is_stand_in()
}

fn is_stand_in(value: &Value) -> bool {
    value.all_marks().is_stand_in()
}
