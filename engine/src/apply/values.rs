//! What expressions evaluate to while an apply runs: planned values first, real ones as they come.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::{Address, TargetAddress};
use crate::config::{BlockId, Config, Lifecycle, Registry, Repetition};
use crate::diagnostic::Diagnostics;
use crate::environment::{Environment, gather, target_value};
use crate::files::Files;
use crate::lang::FunctionContext;
use crate::lower::{self, Context, Expansion, Instance, Lowered, expand};
use crate::ports::TargetConfig;
use crate::types::Type;
use crate::value::Value;

/// The values of all blocks, re-evaluated where something that they depend on has become known.
pub(super) struct Values<'a> {
    config: &'a Config,
    registry: &'a Registry,
    files: &'a dyn Files,
    folder: &'a str,
    environment: Environment<'a>,
    instances: BTreeMap<Address, Value>,
    targets: BTreeMap<TargetAddress, Value>,
    stale: BTreeSet<BlockId>,
    dependents: BTreeMap<&'a BlockId, Vec<&'a BlockId>>,
    /// The instances of the blocks that were evaluated for a step. By then all that they depend on is final.
    lowered: BTreeMap<BlockId, BTreeMap<Address, Instance>>,
}

impl<'a> Values<'a> {
    pub(super) fn new(
        config: &'a Config,
        registry: &'a Registry,
        files: &'a dyn Files,
        functions: &'a FunctionContext<'a>,
        variables: &BTreeMap<String, Value>,
        instances: BTreeMap<Address, Value>,
    ) -> Self {
        let mut dependents: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (block, needs) in &config.dependencies {
            for need in needs {
                dependents.entry(need).or_default().push(block);
            }
        }
        Self {
            environment: Environment::new(config, functions, variables),
            stale: config.order.iter().cloned().collect(),
            folder: functions.base,
            targets: BTreeMap::new(),
            lowered: BTreeMap::new(),
            config,
            registry,
            files,
            instances,
            dependents,
        }
    }

    /// An instance has these attributes from now on.
    pub(super) fn settle(&mut self, address: &Address, attributes: Value) {
        self.instances.insert(address.clone(), attributes);
        let block = BlockId::Resource(address.kind.clone(), address.name.clone());
        let mut open = vec![&block];
        let mut found = BTreeSet::new();
        while let Some(next) = open.pop() {
            if found.insert(next.clone()) {
                let dependents = self.dependents.get(next).into_iter().flatten();
                // What a resource is, its instances say; only local values and targets follow from others at once.
                open.extend(dependents.filter(|block| !matches!(block, BlockId::Resource(..))));
            }
        }
        self.stale.extend(found);
    }

    /// What the configuration wants of an instance, now that all it depends on is there.
    pub(super) fn instance(&mut self, address: &Address) -> Result<Instance, Diagnostics> {
        let id = BlockId::Resource(address.kind.clone(), address.name.clone());
        if !self.lowered.contains_key(&id) {
            let instances = self.lower(&id)?;
            self.lowered.insert(id.clone(), instances);
        }
        let found = self.lowered.get(&id).and_then(|instances| instances.get(address)).cloned();
        found.ok_or_else(|| {
            crate::diagnostic::Diagnostic::error(
                "Not as planned",
                format!("The configuration no longer comes to {address}, which was planned. Plan again."),
            )
            .into()
        })
    }

    /// How the instances of its block may change.
    pub(super) fn lifecycle(&self, address: &Address) -> Option<&'a Lifecycle> {
        let block = self.config.resources.get(&(address.kind.clone(), address.name.clone()))?;
        Some(&block.lifecycle)
    }

    /// What does not hold of an instance that has been made or changed and is so now.
    pub(super) fn postconditions(&mut self, address: &Address, attributes: &Value) -> Diagnostics {
        let id = BlockId::Resource(address.kind.clone(), address.name.clone());
        let block = self.config.resources.get(&(address.kind.clone(), address.name.clone()));
        let instance = self.lowered.get(&id).and_then(|instances| instances.get(address)).cloned();
        let mut diagnostics = Diagnostics::new();
        if let (Some(block), Some(instance)) = (block, instance) {
            self.refresh_dependencies(&id, &mut diagnostics);
            let holds = lower::postconditions(&self.environment, &id, block, &instance, attributes.clone());
            diagnostics.extend(holds);
        }
        diagnostics
    }

    fn lower(&mut self, id: &BlockId) -> Result<BTreeMap<Address, Instance>, Diagnostics> {
        let BlockId::Resource(kind, name) = id else { return Ok(BTreeMap::new()) };
        let Some(block) = self.config.resources.get(&(kind.clone(), name.clone())) else {
            return Ok(BTreeMap::new());
        };
        let mut diagnostics = Diagnostics::new();
        self.refresh_dependencies(id, &mut diagnostics);
        let scope = self.environment.scope(id);
        let mut instances = BTreeMap::new();
        if let Expansion::Instances(repetitions) = expand(&block.repetition, &scope, &mut diagnostics) {
            let targets: Vec<_> = self.targets.keys().cloned().collect();
            let context = Context {
                registry: self.registry,
                environment: &self.environment,
                files: self.files,
                folder: self.folder,
                targets: &targets,
            };
            for each in &repetitions {
                if let Lowered::Instances(parts) = context.lower(id, block, each, &mut diagnostics) {
                    instances.extend(parts.into_iter().map(|part| (part.address.clone(), part)));
                }
            }
        }
        match diagnostics.has_errors() {
            true => Err(diagnostics),
            false => Ok(instances),
        }
    }

    /// All targets with their attributes, as far as they are known.
    pub(super) fn targets(&mut self, diagnostics: &mut Diagnostics) -> BTreeMap<TargetAddress, TargetConfig> {
        for (kind, name) in self.config.targets.keys() {
            self.refresh(&BlockId::Target(*kind, name.clone()), diagnostics);
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

    /// The values of all outputs.
    pub(super) fn outputs(&mut self, diagnostics: &mut Diagnostics) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        for (name, output) in &self.config.outputs {
            let id = BlockId::Output(name.clone());
            self.refresh_dependencies(&id, diagnostics);
            diagnostics.extend(self.environment.output_failures(name, output));
            let value = self.environment.evaluate(&id, &output.value, diagnostics);
            values.insert(name.clone(), value.marked(output.sensitive));
        }
        values
    }

    /// What the `check` blocks find.
    pub(super) fn checks(&mut self, diagnostics: &mut Diagnostics) {
        for (name, asserts) in &self.config.checks {
            self.refresh_dependencies(&BlockId::Check(name.clone()), diagnostics);
            diagnostics.extend(self.environment.check_failures(name, asserts));
        }
    }

    fn refresh_dependencies(&mut self, id: &BlockId, diagnostics: &mut Diagnostics) {
        for need in self.config.dependencies.get(id).into_iter().flatten() {
            self.refresh(need, diagnostics);
        }
        // Blocks that leave out where they live may live on any target.
        if matches!(id, BlockId::Resource(..)) {
            self.targets(diagnostics);
        }
    }

    /// Re-evaluates a block if anything it depends on has changed. Configurations have no cycles, so this ends.
    fn refresh(&mut self, id: &BlockId, diagnostics: &mut Diagnostics) {
        if !self.stale.remove(id) {
            return;
        }
        if !matches!(id, BlockId::Resource(..)) {
            for need in self.config.dependencies.get(id).into_iter().flatten() {
                self.refresh(need, diagnostics);
            }
        }
        let value = match id {
            BlockId::Local(name) => match self.config.locals.get(name) {
                Some(expression) => self.environment.evaluate(id, expression, diagnostics),
                None => return,
            },
            BlockId::Resource(kind, name) => self.resource_value(kind, name),
            BlockId::Target(..) => self.target_block(id, diagnostics),
            BlockId::Variable(_) | BlockId::Output(_) | BlockId::Check(_) => return,
        };
        self.environment.set(id.clone(), value);
    }

    fn resource_value(&self, kind: &str, name: &str) -> Value {
        let block = self.config.resources.get(&(kind.to_owned(), name.to_owned()));
        let repetition = block.map_or(&Repetition::None, |block| &block.repetition);
        let from = Address::new(kind, name);
        let own = self.instances.range(from..);
        let own = own.take_while(|(address, _)| address.kind == kind && address.name == name);
        gather(repetition, own.map(|(address, value)| (address.keys.clone(), value.clone())).collect())
    }

    fn target_block(&mut self, id: &BlockId, diagnostics: &mut Diagnostics) -> Value {
        let BlockId::Target(kind, name) = id else { return Value::null() };
        let Some(block) = self.config.targets.get(&(*kind, name.clone())) else { return Value::null() };
        let context = Context {
            registry: self.registry,
            environment: &self.environment,
            files: self.files,
            folder: self.folder,
            targets: &[],
        };
        let Some(instances) = lower::targets(&context, *kind, name, block, diagnostics) else {
            return Value::unknown(Type::Any);
        };
        let mut values = Vec::new();
        for (address, attributes) in instances {
            values.push((address.key.iter().cloned().collect(), target_value(&address, &attributes)));
            self.targets.insert(address, attributes);
        }
        gather(&block.repetition, values)
    }
}
