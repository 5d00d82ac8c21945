//! Configuration, record and sight → changes: a pure function that is run again whenever more has been seen.
//!
//! A draft is total: where it has not seen enough it goes on with unknowns, and asks in [`Wants`] for what it wants to see. The pipeline
//! looks, and drafts again, until a draft asks for nothing. So planning needs no IO of its own, yet each answer of a target (an object's
//! address, a dry-run's outcome) reaches everything that depends on it.

mod instance;
mod lifecycle;
mod orphans;
mod reach;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Action, Change, OutputChange};
use crate::address::{Address, TargetAddress, TargetKind};
use crate::config::{BlockId, Config, Registry, Repetition, ResourceBlock, destination};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::environment::{Environment, gather, target_value};
use crate::files::Files;
use crate::lang::FunctionContext;
use crate::lower::{self, Context, Expansion, Lowered, expand, postconditions};
use crate::ports::{ObserveItem, Observed, Precondition, Preview, PreviewItem, ProviderError, TargetConfig};
use crate::state::Snapshot;
use crate::types::Type;
use crate::value::{Fingerprinter, Value};

/// All that a draft is a function of, besides what has been seen.
pub(crate) struct DraftInputs<'a> {
    pub(crate) config: &'a Config,
    pub(crate) registry: &'a Registry,
    pub(crate) variables: &'a BTreeMap<String, Value>,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) files: &'a dyn Files,
    pub(crate) folder: &'a str,
    pub(crate) functions: &'a FunctionContext<'a>,
    pub(crate) fingerprinter: &'a Arc<dyn Fingerprinter>,
    pub(crate) now_ms: i64,
    pub(crate) destroy: bool,
}

/// All that has been seen so far.
#[derive(Default)]
pub(crate) struct Sights {
    /// The identities of the targets, or why they cannot be reached.
    pub(crate) targets: BTreeMap<TargetAddress, Result<String, ProviderError>>,
    /// What the targets hold, by instance and identity.
    pub(crate) observed: BTreeMap<(Address, String), Result<Observed, ProviderError>>,
    /// What the targets would make of a change, with the values that were asked about.
    pub(crate) previews: BTreeMap<Address, (Value, Preview)>,
}

/// What a draft wants to see before it can be settled.
#[derive(Default)]
pub(crate) struct Wants {
    pub(crate) connect: BTreeMap<TargetAddress, TargetConfig>,
    pub(crate) observe: BTreeMap<TargetAddress, Vec<ObserveItem>>,
    pub(crate) preview: BTreeMap<TargetAddress, Vec<PreviewItem>>,
}

impl Wants {
    pub(crate) fn is_empty(&self) -> bool {
        self.connect.is_empty() && self.observe.is_empty() && self.preview.is_empty()
    }
}

/// The outcome of drafting.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) changes: BTreeMap<Address, Change>,
    pub(crate) targets: BTreeMap<TargetAddress, String>,
    pub(crate) outputs: BTreeMap<String, OutputChange>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) wants: Wants,
}

/// Drafts the whole stack with what has been seen.
pub(crate) fn draft(inputs: &DraftInputs<'_>, sights: &Sights) -> Draft {
    let mut drafting = Drafting {
        environment: Environment::new(inputs.config, inputs.functions, inputs.variables),
        targets: BTreeMap::new(),
        target_list: Vec::new(),
        claims: BTreeMap::new(),
        unsettled: BTreeSet::new(),
        pending: BTreeSet::new(),
        moved: inputs
            .snapshot
            .records
            .keys()
            .filter(|_| !inputs.config.moved.is_empty())
            .filter_map(|address| Some((destination(address, &inputs.config.moved)?, address)))
            .filter(|(to, from)| to != *from)
            .collect(),
        recorded: inputs
            .snapshot
            .records
            .iter()
            .map(|(address, record)| ((record.target.clone(), record.identity.clone()), address))
            .collect(),
        draft: Draft::default(),
        inputs,
        sights,
    };
    for block in &inputs.config.order {
        drafting.block(block);
    }
    drafting.orphans();
    drafting.gone_outputs();
    drafting.draft
}

/// What lowering needs to know. A function of parts, so that the draft's diagnostics stay free to be written.
fn context<'c>(
    inputs: &'c DraftInputs<'_>,
    environment: &'c Environment<'c>,
    targets: &'c [TargetAddress],
) -> Context<'c> {
    Context { registry: inputs.registry, environment, files: inputs.files, folder: inputs.folder, targets }
}

/// A change of which only the action is known.
fn blank(address: Address, kind: &str, action: Action, reason: Option<String>) -> Change {
    Change {
        address,
        kind: kind.to_owned(),
        target: None,
        identity: None,
        prior_identity: None,
        action,
        reason,
        fields: Vec::new(),
        drift: Vec::new(),
        planned: Value::unknown(Type::Any),
        desired: None,
        precondition: Precondition::Absent,
        prior_precondition: None,
        depends_on: Vec::new(),
        timeout_ms: None,
        notes: Vec::new(),
    }
}

struct Drafting<'a> {
    inputs: &'a DraftInputs<'a>,
    sights: &'a Sights,
    environment: Environment<'a>,
    /// The configured targets; `None` while one's attributes are not known.
    targets: BTreeMap<TargetAddress, Option<TargetConfig>>,
    target_list: Vec<TargetAddress>,
    /// Which instance has which thing on a target.
    claims: BTreeMap<(Option<TargetAddress>, String), Address>,
    /// Blocks whose instances cannot be told: their records are not orphans.
    unsettled: BTreeSet<String>,
    /// Instances of which not enough has been seen yet: neither are theirs.
    pending: BTreeSet<Address>,
    /// Under which address each thing is recorded.
    recorded: BTreeMap<(Option<TargetAddress>, String), &'a Address>,
    /// Under which address an instance was recorded that has been moved since.
    moved: BTreeMap<Address, &'a Address>,
    draft: Draft,
}

impl<'a> Drafting<'a> {
    fn block(&mut self, id: &'a BlockId) {
        let config = self.inputs.config;
        match id {
            BlockId::Variable(_) => {}
            BlockId::Local(name) => {
                if let Some(expression) = config.locals.get(name) {
                    let mut found = Diagnostics::new();
                    let value = self.environment.evaluate(id, expression, &mut found);
                    self.environment.set(id.clone(), value);
                    // What takes its value from something that was never made, or is gone by now, is in no destroy's way.
                    if !self.inputs.destroy {
                        self.draft.diagnostics.extend(found);
                    }
                }
            }
            BlockId::Target(kind, name) => self.target_block(id, *kind, name),
            BlockId::Resource(kind, name) => {
                if let Some(block) = config.resources.get(&(kind.clone(), name.clone())) {
                    let value = match self.inputs.destroy {
                        true => self.recorded_value(block, kind, name),
                        false => self.resource_block(id, block),
                    };
                    self.environment.set(id.clone(), value);
                }
            }
            BlockId::Output(name) => self.output(id, name),
            BlockId::Check(name) => {
                if let Some(asserts) = config.checks.get(name).filter(|_| !self.inputs.destroy) {
                    self.draft.diagnostics.extend(self.environment.check_failures(name, asserts));
                }
            }
        }
    }

    fn target_block(&mut self, id: &BlockId, kind: TargetKind, name: &str) {
        let Some(block) = self.inputs.config.targets.get(&(kind, name.to_owned())) else { return };
        let context = context(self.inputs, &self.environment, &self.target_list);
        let instances = lower::targets(&context, kind, name, block, &mut self.draft.diagnostics);
        let Some(instances) = instances else {
            return self.environment.set(id.clone(), Value::unknown(Type::Any));
        };
        let mut values = Vec::new();
        for (address, attributes) in instances {
            values.push((address.key.iter().cloned().collect(), target_value(&address, &attributes)));
            let config = attributes.is_wholly_known().then(|| TargetConfig {
                address: address.clone(),
                attributes,
                folder: self.inputs.folder.to_owned(),
            });
            self.target_list.push(address.clone());
            self.targets.insert(address, config);
        }
        self.environment.set(id.clone(), gather(&block.repetition, values));
    }

    /// In a destroy, what was recorded stands for what the configuration says.
    fn recorded_value(&self, block: &ResourceBlock, kind: &str, name: &str) -> Value {
        let records = self.inputs.snapshot.records.iter();
        let own = records.filter(|(address, _)| address.kind == kind && address.name == name);
        let values: Vec<_> =
            own.map(|(address, record)| (address.keys.clone(), record.attributes.clone())).collect();
        match (&block.repetition, values.is_empty()) {
            (Repetition::None, true) => Value::unknown(Type::Any),
            (repetition, _) => gather(repetition, values),
        }
    }

    fn resource_block(&mut self, id: &BlockId, block: &'a ResourceBlock) -> Value {
        let scope = self.environment.scope(id);
        let repetitions = match expand(&block.repetition, &scope, &mut self.draft.diagnostics) {
            Expansion::Instances(repetitions) => repetitions,
            Expansion::Deferred(reason) => return self.defer_block(id, reason),
            Expansion::Invalid => {
                self.unsettled.insert(id.to_string());
                return Value::unknown(Type::Any);
            }
        };
        let mut values = Vec::new();
        for each in &repetitions {
            let context = context(self.inputs, &self.environment, &self.target_list);
            match context.lower(id, block, each, &mut self.draft.diagnostics) {
                Lowered::Instances(instances) => {
                    for instance in instances {
                        let value = self.instance(&instance, block);
                        let problems = postconditions(&self.environment, id, block, &instance, value.clone());
                        self.draft.diagnostics.extend(problems);
                        values.push((instance.address.keys, value));
                    }
                }
                Lowered::Deferred(reason) => return self.defer_block(id, reason),
            }
        }
        gather(&block.repetition, values)
    }

    /// What cannot be planned before something else is applied: shown, and its records left alone.
    fn defer_block(&mut self, id: &BlockId, reason: String) -> Value {
        self.unsettled.insert(id.to_string());
        let (kind, name) = id.reference();
        let change = Change {
            depends_on: self.environment.resources_behind(id),
            ..blank(Address::new(kind, name), kind, Action::Defer, Some(reason))
        };
        self.draft.changes.insert(change.address.clone(), change);
        Value::unknown(Type::Any)
    }

    fn output(&mut self, id: &BlockId, name: &str) {
        let Some(output) = self.inputs.config.outputs.get(name).filter(|_| !self.inputs.destroy) else {
            return;
        };
        self.draft.diagnostics.extend(self.environment.output_failures(name, output));
        let value = self.environment.evaluate(id, &output.value, &mut self.draft.diagnostics);
        if value.has_sensitive() && !output.sensitive {
            let detail = format!(
                "The value of the output \"{name}\" is sensitive. If it is meant to be given out, say so by `sensitive = true`; it then stays hidden in plans and logs."
            );
            let problem = Diagnostic::error("Sensitive output", detail).at(output.value.span());
            self.draft.diagnostics.push(problem);
        }
        let after = value.marked(output.sensitive);
        // What is recorded holds fingerprints: the same once the new value is redacted means the same.
        let before = self.inputs.snapshot.outputs.get(name).map(|before| {
            match before.same(&after.redacted(&**self.inputs.fingerprinter)) {
                true => after.clone(),
                false => before.clone(),
            }
        });
        self.draft.outputs.insert(name.to_owned(), OutputChange { before, after: Some(after) });
    }

    fn gone_outputs(&mut self) {
        for (name, before) in &self.inputs.snapshot.outputs {
            let gone = || OutputChange { before: Some(before.clone()), after: None };
            self.draft.outputs.entry(name.clone()).or_insert_with(gone);
        }
    }
}
