//! Nodes are ready, unless they are annotated otherwise.

use std::time::Duration;

use super::api::{Api, KUBELET};
use super::{Context, condition};
use crate::kube::object::text;
use crate::kube::state::State;
use crate::kube::store::Key;

/// A node with this annotation set to `lost` does not answer.
const OUTCOME: &str = "/metadata/annotations/sandbox.meshform.dev~1outcome";

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let mut node = state.store.get("nodes", key)?.as_ref().clone();
    let mut api = Api::new(state, context.now, KUBELET);
    let (status, reason, message) = match text(&node, OUTCOME) {
        "lost" => ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."),
        _ => ("True", "KubeletReady", "kubelet is posting ready status"),
    };
    let now = api.time();
    if condition::set(&mut node, "Ready", status, reason, message, &now) {
        // A conflict makes the node change again, and with it this task due.
        let _ = api.update_status(&node);
    }
    None
}
