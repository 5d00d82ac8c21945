//! What the names in a block's expressions stand for, as far as it is known.

use std::collections::BTreeMap;

use crate::address::{Address, Key, TargetAddress};
use crate::condition;
use crate::config::{BlockId, Condition, Config, Output, Repetition};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::lang::{Expression, FunctionContext, Scope, evaluate};
use crate::types::Type;
use crate::value::Value;

/// The values of blocks. Planning fills it in the blocks' order; applying makes it more and more exact.
pub(crate) struct Environment<'a> {
    pub(crate) config: &'a Config,
    functions: &'a FunctionContext<'a>,
    values: BTreeMap<BlockId, Value>,
}

impl<'a> Environment<'a> {
    /// Only the variables are known.
    pub(crate) fn new(
        config: &'a Config,
        functions: &'a FunctionContext<'a>,
        variables: &BTreeMap<String, Value>,
    ) -> Self {
        let values =
            variables.iter().map(|(name, value)| (BlockId::Variable(name.clone()), value.clone())).collect();
        Self { config, functions, values }
    }

    pub(crate) fn set(&mut self, block: BlockId, value: Value) {
        self.values.insert(block, value);
    }

    /// The value of a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<Value> {
        self.values.get(&BlockId::Variable(name.to_owned())).cloned()
    }

    /// The names that the expressions of `block` may use. What has no value yet is unknown.
    pub(crate) fn scope(&self, block: &BlockId) -> Scope<'a> {
        let mut scope = Scope::new(self.functions);
        let folder = Value::string(self.functions.base);
        scope.set("path", Value::object(["module", "root"].map(|name| (name.to_owned(), folder.clone()))));
        for dependency in self.config.dependencies.get(block).into_iter().flatten() {
            let (root, name) = dependency.reference();
            let value = self.values.get(dependency).cloned().unwrap_or_else(|| Value::unknown(Type::Any));
            scope.set_in(root, name, value);
        }
        // Said already: whatever it is meant to be, the rest of the block can be looked at.
        for reference in self.config.unresolved.get(block).into_iter().flatten() {
            match &reference.name {
                Some(name) => scope.set_in(&reference.root, name, Value::unknown(Type::Any)),
                None => scope.set(&*reference.root, Value::unknown(Type::Any)),
            }
        }
        scope
    }

    /// The value of a block that is one expression.
    pub(crate) fn evaluate(
        &self,
        block: &BlockId,
        expression: &Expression,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        evaluate(expression, &self.scope(block), diagnostics)
    }

    /// What does not hold that must for an output to be given out.
    pub(crate) fn output_failures(&self, name: &str, output: &Output) -> Diagnostics {
        let id = BlockId::Output(name.to_owned());
        let what = ("Precondition does not hold", &*id.to_string());
        condition::failures(&output.preconditions, what, &self.scope(&id))
    }

    /// What a `check` block finds: warnings, for what it looks at is there already.
    pub(crate) fn check_failures(&self, name: &str, asserts: &[Condition]) -> Diagnostics {
        let id = BlockId::Check(name.to_owned());
        let found = condition::failures(asserts, ("Check does not hold", &*id.to_string()), &self.scope(&id));
        let mut warnings = Diagnostics::new();
        warnings.extend(found.into_iter().map(|it| Diagnostic { severity: Severity::Warning, ..it }));
        warnings
    }

    /// The resources that a block refers to, directly or through local values and targets.
    pub(crate) fn resources_behind(&self, block: &BlockId) -> Vec<Address> {
        let mut seen = std::collections::BTreeSet::new();
        let mut found = std::collections::BTreeSet::new();
        let mut open: Vec<&BlockId> = self.config.dependencies.get(block).into_iter().flatten().collect();
        while let Some(next) = open.pop() {
            if !seen.insert(next) {
                continue;
            }
            match next {
                BlockId::Resource(kind, name) => drop(found.insert(Address::new(kind, name))),
                _ => open.extend(self.config.dependencies.get(next).into_iter().flatten()),
            }
        }
        found.into_iter().collect()
    }
}

/// The value that expressions see of a repeated block: the instance itself, a list, or an object by key.
pub(crate) fn gather(repetition: &Repetition, instances: Vec<(Vec<Key>, Value)>) -> Value {
    if instances.is_empty() {
        return match repetition {
            Repetition::Count(_) => Value::list([]),
            Repetition::None | Repetition::ForEach(_) => Value::object([]),
        };
    }
    nest(instances, 0)
}

fn nest(instances: Vec<(Vec<Key>, Value)>, depth: usize) -> Value {
    let mut named: BTreeMap<String, Vec<_>> = BTreeMap::new();
    let mut numbered: BTreeMap<u64, Vec<_>> = BTreeMap::new();
    for (keys, value) in instances {
        match keys.get(depth) {
            None => return value,
            Some(Key::Name(name)) => named.entry(name.clone()).or_default().push((keys, value)),
            Some(Key::Index(index)) => numbered.entry(*index).or_default().push((keys, value)),
        }
    }
    if numbered.is_empty() {
        return Value::object(named.into_iter().map(|(name, inner)| (name, nest(inner, depth + 1))));
    }
    Value::list(numbered.into_values().map(|inner| nest(inner, depth + 1)))
}

/// The value that expressions see of a target: its attributes, and `id`, which says which one it is.
pub(crate) fn target_value(address: &TargetAddress, attributes: &Value) -> Value {
    let fields = attributes.as_map().cloned().unwrap_or_default();
    Value::object(fields.into_iter().chain([("id".to_owned(), Value::string(address.to_string()))]))
}
