//! Files, charts and folders become parts.

use super::*;
use meshform_engine::address::Address;
use meshform_engine::files::{FileError, Files};
use meshform_engine::types::Type;

struct Memory;

impl Files for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        match path {
            "stack/k8s/a.yaml" => Ok(b"kind: ConfigMap\napiVersion: v1\nmetadata: { name: a }\n".to_vec()),
            "stack/k8s/b.yaml" => Ok(b"kind: Namespace\napiVersion: v1\nmetadata: { name: web }\n".to_vec()),
            _ => Err(FileError::NotFound),
        }
    }

    fn glob(&self, base: &str, pattern: &str) -> Result<Vec<String>, FileError> {
        let all = ["k8s/a.yaml", "k8s/b.yaml"].map(str::to_owned);
        Ok(if (base, pattern) == ("stack", "k8s/*.yaml") { all.to_vec() } else { Vec::new() })
    }

    fn exists(&self, path: &str) -> bool {
        self.read(path).is_ok()
    }
}

fn check(desired: Value, expect: &[&str]) {
    let address = Address::new("kube_manifests", "x");
    let request = LowerRequest {
        kind: "kube_manifests",
        address: &address,
        desired: &desired,
        files: &Memory,
        folder: "stack",
        found: None,
    };
    let shown: Vec<_> = match lower(&request) {
        Ok(None) => vec!["unknown".to_owned()],
        Ok(Some(parts)) => {
            parts.iter().map(|part| format!("{} after [{}]", part.key, part.after.join(", "))).collect()
        }
        Err(problems) => problems
            .iter()
            .map(|problem| format!("{}: {}: {}", problem.path, problem.summary, problem.detail))
            .collect(),
    };
    assert_eq!(shown, expect);
}

fn paths(paths: &[&str], namespace: &str) -> Value {
    Value::object([
        ("paths".into(), Value::list(paths.iter().map(|path| Value::from(*path)))),
        ("namespace".into(), namespace.into()),
    ])
}

fn content(text: &str) -> Value {
    Value::object([("content".into(), text.into())])
}

#[test]
fn files_become_parts_in_order() {
    check(
        paths(&["k8s/*.yaml", "k8s/a.yaml"], "web"),
        &["v1/ConfigMap/web/a after [v1/Namespace/web]", "v1/Namespace/web after []"],
    );
    check(
        paths(&["x.yaml", "y/*"], "web"),
        &[
            "paths[0]: The file cannot be read: Could not read \"x.yaml\": there is no such file.",
            "paths[1]: No such files: No file matches \"y/*\" in stack.",
        ],
    );
    check(
        Value::object([]),
        &[
            ": There are no manifests: Give `paths`, a list of files or glob patterns, `content`, or `kustomize`, or several of them.",
        ],
    );
    check(Value::object([("content".into(), Value::unknown(Type::String))]), &["unknown"]);
}

#[test]
fn lists_are_flattened_and_definitions_tell_scopes() {
    let text = "
kind: List
apiVersion: v1
items:
- { kind: Foo, apiVersion: x.io/v1, metadata: { name: a } }
- kind: CustomResourceDefinition
  apiVersion: apiextensions.k8s.io/v1
  metadata: { name: foos.x.io }
  spec: { group: x.io, scope: Namespaced, names: { kind: Foo } }
";
    check(
        content(text),
        &[
            "apiextensions.k8s.io/v1/CustomResourceDefinition/foos.x.io after []",
            "x.io/v1/Foo/default/a after [apiextensions.k8s.io/v1/CustomResourceDefinition/foos.x.io]",
        ],
    );
}

#[test]
fn problems_say_where() {
    check(
        content("a: 1\na: 2\n---\nkind: Foo\napiVersion: v1\n---\n- 1\n"),
        &[
            "content: The document is not valid YAML: In `content`, document 1, line 2: duplicate mapping key `a` is not allowed here.",
            "content: The object has no name: In `content`, document 2 (line 4): An object needs `metadata = { name = \"…\" }`: without a name it cannot be found again.",
            "content: Not an object: In `content`, document 3 (line 7): A manifest is an object with apiVersion, kind and metadata, but this is a list.",
        ],
    );
    let twice = "kind: ConfigMap\napiVersion: v1\nmetadata: { name: a }\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: { name: a, namespace: default }\n";
    check(
        content(twice),
        &[
            "content: The object is declared twice: ConfigMap default/a stands in `content`, document 1 (line 1) and again in `content`, document 2 (line 5). Remove one of them.",
        ],
    );
}

#[test]
fn a_sensitive_text_shows_only_names() {
    let text = "kind: ConfigMap\napiVersion: v1\nmetadata: { name: a, labels: { x: hunter2 } }\ndata: { p: hunter2 }\n";
    let desired = Value::object([("content".into(), Value::string(text).sensitive())]);
    let address = Address::new("kube_manifests", "x");
    let request = LowerRequest {
        kind: "kube_manifests",
        address: &address,
        desired: &desired,
        files: &Memory,
        folder: "stack",
        found: None,
    };
    let parts = lower(&request).unwrap().unwrap();
    let shown = format!("{:?}", parts[0].desired);
    assert!(shown.contains("ConfigMap") && !shown.contains("hunter2"), "{shown}");
}

fn rendered(documents: serde_json::Value) -> Value {
    let entries = documents.as_array().unwrap().iter().map(|manifest| {
        let source =
            manifest.pointer("/metadata/source").and_then(|source| source.as_str()).unwrap_or("web/a.yaml");
        json!({ "place": format!("{source} (line 1 of what was rendered)"), "manifest": manifest })
    });
    let entries: Vec<_> = entries.collect();
    from_json(
        &json!({ "documents": entries, "scopes": { "x.io/Foo": true }, "unstable": [], "warnings": [] }),
    )
}

fn hook(kind: &str, name: &str, event: &str, weight: &str) -> serde_json::Value {
    let annotations = json!({ "helm.sh/hook": event, "helm.sh/hook-weight": weight });
    json!({ "apiVersion": "batch/v1", "kind": kind, "metadata": { "name": name, "annotations": annotations } })
}

fn chart(found: &Value) -> Vec<Part> {
    let address = Address::new("kube_chart", "web");
    let desired = Value::object([("namespace".into(), "web".into())]);
    let request = LowerRequest {
        kind: CHART,
        address: &address,
        desired: &desired,
        files: &Memory,
        folder: "stack",
        found: Some(found),
    };
    lower(&request).unwrap().unwrap()
}

#[test]
fn hooks_are_steps_before_and_after() {
    let object =
        |api: &str, kind: &str| json!({ "apiVersion": api, "kind": kind, "metadata": { "name": "a" } });
    let found = rendered(json!([
        object("apps/v1", "Deployment"),
        object("v1", "Service"),
        object("x.io/v1", "Foo"),
        hook("Job", "first", "pre-install,pre-upgrade", "-5"),
        hook("Job", "second", "pre-install", "0"),
        hook("Job", "last", "post-install,post-upgrade", ""),
        hook("Job", "try", "test", ""),
        hook("Job", "never", "pre-delete", ""),
    ]));
    let parts = chart(&found);
    let shown: Vec<_> =
        parts.iter().map(|part| format!("{} after [{}]", part.key, part.after.join(", "))).collect();
    assert_eq!(
        shown,
        [
            "apps/v1/Deployment/web/a after [batch/v1/Job/web/second]",
            "batch/v1/Job/web/first after []",
            "batch/v1/Job/web/last after [apps/v1/Deployment/web/a, v1/Service/web/a, x.io/v1/Foo/web/a]",
            "batch/v1/Job/web/second after [batch/v1/Job/web/first]",
            "v1/Service/web/a after [batch/v1/Job/web/second]",
            "x.io/v1/Foo/web/a after [batch/v1/Job/web/second]",
        ]
    );
    let trigger = |parts: &[Part], key: &str| {
        let part = parts.iter().find(|part| part.key.ends_with(key)).unwrap();
        part.desired.get_str("triggers_replace").map(str::to_owned)
    };
    assert!(trigger(&parts, "first").is_some() && trigger(&parts, "last").is_some());
    assert_eq!((trigger(&parts, "second"), trigger(&parts, "Deployment/web/a")), (None, None));
    // They run again when anything of the chart changes.
    let mut other = json!([object("v1", "Service"), hook("Job", "first", "pre-install,pre-upgrade", "-5")]);
    let before = trigger(&chart(&rendered(other.clone())), "first");
    assert_eq!(before, trigger(&chart(&rendered(other.clone())), "first"));
    other[0]["spec"] = json!({ "type": "ClusterIP" });
    assert_ne!(before, trigger(&chart(&rendered(other)), "first"));

    let cautions: Vec<_> = super::chart::cautions(&found).into_iter().map(|problem| problem.detail).collect();
    assert!(cautions.len() == 1 && cautions[0].contains("Job never (pre-delete)"), "{cautions:?}");
}

#[test]
fn definitions_of_the_crds_folder_outlive_the_chart() {
    let definition = |source: &str, name: &str| {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": name, "source": source }, "spec": { "group": "x.io", "names": { "kind": name } },
        })
    };
    let found =
        rendered(json!([definition("web/crds/a.yaml", "kept"), definition("web/templates/a.yaml", "gone")]));
    let kept: Vec<_> = chart(&found)
        .iter()
        .map(|part| {
            part.desired
                .get("manifest")
                .and_then(|manifest| manifest.get("metadata")?.get("annotations"))
                .is_some()
        })
        .collect();
    assert_eq!(kept, [false, true]);
}

#[test]
fn a_chart_says_what_is_wrong_with_its_block() {
    let check = |fields: serde_json::Value, expect: &[&str]| {
        let address = Address::new("kube_chart", "web");
        let desired = from_json(&fields);
        let request = LowerRequest {
            kind: CHART,
            address: &address,
            desired: &desired,
            files: &Memory,
            folder: "stack",
            found: None,
        };
        let problems = asks(&request).err().unwrap_or_default();
        let shown: Vec<_> = problems.iter().map(|it| format!("{}: {}", it.path, it.summary)).collect();
        assert_eq!(shown, expect, "{fields}");
    };
    check(json!({ "chart": "nowhere" }), &["chart: No such chart"]);
    check(json!({ "chart": "--post-renderer=x" }), &["chart: Wrong chart"]);
    check(json!({ "chart": "oci://a.example/b" }), &["chart: The chart has no version"]);
    check(json!({ "chart": "b", "repository": "https://a.example" }), &["chart: The chart has no version"]);
    check(json!({ "chart": "oci://a.example/b", "version": "1.2.3" }), &[]);
    check(
        json!({ "chart": "k8s/a.yaml", "release": "Web", "values": [1], "values_files": ["k8s/b.yaml", "no.yaml"] }),
        &["release: Wrong release name", "values: Wrong values", "values_files[1]: No such values file"],
    );
}
