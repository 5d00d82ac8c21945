//! What can be told to be wrong with a manifest before any server is asked.

use meshform_engine::diagnostic::Severity;
use meshform_engine::ports::Problem;
use meshform_engine::value::{Kind, Path, PathStep, Value, to_json};

use crate::identity::TypeName;
use crate::manifest::SERVER_SET;

/// What the API server accepts as one request body (3 MiB).
const REQUEST_BYTES_MAX: usize = 3 * 1024 * 1024;
/// What fits into one entry of etcd by default (1.5 MiB); a dry-run does not notice.
const STORED_BYTES_MAX: usize = 3 * 512 * 1024;
/// What the data of a ConfigMap or Secret may add up to (1 MiB).
const DATA_BYTES_MAX: usize = 1024 * 1024;

/// All that is wrong with a manifest, found at `at`. What is not known yet is not wrong.
pub(crate) fn check(manifest: &Value, at: &Path) -> Vec<Problem> {
    if !manifest.is_known() {
        return Vec::new();
    }
    if manifest.as_map().is_none() {
        let detail = format!(
            "A manifest is an object with apiVersion, kind and metadata, but this is a {}.",
            noun(manifest)
        );
        return vec![error("Not an object", detail, at.clone())];
    }
    let exposed = check_exposed(manifest, at);
    if !exposed.is_empty() {
        return exposed;
    }
    let mut problems = Vec::new();
    for name in ["apiVersion", "kind"] {
        problems.extend(required_text(manifest, name, at));
    }
    problems.extend(check_metadata(manifest, at));
    if manifest.get("status").is_some_and(|status| !status.is_null()) {
        let detail = "The cluster writes the status; what is declared here is left out. Remove it.";
        problems.push(warning("The status is not declared", detail, at.join(attribute("status"))));
    }
    if manifest.get_str("kind").is_some_and(|kind| kind.ends_with("List")) && manifest.get("items").is_some()
    {
        let detail =
            "This is a list of objects. Give each one a `kube_object` of its own, or use `kube_manifests`.";
        problems.push(error("A list is not an object", detail, at.join(attribute("items"))));
    }
    problems.extend(check_size(manifest, at));
    problems
}

/// What an object is known by shows in every plan and in the state. A manifest that is sensitive as a whole, such as one decoded from a
/// sensitive text, is taken to mean its content.
fn check_exposed(manifest: &Value, at: &Path) -> Vec<Problem> {
    const SHOWN: [&[&str]; 4] =
        [&["apiVersion"], &["kind"], &["metadata", "name"], &["metadata", "namespace"]];
    let is_sensitive = |names: &&[&str]| {
        let value = names.iter().try_fold(manifest, |value, name| value.get(name));
        value.is_some_and(Value::is_sensitive)
    };
    let problem = |names: &[&str]| {
        let place = names.iter().fold(at.clone(), |place, name| place.join(attribute(name)));
        let detail = "Objects are known by their type and name, in every plan and in the state. Let other fields be sensitive.";
        error("A sensitive name", detail, place)
    };
    SHOWN.into_iter().filter(is_sensitive).map(problem).collect()
}

fn check_metadata(manifest: &Value, at: &Path) -> Vec<Problem> {
    let path = at.join(attribute("metadata"));
    let Some(metadata) = manifest.get("metadata") else {
        let detail =
            "An object needs `metadata = { name = \"…\" }`: without a name it cannot be found again.";
        return vec![error("The object has no name", detail, at.clone())];
    };
    if !metadata.is_known() {
        return Vec::new();
    }
    if metadata.as_map().is_none() {
        let detail = format!("`metadata` is an object, but this is a {}.", noun(metadata));
        return vec![error("Wrong type", detail, path)];
    }
    let mut problems = Vec::new();
    match metadata.get("generateName").filter(|given| !given.is_null()) {
        Some(_) => {
            let detail = "A name that the cluster makes up is another one on every apply. Set `name` instead of `generateName`.";
            problems.push(error(
                "generateName is not supported",
                detail,
                path.join(attribute("generateName")),
            ));
        }
        None => problems.extend(required_text(metadata, "name", &path)),
    }
    problems.extend(check_namespace(manifest, metadata, &path));
    problems.extend(check_server_set(metadata, &path));
    for name in ["labels", "annotations"] {
        problems.extend(
            metadata.get(name).into_iter().flat_map(|map| check_texts(map, &path.join(attribute(name)))),
        );
    }
    problems
}

fn check_namespace(manifest: &Value, metadata: &Value, path: &Path) -> Option<Problem> {
    let namespace = metadata.get("namespace").filter(|given| !given.is_null() && given.is_known())?;
    let path = path.join(attribute("namespace"));
    if namespace.as_str().is_none_or(str::is_empty) {
        let detail = "`namespace` is a text that is not empty. Leave it out where there is none.";
        return Some(error("Wrong namespace", detail, path));
    }
    let of_type = TypeName::of(manifest)?;
    (of_type.is_namespaced() == Some(false)).then(|| {
        let detail = format!("A {} belongs to the whole cluster. Remove `namespace`.", of_type.kind);
        error("The kind has no namespace", detail, path)
    })
}

fn check_server_set(metadata: &Value, path: &Path) -> Vec<Problem> {
    let given = |name: &&&str| metadata.get(name).is_some_and(|value| !value.is_null());
    let problem = |name: &&str| {
        let path = path.join(attribute(name));
        match *name {
            "managedFields" | "resourceVersion" | "uid" => {
                let detail = format!(
                    "Only the cluster sets `{name}`, and what it is now is looked up anyway. Remove it."
                );
                error("Set by the cluster only", detail, path)
            }
            _ => {
                let detail =
                    format!("Only the cluster sets `{name}`; what is declared here is left out. Remove it.");
                warning("Set by the cluster only", detail, path)
            }
        }
    };
    SERVER_SET.iter().filter(given).map(problem).collect()
}

/// Labels and annotations hold texts; `true` or `1` without quotes is the commonest mistake.
fn check_texts(map: &Value, path: &Path) -> Vec<Problem> {
    let entries = map.as_map().into_iter().flatten();
    entries
        .filter(|(_, value)| value.is_known() && !value.is_null() && value.as_str().is_none())
        .map(|(key, value)| {
            let detail =
                format!("Labels and annotations are texts, but this is a {}. Put it in quotes.", noun(value));
            error("Not a text", detail, path.join(attribute(key)))
        })
        .collect()
}

fn required_text(of: &Value, name: &str, path: &Path) -> Option<Problem> {
    let path_here = path.join(attribute(name));
    match of.get(name).filter(|value| !value.is_null()) {
        None => {
            let detail = format!("Every object needs `{name}`. Add it.");
            Some(error(
                "Missing in the manifest",
                detail,
                if of.get(name).is_some() { path_here } else { path.clone() },
            ))
        }
        Some(value) if !value.is_known() => None,
        Some(value) => match value.kind() {
            Kind::String(text) if !text.is_empty() => None,
            Kind::String(_) => Some(error("Empty", format!("`{name}` must not be empty."), path_here)),
            _ => {
                let detail = format!("`{name}` is a text, but this is a {}.", noun(value));
                Some(error("Wrong type", detail, path_here))
            }
        },
    }
}

fn check_size(manifest: &Value, at: &Path) -> Option<Problem> {
    let size = to_json(manifest).ok()?.to_string().len();
    let (bytes, limit, what) = match (data_bytes(manifest), size) {
        (Some(data), _) if data > DATA_BYTES_MAX => {
            (data, DATA_BYTES_MAX, "the data of a ConfigMap or Secret")
        }
        (_, size) if size > REQUEST_BYTES_MAX => (size, REQUEST_BYTES_MAX, "a request"),
        (_, size) if size > STORED_BYTES_MAX => (size, STORED_BYTES_MAX, "a stored object"),
        _ => return None,
    };
    let detail = format!(
        "It has {bytes} bytes, and {what} may have {limit}. Split it, or keep the content elsewhere."
    );
    Some(error("The object is too large", detail, at.clone()))
}

/// What the data of a ConfigMap or Secret adds up to, as the server counts it.
fn data_bytes(manifest: &Value) -> Option<usize> {
    let of_type = TypeName::of(manifest)?;
    let sum = |name: &str| -> usize {
        let entries = manifest.get(name).and_then(Value::as_map).into_iter().flatten();
        entries.filter_map(|(_, value)| value.as_str()).map(str::len).sum()
    };
    match of_type.is_secret() {
        true => Some(sum("data") / 4 * 3 + sum("stringData")),
        false => of_type.is("", "ConfigMap").then(|| sum("data") + sum("binaryData") / 4 * 3),
    }
}

fn attribute(name: &str) -> PathStep {
    PathStep::Attribute(name.to_owned())
}

fn error(summary: &str, detail: impl Into<String>, path: Path) -> Problem {
    Problem { severity: Severity::Error, summary: summary.into(), detail: detail.into(), path }
}

fn warning(summary: &str, detail: impl Into<String>, path: Path) -> Problem {
    Problem { severity: Severity::Warning, ..error(summary, detail, path) }
}

/// What a value is, as those say who write YAML: there are no tuples.
fn noun(value: &Value) -> &'static str {
    if value.as_list().is_some() { "list" } else { value.type_name() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::types::Type;
    use meshform_engine::value::from_json;
    use serde_json::{Value as Json, json};

    fn check_value(manifest: &Value, expect: &[&str]) {
        let shown: Vec<_> = check(manifest, &Path::attribute("manifest"))
            .iter()
            .map(|problem| format!("{:?} {}: {}", problem.severity, problem.path, problem.summary))
            .collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn names_are_not_sensitive() {
        let name = Value::string("s3cret").sensitive();
        let metadata = Value::object([("name".to_owned(), name)]);
        let fields = [("apiVersion", "v1".into()), ("kind", "ConfigMap".into()), ("metadata", metadata)];
        check_value(
            &Value::object(fields.map(|(name, value)| (name.to_owned(), value))),
            &["Error manifest.metadata.name: A sensitive name"],
        );
    }

    fn check_json(manifest: Json, expect: &[&str]) {
        check_value(&from_json(&manifest), expect);
    }

    fn object(metadata: Json) -> Json {
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata })
    }

    #[test]
    fn every_problem_has_its_place() {
        check_json(object(json!({ "name": "x" })), &[]);
        check_json(json!("x"), &["Error manifest: Not an object"]);
        check_json(
            json!({}),
            &[
                "Error manifest: Missing in the manifest",
                "Error manifest: Missing in the manifest",
                "Error manifest: The object has no name",
            ],
        );
        check_json(object(json!({})), &["Error manifest.metadata: Missing in the manifest"]);
        check_json(object(json!({ "name": 7 })), &["Error manifest.metadata.name: Wrong type"]);
        check_json(
            object(json!({ "generateName": "x" })),
            &["Error manifest.metadata.generateName: generateName is not supported"],
        );
        check_json(
            object(json!({ "name": "x", "labels": { "a": true } })),
            &["Error manifest.metadata.labels.a: Not a text"],
        );
        check_json(
            object(json!({ "name": "x", "uid": "u", "generation": 1, "creationTimestamp": null })),
            &[
                "Warning manifest.metadata.generation: Set by the cluster only",
                "Error manifest.metadata.uid: Set by the cluster only",
            ],
        );
        check_json(
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "x", "namespace": "y" }, "status": {} }),
            &[
                "Error manifest.metadata.namespace: The kind has no namespace",
                "Warning manifest.status: The status is not declared",
            ],
        );
        check_json(
            json!({ "apiVersion": "v1", "kind": "List", "metadata": { "name": "x" }, "items": [] }),
            &["Error manifest.items: A list is not an object"],
        );
    }

    #[test]
    fn sizes_are_told_before_the_server_does() {
        let with = |kind: &str, bytes: usize| json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": "x" }, "data": { "a": "x".repeat(bytes) } });
        check_json(with("ConfigMap", 1_000_000), &[]);
        check_json(with("ConfigMap", 1_100_000), &["Error manifest: The object is too large"]);
        check_json(with("Foo", 1_600_000), &["Error manifest: The object is too large"]);
    }

    #[test]
    fn what_is_not_known_yet_is_not_wrong() {
        check_value(&Value::unknown(Type::Any), &[]);
        let name = Value::object([("name".into(), Value::unknown(Type::String))]);
        check_value(
            &Value::object([
                ("apiVersion".into(), "v1".into()),
                ("kind".into(), Value::unknown(Type::String)),
                ("metadata".into(), name),
            ]),
            &[],
        );
    }
}
