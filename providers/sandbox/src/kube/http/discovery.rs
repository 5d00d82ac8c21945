//! Discovery: what is served, in the aggregated and in the older form.

use axum::response::Response;
use serde_json::{Value, json};

use super::{App, Call, reply};
use crate::kube::registry::{Registry, Resource, Version, builtin};
use crate::kube::status::{ApiError, ApiResult};

pub(super) fn version(call: &Call) -> ApiResult<Response> {
    let data = builtin().map_err(|error| ApiError::internal(error.to_string()))?;
    let version = &data.kubernetes_version;
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or("1"), numbers.next().unwrap_or("0"));
    let body = json!({
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "gitVersion": format!("{version}+meshform"),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    });
    Ok(reply::object(200, &call.accepts, &body))
}

/// `/api`: the core group.
pub(super) fn core(app: &App, call: &Call) -> ApiResult<Response> {
    let state = app.world.lock();
    if call.accepts.aggregated_discovery {
        return Ok(aggregated(call, &state.registry, true));
    }
    drop(state);
    let body = json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1" }],
    });
    Ok(reply::object(200, &call.accepts, &body))
}

/// `/apis`: all other groups.
pub(super) fn groups(app: &App, call: &Call) -> ApiResult<Response> {
    let state = app.world.lock();
    if call.accepts.aggregated_discovery {
        return Ok(aggregated(call, &state.registry, false));
    }
    let served = state.registry.groups();
    let groups: Vec<Value> = served
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, versions)| api_group(name, versions))
        .collect();
    let body = json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups });
    Ok(reply::object(200, &call.accepts, &body))
}

/// `/apis/GROUP`.
pub(super) fn group(app: &App, call: &Call, name: &str) -> ApiResult<Response> {
    let state = app.world.lock();
    let served = state.registry.groups();
    let versions = served.get(name).filter(|_| !name.is_empty()).ok_or(ApiError::UnknownPath)?;
    let mut body = api_group(name, versions);
    body["kind"] = json!("APIGroup");
    body["apiVersion"] = json!("v1");
    Ok(reply::object(200, &call.accepts, &body))
}

fn api_group(name: &str, versions: &[&str]) -> Value {
    let entry = |version: &str| json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    json!({
        "name": name,
        "versions": versions.iter().map(|version| entry(version)).collect::<Vec<_>>(),
        "preferredVersion": versions.first().map(|version| entry(version)),
    })
}

/// `/api/v1`, `/apis/GROUP/VERSION`.
pub(super) fn group_version(app: &App, call: &Call, group: &str, version: &str) -> ApiResult<Response> {
    let state = app.world.lock();
    match state.registry.groups().get(group) {
        None => return Err(ApiError::UnknownPath),
        Some(versions) if !versions.contains(&version) => return Err(ApiError::no_such_resource()),
        Some(_) => {}
    }
    let resources: Vec<Value> = served_in(&state.registry, group, version)
        .flat_map(|(resource, version)| legacy_entries(resource, version))
        .collect();
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let mut body =
        json!({ "kind": "APIResourceList", "groupVersion": group_version, "resources": resources });
    if !group.is_empty() {
        body["apiVersion"] = json!("v1");
    }
    Ok(reply::object(200, &call.accepts, &body))
}

fn served_in<'r>(
    registry: &'r Registry,
    group: &'r str,
    version: &'r str,
) -> impl Iterator<Item = (&'r Resource, &'r Version)> {
    registry
        .all()
        .filter(move |resource| resource.group == group)
        .filter_map(move |resource| Some((&**resource, resource.version(version)?)))
}

fn legacy_entries(resource: &Resource, version: &Version) -> Vec<Value> {
    let mut entry = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": version.verbs,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    let mut entries = vec![entry];
    for subresource in &version.subresources {
        let mut entry = json!({
            "name": format!("{}/{}", resource.plural, subresource.name),
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": subresource.kind,
            "verbs": subresource.verbs,
        });
        if subresource.group != resource.group {
            entry["group"] = json!(subresource.group);
            entry["version"] = json!(subresource.version);
        }
        entries.push(entry);
    }
    entries
}

/// The aggregated form: everything of a group in one answer.
fn aggregated(call: &Call, registry: &Registry, core: bool) -> Response {
    let discovery_version = &call.accepts.discovery_version;
    let items: Vec<Value> = registry
        .groups()
        .iter()
        .filter(|(name, _)| name.is_empty() == core)
        .map(|(name, versions)| aggregated_group(registry, name, versions))
        .collect();
    let body = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{discovery_version}"),
        "metadata": {},
        "items": items,
    });
    let media_type =
        format!("application/json;g=apidiscovery.k8s.io;v={discovery_version};as=APIGroupDiscoveryList");
    reply::with_body(200, &media_type, body.to_string().into())
}

fn aggregated_group(registry: &Registry, name: &str, versions: &[&str]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|version| {
            let resources: Vec<Value> = served_in(registry, name, version)
                .map(|(resource, served)| aggregated_resource(resource, served))
                .collect();
            json!({ "version": version, "freshness": "Current", "resources": resources })
        })
        .collect();
    let metadata = if name.is_empty() { json!({}) } else { json!({ "name": name }) };
    json!({ "metadata": metadata, "versions": versions })
}

fn aggregated_resource(resource: &Resource, version: &Version) -> Value {
    let mut entry = json!({
        "resource": resource.plural,
        // The group and version are this document's own, which the server leaves out.
        "responseKind": { "group": "", "version": "", "kind": resource.kind },
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": version.verbs,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    if !version.subresources.is_empty() {
        let subresources = version.subresources.iter().map(|subresource| {
            let own = subresource.group == resource.group && subresource.version == version.name;
            let (group, named) = if own { ("", "") } else { (&*subresource.group, &*subresource.version) };
            json!({
                "subresource": subresource.name,
                "responseKind": { "group": group, "version": named, "kind": subresource.kind },
                "verbs": subresource.verbs,
            })
        });
        entry["subresources"] = subresources.collect();
    }
    entry
}
