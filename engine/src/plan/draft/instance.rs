//! One instance of the configuration → its change.

use super::lifecycle::{ignoring_all, keep_ignored};
use super::reach::Reach;
use super::{Drafting, blank};
use crate::address::{Address, TargetAddress};
use crate::config::{ResourceBlock, Timeouts};
use crate::diagnostic::Diagnostic;
use crate::lang::Expression;
use crate::lower::{Instance, Placement, place_problem};
use crate::plan::{Action, Change, FieldChange};
use crate::ports::{Difference, DifferenceRequest, Observed, Precondition, Verdict};
use crate::secrets::{Secrets, conceals};
use crate::state::{Record, RecordStatus};
use crate::types::Type;
use crate::value::Value;

/// An instance whose place and name on its target are known.
struct Placed<'a> {
    target: Option<TargetAddress>,
    identity: String,
    /// Its record, with the address that it is recorded under.
    recorded: Option<(&'a Address, &'a Record)>,
    /// What it would be called under the address that it is recorded under.
    former_identity: Option<String>,
}

impl<'a> Placed<'a> {
    /// Its record, if it is still the same thing on the same target.
    fn own(&self) -> Option<&'a Record> {
        self.recorded.map(|(_, record)| record).filter(|record| record.target == self.target).filter(
            |record| [Some(&self.identity), self.former_identity.as_ref()].contains(&Some(&record.identity)),
        )
    }

    /// Its record, if it was another thing than it is to be.
    fn moved(&self) -> Option<&'a Record> {
        self.recorded.map(|(_, record)| record).filter(|_| self.own().is_none())
    }
}

impl<'a> Drafting<'a> {
    /// Adds the instance's change. Returns its attributes after apply, as far as they are known.
    pub(super) fn instance(&mut self, instance: &Instance, block: &ResourceBlock) -> Value {
        match self.as_recorded(instance, block).or_else(|| self.change_of(instance, block)) {
            Some(change) => {
                let planned = self.inputs.registry.seen(&instance.address, change.planned.clone());
                self.add(change);
                planned
            }
            None => {
                self.pending.insert(instance.address.clone());
                Value::unknown(Type::Any)
            }
        }
    }

    /// The instance's change, or `None` while not enough of it has been seen.
    fn change_of(&mut self, instance: &Instance, block: &ResourceBlock) -> Option<Change> {
        let target = match self.place(instance, block) {
            Ok(target) => target,
            Err(deferred) => return deferred.map(|change| *change),
        };
        let provider = self.inputs.registry.provider(&instance.kind)?.clone();
        let Some(identity) = provider.identify(&instance.kind, &instance.address, &instance.desired) else {
            return Some(match self.waits_along(&instance.depends_on) {
                Some(reason) => deferred(instance, &reason),
                None => self.unidentified(instance, target),
            });
        };
        self.claim(instance, target.as_ref(), &identity, block)?;
        let recorded = self.record_of(&instance.address, target.as_ref(), &identity);
        let former_address =
            recorded.map(|(address, _)| address).filter(|address| **address != instance.address);
        let former_identity =
            former_address.and_then(|address| provider.identify(&instance.kind, address, &instance.desired));
        let placed = Placed { target, identity, recorded, former_identity };
        let observed = self.observed(instance, placed.target.as_ref(), &placed.identity, placed.own());
        let former = match placed.moved() {
            Some(record) => Some(self.former(instance, record)?),
            None => None,
        };
        let observed = observed?;
        let kept = placed.own().filter(|_| block.lifecycle.ignores_parts()).map(|record| {
            let desired = keep_ignored(instance, &block.lifecycle.ignore_changes, &observed, &*provider);
            Instance { desired: self.marked(record, &desired), ..instance.clone() }
        });
        let instance = kept.as_ref().unwrap_or(instance);
        let preview = self.sights.previews.get(&instance.address);
        let preview = preview.filter(|(asked, _)| *asked == instance.desired).map(|(_, preview)| preview);
        let request = DifferenceRequest {
            address: &instance.address,
            kind: &instance.kind,
            record: placed.own(),
            observed: &observed,
            desired: Some(&instance.desired),
            preview,
            fingerprinter: &**self.inputs.fingerprinter,
        };
        let mut difference = provider.difference(&request);
        if difference.wants_preview && preview.is_none() && instance.desired.is_wholly_known() {
            let target = placed.target.as_ref();
            self.want_preview(instance, target, &placed.identity, placed.own(), &observed);
        }
        if let Some(former @ Observed::Present(_)) = &former {
            // A reviewer compares with what the instance is until now, not with the void where the new thing will be.
            let until_now =
                DifferenceRequest { record: placed.moved(), observed: former, preview: None, ..request };
            let shown = provider.difference(&until_now);
            (difference.fields, difference.drift) = (shown.fields, shown.drift);
        }
        let trigger = placed.own().and_then(|_| self.trigger(instance, block));
        if trigger.is_some() && matches!(observed, Observed::Present(_)) {
            // What the target gives to a new thing is not what it gave to this one.
            let anew =
                DifferenceRequest { record: None, observed: &Observed::Absent, preview: None, ..request };
            difference.planned = provider.difference(&anew).planned;
            difference.verdict = Verdict::Replace;
        } else if let Some(record) = placed.own() {
            difference = ignoring_all(difference, &block.lifecycle, record, &observed);
        }
        if let Some(reason) = self.waits_along(&instance.depends_on) {
            // What is there may stay as it is, or change to what is known.
            let is_new = difference.verdict == Verdict::Create;
            if is_new || (difference.verdict != Verdict::NoOp && !instance.desired.is_wholly_known()) {
                return Some(deferred(instance, &reason));
            }
        }
        let change = self.assemble(instance, &placed, (&observed, former.as_ref()), difference, trigger);
        let change = self.created_first(change, placed.recorded, block);
        self.prevent(&change, &block.lifecycle);
        Some(change)
    }

    /// What is wanted, with what was recorded as secret marked: what the target tells of that is secret, whatever the configuration says now.
    fn marked(&self, record: &Record, desired: &Value) -> Value {
        let mut secrets = Secrets::new(self.inputs.fingerprinter);
        secrets.learn(&record.attributes);
        secrets.mark(desired)
    }

    /// The instance's target, or its deferral, or nothing while the target was not reached yet.
    fn place(
        &mut self,
        instance: &Instance,
        block: &ResourceBlock,
    ) -> Result<Option<TargetAddress>, Option<Box<Change>>> {
        let defer = |reason: &str| Err(Some(Box::new(deferred(instance, reason))));
        let target = match &instance.target {
            Placement::Nowhere => return Ok(None),
            Placement::Unknown => return defer("where it lives is known only after apply"),
            Placement::On(target) => target,
        };
        let used_at = block.target.as_ref().and_then(Expression::span).or_else(|| block.span.clone());
        match self.reach(target, used_at) {
            Reach::Connected => Ok(Some(target.clone())),
            Reach::Unknown => defer("its target is known only after apply"),
            Reach::NotNow => Err(None),
        }
    }

    /// An instance whose name on its target depends on what apply brings.
    fn unidentified(&self, instance: &Instance, target: Option<TargetAddress>) -> Change {
        if self.inputs.snapshot.records.contains_key(&instance.address) {
            return deferred(instance, "its name is known only after apply, and it may have changed");
        }
        Change {
            target,
            planned: Value::unknown(Type::Any),
            desired: Some(instance.desired.clone()),
            timeout_ms: instance.timeouts.create_ms,
            notes: vec!["Its name is known only after apply: that nothing of that name is there yet will be checked then.".to_owned()],
            ..deferred_as(instance, Action::Create, None)
        }
    }

    /// Reserves the thing for the instance; complains when another instance has it already.
    fn claim(
        &mut self,
        instance: &Instance,
        target: Option<&TargetAddress>,
        identity: &str,
        block: &ResourceBlock,
    ) -> Option<()> {
        let key = (target.cloned(), identity.to_owned());
        let owner = self.claims.entry(key).or_insert_with(|| instance.address.clone());
        if *owner == instance.address {
            return Some(());
        }
        let detail = format!(
            "{} and {owner} are both {identity}{}. Each thing is managed by one of them only.",
            instance.address,
            target.map(|target| format!(" on {target}")).unwrap_or_default()
        );
        self.draft.diagnostics.push(Diagnostic::error("Managed twice", detail).at(block.span.clone()));
        None
    }

    /// The instance's record: by its address, by the one that it was moved from, or, after a rename of its block, by what it is.
    pub(super) fn record_of(
        &self,
        address: &Address,
        target: Option<&TargetAddress>,
        identity: &str,
    ) -> Option<(&'a Address, &'a Record)> {
        let records = &self.inputs.snapshot.records;
        records.get_key_value(address).or_else(|| {
            let former = self.moved.get(address);
            let former = former.or_else(|| self.recorded.get(&(target.cloned(), identity.to_owned())))?;
            records.get_key_value(*former)
        })
    }

    /// What is there of the thing that the instance was until now.
    fn former(&mut self, instance: &Instance, record: &Record) -> Option<Observed> {
        if let Some(target) = &record.target {
            let Reach::Connected = self.reach(target, None) else { return None };
        }
        self.observed_record(&instance.address, &instance.kind, record, Some(&instance.desired))
    }

    fn assemble(
        &mut self,
        instance: &Instance,
        placed: &Placed<'_>,
        (observed, former): (&Observed, Option<&Observed>),
        difference: Difference,
        trigger: Option<String>,
    ) -> Change {
        let mut secrets = Secrets::new(self.inputs.fingerprinter);
        secrets.learn(&instance.desired);
        placed.recorded.iter().for_each(|(_, record)| secrets.learn(&record.attributes));
        for problem in difference.problems {
            let problem = place_problem(problem, &instance.address, &instance.origin);
            self.draft.diagnostics.push(Diagnostic { detail: secrets.scrub(&problem.detail), ..problem });
        }
        let (mut action, mut reason) = judge(difference.verdict, placed, observed, former);
        reason = reason.or(trigger);
        let renamed = placed.recorded.filter(|(former, _)| **former != instance.address);
        if let (Action::NoOp, Some((former, _))) = (action, renamed) {
            action = Action::Adopt;
            reason = Some(format!("it was recorded as {former}, and is only renamed"));
        }
        let planned = secrets.mark(&difference.planned);
        if let (Action::NoOp, Some(record)) = (action, placed.own())
            && conceals(&planned, &record.attributes)
        {
            action = Action::Refresh;
            reason = Some(BECAME_SENSITIVE.to_owned());
        }
        let prior_precondition = former.map(|former| precondition(former, placed.moved()));
        // A former thing that is gone needs no removal: nothing of it is left but the record.
        let gone = prior_precondition == Some(Precondition::Absent);
        let prior = placed.recorded.map(|(_, record)| record).filter(|_| !gone);
        let prior = prior.filter(|it| it.identity != placed.identity || it.target != placed.target);
        Change {
            target: placed.target.clone(),
            prior_identity: prior.map(|record| record.identity.clone()),
            precondition: precondition(observed, placed.own()),
            prior_precondition: prior_precondition.filter(|prior| *prior != Precondition::Absent),
            identity: Some(placed.identity.clone()),
            fields: mark_all(&secrets, difference.fields),
            drift: mark_all(&secrets, difference.drift),
            planned,
            desired: Some(instance.desired.clone()),
            timeout_ms: timeout(action, &instance.timeouts),
            notes: difference.notes.iter().map(|note| secrets.scrub(note)).collect(),
            ..deferred_as(instance, action, reason)
        }
    }
}

/// Why only the record changes: it holds in the clear what is a secret from now on.
const BECAME_SENSITIVE: &str =
    "some of it is sensitive from now on: it is taken out of what is recorded, but not out of the history";

/// The action that a provider's verdict comes to, given what is recorded.
fn judge(
    verdict: Verdict,
    placed: &Placed<'_>,
    observed: &Observed,
    former: Option<&Observed>,
) -> (Action, Option<String>) {
    let there = matches!(observed, Observed::Present(_));
    if let Some(former) = former {
        let reason = Some("its identity changes".to_owned());
        return match former {
            Observed::Present(_) => (Action::ReplaceDeleteFirst, reason),
            Observed::Absent if there && verdict == Verdict::Replace => (Action::ReplaceDeleteFirst, reason),
            Observed::Absent if there => (Action::Adopt, reason),
            Observed::Absent => (Action::Create, reason),
        };
    }
    let Some(record) = placed.own() else {
        return match verdict {
            Verdict::NoOp | Verdict::Update if there => (Action::Adopt, None),
            Verdict::Replace => (Action::ReplaceDeleteFirst, None),
            _ => (Action::Create, None),
        };
    };
    let cut_off = record.status == RecordStatus::Incomplete;
    let unfinished = || Some("the last apply of it did not come to its end".to_owned());
    match verdict {
        Verdict::NoOp if cut_off => (Action::Update, unfinished()),
        Verdict::NoOp => (Action::NoOp, None),
        Verdict::Update => (Action::Update, if cut_off { unfinished() } else { None }),
        Verdict::Replace => (Action::ReplaceDeleteFirst, None),
        Verdict::Create | Verdict::Delete if cut_off => (Action::Create, unfinished()),
        Verdict::Create | Verdict::Delete => {
            (Action::Create, Some("it was removed outside meshform".to_owned()))
        }
    }
}

pub(super) fn precondition(observed: &Observed, record: Option<&Record>) -> Precondition {
    match observed {
        Observed::Absent if record.is_some_and(|record| record.status == RecordStatus::Incomplete) => {
            Precondition::Unproven
        }
        Observed::Absent => Precondition::Absent,
        Observed::Present(observation) => Precondition::Version(observation.version.clone()),
    }
}

pub(super) fn mark_all(secrets: &Secrets, fields: Vec<FieldChange>) -> Vec<FieldChange> {
    fields.into_iter().map(|field| secrets.mark_change(field)).collect()
}

fn timeout(action: Action, timeouts: &Timeouts) -> Option<u64> {
    match action {
        Action::Update | Action::Adopt => timeouts.update_ms,
        Action::Delete => timeouts.delete_ms,
        _ => timeouts.create_ms,
    }
}

fn deferred(instance: &Instance, reason: &str) -> Change {
    deferred_as(instance, Action::Defer, Some(reason.to_owned()))
}

fn deferred_as(instance: &Instance, action: Action, reason: Option<String>) -> Change {
    Change {
        depends_on: instance.depends_on.clone(),
        ..blank(instance.address.clone(), &instance.kind, action, reason)
    }
}
