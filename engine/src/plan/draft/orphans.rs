//! What is recorded and no longer wanted.

use std::collections::BTreeMap;

use super::instance::{mark_all, precondition};
use super::reach::Reach;
use super::{Drafting, blank};
use crate::address::{Address, TargetAddress};
use crate::plan::{Action, Change};
use crate::ports::{DifferenceRequest, Observed, Precondition, Verdict};
use crate::secrets::Secrets;
use crate::state::Record;
use crate::value::Value;

impl Drafting<'_> {
    /// Adds the removal of every record that no instance of the configuration has.
    pub(super) fn orphans(&mut self) {
        let remains = self.remains();
        let records = &self.inputs.snapshot.records;
        let (kept, orphans): (Vec<_>, Vec<_>) = records.iter().partition(|(address, _)| {
            remains.contains(*address)
                || self.draft.changes.contains_key(*address)
                || self.pending.contains(*address)
                || self.is_unsettled(address)
        });
        // Of a run that was cut off, one thing may be recorded under two addresses: one of them is enough to remove it, or to keep it.
        let thing = |record: &'_ Record| (record.target.clone(), record.identity.clone());
        let mut holders: BTreeMap<_, &Address> =
            kept.into_iter().map(|(address, record)| (thing(record), address)).collect();
        for (address, record) in orphans {
            let change = match holders.get(&thing(record)) {
                Some(holder) => {
                    Some(self.forgotten(address, record, format!("it is recorded as {holder}, too")))
                }
                None => self.orphan(address, record),
            };
            // What is only forgotten holds nothing.
            if change.as_ref().is_none_or(|change| change.action != Action::Forget) {
                holders.entry(thing(record)).or_insert(address);
            }
            if let Some(change) = change {
                self.draft.changes.insert(address.clone(), change);
            }
        }
        self.keep_what_others_took_over();
    }

    /// Whether the instances of its block cannot be told, or those of a module on the way to it.
    pub(super) fn is_unsettled(&self, address: &Address) -> bool {
        let mut block = address.block();
        let mut steps = block.module.0.len();
        while !self.unsettled.contains(&block) {
            let Some(before) = steps.checked_sub(1) else { return false };
            steps = before;
            block.module.0[steps].key = None;
        }
        true
    }

    fn orphan(&mut self, address: &Address, record: &Record) -> Option<Change> {
        let claim = self.claims.get(&(record.target.clone(), record.identity.clone()));
        if let Some(heir) = claim.cloned().or_else(|| self.heir(address)) {
            return self.taken_over(address, record, &heir);
        }
        let mut removals = self.inputs.config.removed.iter();
        if removals.any(|removal| !removal.destroy && removal.from.contains(address)) {
            return Some(self.forgotten(
                address,
                record,
                "it is left as it is, by a `removed` block".to_owned(),
            ));
        }
        if let Some(target) = &record.target {
            let Reach::Connected = self.reach(target, None) else { return None };
        }
        // The kind of a composite's part is its provider's business; the record's own address tells it where they agree.
        let kind = self.kind_of(address);
        let observed = self.observed_record(address, &kind, record, None)?;
        let provider = self.inputs.registry.provider(&kind)?.clone();
        let difference = provider.difference(&DifferenceRequest {
            address,
            kind: &kind,
            record: Some(record),
            observed: &observed,
            desired: None,
            preview: None,
            fingerprinter: &**self.inputs.fingerprinter,
        });
        if difference.verdict == Verdict::NoOp {
            let reason = match observed {
                Observed::Absent => "it is gone already",
                Observed::Present(_) => "it says itself that it is to stay",
            };
            return Some(self.forgotten(address, record, reason.to_owned()));
        }
        let mut secrets = Secrets::new(self.inputs.fingerprinter);
        secrets.learn(&record.attributes);
        let reason = match (self.inputs.destroy, &address.deposed) {
            (true, _) => None,
            (false, Some(_)) => Some("another thing has taken its place".to_owned()),
            (false, None) => Some("it is no longer in the configuration".to_owned()),
        };
        let change = Change {
            target: record.target.clone(),
            identity: Some(record.identity.clone()),
            fields: mark_all(&secrets, difference.fields),
            drift: mark_all(&secrets, difference.drift),
            planned: Value::null(),
            precondition: precondition(&observed, Some(record)),
            depends_on: record.depends_on.clone(),
            timeout_ms: self.delete_timeout(address),
            notes: difference.notes,
            ..blank(address.clone(), &kind, Action::Delete, reason)
        };
        // What is deposed has a successor: nothing is lost with it that was to stay.
        let block = self.inputs.config.resource_at(address).filter(|_| address.deposed.is_none());
        if let Some(block) = block {
            self.prevent(&change, &block.lifecycle);
        }
        Some(change)
    }

    /// The instance that an address was moved to, unless that has a thing of its own already.
    fn heir(&self, address: &Address) -> Option<Address> {
        let heir = self.destination(address)?;
        if self.inputs.snapshot.records.contains_key(&heir) {
            return None;
        }
        (self.draft.changes.contains_key(&heir) || self.pending.contains(&heir)).then_some(heir)
    }

    /// What becomes of a record whose thing is another instance's from now on. As long as that one waits, the record stays: all that is
    /// known of the thing is in it.
    fn taken_over(&self, address: &Address, record: &Record, heir: &Address) -> Option<Change> {
        let reason = format!("it is recorded as {heir} from now on");
        (!self.is_deferred(heir)).then(|| self.forgotten(address, record, reason))
    }

    fn is_deferred(&self, address: &Address) -> bool {
        self.draft.changes.get(address).is_some_and(|change| change.action == Action::Defer)
    }

    fn forgotten(&self, address: &Address, record: &Record, reason: String) -> Change {
        Change {
            target: record.target.clone(),
            identity: Some(record.identity.clone()),
            planned: Value::null(),
            depends_on: record.depends_on.clone(),
            ..blank(address.clone(), &address.kind, Action::Forget, Some(reason))
        }
    }

    fn delete_timeout(&self, address: &Address) -> Option<u64> {
        let block = self.inputs.config.resource_at(address)?;
        block.timeouts.delete_ms
    }

    /// The resource type whose attributes a record has.
    pub(super) fn kind_of(&self, address: &Address) -> String {
        let ty = self.inputs.registry.resource_type(&address.kind);
        match ty.and_then(|ty| ty.part_kind) {
            Some(part) => part.to_owned(),
            None => address.kind.clone(),
        }
    }

    /// What an instance was until now, or what was deposed of it, must not be removed when another instance has taken that over.
    fn keep_what_others_took_over(&mut self) {
        let taken_over = |change: &Change| {
            let thing = self.removed_thing(change)?;
            let heir = self.claims.get(&thing)?.clone();
            Some((change.address.clone(), thing, heir))
        };
        let taken_over: Vec<_> = self.draft.changes.values().filter_map(taken_over).collect();
        for (address, thing, heir) in taken_over {
            let record = self.inputs.snapshot.records.get(&address).filter(|_| address.deposed.is_some());
            if let Some(record) = record {
                match self.taken_over(&address, record, &heir) {
                    Some(forgotten) => drop(self.draft.changes.insert(address.clone(), forgotten)),
                    None => drop(self.draft.changes.remove(&address)),
                }
            }
            if self.is_deferred(&heir) {
                // It goes, as planned: there is nobody yet under whose name it could stay recorded.
                continue;
            }
            if address.deposed.is_some() && record.is_none() {
                self.draft.changes.remove(&address);
            }
            let replaced = address.successor().unwrap_or(address);
            let removes = self.draft.changes.get(&replaced).and_then(|change| self.removed_thing(change));
            if let Some(change) = self.draft.changes.get_mut(&replaced).filter(|_| removes == Some(thing)) {
                let_go(change, &heir);
            }
        }
    }

    /// The thing that a change removes besides what it makes, or as what was deposed.
    fn removed_thing(&self, change: &Change) -> Option<(Option<TargetAddress>, String)> {
        let identity = change.identity.as_ref()?;
        if change.address.deposed.is_some() {
            let thing = (change.target.clone(), identity.clone());
            return (change.action == Action::Delete).then_some(thing);
        }
        let former = change.prior_identity.clone()?;
        let (_, record) = self.record_of(&change.address, change.target.as_ref(), identity)?;
        Some((record.target.clone(), former))
    }
}

/// Of a replacement, what is left when the former thing stays, as another instance's.
fn let_go(change: &mut Change, heir: &Address) {
    if !matches!(change.action, Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst) {
        return;
    }
    change.notes.push(format!("What it was until now becomes {heir}."));
    (change.prior_identity, change.prior_precondition) = (None, None);
    change.action = match change.precondition {
        Precondition::Absent => Action::Create,
        Precondition::Version(_) | Precondition::Unproven => Action::Adopt,
    };
}
