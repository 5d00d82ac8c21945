//! What is to be done next.
//!
//! [`next`] is a pure function of what is wanted, what is live, the time and the gates' tallies. It names one action. Every action may be done
//! twice, and after any of them, or after none, one calls it again with a new look. So a crash needs no clearing up, and it does not
//! matter which machine goes on.
//!
//! # The rules
//!
//! 1. New pods are ready before any weight goes to them.
//! 2. Selectors are pinned before there are new pods.
//! 3. A weight is 0 before what it weighs is retargeted.
//! 4. A version grows before traffic is shifted to it; it shrinks only after the shift is confirmed, and drained.
//! 5. The version that a route falls back on never is without pods.
//! 6. Weights never are all 0.
//! 7. Going back is traffic first, pods second, identity last. It needs no gate.
//! 8. Past promotion, going back is a rollout to the previous version.

mod ending;
mod look;
mod rest;
mod stepping;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_json::Value as Json;

use self::look::Look;
pub(crate) use self::look::written;
use self::rest::Rest;
use crate::gate::Tally;
use crate::live::{Live, Reference};
use crate::pods::{Level, levels};
use crate::record::{Outcome, Record, Seen, Stage};
use crate::router::Refusal;
use crate::spec::Spec;
use crate::version::{self, ROLLOUT_LABEL, Version, label_of};
use crate::write::Write;

/// What the configuration wants.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// What the rollout is called.
    pub rollout: &'a str,
    /// What its block says.
    pub spec: &'a Spec,
    /// The version that its pod template makes.
    pub target: Version,
    /// The version that is there before the first rollout: an adopted Deployment.
    pub first: Option<Version>,
    /// The steps, and as the last one that the new version gets everything.
    pub levels: Vec<Level>,
}

impl<'a> Wanted<'a> {
    /// What a block wants, where this is the version that is there before the first rollout.
    pub fn new(rollout: &'a str, spec: &'a Spec, first: Option<Version>) -> Self {
        let target = Version::of_template(rollout, &spec.workload.template);
        Self { rollout, spec, target, first, levels: levels(spec) }
    }

    /// The way back after promotion: a rollout to the version before, in one step. Nothing where there is none.
    pub fn back(rollout: &'a str, spec: &'a Spec, record: &Record) -> Option<(Self, Record)> {
        let undone = record.undone()?;
        let levels = levels(spec).pop().into_iter().collect();
        let target = undone.versions.new.clone();
        Some((Self { rollout, spec, target, first: None, levels }, undone))
    }

    /// The pod template of a version, if it is the one that the block has.
    fn template_of(&self, version: &Version) -> Option<&'a Json> {
        let template = &self.spec.workload.template;
        (version::id(template) == version.id).then_some(template)
    }

    /// The index of the step that gives the new version everything.
    pub fn last(&self) -> usize {
        self.levels.len().saturating_sub(1)
    }
}

/// One action.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Write this.
    Write(Write),
    /// Note this.
    Note(Box<Record>),
    /// Measure the gate of this name, and add it to its tally. A stage begins with empty tallies.
    Measure(String),
    /// Look again later.
    Wait {
        /// What is waited for, in a few words.
        why: String,
        /// When it is over, where that is known; in milliseconds since the Unix epoch.
        until_ms: Option<i64>,
    },
    /// Nothing, until a person says how to go on.
    Paused(String),
    /// Nothing: what is there is not what the rollout made, and a person has to look.
    Refused(Stop),
    /// Nothing: it has ended so.
    Ended(Outcome),
}

/// Why a rollout does not go on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The router does not know its objects.
    Unknown(Refusal),
    /// Somebody else has changed the route.
    Edited {
        /// How the rollout left it.
        left: String,
        /// How it is now.
        found: String,
    },
    /// Objects of the rollout are there, but what it has noted is not: which version has the traffic would be a guess.
    Forgotten(Reference),
    /// Something that going on needs is missing for longer than the deadline, and there is no way back by itself.
    Stuck(String),
}

/// The next action. `tallies` are of the gates of the present stage, by name.
pub fn next(wanted: &Wanted<'_>, live: &Live, now_ms: i64, tallies: &BTreeMap<String, Tally>) -> Action {
    let Some(record) = &live.record else {
        if let Some(reference) = running(wanted, live) {
            return Action::Refused(Stop::Forgotten(reference));
        }
        return note(Record::begin(wanted.rollout, wanted.first.clone(), wanted.target.clone()));
    };
    match decide(wanted, live, record, now_ms, tallies) {
        ControlFlow::Break(action) => action,
        // Every stage ends in an action; nothing to do is to have ended.
        ControlFlow::Continue(()) => Action::Ended(Outcome::Promoted),
    }
}

/// A Deployment of the rollout's own that is to have pods.
fn running(wanted: &Wanted<'_>, live: &Live) -> Option<Reference> {
    let name = label_of(wanted.rollout);
    let is_running = |(reference, object): &(&Reference, &Json)| {
        let label = object.pointer("/metadata/labels").and_then(|labels| labels.get(ROLLOUT_LABEL));
        reference.kind == "Deployment"
            && label.and_then(Json::as_str) == Some(&name)
            && live.pods(&reference.name).is_some_and(|pods| pods.wanted > 0)
    };
    live.objects.iter().find(is_running).map(|(reference, _)| reference.clone())
}

fn note(record: Record) -> Action {
    Action::Note(Box::new(record))
}

fn decide(
    wanted: &Wanted<'_>,
    live: &Live,
    record: &Record,
    now_ms: i64,
    tallies: &BTreeMap<String, Tally>,
) -> ControlFlow<Action> {
    if let Stage::Ended(outcome) = &record.stage {
        ended(wanted, record, outcome)?;
    }
    let is_under_way = matches!(record.stage, Stage::Preparing | Stage::Step(_) | Stage::Promoting);
    if is_under_way && record.versions.new.id != wanted.target.id {
        let reason = format!("another version, {}, is wanted now", wanted.target.id);
        return ControlFlow::Break(note(record.in_stage(Stage::Aborting(reason))));
    }
    let reading = match wanted.spec.router.read(&record.versions, live) {
        Ok(reading) => reading,
        Err(refusal) => return ControlFlow::Break(Action::Refused(Stop::Unknown(refusal))),
    };
    if matches!(record.stage, Stage::Ended(_)) {
        return Rest { wanted, live, record }.decide();
    }
    let seen = recognised(record, &reading.form, now_ms)?;
    let look = Look { wanted, live, record, now_ms, tallies, reading, seen };
    match &record.stage {
        Stage::Preparing => look.preparing(),
        Stage::Step(index) => look.step((*index).min(wanted.last())),
        Stage::Promoting => look.promoting(),
        Stage::Retiring => look.retiring(),
        Stage::Aborting(reason) => look.aborting(reason),
        Stage::Ended(outcome) => ControlFlow::Break(Action::Ended(outcome.clone())),
    }
}

/// Goes on where the wanted version has everything, and is only to be kept so.
fn ended(wanted: &Wanted<'_>, record: &Record, outcome: &Outcome) -> ControlFlow<Action> {
    let is_same = record.versions.new.id == wanted.target.id;
    ControlFlow::Break(match (outcome, record.stable()) {
        (Outcome::Promoted, _) if is_same => return ControlFlow::Continue(()),
        (outcome, _) if is_same => Action::Ended(outcome.clone()),
        // A rollout away from it has gone back.
        (_, Some(stable)) if stable.id == wanted.target.id => {
            let record = Record::begin(wanted.rollout, None, stable.clone());
            note(record.in_stage(Stage::Ended(Outcome::Promoted)))
        }
        (_, stable) => note(Record::begin(wanted.rollout, stable.cloned(), wanted.target.clone())),
    })
}

/// Whether the route looks as the rollout left it, or as its present write makes it.
fn recognised<'a>(record: &'a Record, form: &str, now_ms: i64) -> ControlFlow<Action, &'a Seen> {
    let noted = || {
        let seen = Some(Seen { form: form.to_owned(), since_ms: now_ms });
        ControlFlow::Break(note(Record { seen, expected: None, ..record.clone() }))
    };
    match &record.seen {
        Some(seen) if seen.form == form => ControlFlow::Continue(seen),
        None => noted(),
        Some(_) if record.expected.as_deref() == Some(form) => noted(),
        // Going back starts from whatever is there.
        Some(_) if matches!(record.stage, Stage::Aborting(_)) => noted(),
        Some(seen) => ControlFlow::Break(Action::Refused(Stop::Edited {
            left: seen.form.clone(),
            found: form.to_owned(),
        })),
    }
}
