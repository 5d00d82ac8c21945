//! Create, look again, change, replace, remove.

use meshform_engine::ports::{Observed, Verdict};
use serde_json::json;

use crate::world::{Instance, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_object_lives_and_dies() {
    let world = World::new("life").await;
    let map = Instance::new("map", world.config_map("page", json!({ "a": "1", "b": "2" })));
    assert_eq!(
        world.shown(&map).await,
        "Create\n~ apiVersion: - → \"v1\"\n~ data.a: - → \"1\"\n~ data.b: - → \"2\"\n~ kind: - → \"ConfigMap\"\n\
         ~ metadata.name: - → \"page\"\n~ metadata.namespace: - → \"NAMESPACE\""
    );
    let map = world.step(&map).await;
    assert_eq!(world.shown(&map).await, "NoOp");
    let (_, _, previewed) = world.plan(&map).await;
    assert!(!previewed, "a plan without changes asks nothing");

    let edited = map.with_manifest(world.config_map("page", json!({ "a": "3" })));
    assert_eq!(world.shown(&edited).await, "Update\n~ data.a: \"1\" → \"3\"\n~ data.b: \"2\" → -");
    let edited = world.step(&edited).await;
    assert_eq!(world.get(&world.core("configmaps", "page")).await["data"], json!({ "a": "3" }));
    assert_eq!(world.shown(&edited).await, "NoOp");

    let unwanted = edited.unwanted();
    assert!(world.shown(&unwanted).await.starts_with("Delete\n"));
    let gone = world.step(&unwanted).await;
    assert!(gone.record.is_none());
    assert!(world.get(&world.core("configmaps", "page")).await.is_null());
    assert_eq!(world.plan(&unwanted).await.0.verdict, Verdict::NoOp);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_writes_otherwise_is_no_change() {
    let world = World::new("normal").await;
    let web = Instance::new("web", world.deployment("web", 1, "ready"));
    let web = world.step(&web).await;
    // The manifest says 1000m and the object 1. The record tells that this is the same.
    let (difference, _, previewed) = world.plan(&web).await;
    assert_eq!((difference.verdict, previewed), (Verdict::NoOp, false));
    // Without a record the server tells.
    let (difference, _, previewed) = world.plan(&web.forgotten()).await;
    assert_eq!((difference.verdict, previewed), (Verdict::NoOp, true));
    let object = difference.planned.get("object").unwrap();
    assert!(object.is_wholly_known());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_change_is_replaced() {
    let world = World::new("replace").await;
    let web = world.step(&Instance::new("web", world.deployment("web", 1, "ready"))).await;
    let mut manifest = world.deployment("web", 1, "ready");
    for place in ["/spec/selector/matchLabels/app", "/spec/template/metadata/labels/app"] {
        *manifest.pointer_mut(place).unwrap() = json!("other");
    }
    let web = web.with_manifest(manifest.clone());
    assert_eq!(
        world.shown(&web).await,
        "Replace\n~ spec.selector.matchLabels.app: \"web\" → \"other\" (forces replace)\n\
         ~ spec.template.metadata.labels.app: \"web\" → \"other\"\n\
         ~ spec.template.spec.containers[\"web\"].resources.requests.cpu: \"1\" → \"1000m\""
    );
    let before = world.get(&world.apps("deployments", "web")).await;
    let web = world.step(&web).await;
    let after = world.get(&world.apps("deployments", "web")).await;
    assert_ne!(before["metadata"]["uid"], after["metadata"]["uid"]);
    assert_eq!(world.shown(&web).await, "NoOp");

    // Wrong in itself is not a reason to replace.
    manifest["spec"]["replicas"] = json!(-1);
    manifest["spec"]["selector"]["matchLabels"]["app"] = json!("third");
    let shown = world.shown(&web.with_manifest(manifest)).await;
    assert!(shown.starts_with("Update\n") && shown.contains("Error manifest: Could not dry-run"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_map_is_replaced() {
    let world = World::new("frozen").await;
    let frozen = |data: serde_json::Value| {
        let mut manifest = world.config_map("frozen", data);
        manifest["immutable"] = json!(true);
        manifest
    };
    let map = world.step(&Instance::new("map", frozen(json!({ "a": "1" })))).await;
    let map = map.with_manifest(frozen(json!({ "a": "2" })));
    assert_eq!(world.shown(&map).await, "Replace\n~ data.a: \"1\" → \"2\" (forces replace)");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_objects_are_found_with_one_list() {
    let world = World::new("many").await;
    let name = |index: usize| format!("map-{index}");
    let instances: Vec<_> = (0..20)
        .map(|index| {
            Instance::new(&name(index), world.config_map(&name(index), json!({ "i": index.to_string() })))
        })
        .collect();
    for instance in instances.iter().step_by(2) {
        world.step(instance).await;
    }
    let all: Vec<_> = instances.iter().collect();
    let observed = world.observe(&all).await;
    for (index, observed) in observed.into_iter().enumerate() {
        match observed.unwrap() {
            Observed::Present(there) => {
                let data = there.attributes.get("object").unwrap().get("data").unwrap();
                assert_eq!(data.get_str("i"), Some(index.to_string().as_str()));
                assert_eq!(index % 2, 0);
            }
            Observed::Absent => assert_eq!(index % 2, 1),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_keeps_what_the_server_gave_it() {
    let world = World::new("service").await;
    let service = |port: u16| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": world.namespace },
            "spec": { "selector": { "app": "web" }, "ports": [{ "name": "http", "port": port }] },
        })
    };
    let (difference, _, _) = world.plan(&Instance::new("web", service(80))).await;
    let spec = difference.planned.get("object").and_then(|object| object.get("spec")).unwrap();
    assert!(spec.get("clusterIP").is_none(), "a dry-run's address is made up: {spec:?}");
    assert_eq!(
        spec.get("ports").unwrap().as_list().unwrap()[0].get("port").unwrap().as_number(),
        Some(&80.into())
    );
    let web = world.step(&Instance::new("web", service(80))).await;
    let web = web.with_manifest(service(81));
    let shown = world.shown(&web).await;
    assert!(shown.contains("~ spec.ports[\"80\",\"TCP\"].port: 80 → -"), "{shown}");
    assert!(shown.contains("~ spec.ports[\"81\",\"TCP\"].port: - → 81"), "{shown}");
    let (difference, _, _) = world.plan(&web).await;
    let spec = difference.planned.get("object").and_then(|object| object.get("spec")).unwrap();
    assert!(spec.get_str("clusterIP").is_some_and(|address| !address.is_empty()), "{spec:?}");
}
