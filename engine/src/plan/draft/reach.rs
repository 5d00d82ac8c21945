//! What a draft can see: its targets, what they hold, what they would make of a change.

use std::sync::Arc;

use super::Drafting;
use crate::address::{Address, TargetAddress};
use crate::builtin;
use crate::diagnostic::{Diagnostic, Span};
use crate::lower::Instance;
use crate::ports::{ObserveItem, Observed, PreviewItem};
use crate::state::Record;
use crate::value::Value;

/// Whether a target can be worked on in this round.
pub(super) enum Reach {
    /// Yes.
    Connected,
    /// Not before something else is applied.
    Unknown,
    /// Not in this round: it is still to be connected, or cannot be (said already).
    NotNow,
}

impl<'a> Drafting<'a> {
    /// Whether `target` is connected; asks for it if it was not yet.
    pub(super) fn reach(&mut self, target: &TargetAddress, used_at: Option<Span>) -> Reach {
        let Some(config) = self.targets.get(target) else {
            self.draft.diagnostics.push(missing_target(target).at(used_at));
            return Reach::NotNow;
        };
        let Some(config) = config else { return Reach::Unknown };
        let problem = match self.sights.targets.get(target) {
            None => {
                self.draft.wants.connect.insert(target.clone(), config.clone());
                return Reach::NotNow;
            }
            Some(Ok(identity)) => match self.known_otherwise(target, identity) {
                Some(problem) => problem,
                None => {
                    self.draft.targets.insert(target.clone(), identity.clone());
                    return Reach::Connected;
                }
            },
            Some(Err(error)) => {
                Diagnostic::error(error.summary.clone(), format!("{} (at {target})", error.detail))
            }
        };
        let block = self.inputs.config.target_at(target);
        self.draft.diagnostics.push(problem.at(block.and_then(|block| block.span.clone())));
        Reach::NotNow
    }

    /// Complains when a target that holds our instances is not the one that the state knows.
    fn known_otherwise(&self, target: &TargetAddress, identity: &str) -> Option<Diagnostic> {
        let snapshot = self.inputs.snapshot;
        let recorded = snapshot.targets.get(target)?;
        let used = snapshot.records.values().any(|record| record.target.as_ref() == Some(target));
        (used && recorded != identity).then(|| {
            Diagnostic::error(
                "Wrong target",
                format!(
                    "{target} is not the one that this stack was applied to. That one is {recorded}, and this one is {identity}. Point it back to the former. If the former is gone for good, so is all that was on it: start with a new state."
                ),
            )
        })
    }

    /// What `target` holds for an instance of the configuration; asks for it if it was not seen yet.
    pub(super) fn observed(
        &mut self,
        instance: &Instance,
        target: Option<&TargetAddress>,
        identity: &str,
        record: Option<&Record>,
    ) -> Option<Observed> {
        let item = ObserveItem {
            address: instance.address.clone(),
            kind: instance.kind.clone(),
            identity: identity.to_owned(),
            desired: Some(instance.desired.clone()),
            record: record.cloned().map(Arc::new),
        };
        self.look(target, item)
    }

    /// What there is of a record, by what it is to become; asks for it if it was not seen yet.
    pub(super) fn observed_record(
        &mut self,
        address: &Address,
        kind: &str,
        record: &Record,
        desired: Option<&Value>,
    ) -> Option<Observed> {
        let item = ObserveItem {
            address: address.clone(),
            kind: kind.to_owned(),
            identity: record.identity.clone(),
            desired: desired.cloned(),
            record: Some(Arc::new(record.clone())),
        };
        self.look(record.target.as_ref(), item)
    }

    fn look(&mut self, target: Option<&TargetAddress>, item: ObserveItem) -> Option<Observed> {
        let Some(target) = target else { return Some(builtin::observed(item.record.as_deref())) };
        match self.sights.observed.get(&(item.address.clone(), target.clone(), item.identity.clone())) {
            Some(Ok(observed)) => Some(observed.clone()),
            Some(Err(error)) => {
                let detail = format!("{} (looking at {} on {target})", error.detail, item.address);
                self.draft.diagnostics.push(Diagnostic::error(error.summary.clone(), detail));
                None
            }
            None => {
                self.draft.wants.observe.entry(target.clone()).or_default().push(item);
                None
            }
        }
    }

    /// Asks what the target would make of the change.
    pub(super) fn want_preview(
        &mut self,
        instance: &Instance,
        target: Option<&TargetAddress>,
        identity: &str,
        record: Option<&Record>,
        observed: &Observed,
    ) {
        let Some(target) = target else { return };
        let item = ObserveItem {
            address: instance.address.clone(),
            kind: instance.kind.clone(),
            identity: identity.to_owned(),
            desired: Some(instance.desired.clone()),
            record: record.cloned().map(Arc::new),
        };
        let preview = PreviewItem { item, observed: observed.clone() };
        self.draft.wants.preview.entry(target.clone()).or_default().push(preview);
    }
}

fn missing_target(target: &TargetAddress) -> Diagnostic {
    Diagnostic::error(
        "Missing target",
        format!(
            "There is no {target} in the configuration, and something lives on it. Keep its block until all that lives on it is removed."
        ),
    )
}
