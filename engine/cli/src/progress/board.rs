//! Where a run stands: a fold of its events. Pure: the time comes in with each call.

use std::collections::BTreeMap;

use meshform_engine::address::Address;
use meshform_engine::observer::Progress;
use meshform_engine::plan::StepOperation;
use meshform_engine::ports::ProviderError;

use super::words::{doing, done};
use crate::render::style::{DANGER, FAINT, GOOD, paint};
use crate::render::text::{counted, duration, harmless, indented, wrap};

/// A step that says nothing for so long is mentioned again.
const REMINDER_MS: u64 = 10_000;
/// How wide the explanation of a failure may be.
const DETAIL_COLUMNS: usize = 100;

/// Where a run stands.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// Whether a frame tells what is under way, so that only ends need lines that stay.
    live: bool,
    steps: usize,
    ended: usize,
    failed: usize,
    running: BTreeMap<Address, Running>,
    /// What the plan is doing, by target.
    looking: BTreeMap<String, String>,
}

/// A step that is under way.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) operation: StepOperation,
    pub(super) since_ms: u64,
    pub(super) message: Option<String>,
    mentioned_ms: u64,
}

impl Board {
    pub(super) fn new(live: bool) -> Self {
        Self { live, ..Self::default() }
    }

    /// Steps that failed.
    pub(super) fn failed(&self) -> usize {
        self.failed
    }

    pub(super) fn running(&self) -> &BTreeMap<Address, Running> {
        &self.running
    }

    /// What the plan is doing at each target.
    pub(super) fn looking(&self) -> impl Iterator<Item = (&String, &String)> {
        self.looking.iter()
    }

    /// Steps that came to an end or will not be run, of so many.
    pub(super) fn ended(&self) -> (usize, usize) {
        (self.ended, self.steps)
    }

    /// Takes an event; gives the lines that stay.
    pub(super) fn take(&mut self, event: &Progress, now_ms: u64) -> Vec<String> {
        match event {
            Progress::Connecting { target } => self.look(target.to_string(), "connecting…".to_owned()),
            Progress::Observing { target: Some(target), count } => {
                self.look(target.to_string(), format!("looking at {}…", counted(*count, "instance")))
            }
            Progress::Previewing { target: Some(target), count } => {
                self.look(target.to_string(), format!("asking what {} would do…", counted(*count, "change")))
            }
            // What lives nowhere takes no time to look at.
            Progress::Observing { target: None, .. } | Progress::Previewing { target: None, .. } => {
                Vec::new()
            }
            Progress::ApplyStarted { steps } => {
                self.looking.clear();
                self.steps = *steps;
                Vec::new()
            }
            Progress::StepStarted { address, operation } => self.start(address, *operation, now_ms),
            Progress::StepReport { address, message } => self.report(address, message, now_ms),
            Progress::StepSucceeded { address, operation, elapsed_ms } => {
                self.running.remove(address);
                self.ended += 1;
                vec![self.end(address, &format!("{} in {}", done(*operation), duration(*elapsed_ms)), true)]
            }
            Progress::StepFailed { address, operation, error, elapsed_ms, .. } => {
                self.running.remove(address);
                self.ended += 1;
                self.failed += 1;
                self.failure(address, *operation, error, *elapsed_ms)
            }
            Progress::StepSkipped { address, because, .. } => {
                self.ended += 1;
                vec![skipped(address, because.as_ref())]
            }
        }
    }

    /// The lines due when time has passed: steps that have run for long without a word.
    pub(super) fn remind(&mut self, now_ms: u64) -> Vec<String> {
        if self.live {
            return Vec::new();
        }
        let due = self.running.iter_mut().filter(|(_, step)| now_ms >= step.mentioned_ms + REMINDER_MS);
        due.map(|(address, step)| {
            step.mentioned_ms = now_ms;
            let waits =
                step.message.as_deref().map(|message| format!(" {}", harmless(message))).unwrap_or_default();
            let elapsed = (now_ms - step.since_ms) / 1000;
            format!("{}: still {}… ({elapsed}s){waits}", name(address), doing(step.operation))
        })
        .collect()
    }

    fn look(&mut self, target: String, what: String) -> Vec<String> {
        let line = format!("{}: {what}", harmless(&target));
        self.looking.insert(target, what);
        if self.live { Vec::new() } else { vec![line] }
    }

    fn start(&mut self, address: &Address, operation: StepOperation, now_ms: u64) -> Vec<String> {
        let step = Running { operation, since_ms: now_ms, message: None, mentioned_ms: now_ms };
        self.running.insert(address.clone(), step);
        if self.live { Vec::new() } else { vec![format!("{}: {}…", name(address), doing(operation))] }
    }

    /// A report gets no line of its own: the frame shows the newest one, and a log tells it with the next reminder.
    fn report(&mut self, address: &Address, message: &str, now_ms: u64) -> Vec<String> {
        if let Some(step) = self.running.get_mut(address) {
            step.message = Some(message.to_owned());
        }
        self.remind(now_ms)
    }

    fn failure(
        &self,
        address: &Address,
        operation: StepOperation,
        error: &ProviderError,
        elapsed_ms: u64,
    ) -> Vec<String> {
        let elapsed = duration(elapsed_ms);
        let what = format!("{} failed after {elapsed}: {}", doing(operation), harmless(&error.summary));
        let detail = indented(wrap(&harmless(&error.detail), DETAIL_COLUMNS), 4);
        std::iter::once(self.end(address, &what, false)).chain(detail).collect()
    }

    fn end(&self, address: &Address, what: &str, good: bool) -> String {
        let (sign, style) = if good { ("✓", GOOD) } else { ("✗", DANGER) };
        match self.live {
            true => format!("{} {} {what}", paint(style, sign), name(address)),
            false if good => format!("{}: {what}", name(address)),
            false => format!("{}: {}", name(address), paint(DANGER, what)),
        }
    }
}

fn name(address: &Address) -> String {
    harmless(&address.to_string()).into_owned()
}

fn skipped(address: &Address, because: Option<&Address>) -> String {
    let why = match because {
        Some(failed) => format!("not run, because {} failed", name(failed)),
        None => "not run, because the apply is stopping".to_owned(),
    };
    paint(FAINT, format!("- {}: {why}", name(address)))
}

#[cfg(test)]
mod tests;
