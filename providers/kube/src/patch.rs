//! `kube_patch`: only the given fields of an object that someone else owns, under a field manager of its own.

use std::fmt::Write as _;

use meshform_engine::address::{Address, Key};
use meshform_engine::diagnostic::Severity;
use meshform_engine::plan::FieldChange;
use meshform_engine::ports::{Difference, Observation, Problem, Verdict};
use meshform_engine::value::{Path, Value};

use crate::MANAGER;
use crate::identity::ObjectName;
use crate::owned::Owners;

/// What the identity of a patch begins with: several patches may be of one object.
const PREFIX: &str = "patch/";
/// The longest name of a field manager that a server takes.
const MANAGER_LENGTH_MAX: usize = 128;

/// What a patch is on its cluster: whose fields of which object.
pub(crate) fn identity(address: &Address, desired: &Value) -> Option<String> {
    let object = ObjectName::of(desired.get("manifest")?)?;
    let manager = match desired.get("field_manager").filter(|given| !given.is_null()) {
        Some(given) => given.as_str()?.to_owned(),
        None => default_manager(address),
    };
    Some(format!("{PREFIX}{manager}/{}", object.identity()))
}

/// The field manager of what has this identity.
pub(crate) fn manager(identity: &str) -> &str {
    let of_patch = identity.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/'));
    of_patch.map_or(MANAGER, |(manager, _)| manager)
}

/// The identity of the object that is meant.
pub(crate) fn object(identity: &str) -> &str {
    let of_patch = identity.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/'));
    of_patch.map_or(identity, |(_, object)| object)
}

fn default_manager(address: &Address) -> String {
    let mut name = MANAGER.to_owned();
    let modules = address.module.0.iter().map(|step| (&step.name, step.key.as_ref()));
    for (part, key) in modules.chain([(&address.name, address.keys.first())]) {
        name.push('-');
        name.push_str(part);
        match key {
            Some(Key::Index(index)) => drop(write!(name, "-{index}")),
            Some(Key::Name(key)) => drop(write!(name, "-{key}")),
            None => {}
        }
    }
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if name.len() <= MANAGER_LENGTH_MAX && name.chars().all(is_plain) {
        return name;
    }
    let hash = blake3::hash(name.as_bytes()).to_hex();
    format!("{MANAGER}-{}", &hash[..32])
}

/// What is wrong with a patch beyond its manifest.
pub(crate) fn check(desired: &Value) -> Option<Problem> {
    let manager = desired.get_str("field_manager")?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let is_wrong = manager.is_empty() || manager.len() > MANAGER_LENGTH_MAX || !manager.chars().all(is_plain);
    let detail = match (is_wrong, manager == MANAGER) {
        (true, _) => format!("It has letters, digits, dashes and dots, {MANAGER_LENGTH_MAX} at most."),
        (_, true) => format!(
            "What {MANAGER:?} applies is whole objects, and it would take them for its own. Choose another name."
        ),
        (false, false) => return None,
    };
    let path = Path::attribute("field_manager");
    Some(Problem { severity: Severity::Error, summary: "Wrong field manager".to_owned(), detail, path })
}

/// Giving the fields back: those that no one else owns go, the others stay as they are.
pub(crate) fn given_back(there: &Observation, owners: &Owners, none: Difference) -> Difference {
    if owners.own().is_empty() {
        return none;
    }
    let field = |way: Vec<meshform_engine::value::PathStep>| {
        let owner = owners.others_at(&way);
        let path = Path(way);
        let before = there.attributes.get("object").and_then(|object| object.at(&path));
        let after = before.clone().filter(|_| owner.is_some());
        FieldChange { path, before, after, forces_replace: false, owner }
    };
    let fields =
        owners.own().leaves().into_iter().map(field).filter(|field| field.before.is_some()).collect();
    let note = "The object stays. Fields that no one else owns are removed from it, or get their default.";
    Difference { verdict: Verdict::Delete, fields, notes: vec![note.to_owned()], ..none }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::value::from_json;
    use serde_json::json;

    fn check_identity(address: &str, field_manager: serde_json::Value, expect: &str) {
        let metadata = json!({ "name": "n1" });
        let manifest = json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata });
        let desired = from_json(&json!({ "manifest": manifest, "field_manager": field_manager }));
        let identity = identity(&address.parse().unwrap(), &desired).unwrap();
        assert_eq!(identity, format!("patch/{expect}/core/Node/n1"));
        assert_eq!((manager(&identity), object(&identity)), (expect, "core/Node/n1"));
    }

    #[test]
    fn each_patch_has_a_manager_of_its_own() {
        check_identity("kube_patch.label", json!(null), "meshform-label");
        check_identity("kube_patch.label", json!("mine"), "mine");
        check_identity("module.a[\"x\"].kube_patch.label[\"y\"]", json!(null), "meshform-a-x-label-y");
        check_identity("kube_patch.label[2]", json!(null), "meshform-label-2");
        let odd = default_manager(&"kube_patch.label[\"a/b\"]".parse().unwrap());
        assert!(odd.len() == MANAGER.len() + 33 && !odd.contains('/'), "{odd}");
        assert_eq!((manager("core/Node/n1"), object("core/Node/n1")), (MANAGER, "core/Node/n1"));
    }

    #[test]
    fn managers_have_plain_names_of_their_own() {
        let is_wrong = |name: &str| super::check(&from_json(&json!({ "field_manager": name }))).is_some();
        assert!(is_wrong("a/b") && is_wrong("") && is_wrong(MANAGER) && is_wrong(&"a".repeat(129)));
        assert!(!is_wrong("label-of-nodes") && super::check(&from_json(&json!({}))).is_none());
    }
}
