//! Configuration, record and sight → changes: a pure function that is run again whenever more has been seen.
//!
//! A draft is total: where it has not seen enough it goes on with unknowns, and asks in [`Wants`] for what it wants to see. The pipeline
//! looks, and drafts again, until a draft asks for nothing. So planning needs no IO of its own, yet each answer of a target (an object's
//! address, a dry-run's outcome) reaches everything that depends on it.

mod composite;
mod create_first;
mod data;
mod destination;
mod imports;
mod instance;
mod lifecycle;
mod orphans;
mod reach;
mod recorded;
mod refresh;
mod remains;
mod resource;
mod selection;
mod shade;
mod unreachable;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) use self::refresh::asked;
use self::selection::Selection;
use self::shade::is_repeated_by_stand_ins;
use super::{Action, Change, OutputChange, Refresh, Restriction, Unreachable};
use crate::address::{Address, ModuleInstance, TargetAddress};
use crate::config::{BlockId, BlockName, Config, Registry, Repetition, ResourceBlock};
use crate::diagnostic::Diagnostics;
use crate::environment::{Called, Environment, gather, sensitive_output, target_value};
use crate::ephemeral;
use crate::files::Files;
use crate::lang::FunctionContext;
use crate::lower::{self, Context, LookUp, nothing_found};
use crate::policy::{self, Judgement, Nature};
use crate::ports::{
    Found, ObserveItem, Observed, Precondition, Preview, PreviewItem, ProviderError, ReadItem, TargetConfig,
};
use crate::state::{Record, Snapshot};
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
    /// What is to be replaced though it need not be.
    pub(crate) replace: &'a [Address],
    pub(crate) unprotected: bool,
    /// What it is about, if not all.
    pub(crate) restriction: Option<&'a Restriction>,
    pub(crate) refresh: Refresh,
}

/// All that has been seen so far.
#[derive(Default)]
pub(crate) struct Sights {
    /// The identities of the targets, or why they cannot be reached.
    pub(crate) targets: BTreeMap<TargetAddress, Result<String, ProviderError>>,
    /// What the targets hold, by instance, target and identity.
    pub(crate) observed: BTreeMap<(Address, TargetAddress, String), Result<Observed, ProviderError>>,
    /// What was looked up, with where and by which arguments.
    pub(crate) found: BTreeMap<Address, ((Option<TargetAddress>, Value), Found)>,
    /// What the targets would make of a change, with the values that were asked about.
    pub(crate) previews: BTreeMap<Address, (Value, Preview)>,
    /// What has to be planned besides what was asked for.
    pub(crate) widened: BTreeSet<Address>,
}

/// What a draft wants to see before it can be settled.
#[derive(Default)]
pub(crate) struct Wants {
    pub(crate) connect: BTreeMap<TargetAddress, TargetConfig>,
    pub(crate) observe: BTreeMap<TargetAddress, Vec<ObserveItem>>,
    /// By target; without one, what is on none.
    pub(crate) read: BTreeMap<Option<TargetAddress>, Vec<ReadItem>>,
    pub(crate) preview: BTreeMap<TargetAddress, Vec<PreviewItem>>,
    /// What has to be planned besides.
    pub(crate) widen: BTreeSet<Address>,
}

impl Wants {
    pub(crate) fn is_empty(&self) -> bool {
        self.connect.is_empty()
            && self.observe.is_empty()
            && self.read.is_empty()
            && self.preview.is_empty()
            && self.widen.is_empty()
    }
}

/// The outcome of drafting.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) changes: BTreeMap<Address, Change>,
    /// What was looked up.
    pub(crate) data: BTreeMap<Address, Value>,
    pub(crate) targets: BTreeMap<TargetAddress, String>,
    pub(crate) outputs: BTreeMap<String, OutputChange>,
    pub(crate) policies: Vec<Judgement>,
    /// What is configured and left out.
    pub(crate) left_out: BTreeSet<Address>,
    /// The targets out of reach, with what is left out because of them.
    pub(crate) unreachable: Vec<Unreachable>,
    /// What is taken as it is recorded.
    pub(crate) unseen: BTreeSet<Address>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) wants: Wants,
}

/// Drafts the whole stack with what has been seen.
pub(crate) fn draft(inputs: &DraftInputs<'_>, sights: &Sights) -> Draft {
    let environment = Environment::new(inputs.config, inputs.functions, inputs.variables);
    let mut drafting = Drafting {
        selection: Selection::new(inputs, sights, &environment),
        out_of_reach: sights.out_of_reach(),
        stranded: BTreeMap::new(),
        environment,
        targets: BTreeMap::new(),
        shaded_targets: BTreeSet::new(),
        shaded_calls: BTreeSet::new(),
        target_list: Vec::new(),
        claims: BTreeMap::new(),
        unsettled: BTreeSet::new(),
        pending: BTreeSet::new(),
        moved: destination::moved(inputs),
        recorded: inputs
            .snapshot
            .records
            .iter()
            .map(|(address, record)| ((record.target.clone(), record.identity.clone()), address))
            .collect(),
        data_of_targets: if inputs.destroy { data::data_of_targets(inputs.config) } else { BTreeSet::new() },
        deferred: Vec::new(),
        draft: Draft::default(),
        inputs,
        sights,
    };
    for block in &inputs.config.order {
        drafting.block(block);
    }
    match drafting.is_refresh_only() {
        true => drafting.refresh_rest(),
        false => drafting.orphans(),
    }
    drafting.gone_outputs();
    drafting.imports();
    drafting.check_replacements();
    drafting.check_selectors();
    drafting.policies();
    drafting.keep_answers();
    drafting.draft.unreachable = drafting.unreachable();
    drafting.draft.left_out = drafting.selection.left_out.into_keys().collect();
    drafting.draft
}

/// What lowering needs to know. A function of parts, so that the draft's diagnostics stay free to be written.
fn context<'c>(
    inputs: &'c DraftInputs<'_>,
    environment: &'c Environment<'c>,
    targets: &'c [TargetAddress],
    found: &'c dyn Fn(&LookUp) -> Option<Value>,
) -> Context<'c> {
    let DraftInputs { registry, files, folder, .. } = *inputs;
    Context { registry, environment, files, folder, targets, found }
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
        impact: Vec::new(),
    }
}

struct Drafting<'a> {
    inputs: &'a DraftInputs<'a>,
    sights: &'a Sights,
    environment: Environment<'a>,
    /// The configured targets; `None` while one's attributes are not known.
    targets: BTreeMap<TargetAddress, Option<TargetConfig>>,
    /// Those whose attributes depend on what is out of reach.
    shaded_targets: BTreeSet<TargetAddress>,
    /// Calls of modules of which it depends on what is out of reach how many instances there are.
    shaded_calls: BTreeSet<BlockId>,
    target_list: Vec<TargetAddress>,
    /// Which instance has which thing on a target.
    claims: BTreeMap<(Option<TargetAddress>, String), Address>,
    /// Blocks whose instances cannot be told: their records are not orphans.
    unsettled: BTreeSet<Address>,
    /// Instances of which not enough has been seen yet: neither are theirs.
    pending: BTreeSet<Address>,
    /// Under which address each thing is recorded.
    recorded: BTreeMap<(Option<TargetAddress>, String), &'a Address>,
    /// Under which address an instance was recorded that has been moved since.
    moved: BTreeMap<Address, &'a Address>,
    /// In a destroy, the look-ups that targets depend on.
    data_of_targets: BTreeSet<&'a BlockId>,
    /// What waits for another round.
    deferred: Vec<Address>,
    selection: Selection,
    /// The targets that cannot be reached.
    out_of_reach: BTreeMap<&'a TargetAddress, &'a ProviderError>,
    /// What is recorded and stays because of each of them, besides what is configured and left out.
    stranded: BTreeMap<&'a TargetAddress, BTreeSet<&'a Address>>,
    draft: Draft,
}

impl<'a> Drafting<'a> {
    fn block(&mut self, id: &'a BlockId) {
        if let BlockName::Module(_) = &id.name {
            return self.module_call(id);
        }
        for called in self.environment.instances(&id.module) {
            let value = self.block_in(&called, id);
            self.environment.set(&called.at, id.name.clone(), value);
        }
    }

    fn module_call(&mut self, id: &BlockId) {
        let mut found = Diagnostics::new();
        let mut is_muted = false;
        for called in self.environment.instances(&id.module) {
            self.is_left_out(&called.at, id);
            is_muted |= self.selection.is_muted;
            let scope = self.environment.scope(&called.at, id);
            let repetition = self.inputs.config.call(id).map(|call| &call.repetition);
            if is_muted && repetition.is_some_and(|it| is_repeated_by_stand_ins(it, &scope)) {
                self.shaded_calls.insert(id.clone());
            }
        }
        self.environment.call(id, |_| false, &mut found);
        match self.inputs.destroy {
            true => self.environment.recall(id, self.inputs.snapshot.records.keys()),
            false if is_muted || self.is_refresh_only() => {}
            false => self.draft.diagnostics.extend(found),
        }
    }

    /// What expressions see of a block in one instance of its module.
    fn block_in(&mut self, called: &Called, id: &'a BlockId) -> Value {
        let (config, at) = (self.inputs.config, &called.at);
        let is_left_out = self.is_left_out(at, id);
        let shade = self.selection.shade.take();
        let in_shade = shade.clone().filter(|_| self.is_in_shaded_module(called));
        let Some(module) = config.module(&id.module) else { return Value::null() };
        let value = match &id.name {
            BlockName::Resource(..) => config.resource(id).map(|block| match (&called.deferred, &in_shade) {
                _ if self.inputs.destroy => self.recorded_value(block, at, id),
                _ if is_left_out => {
                    self.unsettle(at, id);
                    self.left_out_block(block, at, id)
                }
                _ if self.is_refresh_only() => self.refreshed_block(block, at, id),
                (_, Some(shade)) => self.left_out_whole(at, id, block, shade),
                (Some(reason), None) => self.defer_block(at, id, reason.clone()),
                (None, None) => self.resource_block(at, id, block, shade.as_ref()),
            }),
            BlockName::Data(..) if is_left_out => None,
            BlockName::Data(..) => config.data(id).map(|block| match (&called.deferred, &in_shade) {
                (_, Some(shade)) => self.left_out_data(at, id, shade),
                (Some(reason), None) => self.defer_data(at, id, block, reason.clone()),
                (None, None) => self.data_block(at, id, block, shade.as_ref()),
            }),
            _ if called.deferred.is_some() => None,
            BlockName::Variable(_) if id.module.0.is_empty() => self.environment.get(at, &id.name).cloned(),
            BlockName::Variable(name) => {
                let mut found = Diagnostics::new();
                let value = self.environment.variable(called, name, &mut found);
                self.complain(found);
                Some(value)
            }
            BlockName::Local(name) => module.locals.get(name).map(|expression| {
                let mut found = Diagnostics::new();
                let value = self.environment.evaluate(at, id, expression, &mut found);
                self.complain(found);
                value
            }),
            BlockName::Target(..) => self.target_block(at, id),
            BlockName::Output(name) => self.output(at, id, name),
            BlockName::Check(name) => {
                if let Some(asserts) =
                    module.checks.get(name).filter(|_| !self.inputs.destroy && !self.selection.is_muted)
                {
                    self.draft.diagnostics.extend(self.environment.check_failures(at, id, asserts));
                }
                None
            }
            // Judged when all else is known.
            BlockName::Policy(_) | BlockName::Module(_) => None,
        };
        value.unwrap_or_else(|| Value::unknown(Type::Any))
    }

    /// What takes its value from something that was never made, or is gone by now, is in the way neither of a destroy nor of a look at what is
    /// there; nor is what takes it from something that is left out.
    fn complain(&mut self, found: Diagnostics) {
        if !self.inputs.destroy && !self.selection.is_muted && !self.is_refresh_only() {
            self.draft.diagnostics.extend(found);
        }
    }

    fn target_block(&mut self, at: &ModuleInstance, id: &BlockId) -> Option<Value> {
        let block = self.inputs.config.target(id)?;
        let context = context(self.inputs, &self.environment, &self.target_list, &nothing_found);
        let mut found = Diagnostics::new();
        let instances = lower::targets(&context, at, id, block, &mut found);
        if !self.selection.is_muted {
            self.draft.diagnostics.extend(found);
        }
        let instances = instances?;
        let mut values = Vec::new();
        for (address, attributes) in instances {
            values.push((address.key.iter().cloned().collect(), target_value(&address, &attributes)));
            let is_shaded = attributes.all_marks().is_stand_in();
            if is_shaded {
                self.shaded_targets.insert(address.clone());
            }
            let config = (attributes.is_wholly_known() && !is_shaded).then(|| TargetConfig {
                address: address.clone(),
                attributes,
                folder: self.inputs.folder.to_owned(),
            });
            self.target_list.push(address.clone());
            self.targets.insert(address, config);
        }
        Some(gather(&block.repetition, values))
    }

    /// In a destroy, what was recorded stands for what the configuration says.
    fn recorded_value(&self, block: &ResourceBlock, at: &ModuleInstance, id: &BlockId) -> Value {
        let (kind, name) = id.name.reference();
        let from = Address::within(at.clone(), kind, name);
        let records = self.inputs.snapshot.records.range(&from..);
        let own = records.take_while(|(address, _)| address.is_sibling(&from));
        let seen = |(address, record): (&Address, &Record)| {
            (address.keys.clone(), self.inputs.registry.seen(address, record.attributes.clone()))
        };
        let values: Vec<_> = own.map(seen).collect();
        match (&block.repetition, values.is_empty()) {
            (Repetition::None, true) => Value::unknown(Type::Any),
            (repetition, _) => gather(repetition, values),
        }
    }

    /// The block's instances cannot be told. Returns what all of them are called.
    fn unsettle(&mut self, at: &ModuleInstance, id: &BlockId) -> Address {
        let (kind, name) = id.name.reference();
        let address = Address::within(at.clone(), kind, name);
        self.unsettled.insert(address.clone());
        address
    }

    /// What cannot be planned before something else is applied: shown, and its records left alone.
    fn defer_block(&mut self, at: &ModuleInstance, id: &BlockId, reason: String) -> Value {
        let address = self.unsettle(at, id);
        let kind = address.kind.clone();
        let change = Change {
            depends_on: self.environment.resources_behind(at, id),
            ..blank(address, &kind, Action::Defer, Some(reason))
        };
        self.add(change);
        Value::unknown(Type::Any)
    }

    fn add(&mut self, change: Change) {
        if change.action == Action::Defer {
            self.deferred.push(change.address.clone());
        }
        self.draft.changes.insert(change.address.clone(), change);
    }

    /// Why what comes after these has to wait for another round, too.
    fn waits_along(&self, depends_on: &[Address]) -> Option<String> {
        let is_meant = |deferred: &&Address| {
            depends_on.iter().any(|needed| needed.contains(deferred) || deferred.contains(needed))
        };
        let deferred = self.deferred.iter().find(is_meant)?;
        Some(format!("it comes after {deferred}, which is deferred"))
    }

    fn output(&mut self, at: &ModuleInstance, id: &BlockId, name: &str) -> Option<Value> {
        let output = self.inputs.config.module(&id.module)?.outputs.get(name)?;
        let mut found = self.environment.output_failures(at, id, output);
        let value = self.environment.evaluate(at, id, &output.value, &mut found);
        let is_told = !self.is_refresh_only() || (!found.has_errors() && value.is_wholly_known());
        self.complain(found);
        let refused = ephemeral::refused_output(name, &value, &output.value);
        self.draft.diagnostics.extend(refused);
        let after = value.without_ephemeral().marked(output.sensitive);
        // What a module gives to its caller is no result of the stack.
        if !id.module.0.is_empty() || self.inputs.destroy || self.selection.is_muted || !is_told {
            return Some(after);
        }
        self.draft.diagnostics.extend(sensitive_output(name, output, &after));
        // What is recorded holds fingerprints: the same once the new value is redacted means the same.
        let before = self.inputs.snapshot.outputs.get(name).map(|before| {
            match before.same(&after.redacted(&**self.inputs.fingerprinter)) {
                true => after.clone(),
                false => before.clone(),
            }
        });
        self.draft.outputs.insert(name.to_owned(), OutputChange { before, after: Some(after.clone()) });
        Some(after)
    }

    /// What policies say, once there is nothing more to see.
    fn policies(&mut self) {
        if self.draft.wants.is_empty() && !self.draft.diagnostics.has_errors() {
            let inputs = self.inputs;
            let changes = &self.draft.changes;
            let nature = Nature {
                destroy: inputs.destroy,
                partial: self.is_partial(),
                refresh_only: inputs.refresh == Refresh::Only,
            };
            let plan = || policy::value(changes.values(), inputs.snapshot, inputs.registry, nature);
            self.draft.policies = policy::judge_all(&self.environment, plan);
        }
    }

    fn gone_outputs(&mut self) {
        for (name, before) in &self.inputs.snapshot.outputs {
            if self.stays_recorded(name) {
                continue;
            }
            let gone = || OutputChange { before: Some(before.clone()), after: None };
            self.draft.outputs.entry(name.clone()).or_insert_with(gone);
        }
    }
}
