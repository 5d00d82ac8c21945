//! The way up: prepare, the steps, promote.

use std::ops::ControlFlow;

use super::look::Look;
use super::{Action, note};
use crate::gate::{Judgement, Kind, Limits, Tally};
use crate::live::Reference;
use crate::pods::{Level, needed};
use crate::record::{Record, Stage};
use crate::router::Goal;
use crate::spec::Pause;

impl Look<'_> {
    /// Services and routes are pinned to the old version before there is a pod of the new one.
    pub(super) fn preparing(&self) -> ControlFlow<Action> {
        if let Some(old) = self.old_version() {
            self.service(old)?;
            self.service(self.new_version())?;
            self.reachable(old)?;
            self.routed(&Goal::Split(0, None), false)?;
            self.steady()?;
        } else {
            self.service(self.new_version())?;
        }
        self.deployment()?;
        self.to_stage(Stage::Step(if self.old_version().is_some() { 0 } else { self.wanted.last() }))
    }

    /// The Deployment of the new version is there, perhaps without pods.
    fn deployment(&self) -> ControlFlow<Action> {
        let new = self.new_version();
        if self.live.get(&Reference::deployment(&new.deployment)).is_some() {
            return ControlFlow::Continue(());
        }
        let Some(template) = self.wanted.template_of(new) else {
            return self
                .failed(format!("the Deployment {} is gone, and so is what was in it", new.deployment));
        };
        let write = new.deployment_write(template, &self.wanted.spec.workload.selector, 0);
        ControlFlow::Break(Action::Write(write))
    }

    /// One step: grow, shift, confirm, shrink; then its gates and its pause.
    pub(super) fn step(&self, index: usize) -> ControlFlow<Action> {
        let Some(level) = self.wanted.levels.get(index) else { return self.to_stage(Stage::Promoting) };
        self.deployment()?;
        self.grown(self.new_version(), level.new)?;
        self.alive()?;
        self.ready(self.new_version(), level.new)?;
        self.shifted(level)?;
        self.recovered()?;
        let held_since_ms = self.held()?;
        self.gates(level, held_since_ms)?;
        self.pause(level, held_since_ms)?;
        self.to_stage(if index >= self.wanted.last() { Stage::Promoting } else { Stage::Step(index + 1) })
    }

    /// Traffic that goes to no pod at all is worse than any way back.
    fn alive(&self) -> ControlFlow<Action> {
        let is_dead =
            self.weighs() && self.reading.sends_to_new() && self.pods(self.new_version()).ready == 0;
        if is_dead && self.old_version().is_some_and(|old| self.lasting(old) > 0) {
            return self.failed(format!("{} has no ready pod left", self.new_version().deployment));
        }
        ControlFlow::Continue(())
    }

    fn shifted(&self, level: &Level) -> ControlFlow<Action> {
        let Some(old) = self.old_version() else { return ControlFlow::Continue(()) };
        if let Some(weight) = level.weight {
            self.reachable_for(level)?;
            self.grown(old, level.old)?;
            self.ready(old, needed(100u8.saturating_sub(weight), self.capacity()))?;
            self.routed(&Goal::Split(weight, level.step.matching.as_ref()), false)?;
            return self.steady();
        }
        // The new pods are ready, and both versions' pods of a level come to the capacity at least.
        self.grown(old, level.old)?;
        self.shrunk(old, level.old)?;
        self.gone(old)?;
        self.ready(old, level.old)
    }

    fn reachable_for(&self, level: &Level) -> ControlFlow<Action> {
        if level.share > 0 || level.step.matching.is_some() {
            return self.reachable(self.new_version());
        }
        ControlFlow::Continue(())
    }

    fn gates(&self, level: &Level, held_since_ms: i64) -> ControlFlow<Action> {
        for name in &level.step.gates {
            let Some(gate) = self.wanted.spec.gates.get(name) else {
                return self.failed(format!("there is no gate {name}"));
            };
            match gate.kind {
                Kind::Manual if self.record.is_resumed => {}
                Kind::Manual => return ControlFlow::Break(Action::Paused(format!("gate {name}"))),
                _ => self.measured(name, &gate.limits, held_since_ms)?,
            }
        }
        ControlFlow::Continue(())
    }

    fn measured(&self, name: &str, limits: &Limits, held_since_ms: i64) -> ControlFlow<Action> {
        let untouched = Tally::default();
        let tally = self.tallies.get(name).unwrap_or(&untouched);
        match tally.judge(limits, held_since_ms) {
            Judgement::Passed => ControlFlow::Continue(()),
            Judgement::Failed(reason) => self.failed(format!("gate {name} is not passed: {reason}")),
            // A person has looked.
            Judgement::Inconclusive(_) if self.record.is_resumed => ControlFlow::Continue(()),
            Judgement::Inconclusive(reason) => {
                ControlFlow::Break(Action::Paused(format!("gate {name} tells nothing: {reason}")))
            }
            Judgement::Open(from_ms) => {
                self.until(from_ms, &format!("gate {name} is measured"))?;
                ControlFlow::Break(Action::Measure(name.to_owned()))
            }
        }
    }

    fn pause(&self, level: &Level, held_since_ms: i64) -> ControlFlow<Action> {
        match level.step.pause {
            None => ControlFlow::Continue(()),
            Some(_) if self.record.is_resumed => ControlFlow::Continue(()),
            Some(Pause::Manual) => ControlFlow::Break(Action::Paused("the step is done".to_owned())),
            Some(Pause::For(duration_ms)) => {
                self.until(held_since_ms.saturating_add(duration_ms), "the step pauses")
            }
        }
    }

    /// The new version takes the old one's place in the route; the old one still has all its pods.
    pub(super) fn promoting(&self) -> ControlFlow<Action> {
        self.grown(self.new_version(), self.capacity())?;
        self.alive()?;
        self.ready(self.new_version(), self.capacity())?;
        self.reachable(self.new_version())?;
        self.routed(&Goal::Promoted, false)?;
        self.steady()?;
        self.recovered()?;
        ControlFlow::Break(note(Record {
            held_since_ms: Some(self.now_ms),
            ..self.record.in_stage(Stage::Retiring)
        }))
    }
}
