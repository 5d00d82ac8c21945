//! Gateway API: what Gateways and their classes and HTTPRoutes are told to be.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::api::Api;
use super::service::{LISTEN_AGAIN, taken_addresses};
use super::{Context, condition};
use crate::kube::net::route::gateway::{self, GATEWAYS, ROUTES};
use crate::kube::net::{self, Router};
use crate::kube::object::{child, integer, list, text};
use crate::kube::state::State;
use crate::kube::store::Key;

pub(super) const CLASSES: &str = "gatewayclasses.gateway.networking.k8s.io";
const MANAGER: &str = "gateway-controller";

/// Sets a condition as of the object's generation.
fn state_condition(object: &mut Value, kind: &str, holds: bool, reason: &str, now: &str) {
    let generation = integer(object, "/metadata/generation");
    condition::set(object, kind, if holds { "True" } else { "False" }, reason, "", now);
    let conditions = object.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    for own in conditions.into_iter().flatten().filter(|own| own["type"] == kind) {
        own["observedGeneration"] = json!(generation);
    }
}

/// A condition as of `generation`, which keeps the transition time that `known` has.
fn fresh_condition(
    known: &[Value],
    kind: &str,
    holds: bool,
    reason: &str,
    generation: &Value,
    now: &str,
) -> Value {
    let status = if holds { "True" } else { "False" };
    let since = known.iter().find(|own| own["type"] == kind && own["status"] == status);
    let since = since.map_or_else(|| json!(now), |own| own["lastTransitionTime"].clone());
    json!({
        "type": kind,
        "status": status,
        "reason": reason,
        "message": "",
        "observedGeneration": generation,
        "lastTransitionTime": since,
    })
}

fn write(api: &mut Api<'_>, told: &Value, known: &Value) {
    if told != known {
        // On a conflict the object changes again, and with it this task is due.
        let _ = api.update_status(told);
    }
}

/// Every class is the sandbox's.
pub(super) fn reconcile_class(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let class = Arc::clone(state.store.get(CLASSES, key)?);
    let mut api = Api::new(state, context.now, MANAGER);
    let mut told = Value::clone(&class);
    let now = api.time();
    state_condition(&mut told, "Accepted", true, "Accepted", &now);
    write(&mut api, &told, &class);
    None
}

/// Gives a Gateway its address, listens there, and tells its listeners' states.
pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let router = Router::Gateway(key.clone());
    let Some(found) = state.store.get(GATEWAYS, key).cloned() else {
        context.plane.close_router(&router);
        return None;
    };
    if state.get(CLASSES, "", text(&found, "/spec/gatewayClassName")).is_none() {
        context.plane.close_router(&router);
        return None;
    }
    let address = address_of(state, key, &found)?;
    let ports: BTreeSet<u16> = list(&found, "/spec/listeners").iter().filter_map(served_port).collect();
    let ports: Vec<u16> = ports.into_iter().collect();
    let opened = context.plane.open_router(context.options, &router, address, &ports);
    let listeners: Vec<Value> = list(&found, "/spec/listeners")
        .iter()
        .map(|listener| tell_listener(state, context, &found, listener))
        .collect();
    let mut api = Api::new(state, context.now, MANAGER);
    for problem in &opened.problems {
        api.event(&found, MANAGER, "Warning", "SandboxPort", problem);
    }
    let mut told = Value::clone(&found);
    let now = api.time();
    child(&mut told, "status")["addresses"] = json!([{ "type": "IPAddress", "value": address.to_string() }]);
    told["status"]["listeners"] = Value::Array(listeners);
    let valid = !ports.is_empty();
    state_condition(&mut told, "Accepted", valid, if valid { "Accepted" } else { "ListenersNotValid" }, &now);
    state_condition(&mut told, "Programmed", valid, if valid { "Programmed" } else { "Invalid" }, &now);
    write(&mut api, &told, &found);
    (!opened.complete).then_some(LISTEN_AGAIN)
}

fn address_of(state: &State, key: &Key, gateway: &Value) -> Option<Ipv4Addr> {
    let known = text(gateway, "/status/addresses/0/value").parse().ok();
    known.or_else(|| {
        let seed = format!("{}/gateway/{}/{}", state.identity(), key.namespace, key.name);
        net::load_balancer_address(&seed, &taken_addresses(state))
    })
}

/// The port of a listener that is served: plain HTTP.
fn served_port(listener: &Value) -> Option<u16> {
    let port = integer(listener, "/port").and_then(|port| u16::try_from(port).ok());
    port.filter(|_| text(listener, "/protocol") == "HTTP")
}

fn tell_listener(state: &State, context: &Context<'_>, gateway: &Value, listener: &Value) -> Value {
    let name = text(listener, "/name");
    let known = list(gateway, "/status/listeners").iter().find(|own| text(own, "/name") == name);
    let known = known.map(|own| list(own, "/conditions")).unwrap_or_default();
    let now = crate::kube::clock::rfc3339(context.now);
    let generation = &gateway["metadata"]["generation"];
    let served = served_port(listener).is_some();
    let set =
        |kind: &str, holds: bool, reason: &str| fresh_condition(known, kind, holds, reason, generation, &now);
    json!({
        "name": name,
        "supportedKinds": [{ "group": gateway::GROUP, "kind": "HTTPRoute" }],
        "attachedRoutes": attached_routes(state, gateway, name),
        "conditions": [
            set("Accepted", served, if served { "Accepted" } else { "UnsupportedProtocol" }),
            set("Programmed", served, if served { "Programmed" } else { "Invalid" }),
            set("ResolvedRefs", true, "ResolvedRefs"),
            set("Conflicted", false, "NoConflicts"),
        ],
    })
}

fn attached_routes(state: &State, gateway: &Value, listener: &str) -> usize {
    let own = Key::of(gateway);
    let is_attached = |route: &&Arc<Value>| {
        list(route, "/spec/parentRefs").iter().any(|reference| {
            gateway::parent(route, reference).as_ref() == Some(&own)
                && gateway::attached(&state.store, route, reference, gateway)
                    .is_ok_and(|listeners| listeners.iter().any(|own| text(own, "/name") == listener))
        })
    };
    state.store.list(ROUTES, None).filter(is_attached).count()
}

/// Tells an HTTPRoute whether its Gateways accept it, and whether its backends are there.
pub(super) fn reconcile_route(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let route = Arc::clone(state.store.get(ROUTES, key)?);
    let parents: Vec<Value> = list(&route, "/spec/parentRefs")
        .iter()
        .filter_map(|reference| tell_parent(state, context, &route, reference))
        .collect();
    let mut api = Api::new(state, context.now, MANAGER);
    let mut told = Value::clone(&route);
    child(&mut told, "status")["parents"] = Value::Array(parents);
    write(&mut api, &told, &route);
    None
}

/// The status for one parent; nothing if it is no Gateway of a class that is there.
fn tell_parent(state: &State, context: &Context<'_>, route: &Value, reference: &Value) -> Option<Value> {
    let key = gateway::parent(route, reference)?;
    let found = state.store.get(GATEWAYS, &key)?;
    let class = state.get(CLASSES, "", text(found, "/spec/gatewayClassName"))?;
    let known = list(route, "/status/parents").iter().find(|own| own["parentRef"] == *reference);
    let known = known.map(|own| list(own, "/conditions")).unwrap_or_default();
    let now = crate::kube::clock::rfc3339(context.now);
    let generation = &route["metadata"]["generation"];
    let refusal = gateway::attached(&state.store, route, reference, found).err();
    let broken = backend_references(route).find_map(|own| gateway::backend(&state.store, route, own).err());
    let accepted = refusal.map_or("Accepted", gateway::Refusal::reason);
    let resolved = broken.map_or("ResolvedRefs", gateway::Unresolved::reason);
    Some(json!({
        "parentRef": reference,
        "controllerName": class["spec"]["controllerName"],
        "conditions": [
            fresh_condition(known, "Accepted", refusal.is_none(), accepted, generation, &now),
            fresh_condition(known, "ResolvedRefs", broken.is_none(), resolved, generation, &now),
        ],
    }))
}

fn backend_references(route: &Value) -> impl Iterator<Item = &Value> {
    list(route, "/spec/rules").iter().flat_map(|rule| {
        let mirrors =
            list(rule, "/filters").iter().filter_map(|filter| filter.pointer("/requestMirror/backendRef"));
        list(rule, "/backendRefs").iter().chain(mirrors)
    })
}
