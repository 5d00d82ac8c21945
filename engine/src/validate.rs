//! What can be said of a stack by its text alone: every expression is evaluated, with all that only a run tells unknown.

use crate::address::{TargetAddress, TargetKind};
use crate::config::{BlockId, Config, Registry, Repetition, ResourceBlock};
use crate::diagnostic::Diagnostics;
use crate::environment::{Environment, gather, target_value};
use crate::files::Files;
use crate::inputs;
use crate::lang::FunctionContext;
use crate::lower::{Context, Each, Expansion, Lowered, complete, expand, postconditions, with_computed};
use crate::schema::ResourceType;
use crate::types::Type;
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
        let value = match config.broken.contains(block) {
            true => None,
            false => validation.block(block),
        };
        validation.environment.set(block.clone(), value.unwrap_or_else(|| Value::unknown(Type::Any)));
    }
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
    /// The block's value, as far as its text tells.
    fn block(&mut self, id: &BlockId) -> Option<Value> {
        match id {
            BlockId::Variable(name) => self.environment.variable(name),
            BlockId::Local(name) => {
                let local = self.config.locals.get(name)?;
                Some(self.environment.evaluate(id, local, &mut self.diagnostics))
            }
            BlockId::Output(name) => {
                let output = self.config.outputs.get(name)?;
                self.diagnostics.extend(self.environment.output_failures(name, output));
                Some(self.environment.evaluate(id, &output.value, &mut self.diagnostics))
            }
            BlockId::Check(name) => {
                let failed = self.environment.check_failures(name, self.config.checks.get(name)?);
                self.diagnostics.extend(failed);
                None
            }
            BlockId::Target(kind, name) => self.target(id, *kind, name),
            BlockId::Resource(kind, name) => {
                let ty = self.registry.resource_type(kind)?;
                let block = self.config.resources.get(&(kind.clone(), name.clone()))?;
                Some(self.resource(id, ty, block))
            }
        }
    }

    fn target(&mut self, id: &BlockId, kind: TargetKind, name: &str) -> Option<Value> {
        let (_, schema) = self.registry.target(kind)?;
        let block = self.config.targets.get(&(kind, name.to_owned()))?;
        let outer = self.environment.scope(id);
        let repetitions =
            repetitions(&block.repetition, expand(&block.repetition, &outer, &mut self.diagnostics));
        let mut values = Vec::new();
        for each in &repetitions.all {
            let mut scope = outer.child();
            each.bind(&mut scope);
            let address = TargetAddress { kind, name: name.to_owned(), key: each.key.clone() };
            let (attributes, _) = complete(schema, &block.content, &scope, &mut self.diagnostics);
            values.push((address.key.iter().cloned().collect(), target_value(&address, &attributes)));
            self.targets.push(address);
        }
        repetitions.are_certain.then(|| gather(&block.repetition, values))
    }

    fn resource(&mut self, id: &BlockId, ty: &ResourceType, block: &ResourceBlock) -> Value {
        let outer = self.environment.scope(id);
        let repetitions =
            repetitions(&block.repetition, expand(&block.repetition, &outer, &mut self.diagnostics));
        let mut values = Vec::new();
        let mut are_certain = repetitions.are_certain;
        for each in &repetitions.all {
            let context = Context {
                registry: self.registry,
                environment: &self.environment,
                files: self.files,
                folder: self.folder,
                targets: &self.targets,
            };
            match context.lower(id, block, each, &mut self.diagnostics) {
                Lowered::Deferred(_) => are_certain = false,
                Lowered::Instances(instances) => {
                    for instance in instances {
                        let ty = self.registry.resource_type(&instance.kind).unwrap_or(ty);
                        let value = with_computed(&ty.body, &instance.desired);
                        let attributes = value.clone();
                        let problems = postconditions(&self.environment, id, block, &instance, attributes);
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
