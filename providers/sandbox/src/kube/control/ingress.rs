//! Ingresses: the address of their class's controller.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Context;
use super::api::Api;
use super::service::{LISTEN_AGAIN, taken_addresses};
use crate::kube::net::route::ingress::class;
use crate::kube::net::{self, INGRESS_PORTS, Router};
use crate::kube::object::{self, text};
use crate::kube::state::State;
use crate::kube::store::Key;

const INGRESSES: &str = "ingresses.networking.k8s.io";
const ADDRESS: &str = "/status/loadBalancer/ingress/0/ip";
const MANAGER: &str = "ingress-controller";

/// Gives an Ingress the address of its class.
pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let ingress = Arc::clone(state.store.get(INGRESSES, key)?);
    let class = class(&ingress).to_owned();
    let address = address_of(state, &class)?;
    let router = Router::Ingress(class);
    let [port, moved] = INGRESS_PORTS;
    let opened = context.plane.open_router(context.options, &router, address, &[port]);
    let mut entry = json!({ "ip": address.to_string() });
    if context.plane.ports_of(&router).contains(&moved) {
        entry["ports"] = json!([{ "port": moved, "protocol": "TCP" }]);
    }
    let mut told = Value::clone(&ingress);
    object::set(&mut told, &["status", "loadBalancer", "ingress"], json!([entry]));
    let mut api = Api::new(state, context.now, MANAGER);
    for problem in &opened.problems {
        api.event(&ingress, MANAGER, "Warning", "SandboxPort", problem);
    }
    if told != *ingress {
        // On a conflict the Ingress changes again, and with it this task is due.
        let _ = api.update_status(&told);
    }
    (!opened.complete).then_some(LISTEN_AGAIN)
}

/// Closes the controller of a class that no Ingress names any more.
pub(super) fn close_unused(state: &State, context: &Context<'_>, class_name: &str) {
    if !state.store.list(INGRESSES, None).any(|ingress| class(ingress) == class_name) {
        context.plane.close_router(&Router::Ingress(class_name.to_owned()));
    }
}

/// The address of a class's controller: the one that it has, or a new one.
fn address_of(state: &State, class_name: &str) -> Option<Ipv4Addr> {
    let of_class = state.store.list(INGRESSES, None).filter(|ingress| class(ingress) == class_name);
    let known = { of_class }.find_map(|ingress| text(ingress, ADDRESS).parse().ok());
    known.or_else(|| {
        let seed = format!("{}/ingress/{class_name}", state.identity());
        net::load_balancer_address(&seed, &taken_addresses(state))
    })
}
