//! The last guard before anything is shown: a field is sensitive if the instance's values say so, whoever made the field.

use meshform_engine::plan::{Change, FieldChange};
use meshform_engine::value::{Path, Value};

/// The changed fields of an instance, marked wherever its planned or wanted values are.
pub(crate) fn fields(change: &Change) -> Vec<FieldChange> {
    veiled(change, &change.fields)
}

/// What was no longer as recorded, marked likewise.
pub(crate) fn drift(change: &Change) -> Vec<FieldChange> {
    veiled(change, &change.drift)
}

fn veiled(change: &Change, fields: &[FieldChange]) -> Vec<FieldChange> {
    let marked =
        |path: &Path| std::iter::once(&change.planned).chain(&change.desired).any(|value| marks(value, path));
    fields
        .iter()
        .map(|field| {
            let mark = marked(&field.path);
            let veil = |side: &Option<Value>| side.clone().map(|value| value.marked(mark));
            FieldChange { before: veil(&field.before), after: veil(&field.after), ..field.clone() }
        })
        .collect()
}

/// Whether the value is marked at the path, or at the deepest part of the path that it has.
fn marks(value: &Value, path: &Path) -> bool {
    (0..=path.0.len())
        .map_while(|depth| value.at(&Path(path.0[..depth].to_vec())))
        .last()
        .is_some_and(|part| part.is_sensitive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_on_the_way_and_at_the_end() {
        let inner =
            Value::object([("token".into(), Value::string("t").sensitive()), ("id".into(), "i".into())]);
        let value = Value::object([("open".into(), inner.clone()), ("shut".into(), inner.sensitive())]);
        let check = |names: &[&str], expect: bool| {
            let path = names.iter().fold(Path::default(), |path, name| {
                path.join(meshform_engine::value::PathStep::Attribute((*name).into()))
            });
            assert_eq!(marks(&value, &path), expect, "{path}");
        };
        check(&["open"], false);
        check(&["open", "id"], false);
        check(&["open", "token"], true);
        check(&["open", "token", "gone"], true);
        check(&["shut", "id"], true);
        check(&["shut", "gone"], true);
        check(&["absent"], false);
    }
}
