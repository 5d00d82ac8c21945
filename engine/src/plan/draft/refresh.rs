//! `-refresh-only`: what is recorded, held against what is there. Nothing on a target changes: only what is recorded may.

use super::instance::{mark_all, precondition};
use super::reach::Reach;
use super::{Drafting, blank};
use crate::address::{Address, ModuleInstance};
use crate::config::{BlockId, ResourceBlock};
use crate::environment::gather;
use crate::plan::{Action, Change, Refresh};
use crate::ports::{DifferenceRequest, Observation, Observed};
use crate::secrets::{Secrets, has_fingerprint, marked_like};
use crate::state::{Record, RecordStatus};
use crate::types::Type;
use crate::value::Value;

impl Drafting<'_> {
    pub(super) fn is_refresh_only(&self) -> bool {
        self.inputs.refresh == Refresh::Only
    }

    /// What expressions see of a block: its recorded instances as they are found.
    pub(super) fn refreshed_block(
        &mut self,
        block: &ResourceBlock,
        at: &ModuleInstance,
        id: &BlockId,
    ) -> Value {
        let (kind, name) = id.name.reference();
        let from = Address::within(at.clone(), kind, name);
        let records = self.inputs.snapshot.records.range(&from..);
        let mut values = Vec::new();
        for (address, record) in records.take_while(|(address, _)| address.is_sibling(&from)) {
            let value = self.refreshed(address, record);
            values.push((address.keys.clone(), value));
        }
        match values.is_empty() {
            true => Value::unknown(Type::Any),
            false => gather(&block.repetition, values),
        }
    }

    /// Holds the rest of the records against what is there: what the configuration has no more, and what was deposed.
    pub(super) fn refresh_rest(&mut self) {
        for (address, record) in &self.inputs.snapshot.records {
            if !self.draft.changes.contains_key(address) && !self.pending.contains(address) {
                self.refreshed(address, record);
            }
        }
    }

    fn refreshed(&mut self, address: &Address, record: &Record) -> Value {
        if self.keeps_from_refresh(address) {
            return self.stand_in(address);
        }
        let Some(change) = self.refresh(address, record) else {
            self.pending.insert(address.clone());
            return Value::unknown(Type::Any);
        };
        let planned = match change.action {
            Action::Forget => Value::unknown(Type::Any),
            _ => self.inputs.registry.seen(address, change.planned.clone()),
        };
        self.draft.changes.insert(address.clone(), change);
        planned
    }

    /// What becomes of a record, or `None` while its thing was not looked at.
    fn refresh(&mut self, address: &Address, record: &Record) -> Option<Change> {
        let kind = self.kind_of(address);
        if let Some(target) = &record.target {
            match self.reach(target, None) {
                Reach::Connected => {}
                Reach::NotNow => return None,
                Reach::Unknown => {
                    self.draft.unseen.insert(address.clone());
                    return Some(as_it_is(address, record, &kind, Action::NoOp, None));
                }
            }
        }
        let observed = self.observed_record(address, &kind, record, asked(record).as_ref())?;
        let Observed::Present(there) = &observed else {
            let reason = Some("it is gone".to_owned());
            return Some(as_it_is(address, record, &kind, Action::Forget, reason));
        };
        Some(self.as_found(address, record, &kind, &observed, there))
    }

    fn as_found(
        &self,
        address: &Address,
        record: &Record,
        kind: &str,
        observed: &Observed,
        there: &Observation,
    ) -> Change {
        let Some(provider) = self.inputs.registry.provider(kind) else {
            return as_it_is(address, record, kind, Action::NoOp, None);
        };
        let difference = provider.difference(&DifferenceRequest {
            address,
            kind,
            record: Some(record),
            observed,
            desired: Some(&record.attributes),
            preview: None,
            fingerprinter: &**self.inputs.fingerprinter,
        });
        let mut secrets = Secrets::new(self.inputs.fingerprinter);
        secrets.learn(&record.attributes);
        let is_as_recorded = difference.drift.is_empty() || record.status == RecordStatus::Incomplete;
        let found = provider.recorded_as_found(kind, record, there).attributes;
        if record.attributes.is_null() {
            // It was begun, and how it ended is not recorded: nothing tells which parts of it are secret.
            let precondition = precondition(observed, Some(record));
            let as_it_is = as_it_is(address, record, kind, Action::NoOp, None);
            return Change { planned: found.sensitive(), precondition, ..as_it_is };
        }
        Change {
            drift: mark_all(&secrets, difference.drift),
            planned: secrets.mark(&marked_like(found, &record.attributes)),
            precondition: precondition(observed, Some(record)),
            ..as_it_is(
                address,
                record,
                kind,
                if is_as_recorded { Action::NoOp } else { Action::Refresh },
                None,
            )
        }
    }
}

/// What is asked about a thing that is to stay as it is. A secret is not asked for: the record does not hold it.
pub(crate) fn asked(record: &Record) -> Option<Value> {
    (!has_fingerprint(&record.attributes)).then(|| record.attributes.clone())
}

fn as_it_is(
    address: &Address,
    record: &Record,
    kind: &str,
    action: Action,
    reason: Option<String>,
) -> Change {
    Change {
        target: record.target.clone(),
        identity: Some(record.identity.clone()),
        planned: if action == Action::Forget { Value::null() } else { record.attributes.clone() },
        depends_on: record.depends_on.clone(),
        ..blank(address.clone(), kind, action, reason)
    }
}
