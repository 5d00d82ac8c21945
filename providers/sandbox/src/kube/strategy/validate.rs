//! What the server refuses of a decoded and defaulted object (422).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::names::{check_label, check_name};
use crate::kube::object::{self, flag, list, map, text};
use crate::kube::registry::Resource;
use crate::kube::selector::label_selector_matches;
use crate::kube::status::FieldError;
use meshform_kube_schema::name::{is_label_value, is_qualified_name};
use meshform_kube_schema::quantity;

const IMMUTABLE: &str = "field is immutable";
const DATA_BYTES_MAX: usize = 1 << 20;
const ANNOTATION_BYTES_MAX: usize = 256 << 10;

/// Everything that is wrong with a new object, or with a change of `live`.
pub(crate) fn validate(resource: &Resource, object: &Value, live: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    metadata(resource, object, live, &mut errors);
    if !resource.builtin {
        return errors;
    }
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "ConfigMap" | "Secret") => data(&resource.kind, object, live, &mut errors),
        ("", "Service") => services(object, live, &mut errors),
        ("", "Pod") => {
            pod_spec(object, "/spec", "spec", &mut errors);
            pod_update(object, live, &mut errors);
        }
        ("", "PersistentVolumeClaim") => claim(object, live, &mut errors),
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => {
            workload(&resource.kind, object, live, &mut errors);
        }
        ("batch", "Job") => job(object, live, &mut errors),
        ("batch", "CronJob") => cron_job(object, &mut errors),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            binding(object, live, &mut errors)
        }
        ("networking.k8s.io", "Ingress") => ingress(object, &mut errors),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(object, &mut errors),
        ("storage.k8s.io", "StorageClass") if text(object, "/provisioner").is_empty() => {
            errors.push(FieldError::required("provisioner", ""));
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            errors.extend(meshform_kube_schema::check_definition(object, live))
        }
        _ => {}
    }
    errors
}

fn metadata(resource: &Resource, object: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    if live.is_none() {
        check_name(resource, object::name(object), errors);
    }
    for (key, value) in map(object, "/metadata/labels") {
        let value_text = value.as_str().unwrap_or_default();
        if !is_label_value(value_text) {
            errors.push(FieldError::invalid("metadata.labels", value, LABEL_VALUE));
        }
        if !is_qualified_name(key) {
            errors.push(FieldError::invalid("metadata.labels", &json!(key), QUALIFIED_NAME));
        }
    }
    let mut bytes = 0;
    for (key, value) in map(object, "/metadata/annotations") {
        bytes += key.len() + value.as_str().map_or(0, str::len);
        if !is_qualified_name(&key.to_lowercase()) {
            errors.push(FieldError::invalid("metadata.annotations", &json!(key), QUALIFIED_NAME));
        }
    }
    if bytes > ANNOTATION_BYTES_MAX {
        errors.push(FieldError::too_long("metadata.annotations", ANNOTATION_BYTES_MAX as u64));
    }
    if let Some(live) = live.filter(|live| object::is_terminating(live)) {
        let had = list(live, "/metadata/finalizers");
        for finalizer in list(object, "/metadata/finalizers").iter().filter(|own| !had.contains(own)) {
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{finalizer}}}"
            );
            // The server says it twice.
            errors.extend([(); 2].map(|()| FieldError::forbidden("metadata.finalizers", &detail)));
        }
    }
    owners(list(object, "/metadata/ownerReferences"), errors);
}

fn owners(references: &[Value], errors: &mut Vec<FieldError>) {
    let mut controller: Option<String> = None;
    for owner in references {
        for (field, detail) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if text(owner, &format!("/{field}")).is_empty() {
                let field = format!("metadata.ownerReferences.{field}");
                errors.push(FieldError::invalid(field, &json!(""), detail));
            }
        }
        if !flag(owner, "/controller") {
            continue;
        }
        let this = format!("{}/{}", text(owner, "/kind"), text(owner, "/name"));
        if let Some(other) = controller.replace(this.clone()) {
            let detail = format!(
                "Only one reference can have Controller set to true. Found \"true\" in references for {other} and {this}"
            );
            errors.push(FieldError::invalid("metadata.ownerReferences", &json!(references), &detail));
        }
    }
}

const QUALIFIED_NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and \
                              end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex \
                              used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// What is said of what cannot be the value of a label.
pub(crate) const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', \
                                      '_' or '.', and must start and end with an alphanumeric character (e.g. \
                                      'MyValue',  or 'my_value',  or '12345', regex used for validation is \
                                      '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

fn data(kind: &str, object: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    let mut bytes = 0;
    for part in ["data", "binaryData"] {
        for (key, value) in map(object, &format!("/{part}")) {
            bytes += value.as_str().map_or(0, str::len);
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
                let detail = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. \
                              'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is \
                              '[-._a-zA-Z0-9]+')";
                errors.push(FieldError::invalid(format!("{part}[{key}]"), &json!(key), detail));
            }
        }
    }
    if bytes > DATA_BYTES_MAX {
        let field = if kind == "Secret" { "data" } else { "" };
        errors.push(FieldError::too_long(field, DATA_BYTES_MAX as u64));
    }
    let Some(live) = live else { return };
    if kind == "Secret" && live["type"] != object["type"] {
        errors.push(FieldError::invalid("type", &object["type"], IMMUTABLE));
    }
    if flag(live, "/immutable") {
        let detail = "field is immutable when `immutable` is set";
        for part in ["immutable", "data", "binaryData"] {
            if live.get(part) != object.get(part) {
                errors.push(FieldError::forbidden(part, detail));
            }
        }
    }
}

fn services(object: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    let kind = text(object, "/spec/type");
    let allowed = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"].map(Value::from);
    if !allowed.iter().any(|allowed| allowed == kind) {
        errors.push(FieldError::unsupported("spec.type", &json!(kind), &allowed));
    }
    let ports = list(object, "/spec/ports");
    let headless = text(object, "/spec/clusterIP") == "None";
    if ports.is_empty() && kind != "ExternalName" && !headless {
        errors.push(FieldError::required("spec.ports", ""));
    }
    if kind == "ExternalName" && text(object, "/spec/externalName").is_empty() {
        errors.push(FieldError::required("spec.externalName", "must not be empty for type 'ExternalName'"));
    }
    service_ports(ports, errors);
    let had = live.map(|live| text(live, "/spec/clusterIP")).unwrap_or_default();
    let now = text(object, "/spec/clusterIP");
    if !had.is_empty() && kind != "ExternalName" && had != now {
        let value = json!([now]);
        errors.push(FieldError::invalid("spec.clusterIPs[0]", &value, "may not change once set"));
    }
}

/// Everything that is wrong with a status that is written to its own endpoint.
pub(crate) fn validate_status(resource: &Resource, object: &Value) -> Vec<FieldError> {
    let balanced = text(object, "/spec/type") == "LoadBalancer";
    if resource.is("", "Service") && !balanced && !list(object, "/status/loadBalancer/ingress").is_empty() {
        let detail = "may only be used when `spec.type` is 'LoadBalancer'";
        return vec![FieldError::forbidden("status.loadBalancer.ingress", detail)];
    }
    Vec::new()
}

fn service_ports(ports: &[Value], errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let at = format!("spec.ports[{index}]");
        let name = text(port, "/name");
        if name.is_empty() && ports.len() > 1 {
            errors.push(FieldError::required(format!("{at}.name"), ""));
        }
        if !name.is_empty() && !seen.insert(name) {
            errors.push(FieldError::duplicate(format!("{at}.name"), &json!(name)));
        }
        port_number(&port["port"], format!("{at}.port"), errors);
        if port["targetPort"].is_number() {
            port_number(&port["targetPort"], format!("{at}.targetPort"), errors);
        }
    }
}

fn port_number(value: &Value, field: String, errors: &mut Vec<FieldError>) {
    if !value.as_i64().is_some_and(|port| (1..=65_535).contains(&port)) {
        let value = if value.is_null() { &json!(0) } else { value };
        errors.push(FieldError::invalid(field, value, "must be between 1 and 65535, inclusive"));
    }
}

fn workload(kind: &str, object: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    if object::integer(object, "/spec/replicas").is_some_and(|replicas| replicas < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid("spec.replicas", &object["spec"]["replicas"], detail));
    }
    let selector = &object["spec"]["selector"];
    let hollow = map(selector, "/matchLabels").is_empty() && list(selector, "/matchExpressions").is_empty();
    if !selector.is_object() {
        errors.push(FieldError::required("spec.selector", ""));
    } else if hollow {
        let detail = format!("empty selector is invalid for {}", kind.to_lowercase());
        errors.push(FieldError::invalid("spec.selector", selector, &detail));
    }
    let labels = &object["spec"]["template"]["metadata"]["labels"];
    let own = labels.as_object().cloned().unwrap_or_else(Map::new);
    if !(label_selector_matches(selector, &own) || selector.is_object() && hollow) {
        let detail = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid("spec.template.metadata.labels", labels, detail));
    }
    let restart = text(object, "/spec/template/spec/restartPolicy");
    if restart != "Always" {
        let field = "spec.template.spec.restartPolicy";
        errors.push(FieldError::unsupported(field, &json!(restart), &[json!("Always")]));
    }
    pod_spec(object, "/spec/template/spec", "spec.template.spec", errors);
    let Some(live) = live else { return };
    if kind == "StatefulSet" {
        stateful_set_update(object, live, errors);
    } else if live["spec"]["selector"] != *selector {
        errors.push(FieldError::invalid("spec.selector", selector, IMMUTABLE));
    }
}

fn stateful_set_update(object: &Value, live: &Value, errors: &mut Vec<FieldError>) {
    const MUTABLE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let fixed = |object: &Value| {
        let mut spec = map(object, "/spec").clone();
        spec.retain(|field, _| !MUTABLE.contains(&field.as_str()));
        spec
    };
    if fixed(object) != fixed(live) {
        let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                      'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                      'minReadySeconds' are forbidden";
        errors.push(FieldError::forbidden("spec", detail));
    }
}

fn pod_spec(object: &Value, pointer: &str, at: &str, errors: &mut Vec<FieldError>) {
    let Some(spec) = object.pointer(pointer) else { return };
    let containers = list(spec, "/containers");
    if containers.is_empty() {
        errors.push(FieldError::required(format!("{at}.containers"), ""));
    }
    let mut names = BTreeSet::new();
    for part in ["initContainers", "containers"] {
        for (index, container) in list(spec, &format!("/{part}")).iter().enumerate() {
            let at = format!("{at}.{part}[{index}]");
            let name = text(container, "/name");
            check_label(format!("{at}.name"), name, errors);
            if !name.is_empty() && !names.insert(name) {
                errors.push(FieldError::duplicate(format!("{at}.name"), &json!(name)));
            }
            check_container(container, &at, spec, errors);
        }
    }
}

/// What of a pod may change once it is there.
fn pod_update(object: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    let Some(live) = live else { return };
    let fixed = |pod: &Value| {
        let mut spec = map(pod, "/spec").clone();
        for field in [
            "activeDeadlineSeconds",
            "tolerations",
            "terminationGracePeriodSeconds",
            "nodeName",
            "schedulingGates",
        ] {
            spec.remove(field);
        }
        for part in ["initContainers", "containers", "ephemeralContainers"] {
            for container in spec.get_mut(part).and_then(Value::as_array_mut).into_iter().flatten() {
                object::remove(container, &["image"]);
                object::remove(container, &["resources"]);
            }
        }
        spec
    };
    if fixed(object) != fixed(live) {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,\
                      `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions \
                      to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it \
                      was previously negative)";
        errors.push(FieldError::forbidden("spec", detail));
    }
}

fn check_container(container: &Value, at: &str, spec: &Value, errors: &mut Vec<FieldError>) {
    if text(container, "/image").is_empty() {
        errors.push(FieldError::required(format!("{at}.image"), ""));
    }
    for (index, port) in list(container, "/ports").iter().enumerate() {
        port_number(&port["containerPort"], format!("{at}.ports[{index}].containerPort"), errors);
    }
    let volumes = list(spec, "/volumes");
    for (index, mount) in list(container, "/volumeMounts").iter().enumerate() {
        if !volumes.iter().any(|volume| volume["name"] == mount["name"]) {
            errors.push(FieldError::not_found(format!("{at}.volumeMounts[{index}].name"), &mount["name"]));
        }
    }
    for (name, request) in map(container, "/resources/requests") {
        let Some(limit) = container.pointer("/resources/limits").and_then(|limits| limits.get(name)) else {
            continue;
        };
        let amount = |value: &Value| value.as_str().and_then(quantity::milli);
        if amount(request) > amount(limit) {
            let limit = limit.as_str().unwrap_or_default();
            let detail = format!("must be less than or equal to {name} limit of {limit}");
            errors.push(FieldError::invalid(format!("{at}.resources.requests"), request, &detail));
        }
    }
}

fn claim(object: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    if list(object, "/spec/accessModes").is_empty() {
        errors.push(FieldError::required("spec.accessModes", "at least 1 access mode is required"));
    }
    if object.pointer("/spec/resources/requests/storage").is_none() {
        errors.push(FieldError::required("spec.resources[storage]", ""));
    }
    let Some(live) = live else { return };
    let fixed = |object: &Value| {
        let mut spec = map(object, "/spec").clone();
        spec.retain(|field, _| {
            !matches!(field.as_str(), "resources" | "volumeAttributesClassName" | "volumeName")
        });
        spec
    };
    let bound = text(live, "/status/phase") == "Bound";
    let resized = object.pointer("/spec/resources") != live.pointer("/spec/resources");
    if fixed(object) != fixed(live) || (resized && !bound) {
        let detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for \
                      bound claims";
        errors.push(FieldError::forbidden("spec", detail));
    }
}

fn job(object: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    pod_spec(object, "/spec/template/spec", "spec.template.spec", errors);
    restart_of_job(text(object, "/spec/template/spec/restartPolicy"), "spec.template.spec", errors);
    let Some(live) = live else { return };
    for field in ["completions", "selector", "template", "completionMode", "podFailurePolicy"] {
        let (had, now) = (&live["spec"][field], &object["spec"][field]);
        let elastic = field == "completions" && text(live, "/spec/completionMode") == "Indexed";
        if had != now && !elastic {
            errors.push(FieldError::invalid(format!("spec.{field}"), now, IMMUTABLE));
        }
    }
}

fn restart_of_job(policy: &str, at: &str, errors: &mut Vec<FieldError>) {
    if !matches!(policy, "Never" | "OnFailure") {
        let field = format!("{at}.restartPolicy");
        let message = format!("valid values: \"OnFailure\", \"Never\" (got {policy:?})");
        errors.push(FieldError::required(field, &message));
    }
}

fn cron_job(object: &Value, errors: &mut Vec<FieldError>) {
    const TEMPLATE: &str = "spec.jobTemplate.spec.template.spec";
    let schedule = text(object, "/spec/schedule");
    if schedule.is_empty() {
        errors.push(FieldError::required("spec.schedule", ""));
    } else if !schedule.starts_with('@') && schedule.split_whitespace().count() != 5 {
        let detail =
            format!("expected exactly 5 fields, found {}: [{schedule}]", schedule.split_whitespace().count());
        errors.push(FieldError::invalid("spec.schedule", &json!(schedule), &detail));
    }
    pod_spec(object, "/spec/jobTemplate/spec/template/spec", TEMPLATE, errors);
    restart_of_job(text(object, "/spec/jobTemplate/spec/template/spec/restartPolicy"), TEMPLATE, errors);
}

fn binding(object: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    if text(object, "/roleRef/name").is_empty() {
        errors.push(FieldError::required("roleRef.name", ""));
    }
    let Some(live) = live.filter(|live| live["roleRef"] != object["roleRef"]) else { return };
    let _ = live;
    let role = json!({
        "APIGroup": object["roleRef"]["apiGroup"],
        "Kind": object["roleRef"]["kind"],
        "Name": object["roleRef"]["name"],
    });
    errors.push(FieldError::invalid("roleRef", &role, "cannot change roleRef"));
}

fn ingress(object: &Value, errors: &mut Vec<FieldError>) {
    let hollow = list(object, "/spec/rules").is_empty() && object.pointer("/spec/defaultBackend").is_none();
    if hollow {
        let detail = "either `defaultBackend` or `rules` must be specified";
        errors.push(FieldError::invalid("spec", &object["spec"], detail));
    }
    for (index, rule) in list(object, "/spec/rules").iter().enumerate() {
        for (path_index, path) in list(rule, "/http/paths").iter().enumerate() {
            let at = format!("spec.rules[{index}].http.paths[{path_index}]");
            if text(path, "/pathType").is_empty() {
                errors.push(FieldError::required(format!("{at}.pathType"), "pathType must be specified"));
            }
        }
    }
}

fn autoscaler(object: &Value, errors: &mut Vec<FieldError>) {
    let least = object::integer(object, "/spec/minReplicas").unwrap_or(1);
    let most = object::integer(object, "/spec/maxReplicas").unwrap_or(0);
    if most < 1 {
        let detail = "must be greater than 0";
        errors.push(FieldError::invalid("spec.maxReplicas", &json!(most), detail));
    } else if most < least {
        let detail = "must be greater than or equal to `minReplicas`";
        errors.push(FieldError::invalid("spec.maxReplicas", &json!(most), detail));
    }
}
