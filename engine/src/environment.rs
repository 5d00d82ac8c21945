//! What the names in a block's expressions stand for, as far as it is known.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::{Address, Key, ModuleInstance, ModulePath, TargetAddress};
use crate::condition;
use crate::config::{BlockId, BlockName, Condition, Config, ModuleCall, Output, Repetition};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::inputs;
use crate::lang::{Expression, FunctionContext, Scope, evaluate};
use crate::lower::{Each, Expansion, expand};
use crate::types::Type;
use crate::value::Value;

/// The values of blocks in each instance of their module. Planning fills it in the blocks' order; applying makes it more and more exact.
pub(crate) struct Environment<'a> {
    pub(crate) config: &'a Config,
    functions: &'a FunctionContext<'a>,
    /// `path.cwd`
    current: Value,
    modules: BTreeMap<ModulePath, Vec<Called>>,
    values: BTreeMap<ModuleInstance, BTreeMap<BlockName, Value>>,
}

/// Why what is in a module is deferred where its call is to be looked at no further.
const DEFERRED: &str = "how many instances its module has is known only after apply";

/// One instance of a module.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) at: ModuleInstance,
    /// Which repetition of its call it is.
    each: Each,
    /// Why it stands for all that there will be, however many: that is not known yet.
    pub(crate) deferred: Option<String>,
}

impl<'a> Environment<'a> {
    /// Only the stack's variables are known.
    pub(crate) fn new(
        config: &'a Config,
        functions: &'a FunctionContext<'a>,
        variables: &BTreeMap<String, Value>,
    ) -> Self {
        let root = Called { at: ModuleInstance::ROOT, each: Each::only(), deferred: None };
        let values = variables.iter().map(|(name, value)| (BlockName::Variable(name.clone()), value.clone()));
        Self {
            config,
            functions,
            current: functions.files.current().map_or_else(Value::null, Value::string),
            modules: BTreeMap::from([(ModulePath::ROOT, vec![root])]),
            values: BTreeMap::from([(ModuleInstance::ROOT, values.collect())]),
        }
    }

    pub(crate) fn set(&mut self, at: &ModuleInstance, block: BlockName, value: Value) {
        match self.values.get_mut(at) {
            Some(values) => drop(values.insert(block, value)),
            None => drop(self.values.insert(at.clone(), BTreeMap::from([(block, value)]))),
        }
    }

    pub(crate) fn get(&self, at: &ModuleInstance, block: &BlockName) -> Option<&Value> {
        self.values.get(at)?.get(block)
    }

    /// The instances of a module that are known so far. There is one of the stack itself.
    pub(crate) fn instances(&self, module: &ModulePath) -> Vec<Called> {
        self.modules.get(module).cloned().unwrap_or_default()
    }

    /// Finds out how many instances of a module there are. Those of one that `stays_deferred` are not told even now, whatever its call
    /// says: it is asked about each repeated call, by the instance without a key that stands for all.
    pub(crate) fn call(
        &mut self,
        id: &BlockId,
        stays_deferred: impl Fn(&ModuleInstance) -> bool,
        diagnostics: &mut Diagnostics,
    ) {
        let (BlockName::Module(name), Some(call)) = (&id.name, self.config.call(id)) else { return };
        let mut found = Vec::new();
        for caller in self.instances(&id.module) {
            let any = |reason: String| Called {
                at: caller.at.child(name, None),
                each: Each::unknown(&call.repetition),
                deferred: Some(reason),
            };
            if let Some(reason) = &caller.deferred {
                found.push(any(reason.clone()));
                continue;
            }
            let is_repeated = !matches!(call.repetition, Repetition::None);
            match expand(&call.repetition, &self.scope(&caller.at, id), diagnostics) {
                _ if is_repeated && stays_deferred(&caller.at.child(name, None)) => {
                    found.push(any(DEFERRED.to_owned()));
                }
                Expansion::Instances(all) => found.extend(all.into_iter().map(|each| Called {
                    at: caller.at.child(name, each.key.clone()),
                    each,
                    deferred: None,
                })),
                Expansion::Deferred(reason) => {
                    found.push(any(format!("of {}: {reason}", caller.at.child(name, None))));
                }
                // Said already; what is in it is looked at all the same.
                Expansion::Invalid => found.push(any(DEFERRED.to_owned())),
            }
        }
        self.modules.insert(id.module.child(name), found);
    }

    /// Where it cannot be told how many instances of a module there are, those count of which something is recorded.
    pub(crate) fn recall<'r>(&mut self, id: &BlockId, recorded: impl Iterator<Item = &'r Address>) {
        let (BlockName::Module(name), Some(call)) = (&id.name, self.config.call(id)) else { return };
        let path = id.module.child(name);
        let Some(known) = self.modules.get_mut(&path) else { return };
        if known.iter().any(|called| called.deferred.is_some()) {
            let on_the_way = recorded.filter_map(|address| address.module.0.get(..path.0.len()));
            let instances: BTreeSet<_> = on_the_way.map(|steps| ModuleInstance(steps.to_vec())).collect();
            let own = instances.into_iter().filter(|at| at.path() == path);
            let each = Each::unknown(&call.repetition);
            *known = own.map(|at| Called { at, each: each.clone(), deferred: None }).collect();
        }
    }

    /// The value of a module's variable, as its call gives it.
    pub(crate) fn variable(&self, called: &Called, name: &str, diagnostics: &mut Diagnostics) -> Value {
        let path = called.at.path();
        let unknown = || Value::unknown(Type::Any);
        let Some(variable) = self.config.module(&path).and_then(|module| module.variables.get(name)) else {
            return unknown();
        };
        let id = BlockName::Variable(name.to_owned()).within(path.clone());
        let call: Option<&ModuleCall> = self.config.call_of(&path).map(|(_, call)| call);
        let given = call.and_then(|call| call.inputs.get(name)).zip(called.at.caller());
        let given = given.map(|(expression, caller)| {
            let outer = self.scope(&caller, &id);
            let mut scope = outer.child();
            called.each.bind(&mut scope);
            (evaluate(expression, &scope, diagnostics), expression)
        });
        let value = inputs::argument(name, variable, given, self.functions, diagnostics);
        let mut scope = self.scope(&called.at, &id);
        scope.set_in("var", name, value.clone());
        diagnostics.extend(inputs::failures(name, variable, &scope));
        value
    }

    /// The names that the expressions of `block` may use in an instance of its module. What has no value yet is unknown.
    ///
    /// For a variable this is also where its value comes from, if `at` is the instance that calls its module.
    pub(crate) fn scope(&self, at: &ModuleInstance, block: &BlockId) -> Scope<'a> {
        let path = at.path();
        let mut scope = self.bare_scope(&path);
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for need in self.config.dependencies.get(block).into_iter().flatten() {
            if let Some(name) = called_by(need, &path).filter(|name| path.child(*name) != block.module) {
                scope.set_in("module", name, self.outputs(at, name));
            } else if need.module == path && !matches!(need.name, BlockName::Module(_)) {
                let (root, name) = need.name.reference();
                let value = self.get(at, &need.name).cloned().unwrap_or_else(|| Value::unknown(Type::Any));
                match &need.name {
                    BlockName::Data(..) => found.entry(root).or_default().push((name.to_owned(), value)),
                    _ => scope.set_in(root, name, value),
                }
            }
        }
        set_data(&mut scope, found);
        // Said already: whatever it is meant to be, the rest of the block can be looked at.
        for reference in self.config.unresolved.get(block).into_iter().flatten() {
            match &reference.name {
                Some(name) => scope.set_in(&reference.root, name, Value::unknown(Type::Any)),
                None => scope.set(&*reference.root, Value::unknown(Type::Any)),
            }
        }
        scope
    }

    /// All names of the stack itself that have a value.
    pub(crate) fn console_scope(&self) -> Scope<'a> {
        let mut scope = self.bare_scope(&ModulePath::ROOT);
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (block, value) in self.values.get(&ModuleInstance::ROOT).into_iter().flatten() {
            let (root, name) = block.reference();
            match block {
                BlockName::Data(..) => found.entry(root).or_default().push((name.to_owned(), value.clone())),
                _ => scope.set_in(root, name, value.clone()),
            }
        }
        set_data(&mut scope, found);
        for name in self.config.root.calls.keys() {
            scope.set_in("module", name, self.outputs(&ModuleInstance::ROOT, name));
        }
        scope
    }

    /// Only what is known of a module without its blocks.
    fn bare_scope(&self, path: &ModulePath) -> Scope<'a> {
        let mut scope = Scope::new(self.functions);
        let folder = self.config.module(path).map_or(".", |module| &module.folder);
        let folders =
            [("module", Value::string(folder)), ("root", Value::string(".")), ("cwd", self.current.clone())];
        scope.set("path", Value::object(folders.map(|(name, folder)| (name.to_owned(), folder))));
        scope.set("meshform", meshform(self.functions.workspace));
        scope
    }

    /// The outputs of a module that is called in `at`, as far as they are known: of its instances what [`gather`] makes of them.
    fn outputs(&self, at: &ModuleInstance, name: &str) -> Value {
        let path = at.path().child(name);
        let call = BlockName::Module(name.to_owned()).within(at.path());
        let (Some(call), Some(instances)) = (self.config.call(&call), self.modules.get(&path)) else {
            return Value::unknown(Type::Any);
        };
        let own: Vec<_> = instances.iter().filter(|called| called.at.caller().as_ref() == Some(at)).collect();
        if own.iter().any(|called| called.deferred.is_some()) {
            return Value::unknown(Type::Any);
        }
        let outputs = |called: &Called| {
            // The outputs stand together in the map, so that a large module is not gone through for each reference.
            let values = self.values.get(&called.at).into_iter();
            let from = values.flat_map(|values| values.range(BlockName::Output(String::new())..));
            Value::object(from.map_while(|(name, value)| match name {
                BlockName::Output(name) => Some((name.clone(), value.clone())),
                _ => None,
            }))
        };
        let keyed = own.into_iter().map(|called| {
            let key = called.at.0.last().and_then(|step| step.key.clone());
            (key.into_iter().collect(), outputs(called))
        });
        gather(&call.repetition, keyed.collect())
    }

    /// The value of a block that is one expression.
    pub(crate) fn evaluate(
        &self,
        at: &ModuleInstance,
        block: &BlockId,
        expression: &Expression,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        evaluate(expression, &self.scope(at, block), diagnostics)
    }

    /// What does not hold that must for an output to be given out.
    pub(crate) fn output_failures(&self, at: &ModuleInstance, id: &BlockId, output: &Output) -> Diagnostics {
        let what = (condition::PRECONDITION, &*id.to_string());
        condition::failures(&output.preconditions, what, &self.scope(at, id))
    }

    /// What a `check` block finds: warnings, for what it looks at is there already.
    pub(crate) fn check_failures(
        &self,
        at: &ModuleInstance,
        id: &BlockId,
        asserts: &[Condition],
    ) -> Diagnostics {
        let what = (condition::CHECK, &*id.to_string());
        condition::failures(asserts, what, &self.scope(at, id)).into_warnings()
    }

    /// The resources that a block refers to in an instance of its module, directly or through others, and what it refers to that is
    /// looked up. In a module that it calls they are meant whatever the key.
    pub(crate) fn resources_behind(&self, at: &ModuleInstance, block: &BlockId) -> Vec<Address> {
        self.behind(at, self.config.dependencies.get(block).into_iter().flatten())
    }

    /// The same of what a block names in `depends_on`, and the calls that lead to its module in theirs.
    pub(crate) fn named_first(&self, at: &ModuleInstance, block: &BlockId) -> Vec<Address> {
        let calls = std::iter::successors(self.config.call_of(&block.module), |(call, _)| {
            self.config.call_of(&call.module)
        });
        let blocks: Vec<_> = std::iter::once(block.clone()).chain(calls.map(|(call, _)| call)).collect();
        let named = blocks.iter().flat_map(|id| self.config.named_first.get(id).into_iter().flatten());
        self.behind(at, named.flat_map(|entry| &entry.blocks))
    }

    /// These blocks, as far as they are resources or look-ups, and those behind the others.
    pub(crate) fn behind<'b>(
        &self,
        at: &ModuleInstance,
        blocks: impl IntoIterator<Item = &'b BlockId>,
    ) -> Vec<Address>
    where
        'a: 'b,
    {
        let mut seen = BTreeSet::new();
        let mut found = BTreeSet::new();
        let mut open: Vec<_> = blocks.into_iter().map(|need| (seen_from(at, &need.module), need)).collect();
        while let Some((at, next)) = open.pop() {
            if !seen.insert((at.clone(), next)) {
                continue;
            }
            match &next.name {
                BlockName::Resource(kind, name) => {
                    found.insert(Address::within(at, kind, name));
                    continue;
                }
                // What it comes after, those come after that refer to it.
                BlockName::Data(ty, name) => drop(found.insert(Address::look_up(at.clone(), ty, name))),
                _ => {}
            }
            let needs = self.config.dependencies.get(next).into_iter().flatten();
            open.extend(needs.map(|need| (seen_from(&at, &need.module), need)));
        }
        found.into_iter().collect()
    }
}

/// What expressions see of the program itself: `meshform.workspace`.
pub(crate) fn meshform(workspace: &str) -> Value {
    Value::object([("workspace".to_owned(), Value::string(workspace))])
}

/// Complains of an output that gives out what is sensitive without saying so.
pub(crate) fn sensitive_output(name: &str, output: &Output, value: &Value) -> Option<Diagnostic> {
    let detail = format!(
        "The value of the output \"{name}\" is sensitive. If it is meant to be given out, say so by `sensitive = true`; it then stays hidden in plans and logs."
    );
    let is_silent = value.has_sensitive() && !output.sensitive;
    is_silent.then(|| Diagnostic::error("Sensitive output", detail).at(output.value.span()))
}

/// What is looked up, by type and name: `data.TYPE.NAME`.
fn set_data(scope: &mut Scope<'_>, found: BTreeMap<&str, Vec<(String, Value)>>) {
    for (ty, named) in found {
        scope.set_in("data", ty, Value::object(named));
    }
}

/// The module called in `path` that a block is the call or an output of.
fn called_by<'n>(need: &'n BlockId, path: &ModulePath) -> Option<&'n str> {
    match &need.name {
        BlockName::Module(name) => Some(name.as_str()).filter(|_| need.module == *path),
        BlockName::Output(_) => {
            let (name, callers) = need.module.0.split_last()?;
            (*callers == *path.0).then_some(name)
        }
        _ => None,
    }
}

/// The instance of `module` that is on the way to `at`, or those that are called from there, with any key.
pub(crate) fn seen_from(at: &ModuleInstance, module: &ModulePath) -> ModuleInstance {
    let mut instance = ModuleInstance::ROOT;
    let mut is_shared = true;
    for (depth, name) in module.0.iter().enumerate() {
        let step = at.0.get(depth).filter(|step| is_shared && step.name == *name);
        is_shared = step.is_some();
        instance = instance.child(name, step.and_then(|step| step.key.clone()));
    }
    instance
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
