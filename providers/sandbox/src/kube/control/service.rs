//! Services: their load balancer address, and their listeners.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Context;
use super::api::{Api, CONTROLLER_MANAGER};
use crate::kube::net;
use crate::kube::net::route::gateway::GATEWAYS;
use crate::kube::object::{self, text};
use crate::kube::state::State;
use crate::kube::store::Key;

const COMPONENT: &str = "service-controller";
/// When to try again to listen on an address that is in use.
pub(super) const LISTEN_AGAIN: Duration = Duration::from_secs(1);

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let Some(service) = state.store.get("services", key).cloned() else {
        context.plane.close_service(key);
        return None;
    };
    let mut service = Value::clone(&service);
    balance(state, context, &mut service);
    let opened = context.plane.open_service(context.options, key, &service);
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    for problem in &opened.problems {
        api.event(&service, COMPONENT, "Warning", "SandboxPort", problem);
    }
    (!opened.complete).then_some(LISTEN_AGAIN)
}

/// The addresses in 127.97.0.0/16 that are given away.
pub(super) fn taken_addresses(state: &State) -> BTreeSet<String> {
    let of = |resource: &str, pointer: &'static str| -> Vec<String> {
        state.store.list(resource, None).map(|object| text(object, pointer).to_owned()).collect()
    };
    let all = [
        of("services", "/status/loadBalancer/ingress/0/ip"),
        of("ingresses.networking.k8s.io", "/status/loadBalancer/ingress/0/ip"),
        of(GATEWAYS, "/status/addresses/0/value"),
    ];
    all.into_iter().flatten().filter(|address| !address.is_empty()).collect()
}

/// Gives a load balancer its address, and takes it from what is none.
fn balance(state: &mut State, context: &Context<'_>, service: &mut Value) {
    let wanted =
        text(service, "/spec/type") == "LoadBalancer" && text(service, "/spec/loadBalancerClass").is_empty();
    let has = service.pointer("/status/loadBalancer/ingress/0/ip").is_some();
    if wanted == has {
        return;
    }
    let mut told = service.clone();
    if wanted {
        let taken = taken_addresses(state);
        let seed = format!("{}/{}/{}", state.identity(), object::namespace(service), object::name(service));
        let Some(address) = net::load_balancer_address(&seed, &taken) else { return };
        told["status"]["loadBalancer"] = json!({ "ingress": [{ "ip": address, "ipMode": "VIP" }] });
    } else {
        told["status"]["loadBalancer"] = json!({});
    }
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    // On a conflict the Service changes again, and with it this task is due.
    if let Ok(stored) = api.update_status(&told) {
        *service = Value::clone(&stored);
        let _: Arc<Value> = stored;
    }
}
