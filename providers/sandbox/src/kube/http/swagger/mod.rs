//! OpenAPI v2, all in one document: for kubectl before 1.27, which validates, explains and diffs by it.

mod encode;

use axum::http::header;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{App, Call, reply};
use crate::kube::registry::{Registry, Resource, SchemaSource, Version, builtin};
use crate::kube::status::{ApiError, ApiResult};

/// The protobuf form, which is all that those clients read.
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// The same as it was before it had to be a media type by the rules.
const PROTOBUF_ASKED: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

const QUERY: [&str; 3] = ["dryRun", "fieldManager", "fieldValidation"];

/// `/openapi/v2`.
pub(super) fn document(app: &App, call: &Call) -> ApiResult<Response> {
    let data = builtin().map_err(|error| ApiError::internal(error.to_string()))?;
    let state = app.world.lock();
    let mut definitions: Map<String, Value> =
        data.schemas.iter().map(|(name, schema)| (name.clone(), reduced(schema))).collect();
    definitions.extend(custom(&state.registry));
    let document = json!({
        "swagger": "2.0",
        "info": { "title": "Kubernetes", "version": data.kubernetes_version },
        "paths": paths(&state.registry),
        "definitions": definitions,
    });
    drop(state);
    let accepted = call.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if [PROTOBUF, PROTOBUF_ASKED].iter().any(|form| accepted.contains(form)) {
        return Ok(reply::with_body(200, PROTOBUF, encode::document(&document).into()));
    }
    Ok(reply::object(200, &call.accepts, &document))
}

fn versions(registry: &Registry) -> impl Iterator<Item = (&Resource, &Version)> {
    registry.all().flat_map(|resource| resource.versions.iter().map(move |version| (&**resource, version)))
}

/// The schemas of custom kinds, by the names of their definitions.
fn custom(registry: &Registry) -> impl Iterator<Item = (String, Value)> {
    versions(registry).filter_map(|(resource, version)| {
        let SchemaSource::Inline(schema) = &version.schema else { return None };
        let mut schema = reduced(schema);
        if !schema["properties"].is_object() {
            schema["properties"] = json!({});
        }
        let metadata = "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
        schema["properties"]["apiVersion"] = json!({ "type": "string" });
        schema["properties"]["kind"] = json!({ "type": "string" });
        schema["properties"]["metadata"] = json!({ "$ref": metadata });
        schema["x-kubernetes-group-version-kind"] = json!([kind(resource, version)]);
        let group: Vec<&str> = resource.group.split('.').rev().collect();
        Some((format!("{}.{}.{}", group.join("."), version.name, resource.kind), schema))
    })
}

fn kind(resource: &Resource, version: &Version) -> Value {
    json!({ "group": resource.group, "version": version.name, "kind": resource.kind })
}

fn paths(registry: &Registry) -> Map<String, Value> {
    let mut paths = Map::new();
    for (resource, version) in versions(registry) {
        let root = match resource.group.as_str() {
            "" => format!("/api/{}", version.name),
            group => format!("/apis/{group}/{}", version.name),
        };
        let root = if resource.namespaced { format!("{root}/namespaces/{{namespace}}") } else { root };
        let collection = format!("{root}/{}", resource.plural);
        let object = format!("{collection}/{{name}}");
        for verb in &version.verbs {
            let (path, method) = match verb.as_str() {
                "list" => (&collection, "get"),
                "create" => (&collection, "post"),
                "get" => (&object, "get"),
                "update" => (&object, "put"),
                "patch" => (&object, "patch"),
                "delete" => (&object, "delete"),
                _ => continue,
            };
            let item = paths.entry(path.clone()).or_insert_with(|| json!({}));
            item[method] = operation(resource, version, verb);
        }
    }
    paths
}

/// What clients look up in an operation: the kind, and what may be asked for besides.
fn operation(resource: &Resource, version: &Version, verb: &str) -> Value {
    let query = |name: &str| json!({ "name": name, "in": "query", "type": "string" });
    let writes = matches!(verb, "create" | "update" | "patch" | "delete");
    let parameters: Vec<Value> = QUERY.iter().filter(|_| writes).map(|name| query(name)).collect();
    json!({
        "parameters": parameters,
        "responses": { "200": { "description": "OK" } },
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": kind(resource, version),
    })
}

/// A schema as version 2 can say it: a reference stands alone, and what is of one type or another has the form of a text.
fn reduced(schema: &Value) -> Value {
    let Value::Object(fields) = schema else { return schema.clone() };
    if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
        return json!({ "$ref": format!("#/definitions/{name}") });
    }
    let of_two_types = fields.get("x-kubernetes-int-or-string") == Some(&json!(true));
    if of_two_types || fields.get("format") == Some(&json!("int-or-string")) {
        return json!({ "type": "string", "format": "int-or-string" });
    }
    let mut kept = Map::new();
    for (name, value) in fields {
        let value = match (name.as_str(), value) {
            ("properties", Value::Object(all)) => {
                all.iter().map(|(name, schema)| (name.clone(), reduced(schema))).collect()
            }
            ("items" | "additionalProperties", value) => reduced(value),
            ("type" | "format" | "description" | "required", value) => value.clone(),
            (name, value) if name.starts_with("x-kubernetes-") => value.clone(),
            _ => continue,
        };
        kept.insert(name.clone(), value);
    }
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_reduced() {
        let check = |schema: Value, expect: Value| assert_eq!(reduced(&schema), expect);
        check(json!({ "$ref": "a.B", "default": {} }), json!({ "$ref": "#/definitions/a.B" }));
        let two = json!({ "type": "string", "format": "int-or-string" });
        check(json!({ "format": "int-or-string", "oneOf": [{ "type": "integer" }] }), two.clone());
        check(
            json!({ "type": "object", "properties": { "p": { "x-kubernetes-int-or-string": true } } }),
            json!({ "type": "object", "properties": { "p": two } }),
        );
        check(
            json!({
                "type": "array",
                "items": { "$ref": "a.B" },
                "default": [],
                "x-kubernetes-list-type": "set",
                "nullable": true,
            }),
            json!({ "type": "array", "items": { "$ref": "#/definitions/a.B" }, "x-kubernetes-list-type": "set" }),
        );
        check(json!({ "additionalProperties": true }), json!({ "additionalProperties": true }));
    }
}
