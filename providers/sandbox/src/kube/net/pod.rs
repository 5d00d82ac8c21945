//! Whether a pod answers, and what is done to its answers on purpose.
//!
//! | annotation of the pod | effect |
//! | --- | --- |
//! | `sandbox.meshform.dev/answer` | the body of every answer; the variable `SANDBOX_ANSWER` of a container does the same |
//! | `sandbox.meshform.dev/error-rate` | a percentage (`20%`) or share (`0.2`) of requests is answered with an error |
//! | `sandbox.meshform.dev/error-status` | which error; 500 if it isn't there |
//! | `sandbox.meshform.dev/latency` | how long each answer takes: `150ms`, `2s` |

use std::time::Duration;

use serde_json::Value;

use super::route::virtual_service::gateways_of;
use crate::kube::duration;
use crate::kube::object::{integer, list, map, text};
use crate::kube::store::{Key, Store};

/// What the names of the sandbox's annotations begin with.
const PREFIX: &str = "sandbox.meshform.dev/";

/// An annotation of the sandbox's own.
pub(crate) fn annotation<'o>(object: &'o Value, name: &str) -> &'o str {
    let annotations = map(object, "/metadata/annotations");
    annotations.get(&format!("{PREFIX}{name}")).and_then(Value::as_str).unwrap_or_default()
}

/// Whether somebody has cut the node off.
pub(crate) fn is_lost(node: &Value) -> bool {
    annotation(node, "outcome") == "lost"
}

/// Whether a pod runs, on a node that answers.
pub(super) fn is_up(store: &Store, pod: &Value) -> bool {
    let node = store.get("nodes", &Key::new("", text(pod, "/spec/nodeName")));
    text(pod, "/status/phase") == "Running"
        && !text(pod, "/status/podIP").is_empty()
        && list(pod, "/status/containerStatuses")
            .iter()
            .all(|status| status.pointer("/state/waiting").is_none())
        && !node.is_some_and(|node| is_lost(node))
}

/// Whether a pod listens on a port: on those that it declares; on any if it declares none, or is a gateway of Istio's.
pub(super) fn listens(store: &Store, pod: &Value, port: u16) -> bool {
    let mut declared = declared_ports(pod).map(|(port, _)| port).peekable();
    declared.peek().is_none() || declared.any(|own| own == port) || !gateways_of(store, pod).is_empty()
}

/// The TCP ports of a pod with their containers.
pub(super) fn declared_ports(pod: &Value) -> impl Iterator<Item = (u16, &Value)> {
    // What a sidecar listens on is not the workload's.
    let own =
        list(pod, "/spec/containers").iter().filter(|container| text(container, "/name") != "istio-proxy");
    own.flat_map(|container| {
        let ports = list(container, "/ports").iter();
        let tcp = ports.filter(|port| matches!(text(port, "/protocol"), "" | "TCP"));
        let numbers = tcp.filter_map(|port| u16::try_from(integer(port, "/containerPort")?).ok());
        numbers.filter(|number| *number != 0).map(move |number| (number, container))
    })
}

/// The container behind a port; the first one if none declares it.
pub(super) fn container_at(pod: &Value, port: u16) -> Option<&Value> {
    let declared = declared_ports(pod).find(|(own, _)| *own == port).map(|(_, container)| container);
    declared.or_else(|| list(pod, "/spec/containers").first())
}

/// What is done to a pod's answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Injected {
    pub(super) answer: Option<String>,
    pub(super) error_percent: f64,
    pub(super) error_status: u16,
    pub(super) latency: Duration,
}

impl Injected {
    pub(super) fn of(pod: &Value, container: &Value) -> Self {
        let of_pod = Some(annotation(pod, "answer")).filter(|answer| !answer.is_empty());
        let variables = list(container, "/env").iter();
        let of_container = variables
            .filter(|own| text(own, "/name") == "SANDBOX_ANSWER")
            .map(|own| text(own, "/value"))
            .next();
        Self {
            answer: of_pod.or(of_container).map(str::to_owned),
            error_percent: percent(annotation(pod, "error-rate")),
            error_status: annotation(pod, "error-status").parse().unwrap_or(500),
            latency: duration::parse(annotation(pod, "latency")).unwrap_or_default(),
        }
    }
}

/// `20%` and `0.2` are the same; what is neither is nothing.
fn percent(text: &str) -> f64 {
    let number =
        |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).unwrap_or(0.0);
    match text.strip_suffix('%') {
        Some(percent) => number(percent),
        None => 100.0 * number(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn injections() {
        let check = |annotations: Value, env: Value, expect: Injected| {
            let pod = json!({ "metadata": { "annotations": annotations } });
            assert_eq!(Injected::of(&pod, &json!({ "env": env })), expect);
        };
        let plain = Injected { error_status: 500, ..Injected::default() };
        check(json!({}), json!([]), plain.clone());
        check(
            json!({ "sandbox.meshform.dev/answer": "v2", "sandbox.meshform.dev/error-rate": "20%" }),
            json!([{ "name": "SANDBOX_ANSWER", "value": "v1" }]),
            Injected { answer: Some("v2".to_owned()), error_percent: 20.0, ..plain.clone() },
        );
        check(
            json!({
                "sandbox.meshform.dev/error-rate": "0.5",
                "sandbox.meshform.dev/error-status": "503",
                "sandbox.meshform.dev/latency": "150ms",
            }),
            json!([{ "name": "SANDBOX_ANSWER", "value": "v1" }]),
            Injected {
                answer: Some("v1".to_owned()),
                error_percent: 50.0,
                error_status: 503,
                latency: Duration::from_millis(150),
            },
        );
        check(
            json!({ "sandbox.meshform.dev/error-rate": "NaN", "sandbox.meshform.dev/latency": "slow" }),
            json!([]),
            plain,
        );
    }
}
