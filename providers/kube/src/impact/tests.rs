//! What changes bring about, as a table.

use serde_json::json;

use super::*;

fn deed(identity: &str, before: Json, after: Json) -> Deed {
    let name = ObjectName::parse(identity).unwrap();
    let object = |part: Json| {
        let mut part = part;
        if let Some(fields) = part.as_object_mut() {
            fields.insert("kind".into(), name.kind.clone().into());
            let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
            metadata["name"] = name.name.clone().into();
            metadata["uid"] = "u".into();
        }
        part
    };
    Deed { before: object(before), after: object(after), replaced: false, name }
}

fn workload(image: &str, replicas: u8, strategy: Json) -> Json {
    json!({
        "spec": {
            "replicas": replicas, "strategy": strategy, "updateStrategy": strategy,
            "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "image": image }] } },
        },
        "status": { "replicas": replicas, "currentNumberScheduled": replicas },
    })
}

fn rolling(surge: Json, unavailable: Json) -> Json {
    json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": surge, "maxUnavailable": unavailable } })
}

fn pod(name: &str, app: &str, ready: &str) -> Json {
    json!({
        "metadata": { "name": name, "labels": { "app": app } },
        "status": { "conditions": [{ "type": "Ready", "status": ready }] },
    })
}

fn service(name: &str, app: &str) -> Json {
    json!({ "kind": "Service", "metadata": { "name": name }, "spec": { "selector": { "app": app } } })
}

fn around() -> Around {
    let budget = json!({
        "metadata": { "name": "web" }, "spec": { "selector": { "matchLabels": { "app": "web" } } },
        "status": { "disruptionsAllowed": 1 },
    });
    let volume = |name: &str, policy: &str| {
        let spec = json!({ "persistentVolumeReclaimPolicy": policy, "capacity": { "storage": "1Gi" } });
        (name.to_owned(), json!({ "metadata": { "name": name }, "spec": spec }))
    };
    let claim =
        |name: &str, volume: &str| json!({ "metadata": { "name": name }, "spec": { "volumeName": volume } });
    let here = |objects: Vec<Json>| BTreeMap::from([("shop".to_owned(), objects)]);
    Around {
        pods: here(vec![pod("a", "web", "True"), pod("b", "web", "True"), pod("c", "db", "False")]),
        services: here(vec![service("front", "web"), service("data", "db")]),
        budgets: here(vec![budget]),
        claims: here(vec![claim("data-db-0", "v0"), claim("data-db-1", "v1"), claim("other", "v1")]),
        volumes: BTreeMap::from([volume("v0", "Delete"), volume("v1", "Retain")]),
        along: BTreeMap::new(),
    }
}

fn check(deeds: &[Deed], expect: &[&[&str]]) {
    assert_eq!(impacts(deeds, &around()), expect);
}

const WEB: &str = "apps/Deployment/shop/web";

#[test]
fn pods_that_are_replaced_are_counted() {
    let roll = |strategy: Json, expect: &[&str]| {
        check(&[deed(WEB, workload("a", 12, strategy.clone()), workload("b", 12, strategy))], &[expect]);
    };
    let budget = "That uses up PodDisruptionBudget web (allows 1 now): evictions, as by a drain, wait until it is over. The rollout itself does not ask it.";
    roll(
        rolling(json!("25%"), json!("25%")),
        &["12 pods are replaced, at most 3 missing and 3 more at a time.", budget],
    );
    roll(rolling(json!(1), json!(0)), &["12 pods are replaced, at most 0 missing and 1 more at a time."]);
    roll(
        rolling(json!("10%"), json!("10%")),
        &["12 pods are replaced, at most 1 missing and 2 more at a time.", budget],
    );
    roll(
        json!({ "type": "Recreate" }),
        &[
            "Its 12 pods end before new ones start.",
            budget,
            "Service front has no endpoints until new pods are ready.",
        ],
    );
    let same = rolling(json!(1), json!(1));
    check(&[deed(WEB, workload("a", 2, same.clone()), workload("a", 2, same))], &[&[]]);
}

#[test]
fn each_kind_replaces_its_pods_in_its_own_way() {
    let roll = |kind: &str, strategy: Json, expect: &str| {
        let changed = deed(
            &format!("apps/{kind}/shop/x"),
            workload("a", 4, strategy.clone()),
            workload("b", 4, strategy),
        );
        assert_eq!(impacts(&[changed], &Around::default()), [[expect]]);
    };
    roll("StatefulSet", json!({ "type": "RollingUpdate" }), "4 pods are replaced, 1 at a time.");
    let partition = json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 3 } });
    roll("StatefulSet", partition, "1 pod is replaced, 1 at a time.");
    roll(
        "StatefulSet",
        json!({ "type": "OnDelete" }),
        "Its 4 pods stay as they are until someone deletes them.",
    );
    roll("DaemonSet", rolling(json!(0), json!("50%")), "4 pods are replaced, at most 2 at a time.");
    let mut paused = workload("b", 4, json!({}));
    paused["spec"]["paused"] = json!(true);
    let changed = deed(WEB, workload("a", 4, json!({})), paused);
    assert_eq!(
        impacts(&[changed], &Around::default()),
        [["It is paused: its 4 pods are replaced when it goes on."]]
    );
}

#[test]
fn a_service_without_pods_is_told() {
    let gone = || deed(WEB, workload("a", 2, json!({})), json!(null));
    let lost = "Service front loses all of its endpoints.";
    check(&[gone()], &[&["Its 2 pods end.", lost]]);
    check(
        &[deed(WEB, workload("a", 2, json!({})), workload("a", 0, json!({})))],
        &[&["2 of 2 pods end.", lost]],
    );
    // What goes with it is no loss.
    let service_gone = deed("core/Service/shop/front", service("front", "web"), json!(null));
    check(&[gone(), service_gone], &[&["Its 2 pods end."], &[]]);
    // Another one takes its place.
    let other = deed("apps/Deployment/shop/other", json!(null), workload("a", 2, json!({})));
    check(
        &[gone(), other],
        &[&["Its 2 pods end.", "Service front has no endpoints until new pods are ready."], &[]],
    );
    let redirected = deed("core/Service/shop/front", service("front", "web"), service("front", "wbe"));
    check(&[redirected], &[&[lost]]);
}

#[test]
fn data_that_is_lost_is_told() {
    let claim = |volume: &str| {
        let claim = json!({ "spec": { "volumeName": volume } });
        deed("core/PersistentVolumeClaim/shop/c", claim, json!(null))
    };
    check(&[claim("v0")], &[&["The data of claim c is lost: its volume v0 (1Gi) is deleted with it."]]);
    check(
        &[claim("v1")],
        &[&["The data of claim c stays on its volume v1 (1Gi), which no other claim gets by itself."]],
    );
    check(
        &[claim("v9")],
        &[&["Whether the data of claim c is lost could not be told: its volume v9 cannot be read."]],
    );
    check(&[claim("")], &[&[]]);
    let set = |replicas: u8, policy: Json| {
        let mut set = workload("a", replicas, json!({}));
        set["spec"]["volumeClaimTemplates"] = json!([{ "metadata": { "name": "data" } }]);
        set["spec"]["persistentVolumeClaimRetentionPolicy"] = policy;
        set
    };
    let db = "apps/StatefulSet/shop/db";
    let deletes = json!({ "whenDeleted": "Delete", "whenScaled": "Delete" });
    let lost = |before: Json, after: Json| {
        impacts(
            &[deed(db, before, after)],
            &Around { claims: around().claims, volumes: around().volumes, ..Around::default() },
        )
    };
    assert_eq!(
        lost(set(2, json!({})), json!(null)),
        [["Its 2 pods end.", "2 claims stay, with the data: data-db-0, data-db-1."]]
    );
    assert_eq!(
        lost(set(2, deletes.clone()), json!(null)),
        [[
            "Its 2 pods end.",
            "2 claims are deleted with it: data-db-0, data-db-1.",
            "The data of data-db-0 is lost with the volumes."
        ]]
    );
    assert_eq!(
        lost(set(2, deletes.clone()), set(1, deletes)),
        [["1 of 2 pods end.", "1 claim is deleted with it: data-db-1."]]
    );
}

#[test]
fn what_goes_along_is_counted() {
    let gone = deed("core/Namespace/shop", json!({}), json!(null));
    let kinds = BTreeMap::from([("ConfigMap".to_owned(), 2), ("Secret".to_owned(), 1)]);
    let around = Around { along: BTreeMap::from([(gone.name.clone(), kinds)]), ..around() };
    assert_eq!(
        impacts(&[gone], &around),
        [[
            "3 objects that this plan does not remove go along with it: 2 ConfigMap, 1 Secret.",
            "The data of claim data-db-0 is lost: its volume v0 (1Gi) is deleted with it.",
        ]]
    );
}

#[test]
fn only_what_matters_is_looked_at() {
    let same = || workload("a", 2, json!({}));
    let check = |deeds: &[Deed], expect: Needs| assert_eq!(needs(deeds), expect);
    let map = |after: Json| deed("core/ConfigMap/shop/x", json!({ "data": { "a": "1" } }), after);
    check(&[map(json!({ "data": {} })), map(json!(null))], Needs::default());
    check(&[deed(WEB, json!(null), same()), deed(WEB, same(), same())], Needs::default());
    check(
        &[deed(WEB, same(), workload("b", 2, json!({}))), deed(WEB, same(), json!(null))],
        Needs { traffic: vec!["shop".into()], ..Needs::default() },
    );
}
