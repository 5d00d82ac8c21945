//! What changes bring about besides what they change.

use serde_json::{Value as Json, json};

use crate::world::{Instance, World};

fn object(world: &World, api_version: &str, kind: &str, name: &str, spec: Json) -> Instance {
    let metadata = json!({ "name": name, "namespace": world.namespace });
    let manifest = json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec });
    Instance::new(&name.replace('-', "_"), manifest)
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_budgets_and_services_are_told_of() {
    let world = World::new("impact").await;
    let web = world.step(&Instance::new("web", world.deployment("web", 4, "ready"))).await;
    let front = object(
        &world,
        "v1",
        "Service",
        "front",
        json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }] }),
    );
    world.step(&front).await;
    let budget = json!({ "minAvailable": 3, "selector": { "matchLabels": { "app": "web" } } });
    world.step(&object(&world, "policy/v1", "PodDisruptionBudget", "web", budget)).await;

    let mut manifest = world.deployment("web", 4, "ready");
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example/web:2");
    let told = world.impact(&[&web.with_manifest(manifest.clone())]).await;
    assert_eq!(
        told,
        "web: 4 pods are replaced, at most 1 missing and 1 more at a time.\n\
         web: That uses up PodDisruptionBudget web (allows 1 now): evictions, as by a drain, wait until it is over. \
         The rollout itself does not ask it."
    );
    manifest["spec"]["replicas"] = json!(0);
    let told = world.impact(&[&web.with_manifest(manifest)]).await;
    assert!(
        told.ends_with("web: 4 of 4 pods end.\nweb: Service front loses all of its endpoints."),
        "{told}"
    );
    assert_eq!(
        world.impact(&[&web.unwanted()]).await,
        "web: Its 4 pods end.\nweb: Service front loses all of its endpoints."
    );
    // What changes nothing of the template replaces no pods.
    let mut manifest = world.deployment("web", 4, "ready");
    manifest["metadata"]["labels"] = json!({ "a": "b" });
    assert_eq!(world.impact(&[&web.with_manifest(manifest)]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_along_is_told() {
    let world = World::new("along").await;
    let name = format!("{}-other", world.namespace);
    let manifest = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    let namespace = world.step(&Instance::new("namespace", manifest)).await;
    let map = |name_of_map: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name_of_map, "namespace": name }, "data": { "a": "1" } });
    let own = world.step(&Instance::new("own", map("own"))).await;
    for foreign in ["one", "two"] {
        let path = format!("/api/v1/namespaces/{name}/configmaps/{foreign}");
        world.apply_as("someone", &path, map(foreign)).await;
    }
    let told = world.impact(&[&namespace.unwanted(), &own.unwanted()]).await;
    assert_eq!(told, "namespace: 2 objects that this plan does not remove go along with it: 2 ConfigMap.");
    world.step(&own.unwanted()).await;
    world.step(&namespace.unwanted()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_data_is_told() {
    let world = World::new("volumes").await;
    let name = format!("{}-volume", world.namespace);
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": name },
        "spec": {
            "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "hostPath": { "path": "/tmp/nowhere" },
            "persistentVolumeReclaimPolicy": "Delete", "storageClassName": "by-hand",
        },
    });
    let volume = world.step(&Instance::new("volume", volume)).await;
    let claim = json!({
        "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } },
        "storageClassName": "by-hand", "volumeName": name,
    });
    let claim =
        world.step(&object(&world, "v1", "PersistentVolumeClaim", "data", claim).with("wait", false)).await;
    let told = world.impact(&[&claim.unwanted()]).await;
    assert_eq!(
        told,
        "data: The data of claim data is lost: its volume NAMESPACE-volume (1Gi) is deleted with it."
    );
    // Not by a plan: the server's own controllers are still at work on it.
    world.delete(&world.core("persistentvolumeclaims", "data")).await;
    world.delete(&format!("/api/v1/persistentvolumes/{name}")).await;
    drop(volume);
}
