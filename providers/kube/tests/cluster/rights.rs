//! With just the roles that are printed for it a stack is looked at, applied and taken down.

use meshform_engine::ports::{ErrorCode, Observed};
use serde_json::{Value as Json, json};

use crate::world::{Instance, World};

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
const USER: &str = "deployer";
/// More than are asked for one by one.
const MAPS: usize = 10;

/// The kubeconfig of a user who is not the administrator.
fn own(kubeconfig: &str) -> String {
    let mut config: Json = serde_json::from_str(kubeconfig).unwrap();
    config["users"][0]["user"] = json!({ "as": USER });
    config.to_string()
}

/// Makes roles and gives them to the user.
async fn grant(admin: &World, roles: &[Json]) {
    for role in roles {
        let place = match role["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("{RBAC}/namespaces/{namespace}"),
            None => RBAC.to_owned(),
        };
        let kind = role["kind"].as_str().unwrap();
        let name = role["metadata"]["name"].as_str().unwrap();
        let plural = kind.to_lowercase();
        admin.apply_as("test", &format!("{place}/{plural}s/{name}"), role.clone()).await;
        let binding = json!({
            "apiVersion": role["apiVersion"],
            "kind": format!("{kind}Binding"),
            "metadata": role["metadata"],
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER }],
        });
        admin.apply_as("test", &format!("{place}/{plural}bindings/{name}"), binding).await;
    }
}

fn instances(world: &World) -> Vec<Instance> {
    let maps = (0..MAPS).map(|number| {
        let map = world.config_map(&format!("map-{number}"), json!({ "color": "red" }));
        Instance::new(&format!("map-{number}"), map)
    });
    let workload = Instance::new("site", world.deployment("site", 1, ""));
    maps.chain([workload]).collect()
}

#[tokio::test]
async fn the_roles_are_enough_and_name_what_they_are_for() {
    let (admin, kubeconfig) = World::guarded("rights").await;
    let instances = instances(&admin);
    let all: Vec<_> = instances.iter().collect();
    let roles = admin.rights(&all, &[]).await;

    let error = admin.with(&own(&kubeconfig)).await.err().unwrap();
    assert_eq!(error.code, ErrorCode::Denied);
    let named = ["cannot get resource \"namespaces\"", "`meshform rbac`"];
    assert!(named.iter().all(|text| error.detail.contains(text)), "{error}");

    grant(&admin, &roles).await;
    let world = admin.with(&own(&kubeconfig)).await.unwrap();
    // There is no right to list them everywhere.
    let seen = world.observe(&all).await;
    assert!(seen.iter().all(|found| matches!(found, Ok(Observed::Absent))), "{seen:?}");
    let mut made = Vec::new();
    for instance in &instances {
        made.push(world.step(instance).await);
    }
    let seen = world.observe(&made.iter().collect::<Vec<_>>()).await;
    assert!(seen.iter().all(|found| matches!(found, Ok(Observed::Present(_)))), "{seen:?}");

    let stranger = Instance::new("stranger", world.config_map("stranger", json!({})));
    let error = world.observe(&[&stranger]).await.remove(0).unwrap_err();
    assert_eq!(error.code, ErrorCode::Denied);
    let named = ["cannot get resource \"configmaps\"", "`meshform rbac`"];
    assert!(named.iter().all(|text| error.detail.contains(text)), "{error}");

    for instance in &made {
        world.step(&instance.unwanted()).await;
    }
    let seen = admin.observe(&all).await;
    assert!(seen.iter().all(|found| matches!(found, Ok(Observed::Absent))), "{seen:?}");
}
