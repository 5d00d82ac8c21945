//! The lock, as `kubectl get lease` shows it.

use meshform_state::{Condition, Storage};
use serde_json::{Value as Json, json};

use crate::world::World;

fn lock(token: u64, holder: Option<&str>) -> Vec<u8> {
    let lease = holder.map(|holder| {
        json!({ "holder": holder, "process": { "pid": 7 }, "since": "2026-11-24T10:00:00Z", "heartbeat_ms": 1_764_000_000_000_u64 })
    });
    json!({ "body": { "token": token, "lease": lease } }).to_string().into_bytes()
}

/// The Lease shows who holds the lock, since when, and how often it has passed on.
pub(crate) async fn hold(world: &World) {
    let storage = world.storage(&[("name", "locked")]);
    let selector = "meshform.dev/stack=locked,meshform.dev/workspace=prod";
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/default/leases?labelSelector={selector}");
    let spec = async || -> Json { world.get(&path).await["items"][0]["spec"].clone() };
    let name = "workspaces/prod/lock";
    let mut version = storage.write(name, &lock(1, Some("ann@laptop")), Condition::Absent).await.unwrap();
    let expect = json!({
        "holderIdentity": "ann@laptop (process 7)", "leaseDurationSeconds": 30, "leaseTransitions": 0,
        "acquireTime": "2026-11-24T10:00:00.000000Z", "renewTime": "2025-11-24T16:00:00.000000Z",
    });
    assert_eq!(spec().await, expect);
    for (next, transitions) in [(lock(1, None), 0), (lock(2, Some("bob@desk")), 1), (b"sealed".to_vec(), 1)] {
        version = storage.write(name, &next, Condition::Unchanged(version)).await.unwrap();
        assert_eq!(storage.read(name).await.unwrap().unwrap().content, next);
        assert_eq!(spec().await["leaseTransitions"], transitions);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_in_the_embedded_cluster() {
    hold(&World::new()).await;
}
