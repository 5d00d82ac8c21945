//! OpenAPI v3: an index, and one document per group and version.

use std::collections::BTreeSet;

use axum::response::Response;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{App, Call, reply};
use crate::kube::registry::{Registry, Resource, SchemaSource, Version, builtin};
use crate::kube::status::{ApiError, ApiResult};

/// `/openapi/v3`.
pub(super) fn index(app: &App, call: &Call) -> ApiResult<Response> {
    let state = app.world.lock();
    let mut paths = Map::new();
    for (group, versions) in state.registry.groups() {
        for version in versions {
            let path =
                if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
            let hash = hash(&state.registry, group, version);
            let url = format!("/openapi/v3/{path}?hash={hash}");
            paths.insert(path, json!({ "serverRelativeURL": url }));
        }
    }
    drop(state);
    Ok(reply::object(200, &call.accepts, &json!({ "paths": paths })))
}

/// A document's version, for clients that keep it: what is served in a group, by name.
fn hash(registry: &Registry, group: &str, version: &str) -> String {
    let mut hasher = Sha256::new();
    for (resource, version) in served(registry, group, version) {
        hasher.update(resource.plural.as_bytes());
        if let SchemaSource::Inline(schema) = &version.schema {
            hasher.update(schema.to_string().as_bytes());
        }
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn served<'r>(
    registry: &'r Registry,
    group: &'r str,
    version: &'r str,
) -> impl Iterator<Item = (&'r Resource, &'r Version)> {
    registry
        .all()
        .filter(move |resource| resource.group == group)
        .filter_map(move |resource| Some((&**resource, resource.version(version)?)))
}

/// `/openapi/v3/api/v1`, `/openapi/v3/apis/GROUP/VERSION`.
pub(super) fn document(app: &App, call: &Call, group: &str, version: &str) -> ApiResult<Response> {
    let data = builtin().map_err(|error| ApiError::internal(error.to_string()))?;
    let state = app.world.lock();
    if !state.registry.groups().get(group).is_some_and(|versions| versions.contains(&version)) {
        return Err(ApiError::UnknownPath);
    }
    let mut paths = Map::new();
    let mut schemas = Map::new();
    let mut wanted = BTreeSet::new();
    for (resource, served) in served(&state.registry, group, version) {
        let name = match &served.schema {
            SchemaSource::Named(name) => name.clone(),
            SchemaSource::Inline(schema) => {
                let name = inline_name(resource, served);
                schemas.insert(name.clone(), custom_schema(resource, served, schema));
                collect_references(schema, &mut wanted);
                wanted.insert("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta".to_owned());
                name
            }
        };
        add_paths(resource, served, &name, &mut paths);
        if matches!(served.schema, SchemaSource::Named(_)) {
            wanted.insert(name);
        }
    }
    drop(state);
    while let Some(name) = wanted.pop_first() {
        let Some(schema) = data.schemas.get(&name).filter(|_| !schemas.contains_key(&name)) else { continue };
        collect_references(schema, &mut wanted);
        schemas.insert(name, with_pointers(schema));
    }
    let body = json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": data.kubernetes_version },
        "paths": paths,
        "components": { "schemas": schemas },
    });
    Ok(reply::object(200, &call.accepts, &body))
}

/// The component name of a custom kind: its group reversed.
fn inline_name(resource: &Resource, version: &Version) -> String {
    let reversed: Vec<&str> = resource.group.split('.').rev().collect();
    format!("{}.{}.{}", reversed.join("."), version.name, resource.kind)
}

fn custom_schema(resource: &Resource, version: &Version, schema: &Value) -> Value {
    let mut schema = with_pointers(schema);
    let metadata = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    schema["properties"]["apiVersion"] = json!({ "type": "string" });
    schema["properties"]["kind"] = json!({ "type": "string" });
    schema["properties"]["metadata"] = json!({ "allOf": [{ "$ref": metadata }] });
    schema["x-kubernetes-group-version-kind"] = json!([gvk(resource, version)]);
    schema
}

fn gvk(resource: &Resource, version: &Version) -> Value {
    json!({ "group": resource.group, "version": version.name, "kind": resource.kind })
}

/// The paths of a resource, with what clients look up in them: the kind, and that field validation is known.
fn add_paths(resource: &Resource, version: &Version, schema: &str, paths: &mut Map<String, Value>) {
    let root = match resource.group.as_str() {
        "" => format!("/api/{}", version.name),
        group => format!("/apis/{group}/{}", version.name),
    };
    let root = if resource.namespaced { format!("{root}/namespaces/{{namespace}}") } else { root };
    let collection = format!("{root}/{}", resource.plural);
    let content =
        json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } });
    let query = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
    let operation = |action: &str, writes: bool| {
        let mut operation = json!({
            "responses": { "200": { "description": "OK", "content": content } },
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": gvk(resource, version),
        });
        if writes {
            let parameters: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation"].map(query).into();
            operation["parameters"] = json!(parameters);
        }
        operation
    };
    let mut collection_item = Map::new();
    let mut object_item = Map::new();
    for verb in &version.verbs {
        match verb.as_str() {
            "list" => drop(collection_item.insert("get".to_owned(), operation("list", false))),
            "create" => drop(collection_item.insert("post".to_owned(), operation("post", true))),
            "get" => drop(object_item.insert("get".to_owned(), operation("get", false))),
            "update" => drop(object_item.insert("put".to_owned(), operation("put", true))),
            "patch" => drop(object_item.insert("patch".to_owned(), operation("patch", true))),
            "delete" => drop(object_item.insert("delete".to_owned(), operation("delete", false))),
            _ => {}
        }
    }
    paths.insert(format!("{collection}/{{name}}"), Value::Object(object_item));
    paths.insert(collection, Value::Object(collection_item));
}

/// The schema with its bare references as pointers into the document.
fn with_pointers(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let siblings = fields.len() > 1;
            let mut pointed: Map<String, Value> = fields
                .iter()
                .filter(|(key, value)| *key != "$ref" || !value.is_string())
                .map(|(key, value)| (key.clone(), with_pointers(value)))
                .collect();
            if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
                let reference = json!(format!("#/components/schemas/{name}"));
                if siblings {
                    pointed.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
                } else {
                    pointed.insert("$ref".to_owned(), reference);
                }
            }
            Value::Object(pointed)
        }
        Value::Array(items) => Value::Array(items.iter().map(with_pointers).collect()),
        other => other.clone(),
    }
}

fn collect_references(schema: &Value, wanted: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
                wanted.insert(name.to_owned());
            }
            fields.values().for_each(|value| collect_references(value, wanted));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, wanted)),
        _ => {}
    }
}
