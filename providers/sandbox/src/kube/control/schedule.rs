//! The scheduler: a pod gets the node that fits and has the fewest pods.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::api::{Api, KUBELET};
use super::{Context, condition, node, pod_status};
use crate::kube::object::{self, flag, integer, list, map, text};
use crate::kube::selector::{label_selector_matches, map_matches};
use crate::kube::state::State;
use crate::kube::store::Store;

const ANTI_AFFINITY: &str = "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution";
const AFFINITY: &str = "/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution";
const NODE_AFFINITY: &str =
    "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

/// Places a pod, or says why it can't be placed.
pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, pod: &Arc<Value>) -> Option<Duration> {
    let placed_pods: Vec<&Arc<Value>> = placed(&state.store);
    let nodes: Vec<&Arc<Value>> = state.store.list("nodes", None).collect();
    let view = View { store: &state.store, nodes: &nodes, pods: &placed_pods };
    let load = |node: &Value| {
        placed_pods.iter().filter(|other| text(other, "/spec/nodeName") == object::name(node)).count()
    };
    let fitting = nodes.iter().filter(|node| view.admits(pod, node));
    let chosen = { fitting }.min_by_key(|node| load(node)).map(|node| object::name(node).to_owned());
    let total = nodes.len();
    match chosen {
        Some(node) => place(state, context, pod, &node),
        None => refuse(state, context, pod, total),
    }
    None
}

fn placed(store: &Store) -> Vec<&Arc<Value>> {
    let ended = |pod: &Value| matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
    store.list("pods", None).filter(|pod| !text(pod, "/spec/nodeName").is_empty() && !ended(pod)).collect()
}

fn place(state: &mut State, context: &Context<'_>, pod: &Arc<Value>, node: &str) {
    let mut placed = Value::clone(pod);
    placed["spec"]["nodeName"] = json!(node);
    pod_status::scheduled(&mut placed, &crate::kube::clock::rfc3339(context.now));
    state.store.put("pods", placed);
    let mut api = Api::new(state, context.now, KUBELET);
    let name = format!("{}/{}", object::namespace(pod), object::name(pod));
    let message = format!("Successfully assigned {name} to {node}");
    api.event(pod, "default-scheduler", "Normal", "Scheduled", &message);
}

fn refuse(state: &mut State, context: &Context<'_>, pod: &Arc<Value>, nodes: usize) {
    let message = format!(
        "0/{nodes} nodes are available: none matches the pod's node selector, affinity, spread and tolerations."
    );
    let mut told = Value::clone(pod);
    let now = crate::kube::clock::rfc3339(context.now);
    if condition::set(&mut told, "PodScheduled", "False", "Unschedulable", &message, &now) {
        let mut api = Api::new(state, context.now, KUBELET);
        // On a conflict the pod changes again, and with it this task is due.
        let _ = api.update_status(&told);
        api.event(pod, "default-scheduler", "Warning", "FailedScheduling", &message);
    }
}

/// Whether a pod (or template) may run on a node, other pods aside.
pub(super) fn fits(pod: &Value, place: &Value) -> bool {
    let tolerations = list(pod, "/spec/tolerations");
    let tolerated = |taint: &&Value| tolerations.iter().any(|own| node::tolerates(own, taint));
    let taints =
        list(place, "/spec/taints").iter().filter(|taint| text(taint, "/effect") != "PreferNoSchedule");
    let labels = map(place, "/metadata/labels");
    let terms = list(pod, NODE_AFFINITY);
    map_matches(map(pod, "/spec/nodeSelector"), labels)
        && (terms.is_empty() || terms.iter().any(|term| meets_term(term, place)))
        && taints.filter(|taint| !tolerated(taint)).count() == 0
}

fn meets_term(term: &Value, node: &Value) -> bool {
    let of_fields = list(term, "/matchFields").iter().all(|field| {
        let named = list(field, "/values").iter().any(|name| name == object::name(node));
        (text(field, "/operator") == "In") == named
    });
    label_selector_matches(term, map(node, "/metadata/labels")) && of_fields
}

/// The cluster, as the scheduler sees it.
struct View<'v> {
    store: &'v Store,
    nodes: &'v [&'v Arc<Value>],
    pods: &'v [&'v Arc<Value>],
}

impl View<'_> {
    fn admits(&self, pod: &Value, node: &Value) -> bool {
        !flag(node, "/spec/unschedulable")
            && fits(pod, node)
            && !self.is_averse(pod, node)
            && list(pod, AFFINITY).iter().all(|term| self.has_company(pod, term, node))
            && list(pod, "/spec/topologySpreadConstraints")
                .iter()
                .all(|own| self.keeps_spread(pod, own, node))
            && !self.takes_host_port(pod, node)
    }

    /// The domain of a node under a topology key; that of a pod is its node's.
    fn domain<'n>(node: &'n Value, term: &Value) -> Option<&'n str> {
        map(node, "/metadata/labels").get(text(term, "/topologyKey"))?.as_str()
    }

    fn domain_of_pod(&self, pod: &Value, term: &Value) -> Option<&str> {
        let node = self.nodes.iter().find(|node| object::name(node) == text(pod, "/spec/nodeName"))?;
        Self::domain(node, term)
    }

    /// The pods that a term of `of` means, in the domain of a node.
    fn count_near(&self, of: &Value, term: &Value, node: &Value) -> usize {
        let Some(domain) = Self::domain(node, term) else { return 0 };
        let near = self.pods.iter().filter(|other| self.domain_of_pod(other, term) == Some(domain));
        near.filter(|other| self.means(of, term, other)).count()
    }

    fn means(&self, of: &Value, term: &Value, other: &Value) -> bool {
        let namespaces = list(term, "/namespaces");
        let everywhere = term.get("namespaceSelector").is_some_and(|selector| {
            let found =
                self.store.get("namespaces", &crate::kube::store::Key::new("", object::namespace(other)));
            found.is_some_and(|found| label_selector_matches(selector, map(found, "/metadata/labels")))
        });
        let here = match namespaces {
            [] => object::namespace(of) == object::namespace(other),
            named => named.iter().any(|name| name == object::namespace(other)),
        };
        (here || everywhere) && label_selector_matches(&term["labelSelector"], map(other, "/metadata/labels"))
    }

    /// Whether the pod keeps away from pods near a node, or they from it.
    fn is_averse(&self, pod: &Value, node: &Value) -> bool {
        let own = list(pod, ANTI_AFFINITY).iter().any(|term| self.count_near(pod, term, node) > 0);
        let theirs = self.pods.iter().any(|other| {
            list(other, ANTI_AFFINITY).iter().any(|term| {
                let domain = Self::domain(node, term);
                domain.is_some() && self.domain_of_pod(other, term) == domain && self.means(other, term, pod)
            })
        });
        own || theirs
    }

    /// The first of several that want each other's company has none yet.
    fn has_company(&self, pod: &Value, term: &Value, node: &Value) -> bool {
        let is_first =
            !self.pods.iter().any(|other| self.means(pod, term, other)) && self.means(pod, term, pod);
        Self::domain(node, term).is_some() && (is_first || self.count_near(pod, term, node) > 0)
    }

    fn keeps_spread(&self, pod: &Value, constraint: &Value, node: &Value) -> bool {
        if text(constraint, "/whenUnsatisfiable") == "ScheduleAnyway" {
            return true;
        }
        if Self::domain(node, constraint).is_none() {
            return false;
        }
        let eligible = self.nodes.iter().filter(|other| {
            map_matches(map(pod, "/spec/nodeSelector"), map(other, "/metadata/labels"))
                && Self::domain(other, constraint).is_some()
        });
        let least = eligible.map(|other| self.count_near(pod, constraint, other)).min().unwrap_or(0);
        let skew =
            self.count_near(pod, constraint, node) + 1 - least.min(self.count_near(pod, constraint, node));
        i64::try_from(skew).unwrap_or(i64::MAX) <= integer(constraint, "/maxSkew").unwrap_or(1)
    }

    fn takes_host_port(&self, pod: &Value, node: &Value) -> bool {
        let wanted = host_ports(pod);
        let here = self.pods.iter().filter(|other| text(other, "/spec/nodeName") == object::name(node));
        !wanted.is_empty() && here.flat_map(|other| host_ports(other)).any(|port| wanted.contains(&port))
    }
}

fn host_ports(pod: &Value) -> Vec<(i64, &str)> {
    let ports = list(pod, "/spec/containers").iter().flat_map(|container| list(container, "/ports"));
    let ports = ports.filter_map(|port| Some((integer(port, "/hostPort")?, text(port, "/protocol"))));
    ports.filter(|(port, _)| *port != 0).collect()
}
