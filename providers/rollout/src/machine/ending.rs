//! The two ways to end: the old version goes, or the new one does.

use std::ops::ControlFlow;

use super::Action;
use super::look::Look;
use crate::record::{Outcome, Stage};
use crate::router::Goal;
use crate::version::Version;

impl Look<'_> {
    /// The old version drains, is kept for a while, and goes.
    pub(super) fn retiring(&self) -> ControlFlow<Action> {
        let spec = self.wanted.spec;
        let promoted_ms = self.held()?;
        let Some(old) = self.old_version() else { return self.to_stage(Stage::Ended(Outcome::Promoted)) };
        let drained_ms = promoted_ms.saturating_add(spec.drain_ms);
        self.until(drained_ms, "requests of the old version end")?;
        self.until(drained_ms.saturating_add(spec.keep_previous_ms), "the previous version is kept")?;
        self.grown(self.new_version(), self.capacity())?;
        self.ready(self.new_version(), self.capacity())?;
        self.steady()?;
        self.shrunk(old, 0)?;
        self.without_service(old)?;
        self.to_stage(Stage::Ended(Outcome::Promoted))
    }

    /// Traffic first, pods second, identity last. No gate is asked.
    pub(super) fn aborting(&self, reason: &str) -> ControlFlow<Action> {
        let Some(old) = self.old_version() else {
            return self.to_stage(Stage::Ended(Outcome::Failed(reason.to_owned())));
        };
        let new = self.new_version();
        self.grown(old, self.capacity())?;
        if self.weighs() {
            self.withdrawn(old)?
        } else {
            self.exchanged(old, new)?
        }
        self.shrunk(new, 0)?;
        self.without_service(new)?;
        self.to_stage(Stage::Ended(Outcome::RolledBack(reason.to_owned())))
    }

    fn withdrawn(&self, old: &Version) -> ControlFlow<Action> {
        let is_urgent = self.reading.sends_to_new();
        self.service(old)?;
        if is_urgent {
            // No more is asked of the old version than the new one does: half of it is better than none.
            let equal = self.lasting(self.new_version()).min(self.capacity());
            self.ready(old, equal)?;
        }
        self.reachable(old)?;
        self.routed(&Goal::Withdrawn, is_urgent)?;
        self.steady()?;
        self.recovered()?;
        let drained_ms = self.seen.since_ms.saturating_add(self.wanted.spec.drain_ms);
        self.until(drained_ms, "requests of the new version end")
    }

    /// Without weights the new pods go one by one as the old ones come.
    fn exchanged(&self, old: &Version, new: &Version) -> ControlFlow<Action> {
        let spared = self.capacity().saturating_sub(self.lasting(old));
        self.shrunk(new, spared)?;
        self.ready(old, self.capacity())
    }
}
