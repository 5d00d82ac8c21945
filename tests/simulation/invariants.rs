//! What must hold whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use meshform_engine::address::Address;
use meshform_engine::plan::{Change, Plan, StepOperation};
use meshform_engine::ports::{Operation, Precondition};
use meshform_engine::state::{RecordStatus, Snapshot};
use meshform_engine::value::{Kind, Value};

use crate::books::{Books, Review};
use crate::executor::Process;
use crate::reality::{Effect, Key, Reality};
use crate::stack::{Stack, Wanted};

/// The keys of all that is recorded.
fn recorded(snapshot: &Snapshot) -> BTreeSet<Key> {
    let records = snapshot.records.values();
    records
        .filter_map(|record| Some((record.target.as_ref()?.name.clone(), record.identity.clone())))
        .collect()
}

/// Whatever we made is in the state, or in the journal on top of it.
pub(crate) fn nothing_is_forgotten(snapshot: &Snapshot, reality: &Reality) -> Result<(), String> {
    let recorded = recorded(snapshot);
    let things = reality.things();
    let forgotten = things.iter().find(|(key, thing)| thing.ours && !recorded.contains(*key));
    forgotten.map_or(Ok(()), |(key, _)| Err(format!("{} on {} is forgotten", key.1, key.0)))
}

/// The serial goes up with the content, and with nothing else.
pub(crate) fn serial_follows_content(before: &Snapshot, after: &Snapshot) -> Result<(), String> {
    let same = before.records == after.records
        && before.outputs == after.outputs
        && (before.targets == after.targets || before.serial == 0);
    match (before.serial, after.serial) {
        (before, after) if after < before => Err(format!("the serial went down from {before} to {after}")),
        (before, after) if before == after && !same => {
            Err(format!("the content changed, and the serial stayed at {after}"))
        }
        _ if !before.lineage.is_empty() && before.lineage != after.lineage => {
            Err("the lineage changed".to_owned())
        }
        _ => Ok(()),
    }
}

/// What is on a target that could not be reached is not planned, nor is what is left out because of it. An address that is recorded
/// stands for that one instance, whatever is of its block now; another one may stand for a whole block.
pub(crate) fn out_of_reach_is_left_alone(plan: &Plan, prior: Option<&Snapshot>) -> Result<(), String> {
    let is_recorded = |address: &Address| prior.is_none_or(|prior| prior.records.contains_key(address));
    let stands_for = |it: &Address, other: &Address| it == other || (!is_recorded(it) && it.contains(other));
    for lost in plan.unreachable() {
        let left_out = || lost.instances.iter().chain(&lost.dependants);
        let is_planned = |change: &&Change| {
            change.target.as_ref() == Some(&lost.target)
                || left_out().any(|it| stands_for(it, &change.address))
        };
        if let Some(change) = plan.changes.iter().find(is_planned) {
            return Err(format!("{} is planned, and {} was out of reach", change.address, lost.target));
        }
    }
    Ok(())
}

/// Everything that was done was planned, under what it was planned under, and in the order in which it must be.
pub(crate) fn only_what_was_reviewed(effects: &[Effect], books: &Books) -> Result<(), String> {
    let mut by_process: BTreeMap<Process, Vec<&Effect>> = BTreeMap::new();
    effects.iter().for_each(|effect| by_process.entry(effect.process).or_default().push(effect));
    for (process, effects) in by_process {
        let review = books
            .review(process)
            .ok_or_else(|| format!("process {process} has changed things while planning"))?;
        for effect in &effects {
            was_planned(effect, &review.plan)?;
            was_seen(effect, &review)?;
        }
        dependents_go_first(&effects, &review)?;
    }
    Ok(())
}

fn was_planned(effect: &Effect, plan: &Plan) -> Result<(), String> {
    let (operation, what) = (StepOperation::Perform(effect.operation), &effect.key);
    let step = plan.steps.iter().any(|step| step.address == effect.address && step.operation == operation);
    let change = plan.change(&effect.address).filter(|change| step && is_about(change, effect));
    let Some(change) = change else {
        return Err(format!("{operation:?} of {} on {} was not planned", what.1, what.0));
    };
    if let (Some(planned), Some(done)) = (&change.desired, &effect.desired)
        && let Some(field) = contradiction(planned, done)
    {
        return Err(format!("{field} of {} is not what was planned", what.1));
    }
    Ok(())
}

fn is_about(change: &Change, effect: &Effect) -> bool {
    let identities = match effect.operation {
        Operation::Delete => change.prior_identity.as_ref().or(change.identity.as_ref()),
        Operation::Create | Operation::Update => change.identity.as_ref(),
    };
    identities.is_none_or(|identity| *identity == effect.key.1)
}

/// A field that was known in the plan, and came out otherwise.
fn contradiction<'a>(planned: &'a Value, done: &Value) -> Option<&'a String> {
    let differs = |(name, planned): &(&String, &Value)| {
        let told = planned.is_wholly_known() && !matches!(planned.kind(), Kind::Fingerprint(_));
        told && done.get(name).is_none_or(|done| !done.same(planned))
    };
    planned.as_map()?.iter().find(differs).map(|(name, _)| name)
}

/// What was there was what the reviewer saw, or what this very run had made of it, unless the plan says that it could not tell.
fn was_seen(effect: &Effect, review: &Review) -> Result<(), String> {
    let by_itself = effect.before.as_ref().is_some_and(|before| before.changed_by == Some(effect.process));
    let seen = review.seen.get(&effect.key).copied().flatten();
    let there = effect.before.as_ref().map(|before| before.revision);
    let change = review.plan.change(&effect.address);
    let told = |change: &Change| {
        [Some(&change.precondition), change.prior_precondition.as_ref()]
            .contains(&Some(&Precondition::Unproven))
    };
    // What a replace has removed is not there any more.
    let gone = there.is_none();
    match by_itself || seen == there || gone || change.is_some_and(told) {
        true => Ok(()),
        false => {
            let (cluster, name) = &effect.key;
            Err(format!("{name} on {cluster} was changed since the review, and {:?}d", effect.operation))
        }
    }
}

/// What goes goes before what it was recorded as depending on.
fn dependents_go_first(effects: &[&Effect], review: &Review) -> Result<(), String> {
    let Some(prior) = &review.prior else { return Ok(()) };
    let removals: Vec<_> = effects.iter().filter(|effect| effect.operation == Operation::Delete).collect();
    let depends_on = |address: &Address| {
        let record = prior.records.get(address);
        let former = || address.successor().and_then(|successor| prior.records.get(&successor));
        record.or_else(former).map_or(&[][..], |record| &record.depends_on[..])
    };
    for (at, needed) in removals.iter().enumerate() {
        for later in &removals[at + 1..] {
            let is_needed = depends_on(&later.address).iter().any(|it| it.contains(&needed.address));
            if is_needed && later.address != needed.address {
                return Err(format!(
                    "{} was removed before {}, which depends on it",
                    needed.address, later.address
                ));
            }
        }
    }
    Ok(())
}

/// All is there as the stack says, and nothing else of ours; and so it is recorded.
pub(crate) fn is_as_configured(stack: &Stack, snapshot: &Snapshot, reality: &Reality) -> Result<(), String> {
    let things = reality.things();
    let wanted: Wanted = stack.wanted(&things);
    for (key, (input, fixed)) in &wanted {
        let thing = things.get(key).ok_or_else(|| format!("{} is not on {}", key.1, key.0))?;
        let nothing = Value::null();
        let there = thing.attributes.get("input").unwrap_or(&nothing);
        if input.as_ref().is_some_and(|input| !input.same(there)) {
            return Err(format!("the input of {} is {there:?}, and was to be {input:?}", key.1));
        }
        if thing.attributes.get_str("fixed") != Some(fixed) {
            return Err(format!("{} has another `fixed` than it was to have", key.1));
        }
    }
    if let Some((key, _)) = things.iter().find(|(key, thing)| thing.ours && !wanted.contains_key(*key)) {
        return Err(format!("{} is left behind on {}", key.1, key.0));
    }
    let (recorded, wanted): (_, BTreeSet<_>) = (recorded(snapshot), wanted.into_keys().collect());
    if recorded != wanted || snapshot.records.len() != wanted.len() {
        return Err(format!("{recorded:?} is recorded, and {wanted:?} is wanted"));
    }
    let unsure = snapshot.records.iter().find(|(_, record)| record.status != RecordStatus::Complete);
    unsure.map_or(Ok(()), |(address, _)| Err(format!("{address} is still incomplete")))
}
