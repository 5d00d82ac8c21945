//! Bugs that are planted where the world is injected, to show that the simulator finds such bugs.

use meshform_engine::apply::Event;
use meshform_engine::plan::{Plan, StepOperation};
use meshform_engine::ports::Operation;

use crate::random::Random;
use crate::scenario::Scenario;
use crate::seeds::first_failure;

/// Seeds within which every planted bug is found.
const SEEDS: u64 = 500;

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The disk says that it has synced, and has not.
    SkippedSync,
    /// The journal loses an entry now and then.
    DroppedEntry,
    /// The journal learns what was tried only when it has been done.
    LateIntent,
    /// What sensitive values are is written down.
    LeakedSecret,
    /// The plan's removals wait for nothing, and the last is the first.
    ReorderedDeletes,
    /// Targets do not check what was reviewed.
    IgnoredPrecondition,
    /// What is written is not proved: neither by the lease, nor by the storage's conditions.
    UnprovenWrite,
}

impl Bug {
    /// The entries as a journal with this bug takes them. `held` are those that it has not written yet.
    pub(crate) fn entries(self, events: &[Event], held: &mut Vec<Event>, random: &mut Random) -> Vec<Event> {
        match self {
            Self::DroppedEntry => events.iter().filter(|_| !random.one_in(12)).cloned().collect(),
            Self::LateIntent => {
                let (begun, other): (Vec<_>, Vec<_>) =
                    events.iter().cloned().partition(|event| matches!(event, Event::Started { .. }));
                held.extend(begun);
                if other.iter().all(|event| matches!(event, Event::Began { .. })) {
                    return other;
                }
                held.drain(..).chain(other).collect()
            }
            Self::LeakedSecret => events.iter().cloned().map(leak).collect(),
            _ => events.to_vec(),
        }
    }

    /// The plan as an apply with this bug reads it.
    pub(crate) fn plan(self, mut plan: Plan) -> Plan {
        if self == Self::ReorderedDeletes {
            let is_removal = |step: &meshform_engine::plan::Step| {
                step.operation == StepOperation::Perform(Operation::Delete)
            };
            let removals: Vec<usize> =
                (0..plan.steps.len()).filter(|at| is_removal(&plan.steps[*at])).collect();
            for (at, before) in removals.iter().zip(removals.iter().skip(1)) {
                plan.steps[*at].after.clear();
                plan.steps[*before].after = vec![*at];
            }
        }
        plan
    }
}

fn leak(event: Event) -> Event {
    match event {
        Event::Succeeded { at_ms, address, operation, record: Some(mut record) } => {
            record.attributes = record.attributes.unmarked();
            Event::Succeeded { at_ms, address, operation, record: Some(record) }
        }
        event => event,
    }
}

/// Finds the bug, and tells what gave it away.
fn check(bug: Bug, expect: &[&str]) {
    let failure = first_failure(0..SEEDS, &|scenario: &Scenario| scenario.run_with(Some(bug)));
    let Some((scenario, problem)) = failure else { panic!("{bug:?} is not found within {SEEDS} seeds") };
    let told = problem.lines().last().unwrap_or_default();
    eprintln!("{bug:?}: seed {} says: {told}", scenario.seed);
    assert!(expect.iter().any(|expect| told.contains(expect)), "{bug:?}: {problem}");
}

#[test]
fn skipped_syncs_are_found() {
    check(Bug::SkippedSync, &["is forgotten", "read /stack/", "the serial went down"]);
}

#[test]
fn dropped_entries_are_found() {
    check(Bug::DroppedEntry, &["follow the journal", "is forgotten", "does not settle"]);
}

#[test]
fn intents_that_come_too_late_are_found() {
    check(Bug::LateIntent, &["is forgotten"]);
}

#[test]
fn leaked_secrets_are_found() {
    check(Bug::LeakedSecret, &["a secret is in"]);
}

#[test]
fn reordered_deletes_are_found() {
    check(Bug::ReorderedDeletes, &["which depends on it"]);
}

#[test]
fn ignored_preconditions_are_found() {
    check(Bug::IgnoredPrecondition, &["was changed since the review"]);
}

#[test]
fn writes_without_proof_are_found() {
    check(Bug::UnprovenWrite, &["another has taken over"]);
}
