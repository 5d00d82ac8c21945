//! Runs a plan's steps: journal, perform, journal. The only part of applying that waits for anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::{Either, FutureExt as _, select};
use futures::stream::{FuturesUnordered, StreamExt as _};

use super::look_up;
use super::moved::MovedField;
use super::refresh::refresh;
use super::schedule::{Schedule, left};
use super::step::{Prepared, Preparing, failed_record, prepare};
use super::values::Values;
use super::{Event, Fold};
use crate::address::{Address, TargetAddress};
use crate::condition;
use crate::diagnostic::Diagnostics;
use crate::lower::LookUp;
use crate::observer::{Observer, Progress, Stop};
use crate::plan::{Plan, StepOperation};
use crate::ports::{
    self, BoxFuture, Clock, Journal, Performed, ProviderError, StepFailure, StoreError, Target,
};
use crate::state::{Record, RecordStatus, Snapshot};
use crate::value::Value;

/// All that a run works with.
pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) preparing: Preparing<'a>,
    pub(super) targets: &'a BTreeMap<TargetAddress, Arc<dyn Target>>,
    pub(super) builtin: Arc<dyn Target>,
    pub(super) clock: &'a dyn Clock,
    pub(super) observer: &'a dyn Observer,
    pub(super) stop: &'a Stop,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) snapshot: Snapshot,
    pub(super) succeeded: Vec<usize>,
    pub(super) failed: Vec<(usize, Failed)>,
    pub(super) skipped: BTreeSet<usize>,
    /// Whether running steps were abandoned, so that the journal must stay as it is.
    pub(super) abandoned: bool,
}

/// Why a step failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: ProviderError,
    /// What is not as reviewed any more, if that is why.
    pub(super) moved: Vec<MovedField>,
}

impl From<ProviderError> for Failed {
    fn from(error: ProviderError) -> Self {
        Self { error, moved: Vec::new() }
    }
}

/// A step that has come back from its target.
struct Returned {
    step: usize,
    work: Work,
    result: Result<Performed, StepFailure>,
    moved: Vec<MovedField>,
    elapsed_ms: u64,
}

/// What a step does.
enum Work {
    /// It changes something, or what is recorded.
    Change(Box<Prepared>),
    /// It only looks: nothing of it is recorded, not even in the journal.
    Look(Box<LookUp>),
}

/// The changing half of a run.
struct Running<'a, 'r> {
    run: &'r Run<'a>,
    schedule: Schedule,
    fold: Fold,
    journal: &'r mut dyn Journal,
    under_way: FuturesUnordered<BoxFuture<'r, Returned>>,
    begun: BTreeSet<usize>,
    outcome: Outcome,
}

/// Runs the steps until none can run any more, or until told to stop.
pub(super) async fn run<'r>(
    run: &'r Run<'_>,
    schedule: Schedule,
    values: &mut Values<'_>,
    snapshot: Snapshot,
    journal: &'r mut dyn Journal,
) -> Result<Outcome, StoreError> {
    let mut running = Running {
        outcome: Outcome {
            snapshot: Snapshot::default(),
            succeeded: Vec::new(),
            failed: Vec::new(),
            skipped: BTreeSet::new(),
            abandoned: false,
        },
        fold: Fold::new(snapshot),
        under_way: FuturesUnordered::new(),
        begun: BTreeSet::new(),
        run,
        schedule,
        journal,
    };
    let began = Event::Began { at_ms: run.clock.now_ms(), targets: run.plan.targets.clone() };
    running.record(vec![began]).await?;
    let mut seen = 0;
    loop {
        if !run.stop.is_draining() {
            running.launch(values).await?;
        }
        if running.under_way.is_empty() || run.stop.is_immediate() {
            break;
        }
        let raised = std::pin::pin!(run.stop.raised_above(seen));
        match select(running.under_way.next(), raised).await {
            Either::Left((Some(first), _)) => running.finish(first, values).await?,
            Either::Left((None, _)) => break,
            Either::Right((level, _)) => seen = level,
        }
    }
    Ok(running.end())
}

impl<'r> Running<'_, 'r> {
    /// Begins every step that may: all of their intents are made durable by one write.
    async fn launch(&mut self, values: &mut Values<'_>) -> Result<(), StoreError> {
        let mut events = Vec::new();
        let mut launched = Vec::new();
        while let Some(step) = self.schedule.start() {
            self.begun.insert(step);
            match self.prepare(step, values) {
                Ok(work) => {
                    events.extend(self.started(step, &work));
                    launched.push((step, work));
                }
                Err(error) => self.fail(step, error.into(), 0),
            }
        }
        if !events.is_empty() {
            self.record(events).await?;
        }
        for (step, work) in launched {
            self.begin(step, work);
        }
        Ok(())
    }

    fn prepare(&self, step: usize, values: &mut Values<'_>) -> Result<Work, ProviderError> {
        let run = self.run;
        let change = run.plan.steps.get(step).and_then(|step| run.plan.change(&step.address));
        match (self.named(step).1, change) {
            (StepOperation::Read, Some(change)) => {
                let look_up = look_up::prepare(change, values, &**run.preparing.fingerprinter)?;
                Ok(Work::Look(Box::new(look_up)))
            }
            _ => {
                let prepared = prepare(&run.preparing, run.plan, step, values, &self.fold.snapshot)?;
                Ok(Work::Change(Box::new(prepared)))
            }
        }
    }

    fn begin(&mut self, step: usize, work: Work) {
        let run = self.run;
        let (address, operation) = self.named(step);
        let change = run.plan.change(&address);
        let target = change.and_then(|change| change.target.clone());
        run.observer.event(&Progress::StepStarted { address, operation });
        let connected = match &target {
            Some(target) => run.targets.get(target).cloned(),
            None => Some(Arc::clone(&run.builtin)),
        };
        let began_ms = run.clock.now_ms();
        let perform = async move {
            let result = match (&work, connected.clone()) {
                (Work::Change(prepared), connected) => match (&prepared.request, connected) {
                    (Some(request), Some(connected)) => {
                        connected.perform(request, &Reporter(run.observer)).await
                    }
                    (None, connected) if prepared.looks_first.is_some() => {
                        let looked = refresh(change, prepared, connected.as_deref(), run.preparing.registry);
                        looked.await.unwrap_or_else(|| Err(not_connected(target.as_ref()).into()))
                    }
                    // Only the record changes, and to what is known already.
                    (None, _) => Ok(Performed {
                        attributes: prepared.intent.attributes.clone(),
                        private: prepared.intent.private.clone(),
                    }),
                    (Some(_), None) => Err(not_connected(target.as_ref()).into()),
                },
                (Work::Look(_), None) => Err(not_connected(target.as_ref()).into()),
                (Work::Look(look_up), Some(connected)) => {
                    let connected = target.as_ref().map(|_| &*connected);
                    let found = look_up::read(run.preparing.registry, connected, look_up).await;
                    let performed = |attributes| Performed { attributes, private: serde_json::Value::Null };
                    found.map(performed).map_err(StepFailure::from)
                }
            };
            let moved = match (&work, &result, change, connected) {
                (Work::Change(prepared), Err(failure), Some(change), Some(connected))
                    if failure.error.code == ports::ErrorCode::Changed =>
                {
                    run.preparing.moved(change, prepared, &*connected).await
                }
                _ => Vec::new(),
            };
            let elapsed_ms = u64::try_from(run.clock.now_ms() - began_ms).unwrap_or(0);
            Returned { step, work, result, moved, elapsed_ms }
        };
        self.under_way.push(Box::pin(perform));
    }

    /// Records the end of a step, and of all others that have come back meanwhile, by one write.
    async fn finish(&mut self, first: Returned, values: &mut Values<'_>) -> Result<(), StoreError> {
        let mut all = vec![first];
        while let Some(Some(next)) = self.under_way.next().now_or_never() {
            all.push(next);
        }
        let events: Vec<_> = all.iter().filter_map(|returned| self.ended(returned)).collect();
        if !events.is_empty() {
            self.record(events).await?;
        }
        for returned in all {
            self.conclude(returned, values);
        }
        Ok(())
    }

    fn conclude(&mut self, returned: Returned, values: &mut Values<'_>) {
        let Returned { step, work, result, moved, elapsed_ms } = returned;
        match result {
            Ok(performed) => {
                let (address, operation) = self.named(step);
                let attributes = self.mark(&work, &performed.attributes);
                if let Some(problem) = settle(values, &address, operation, &work, attributes) {
                    return self.fail(step, problem.into(), elapsed_ms);
                }
                self.schedule.succeed(step);
                self.outcome.succeeded.push(step);
                self.run.observer.event(&Progress::StepSucceeded { address, operation, elapsed_ms });
            }
            Err(failure) => {
                let error = self.scrub(&work, failure.error);
                self.fail(step, Failed { error, moved }, elapsed_ms);
            }
        }
    }

    fn mark(&self, work: &Work, attributes: &Value) -> Value {
        match work {
            Work::Change(prepared) => prepared.mark(attributes),
            Work::Look(look_up) => {
                look_up::secrets(look_up, self.run.preparing.fingerprinter).mark(attributes)
            }
        }
    }

    fn scrub(&self, work: &Work, error: ProviderError) -> ProviderError {
        match work {
            Work::Change(prepared) => prepared.scrub(error),
            Work::Look(look_up) => {
                let secrets = look_up::secrets(look_up, self.run.preparing.fingerprinter);
                ProviderError { detail: secrets.scrub(&error.detail), ..error }
            }
        }
    }

    fn fail(&mut self, step: usize, failure: Failed, elapsed_ms: u64) {
        let (failed, operation) = self.named(step);
        let observer = self.run.observer;
        observer.event(&Progress::StepFailed {
            address: failed.clone(),
            operation,
            error: failure.error.clone(),
            moved: failure.moved.clone(),
            elapsed_ms,
        });
        self.outcome.failed.push((step, failure));
        for skipped in self.schedule.fail(step) {
            self.skip(skipped, Some(failed.clone()));
        }
    }

    fn skip(&mut self, step: usize, because: Option<Address>) {
        let (address, operation) = self.named(step);
        self.outcome.skipped.insert(step);
        self.run.observer.event(&Progress::StepSkipped { address, operation, because });
    }

    fn end(mut self) -> Outcome {
        for step in left(&self.run.plan.steps, &self.begun, &self.outcome.skipped) {
            self.skip(step, None);
        }
        self.outcome.abandoned = !self.under_way.is_empty();
        Outcome { snapshot: self.fold.snapshot, ..self.outcome }
    }

    async fn record(&mut self, events: Vec<Event>) -> Result<(), StoreError> {
        self.journal.append(&events).await?;
        for event in events {
            self.fold.add(event).map_err(|error| StoreError::Invalid {
                what: "the journal".to_owned(),
                problem: error.to_string(),
            })?;
        }
        Ok(())
    }

    fn started(&self, step: usize, work: &Work) -> Option<Event> {
        let Work::Change(prepared) = work else { return None };
        let (address, operation) = self.named(step);
        let (at_ms, intent) = (self.run.clock.now_ms(), prepared.intent.clone());
        Some(Event::Started { at_ms, address, operation, intent })
    }

    fn ended(&self, returned: &Returned) -> Option<Event> {
        let Work::Change(prepared) = &returned.work else { return None };
        let (address, operation) = self.named(returned.step);
        let at_ms = self.run.clock.now_ms();
        Some(match &returned.result {
            Ok(performed) => {
                let record = (!prepared.removes).then(|| Record {
                    attributes: prepared.mark(&performed.attributes),
                    private: performed.private.clone(),
                    status: RecordStatus::Complete,
                    ..prepared.intent.clone()
                });
                Event::Succeeded { at_ms, address, operation, record }
            }
            Err(failure) => {
                let error = prepared.scrub(failure.error.clone()).to_string();
                Event::Failed { at_ms, address, operation, error, record: failed_record(prepared, failure) }
            }
        })
    }

    fn named(&self, step: usize) -> (Address, StepOperation) {
        let step = &self.run.plan.steps[step];
        (step.address.clone(), step.operation)
    }
}

/// Takes note of what an instance has become, and tells what should hold of it and does not.
fn settle(
    values: &mut Values<'_>,
    address: &Address,
    operation: StepOperation,
    work: &Work,
    attributes: Value,
) -> Option<ProviderError> {
    use ports::Operation::{Create, Update};
    // What goes was no value of any expression, and of what is only recorded nothing has changed.
    let (StepOperation::Perform(Create | Update) | StepOperation::Read) = operation else { return None };
    values.settle(address, attributes.clone());
    let problems = match work {
        Work::Change(_) => values.postconditions(address, &attributes),
        Work::Look(look_up) => values.failures(look_up, attributes),
    };
    let first = problems.iter().next()?;
    let details: Vec<_> = problems.iter().map(|problem| problem.detail.as_str()).collect();
    let code = match condition::is_failure(first) {
        true => ports::ErrorCode::Condition,
        false => ports::ErrorCode::Invalid,
    };
    Some(ProviderError { code, summary: first.summary.clone(), detail: details.join(" "), path: None })
}

/// Evaluates the outputs, if all that they may depend on came to its end.
pub(super) fn outputs(
    outcome: &Outcome,
    plan: &Plan,
    values: &mut Values<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<BTreeMap<String, Value>> {
    if !outcome.failed.is_empty() || !outcome.skipped.is_empty() {
        return None;
    }
    let mut problems = Diagnostics::new();
    let is_planned = |name: &str| plan.outputs.get(name).is_some_and(|output| output.after.is_some());
    let mut outputs = match plan.destroy {
        true => BTreeMap::new(),
        false => values.outputs(|name| !plan.leaves_outputs() || is_planned(name), &mut problems),
    };
    if plan.leaves_outputs() {
        let recorded = outcome.snapshot.outputs.iter().filter(|(name, _)| !plan.outputs.contains_key(*name));
        outputs.extend(recorded.map(|(name, value)| (name.clone(), value.clone())));
    }
    let outputs = (!problems.has_errors()).then_some(outputs);
    diagnostics.extend(problems);
    outputs
}

fn not_connected(target: Option<&TargetAddress>) -> ProviderError {
    let name = target.map(ToString::to_string).unwrap_or_default();
    ProviderError {
        code: ports::ErrorCode::Other,
        summary: "Target not connected".to_owned(),
        detail: format!("The plan has a step on {name}, to which this run has no connection. Plan again."),
        path: None,
    }
}

/// Hands a target's reports on to whoever watches the run.
struct Reporter<'a>(&'a dyn Observer);

impl ports::Progress for Reporter<'_> {
    fn report(&self, address: &Address, message: &str) {
        self.0.event(&Progress::StepReport { address: address.clone(), message: message.to_owned() });
    }
}
