//! What would spoil a rollout, found before it begins.

use std::collections::BTreeMap;

use meshform_engine::diagnostic::Severity;
use serde_json::Value as Json;

use crate::live::{Live, Reference, annotation, list, text};
use crate::router::{Router, Versions};
use crate::spec::{Spec, Workload};

/// The annotations by which Alibaba's load balancers hold a client to one backend: today's and the older spelling.
const PERSISTENCE: [&str; 2] = [
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-persistence-timeout",
    "service.beta.kubernetes.io/alicloud-loadbalancer-persistence-timeout",
];
const LEGACY_WEIGHT: &str = "ingress.aliyun.weight/";
const SERVICE_WEIGHT: &str = "nginx.ingress.kubernetes.io/service-weight";

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// Constant short text.
    pub summary: &'static str,
    /// What, why and what to do, in sentences.
    pub detail: String,
}

fn warning(summary: &'static str, detail: impl Into<String>) -> Finding {
    Finding { severity: Severity::Warning, summary, detail: detail.into() }
}

fn error(summary: &'static str, detail: impl Into<String>) -> Finding {
    Finding { severity: Severity::Error, summary, detail: detail.into() }
}

/// All that is found about a rollout between these versions.
pub fn findings(spec: &Spec, versions: &Versions, live: &Live) -> Vec<Finding> {
    let mut findings = spec.router.lint(versions, live);
    findings.extend(selector(&*spec.router, &spec.workload, versions, live));
    findings.extend(autoscalers(versions, live));
    findings
}

/// A Service that is to select every version, and misses one.
fn selector(router: &dyn Router, workload: &Workload, versions: &Versions, live: &Live) -> Vec<Finding> {
    if router.ports().is_some() || router.name() == "clb_vgroup" {
        return Vec::new();
    }
    let services = router.references(versions).into_iter().filter(|reference| reference.kind == "Service");
    let mut findings = Vec::new();
    for reference in services {
        let Some(service) = live.get(&reference) else { continue };
        for (version, labels) in labels_of_versions(workload, versions, live) {
            if let Some((name, value)) = missed(service, &labels) {
                findings.push(error(
                    "A Service misses a version",
                    format!(
                        "The {reference} selects {name}={value}, which the pods of the {version} version do not have: it would get no requests. Select only labels that both versions have."
                    ),
                ));
            }
        }
    }
    findings
}

fn labels_of_versions(
    workload: &Workload,
    versions: &Versions,
    live: &Live,
) -> Vec<(&'static str, BTreeMap<String, String>)> {
    let mut new = labels(workload.template.pointer("/metadata/labels"));
    new.extend(workload.selector.clone());
    new.extend(versions.new.pin.clone());
    let mut all = vec![("new", new)];
    if let Some(old) = &versions.old
        && let Some(deployment) = live.get(&Reference::deployment(&old.deployment))
    {
        let mut of_old = labels(deployment.pointer("/spec/template/metadata/labels"));
        of_old.extend(old.pin.clone());
        all.push(("old", of_old));
    }
    all
}

fn labels(map: Option<&Json>) -> BTreeMap<String, String> {
    let entries = map.and_then(Json::as_object).into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// The first label that the Service selects and the pods do not have.
fn missed(service: &Json, labels: &BTreeMap<String, String>) -> Option<(String, String)> {
    let selector = self::labels(service.pointer("/spec/selector"));
    selector.into_iter().find(|(name, value)| labels.get(name) != Some(value))
}

/// An autoscaler of either version works against the steps.
fn autoscalers(versions: &Versions, live: &Live) -> Vec<Finding> {
    let ours: Vec<_> =
        versions.old.iter().chain([&versions.new]).map(|version| &version.deployment).collect();
    let scales = |autoscaler: &Json| {
        text(autoscaler, "/spec/scaleTargetRef/kind") == Some("Deployment")
            && text(autoscaler, "/spec/scaleTargetRef/name")
                .is_some_and(|name| ours.iter().any(|own| *own == name))
    };
    let found = live
        .objects
        .iter()
        .filter(|(reference, object)| reference.kind == "HorizontalPodAutoscaler" && scales(object));
    found
        .map(|(reference, _)| {
            error(
                "An autoscaler works against the rollout",
                format!(
                    "The {reference} scales a version of this rollout, which counts on its number of pods. Remove it until the rollout is done."
                ),
            )
        })
        .collect()
}

/// What holds clients to one pod, so that the share of pods is not the share of requests.
pub(crate) fn sticky_service(service: &Json) -> Vec<Finding> {
    let mut findings = Vec::new();
    if text(service, "/spec/sessionAffinity") == Some("ClientIP") {
        findings.push(warning(
            "Clients stick to their pods",
            "The Service has the session affinity ClientIP: each client stays with one version, and the split is that of clients, not of requests.",
        ));
    }
    for name in PERSISTENCE {
        if annotation(service, name).is_some_and(|value| value != "0") {
            findings.push(warning(
                "Clients stick to their pods",
                format!(
                    "The Service has the annotation {name}: the load balancer holds each client to one backend, and the split is that of clients, not of requests. Remove it."
                ),
            ));
        }
    }
    findings
}

/// What is amiss with an Ingress that is to split.
pub(crate) fn ingress(reference: &Reference, versions: &Versions, live: &Live) -> Vec<Finding> {
    let Some(ingress) = live.get(reference) else { return Vec::new() };
    let mut findings = other_canaries(reference, ingress, versions, live);
    let annotations = ingress.pointer("/metadata/annotations").and_then(Json::as_object);
    let ours = |service: &str| versions.side(service, None).is_some();
    for name in annotations.into_iter().flatten().map(|(name, _)| name) {
        if let Some(service) = name.strip_prefix(LEGACY_WEIGHT).filter(|service| !ours(service)) {
            findings.push(warning(
                "A dead annotation",
                format!(
                    "The {reference} has the annotation {name}, which only ACK's controller of 2018 reads, and {service} is no version of this rollout. Remove it."
                ),
            ));
        }
    }
    if let Some(weights) =
        annotation(ingress, SERVICE_WEIGHT).filter(|weights| !names_version(weights, versions))
    {
        findings.push(warning(
            "A dead annotation",
            format!(
                "The {reference} has the annotation {SERVICE_WEIGHT} {weights:?}, which names no version of this rollout. Remove it."
            ),
        ));
    }
    findings
}

fn names_version(weights: &str, versions: &Versions) -> bool {
    let mut names = weights.split(',').filter_map(|pair| pair.split_once(':')).map(|(name, _)| name.trim());
    names.any(|name| versions.side(name, None).is_some())
}

/// Canaries of the same hosts that are not ours: a controller takes one canary for each rule.
fn other_canaries(reference: &Reference, ingress: &Json, versions: &Versions, live: &Live) -> Vec<Finding> {
    let hosts = |ingress: &Json| -> Vec<String> {
        let rules = list(ingress, "/spec/rules").iter();
        rules.map(|rule| text(rule, "/host").unwrap_or_default().to_owned()).collect()
    };
    let own_hosts = hosts(ingress);
    let is_canary = |object: &Json| {
        ["nginx.ingress.kubernetes.io/canary", "alb.ingress.kubernetes.io/canary"]
            .iter()
            .any(|name| annotation(object, name) == Some("true"))
    };
    let is_ours = |name: &str| {
        ["canary", "match"].iter().any(|suffix| name == format!("{}-{suffix}", versions.rollout))
    };
    let found = live.objects.iter().filter(|(other, object)| {
        other.kind == "Ingress"
            && *other != reference
            && !is_ours(&other.name)
            && is_canary(object)
            && hosts(object).iter().any(|host| own_hosts.contains(host))
    });
    found
        .map(|(other, _)| {
            error(
                "Another canary of the same host",
                format!("The {other} is a canary of a host of the {reference}, and a rule can have one only. Remove it."),
            )
        })
        .collect()
}

/// Another DestinationRule of the same host.
pub(crate) fn second_rule(reference: &Reference, host: &str) -> Finding {
    warning(
        "Another DestinationRule of the same host",
        format!(
            "The {reference} is of the host {host}, too. Istio merges subsets of several rules but takes the traffic policy of one: keep them in one place."
        ),
    )
}

/// ingress-nginx has no maintainers any more.
pub(crate) fn retired_nginx() -> Finding {
    warning(
        "ingress-nginx is retired",
        "ingress-nginx was retired in March 2026 and gets no fixes any more. The same rollout works with `route \"gateway_api\"`: write an HTTPRoute with the Ingress's host and paths, let it lead to the same Service, and name it as `route`.",
    )
}

/// The weights of ACK's own controller are going.
pub(crate) fn ack_from_1_12() -> Finding {
    warning(
        "service-weight is going",
        "ACK's Nginx Ingress controller does not read service-weight and service-match from version 1.12 on: the two backends would split evenly. Check the controller's version, or use `route \"gateway_api\"`.",
    )
}

/// The weights of 2018.
pub(crate) fn aliyun_legacy() -> Finding {
    warning(
        "ingress.aliyun.weight is of 2018",
        "Only ACK's controller of 2018 reads ingress.aliyun.weight; any other one drops the second backend of a path without a word. Use `route \"gateway_api\"` or, up to version 1.11 of ACK's controller, `route \"ack_ingress\"`.",
    )
}

#[cfg(test)]
mod tests;
