use super::*;
use serde_json::json;

/// Each case of the table, as `KIND SPEC STATUS`, with what is expected of it and what the rules say.
fn said() -> Vec<(String, String, String)> {
    let table: Json = serde_saphyr::from_str(include_str!("cases.yaml")).unwrap();
    let cases = table.as_object().unwrap().iter();
    let cases =
        cases.flat_map(|(kind, cases)| cases.as_array().unwrap().iter().map(move |case| (kind, case)));
    cases
        .map(|(kind, case)| {
            let said = match readiness(&object(kind, case), surroundings(case)) {
                Readiness::Ready => "ready".to_owned(),
                Readiness::Waiting(what) => what,
                Readiness::Failed(why) => format!("failed: {why}"),
            };
            (format!("{kind} {case}"), text(case, "/expect").to_owned(), said)
        })
        .collect()
}

fn object(kind: &str, case: &Json) -> Json {
    let (api_version, kind) = kind.rsplit_once('/').unwrap();
    let mut object = json!({
        "apiVersion": api_version, "kind": kind, "metadata": { "name": "x", "generation": 2 },
    });
    if case["deleting"] == true {
        object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    }
    for part in ["spec", "status"] {
        if let Some(value) = case.get(part) {
            object[part] = value.clone();
        }
    }
    object
}

fn surroundings(case: &Json) -> Surroundings {
    match text(case, "/with") {
        "" => Surroundings::default(),
        "binds_when_used" => Surroundings { binds_when_used: true, ..Surroundings::default() },
        "expects_status" => Surroundings { expects_status: true, ..Surroundings::default() },
        other => panic!("no such surroundings: {other}"),
    }
}

#[test]
fn what_is_ready_by_kind() {
    let said = said();
    let differences = said.iter().filter(|(_, expect, said)| expect != said);
    let differences: Vec<_> = differences
        .map(|(case, expect, said)| format!("{case}\n  expected {expect}\n  said {said}"))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(said.len() >= 120, "{} cases", said.len());
}

#[test]
fn a_status_is_expected_where_a_definition_declares_one() {
    let definition = |group: &str, status: Json, subresources: Json| {
        let schema = json!({ "openAPIV3Schema": { "properties": { "status": { "properties": status } } } });
        json!({ "spec": { "group": group, "versions": [
            { "name": "v1", "schema": schema, "subresources": subresources }, { "name": "v2" },
        ] } })
    };
    let check = |definition: &Json, version: &str, expect: bool| {
        assert_eq!(writes_status(definition, version), expect, "{version} {definition}");
    };
    let (conditions, status) = (json!({ "conditions": {} }), json!({ "status": {} }));
    check(&definition("example.com", conditions.clone(), status.clone()), "v1", true);
    check(&definition("example.com", json!({ "observedGeneration": {} }), status.clone()), "v1", true);
    check(&definition("example.com", json!({ "phase": {} }), status.clone()), "v1", false);
    check(&definition("example.com", conditions.clone(), json!({})), "v1", false);
    check(&definition("example.com", conditions.clone(), status.clone()), "v2", false);
    check(&definition("networking.istio.io", conditions, status), "v1", false);
}
