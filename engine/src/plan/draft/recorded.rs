//! `-refresh=false`: what the configuration wants just as it did when it was last applied is taken as it is recorded.
//!
//! What has changed in the configuration is looked at as always, and so is what is to go: a plan promises only what it has seen, and its
//! apply writes under nothing but a precondition that was proved.

use super::{Drafting, blank};
use crate::address::TargetAddress;
use crate::config::ResourceBlock;
use crate::lower::{Instance, Placement};
use crate::plan::{Action, Change, Refresh};
use crate::secrets::has_fingerprint;
use crate::state::{Record, RecordStatus};
use crate::value::{Fingerprinter, Value};

impl Drafting<'_> {
    /// The instance's change, if nothing needs to be looked at to tell it.
    pub(super) fn as_recorded(&mut self, instance: &Instance, block: &ResourceBlock) -> Option<Change> {
        if self.inputs.refresh != Refresh::Changes {
            return None;
        }
        let record = self.inputs.snapshot.records.get(&instance.address)?;
        if !self.is_wanted_as_recorded(instance, record) || self.trigger(instance, block).is_some() {
            return None;
        }
        if let Some(target) = &record.target {
            let known = self.inputs.snapshot.targets.get(target).filter(|_| self.is_configured(target))?;
            self.draft.targets.entry(target.clone()).or_insert_with(|| known.clone());
        }
        let thing = (record.target.clone(), record.identity.clone());
        if *self.claims.entry(thing).or_insert_with(|| instance.address.clone()) != instance.address {
            return None;
        }
        self.draft.unseen.insert(instance.address.clone());
        Some(Change {
            target: record.target.clone(),
            identity: Some(record.identity.clone()),
            planned: record.attributes.clone(),
            desired: Some(instance.desired.clone()),
            depends_on: instance.depends_on.clone(),
            ..blank(instance.address.clone(), &instance.kind, Action::NoOp, None)
        })
    }

    /// Whether the last apply came to its end, and with these very values. Of a secret the record holds only a fingerprint, and who
    /// refers to it needs more.
    fn is_wanted_as_recorded(&self, instance: &Instance, record: &Record) -> bool {
        let target = match &instance.target {
            Placement::Nowhere => None,
            Placement::On(target) => Some(target),
            Placement::Unknown => return false,
        };
        let Some(provider) = self.inputs.registry.provider(&instance.kind) else { return false };
        let identity = provider.identify(&instance.kind, &instance.address, &instance.desired);
        record.status == RecordStatus::Complete
            && record.target.as_ref() == target
            && instance.desired.is_wholly_known()
            && !has_fingerprint(&record.attributes)
            && identity.as_ref() == Some(&record.identity)
            && provider.is_as_applied(&instance.kind, record)
            && is_recorded(&instance.desired, &record.attributes, &**self.inputs.fingerprinter)
    }

    /// Whether it is known what a target is.
    fn is_configured(&self, target: &TargetAddress) -> bool {
        self.targets.get(target).is_some_and(Option::is_some)
    }
}

/// Whether all that is wanted is recorded.
fn is_recorded(desired: &Value, recorded: &Value, keyed: &dyn Fingerprinter) -> bool {
    let null = Value::null();
    let mut wanted = desired.as_map().into_iter().flatten();
    wanted.all(|(name, value)| recorded.get(name).unwrap_or(&null).same(&value.redacted(keyed)))
}
