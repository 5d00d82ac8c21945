//! Look-ups: one object, or all of a selection, whoever made them.

use meshform_engine::address::Address;
use meshform_engine::ports::{Found, ReadItem};
use meshform_engine::value::from_json;
use serde_json::{Value as Json, json};

use crate::world::World;

/// More than a page of a LIST has.
const MANY: usize = 503;

fn item(kind: &str, arguments: Json) -> ReadItem {
    ReadItem { address: Address::new(kind, "x"), kind: kind.into(), arguments: from_json(&arguments) }
}

/// One part of what was found, or the error's summary and the argument that it blames.
fn shown(found: &Found, path: &[&str]) -> String {
    match found {
        Ok(found) => {
            let part = path.iter().try_fold(found, |part, name| part.get(name));
            format!("{:?}", part.unwrap())
        }
        Err(error) => {
            let path = error.path.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {path}", error.summary).trim().to_owned()
        }
    }
}

fn names(found: &Found) -> Vec<String> {
    let objects = found.as_ref().unwrap().get("objects").unwrap().as_list().unwrap();
    let name = |object: &meshform_engine::value::Value| {
        object.get("metadata").unwrap().get_str("name").unwrap().to_owned()
    };
    objects.iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_object() {
    let world = World::new("lookup").await;
    world
        .apply_as("someone", &world.core("configmaps", "page"), world.config_map("page", json!({ "a": "1" })))
        .await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "key", "namespace": world.namespace },
        "data": { "password": "aHVudGVyMg==" },
    });
    world.apply_as("someone", &world.core("secrets", "key"), secret).await;
    let one = |api_version: &str, kind: &str, name: &str, over: Json| {
        let mut arguments =
            json!({ "api_version": api_version, "kind": kind, "name": name, "namespace": world.namespace });
        arguments.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        item("kube_object", arguments)
    };
    let items = [
        one("v1", "ConfigMap", "page", json!({})),
        one("v1", "Secret", "key", json!({})),
        one("v1", "ConfigMap", "missing", json!({ "optional": true })),
        one("v1", "ConfigMap", "missing", json!({ "optional": false })),
        one("v1", "Namespace", &world.namespace, json!({ "namespace": null })),
        one("v1", "Namespace", &world.namespace, json!({})),
        one("example.com/v1", "Thing", "x", json!({ "optional": true })),
        one("example.com/v1", "Thing", "x", json!({})),
        one("apps/v7", "Deployment", "x", json!({ "optional": true })),
    ];
    let found = world.read(&items).await;
    let check = |at: usize, path: &[&str], expect: &str| {
        assert_eq!(shown(&found[at], path), expect, "{:?}", items[at].arguments);
    };
    check(0, &["object", "data", "a"], "\"1\"");
    check(0, &["object", "kind"], "\"ConfigMap\"");
    check(0, &["kind"], "\"ConfigMap\"");
    assert!(
        found[0]
            .as_ref()
            .unwrap()
            .get("object")
            .unwrap()
            .get("metadata")
            .unwrap()
            .get("managedFields")
            .is_none()
    );
    check(1, &["object", "data", "password"], "(sensitive)");
    assert!(!format!("{:?}", found[1]).contains("aHVudGVyMg"));
    check(2, &["object"], "null");
    check(3, &[], "Object missing name");
    check(4, &["object", "status", "phase"], "\"Active\"");
    check(5, &[], "The kind has no namespace namespace");
    check(6, &["object"], "null");
    check(7, &[], "Kind not served kind");
    check(8, &[], "Kind not served api_version");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_selection() {
    let world = World::new("lookups").await;
    for (name, app) in [("a", "web"), ("b", "web"), ("c", "db")] {
        let mut object = world.config_map(name, json!({}));
        object["metadata"]["labels"] = json!({ "app": app });
        world.apply_as("someone", &world.core("configmaps", name), object).await;
    }
    let all = |over: Json| {
        let mut arguments = json!({ "api_version": "v1", "kind": "ConfigMap", "namespace": world.namespace });
        arguments.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        item("kube_objects", arguments)
    };
    let items = [
        all(json!({ "label_selector": "app=web" })),
        all(json!({ "label_selector": "app in (db)", "namespace": null })),
        all(json!({ "field_selector": "metadata.name=b" })),
        all(json!({ "label_selector": "app=none" })),
        all(json!({ "namespace": format!("{}-missing", world.namespace) })),
        all(json!({ "label_selector": "=" })),
        all(json!({ "kind": "Thing" })),
        all(json!({ "kind": "Node" })),
    ];
    let found = world.read(&items).await;
    assert_eq!(names(&found[0]), ["a", "b"]);
    assert!(names(&found[1]).contains(&"c".to_owned()));
    assert_eq!(names(&found[2]), ["b"]);
    assert_eq!(names(&found[3]), [""; 0]);
    assert_eq!(names(&found[4]), [""; 0]);
    assert_eq!(shown(&found[5], &[]), "The cluster does not accept the object");
    assert_eq!(shown(&found[6], &[]), "Kind not served kind");
    assert_eq!(shown(&found[7], &[]), "The kind has no namespace namespace");
    let first = &found[0].as_ref().unwrap().get("objects").unwrap().as_list().unwrap()[0];
    assert_eq!(first.get_str("kind"), Some("ConfigMap"), "a list's items do not say what they are");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_page() {
    let world = World::new("pages").await;
    for number in 0..MANY {
        let name = format!("n{number:03}");
        let mut object = world.config_map(&name, json!({}));
        object["metadata"]["labels"] = json!({ "many": "yes" });
        world.apply_as("someone", &world.core("configmaps", &name), object).await;
    }
    let arguments = json!({
        "api_version": "v1", "kind": "ConfigMap", "namespace": world.namespace, "label_selector": "many=yes",
    });
    let found = world.read(&[item("kube_objects", arguments)]).await;
    let expect: Vec<_> = (0..MANY).map(|number| format!("n{number:03}")).collect();
    assert_eq!(names(&found[0]), expect);
}
