//! What a simulated process consists of, and what it does: plan, review, apply.

use std::sync::{Arc, Mutex, PoisonError};

use meshform_engine::address::Address;
use meshform_engine::apply::{Applied, apply};
use meshform_engine::diagnostic::Sources;
use meshform_engine::files::NoFiles;
use meshform_engine::inputs::Input;
use meshform_engine::modules;
use meshform_engine::observer::{Observer, Progress, Stop};
use meshform_engine::pipeline::{Failure, Options, World, plan};
use meshform_engine::plan::{Refresh, Restriction};
use meshform_engine::ports::{Provider, StateStore};

use crate::books::{Books, Review};
use crate::executor::{Process, Time};
use crate::invariants;
use crate::place::Place;
use crate::planted::Bug;
use crate::random::Random;
use crate::reality::Reality;
use crate::stack::{MODULE, Stack, secret};
use crate::things::Things;

/// All that processes have in common.
#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) time: Time,
    pub(crate) books: Books,
    pub(crate) reality: Reality,
    pub(crate) place: Place,
    pub(crate) random: Arc<Mutex<Random>>,
    pub(crate) bug: Option<Bug>,
}

/// What a plan is asked to be besides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) replace: Vec<Address>,
    pub(crate) restriction: Option<Restriction>,
    pub(crate) refresh: Refresh,
}

/// How a plan comes to its apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It was saved.
    FromFile,
    /// It was just made, and holds what is secret in it.
    AtOnce,
}

/// A plan that was saved, with what its maker knew.
#[derive(Clone)]
pub(crate) struct Saved {
    pub(crate) bytes: Vec<u8>,
    pub(crate) review: Arc<Review>,
    inputs: Vec<Input>,
}

impl Lab {
    pub(crate) fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn store(&self, process: Process) -> Arc<dyn StateStore> {
        self.place.store(self, process)
    }

    fn world(&self, process: Process) -> World {
        let things = Things {
            process,
            reality: self.reality.clone(),
            time: self.time.clone(),
            random: Arc::clone(&self.random),
            proves: self.bug != Some(Bug::IgnoredPrecondition),
        };
        let provider: Arc<dyn Provider> = Arc::new(things);
        World::new([provider], [], self.store(process), Arc::new(NoFiles), Arc::new(self.time.clone()))
    }

    /// A process that plans as it is asked to, and saves its plan.
    pub(crate) async fn plan(&self, process: Process, stack: &Stack, asked: Asked) -> Result<Saved, Failure> {
        let (world, options) = (self.world(process), options(stack, asked));
        let recorder = Recorder { process, books: self.books.clone() };
        let planned = plan(sources(&stack.text()), &world, &options, &recorder).await;
        let planned = planned.inspect_err(|failure| self.hear(process, failure))?.plan;
        let seen = self.reality.take_seen(process);
        let loaded = world.store.load().await?.snapshot;
        let prior = (loaded.serial == planned.serial).then_some(loaded);
        let bytes = world.store.encode_plan(&planned).await?;
        self.books.note(format!("process {process}: plans {}", shown(&planned)));
        if let Err(problem) = invariants::out_of_reach_is_left_alone(&planned, prior.as_ref()) {
            self.books.accuse(problem);
        }
        self.books.listen("a saved plan", &String::from_utf8_lossy(&bytes));
        self.books.listen("a plan", &format!("{:?} {:?}", planned.changes, planned.partial));
        let review = Arc::new(Review { plan: planned, prior, seen });
        Ok(Saved { bytes, review, inputs: options.inputs })
    }

    /// A process that applies a plan, and waits so long for the lock.
    pub(crate) async fn apply(
        &self,
        process: Process,
        saved: &Saved,
        (how, lock_wait_ms): (How, u64),
        stop: &Stop,
    ) -> Result<Applied, Failure> {
        let world = self.world(process);
        self.books.reviewed(process, Arc::clone(&saved.review));
        self.books
            .note(format!("process {process}: applies the plan of serial {}", saved.review.plan.serial));
        let plan = match how {
            How::FromFile => world.store.decode_plan(&saved.bytes)?,
            How::AtOnce => saved.review.plan.clone(),
        };
        let plan = match self.bug {
            Some(bug) => bug.plan(plan),
            None => plan,
        };
        let parallelism = self.draw(|random| [1, 2, 16][usize::try_from(random.below(3)).unwrap_or(0)]);
        let inputs = saved.inputs.clone();
        let options = Options { inputs, lock_wait_ms, parallelism, ..Options::default() };
        let recorder = Recorder { process, books: self.books.clone() };
        let applied = apply(&plan, &world, &options, &recorder, stop).await;
        match &applied {
            Ok(applied) => {
                let failed: Vec<_> =
                    applied.failed.iter().map(|it| format!("{}: {}", it.address, it.error)).collect();
                self.books.note(format!("process {process}: has applied, but for {failed:?}"));
                self.books.listen("what an apply tells", &format!("{failed:?} {:?}", applied.diagnostics));
            }
            Err(failure) => self.hear(process, failure),
        }
        applied
    }

    fn hear(&self, process: Process, failure: &Failure) {
        let said = match failure {
            Failure::Store(error) => error.to_string(),
            Failure::Diagnostics(diagnostics) => {
                let said: Vec<_> =
                    diagnostics.iter().map(|it| format!("{}: {}", it.summary, it.detail)).collect();
                said.join(" ")
            }
        };
        self.books.listen("a failure", &said);
        self.books.note(format!("process {process}: fails: {said}"));
    }
}

/// A plan's actions that are any, in a line.
fn shown(plan: &meshform_engine::plan::Plan) -> String {
    let changes = plan.changes.iter().filter(|change| change.action != meshform_engine::plan::Action::NoOp);
    let changes: Vec<_> = changes.map(|change| format!("{:?} {}", change.action, change.address)).collect();
    let lost: Vec<_> = plan.unreachable().iter().map(|lost| format!(", without {}", lost.target)).collect();
    format!("from serial {}: {}{}", plan.serial, changes.join(", "), lost.concat())
}

fn options(stack: &Stack, asked: Asked) -> Options {
    let Asked { replace, restriction, refresh } = asked;
    let input = Input::Text { name: "s".to_owned(), text: secret(stack.secret), origin: "-var".to_owned() };
    Options {
        inputs: vec![input],
        destroy: stack.destroy,
        replace,
        restriction,
        refresh,
        ..Options::default()
    }
}

fn sources(text: &str) -> Sources {
    let mut sources = Sources::default();
    sources.add("main.hcl", text);
    sources.add_in(Some("m"), "m/main.hcl", MODULE);
    while let missing @ [_, ..] = &modules::missing(&sources)[..] {
        for call in missing {
            sources.locate(call.path.clone(), Ok("m".to_owned()));
        }
    }
    sources
}

/// Takes note of all that a run tells those who watch it.
struct Recorder {
    process: Process,
    books: Books,
}

impl Observer for Recorder {
    fn event(&self, event: &Progress) {
        let said = format!("{event:?}");
        self.books.listen("an event", &said);
        if let Progress::StepFailed { address, operation, error, .. } = event {
            self.books.note(format!("process {}: {operation:?} {address} fails: {error}", self.process));
        }
    }
}
