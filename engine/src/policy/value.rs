//! A plan as policies see it.

use std::collections::BTreeMap;

use crate::address::TargetAddress;
use crate::config::Registry;
use crate::plan::{Action, Change, Plan};
use crate::state::{Record, Snapshot};
use crate::types::Type;
use crate::value::Value;

/// The names of all actions.
const ACTIONS: [&str; 11] =
    ["create", "update", "replace", "delete", "adopt", "refresh", "forget", "read", "defer", "step", "no_op"];

/// What kind of plan it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nature {
    /// Whether the stack is to go.
    pub(crate) destroy: bool,
    /// Whether it is of a part of the stack only.
    pub(crate) partial: bool,
    /// Whether only the records are brought up to date.
    pub(crate) refresh_only: bool,
}

impl Nature {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self { destroy: plan.destroy, partial: plan.partial.is_some(), refresh_only: plan.refresh_only }
    }
}

/// The plan that these changes make, from what the snapshot records.
pub(crate) fn value<'a>(
    changes: impl IntoIterator<Item = &'a Change>,
    snapshot: &Snapshot,
    registry: &Registry,
    nature: Nature,
) -> Value {
    let by_identity =
        snapshot.records.values().map(|record| ((record.target.as_ref(), &*record.identity), record));
    let records = Records { snapshot, registry, by_identity: by_identity.collect() };
    let mut counts = [0i64; ACTIONS.len()];
    let mut values = Vec::new();
    for change in changes {
        if change.address.deposed.is_some() && !snapshot.records.contains_key(&change.address) {
            // The other half of a replacement, which counts once.
            continue;
        }
        let name = action(change.action);
        let place = ACTIONS.iter().zip(&mut counts).find(|(action, _)| **action == name);
        place.into_iter().for_each(|(_, count)| *count += 1);
        values.push(change_value(change, &records));
    }
    let counts = ACTIONS.into_iter().zip(counts).map(|(name, count)| (name.to_owned(), Value::number(count)));
    let nature = [nature.destroy, nature.partial, nature.refresh_only];
    assembled(Value::list(values), Value::object(counts), nature.map(Value::bool))
}

/// Stands for any plan: there is one change, of which nothing is known, so that expressions over changes can be looked into.
pub(crate) fn sample() -> Value {
    let text = || Value::unknown(Type::String);
    let change = object([
        ("address", text()),
        ("module", text()),
        ("type", text()),
        ("name", text()),
        ("action", text()),
        ("target", text()),
        ("before", Value::unknown(Type::Any)),
        ("after", Value::unknown(Type::Any)),
        ("reason", text()),
    ]);
    let counts = ACTIONS.map(|name| (name.to_owned(), Value::unknown(Type::Number)));
    assembled(Value::list([change]), Value::object(counts), [(); 3].map(|()| Value::unknown(Type::Bool)))
}

fn assembled(changes: Value, counts: Value, [destroy, partial, refresh_only]: [Value; 3]) -> Value {
    object([
        ("changes", changes),
        ("counts", counts),
        ("destroy", destroy),
        ("partial", partial),
        ("refresh_only", refresh_only),
    ])
}

/// What is recorded.
struct Records<'a> {
    snapshot: &'a Snapshot,
    registry: &'a Registry,
    by_identity: BTreeMap<(Option<&'a TargetAddress>, &'a str), &'a Record>,
}

impl<'a> Records<'a> {
    /// The record of an instance: under its own address, or, where it was renamed, by what it is.
    fn of(&self, change: &Change) -> Option<&'a Record> {
        self.snapshot.records.get(&change.address).or_else(|| {
            let identity = change.prior_identity.as_deref().or(change.identity.as_deref())?;
            self.by_identity.get(&(change.target.as_ref(), identity)).copied()
        })
    }
}

fn change_value(change: &Change, records: &Records<'_>) -> Value {
    let text = |text: Option<String>| text.map_or_else(Value::null, Value::string);
    let record = records.of(change);
    let after = match change.action {
        Action::Delete | Action::Forget => Value::null(),
        _ => records.registry.seen(&change.address, change.planned.clone()),
    };
    let before = record.map(|record| records.registry.seen(&change.address, record.attributes.clone()));
    object([
        ("address", Value::string(change.address.to_string())),
        ("module", module(change)),
        ("type", Value::string(change.kind.as_str())),
        ("name", Value::string(change.address.name.as_str())),
        ("action", Value::string(action(change.action))),
        ("target", text(change.target.as_ref().map(ToString::to_string))),
        ("before", before.unwrap_or_else(Value::null)),
        ("after", after),
        ("reason", text(change.reason.clone())),
    ])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::object(fields.map(|(name, value)| (name.to_owned(), value)))
}

fn action(action: Action) -> &'static str {
    match action {
        Action::NoOp => "no_op",
        Action::Create => "create",
        Action::Update => "update",
        Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst => "replace",
        Action::Delete => "delete",
        Action::Forget => "forget",
        Action::Adopt => "adopt",
        Action::Refresh => "refresh",
        Action::Read => "read",
        Action::Defer => "defer",
        Action::Step => "step",
    }
}

/// The module that it is in.
fn module(change: &Change) -> Value {
    match change.address.module.0.is_empty() {
        true => Value::null(),
        false => Value::string(change.address.module.to_string()),
    }
}
