//! What has moved since the review, where a step was turned down for that: each field as reviewed, as it is now, and as it is wanted.

use super::step::Prepared;
use crate::config::Registry;
use crate::plan::{Change, FieldChange};
use crate::ports::{DifferenceRequest, ObserveItem, Observed, Precondition, Target};
use crate::value::{Fingerprinter, Path, Value};

/// One field that is not as reviewed any more.
#[derive(Clone, Debug, PartialEq)]
pub struct MovedField {
    /// Where.
    pub path: Path,
    /// What was there when the plan was made; `None` if nothing was.
    pub reviewed: Option<Value>,
    /// What is there now; `None` if nothing is.
    pub now: Option<Value>,
    /// What was to be there; `None` if it was to go.
    pub wanted: Option<Value>,
}

/// Looks at the thing again. Empty if it cannot be looked at, or if nothing that the stack cares about has moved.
pub(super) async fn moved(
    change: &Change,
    prepared: &Prepared,
    target: &dyn Target,
    registry: &Registry,
    fingerprinter: &dyn Fingerprinter,
) -> Vec<MovedField> {
    let (Some(request), Some(provider)) = (&prepared.request, registry.provider(&change.kind)) else {
        return Vec::new();
    };
    let item = ObserveItem {
        address: change.address.clone(),
        kind: change.kind.clone(),
        identity: request.identity.clone(),
        desired: request.desired.clone(),
        record: request.record.clone(),
    };
    let Some(Ok(observed)) = target.observe(&[item]).await.into_iter().next() else { return Vec::new() };
    // What is removed to be made anew is held against what is to be made.
    let desired = request.desired.as_ref().or(change.desired.as_ref());
    let now = provider.difference(&DifferenceRequest {
        address: &change.address,
        kind: &change.kind,
        record: request.record.as_deref(),
        observed: &observed,
        desired,
        preview: None,
        fingerprinter,
    });
    let is_absent = request.precondition == Precondition::Absent;
    let reviewed = Seen { is_absent, fields: &change.fields, drift: &change.drift };
    let is_absent = matches!(observed, Observed::Absent);
    let all = three_ways(&reviewed, &Seen { is_absent, fields: &now.fields, drift: &now.drift });
    all.into_iter().map(|field| prepared.mark_moved(field)).collect()
}

/// How a thing was seen: by what would change, and by what was no longer as recorded.
struct Seen<'a> {
    /// Whether there was no such thing.
    is_absent: bool,
    fields: &'a [FieldChange],
    drift: &'a [FieldChange],
}

impl<'a> Seen<'a> {
    fn field(&self, path: &Path) -> Option<&'a FieldChange> {
        self.fields.iter().find(|field| field.path == *path)
    }

    fn drift(&self, path: &Path) -> Option<&'a FieldChange> {
        self.drift.iter().find(|field| field.path == *path)
    }

    /// What was there at a path. What is told by the other sight only was here as recorded, or else as wanted.
    fn value(&self, path: &Path, other: &Self) -> Option<Value> {
        if self.is_absent {
            return None;
        }
        let told = self.field(path).map(|field| &field.before);
        let told = told.or_else(|| self.drift(path).map(|field| &field.after));
        let untold = || other.drift(path).map(|field| &field.before);
        told.or_else(untold).or_else(|| other.field(path).map(|field| &field.after)).cloned().flatten()
    }
}

fn three_ways(reviewed: &Seen<'_>, now: &Seen<'_>) -> Vec<MovedField> {
    let all = [reviewed.fields, reviewed.drift, now.fields, now.drift];
    let mut paths: Vec<&Path> = Vec::new();
    for field in all.into_iter().flatten() {
        if !paths.contains(&&field.path) {
            paths.push(&field.path);
        }
    }
    let fields = paths.into_iter().map(|path| {
        let (was, is) = (reviewed.value(path, now), now.value(path, reviewed));
        let wanted = now.field(path).or_else(|| reviewed.field(path)).map(|field| field.after.clone());
        // What nobody wants otherwise is wanted as it was.
        let wanted = wanted.unwrap_or_else(|| was.clone());
        MovedField { path: path.clone(), reviewed: was, now: is, wanted }
    });
    fields.filter(|field| !same(field.reviewed.as_ref(), field.now.as_ref())).collect()
}

fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.same(b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(path: &str, before: Option<&str>, after: Option<&str>) -> FieldChange {
        let value = |text: Option<&str>| text.map(Value::string);
        FieldChange {
            path: Path::attribute(path),
            before: value(before),
            after: value(after),
            forces_replace: false,
            owner: None,
        }
    }

    /// Fields and drift of the two sights, and the rows: path, reviewed, now, wanted.
    fn check(reviewed: [&[FieldChange]; 2], now: [&[FieldChange]; 2], expect: &[[&str; 4]]) {
        let seen = |[fields, drift]: [&'static [FieldChange]; 2]| Seen { is_absent: false, fields, drift };
        let leak = |fields: [&[FieldChange]; 2]| fields.map(|fields| &*fields.to_vec().leak());
        let rows = three_ways(&seen(leak(reviewed)), &seen(leak(now)));
        let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).unwrap_or("-").to_owned();
        let rows: Vec<_> = rows
            .iter()
            .map(|row| [row.path.to_string(), text(&row.reviewed), text(&row.now), text(&row.wanted)])
            .collect();
        assert_eq!(rows, expect);
    }

    #[test]
    fn each_field_is_told_as_reviewed_as_it_is_and_as_wanted() {
        let change = [field("a", Some("1"), Some("2"))];
        check([&change, &[]], [&[field("a", Some("9"), Some("2"))], &[]], &[["a", "1", "9", "2"]]);
        // Someone has done already what was to be done.
        check([&change, &[]], [&[], &[]], &[["a", "1", "2", "2"]]);
        // It was as wanted.
        check([&[], &[]], [&[field("a", Some("9"), Some("2"))], &[]], &[["a", "2", "9", "2"]]);
        // It is gone, or there where nothing was.
        check([&change, &[]], [&[field("a", None, Some("2"))], &[]], &[["a", "1", "-", "2"]]);
        check(
            [&[field("a", None, Some("2"))], &[]],
            [&[field("a", Some("9"), Some("2"))], &[]],
            &[["a", "-", "9", "2"]],
        );
        // Only what has moved is told.
        check([&change, &[]], [&change, &[]], &[]);
        // What is to be removed is told by its drift.
        check([&[], &[]], [&[], &[field("a", Some("1"), Some("9"))]], &[["a", "1", "9", "1"]]);
        check([&[], &[field("a", Some("1"), Some("8"))]], [&[], &[]], &[["a", "8", "1", "8"]]);
    }
}
