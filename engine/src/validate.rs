//! What can be said of a stack by its text alone: every expression is evaluated, with all that only a run tells unknown.

use std::collections::BTreeMap;

use crate::address::{ModuleInstance, TargetAddress};
use crate::config::{BlockId, BlockName, Config, DataBlock, Registry, Repetition, ResourceBlock};
use crate::diagnostic::Diagnostics;
use crate::environment::{Called, Environment, gather, target_value};
use crate::ephemeral;
use crate::files::Files;
use crate::inputs;
use crate::lang::{FunctionContext, evaluate};
use crate::lower::{
    Context, Each, Expansion, Lowered, complete, expand, nothing_found, postconditions, with_computed,
};
use crate::policy;
use crate::schema::ResourceType;
use crate::types::Type;
use crate::unroll::unroll;
use crate::value::Value;

/// Evaluates all blocks but those that are known to be broken.
pub(crate) fn validate(
    config: &Config,
    registry: &Registry,
    files: &dyn Files,
    functions: &FunctionContext<'_>,
) -> Diagnostics {
    let (variables, diagnostics) = inputs::unknown(config, functions);
    let mut validation = Validation {
        config,
        registry,
        files,
        folder: functions.base,
        environment: Environment::new(config, functions, &variables),
        targets: Vec::new(),
        diagnostics,
    };
    for block in &config.order {
        let is_broken = config.broken.contains(block);
        if let BlockName::Module(_) = block.name {
            validation.environment.call(block, |_| is_broken, &mut validation.diagnostics);
            continue;
        }
        for called in validation.environment.instances(&block.module) {
            let value = if is_broken { None } else { validation.block(&called, block) };
            let value = value.unwrap_or_else(|| Value::unknown(Type::Any));
            validation.environment.set(&called.at, block.name.clone(), value);
        }
    }
    validation.refactorings(&variables, functions);
    validation.diagnostics
}

struct Validation<'a> {
    config: &'a Config,
    registry: &'a Registry,
    files: &'a dyn Files,
    folder: &'a str,
    environment: Environment<'a>,
    targets: Vec<TargetAddress>,
    diagnostics: Diagnostics,
}

impl Validation<'_> {
    /// What is moved, removed or imported, as far as it depends on no more than the text.
    fn refactorings(&mut self, variables: &BTreeMap<String, Value>, functions: &FunctionContext<'_>) {
        unroll(self.config, variables, functions, false, &mut self.diagnostics);
        let stack = self.environment.console_scope();
        for import in &self.config.imports {
            let all = expand(&import.repetition, &stack, &mut self.diagnostics);
            for each in repetitions(&import.repetition, all).all {
                let mut scope = stack.child();
                each.bind(&mut scope);
                evaluate(&import.id, &scope, &mut self.diagnostics);
            }
        }
    }

    /// The block's value in an instance of its module, as far as its text tells.
    fn block(&mut self, called: &Called, id: &BlockId) -> Option<Value> {
        let (module, at) = (self.config.module(&id.module)?, &called.at);
        match &id.name {
            BlockName::Variable(_) if id.module.0.is_empty() => self.environment.get(at, &id.name).cloned(),
            BlockName::Variable(name) => Some(self.environment.variable(called, name, &mut self.diagnostics)),
            BlockName::Local(name) => {
                let local = module.locals.get(name)?;
                Some(self.environment.evaluate(at, id, local, &mut self.diagnostics))
            }
            BlockName::Output(name) => {
                let output = module.outputs.get(name)?;
                self.diagnostics.extend(self.environment.output_failures(at, id, output));
                let value = self.environment.evaluate(at, id, &output.value, &mut self.diagnostics);
                self.diagnostics.extend(ephemeral::refused_output(name, &value, &output.value));
                Some(value.without_ephemeral().marked(output.sensitive))
            }
            BlockName::Check(name) => {
                let failed = self.environment.check_failures(at, id, module.checks.get(name)?);
                self.diagnostics.extend(failed);
                None
            }
            BlockName::Policy(name) => {
                let mut scope = self.environment.scope(at, id);
                scope.set("plan", policy::sample());
                self.diagnostics.extend(policy::check(module.policies.get(name)?, &scope));
                None
            }
            BlockName::Target(..) => self.target(at, id),
            BlockName::Resource(kind, _) => {
                let ty = self.registry.resource_type(kind)?;
                Some(self.resource(at, id, ty, self.config.resource(id)?))
            }
            BlockName::Data(..) => Some(self.data(at, id, self.config.data(id)?)),
            BlockName::Module(_) => None,
        }
    }

    fn data(&mut self, at: &ModuleInstance, id: &BlockId, block: &DataBlock) -> Value {
        let outer = self.environment.scope(at, id);
        let repetitions =
            repetitions(&block.repetition, expand(&block.repetition, &outer, &mut self.diagnostics));
        let mut values = Vec::new();
        for each in &repetitions.all {
            let context = self.context();
            let mut found = Diagnostics::new();
            if let Some(look_up) = context.look_up(at, id, block, each, &mut found) {
                found.extend(look_up.failures(&self.environment, block, look_up.unknown.clone()));
                values.push((look_up.address.keys, look_up.unknown));
            }
            self.diagnostics.extend(found);
        }
        if repetitions.are_certain { gather(&block.repetition, values) } else { Value::unknown(Type::Any) }
    }

    fn context(&self) -> Context<'_> {
        Context {
            registry: self.registry,
            environment: &self.environment,
            files: self.files,
            folder: self.folder,
            targets: &self.targets,
            found: &nothing_found,
        }
    }

    fn target(&mut self, at: &ModuleInstance, id: &BlockId) -> Option<Value> {
        let BlockName::Target(kind, name) = &id.name else { return None };
        let (_, schema) = self.registry.target(*kind)?;
        let block = self.config.target(id)?;
        let outer = self.environment.scope(at, id);
        let repetitions =
            repetitions(&block.repetition, expand(&block.repetition, &outer, &mut self.diagnostics));
        let mut values = Vec::new();
        for each in &repetitions.all {
            let mut scope = outer.child();
            each.bind(&mut scope);
            let (module, key) = (at.clone(), each.key.clone());
            let address = TargetAddress { module, kind: *kind, name: name.clone(), key };
            let (attributes, _) = complete(schema, &block.content, &scope, &mut self.diagnostics);
            values.push((address.key.iter().cloned().collect(), target_value(&address, &attributes)));
            self.targets.push(address);
        }
        repetitions.are_certain.then(|| gather(&block.repetition, values))
    }

    fn resource(
        &mut self,
        at: &ModuleInstance,
        id: &BlockId,
        ty: &ResourceType,
        block: &ResourceBlock,
    ) -> Value {
        let outer = self.environment.scope(at, id);
        let repetitions =
            repetitions(&block.repetition, expand(&block.repetition, &outer, &mut self.diagnostics));
        let mut values = Vec::new();
        let mut are_certain = repetitions.are_certain;
        for each in &repetitions.all {
            let mut found = Diagnostics::new();
            let lowered = self.context().lower(at, id, block, each, &mut found);
            self.diagnostics.extend(found);
            match lowered {
                Lowered::Deferred(_) | Lowered::Asks(_) => are_certain = false,
                Lowered::Instances(instances) => {
                    for instance in instances {
                        let ty = self.registry.resource_type(&instance.kind).unwrap_or(ty);
                        let value = with_computed(&ty.body, &instance.desired);
                        let attributes = value.clone();
                        let problems = postconditions(&self.environment, block, &instance, attributes);
                        self.diagnostics.extend(problems);
                        values.push((instance.address.keys, value));
                    }
                }
            }
        }
        if are_certain { gather(&block.repetition, values) } else { Value::unknown(Type::Any) }
    }
}

struct Repetitions {
    all: Vec<Each>,
    /// Whether there will be just these.
    are_certain: bool,
}

/// Where their number cannot be told, one with an unknown key stands for all.
fn repetitions(repetition: &Repetition, expansion: Expansion) -> Repetitions {
    match expansion {
        Expansion::Instances(all) => Repetitions { all, are_certain: true },
        Expansion::Deferred(_) | Expansion::Invalid => {
            Repetitions { all: vec![Each::unknown(repetition)], are_certain: false }
        }
    }
}
