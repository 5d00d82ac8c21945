//! One apply from its lock to its snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Event;
use super::look_up::Reader;
use super::moved::MovedField;
use super::run::{Outcome, Run, outputs, run};
use super::schedule::Schedule;
use super::step::Preparing;
use super::values::Values;
use crate::address::{Address, TargetAddress};
use crate::builtin;
use crate::config::{Config, Registry};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::dice::Dice;
use crate::inputs;
use crate::lang::{FunctionContext, convert};
use crate::observer::{Observer, Progress, Stop};
use crate::pipeline::{Failure, Options, World, read};
use crate::plan::{Action, Plan, StepOperation};
use crate::policy::{self, Nature};
use crate::ports::{Lease, ObserveItem, Observed, ProviderError, Target};
use crate::secrets::{Secrets, has_fingerprint};
use crate::state::Snapshot;
use crate::types::Type;
use crate::value::{Fingerprinter, Value};

/// How an apply ended.
#[derive(Debug)]
pub struct Applied {
    /// The state after it.
    pub snapshot: Snapshot,
    /// The steps that were done.
    pub succeeded: Vec<(Address, StepOperation)>,
    /// The steps that failed.
    pub failed: Vec<FailedStep>,
    /// The steps that did not run, because one before them failed or the run was stopped.
    pub skipped: Vec<(Address, StepOperation)>,
    /// What waits for another round.
    pub deferred: Vec<Address>,
    /// Whether it was told to stop.
    pub stopped: bool,
    /// What was found when all was done: checks that do not hold, outputs that cannot be told.
    pub diagnostics: Diagnostics,
    /// What is known of every instance and look-up in the end. What is sensitive in it is marked, and in the clear: it is not to be stored.
    pub instances: BTreeMap<Address, Value>,
}

/// A step that failed.
#[derive(Debug)]
pub struct FailedStep {
    /// The instance.
    pub address: Address,
    /// What was tried.
    pub operation: StepOperation,
    /// Why it failed.
    pub error: ProviderError,
    /// What is not as reviewed any more, if that is why.
    pub moved: Vec<MovedField>,
}

/// Does what a plan says.
///
/// # Errors
/// When nothing was begun: the plan is not of this state or not valid, its variables differ, a target cannot be reached or is another
/// one. What fails later is told in [`Applied`].
pub async fn apply(
    plan: &Plan,
    world: &World,
    options: &Options,
    observer: &dyn Observer,
    stop: &Stop,
) -> Result<Applied, Failure> {
    let (config, diagnostics) = read(&plan.sources, world);
    if diagnostics.has_errors() {
        return Err(Failure::Diagnostics(diagnostics));
    }
    if plan.workspace != world.workspace {
        return Err(of_another_workspace(plan, world).into());
    }
    let schedule = Schedule::new(plan, options.parallelism).map_err(|problem| {
        Diagnostic::error("Invalid plan", format!("This plan cannot be run: {problem}."))
    })?;
    let lease =
        world.store.lock(if plan.destroy { "destroy" } else { "apply" }, options.lock_wait_ms).await?;
    let applied = locked(plan, &config, schedule, world, options, (observer, stop), &*lease).await;
    let released = lease.release().await;
    let applied = applied?;
    released?;
    Ok(applied)
}

fn of_another_workspace(plan: &Plan, world: &World) -> Diagnostic {
    let detail = format!(
        "The plan was made in the workspace \"{}\", and this is \"{}\". To apply it, go there: meshform workspace select {}.",
        plan.workspace, world.workspace, plan.workspace
    );
    Diagnostic::error("The plan is of another workspace", detail)
}

async fn locked(
    plan: &Plan,
    config: &Config,
    schedule: Schedule,
    world: &World,
    options: &Options,
    (observer, stop): (&dyn Observer, &Stop),
    lease: &dyn Lease,
) -> Result<Applied, Failure> {
    let fingerprinter = world.store.fingerprinter().await?;
    let dice = Dice::new(&*world.clock, &*fingerprinter);
    let functions = FunctionContext {
        files: &*world.files,
        base: &plan.folder,
        workspace: &world.workspace,
        now: plan.created_ms,
        impure: Some(&dice),
    };
    let variables = variables(plan, config, options, &functions, &*fingerprinter)?;
    let loaded = world.store.load().await?;
    fresh(plan, &loaded.snapshot)?;
    let instances = known_instances(plan, &loaded.snapshot);
    let mut values =
        Values::new(config, &world.registry, &*world.files, &functions, &variables, instances, plan);
    let reader = Reader { plan, world, observer, fingerprinter: &fingerprinter };
    reader.reveal(&mut values).await?;
    let targets = connect(plan, world, &mut values, observer).await?;
    reveal(plan, &targets, &loaded.snapshot, &mut values, &fingerprinter).await?;
    reader.reveal_composites(&mut values).await?;
    if !options.unprotected {
        obey(plan, &loaded.snapshot, &world.registry, &mut values)?;
    }
    let mut journal = world.store.begin(lease, &loaded.snapshot).await?;
    observer.event(&Progress::ApplyStarted { steps: plan.steps.len() });
    let context = Run {
        preparing: Preparing { registry: &world.registry, fingerprinter: &fingerprinter },
        builtin: Arc::new(builtin::Values),
        targets: &targets,
        clock: &*world.clock,
        plan,
        observer,
        stop,
    };
    let mut outcome = run(&context, schedule, &mut values, loaded.snapshot, &mut *journal).await?;
    let mut diagnostics = Diagnostics::new();
    if !outcome.abandoned {
        let outputs = outputs(&outcome, plan, &mut values, &mut diagnostics);
        if !plan.destroy {
            reader.for_checks(&mut values, &mut diagnostics).await;
            values.checks(&mut diagnostics);
        }
        if let Some(outputs) = &outputs {
            outcome.snapshot.outputs.clone_from(outputs);
        }
        journal.append(&[Event::Ended { at_ms: world.clock.now_ms(), outputs }]).await?;
        journal.finish(outcome.snapshot.clone()).await?;
    }
    Ok(Applied { diagnostics, instances: values.into_instances(), ..report(plan, outcome, stop) })
}

fn report(plan: &Plan, outcome: Outcome, stop: &Stop) -> Applied {
    let named = |step: &usize| {
        let step = &plan.steps[*step];
        (step.address.clone(), step.operation)
    };
    let failed = outcome.failed.into_iter().map(|(step, failure)| {
        let (address, operation) = named(&step);
        FailedStep { address, operation, error: failure.error, moved: failure.moved }
    });
    let deferred = plan.changes.iter().filter(|change| change.action == Action::Defer);
    Applied {
        failed: failed.collect(),
        succeeded: outcome.succeeded.iter().map(named).collect(),
        skipped: outcome.skipped.iter().map(named).collect(),
        deferred: deferred.map(|change| change.address.clone()).collect(),
        snapshot: outcome.snapshot,
        stopped: stop.is_draining(),
        diagnostics: Diagnostics::new(),
        instances: BTreeMap::new(),
    }
}

/// The variables of the plan. What a saved plan holds only the fingerprint of must be given again, and be the same; what it does not
/// hold at all, as it is ephemeral, must be given, too.
fn variables(
    plan: &Plan,
    config: &Config,
    options: &Options,
    functions: &FunctionContext<'_>,
    fingerprinter: &dyn Fingerprinter,
) -> Result<BTreeMap<String, Value>, Failure> {
    let is_missing = |name: &&String| !plan.variables.contains_key(*name);
    let missing: Vec<&String> = config.root.variables.keys().filter(is_missing).collect();
    if missing.is_empty() && !plan.variables.values().any(has_fingerprint) {
        return Ok(typed(plan.variables.clone(), config));
    }
    // Whatever else is wrong with the inputs of now does not matter to a plan that has its own.
    let (given, _) = inputs::resolve(config, &options.inputs, functions);
    let mut diagnostics = Diagnostics::new();
    let mut variables = BTreeMap::new();
    for (name, planned) in &plan.variables {
        let given = given.get(name).filter(|_| has_fingerprint(planned));
        let same = |given: &&Value| given.redacted(fingerprinter).same(planned);
        match given {
            None => drop(variables.insert(name.clone(), planned.clone())),
            Some(given) if same(&given) => drop(variables.insert(name.clone(), given.clone())),
            Some(given) => diagnostics.push(differs(name, given)),
        }
    }
    for name in missing {
        match given.get(name).filter(|given| given.is_known()) {
            Some(given) => drop(variables.insert(name.clone(), given.clone())),
            None => diagnostics.push(not_held(name)),
        }
    }
    match diagnostics.has_errors() {
        true => Err(Failure::Diagnostics(diagnostics)),
        false => Ok(typed(variables, config)),
    }
}

fn differs(name: &str, given: &Value) -> Diagnostic {
    let what = if given.is_known() { "has another value now" } else { "is not given" };
    let detail = format!(
        "The plan was made with a value of \"{name}\" that it does not hold, as it is sensitive, and the variable {what}. Give it again as it was for the plan."
    );
    Diagnostic::error("Sensitive variable differs", detail)
}

fn not_held(name: &str) -> Diagnostic {
    let detail = format!(
        "The plan does not hold the value of \"{name}\", as it is ephemeral. Give it to the apply, too, as by -var {name}=…."
    );
    Diagnostic::error("Ephemeral variable not given", detail)
}

/// The values with the types that the variables are of, which a saved plan does not hold.
fn typed(mut values: BTreeMap<String, Value>, config: &Config) -> BTreeMap<String, Value> {
    for (name, value) in &mut values {
        let declared = config.root.variables.get(name);
        if let Some(Ok(typed)) = declared.map(|variable| convert(value, &variable.constraint.ty)) {
            *value = typed;
        }
    }
    values
}

/// A plan is for one state: the one that it was made from.
fn fresh(plan: &Plan, snapshot: &Snapshot) -> Result<(), Failure> {
    if plan.lineage == snapshot.lineage && plan.serial == snapshot.serial {
        return Ok(());
    }
    let detail = match plan.lineage == snapshot.lineage {
        true => format!(
            "The state has moved on since this plan was made: it was at serial {}, and is at {}. Plan again and review.",
            plan.serial, snapshot.serial
        ),
        false => {
            "This plan was made from another stack's state, or from none. Plan again and review.".to_owned()
        }
    };
    Err(Diagnostic::error("Stale plan", detail).into())
}

/// What is known of the instances before anything is done.
pub(crate) fn known_instances(plan: &Plan, snapshot: &Snapshot) -> BTreeMap<Address, Value> {
    let found = plan.data.iter().map(|(address, found)| (address.clone(), found.clone()));
    if plan.destroy {
        let records = snapshot.records.iter().filter(|(address, _)| address.deposed.is_none());
        let known = records.map(|(address, record)| (address.clone(), record.attributes.clone()));
        return known.chain(found).collect();
    }
    let wanted =
        plan.changes.iter().filter(|change| !matches!(change.action, Action::Delete | Action::Forget));
    let wanted = wanted.map(|change| (change.address.clone(), change.planned.clone()));
    // What is recorded stands for what is left out.
    let records = snapshot
        .records
        .iter()
        .filter(|(address, _)| plan.partial.is_some() && plan.change(address).is_none());
    let left_out = records.map(|(address, record)| (address.clone(), record.attributes.clone()));
    // What was never made is not known, as it was not when the rest was planned.
    let lost = plan.unreachable().iter().flat_map(|lost| lost.instances.iter().chain(&lost.dependants));
    let is_recorded = |address: &&Address| {
        snapshot.records.range(*address..).next().is_some_and(|(recorded, _)| address.contains(recorded))
    };
    let never_made = lost.filter(|address| !is_recorded(address));
    let never_made = never_made.map(|address| (address.clone(), Value::unknown(Type::Any)));
    never_made.chain(left_out).chain(wanted).chain(found).collect()
}

/// Connects to the targets that the steps work on, and proves that they are those that the plan was made against.
async fn connect(
    plan: &Plan,
    world: &World,
    values: &mut Values<'_>,
    observer: &dyn Observer,
) -> Result<BTreeMap<TargetAddress, Arc<dyn Target>>, Failure> {
    let mut diagnostics = Diagnostics::new();
    let configs = values.targets(&mut diagnostics);
    if plan.leaves_outputs() {
        // Those that something is left out of may be wrong; those that are needed are known below.
        diagnostics = Diagnostics::new();
    }
    // What is only forgotten lies where it lies.
    let changes =
        plan.changes.iter().filter(|change| !matches!(change.action, Action::Defer | Action::Forget));
    let needed: BTreeSet<_> = changes.filter_map(|change| change.target.as_ref()).collect();
    let mut targets = BTreeMap::new();
    for address in needed {
        let Some(config) = configs.get(address).filter(|config| config.attributes.is_wholly_known()) else {
            diagnostics.push(Diagnostic::error(
                "Target not known",
                format!("What {address} is cannot be told from this plan. Plan again."),
            ));
            continue;
        };
        match world.connect(config, observer).await {
            Ok(target) if plan.targets.get(address).is_some_and(|planned| planned == target.identity()) => {
                targets.insert(address.clone(), target);
            }
            Ok(target) => diagnostics.push(Diagnostic::error(
                "Wrong target",
                format!(
                    "{address} is {} now, and the plan was made against another one. Nothing was done.",
                    target.identity()
                ),
            )),
            Err(error) => {
                diagnostics
                    .push(Diagnostic::error(error.summary, format!("{} (at {address})", error.detail)));
            }
        }
    }
    match diagnostics.has_errors() {
        true => Err(Failure::Diagnostics(diagnostics)),
        false => Ok(targets),
    }
}

/// Refuses a plan that a mandatory policy forbids: by what was said of it when it was made, and by what is said of it now.
fn obey(
    plan: &Plan,
    snapshot: &Snapshot,
    registry: &Registry,
    values: &mut Values<'_>,
) -> Result<(), Failure> {
    let mut problems = Diagnostics::new();
    let now =
        values.policies(|| policy::value(&plan.changes, snapshot, registry, Nature::of(plan)), &mut problems);
    // What takes its value from something that is gone is in no destroy's way, nor what takes it from something left out.
    if problems.has_errors() && !plan.destroy && !plan.leaves_outputs() {
        return Err(Failure::Diagnostics(problems));
    }
    let objections = policy::objections(&plan.policies, now);
    match objections.has_errors() {
        true => Err(Failure::Diagnostics(objections)),
        false => Ok(()),
    }
}

/// Reads afresh what a saved plan holds only fingerprints of: the sensitive attributes of instances that do not change.
async fn reveal(
    plan: &Plan,
    targets: &BTreeMap<TargetAddress, Arc<dyn Target>>,
    snapshot: &Snapshot,
    values: &mut Values<'_>,
    fingerprinter: &Arc<dyn Fingerprinter>,
) -> Result<(), Failure> {
    let hidden = plan.changes.iter().filter(|change| {
        !matches!(change.action, Action::Delete | Action::Forget) && has_fingerprint(&change.planned)
    });
    let mut batches: BTreeMap<&TargetAddress, Vec<ObserveItem>> = BTreeMap::new();
    for change in hidden {
        let (Some(target), Some(identity)) = (&change.target, &change.identity) else { continue };
        batches.entry(target).or_default().push(ObserveItem {
            address: change.address.clone(),
            kind: change.kind.clone(),
            identity: identity.clone(),
            desired: change.desired.clone(),
            record: snapshot.records.get(&change.address).cloned().map(Arc::new),
        });
    }
    for (target, items) in batches {
        let Some(connected) = targets.get(target) else { continue };
        for (item, answer) in items.iter().zip(connected.observe(&items).await) {
            if let Ok(Observed::Present(observation)) = answer {
                let mut secrets = Secrets::new(fingerprinter);
                item.record.iter().for_each(|record| secrets.learn(&record.attributes));
                values.settle(&item.address, secrets.mark(&observation.attributes));
            }
        }
    }
    Ok(())
}
