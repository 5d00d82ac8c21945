//! The sandbox by the eyes of the machine's kubectl: what is ours there is what the files declare, and nothing else.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::program::Ended;
use crate::stack::Stack;

/// Label selectors belong to one manager as a whole (`x-kubernetes-map-type: atomic`).
const ATOMIC: [&str; 1] = ["/spec/selector"];

/// Writes fields of an object under another manager's name, by force.
pub(crate) fn write_as(mut command: Command, manager: &str, object: &Value) {
    command.args(["apply", "--server-side", "--force-conflicts", "--field-manager", manager, "-f", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("kubectl is needed: install kubernetes-client");
    child.stdin.take().unwrap().write_all(object.to_string().as_bytes()).unwrap();
    Ended::new(format!("{command:?}"), &child.wait_with_output().unwrap()).done();
}

/// The lines of a text.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// Checks that `meshform` owns of each object of the quickstart exactly what the file declares of it.
pub(crate) fn check_ownership(stack: &Stack, get: impl Fn(&[&str]) -> Ended) {
    let objects = ["namespace/quickstart", "configmap/page", "deployment/web", "service/web"];
    for (name, object) in ["namespace", "page", "web", "service"].into_iter().zip(objects) {
        let shown = get(&["-n", "quickstart", object, "-o", "json", "--show-managed-fields"]).done();
        let live: Value = serde_json::from_str(&shown.out).unwrap();
        let manifest = manifest(stack, &format!("kube_object.{name}"));
        assert_eq!(owned(&live, "meshform"), declared(&manifest, &live), "of {object}");
    }
    let yaml = get(&["-n", "quickstart", "deploy", "-o", "yaml", "--show-managed-fields"]).done();
    yaml.says(&["manager: meshform", "operation: Apply", "f:replicas: {}"]);
}

/// The manifest that is recorded of an instance.
fn manifest(stack: &Stack, address: &str) -> Value {
    let shown = stack.run(["state", "show", "-json", address]).done();
    let recorded: Value = serde_json::from_str(&shown.out).unwrap();
    recorded["attributes"]["value"]["manifest"].clone()
}

/// The fields that a manager has applied, as paths. Who owns nothing is not listed.
fn owned(live: &Value, manager: &str) -> BTreeSet<String> {
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let own: Vec<_> = entries.filter(|entry| entry["manager"] == manager).collect();
    assert!(own.len() <= 1 && own.iter().all(|entry| entry["operation"] == "Apply"), "{live:#}");
    let mut paths = BTreeSet::new();
    for entry in own {
        owned_below(&entry["fieldsV1"], "", &mut paths);
    }
    paths
}

/// FieldsV1: `f:` names a field, `k:` an element by its keys, `v:` an element of a set; `.` is the element itself.
fn owned_below(fields: &Value, path: &str, paths: &mut BTreeSet<String>) {
    let fields = fields.as_object().unwrap();
    if fields.is_empty() {
        paths.insert(path.to_owned());
    }
    for (name, below) in fields {
        match name.split_once(':') {
            Some((_, name)) => owned_below(below, &format!("{path}/{name}"), paths),
            None => drop(paths.insert(format!("{path}/."))),
        }
    }
}

/// The fields that a manifest declares, as paths in the same notation. What tells elements of a list apart is read off the live object's
/// managed fields, for it is the cluster's schema that says so.
fn declared(manifest: &Value, live: &Value) -> BTreeSet<String> {
    let mut own = manifest.clone();
    for name in ["apiVersion", "kind"] {
        own.as_object_mut().unwrap().remove(name);
    }
    for name in ["name", "namespace"] {
        own["metadata"].as_object_mut().unwrap().remove(name);
    }
    let mut paths = BTreeSet::new();
    let keys = element_keys(live);
    declared_below(&own, "", &keys, &mut paths);
    paths.remove("/metadata");
    paths
}

fn declared_below(value: &Value, path: &str, keys: &[Value], paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() && !ATOMIC.contains(&path) => {
            for (name, below) in fields {
                declared_below(below, &format!("{path}/{name}"), keys, paths);
            }
        }
        Value::Array(elements) if elements.iter().all(Value::is_object) && !elements.is_empty() => {
            for element in elements {
                let path = format!("{path}/{}", key_of(element, keys));
                paths.insert(format!("{path}/."));
                declared_below(element, &path, keys, paths);
            }
        }
        _ => drop(paths.insert(path.to_owned())),
    }
}

/// The key of those in use that fits the element; a key may have defaults (`protocol`) that the element does not say.
fn key_of(element: &Value, keys: &[Value]) -> String {
    let fits = |key: &&Value| {
        let mut said = key
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| element.get(name.as_str()).is_some())
            .peekable();
        said.peek().is_some() && said.all(|(name, value)| element[name.as_str()] == *value)
    };
    let key = keys.iter().find(fits);
    key.unwrap_or_else(|| panic!("no key of {keys:?} is that of {element}")).to_string()
}

/// All keys of elements in an object's managed fields.
fn element_keys(live: &Value) -> Vec<Value> {
    fn collect(fields: &Value, keys: &mut Vec<Value>) {
        for (name, below) in fields.as_object().into_iter().flatten() {
            keys.extend(name.strip_prefix("k:").map(|key| serde_json::from_str(key).unwrap()));
            collect(below, keys);
        }
    }
    let mut keys = Vec::new();
    for entry in live["metadata"]["managedFields"].as_array().into_iter().flatten() {
        collect(&entry["fieldsV1"], &mut keys);
    }
    keys
}

#[test]
fn meshform_owns_what_the_file_declares() {
    let stack = Stack::example("quickstart");
    stack.apply().done();
    check_ownership(&stack, |arguments| stack.get("main", arguments));
}
