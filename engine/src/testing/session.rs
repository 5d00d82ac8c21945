//! One test file, run by run, and what is left to do after the last.

use std::sync::Arc;

use indexmap::IndexMap;

use super::file::{Command, Moment, Run, Targets, TestFile};
use super::findings::{RunReport, Status, Troubles};
use super::stand_in::{Cast, Made, Played, StandIn};
use crate::address::Address;
use crate::apply::{Applied, Values, apply, known_instances};
use crate::config::{BlockId, Config, Named};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, did_you_mean};
use crate::files::Files;
use crate::inputs::{self, Input};
use crate::lang::{Expression, FunctionContext, Scope, evaluate};
use crate::observer::{Observer, Stop};
use crate::pipeline::{Failure, Options, World, plan, read};
use crate::plan::Plan;
use crate::ports::{Clock, Provider, StateStore};
use crate::schema::Body;
use crate::state::Snapshot;
use crate::value::{Path, Value};

/// A run that applies goes on for so many rounds while anything is deferred.
const ROUNDS_MAX: usize = 8;

/// The world of one test file.
pub struct Bench {
    world: World,
    cast: Arc<Cast>,
}

/// The stack that is tested.
pub struct Subject {
    /// Its files, without those of its tests.
    pub sources: Sources,
    /// Its folder, and the values of its variables where a test does not give them.
    pub options: Options,
}

/// A test file under way.
pub struct Session<'a> {
    file: &'a TestFile,
    subject: &'a Subject,
    bench: &'a Bench,
    config: Config,
    /// The outputs of the runs so far.
    outputs: IndexMap<String, Value>,
    /// What was given to the last run that changed anything.
    inputs: Option<Vec<Input>>,
    /// What was made up in any run so far.
    doubles: Vec<(Named, Made)>,
    /// Whether a run ended so that no later one makes sense.
    is_broken: bool,
}

/// How a file's world was left.
#[derive(Debug)]
pub struct CleanUp {
    /// Why not all is gone.
    pub diagnostics: Diagnostics,
    /// What is left.
    pub left: Vec<Address>,
}

/// What a run starts from.
struct Start {
    inputs: Vec<Input>,
    /// Values that only the test's own expressions use.
    aside: Vec<(String, Value)>,
}

impl Bench {
    /// A world for one test file: with these providers, behind what stands in for them, and with a store that nothing else uses.
    pub fn new(
        file: &TestFile,
        providers: impl IntoIterator<Item = Arc<dyn Provider>>,
        reserved: impl IntoIterator<Item = (&'static str, &'static str)>,
        store: Arc<dyn StateStore>,
        files: Arc<dyn Files>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let cast = Arc::new(Cast::new(file.targets));
        let behind = |provider| Arc::new(StandIn::new(provider, Arc::clone(&cast))) as Arc<dyn Provider>;
        let world = World::new(providers.into_iter().map(behind), reserved, store, files, clock);
        Self { world, cast }
    }
}

impl<'a> Session<'a> {
    /// Nothing has been done yet.
    pub fn new(file: &'a TestFile, subject: &'a Subject, bench: &'a Bench) -> Self {
        // It was told already what is wrong with it.
        let (config, _) = read(&subject.sources, &bench.world);
        Self {
            file,
            subject,
            bench,
            config,
            outputs: IndexMap::new(),
            inputs: None,
            doubles: Vec::new(),
            is_broken: false,
        }
    }

    /// Does one run, unless an earlier one ended so that it makes no sense.
    pub async fn run(&mut self, run: &Run, observer: &dyn Observer, stop: &Stop) -> RunReport {
        if self.is_broken || stop.is_draining() {
            return RunReport::skipped();
        }
        let report = self.attempt(run, observer, stop).await;
        self.is_broken = report.status == Status::Error;
        report
    }

    async fn attempt(&mut self, run: &Run, observer: &dyn Observer, stop: &Stop) -> RunReport {
        let start = match self.start(run) {
            Ok(start) => start,
            Err(problems) => return RunReport::failed(problems),
        };
        let mut options =
            Options { inputs: start.inputs, replace: run.replace.clone(), ..self.subject.options.clone() };
        let mut rounds = 0;
        loop {
            rounds += 1;
            let mut troubles = Troubles::new(&self.config);
            let planned =
                match plan(self.subject.sources.clone(), &self.bench.world, &options, observer).await {
                    Ok(planned) => planned.plan,
                    Err(failure) => return ended_by(failure, troubles, run),
                };
            // What is expected is expected of the whole stack.
            let problems = planned.unreached();
            if problems.has_errors() {
                return ended_by(Failure::Diagnostics(problems), troubles, run);
            }
            troubles.take_plan(&planned, run.command);
            if run.command == Command::Plan || planned.is_forbidden() {
                let report = troubles.judged(run, None);
                return self.asserted(report, run, planned, None, &start.aside);
            }
            self.inputs = Some(options.inputs.clone());
            let applied = match apply(&planned, &self.bench.world, &options, observer, stop).await {
                Ok(applied) => applied,
                Err(failure) => return ended_by(failure, troubles, run),
            };
            troubles.take_applied(&applied, self.has_made_up(run));
            if troubles.has_unexpected(run) || stop.is_draining() {
                troubles.take(stop.is_draining().then(interrupted));
                return troubles.judged(run, Some(planned));
            }
            let goes_on =
                !applied.deferred.is_empty() && !applied.succeeded.is_empty() && rounds < ROUNDS_MAX;
            // What was to be replaced has been.
            options.replace.clear();
            if !goes_on {
                troubles.take((!applied.deferred.is_empty()).then(|| still_deferred(&applied)));
                let report = troubles.judged(run, None);
                return self.asserted(report, run, planned, Some(applied), &start.aside);
            }
        }
    }

    /// Adds what a run's assertions come to, and keeps its outputs.
    fn asserted(
        &mut self,
        mut report: RunReport,
        run: &Run,
        plan: Plan,
        applied: Option<Applied>,
        aside: &[(String, Value)],
    ) -> RunReport {
        let instances = match applied {
            Some(applied) => applied.instances,
            None => known_instances(&plan, &Snapshot::default()),
        };
        let world = &self.bench.world;
        let now = world.clock.now_ms();
        let functions = functions(world, &self.subject.options.folder, now);
        let (registry, files) = (&world.registry, &*world.files);
        let mut values =
            Values::new(&self.config, registry, files, &functions, &plan.variables, instances, &plan);
        // What cannot be evaluated was told by the plan or the apply.
        let mut said = Diagnostics::new();
        let mut scope = values.scope(&mut said);
        let outputs = values.outputs(|_| true, &mut said);
        ["var", "local", "output", "run"].iter().for_each(|root| scope.declare_root(root));
        aside.iter().for_each(|(name, value)| scope.set_in("var", name, value.clone()));
        self.outputs.iter().for_each(|(name, outputs)| scope.set_in("run", name, outputs.clone()));
        outputs.iter().for_each(|(name, value)| scope.set_in("output", name, value.clone()));
        report.assert(&run.asserts, &scope, run.command);
        self.outputs.insert(run.name.clone(), Value::object(outputs));
        RunReport { plan: Some(plan), ..report }
    }

    /// The values of variables for a run, and the cast for it.
    fn start(&mut self, run: &Run) -> Result<Start, Diagnostics> {
        let world = &self.bench.world;
        let functions = functions(world, &self.subject.options.folder, world.clock.now_ms());
        let mut scope = Scope::new(&functions);
        ["var", "run"].iter().for_each(|root| scope.declare_root(root));
        // What is missing is said when it is planned, if no variable of the test gives it.
        let (given, _) = inputs::resolve(&self.config, &self.subject.options.inputs, &functions);
        given.into_iter().for_each(|(name, value)| scope.set_in("var", name, value));
        self.outputs.iter().for_each(|(name, outputs)| scope.set_in("run", name, outputs.clone()));
        let mut problems = Diagnostics::new();
        let mut start = Start { inputs: self.subject.options.inputs.clone(), aside: Vec::new() };
        for variables in [&self.file.variables, &run.variables] {
            let values =
                variables.iter().map(|(name, place)| (name, place, evaluate(place, &scope, &mut problems)));
            let values: Vec<_> = values.collect();
            for (name, place, value) in values {
                let declared = self.config.root.variables.get(name);
                let value = value.marked(declared.is_some_and(|variable| variable.sensitive));
                scope.set_in("var", name, value.clone());
                match declared.is_none() && self.file.variables.contains_key(name) {
                    true => start.aside.push((name.clone(), value)),
                    false => {
                        start.inputs.push(Input::Value { name: name.clone(), value, place: place.clone() })
                    }
                }
            }
        }
        let played = self.played(run, &scope, &mut problems);
        if problems.has_errors() {
            return Err(problems);
        }
        let own = played.doubles.iter().skip(self.file.doubles.len());
        self.doubles.extend(own.cloned());
        self.bench.cast.play(played);
        Ok(start)
    }

    fn has_made_up(&self, run: &Run) -> bool {
        let file = self.file;
        let parts = !(file.mocks.is_empty() && file.doubles.is_empty() && run.doubles.is_empty());
        file.targets == Targets::Mock || parts
    }

    fn played(&self, run: &Run, scope: &Scope<'_>, problems: &mut Diagnostics) -> Played {
        let mut played = Played::default();
        for (kind, mock) in &self.file.mocks {
            let values = self.made_up(mock.defaults.as_ref(), self.body(kind), scope, problems);
            played.mocks.insert(kind.clone(), Made { values, moment: mock.moment });
        }
        for double in self.file.doubles.iter().chain(&run.doubles) {
            let Named::Resource(address) = &double.target else { continue };
            let values = self.made_up(double.values.as_ref(), self.body(&address.kind), scope, problems);
            played.doubles.push((double.target.clone(), Made { values, moment: double.moment }));
        }
        played
    }

    /// What the attributes of a type are; of a composite, those of its parts.
    fn body(&self, kind: &str) -> Option<&Body> {
        let registry = &self.bench.world.registry;
        if let Some(ty) = kind.strip_prefix("data.") {
            return registry.data_type(ty).map(|ty| &ty.body);
        }
        let ty = registry.resource_type(kind)?;
        let part = ty.part_kind.and_then(|part| registry.resource_type(part));
        Some(&part.unwrap_or(ty).body)
    }

    /// Values that are given to what is made up: only what a target would tell.
    fn made_up(
        &self,
        given: Option<&Expression>,
        body: Option<&Body>,
        scope: &Scope<'_>,
        problems: &mut Diagnostics,
    ) -> Value {
        let (Some(given), Some(body)) = (given, body) else { return Value::object([]) };
        let value = evaluate(given, scope, problems);
        let Some(fields) = value.as_map() else {
            if value.is_known() {
                let detail =
                    "It is an object with a value for each attribute, such as { object = { status = { } } }.";
                problems.push(Diagnostic::error("Invalid values", detail).at(given.span()));
            }
            return Value::object([]);
        };
        for name in fields.keys().filter(|name| body.computed().all(|it| it.name != **name)) {
            let computed: Vec<_> = body.computed().map(|attribute| attribute.name).collect();
            let detail = match (body.attribute(name), did_you_mean(name, computed.iter().copied())) {
                (Some(_), _) => {
                    format!("\"{name}\" is given by the stack: only what a target tells is made up.")
                }
                (None, Some(candidate)) => {
                    format!("There is no attribute \"{name}\". Did you mean \"{candidate}\"?")
                }
                (None, None) => {
                    format!("There is no attribute \"{name}\". A target tells {}.", computed.join(", "))
                }
            };
            let place = Path::attribute(name.as_str());
            problems.push(Diagnostic::error("Invalid values", detail).at(given.part_at(&place)));
        }
        value.clone()
    }

    /// Removes all that the runs have made, in reverse.
    pub async fn clean_up(self, observer: &dyn Observer, stop: &Stop) -> CleanUp {
        let Some(inputs) = self.inputs.clone() else {
            return CleanUp { diagnostics: Diagnostics::new(), left: Vec::new() };
        };
        let mut played = Played::default();
        let nothing = || Made { values: Value::object([]), moment: Moment::default() };
        played.mocks.extend(self.file.mocks.keys().map(|kind| (kind.clone(), nothing())));
        played.doubles.extend(self.file.doubles.iter().map(|double| (double.target.clone(), nothing())));
        played.doubles.extend(self.doubles.iter().cloned());
        self.bench.cast.play(played);
        let options = Options { inputs, destroy: true, unprotected: true, ..self.subject.options.clone() };
        let diagnostics = self.destroyed(&options, observer, stop).await;
        let left = match self.bench.world.store.load().await {
            Ok(loaded) => loaded.snapshot.records.into_keys().collect(),
            Err(_) => Vec::new(),
        };
        CleanUp { diagnostics, left }
    }

    async fn destroyed(&self, options: &Options, observer: &dyn Observer, stop: &Stop) -> Diagnostics {
        let world = &self.bench.world;
        let planned = match plan(self.subject.sources.clone(), world, options, observer).await {
            Ok(planned) => planned.plan,
            Err(failure) => return problems_of(failure),
        };
        let applied = match apply(&planned, world, options, observer, stop).await {
            Ok(applied) => applied,
            Err(failure) => return problems_of(failure),
        };
        let mut diagnostics = planned.unreached();
        for failed in applied.failed {
            let block = self.config.resource(&BlockId::of(&failed.address));
            let detail = format!("{} (in {})", failed.error.detail, failed.address);
            let problem = Diagnostic::error(failed.error.summary, detail);
            diagnostics.push(problem.at(block.and_then(|block| block.span.clone())));
        }
        diagnostics
    }
}

fn functions<'w>(world: &'w World, folder: &'w str, now: i64) -> FunctionContext<'w> {
    FunctionContext { files: &*world.files, base: folder, workspace: &world.workspace, now, impure: None }
}

/// What a run came to that ended while it was planned, or before its apply began.
fn ended_by(failure: Failure, mut troubles: Troubles<'_>, run: &Run) -> RunReport {
    troubles.take(problems_of(failure));
    let mut report = troubles.judged(run, None);
    if report.status < Status::Error {
        report.not_asserted(run);
    }
    report
}

fn problems_of(failure: Failure) -> Diagnostics {
    match failure {
        Failure::Diagnostics(diagnostics) => diagnostics,
        Failure::Store(error) => {
            Diagnostic::error("The state's storage failed", format!("Failed to {error}.")).into()
        }
    }
}

fn interrupted() -> Diagnostic {
    Diagnostic::error("Interrupted", "The run was told to stop before it came to its end.")
}

fn still_deferred(applied: &Applied) -> Diagnostic {
    let names: Vec<_> = applied.deferred.iter().map(ToString::to_string).collect();
    let detail =
        format!("What these are is not known, however often the stack is applied: {}.", names.join(", "));
    Diagnostic::error("Still deferred", detail)
}
