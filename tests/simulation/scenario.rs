//! One seed's run: rounds of edits, bad weather and calm, until all is taken down.

use std::sync::{Arc, Mutex, PoisonError};

use meshform_engine::observer::Stop;
use meshform_engine::pipeline::Failure;
use meshform_engine::ports::StateStore as _;
use meshform_engine::state::Snapshot;
use meshform_engine::value::Value;
use meshform_state::Store;

use crate::books::Books;
use crate::disk::SimulatedDisk;
use crate::edits::{asked_for, edit};
use crate::executor::{Executor, Fate, Process, Time, Told};
use crate::invariants;
use crate::lab::{Asked, How, Lab, Saved};
use crate::place::{Place, STACK};
use crate::planted::Bug;
use crate::prefixes::{at_once, every_prefix_folds};
use crate::random::Random;
use crate::reality::{Key, Reality};
use crate::seeds::asked;
use crate::stack::{Meant, Stack, cluster};

/// How many rounds a run has.
pub(crate) const ROUNDS: u64 = 2;
/// Steps of a process before which it may be killed.
const STEPS: u64 = 90;

/// Longer than a lease lasts that nobody keeps alive.
const LEASE_MS: u64 = 60_000;

/// What is run: a seed, and which of its rounds.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) rounds: Vec<u64>,
}

/// What came of a run.
pub(crate) struct Ending {
    pub(crate) verdict: Result<(), String>,
    pub(crate) digest: u64,
    pub(crate) trace: String,
}

impl Scenario {
    /// The whole run of a seed, or those of its rounds that are asked for.
    pub(crate) fn of(seed: u64) -> Self {
        let asked = asked("MESHFORM_ROUNDS");
        let rounds = asked.map(|text| text.split(',').filter_map(|round| round.parse().ok()).collect());
        Self { seed, rounds: rounds.unwrap_or_else(|| (0..ROUNDS).collect()) }
    }

    pub(crate) fn run(&self) -> Ending {
        self.run_with(None)
    }

    /// Runs it with a bug planted.
    pub(crate) fn run_with(&self, bug: Option<Bug>) -> Ending {
        let mut run = Run::new(self.seed, bug);
        let verdict = run.all(&self.rounds);
        let books = &run.lab.books;
        Ending { verdict, digest: books.digest(), trace: books.trace() }
    }
}

/// Applies these stacks in turn, in calm weather: after each one all is as it says.
///
/// # Errors
/// What is wrong, with all that has happened.
pub(crate) fn apply_in_turn(stacks: impl IntoIterator<Item = Stack>) -> Result<(), String> {
    let mut run = Run::new(0, None);
    for stack in stacks {
        run.stack = stack;
        let settled = run.settle();
        settled.map_err(|problem| format!("{}\n{}\n{problem}", run.stack.text(), run.lab.books.trace()))?;
    }
    Ok(())
}

/// A run under way.
struct Run {
    seed: u64,
    random: Random,
    lab: Lab,
    stack: Stack,
    names: u64,
    processes: Process,
    /// The state as it was last loaded.
    known: Snapshot,
    /// Plans that were saved, to be applied some other time.
    drawer: Vec<Saved>,
}

/// What a process is to do.
#[derive(Clone)]
enum Task {
    /// It plans, is reviewed for so many milliseconds, and applies.
    Whole { asked: Asked, review_ms: u64 },
    /// It applies a plan that lies in the drawer.
    Old(Saved),
}

impl Run {
    fn new(seed: u64, bug: Option<Bug>) -> Self {
        let mut random = Random::new(seed);
        let books = Books::default();
        let place = match random.one_in(2) {
            true => Place::Far(Arc::default()),
            false => Place::Folder(SimulatedDisk::with(STACK.as_ref(), bug != Some(Bug::SkippedSync))),
        };
        let lab = Lab {
            time: Time::new(),
            reality: Reality::new(&books),
            books,
            place,
            random: Arc::new(Mutex::new(random.fork())),
            bug,
        };
        let stack = Stack { renames: random.one_in(3), ..Stack::default() };
        let known = Snapshot::default();
        Self { seed, random, lab, stack, names: 0, processes: 0, known, drawer: Vec::new() }
    }

    fn all(&mut self, rounds: &[u64]) -> Result<(), String> {
        for round in rounds {
            self.random = Random::new(self.seed.wrapping_mul(1_000_003).wrapping_add(*round));
            edit(&mut self.stack, &mut self.random, &mut self.names);
            self.drift();
            self.round()?;
        }
        self.stack.destroy = true;
        self.stack.blocks.values_mut().for_each(|block| block.lifecycle.protected = false);
        self.round()
    }

    fn round(&mut self) -> Result<(), String> {
        self.lab.books.note(format!("---- the stack is now:\n{}", self.stack.text()));
        self.storm()?;
        self.settle()
    }

    /// Others change, remove and make things.
    fn drift(&mut self) {
        while self.random.one_in(3) {
            meddle(&self.lab.reality, &mut self.random, self.stack.renames);
        }
    }

    /// Processes plan and apply while anything may go wrong.
    fn storm(&mut self) -> Result<(), String> {
        self.lab.reality.storm(self.random.fork(), 3 + self.random.below(30));
        let plans: Arc<Mutex<Vec<Saved>>> = Arc::default();
        let mut executor = Executor::new(&self.lab.time, self.random.fork());
        for _ in 0..=self.random.below(5) / 3 {
            let process = self.next();
            let task = match self.drawer.last() {
                Some(saved) if self.random.one_in(4) => Task::Old(saved.clone()),
                _ => Task::Whole {
                    asked: asked_for(&self.stack, &mut self.random),
                    review_ms: self.random.below(2) * self.random.below(60_000),
                },
            };
            let stop = Arc::new(Stop::default());
            let fates = fates(&mut self.random, &stop, &self.lab.reality, self.stack.renames);
            let work = work(self.lab.clone(), process, self.stack.clone(), task, stop, Arc::clone(&plans));
            executor.add(process, fates, Box::pin(work));
        }
        let reality = self.lab.reality.clone();
        let books = self.lab.books.clone();
        if let (Place::Folder(disk), true) = (&self.lab.place, self.random.one_in(3)) {
            disk.stop_after(self.random.below(150));
        }
        executor.run(&|process| {
            books.note(format!("process {process}: is killed"));
            reality.kill(process);
        })?;
        self.lab.reality.calm();
        if let Place::Folder(disk) = &self.lab.place {
            disk.start(&mut self.random);
        }
        let mut plans = plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.iter().for_each(|saved| self.let_go(saved));
        self.drawer.append(&mut plans);
        drop(plans);
        self.look()
    }

    /// Once nothing goes wrong, the next applies come to what the stack says, and then there is nothing to do.
    fn settle(&mut self) -> Result<(), String> {
        let rounds_max = 3 + self.stack.blocks.len();
        let mut last = String::new();
        for _ in 0..rounds_max {
            match self.calm()? {
                Calm::Applied => {}
                Calm::Protected => {
                    self.stack.blocks.values_mut().for_each(|block| block.lifecycle.protected = false);
                }
                Calm::Sensitive => self.stack.hides_ids = true,
                Calm::Nothing => {
                    return invariants::is_as_configured(&self.stack, &self.known, &self.lab.reality);
                }
                Calm::Failed(problem) => last = problem,
            }
        }
        Err(format!("it does not settle: {last}"))
    }

    /// One plan, and its apply if there is anything to do.
    fn calm(&mut self) -> Result<Calm, String> {
        let process = self.next();
        let (lab, stack) = (self.lab.clone(), self.stack.clone());
        let (found, saved) = (Mutex::new(Calm::Nothing), Mutex::new(None));
        let mut executor = Executor::new(&self.lab.time, self.random.fork());
        // Saved plans do not hold what is both secret and ignored, so they cannot always be applied.
        let ignores = stack.blocks.values().any(|block| block.lifecycle.ignores);
        let how = if ignores { How::AtOnce } else { How::FromFile };
        let work = async {
            let calm = match lab.plan(process, &stack, Asked::default()).await {
                Err(failure) => failed(&failure, &stack),
                Ok(plan) if plan.review.plan.is_empty() => Calm::Nothing,
                Ok(plan) => {
                    let applied = lab.apply(process, &plan, (how, LEASE_MS), &Stop::default()).await;
                    *saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan);
                    match applied {
                        Err(failure) => failed(&failure, &stack),
                        Ok(applied) => match applied.failed.first() {
                            Some(step) => Calm::Failed(format!("{}: {}", step.address, step.error)),
                            None => Calm::Applied,
                        },
                    }
                }
            };
            *found.lock().unwrap_or_else(PoisonError::into_inner) = calm;
        };
        executor.add(process, Vec::new(), Box::pin(work));
        executor.run(&|_| {})?;
        if let Some(saved) = saved.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.let_go(&saved);
        }
        self.look()?;
        match found.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Calm::Failed(problem) => Err(format!("in calm weather: {problem}")),
            calm => Ok(calm),
        }
    }

    /// What a plan lets go is nobody's from now on.
    fn let_go(&self, saved: &Saved) {
        let plan = &saved.review.plan;
        let forgotten =
            plan.changes.iter().filter(|change| change.action == meshform_engine::plan::Action::Forget);
        for change in forgotten {
            let key = change.target.as_ref().zip(change.identity.as_ref());
            let key = key.map(|(target, identity)| (target.name.clone(), identity.clone()));
            let has_heir = plan.changes.iter().any(|other| {
                other.address != change.address
                    && other.target == change.target
                    && other.identity == change.identity
            });
            if let Some(key) = key.filter(|_| !has_heir) {
                self.lab.reality.release(&key);
            }
        }
    }

    /// Looks at the state, the targets and the books: what must hold does.
    fn look(&mut self) -> Result<(), String> {
        let storage = self.lab.place.storage();
        let store = Store::over(Arc::clone(&storage), Arc::new(self.lab.time.clone()));
        let loaded = at_once(store.load())?.map_err(|error| format!("failed to {error}"))?.snapshot;
        every_prefix_folds(&*storage, &mut self.random)?;
        let effects = self.lab.reality.take_effects();
        self.lab.books.verdict()?;
        invariants::only_what_was_reviewed(&effects, &self.lab.books)?;
        invariants::nothing_is_forgotten(&loaded, &self.lab.reality)?;
        invariants::serial_follows_content(&self.known, &loaded)?;
        self.known = loaded;
        Ok(())
    }

    fn next(&mut self) -> Process {
        self.processes += 1;
        self.processes
    }
}

/// How a plan and apply in calm weather came out.
enum Calm {
    Nothing,
    Applied,
    /// Something is protected that would have to go.
    Protected,
    /// What lies in the place of an ignored secret is one, too, and an output that is not sensitive tells just that.
    Sensitive,
    Failed(String),
}

fn failed(failure: &Failure, stack: &Stack) -> Calm {
    match failure {
        Failure::Diagnostics(diagnostics) => {
            let errors: Vec<_> =
                diagnostics.iter().map(|it| format!("{}: {}", it.summary, it.detail)).collect();
            let says = |summary: &str| diagnostics.iter().any(|it| it.summary == summary);
            let ignores_secrets =
                stack.blocks.values().any(|it| it.lifecycle.ignores && matches!(it.input, Meant::Secret));
            match says("Destruction prevented") {
                true => Calm::Protected,
                false if ignores_secrets && says("Sensitive output") => Calm::Sensitive,
                false => Calm::Failed(errors.join(" ")),
            }
        }
        Failure::Store(error) => Calm::Failed(error.to_string()),
    }
}

/// What befalls a process: it may be killed, stand still, or be interrupted, and others may change what it has seen.
fn fates(random: &mut Random, stop: &Arc<Stop>, reality: &Reality, renames: bool) -> Vec<(u64, Fate)> {
    let mut fates = Vec::new();
    let told = |what: Arc<dyn Fn() + Send + Sync>| Fate::Told(Told(what));
    if random.one_in(2) {
        fates.push((random.below(STEPS), Fate::Killed));
    }
    if random.one_in(5) {
        let duration_ms = i64::try_from(random.below(90_000)).unwrap_or(0);
        fates.push((random.below(STEPS), Fate::Still(duration_ms)));
    }
    for _ in 0..random.below(4).saturating_sub(1) {
        let stop = Arc::clone(stop);
        fates.push((random.below(STEPS), told(Arc::new(move || stop.request()))));
    }
    if random.one_in(3) {
        let (reality, random_then) = (reality.clone(), Mutex::new(random.fork()));
        let meddling = move || {
            let mut random = random_then.lock().unwrap_or_else(PoisonError::into_inner);
            meddle(&reality, &mut random, renames);
        };
        fates.push((random.below(STEPS), told(Arc::new(meddling))));
    }
    fates
}

async fn work(
    lab: Lab,
    process: Process,
    stack: Stack,
    task: Task,
    stop: Arc<Stop>,
    plans: Arc<Mutex<Vec<Saved>>>,
) {
    let saved = match task {
        Task::Old(saved) => saved,
        Task::Whole { asked, review_ms } => {
            let Ok(saved) = lab.plan(process, &stack, asked).await else { return };
            plans.lock().unwrap_or_else(PoisonError::into_inner).push(saved.clone());
            meshform_engine::ports::Clock::sleep_ms(&lab.time, review_ms).await;
            saved
        }
    };
    // How it ends is told to the books.
    let wait_ms = lab.draw(|random| random.below(2) * 45_000);
    let _ = lab.apply(process, &saved, (How::FromFile, wait_ms), &stop).await;
}

/// Others change, remove or make something.
fn meddle(reality: &Reality, random: &mut Random, renames: bool) {
    let things = reality.things();
    let nth = usize::try_from(random.below(things.len() as u64)).unwrap_or(0);
    let there = things.iter().nth(nth);
    match (random.below(4), there) {
        (0, Some((key, _))) => reality.steal(key),
        (1, _) => {
            let key: Key = (cluster(random.below(2)), format!("t{}", random.below(20)));
            if !things.contains_key(&key) {
                reality.meddle(&key, &Value::object([]));
            }
        }
        (_, Some((key, thing))) => {
            let mut fields = thing.attributes.as_map().cloned().unwrap_or_default();
            // What cannot change must be replaced, and what is created first cannot be without a new name.
            let field = if renames || random.one_in(2) { "input" } else { "fixed" };
            fields.insert(field.to_owned(), Value::string(format!("by others {}", random.below(9))));
            reality.meddle(key, &Value::object(fields));
        }
        _ => {}
    }
}
