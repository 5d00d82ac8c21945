//! What expressions evaluate to while an apply runs: planned values first, real ones as they come.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::{Address, ModuleInstance, ModulePath, TargetAddress};
use crate::config::{BlockId, BlockName, Config, DataBlock, Lifecycle, Registry, Repetition};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::environment::{Called, Environment, gather, sensitive_output, target_value};
use crate::files::Files;
use crate::lang::{FunctionContext, Scope};
use crate::lower::{self, Context, Each, Expansion, Instance, LookUp, Lowered, expand, nothing_found};
use crate::plan::{Action, Partial, Plan};
use crate::policy::{self, Judgement};
use crate::ports::TargetConfig;
use crate::types::Type;
use crate::value::Value;

/// The values of all blocks, re-evaluated where something that they depend on has become known.
pub(crate) struct Values<'a> {
    config: &'a Config,
    registry: &'a Registry,
    files: &'a dyn Files,
    folder: &'a str,
    environment: Environment<'a>,
    instances: BTreeMap<Address, Value>,
    targets: BTreeMap<TargetAddress, Value>,
    stale: BTreeSet<BlockId>,
    dependents: BTreeMap<&'a BlockId, Vec<&'a BlockId>>,
    /// Blocks of which the plan left open how many instances they have.
    deferred: BTreeSet<Address>,
    destroy: bool,
    /// What is left out of a partial plan: its instances are not told, and what asks for it has no answer.
    partial: Option<&'a Partial>,
    /// Whether something that the configuration has may not be there.
    may_be_missing: bool,
    /// By the block's own address, the instances of those that were evaluated for a step. By then all that they depend on is final.
    lowered: BTreeMap<Address, BTreeMap<Address, Instance>>,
    /// The same of what is looked up.
    looked_up: BTreeMap<BlockId, BTreeMap<Address, LookUp>>,
}

impl<'a> Values<'a> {
    pub(crate) fn new(
        config: &'a Config,
        registry: &'a Registry,
        files: &'a dyn Files,
        functions: &'a FunctionContext<'a>,
        variables: &BTreeMap<String, Value>,
        instances: BTreeMap<Address, Value>,
        plan: &'a Plan,
    ) -> Self {
        let mut dependents: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (block, needs) in &config.dependencies {
            for need in needs {
                dependents.entry(need).or_default().push(block);
            }
        }
        let deferred = plan.changes.iter().filter(|change| change.action == Action::Defer);
        let seen = instances.into_iter().map(|(address, attributes)| {
            let seen = registry.seen(&address, attributes);
            (address, seen)
        });
        Self {
            environment: Environment::new(config, functions, variables),
            stale: config.order.iter().cloned().collect(),
            folder: functions.base,
            targets: BTreeMap::new(),
            lowered: BTreeMap::new(),
            looked_up: BTreeMap::new(),
            config,
            registry,
            files,
            instances: seen.collect(),
            deferred: deferred.map(|change| change.address.clone()).collect(),
            destroy: plan.destroy,
            partial: plan.partial.as_ref(),
            may_be_missing: plan.leaves_outputs(),
            dependents,
        }
    }

    /// What is known of every instance and look-up.
    pub(super) fn into_instances(self) -> BTreeMap<Address, Value> {
        self.instances
    }

    /// All names of the stack itself with their values.
    pub(crate) fn scope(&mut self, diagnostics: &mut Diagnostics) -> Scope<'a> {
        let config = self.config;
        config.order.iter().for_each(|id| self.refresh(id, diagnostics));
        self.environment.console_scope()
    }

    /// An instance has these attributes from now on.
    pub(super) fn settle(&mut self, address: &Address, attributes: Value) {
        self.instances.insert(address.clone(), self.registry.seen(address, attributes));
        let block = BlockId::of(address);
        let mut open = vec![&block];
        let mut found = BTreeSet::new();
        while let Some(next) = open.pop() {
            if found.insert(next.clone()) {
                let dependents = self.dependents.get(next).into_iter().flatten();
                // What a resource is, its instances say; only local values and targets follow from others at once.
                open.extend(dependents.filter(|block| !has_instances(block)));
            }
        }
        self.stale.extend(found);
    }

    /// What the configuration wants of an instance, now that all it depends on is there.
    pub(super) fn instance(&mut self, address: &Address) -> Result<Instance, Diagnostics> {
        let block = address.block();
        if !self.lowered.contains_key(&block) {
            let instances = self.lower(&block.module, &BlockId::of(address))?;
            self.lowered.insert(block.clone(), instances);
        }
        let found = self.lowered.get(&block).and_then(|instances| instances.get(address)).cloned();
        found.ok_or_else(|| not_as_planned(address))
    }

    /// How the instances of its block may change.
    pub(super) fn lifecycle(&self, address: &Address) -> Option<&'a Lifecycle> {
        Some(&self.config.resource_at(address)?.lifecycle)
    }

    /// What does not hold of an instance that has been made or changed and is so now.
    pub(super) fn postconditions(&mut self, address: &Address, attributes: &Value) -> Diagnostics {
        let block = self.config.resource_at(address);
        let instance =
            self.lowered.get(&address.block()).and_then(|instances| instances.get(address)).cloned();
        let mut diagnostics = Diagnostics::new();
        if let (Some(block), Some(instance)) = (block, instance) {
            let seen = self.registry.seen(address, attributes.clone());
            self.refresh_dependencies(&BlockId::of(address), &mut diagnostics);
            let holds = lower::postconditions(&self.environment, block, &instance, seen);
            diagnostics.extend(holds);
        }
        diagnostics
    }

    /// The `data` blocks, each after what it refers to.
    pub(super) fn data_blocks(&self) -> Vec<BlockId> {
        let data = self.config.order.iter().filter(|id| matches!(id.name, BlockName::Data(..)));
        data.cloned().collect()
    }

    /// What a `data` block says.
    pub(super) fn data(&self, id: &BlockId) -> Option<&'a DataBlock> {
        self.config.data(id)
    }

    /// What the instances of a `data` block look up, in all instances of its module.
    pub(super) fn look_ups(&mut self, id: &BlockId, diagnostics: &mut Diagnostics) -> Vec<LookUp> {
        self.refresh_dependencies(id, diagnostics);
        let Some(block) = self.config.data(id) else { return Vec::new() };
        let targets: Vec<_> = self.targets.keys().cloned().collect();
        let mut all = Vec::new();
        for Called { at, .. } in self.environment.instances(&id.module) {
            let scope = self.environment.scope(&at, id);
            let Expansion::Instances(repetitions) = expand(&block.repetition, &scope, diagnostics) else {
                continue;
            };
            let context = self.context(&targets, &nothing_found);
            let own = repetitions.iter().map(|each| context.look_up(&at, id, block, each, diagnostics));
            all.extend(own.flatten());
        }
        all
    }

    /// What one instance of a `data` block looks up, now that all it depends on is there.
    pub(super) fn look_up(&mut self, address: &Address) -> Result<LookUp, Diagnostics> {
        let id = BlockId::of(address);
        if !self.looked_up.contains_key(&id) {
            let mut diagnostics = Diagnostics::new();
            let all = self.look_ups(&id, &mut diagnostics);
            if diagnostics.has_errors() {
                return Err(diagnostics);
            }
            let all = all.into_iter().map(|look_up| (look_up.address.clone(), look_up));
            self.looked_up.insert(id.clone(), all.collect());
        }
        let found = self.looked_up.get(&id).and_then(|all| all.get(address)).cloned();
        found.ok_or_else(|| not_as_planned(address))
    }

    /// What does not hold of what was found.
    pub(super) fn failures(&mut self, look_up: &LookUp, found: Value) -> Diagnostics {
        let id = BlockId::of(&look_up.address);
        let mut diagnostics = Diagnostics::new();
        self.refresh_dependencies(&id, &mut diagnostics);
        if let Some(block) = self.config.data(&id) {
            let seen = self.registry.seen(&look_up.address, found);
            diagnostics.extend(look_up.failures(&self.environment, block, seen));
        }
        diagnostics
    }

    fn lower(
        &mut self,
        at: &ModuleInstance,
        id: &BlockId,
    ) -> Result<BTreeMap<Address, Instance>, Diagnostics> {
        let Some(block) = self.config.resource(id) else { return Ok(BTreeMap::new()) };
        let mut diagnostics = Diagnostics::new();
        self.refresh_dependencies(id, &mut diagnostics);
        let scope = self.environment.scope(at, id);
        let mut instances = BTreeMap::new();
        if let Expansion::Instances(repetitions) = expand(&block.repetition, &scope, &mut diagnostics) {
            let targets: Vec<_> = self.targets.keys().cloned().collect();
            let answered = |look_up: &LookUp| self.instances.get(&look_up.address).cloned();
            let context = self.context(&targets, &answered);
            for each in &repetitions {
                if self.leaves_out(at, id, each) {
                    continue;
                }
                if let Lowered::Instances(parts) = context.lower(at, id, block, each, &mut diagnostics) {
                    instances.extend(parts.into_iter().map(|part| (part.address.clone(), part)));
                }
            }
        }
        match diagnostics.has_errors() {
            true => Err(diagnostics),
            false => Ok(instances),
        }
    }

    /// What a composite asks its target, by the address under which the answer is kept; `None` if that is no composite's.
    pub(super) fn asked(&mut self, address: &Address) -> Result<Option<LookUp>, Diagnostics> {
        let kind = address.data_type().unwrap_or_default();
        let block = Address::within(address.module.clone(), kind, address.name.clone());
        let (id, at) = (BlockId::of(&block), &address.module);
        let Some(block) = self.config.resource(&id) else { return Ok(None) };
        let mut diagnostics = Diagnostics::new();
        self.refresh_dependencies(&id, &mut diagnostics);
        let scope = self.environment.scope(at, &id);
        let targets: Vec<_> = self.targets.keys().cloned().collect();
        let context = self.context(&targets, &nothing_found);
        let mut asked = None;
        if let Expansion::Instances(repetitions) = expand(&block.repetition, &scope, &mut diagnostics) {
            for each in repetitions.iter().filter(|each| address.keys.iter().eq(&each.key)) {
                if let Lowered::Asks(look_up) = context.lower(at, &id, block, each, &mut diagnostics) {
                    asked = Some(*look_up);
                }
            }
        }
        if diagnostics.has_errors() { Err(diagnostics) } else { Ok(asked) }
    }

    /// Whether one repetition of a block is left out of a partial plan.
    fn leaves_out(&self, at: &ModuleInstance, id: &BlockId, each: &Each) -> bool {
        let Some(partial) = self.partial else { return false };
        let (kind, name) = id.name.reference();
        let keys = each.key.iter().cloned().collect();
        let address = Address { keys, ..Address::within(at.clone(), kind, name) };
        partial.left_out.iter().any(|left_out| left_out.contains(&address))
    }

    /// Whether something is left out of a partial plan that a block refers to, directly or through others.
    pub(super) fn is_clouded(&self, at: &ModuleInstance, id: &BlockId) -> bool {
        let is_left_out = |partial: &Partial| {
            self.environment.resources_behind(at, id).iter().any(|behind| partial.leaves_out(behind))
        };
        self.partial.is_some_and(is_left_out)
    }

    /// All targets with their attributes, as far as they are known.
    pub(super) fn targets(&mut self, diagnostics: &mut Diagnostics) -> BTreeMap<TargetAddress, TargetConfig> {
        let blocks = self.config.order.iter().filter(|id| matches!(id.name, BlockName::Target(..)));
        for id in blocks {
            self.refresh(id, diagnostics);
        }
        let config = |(address, attributes): (&TargetAddress, &Value)| {
            let config = TargetConfig {
                address: address.clone(),
                attributes: attributes.clone(),
                folder: self.folder.to_owned(),
            };
            (address.clone(), config)
        };
        self.targets.iter().map(config).collect()
    }

    /// The values of the outputs of the stack that can be told.
    pub(crate) fn outputs(
        &mut self,
        is_told: impl Fn(&str) -> bool,
        diagnostics: &mut Diagnostics,
    ) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        for (name, output) in self.config.root.outputs.iter().filter(|(name, _)| is_told(name)) {
            let id = BlockName::Output(name.clone()).within(ModulePath::ROOT);
            self.refresh_dependencies(&id, diagnostics);
            let at = &ModuleInstance::ROOT;
            diagnostics.extend(self.environment.output_failures(at, &id, output));
            let value = self.environment.evaluate(at, &id, &output.value, diagnostics);
            diagnostics.extend(sensitive_output(name, output, &value));
            values.insert(name.clone(), value.marked(output.sensitive));
        }
        values
    }

    /// What the `check` blocks find.
    pub(super) fn checks(&mut self, diagnostics: &mut Diagnostics) {
        for (path, module) in self.config.modules() {
            for (name, asserts) in &module.checks {
                let id = BlockName::Check(name.clone()).within(path.clone());
                self.refresh_dependencies(&id, diagnostics);
                for called in self.environment.instances(path) {
                    if self.is_clouded(&called.at, &id) {
                        continue;
                    }
                    diagnostics.extend(self.environment.check_failures(&called.at, &id, asserts));
                }
            }
        }
    }

    /// What policies say of the plan.
    pub(super) fn policies(
        &mut self,
        plan: impl Fn() -> Value,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Judgement> {
        for (path, module) in self.config.modules() {
            for name in module.policies.keys() {
                let id = BlockName::Policy(name.clone()).within(path.clone());
                self.refresh_dependencies(&id, diagnostics);
            }
        }
        policy::judge_all(&self.environment, plan)
    }

    fn refresh_dependencies(&mut self, id: &BlockId, diagnostics: &mut Diagnostics) {
        for need in self.config.dependencies.get(id).into_iter().flatten() {
            self.refresh(need, diagnostics);
        }
        // Blocks that leave out where they live may live on any target.
        if has_instances(id) {
            self.targets(diagnostics);
        }
    }

    /// Re-evaluates a block if anything it depends on has changed. Configurations have no cycles, so this ends.
    fn refresh(&mut self, id: &BlockId, diagnostics: &mut Diagnostics) {
        if !self.stale.remove(id) {
            return;
        }
        let needs = self.config.dependencies.get(id).into_iter().flatten();
        // Of what a resource depends on, only how many instances of its module there are matters to what it is.
        let is_settled = has_instances(id);
        for need in needs.filter(|need| !is_settled || matches!(need.name, BlockName::Module(_))) {
            self.refresh(need, diagnostics);
        }
        if let BlockName::Module(_) = &id.name {
            let deferred = &self.deferred;
            let is_deferred =
                |at: &ModuleInstance| deferred.iter().any(|block| block.module.0.starts_with(&at.0));
            self.environment.call(id, is_deferred, diagnostics);
            if self.destroy {
                self.environment.recall(id, self.instances.keys());
            }
            return;
        }
        for called in self.environment.instances(&id.module) {
            if let Some(value) = self.value(&called, id, diagnostics) {
                self.environment.set(&called.at, id.name.clone(), value);
            }
        }
    }

    /// The value of a block in an instance of its module; none of those that have been given or that nothing refers to.
    fn value(&mut self, called: &Called, id: &BlockId, diagnostics: &mut Diagnostics) -> Option<Value> {
        let (module, at) = (self.config.module(&id.module)?, &called.at);
        match &id.name {
            _ if called.deferred.is_some() => Some(Value::unknown(Type::Any)),
            BlockName::Local(name) => {
                Some(self.environment.evaluate(at, id, module.locals.get(name)?, diagnostics))
            }
            BlockName::Variable(name) if !id.module.0.is_empty() => {
                Some(self.environment.variable(called, name, diagnostics))
            }
            BlockName::Output(name) if !id.module.0.is_empty() => {
                let output = module.outputs.get(name)?;
                diagnostics.extend(self.environment.output_failures(at, id, output));
                let value = self.environment.evaluate(at, id, &output.value, diagnostics);
                Some(value.marked(output.sensitive))
            }
            BlockName::Resource(kind, name) => {
                let block = self.config.resource(id);
                let repetition = block.map_or(&Repetition::None, |block| &block.repetition);
                Some(self.gathered(repetition, &Address::within(at.clone(), kind, name)))
            }
            BlockName::Data(ty, name) => Some(
                self.gathered(&self.config.data(id)?.repetition, &Address::look_up(at.clone(), ty, name)),
            ),
            BlockName::Target(..) => Some(self.target_block(at, id, diagnostics)),
            BlockName::Variable(_) | BlockName::Output(_) | BlockName::Module(_) => None,
            BlockName::Check(_) | BlockName::Policy(_) => None,
        }
    }

    fn gathered(&self, repetition: &Repetition, block: &Address) -> Value {
        let own = self.instances.range(block..).take_while(|(address, _)| address.is_sibling(block));
        let own: Vec<_> = own.map(|(address, value)| (address.keys.clone(), value.clone())).collect();
        match repetition {
            // It was not looked up, or is left out.
            Repetition::None if own.is_empty() && (block.data_type().is_some() || self.may_be_missing) => {
                Value::unknown(Type::Any)
            }
            _ => gather(repetition, own),
        }
    }

    fn target_block(&mut self, at: &ModuleInstance, id: &BlockId, diagnostics: &mut Diagnostics) -> Value {
        let Some(block) = self.config.target(id) else { return Value::null() };
        let Some(instances) = lower::targets(&self.context(&[], &nothing_found), at, id, block, diagnostics)
        else {
            return Value::unknown(Type::Any);
        };
        let mut values = Vec::new();
        for (address, attributes) in instances {
            values.push((address.key.iter().cloned().collect(), target_value(&address, &attributes)));
            self.targets.insert(address, attributes);
        }
        gather(&block.repetition, values)
    }

    fn context<'c>(
        &'c self,
        targets: &'c [TargetAddress],
        found: &'c dyn Fn(&LookUp) -> Option<Value>,
    ) -> Context<'c> {
        Context {
            registry: self.registry,
            environment: &self.environment,
            files: self.files,
            folder: self.folder,
            targets,
            found,
        }
    }
}

/// Whether instances, once they are settled, say what the block is.
fn has_instances(id: &BlockId) -> bool {
    matches!(id.name, BlockName::Resource(..) | BlockName::Data(..))
}

fn not_as_planned(address: &Address) -> Diagnostics {
    let detail = format!("The configuration no longer comes to {address}, which was planned. Plan again.");
    Diagnostic::error("Not as planned", detail).into()
}
