//! Apply does what was reviewed: what was known in the plan must come out the same.

use crate::value::{Fingerprinter, Kind, Path, PathStep, Value};

/// The first part of `planned` that was known and that `actual` contradicts.
pub(super) fn contradiction(
    planned: &Value,
    actual: &Value,
    fingerprinter: &dyn Fingerprinter,
) -> Option<Path> {
    contradiction_at(planned, actual, fingerprinter, &Path::default())
}

fn contradiction_at(
    planned: &Value,
    actual: &Value,
    fingerprinter: &dyn Fingerprinter,
    path: &Path,
) -> Option<Path> {
    let here = |agrees: bool| (!agrees).then(|| path.clone());
    let inner = |step, planned, actual| contradiction_at(planned, actual, fingerprinter, &path.join(step));
    match (planned.kind(), actual.kind()) {
        (Kind::Unknown(_), _) => None,
        (Kind::Fingerprint(wanted), Kind::Fingerprint(given)) => here(wanted == given),
        (Kind::Fingerprint(wanted), _) => here(**wanted == *fingerprinter.fingerprint(actual)),
        (Kind::List(wanted), Kind::List(given)) => {
            if wanted.len() != given.len() {
                return here(false);
            }
            let mut pairs = wanted.iter().zip(given.iter()).enumerate();
            pairs.find_map(|(index, (planned, actual))| inner(PathStep::Index(index), planned, actual))
        }
        // An element that was unknown in the plan may have any place in the set.
        (Kind::Set(wanted), Kind::Set(_)) if wanted.iter().any(|element| !element.is_wholly_known()) => None,
        (Kind::Map(_) | Kind::Object(_), Kind::Map(_) | Kind::Object(_)) => {
            let (wanted, given) = (planned.as_map()?, actual.as_map()?);
            let open = matches!(planned.kind(), Kind::Object(object) if object.open);
            let step = |name: &String| PathStep::Attribute(name.clone());
            if let Some(extra) = given.keys().find(|name| !open && !wanted.contains_key(*name)) {
                return Some(path.join(step(extra)));
            }
            wanted.iter().find_map(|(name, planned)| match given.get(name) {
                Some(actual) => inner(step(name), planned, actual),
                None => Some(path.join(step(name))),
            })
        }
        _ => here(planned.same(actual)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Type;

    struct Plain;

    impl Fingerprinter for Plain {
        fn fingerprint(&self, value: &Value) -> String {
            format!("fp:{}", value.as_str().unwrap_or_default())
        }
    }

    fn object(fields: &[(&str, Value)]) -> Value {
        Value::object(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))
    }

    fn check(planned: &Value, actual: &Value, expect: Option<&str>) {
        let path = contradiction(planned, actual, &Plain).map(|path| path.to_string());
        assert_eq!(path.as_deref(), expect, "{planned:?} / {actual:?}");
    }

    #[test]
    fn known_parts_must_come_out_the_same() {
        let unknown = || Value::unknown(Type::Any);
        check(&object(&[("a", unknown())]), &object(&[("a", "x".into())]), None);
        check(&object(&[("a", "x".into())]), &object(&[("a", "y".into())]), Some("a"));
        check(&object(&[("a", "x".into())]), &object(&[]), Some("a"));
        check(&object(&[]), &object(&[("b", "x".into())]), Some("b"));
        check(&Value::open_object([]), &object(&[("b", "x".into())]), None);
        let list = |element: Value| object(&[("l", Value::list([1.into(), element]))]);
        check(&list(unknown()), &list(2.into()), None);
        check(&list(3.into()), &list(2.into()), Some("l[1]"));
    }

    #[test]
    fn a_stored_secret_is_compared_by_its_fingerprint() {
        let stored = Value::new(Kind::Fingerprint("fp:s".into())).sensitive();
        check(&stored, &Value::string("s").sensitive(), None);
        check(&object(&[("p", stored)]), &object(&[("p", "t".into())]), Some("p"));
    }
}
