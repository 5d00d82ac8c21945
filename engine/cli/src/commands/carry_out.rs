//! What `plan`, `apply` and `destroy` share: making a plan, asking, applying it, telling how it went.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use meshform_engine::apply::{Applied, apply as run_plan};
use meshform_engine::config::Registry;
use meshform_engine::diagnostic::{Diagnostics, Sources};
use meshform_engine::observer::Stop;
use meshform_engine::pipeline::{self, Failure, Options, Planned, World};
use meshform_engine::plan::{Plan, Refresh};
use meshform_engine::ports::Backend;

use crate::arguments::{ChangeArguments, RunArguments};
use crate::counts::Work;
use crate::exit::Exit;
use crate::input::{Stack, VariableArguments};
use crate::problem::{Problem, tell};
use crate::progress::{Display, EventStream, Watcher};
use crate::render::plan::Detail;
use crate::session::{Session, runtime};
use crate::{interrupt, json, render, terminal};

/// How much of a plan is shown.
pub(super) fn detail(arguments: &RunArguments) -> Detail {
    Detail { full: arguments.full, columns: terminal::columns() }
}

/// A stack that can be planned, or a plan of it applied.
pub(super) struct Prepared {
    pub(super) world: World,
    pub(super) options: Options,
    /// Where its states are.
    pub(super) backend: Arc<dyn Backend>,
    /// What that is called.
    pub(super) place: String,
}

/// What is needed to plan a stack, where that is for a person who can be `asked` for variables that have no value.
///
/// # Errors
/// When a file of variables cannot be read, or the stack's settings are wrong.
pub(super) fn prepare(
    stack: &Stack,
    asked: bool,
    arguments: &RunArguments,
    destroy: bool,
    session: &Session,
) -> Result<Prepared, Problem> {
    let registry = session.registry(&stack.folder);
    let options = options(stack, asked.then_some(&registry), arguments, destroy, session)?;
    let kept = match session.kept(stack, &options.inputs, &registry) {
        Err(problem) => return Err(with_all_else(problem, stack, session)),
        kept => kept?,
    };
    let parallelism = kept.settings.parallelism.map_or(options.parallelism, usize::from);
    let max_deletes = arguments.max_deletes.or(kept.settings.max_deletes);
    let (backend, place) = (Arc::clone(&kept.backend), kept.place.clone());
    let options = Options { parallelism, max_deletes, ..options };
    Ok(Prepared { world: session.world(registry, kept), options, backend, place })
}

/// The same, for what changes targets.
///
/// # Errors
/// When a file of variables cannot be read, or the stack's settings are wrong.
pub(super) fn prepare_change(
    stack: &Stack,
    asked: bool,
    arguments: &ChangeArguments,
    destroy: bool,
    session: &Session,
) -> Result<Prepared, Problem> {
    let mut prepared = prepare(stack, asked, &arguments.run, destroy, session)?;
    if let Some(parallelism) = arguments.parallelism {
        prepared.options.parallelism = parallelism.into();
    }
    Ok(prepared)
}

/// A problem with the stack's settings, and whatever else is wrong with it: one run tells all.
fn with_all_else(problem: Problem, stack: &Stack, session: &Session) -> Problem {
    let Ok(world) = session.world_of_text(&stack.folder) else { return problem };
    let (_, found) = pipeline::check(&stack.sources, &world, &stack.folder_name());
    problem.and(found)
}

/// What the engine is told besides the stack's files. Where there is a registry for `asking`, missing variables are asked for.
fn options(
    stack: &Stack,
    asking: Option<&Registry>,
    arguments: &RunArguments,
    destroy: bool,
    session: &Session,
) -> Result<Options, Problem> {
    let inputs = arguments.variables.inputs(&session.environment, stack, asking)?;
    let folder = stack.folder_name();
    if destroy && !arguments.replace.is_empty() {
        let detail =
            "What is taken down cannot be replaced at the same time. Give -replace to plan or apply.";
        return Err(Problem::new("Nothing to replace", detail));
    }
    let refused = match arguments.refresh.refresh() {
        Refresh::Changes if destroy => Some(
            "What is to go is looked at first, always: nothing is removed unseen. Leave out -refresh=false.",
        ),
        Refresh::Only if destroy => {
            Some("-refresh-only changes nothing on a target, and a destroy does. Give one of the two.")
        }
        _ => None,
    };
    if let Some(detail) = refused {
        return Err(Problem::new("Not with a destroy", detail));
    }
    let (replace, lock_wait_ms) = (arguments.replace.clone(), arguments.lock_timeout);
    let restriction = arguments.restriction.restriction()?;
    let refresh = arguments.refresh.refresh();
    Ok(Options { folder, inputs, destroy, replace, restriction, refresh, lock_wait_ms, ..Options::default() })
}

/// Makes a plan.
///
/// # Errors
/// When the configuration is wrong, or a target or the state cannot be read.
pub(super) async fn plan(
    stack: &Stack,
    world: &World,
    options: &Options,
    watcher: &Watcher,
) -> Result<Planned, Problem> {
    let planned = pipeline::plan(stack.sources.clone(), world, options, watcher).await;
    planned.map_err(|failure| Problem::from_engine(failure, stack.sources.clone()))
}

/// Plans a stack, asks, and applies the plan.
///
/// # Errors
/// When nothing could be planned or begun; a step that fails is no error but an outcome.
pub(super) fn whole(
    stack: &Stack,
    arguments: &ChangeArguments,
    destroy: bool,
    session: &Session,
) -> Result<Exit, Problem> {
    if !arguments.auto_approve && (arguments.run.json || !terminal::can_ask()) {
        return Err(nobody_to_ask(destroy));
    }
    let Prepared { world, options, place, .. } = prepare_change(stack, true, arguments, destroy, session)?;
    let runtime = runtime()?;
    let watcher = watcher(&arguments.run, session);
    let planned = runtime.block_on(plan(stack, &world, &options, &watcher))?;
    let watcher = shown(watcher, &planned, &arguments.run, session)?;
    if planned.plan.is_forbidden() {
        watcher.note(FORBIDDEN);
        return Ok(Exit::Failed);
    }
    if planned.plan.is_empty() {
        return nothing_to_do(&watcher, &planned.plan);
    }
    if !arguments.auto_approve && !approved(&planned.plan)? {
        terminal::say("Nothing was changed.\n");
        return Ok(Exit::Failed);
    }
    let exit = runtime.block_on(apply(planned.plan, &world, &options, watcher))?;
    session.note_place(&stack.folder, &place)?;
    Ok(exit)
}

/// Shows the plan to whoever watches, and gives the watcher of the apply.
fn shown(
    watcher: Watcher,
    planned: &Planned,
    arguments: &RunArguments,
    session: &Session,
) -> Result<Watcher, Problem> {
    let plan = &planned.plan;
    if let Watcher::Machine(stream) = &watcher {
        let said = plan.warnings.iter().chain(plan.policies.iter().flat_map(|it| &it.findings));
        said.for_each(|warning| stream.write(json::events::diagnostic(warning, &plan.sources)));
        stream.write(json::events::planned(plan));
        return Ok(watcher);
    }
    // The redrawn part goes before anything else is printed.
    drop(watcher);
    preface(planned);
    terminal::print(&render::plan::text(plan, detail(arguments)))?;
    object(plan);
    Ok(self::watcher(arguments, session))
}

/// What is to be said before a plan is shown: that records are uncertain, and the warnings.
pub(super) fn preface(planned: &Planned) {
    if planned.interrupted {
        terminal::say("note: the last apply was cut off; what became of its steps was looked up\n\n");
    }
    warn(&planned.plan);
}

/// What is said of a plan that a mandatory policy forbids.
pub(super) const FORBIDDEN: &str = "This plan cannot be applied: a mandatory policy does not hold.";

/// Tells what policies have to say against a plan.
pub(super) fn object(plan: &Plan) {
    let mut findings = Diagnostics::new();
    findings.extend(plan.policies.iter().flat_map(|judgement| judgement.findings.clone()));
    if !findings.is_empty() {
        terminal::say("\n");
        tell(&findings, &plan.sources);
    }
}

/// Tells a plan's warnings.
pub(super) fn warn(plan: &Plan) {
    let mut warnings = Diagnostics::new();
    warnings.extend(plan.warnings.iter().cloned());
    tell(&warnings, &plan.sources);
}

/// Applies a plan as it is.
///
/// # Errors
/// When it cannot be begun.
pub(super) async fn apply(
    plan: Plan,
    world: &World,
    options: &Options,
    watcher: Watcher,
) -> Result<Exit, Problem> {
    let started = Instant::now();
    let applied = run_interruptibly(&plan, world, options, &watcher).await;
    let applied = applied.map_err(|failure| Problem::from_engine(failure, plan.sources.clone()))?;
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tell_end(watcher, &plan, &applied, elapsed_ms)?;
    let is_whole = applied.succeeded.len() == plan.steps.len() && !applied.diagnostics.has_errors();
    Ok(match (is_whole, applied.deferred.is_empty()) {
        (false, _) => Exit::Failed,
        (true, true) => done(&plan),
        (true, false) => Exit::Paused,
    })
}

/// How it ends when all that is planned is done.
fn done(plan: &Plan) -> Exit {
    if plan.unreachable().is_empty() { Exit::Done } else { Exit::Incomplete }
}

async fn run_interruptibly(
    plan: &Plan,
    world: &World,
    options: &Options,
    watcher: &Watcher,
) -> Result<Applied, Failure> {
    let stop = Stop::default();
    tokio::select! {
        applied = run_plan(plan, world, options, watcher, &stop) => applied,
        never = interrupt::pass_on(&stop, |message| watcher.note(message)) => match never {},
    }
}

fn tell_end(watcher: Watcher, plan: &Plan, applied: &Applied, elapsed_ms: u64) -> Result<(), Problem> {
    let counts = Work::of(plan).done(&applied.succeeded);
    if let Watcher::Machine(stream) = &watcher {
        for diagnostic in applied.diagnostics.iter() {
            stream.write(json::events::diagnostic(diagnostic, &plan.sources));
        }
        stream.write(json::events::applied(&counts, plan, applied));
        return Ok(());
    }
    let mut end = String::new();
    // What has moved is told only there.
    if watcher.has_lost_a_failure() || applied.failed.iter().any(|failed| !failed.moved.is_empty()) {
        end.push_str(&render::outcome::failures(applied, terminal::columns()));
    }
    end.push_str(&render::outcome::way_on(plan, applied));
    end.push_str(&render::plan::unreachable::reminder(plan, terminal::columns()));
    drop(watcher);
    terminal::say(&end);
    tell(&applied.diagnostics, &plan.sources);
    let mut text = render::outcome::line(&counts, plan, applied, elapsed_ms) + "\n";
    text.push_str(&render::outcome::outputs(&applied.snapshot.outputs));
    Ok(terminal::print(&text)?)
}

/// A plan that changes nothing still has outputs to tell.
fn nothing_to_do(watcher: &Watcher, plan: &Plan) -> Result<Exit, Problem> {
    let outputs = plan
        .outputs
        .iter()
        .filter_map(|(name, output)| Some((name.clone(), output.after.clone()?)))
        .collect();
    match watcher {
        Watcher::Machine(stream) => stream.write(json::events::unchanged(plan, &outputs)),
        Watcher::Person(_) | Watcher::Nobody => terminal::print(&render::outcome::outputs(&outputs))?,
    }
    Ok(done(plan))
}

/// A watcher for one run.
pub(super) fn watcher(arguments: &RunArguments, session: &Session) -> Watcher {
    match arguments.json {
        true => Watcher::Machine(EventStream::new()),
        false => Watcher::Person(Display::new(session.environment.line_by_line)),
    }
}

/// A saved plan, checked to be one, and the stack that it was made for.
///
/// # Errors
/// When the bytes are not a plan that this program can read.
pub(super) fn saved(bytes: &[u8], variables: &VariableArguments, session: &Session) -> Result<Plan, Problem> {
    session.saved_plan(bytes, variables)
}

/// The stack that a saved plan was made for, its files as they were then.
///
/// # Errors
/// When its folder is not there or its files of variables cannot be read.
pub(super) fn stack_of(plan: &Plan) -> Result<Stack, Problem> {
    let folder = Path::new(&plan.folder);
    if !folder.is_dir() {
        return Err(Problem::new(
            "The plan's stack is not here",
            format!(
                "The plan was made for the folder {}, and there is none of that name below the present one. Apply it from where it \
                 was made, or name that place by -C FOLDER.",
                folder.display()
            ),
        ));
    }
    let sources: Sources = plan.sources.clone();
    Ok(Stack { folder: folder.to_owned(), sources, variables: Stack::variables_beside(folder)? })
}

fn approved(plan: &Plan) -> Result<bool, Problem> {
    let question = match plan.destroy {
        false if plan.refresh_only => "\nRecord this? Nothing on a target changes. Only \"yes\" is taken: ",
        true => "\nDestroy all of this? It cannot be undone. Only \"yes\" is taken: ",
        false => "\nApply these changes? Only \"yes\" is taken: ",
    };
    let answer = terminal::ask(question)
        .map_err(|error| Problem::new("No answer", format!("Failed to read the answer: {error}.")))?;
    Ok(answer.as_deref() == Some("yes"))
}

fn nobody_to_ask(destroy: bool) -> Problem {
    let instead = match destroy {
        true => "save the plan to be reviewed by \"meshform plan -destroy -out FILE\"",
        false => "save the plan to be reviewed by \"meshform plan -out FILE\"",
    };
    Problem::new(
        "Nobody is there to approve",
        format!(
            "Changes need a \"yes\", and this is not a terminal. Give -auto-approve to go ahead without asking, or {instead} and then \
             run \"meshform apply FILE\". Nothing was changed."
        ),
    )
}
