//! What `restart_on` and `reload_on` refer to: of a whole resource, only what tells one version of it from another.

use std::collections::BTreeMap;

use meshform_engine::types::Type;
use meshform_engine::value::{Value, to_json};

use crate::attributes::with;
use crate::managed::has_unknown;
use crate::script::sha256;

/// The attributes with the resources in these lists reduced: a file to its path and hash, a package to its version, and anything else to a
/// hash of its attributes, besides its path if it has one.
pub(crate) fn reduced(attributes: Value) -> Value {
    let lists = ["restart_on", "reload_on"].into_iter().filter_map(|name| {
        let list = attributes.get(name)?;
        let elements = list.as_list()?.iter().flat_map(reference);
        Some((name, Value::list(elements).marked(list.is_sensitive())))
    });
    let lists: Vec<_> = lists.collect();
    with(&attributes, lists)
}

fn reference(said: &Value) -> Vec<Value> {
    let Some(resource) = said.as_map() else { return vec![said.clone()] };
    let attribute = |name: &str| resource.get(name).filter(|value| !value.is_null());
    match (attribute("path"), attribute("sha256"), attribute("installed_version")) {
        (Some(path), Some(hash), _) => {
            let parts = [("path".to_owned(), path.clone()), ("sha256".to_owned(), hash.clone())];
            vec![Value::object(parts)]
        }
        (Some(path), None, _) => vec![path.clone(), fingerprint(resource)],
        (None, _, Some(version)) => vec![package(attribute("name"), version)],
        (None, _, None) => vec![fingerprint(resource)],
    }
}

fn package(name: Option<&Value>, version: &Value) -> Value {
    match (name.and_then(Value::as_str), version.as_str()) {
        (Some(name), Some(version)) => Value::string(format!("{name} {version}")),
        _ => Value::unknown(Type::String),
    }
}

fn fingerprint(resource: &BTreeMap<String, Value>) -> Value {
    let plain = Value::object(resource.iter().map(|(name, value)| (name.clone(), value.unmarked())));
    match to_json(&plain) {
        Ok(json) if !has_unknown(&plain) => {
            Value::string(format!("sha256:{}", sha256(json.to_string().as_bytes())))
        }
        _ => Value::unknown(Type::String),
    }
    .marked(resource.values().any(Value::has_sensitive))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &Value, expect: &[&str]) {
        let list = Value::list([said.clone()]);
        let reduced = reduced(Value::object([("restart_on".to_owned(), list)]));
        let shown = |value: &Value| match value.as_map() {
            Some(parts) => {
                parts.values().map(|part| part.as_str().unwrap_or("?")).collect::<Vec<_>>().join(" ")
            }
            None => value.as_str().unwrap_or("?").to_owned(),
        };
        let found: Vec<_> =
            reduced.get("restart_on").and_then(Value::as_list).unwrap().iter().map(shown).collect();
        assert_eq!(found.len(), expect.len());
        assert!(found.iter().zip(expect).all(|(found, expect)| found.starts_with(expect)), "{found:?}");
    }

    fn resource(attributes: &[(&str, Value)]) -> Value {
        Value::object(attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))
    }

    #[test]
    fn resources_are_known_by_what_changes() {
        check(&"/etc/a".into(), &["/etc/a"]);
        check(&Value::unknown(Type::Any), &["?"]);
        let file =
            |hash: Value| resource(&[("path", "/f".into()), ("content", "long".into()), ("sha256", hash)]);
        check(&file("abc".into()), &["/f abc"]);
        check(&file(Value::unknown(Type::String)), &["/f ?"]);
        let package = |version: Value| {
            resource(&[("name", "nginx".into()), ("version", Value::null()), ("installed_version", version)])
        };
        check(&package("1.2".into()), &["nginx 1.2"]);
        check(&package(Value::unknown(Type::String)), &["?"]);
        check(&resource(&[("path", "/f".into()), ("line", "a=1".into())]), &["/f", "sha256:"]);
        check(&resource(&[("line", Value::unknown(Type::String))]), &["?"]);
    }
}
