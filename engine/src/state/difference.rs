//! What one state records and another does not.

use std::collections::BTreeSet;

use super::{Record, Snapshot};
use crate::address::Address;
use crate::value::Value;

/// What is different in a later state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What it records besides.
    pub added: Vec<Address>,
    /// What it records otherwise.
    pub changed: Vec<Address>,
    /// What it does not record any more.
    pub removed: Vec<Address>,
    /// The outputs that are not the same.
    pub outputs: Vec<String>,
}

impl Difference {
    /// Between two states, whatever their lineages and serials.
    pub fn between(before: &Snapshot, after: &Snapshot) -> Self {
        let mut difference = Self::default();
        let addresses: BTreeSet<_> = before.records.keys().chain(after.records.keys()).collect();
        for address in addresses {
            let list = match (before.records.get(address), after.records.get(address)) {
                (None, _) => &mut difference.added,
                (_, None) => &mut difference.removed,
                (Some(before), Some(after)) if is_same(before, after) => continue,
                (Some(_), Some(_)) => &mut difference.changed,
            };
            list.push(address.clone());
        }
        let names: BTreeSet<_> = before.outputs.keys().chain(after.outputs.keys()).collect();
        let differs = |name: &&&String| match (before.outputs.get(**name), after.outputs.get(**name)) {
            (Some(before), Some(after)) => !is_same_value(before, after),
            _ => true,
        };
        difference.outputs = names.iter().filter(differs).map(|name| (*name).clone()).collect();
        difference
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn is_same(before: &Record, after: &Record) -> bool {
    let bare = |record: &Record| Record { attributes: Value::null(), ..record.clone() };
    is_same_value(&before.attributes, &after.attributes) && bare(before) == bare(after)
}

fn is_same_value(before: &Value, after: &Value) -> bool {
    before == after || (before.same(after) && before.is_sensitive() == after.is_sensitive())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample::snapshot;

    #[test]
    fn differences() {
        let check = |before: &[&str], after: &[&str], expect: [&[&str]; 3]| {
            let found = Difference::between(&snapshot(before), &snapshot(after));
            let lists = [&found.added, &found.changed, &found.removed];
            let lists = lists.map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(lists, expect.map(|list| list.to_vec()), "{before:?} {after:?}");
            assert_eq!(found.is_empty(), expect.iter().all(|list| list.is_empty()));
        };
        check(&["value.a"], &["value.a"], [&[], &[], &[]]);
        check(&["value.a"], &["value.b"], [&["value.b"], &[], &["value.a"]]);
        check(&["value.a", "value.b"], &["value.a", "value.b <- value.a"], [&[], &["value.b"], &[]]);
    }

    #[test]
    fn outputs_differ_by_value_and_by_being_secret() {
        let with =
            |value: Value| Snapshot { outputs: [("x".to_owned(), value)].into(), ..Snapshot::default() };
        let check = |before: &Snapshot, after: &Snapshot, expect: usize| {
            assert_eq!(Difference::between(before, after).outputs.len(), expect);
        };
        let plain = with(Value::string("a"));
        check(&plain, &plain, 0);
        check(&plain, &with(Value::string("b")), 1);
        check(&plain, &with(Value::string("a").marked(true)), 1);
        check(&plain, &Snapshot::default(), 1);
    }
}
