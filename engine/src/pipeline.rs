//! The pipeline: what the command line calls. Reads nothing by itself; all IO is behind the [ports](crate::ports).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use thiserror::Error;

use crate::address::{Address, TargetAddress};
use crate::budget::Budget;
use crate::builtin::Values;
use crate::config::{Config, Registry, check_refactorings, decode};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources};
use crate::files::Files;
use crate::inputs::{self, Input, MissingVariable};
use crate::lang::FunctionContext;
use crate::observer::{Observer, Progress};
use crate::plan::{self, DraftInputs, Plan, Refresh, Restriction, Sights, Wants};
use crate::ports::{
    Clock, DEFAULT_WORKSPACE, ErrorCode, Found, Look, Preview, Provider, ProviderError, ReadItem, StateStore,
    StoreError, Target, TargetConfig,
};
use crate::syntax;
use crate::unroll::unroll;
use crate::unused::unused;
use crate::validate::validate;
use crate::value::Value;

/// Everything around the engine.
pub struct World {
    /// Which provider implements what.
    pub registry: Registry,
    /// Where the state lives.
    pub store: Arc<dyn StateStore>,
    /// The workspace whose state that is.
    pub workspace: String,
    /// The files that expressions may read.
    pub files: Arc<dyn Files>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Targets connected so far: an apply uses the connections of its plan.
    connections: Mutex<BTreeMap<TargetAddress, Arc<dyn Target>>>,
}

/// How to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The stack's folder.
    pub folder: String,
    /// The variables' values, each outranking those before it.
    pub inputs: Vec<Input>,
    /// Whether the whole stack is to go.
    pub destroy: bool,
    /// Instances that are to be replaced though they need not be; a block or a composite means all of its own.
    pub replace: Vec<Address>,
    /// What the plan is to be about, if not all of the stack.
    pub restriction: Option<Restriction>,
    /// What of the targets it is to look at.
    pub refresh: Refresh,
    /// Whether neither `prevent_destroy` nor a policy is in the way: for worlds that are made to be thrown away.
    pub unprotected: bool,
    /// How much the plan may remove, if that is limited.
    pub max_deletes: Option<Budget>,
    /// The most steps that may run on one target at once.
    pub parallelism: usize,
    /// How long to wait for the state's lock, in milliseconds.
    pub lock_wait_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            folder: ".".to_owned(),
            inputs: Vec::new(),
            destroy: false,
            replace: Vec::new(),
            restriction: None,
            refresh: Refresh::Whole,
            unprotected: false,
            max_deletes: None,
            parallelism: 16,
            lock_wait_ms: 0,
        }
    }
}

/// A plan and what there is to say about it.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Whether an earlier apply was cut off, so that some records are uncertain.
    pub interrupted: bool,
    /// What was looked up for it, by target.
    pub read: BTreeMap<TargetAddress, Vec<ReadItem>>,
}

/// Why a run ended without having done its work.
#[derive(Clone, Debug, Error)]
pub enum Failure {
    /// The configuration or a target is not as it must be.
    #[error("plan: there are errors")]
    Diagnostics(Diagnostics),
    /// The state store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Diagnostics(diagnostic.into())
    }
}

impl World {
    /// A world with these providers besides the builtin one, and with block types that are reserved for later.
    pub fn new(
        providers: impl IntoIterator<Item = Arc<dyn Provider>>,
        reserved: impl IntoIterator<Item = (&'static str, &'static str)>,
        store: Arc<dyn StateStore>,
        files: Arc<dyn Files>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::of(registry(providers, reserved), store, files, clock)
    }

    /// A world in which these types are known.
    pub fn of(
        registry: Registry,
        store: Arc<dyn StateStore>,
        files: Arc<dyn Files>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let workspace = DEFAULT_WORKSPACE.to_owned();
        Self { registry, store, workspace, files, clock, connections: Mutex::default() }
    }

    /// The same world, in a workspace.
    #[must_use]
    pub fn in_workspace(self, workspace: String) -> Self {
        Self { workspace, ..self }
    }

    /// A connected target.
    pub(crate) fn connection(&self, target: &TargetAddress) -> Option<Arc<dyn Target>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).get(target).cloned()
    }

    /// Connects to a target, unless it is connected already.
    pub(crate) async fn connect(
        &self,
        config: &TargetConfig,
        observer: &dyn Observer,
    ) -> Result<Arc<dyn Target>, ProviderError> {
        if let Some(target) = self.connection(&config.address) {
            return Ok(target);
        }
        let Some((provider, _)) = self.registry.target(config.address.kind) else {
            return Err(ProviderError {
                code: ErrorCode::Other,
                summary: "No provider".to_owned(),
                detail: format!("Nothing connects to a {}.", config.address.kind.as_str()),
                path: None,
            });
        };
        observer.event(&Progress::Connecting { target: config.address.clone() });
        let target = provider.connect(config).await?;
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.insert(config.address.clone(), Arc::clone(&target));
        Ok(target)
    }
}

/// The types of these providers and of the builtin one, and block types that are reserved for later.
pub fn registry(
    providers: impl IntoIterator<Item = Arc<dyn Provider>>,
    reserved: impl IntoIterator<Item = (&'static str, &'static str)>,
) -> Registry {
    let builtin: Arc<dyn Provider> = Arc::new(Values);
    Registry::new([builtin].into_iter().chain(providers)).reserving(reserved)
}

/// Checks a stack without looking at anything but its files: `validate`. The configuration is there if there are no errors.
pub fn check(sources: &Sources, world: &World, folder: &str) -> (Option<Config>, Diagnostics) {
    let (config, mut diagnostics) = read(sources, world);
    let now_ms = world.clock.now_ms();
    let functions = FunctionContext {
        files: &*world.files,
        base: folder,
        workspace: &world.workspace,
        now: now_ms,
        impure: None,
    };
    diagnostics.extend(validate(&config, &world.registry, &*world.files, &functions));
    diagnostics.extend(unused(&config));
    let config = (!diagnostics.has_errors()).then_some(config);
    (config, diagnostics.sorted())
}

/// The variables of a stack for which a value has to be asked.
pub fn missing_variables(sources: &Sources, registry: &Registry, inputs: &[Input]) -> Vec<MissingVariable> {
    inputs::missing(&decoded(sources, registry).0, inputs)
}

/// The configuration, and what is wrong with it before anything is evaluated.
pub(crate) fn read(sources: &Sources, world: &World) -> (Config, Diagnostics) {
    decoded(sources, &world.registry)
}

fn decoded(sources: &Sources, registry: &Registry) -> (Config, Diagnostics) {
    let (files, mut diagnostics) = syntax::parse(sources);
    let (config, problems) = decode(sources, &files, registry);
    diagnostics.extend(problems);
    (config, diagnostics)
}

/// Makes a plan: read-only towards the targets and the state. What is on targets that cannot be reached is left out of it, and told in
/// [`Plan::unreachable`].
///
/// # Errors
/// When the configuration has errors, a target does not let us in, none can be reached, or the state cannot be read.
pub async fn plan(
    sources: Sources,
    world: &World,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Planned, Failure> {
    let (mut config, mut diagnostics) = read(&sources, world);
    let now_ms = world.clock.now_ms();
    let functions = FunctionContext {
        files: &*world.files,
        base: &options.folder,
        workspace: &world.workspace,
        now: now_ms,
        impure: None,
    };
    let (variables, problems) = inputs::resolve(&config, &options.inputs, &functions);
    diagnostics.extend(problems);
    let (moved, removed) = unroll(&config, &variables, &functions, true, &mut diagnostics);
    config.moved.extend(moved);
    config.removed.extend(removed);
    check_refactorings(&config, &mut diagnostics);
    if diagnostics.has_errors() {
        // There will be no draft to tell what else is wrong.
        diagnostics.extend(validate(&config, &world.registry, &*world.files, &functions));
        return Err(Failure::Diagnostics(diagnostics.sorted()));
    }
    let loaded = world.store.load().await?;
    let fingerprinter = world.store.fingerprinter().await?;
    let inputs = DraftInputs {
        config: &config,
        registry: &world.registry,
        variables: &variables,
        snapshot: &loaded.snapshot,
        files: &*world.files,
        folder: &options.folder,
        functions: &functions,
        fingerprinter: &fingerprinter,
        now_ms,
        destroy: options.destroy,
        replace: &options.replace,
        unprotected: options.unprotected,
        restriction: options.restriction.as_ref(),
        refresh: options.refresh,
    };
    let mut sights = Sights::default();
    let mut draft = loop {
        let mut draft = plan::draft(&inputs, &sights);
        if draft.diagnostics.has_errors() {
            diagnostics.extend(draft.diagnostics);
            diagnostics.extend(draft.unreachable.iter().map(|lost| {
                let block = config.target_at(&lost.target);
                lost.problem().at(block.and_then(|block| block.span.clone()))
            }));
            return Err(Failure::Diagnostics(diagnostics.sorted()));
        }
        if draft.wants.is_empty() {
            diagnostics.extend(std::mem::take(&mut draft.diagnostics));
            draft.diagnostics = diagnostics;
            break draft;
        }
        look(draft.wants, &mut sights, world, observer).await;
    };
    plan::weigh(&mut draft, &sights, world).await;
    let mut plan = plan::settle(draft, &inputs, sources)?;
    if let Some(budget) = options.max_deletes.filter(|_| !options.destroy && !options.unprotected) {
        plan.policies.push(budget.judge(&plan, loaded.snapshot.records.len()));
    }
    Ok(Planned { plan, interrupted: loaded.interrupted, read: read_on(&sights) })
}

/// What was looked up on each target.
fn read_on(sights: &Sights) -> BTreeMap<TargetAddress, Vec<ReadItem>> {
    let mut read: BTreeMap<TargetAddress, Vec<ReadItem>> = BTreeMap::new();
    for (address, ((target, arguments), _)) in &sights.found {
        if let (Some(target), Some(kind)) = (target, address.data_type()) {
            let (address, kind, arguments) = (address.clone(), kind.to_owned(), arguments.clone());
            read.entry(target.clone()).or_default().push(ReadItem { address, kind, arguments });
        }
    }
    read
}

/// Looks at what a draft wants to see: all targets at once, one batch for each.
async fn look(wants: Wants, sights: &mut Sights, world: &World, observer: &dyn Observer) {
    sights.widened.extend(wants.widen);
    let connections = wants.connect.values().map(|config| async move {
        let identity = world.connect(config, observer).await.map(|target| target.identity().to_owned());
        (config.address.clone(), identity)
    });
    let seen: BTreeSet<_> = wants.observe.keys().chain(wants.read.keys().flatten()).collect();
    let seen = seen.into_iter().map(|target| async {
        let connected = world.connection(target)?;
        let read = wants.read.get(&Some(target.clone())).map(Vec::as_slice).unwrap_or_default();
        let observe = wants.observe.get(target).map(Vec::as_slice).unwrap_or_default();
        let count = observe.len() + read.len();
        observer.event(&Progress::Observing { target: Some(target.clone()), count });
        let looked = connected.look(Look { observe, read }).await;
        let errors = looked.observed.iter().filter_map(|seen| seen.as_ref().err());
        let lost = loss(target, errors.chain(looked.found.iter().filter_map(|found| found.as_ref().err())));
        let keys = observe.iter().map(|item| (item.address.clone(), target.clone(), item.identity.clone()));
        let observed: Vec<_> = keys.zip(looked.observed).collect();
        Some((observed, found(read, Some(target), looked.found), lost))
    });
    let elsewhere = read_elsewhere(wants.read.get(&None).map(Vec::as_slice).unwrap_or_default(), world);
    let previews = wants.preview.iter().map(|(target, items)| async move {
        let connected = world.connection(target)?;
        observer.event(&Progress::Previewing { target: Some(target.clone()), count: items.len() });
        let answers = connected.preview(items).await;
        let refusals = answers.iter().filter_map(|answer| match answer {
            Preview::Refused(error) => Some(error),
            Preview::Would(_) | Preview::Unverified(_) => None,
        });
        let lost = loss(target, refusals);
        let asked = items.iter().filter_map(|it| Some((it.item.address.clone(), it.item.desired.clone()?)));
        let answered = asked.zip(answers).map(|((address, desired), answer)| (address, (desired, answer)));
        Some((answered.collect::<Vec<_>>(), lost))
    });
    let (connections, seen, elsewhere, previews) =
        futures::join!(join_all(connections), join_all(seen), elsewhere, join_all(previews));
    sights.targets.extend(connections);
    for (observed, found, lost) in seen.into_iter().flatten() {
        sights.observed.extend(observed);
        sights.found.extend(found);
        sights.targets.extend(lost);
    }
    sights.found.extend(elsewhere);
    for (previewed, lost) in previews.into_iter().flatten() {
        sights.previews.extend(previewed);
        sights.targets.extend(lost);
    }
}

/// A target that went away while it was looked at: from then on it counts as one that was not reached.
fn loss<'e>(
    target: &TargetAddress,
    mut errors: impl Iterator<Item = &'e ProviderError>,
) -> Option<(TargetAddress, Result<String, ProviderError>)> {
    let error = errors.find(|error| error.code == ErrorCode::Unreachable)?;
    Some((target.clone(), Err(error.clone())))
}

/// What was asked, with the answers.
type Answers = Vec<(Address, ((Option<TargetAddress>, Value), Found))>;

fn found(items: &[ReadItem], target: Option<&TargetAddress>, answers: Vec<Found>) -> Answers {
    let asked = items.iter().map(|item| (item.address.clone(), (target.cloned(), item.arguments.clone())));
    asked.zip(answers).map(|((address, asked), answer)| (address, (asked, answer))).collect()
}

/// Looks up what is on no target: the items of each data type at once.
async fn read_elsewhere(items: &[ReadItem], world: &World) -> Answers {
    let mut kinds: BTreeMap<&str, Vec<ReadItem>> = BTreeMap::new();
    items.iter().for_each(|item| kinds.entry(&item.kind).or_default().push(item.clone()));
    let answers = kinds.into_iter().map(|(kind, items)| async move {
        let provider = world.registry.data_provider(kind)?;
        let answers = provider.read(&items).await;
        Some(found(&items, None, answers))
    });
    join_all(answers).await.into_iter().flatten().flatten().collect()
}
