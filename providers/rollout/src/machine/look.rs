//! One look, and what all stages ask of it. Each function breaks off with the action that is due, or lets the stage go on.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{Action, Stop, Wanted, note};
use crate::gate::Tally;
use crate::live::{Live, Pods, Reference};
use crate::record::{Outcome, Record, Seen, Stage};
use crate::router::{Goal, Reading, Refusal};
use crate::spec::OnFailure;
use crate::version::Version;
use crate::write::Write;

pub(super) struct Look<'a> {
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) live: &'a Live,
    pub(super) record: &'a Record,
    pub(super) now_ms: i64,
    pub(super) tallies: &'a BTreeMap<String, Tally>,
    pub(super) reading: Reading,
    pub(super) seen: &'a Seen,
}

impl<'a> Look<'a> {
    pub(super) fn old_version(&self) -> Option<&'a Version> {
        self.record.versions.old.as_ref()
    }

    pub(super) fn new_version(&self) -> &'a Version {
        &self.record.versions.new
    }

    pub(super) fn capacity(&self) -> u64 {
        self.wanted.spec.workload.replicas.max(1)
    }

    pub(super) fn weighs(&self) -> bool {
        self.wanted.spec.router.abilities().weighs
    }

    pub(super) fn pods(&self, version: &Version) -> Pods {
        self.live.pods(&version.deployment).unwrap_or_default()
    }

    pub(super) fn lasting(&self, version: &Version) -> u64 {
        self.live.lasting(&version.deployment)
    }

    pub(super) fn to_stage(&self, stage: Stage) -> ControlFlow<Action> {
        ControlFlow::Break(note(self.record.in_stage(stage)))
    }

    /// At least so many pods are asked for.
    pub(super) fn grown(&self, version: &Version, pods: u64) -> ControlFlow<Action> {
        match self.live.pods(&version.deployment) {
            Some(there) if there.wanted < pods => {
                ControlFlow::Break(Action::Write(Write::scale(&version.deployment, pods)))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// At least so many pods are ready.
    pub(super) fn ready(&self, version: &Version, pods: u64) -> ControlFlow<Action> {
        let ready = self.lasting(version);
        if ready >= pods {
            return ControlFlow::Continue(());
        }
        self.lacking(format!("{ready} of {pods} pods of {} are ready", version.deployment))
    }

    /// At most so many pods are asked for. Whether that is safe is the caller's business.
    pub(super) fn shrunk(&self, version: &Version, pods: u64) -> ControlFlow<Action> {
        if self.pods(version).wanted > pods {
            return ControlFlow::Break(Action::Write(Write::scale(&version.deployment, pods)));
        }
        ControlFlow::Continue(())
    }

    /// No more pods are ready than are asked for.
    pub(super) fn gone(&self, version: &Version) -> ControlFlow<Action> {
        let Pods { wanted, ready } = self.pods(version);
        if ready <= wanted {
            return ControlFlow::Continue(());
        }
        self.lacking(format!("{} still has {ready} pods ready, and is to have {wanted}", version.deployment))
    }

    /// The Service of a version is there and selects only its pods.
    pub(super) fn service(&self, version: &Version) -> ControlFlow<Action> {
        let Some(ports) = self.wanted.spec.router.ports() else { return ControlFlow::Continue(()) };
        let there = self.live.get(&Reference::service(&version.service));
        let selector = there.and_then(|service| service.pointer("/spec/selector"));
        let pin = serde_json::json!(version.pin);
        if selector == Some(&pin) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(Action::Write(version.service_write(self.wanted.rollout, &ports)))
    }

    /// The Service of a version has endpoints, so that requests may be sent to it.
    pub(super) fn reachable(&self, version: &Version) -> ControlFlow<Action> {
        if self.wanted.spec.router.ports().is_none() || self.endpoints(version) > 0 {
            return ControlFlow::Continue(());
        }
        self.lacking(format!("the Service {} has no ready endpoint", version.service))
    }

    fn endpoints(&self, version: &Version) -> u64 {
        self.live.endpoints.get(&version.service).copied().unwrap_or(0)
    }

    /// The Service of a version is gone.
    pub(super) fn without_service(&self, version: &Version) -> ControlFlow<Action> {
        let reference = Reference::service(&version.service);
        if self.wanted.spec.router.ports().is_some() && self.live.get(&reference).is_some() {
            return ControlFlow::Break(Action::Write(Write::Delete(reference)));
        }
        ControlFlow::Continue(())
    }

    /// The route is as the goal has it. Each write waits until the one before is in force, unless there is no time for that.
    pub(super) fn routed(&self, goal: &Goal<'_>, is_urgent: bool) -> ControlFlow<Action> {
        let router = &self.wanted.spec.router;
        let write = match router.toward(goal, &self.record.versions, self.live) {
            Ok(Some(write)) => write,
            Ok(None) => return ControlFlow::Continue(()),
            Err(refusal) => return refused(refusal),
        };
        if !is_urgent {
            self.steady()?;
        }
        let form = match router.read(&self.record.versions, &written(self.live, &write)) {
            Ok(reading) => reading.form,
            Err(refusal) => return refused(refusal),
        };
        let is_noted = self.seen.form == form || self.record.expected.as_deref() == Some(&form);
        ControlFlow::Break(match is_noted {
            true => Action::Write(write),
            // What is under way is noted before it is tried.
            false => note(Record { expected: Some(form), ..self.record.clone() }),
        })
    }

    /// The route as it is seen is in force: confirmed, and older than the router's grace.
    pub(super) fn steady(&self) -> ControlFlow<Action> {
        let router = &self.wanted.spec.router;
        if let Some(what) = router.unconfirmed(&self.record.versions, self.live) {
            return self.lacking(what);
        }
        let until_ms = self.seen.since_ms.saturating_add(router.grace_ms());
        self.until(until_ms, "the route takes effect")
    }

    pub(super) fn until(&self, until_ms: i64, why: &str) -> ControlFlow<Action> {
        if self.now_ms >= until_ms {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(Action::Wait { why: why.to_owned(), until_ms: Some(until_ms) })
    }

    /// Something is missing: wait, and when it has been so for too long, give up.
    pub(super) fn lacking(&self, what: String) -> ControlFlow<Action> {
        let Some(since_ms) = self.record.lacking_since_ms else {
            let lacking_since_ms = Some(self.now_ms);
            return ControlFlow::Break(note(Record { lacking_since_ms, ..self.record.clone() }));
        };
        let until_ms = since_ms.saturating_add(self.wanted.spec.progress_deadline_ms);
        if self.now_ms < until_ms {
            return ControlFlow::Break(Action::Wait { why: what, until_ms: Some(until_ms) });
        }
        match self.record.stage {
            Stage::Aborting(_) | Stage::Retiring => ControlFlow::Break(Action::Refused(Stop::Stuck(what))),
            _ => self.failed(format!("the progress deadline has passed, and {what}")),
        }
    }

    /// Nothing is missing any more.
    pub(super) fn recovered(&self) -> ControlFlow<Action> {
        if self.record.lacking_since_ms.is_none() {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(note(Record { lacking_since_ms: None, ..self.record.clone() }))
    }

    /// Since when the stage has all that it wants; noted the first time.
    pub(super) fn held(&self) -> ControlFlow<Action, i64> {
        match self.record.held_since_ms {
            Some(since_ms) => ControlFlow::Continue(since_ms),
            None => {
                let held_since_ms = Some(self.now_ms);
                ControlFlow::Break(note(Record { held_since_ms, ..self.record.clone() }))
            }
        }
    }

    /// The rollout cannot go on: back, or a person looks.
    pub(super) fn failed(&self, reason: String) -> ControlFlow<Action> {
        if self.old_version().is_none() {
            return self.to_stage(Stage::Ended(Outcome::Failed(reason)));
        }
        match self.wanted.spec.on_failure {
            OnFailure::Rollback => self.to_stage(Stage::Aborting(reason)),
            OnFailure::Pause => ControlFlow::Break(Action::Paused(reason)),
        }
    }
}

fn refused(refusal: Refusal) -> ControlFlow<Action> {
    ControlFlow::Break(Action::Refused(Stop::Unknown(refusal)))
}

/// What is live after a write.
pub(crate) fn written(live: &Live, write: &Write) -> Live {
    let mut live = live.clone();
    let reference = write.reference().clone();
    match write.onto(live.objects.get(&reference)) {
        Some(object) => live.objects.insert(reference, object),
        None => live.objects.remove(&reference),
    };
    live
}
