//! Between two rollouts: the version that has everything keeps it, and has as many pods as are wanted.

use std::ops::ControlFlow;

use super::{Action, Stop, Wanted};
use crate::live::{Live, Reference};
use crate::record::{Outcome, Record};
use crate::router::Goal;
use crate::write::Write;

/// A look at a rollout that has ended well.
pub(super) struct Rest<'a> {
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) live: &'a Live,
    pub(super) record: &'a Record,
}

impl Rest<'_> {
    /// What is not as the rollout left it is made so again. Nothing is waited for: it is there, or it comes.
    pub(super) fn decide(&self) -> ControlFlow<Action> {
        let Self { wanted, live, record } = self;
        let version = &record.versions.new;
        let write = self.service().or_else(|| self.deployment());
        if let Some(write) = write {
            return ControlFlow::Break(Action::Write(write));
        }
        // Requests are not sent to where nothing answers.
        if live.lasting(&version.deployment) > 0 {
            match wanted.spec.router.toward(&Goal::Promoted, &record.versions, live) {
                Ok(Some(write)) => return ControlFlow::Break(Action::Write(write)),
                Ok(None) => {}
                Err(refusal) => return ControlFlow::Break(Action::Refused(Stop::Unknown(refusal))),
            }
        }
        ControlFlow::Break(Action::Ended(Outcome::Promoted))
    }

    fn service(&self) -> Option<Write> {
        let version = &self.record.versions.new;
        let ports = self.wanted.spec.router.ports()?;
        let is_there = self.live.get(&Reference::service(&version.service)).is_some();
        (!is_there).then(|| version.service_write(self.wanted.rollout, &ports))
    }

    fn deployment(&self) -> Option<Write> {
        let (version, workload) = (&self.record.versions.new, &self.wanted.spec.workload);
        let replicas = workload.replicas.max(1);
        match self.live.pods(&version.deployment) {
            Some(pods) if pods.wanted == replicas => None,
            Some(_) => Some(Write::scale(&version.deployment, replicas)),
            None => {
                let template = self.wanted.template_of(version)?;
                Some(version.deployment_write(template, &workload.selector, replicas))
            }
        }
    }
}
