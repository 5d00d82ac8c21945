//! The last guard before anything is shown, whoever made what is shown.
//!
//! A field is sensitive if the instance's values say so; and what is sensitive on one side of a change is so on the other, for the two may
//! well be the same.

use meshform_engine::plan::{Change, FieldChange, OutputChange};
use meshform_engine::value::{Kind, Path, Value};

/// The changed fields of an instance, marked wherever its planned or wanted values are.
pub(crate) fn fields(change: &Change) -> Vec<FieldChange> {
    veiled(change, &change.fields)
}

/// What was no longer as recorded, marked likewise.
pub(crate) fn drift(change: &Change) -> Vec<FieldChange> {
    veiled(change, &change.drift)
}

/// An output's change, each side marked like the other.
pub(crate) fn output(output: &OutputChange) -> OutputChange {
    let (before, after) = mirrored(output.before.as_ref(), output.after.as_ref());
    OutputChange { before, after }
}

fn veiled(change: &Change, fields: &[FieldChange]) -> Vec<FieldChange> {
    let wholes = || std::iter::once(&change.planned).chain(&change.desired);
    // An object's fields are told by their paths inside the manifest.
    let manifests = || wholes().filter_map(|whole| whole.get("manifest"));
    let marked = |path: &Path| wholes().chain(manifests()).any(|value| marks(value, path));
    let veil = |field: &FieldChange| {
        let mark = marked(&field.path);
        let (before, after) = mirrored(field.before.as_ref(), field.after.as_ref());
        let veil = |side: Option<Value>| side.map(|value| value.marked(mark));
        FieldChange { before: veil(before), after: veil(after), ..field.clone() }
    };
    fields.iter().map(veil).collect()
}

fn mirrored(before: Option<&Value>, after: Option<&Value>) -> (Option<Value>, Option<Value>) {
    match (before, after) {
        (Some(before), Some(after)) => (Some(like(before, after)), Some(like(after, before))),
        (before, after) => (before.cloned(), after.cloned()),
    }
}

/// The value with the marks that the model has in the same places; all of it marked where places cannot be told to be the same.
fn like(value: &Value, model: &Value) -> Value {
    if !model.has_sensitive() {
        return value.clone();
    }
    let part = |(name, part): (&String, &Value)| {
        let part = model.get(name).map_or_else(|| part.clone(), |model| like(part, model));
        (name.clone(), part)
    };
    let same = match (value.kind(), model.as_map(), model.kind()) {
        _ if model.is_sensitive() => value.clone().sensitive(),
        (Kind::Map(entries), Some(_), _) => Value::map(entries.iter().map(part)),
        (Kind::Object(object), Some(_), _) if object.open => {
            Value::open_object(object.fields.iter().map(part))
        }
        (Kind::Object(object), Some(_), _) => Value::object(object.fields.iter().map(part)),
        (Kind::List(elements), _, Kind::List(models)) if elements.len() == models.len() => {
            Value::list(elements.iter().zip(models.iter()).map(|(element, model)| like(element, model)))
        }
        _ => value.clone().sensitive(),
    };
    same.marked(value.is_sensitive())
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
    fn each_side_is_marked_like_the_other() {
        let secret = || Value::string("s").sensitive();
        let with =
            |password: Value| Value::object([("password".into(), password), ("user".into(), "u".into())]);
        let check = |value: Value, model: Value, expect: Value| assert_eq!(like(&value, &model), expect);
        check("s".into(), secret(), secret());
        check("s".into(), "t".into(), "s".into());
        check(secret(), "t".into(), secret());
        check(with("s".into()), with(secret()), with(secret()));
        check(Value::list([with("s".into())]), Value::list([with(secret())]), Value::list([with(secret())]));
        let two = || Value::list(["s".into(), "t".into()]);
        check(two(), Value::list([secret()]), two().sensitive());
        check(two(), with(secret()), two().sensitive());
    }

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
