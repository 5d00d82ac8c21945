//! What the programs are told, and what their output means.

use meshform_engine::value::from_json;
use serde_json::json;

use super::*;

fn catalog() -> Catalog {
    let version = json!({ "version": "v1", "resources": [
        { "resource": "foos", "scope": "Namespaced", "responseKind": { "kind": "Foo" } },
    ] });
    let list = json!({ "kind": "APIGroupDiscoveryList", "items": [{ "metadata": { "name": "x.io" }, "versions": [version] }] });
    Catalog::parse(&[list]).unwrap()
}

fn command(arguments: serde_json::Value) -> Command {
    chart(&from_json(&arguments), Facts::new("v1.36.2", &catalog())).unwrap()
}

#[test]
fn values_are_no_arguments() {
    let command = command(json!({
        "chart": "./web", "release": "site", "namespace": "web", "folder": "stack", "values_files": ["a.yaml", "b.yaml"],
        "values": { "password": "hunter2", "replicas": 2, "gone": null },
    }));
    let line = "template site ./web --namespace web --skip-tests --include-crds --kube-version v1.36.2 --api-versions \
                x.io/v1,x.io/v1/Foo --values a.yaml --values b.yaml --values -";
    assert_eq!(command.ways, [("helm", line.split_whitespace().map(str::to_owned).collect())]);
    assert_eq!(command.input, r#"{"gone":null,"password":"hunter2","replicas":2}"#);
}

#[test]
fn what_is_given_outranks_what_the_cluster_is() {
    let command = command(json!({
        "chart": "web", "release": "site", "namespace": "web", "repository": "https://a.example", "version": "1.2.3",
        "kube_version": "1.30", "api_versions": ["y.io/v1"], "include_crds": false,
    }));
    let line = "template site web --namespace web --skip-tests --repo https://a.example --version 1.2.3 --kube-version 1.30 \
                --api-versions y.io/v1 --values -";
    assert_eq!(command.ways[0].1.join(" "), line.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(command.input, "{}");
}

#[test]
fn a_folder_may_be_rendered_by_either_program() {
    let command = kustomize(&from_json(&json!({ "kustomize": "overlays/prod", "folder": "stack" })));
    let ways: Vec<_> =
        command.ways.iter().map(|(program, line)| format!("{program} {}", line.join(" "))).collect();
    assert_eq!(ways, ["kubectl kustomize overlays/prod", "kustomize build overlays/prod"]);
}

fn output(text: &str) -> Output {
    Output { text: text.to_owned(), said: "coalesce.go:1: warning: x\n".to_owned() }
}

#[test]
fn documents_have_their_place_and_secrets_are_hidden() {
    let text = "---\n# Source: web/templates/a.yaml\nkind: Secret\napiVersion: v1\nmetadata: { name: a }\nstringData: { p: hunter2 }\n\
                ---\n# Source: web/templates/b.yaml\nkind: Foo\napiVersion: x.io/v1\nmetadata: { name: b }\n";
    let found = found(&output(text), &output(text), "chart", &catalog()).unwrap();
    let shown = format!("{found:?}");
    assert!(!shown.contains("hunter2") && shown.contains("web/templates/b.yaml (line 8"), "{shown}");
    assert_eq!(found.get("scopes").unwrap().get("x.io/Foo").unwrap().as_bool(), Some(true));
    assert_eq!(texts(&found, "warnings"), ["coalesce.go:1: warning: x"]);
    assert!(texts(&found, "unstable").is_empty());
}

#[test]
fn what_differs_between_two_renderings_is_named() {
    let text = |password: &str, name: &str| {
        format!(
            "kind: Secret\napiVersion: v1\nmetadata: {{ name: a }}\ndata: {{ p: {password} }}\n---\nkind: Foo\napiVersion: x.io/v1\n\
             metadata: {{ name: {name} }}\n"
        )
    };
    let found = found(&output(&text("Zm9v", "b")), &output(&text("YmFy", "c")), "chart", &catalog()).unwrap();
    assert_eq!(texts(&found, "unstable"), ["Secret default/a: data.p", "Foo b"]);
}

#[test]
fn what_is_no_yaml_is_told_with_its_file() {
    let error = found(&output("# Source: web/a.yaml\na: [\n"), &output(""), "chart", &catalog()).unwrap_err();
    assert!(error.detail.contains("web/a.yaml: document 1, line"), "{error}");
    let error = failed("helm", "exit status: 1", "Error: bad\n", "chart");
    assert!(error.detail.contains("It said:\nError: bad"), "{error}");
}
