//! `data` blocks → what is to be looked up.

use super::{Belonging, Context, Each, Instance, Origin, Placement, complete, place_problem, with_computed};
use crate::address::{Address, ModuleInstance};
use crate::condition;
use crate::config::{BlockId, BlockName, DataBlock};
use crate::diagnostic::Diagnostics;
use crate::environment::Environment;
use crate::ephemeral;
use crate::ports::ReadItem;
use crate::types::Type;
use crate::value::Value;

/// One look-up that the configuration wants.
#[derive(Clone, Debug)]
pub(crate) struct LookUp {
    pub(crate) address: Address,
    /// Its data type.
    pub(crate) kind: String,
    pub(crate) target: Placement,
    pub(crate) arguments: Value,
    /// What expressions see of it before it was looked up.
    pub(crate) unknown: Value,
    /// The block that says so.
    pub(crate) origin: Origin,
    each: Each,
}

impl LookUp {
    /// What a composite asks its target. It has the address of a `data` block that nobody can write.
    pub(super) fn of_composite(composite: &Instance, arguments: Value) -> Self {
        let at = &composite.address;
        let address = Address::look_up(at.module.clone(), &composite.kind, at.name.clone());
        Self {
            address: Address { keys: at.keys.clone(), ..address },
            kind: composite.kind.clone(),
            target: composite.target.clone(),
            unknown: Value::unknown(Type::Any),
            origin: composite.origin.clone(),
            each: composite.each.clone(),
            arguments,
        }
    }

    /// The composite that asks, if one does.
    pub(crate) fn composite(&self) -> Address {
        Address { kind: self.kind.clone(), ..self.address.clone() }
    }

    /// What its target is asked, once all of it is known.
    pub(crate) fn item(&self) -> ReadItem {
        let (address, kind) = (self.address.clone(), self.kind.clone());
        ReadItem { address, kind, arguments: self.arguments.clone() }
    }

    /// The first of its arguments that is known only after apply.
    pub(crate) fn unknown_argument(&self) -> Option<&str> {
        let mut arguments = self.arguments.as_map().into_iter().flatten();
        arguments.find(|(_, value)| !value.is_wholly_known()).map(|(name, _)| name.as_str())
    }

    /// What does not hold of what was found.
    pub(crate) fn failures(
        &self,
        environment: &Environment<'_>,
        block: &DataBlock,
        found: Value,
    ) -> Diagnostics {
        if block.postconditions.is_empty() {
            return Diagnostics::new();
        }
        let outer = environment.scope(&self.address.module, &BlockId::of(&self.address));
        let mut scope = outer.child();
        self.each.bind(&mut scope);
        scope.set("self", found);
        let what = (condition::POSTCONDITION, &*self.address.to_string());
        condition::failures(&block.postconditions, what, &scope)
    }
}

impl Context<'_> {
    /// What one repetition of a `data` block looks up in an instance of its module.
    pub(crate) fn look_up(
        &self,
        at: &ModuleInstance,
        id: &BlockId,
        block: &DataBlock,
        each: &Each,
        diagnostics: &mut Diagnostics,
    ) -> Option<LookUp> {
        let BlockName::Data(kind, name) = &id.name else { return None };
        let ty = self.registry.data_type(kind)?;
        let outer = self.environment.scope(at, id);
        let mut scope = outer.child();
        each.bind(&mut scope);
        let keys = each.key.iter().cloned().collect();
        let address = Address { keys, ..Address::look_up(at.clone(), kind, name) };
        let what = (condition::PRECONDITION, &*address.to_string());
        diagnostics.extend(condition::failures(&block.preconditions, what, &scope));
        let (arguments, origin) = complete(&ty.body, &block.content, &scope, diagnostics);
        diagnostics.extend(ephemeral::refused_attributes(&address, &arguments, &origin));
        let arguments = arguments.without_ephemeral();
        let provider = self.registry.data_provider(kind)?;
        for problem in provider.check_data(kind, &arguments) {
            diagnostics.push(place_problem(problem, &address, &origin));
        }
        let belonging = Belonging { what: "data source", named: block.target.as_ref(), span: &block.span };
        Some(LookUp {
            target: self.place(at, ty.target, &belonging, &scope, diagnostics),
            kind: kind.clone(),
            unknown: with_computed(&ty.body, &arguments),
            each: each.clone(),
            address,
            arguments,
            origin,
        })
    }
}
