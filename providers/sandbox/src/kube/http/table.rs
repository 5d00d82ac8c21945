//! Objects as tables (what `kubectl get` shows) and as bare metadata.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Call;
use crate::kube::object::{self, flag, integer, list, map, text};
use crate::kube::registry::Resource;

/// A column: its name, its type, and whether only wide output shows it.
type Column = (&'static str, &'static str, bool);

/// An object's metadata.
pub(crate) fn partial(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

/// What a row has of its object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Include {
    Nothing,
    #[default]
    Metadata,
    Object,
}

impl Include {
    /// Reads the `includeObject` parameter.
    pub(super) fn of(call: &Call) -> Self {
        match call.params.text("includeObject") {
            "None" => Self::Nothing,
            "Object" => Self::Object,
            _ => Self::Metadata,
        }
    }

    fn shown(self, object: &Value) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Metadata => partial(object),
            Self::Object => object.clone(),
        }
    }
}

/// An object as a table of one row.
pub(crate) fn of_one(
    resource: &Resource,
    version: &str,
    object: &Value,
    now: Timestamp,
    include: Include,
) -> Value {
    let mut table = of(resource, version, std::iter::once(object), now, include);
    table["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
    table
}

/// Objects as a `meta.k8s.io/v1` table.
pub(crate) fn of<'o>(
    resource: &Resource,
    version: &str,
    objects: impl Iterator<Item = &'o Value>,
    now: Timestamp,
    include: Include,
) -> Value {
    let printer = resource.version(version).map(|version| version.columns.as_slice()).unwrap_or_default();
    let columns = columns(resource);
    let mut definitions = vec![definition("Name", "string", false)];
    if printer.is_empty() {
        definitions.extend(columns.iter().map(|(name, kind, wide)| definition(name, kind, *wide)));
    } else {
        definitions.extend(printer.iter().map(custom_definition));
    }
    let rows: Vec<Value> = objects
        .map(|object| {
            let mut cells = vec![json!(object::name(object))];
            if printer.is_empty() {
                cells.extend(columns.iter().map(|(name, ..)| cell(resource, name, object, now)));
            } else {
                cells.extend(printer.iter().map(|column| custom_cell(column, object, now)));
            }
            json!({ "cells": cells, "object": include.shown(object) })
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

fn definition(name: &str, kind: &str, wide: bool) -> Value {
    let format = if name == "Name" { "name" } else { "" };
    json!({ "name": name, "type": kind, "format": format, "description": "", "priority": u8::from(wide) })
}

fn custom_definition(column: &Value) -> Value {
    json!({
        "name": column["name"],
        "type": column["type"],
        "format": text(column, "/format"),
        "description": match text(column, "/description") {
            "" => format!("Custom resource definition column (in JSONPath format): {}", text(column, "/jsonPath")),
            given => given.to_owned(),
        },
        "priority": integer(column, "/priority").unwrap_or(0),
    })
}

fn custom_cell(column: &Value, object: &Value, now: Timestamp) -> Value {
    let path = text(column, "/jsonPath").trim_start_matches('.').replace('.', "/");
    let value = object.pointer(&format!("/{path}")).cloned().unwrap_or(Value::Null);
    match (text(column, "/type"), &value) {
        ("date", Value::String(time)) => json!(age(time, now)),
        _ => value,
    }
}

fn columns(resource: &Resource) -> &'static [Column] {
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Pod") => &[
            ("Ready", "string", false),
            ("Status", "string", false),
            ("Restarts", "string", false),
            ("Age", "string", false),
            ("IP", "string", true),
            ("Node", "string", true),
        ],
        ("", "Service") => &[
            ("Type", "string", false),
            ("Cluster-IP", "string", false),
            ("External-IP", "string", false),
            ("Port(s)", "string", false),
            ("Age", "string", false),
            ("Selector", "string", true),
        ],
        ("", "Namespace" | "PersistentVolume") => &[("Status", "string", false), ("Age", "string", false)],
        ("", "Node") => &[
            ("Status", "string", false),
            ("Roles", "string", false),
            ("Age", "string", false),
            ("Version", "string", false),
        ],
        ("", "ConfigMap") => &[("Data", "string", false), ("Age", "string", false)],
        ("", "Secret") => &[("Type", "string", false), ("Data", "string", false), ("Age", "string", false)],
        ("", "Event") => &[
            ("Last Seen", "string", false),
            ("Type", "string", false),
            ("Reason", "string", false),
            ("Object", "string", false),
            ("Message", "string", false),
        ],
        ("", "Endpoints") => &[("Endpoints", "string", false), ("Age", "string", false)],
        ("apps", "Deployment") => &[
            ("Ready", "string", false),
            ("Up-to-date", "integer", false),
            ("Available", "integer", false),
            ("Age", "string", false),
            ("Containers", "string", true),
            ("Images", "string", true),
        ],
        ("apps", "ReplicaSet") => &[
            ("Desired", "integer", false),
            ("Current", "integer", false),
            ("Ready", "integer", false),
            ("Age", "string", false),
        ],
        ("apps", "StatefulSet") => &[("Ready", "string", false), ("Age", "string", false)],
        ("apps", "DaemonSet") => &[
            ("Desired", "integer", false),
            ("Current", "integer", false),
            ("Ready", "integer", false),
            ("Up-to-date", "integer", false),
            ("Available", "integer", false),
            ("Age", "string", false),
        ],
        ("batch", "Job") => {
            &[("Status", "string", false), ("Completions", "string", false), ("Age", "string", false)]
        }
        ("networking.k8s.io", "Ingress") => &[
            ("Class", "string", false),
            ("Hosts", "string", false),
            ("Address", "string", false),
            ("Age", "string", false),
        ],
        ("coordination.k8s.io", "Lease") => &[("Holder", "string", false), ("Age", "string", false)],
        ("apiextensions.k8s.io", "CustomResourceDefinition") => &[("Created At", "date", false)],
        _ => &[("Age", "string", false)],
    }
}

fn cell(resource: &Resource, column: &str, object: &Value, now: Timestamp) -> Value {
    let created = text(object, "/metadata/creationTimestamp");
    match column {
        "Age" => return json!(age(created, now)),
        "Created At" => return json!(created),
        _ => {}
    }
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Pod") => pod(column, object),
        ("", "Service") => service(column, object),
        ("", "Node") => node(column, object),
        ("", "Event") => event(column, object, now),
        ("", "Endpoints") => json!(endpoints(object)),
        ("apps", _) => workload(&resource.kind, column, object),
        ("batch", "Job") => job(column, object),
        ("networking.k8s.io", "Ingress") => ingress(column, object),
        (_, kind) => match column {
            "Status" if kind == "Namespace" => json!(text(object, "/status/phase")),
            "Status" => json!(text(object, "/status/phase")),
            "Type" => json!(text(object, "/type")),
            "Holder" => json!(text(object, "/spec/holderIdentity")),
            "Data" => json!(map(object, "/data").len() + map(object, "/binaryData").len()),
            _ => Value::Null,
        },
    }
}

fn count(object: &Value, pointer: &str) -> i64 {
    integer(object, pointer).unwrap_or(0)
}

fn pod(column: &str, object: &Value) -> Value {
    let statuses = list(object, "/status/containerStatuses");
    match column {
        "Ready" => {
            let ready = statuses.iter().filter(|status| flag(status, "/ready")).count();
            json!(format!("{ready}/{}", list(object, "/spec/containers").len()))
        }
        "Status" => json!(pod_status(object)),
        "Restarts" => {
            let restarts: i64 = statuses.iter().map(|status| count(status, "/restartCount")).sum();
            json!(restarts.to_string())
        }
        "IP" => json!(or_none(text(object, "/status/podIP"))),
        "Node" => json!(or_none(text(object, "/spec/nodeName"))),
        _ => Value::Null,
    }
}

fn pod_status(object: &Value) -> &str {
    if object::is_terminating(object) {
        return "Terminating";
    }
    let statuses = list(object, "/status/containerStatuses").iter();
    let reason = statuses
        .map(|status| {
            let waiting = text(status, "/state/waiting/reason");
            if waiting.is_empty() { text(status, "/state/terminated/reason") } else { waiting }
        })
        .find(|reason| !reason.is_empty());
    reason.unwrap_or_else(|| text(object, "/status/phase"))
}

fn service(column: &str, object: &Value) -> Value {
    let kind = text(object, "/spec/type");
    match column {
        "Type" => json!(kind),
        "Cluster-IP" => json!(or_none(text(object, "/spec/clusterIP"))),
        "External-IP" => {
            let given: Vec<&str> = list(object, "/status/loadBalancer/ingress")
                .iter()
                .map(|ingress| text(ingress, "/ip"))
                .collect();
            json!(match (kind, given.is_empty()) {
                ("LoadBalancer", true) => "<pending>".to_owned(),
                ("ExternalName", _) => text(object, "/spec/externalName").to_owned(),
                (_, true) => "<none>".to_owned(),
                (_, false) => given.join(","),
            })
        }
        "Port(s)" => {
            let ports = list(object, "/spec/ports").iter().map(|port| {
                let (number, protocol) = (count(port, "/port"), text(port, "/protocol"));
                match integer(port, "/nodePort") {
                    Some(node_port) => format!("{number}:{node_port}/{protocol}"),
                    None => format!("{number}/{protocol}"),
                }
            });
            json!(or_none(&ports.collect::<Vec<_>>().join(",")))
        }
        "Selector" => {
            let pairs = map(object, "/spec/selector").iter();
            let pairs = pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
            json!(or_none(&pairs.collect::<Vec<_>>().join(",")))
        }
        _ => Value::Null,
    }
}

fn node(column: &str, object: &Value) -> Value {
    match column {
        "Status" => {
            let ready = list(object, "/status/conditions")
                .iter()
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
            let ready = if ready { "Ready" } else { "NotReady" };
            let cordoned = if flag(object, "/spec/unschedulable") { ",SchedulingDisabled" } else { "" };
            json!(format!("{ready}{cordoned}"))
        }
        "Roles" => json!("<none>"),
        "Version" => json!(text(object, "/status/nodeInfo/kubeletVersion")),
        _ => Value::Null,
    }
}

fn event(column: &str, object: &Value, now: Timestamp) -> Value {
    match column {
        "Last Seen" => json!(age(text(object, "/lastTimestamp"), now)),
        "Type" => json!(text(object, "/type")),
        "Reason" => json!(text(object, "/reason")),
        "Object" => {
            let kind = text(object, "/involvedObject/kind").to_lowercase();
            json!(format!("{kind}/{}", text(object, "/involvedObject/name")))
        }
        "Message" => json!(text(object, "/message")),
        _ => Value::Null,
    }
}

fn endpoints(object: &Value) -> String {
    let mut all = Vec::new();
    for subset in list(object, "/subsets") {
        for address in list(subset, "/addresses") {
            for port in list(subset, "/ports") {
                all.push(format!("{}:{}", text(address, "/ip"), count(port, "/port")));
            }
        }
    }
    or_none(&all.join(",")).to_owned()
}

fn workload(kind: &str, column: &str, object: &Value) -> Value {
    let status = |field: &str| json!(count(object, &format!("/status/{field}")));
    match (kind, column) {
        ("Deployment" | "StatefulSet", "Ready") => {
            json!(format!("{}/{}", count(object, "/status/readyReplicas"), count(object, "/spec/replicas")))
        }
        ("Deployment", "Up-to-date") => status("updatedReplicas"),
        ("Deployment", "Available") => status("availableReplicas"),
        ("ReplicaSet", "Desired") => json!(count(object, "/spec/replicas")),
        ("ReplicaSet", "Current") => status("replicas"),
        ("ReplicaSet", "Ready") => status("readyReplicas"),
        ("DaemonSet", "Desired") => status("desiredNumberScheduled"),
        ("DaemonSet", "Current") => status("currentNumberScheduled"),
        ("DaemonSet", "Ready") => status("numberReady"),
        ("DaemonSet", "Up-to-date") => status("updatedNumberScheduled"),
        ("DaemonSet", "Available") => status("numberAvailable"),
        (_, "Containers") => json!(containers(object, "/name")),
        (_, "Images") => json!(containers(object, "/image")),
        _ => Value::Null,
    }
}

fn containers(object: &Value, pointer: &str) -> String {
    let all = list(object, "/spec/template/spec/containers").iter().map(|container| text(container, pointer));
    all.collect::<Vec<_>>().join(",")
}

fn job(column: &str, object: &Value) -> Value {
    let holds = |kind: &str| {
        list(object, "/status/conditions")
            .iter()
            .any(|condition| condition["type"] == kind && condition["status"] == "True")
    };
    match column {
        "Status" if holds("Complete") => json!("Complete"),
        "Status" if holds("Failed") => json!("Failed"),
        "Status" => json!("Running"),
        "Completions" => {
            json!(format!("{}/{}", count(object, "/status/succeeded"), count(object, "/spec/completions")))
        }
        _ => Value::Null,
    }
}

fn ingress(column: &str, object: &Value) -> Value {
    match column {
        "Class" => json!(or_none(text(object, "/spec/ingressClassName"))),
        "Hosts" => {
            let hosts = list(object, "/spec/rules").iter().map(|rule| text(rule, "/host"));
            let hosts =
                hosts.map(|host| if host.is_empty() { "*" } else { host }).collect::<Vec<_>>().join(",");
            json!(if hosts.is_empty() { "*".to_owned() } else { hosts })
        }
        "Address" => {
            let given =
                list(object, "/status/loadBalancer/ingress").iter().map(|ingress| text(ingress, "/ip"));
            json!(given.collect::<Vec<_>>().join(","))
        }
        _ => Value::Null,
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

/// How long ago a time was, as `kubectl` writes it: `5s`, `3m20s`, `2h5m`, `4d`.
fn age(time: &str, now: Timestamp) -> String {
    let Ok(then) = time.parse::<Timestamp>() else { return "<unknown>".to_owned() };
    let seconds = (now.as_second() - then.as_second()).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |big: i64, big_unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{big}{big_unit}"),
        small => format!("{big}{big_unit}{small}{small_unit}"),
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        _ if days < 730 => format!("{days}d"),
        _ => pair(days / 365, "y", days % 365, "d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let now: Timestamp = "2026-01-10T00:00:00Z".parse().unwrap();
        for (time, expect) in [
            ("2026-01-09T23:59:55Z", "5s"),
            ("2026-01-09T23:56:40Z", "3m20s"),
            ("2026-01-09T23:20:00Z", "40m"),
            ("2026-01-09T19:55:00Z", "4h5m"),
            ("2026-01-05T23:00:00Z", "4d1h"),
            ("2026-01-11T00:00:00Z", "0s"),
            ("x", "<unknown>"),
        ] {
            assert_eq!(age(time, now), expect, "{time}");
        }
    }
}
