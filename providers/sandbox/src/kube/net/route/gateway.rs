//! Gateway API: which listeners a route is attached to, and which backends it may use.

use serde_json::Value;

use super::matching::hosts_meet;
use super::{Backend, Port};
use crate::kube::object::{self, integer, list, map, text};
use crate::kube::selector::label_selector_matches;
use crate::kube::store::{Key, Store};

pub(crate) const GROUP: &str = "gateway.networking.k8s.io";
pub(crate) const GATEWAYS: &str = "gateways.gateway.networking.k8s.io";
pub(crate) const ROUTES: &str = "httproutes.gateway.networking.k8s.io";
pub(crate) const GRANTS: &str = "referencegrants.gateway.networking.k8s.io";

/// Why a route is not attached: the reasons of its `Accepted` condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoMatchingParent,
    NotAllowedByListeners,
    NoMatchingListenerHostname,
}

impl Refusal {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::NoMatchingParent => "NoMatchingParent",
            Self::NotAllowedByListeners => "NotAllowedByListeners",
            Self::NoMatchingListenerHostname => "NoMatchingListenerHostname",
        }
    }
}

/// Why a backend may not be used: the reasons of a route's `ResolvedRefs` condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unresolved {
    InvalidKind,
    RefNotPermitted,
    BackendNotFound,
}

impl Unresolved {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::InvalidKind => "InvalidKind",
            Self::RefNotPermitted => "RefNotPermitted",
            Self::BackendNotFound => "BackendNotFound",
        }
    }
}

/// The Gateway that a route's parent reference names, if it names one.
pub(crate) fn parent(route: &Value, reference: &Value) -> Option<Key> {
    let group = reference.get("group").and_then(Value::as_str).unwrap_or(GROUP);
    let kind = reference.get("kind").and_then(Value::as_str).unwrap_or("Gateway");
    let namespace = reference.get("namespace").and_then(Value::as_str);
    let namespace = namespace.unwrap_or_else(|| object::namespace(route));
    (group == GROUP && kind == "Gateway").then(|| Key::new(namespace, text(reference, "/name")))
}

/// The listeners of `gateway` that a route is attached to by `reference`.
pub(crate) fn attached<'g>(
    store: &Store,
    route: &Value,
    reference: &Value,
    gateway: &'g Value,
) -> Result<Vec<&'g Value>, Refusal> {
    let named = list(gateway, "/spec/listeners").iter().filter(|listener| {
        let section = text(reference, "/sectionName");
        let port = integer(reference, "/port");
        (section.is_empty() || section == text(listener, "/name"))
            && (port.is_none() || port == integer(listener, "/port"))
    });
    let named: Vec<&Value> = named.collect();
    if named.is_empty() {
        return Err(Refusal::NoMatchingParent);
    }
    let allowing: Vec<&Value> =
        named.into_iter().filter(|listener| allows(store, gateway, listener, route)).collect();
    if allowing.is_empty() {
        return Err(Refusal::NotAllowedByListeners);
    }
    let meeting: Vec<&Value> = allowing.into_iter().filter(|listener| meets(listener, route)).collect();
    if meeting.is_empty() { Err(Refusal::NoMatchingListenerHostname) } else { Ok(meeting) }
}

fn allows(store: &Store, gateway: &Value, listener: &Value, route: &Value) -> bool {
    if !matches!(text(listener, "/protocol"), "HTTP" | "HTTPS") {
        return false;
    }
    let kinds = list(listener, "/allowedRoutes/kinds");
    if !kinds.is_empty() && !kinds.iter().any(|kind| text(kind, "/kind") == text(route, "/kind")) {
        return false;
    }
    let namespace = object::namespace(route);
    match text(listener, "/allowedRoutes/namespaces/from") {
        "All" => true,
        "None" => false,
        "Selector" => store.get("namespaces", &Key::new("", namespace)).is_some_and(|found| {
            let selector = &listener["allowedRoutes"]["namespaces"]["selector"];
            label_selector_matches(selector, map(found, "/metadata/labels"))
        }),
        _ => namespace == object::namespace(gateway),
    }
}

fn meets(listener: &Value, route: &Value) -> bool {
    let hostnames = list(route, "/spec/hostnames");
    let own = text(listener, "/hostname");
    hostnames.is_empty() || hostnames.iter().any(|name| hosts_meet(own, name.as_str().unwrap_or_default()))
}

/// The backend that a reference of a route names.
pub(crate) fn backend(store: &Store, route: &Value, reference: &Value) -> Result<Backend, Unresolved> {
    let group = text(reference, "/group");
    let kind = reference.get("kind").and_then(Value::as_str).unwrap_or("Service");
    if !group.is_empty() || kind != "Service" {
        return Err(Unresolved::InvalidKind);
    }
    let own = object::namespace(route);
    let namespace = reference.get("namespace").and_then(Value::as_str).unwrap_or(own);
    let name = text(reference, "/name");
    if namespace != own && !is_granted(store, route, namespace, name) {
        return Err(Unresolved::RefNotPermitted);
    }
    let service = store.get("services", &Key::new(namespace, name)).ok_or(Unresolved::BackendNotFound)?;
    let port = integer(reference, "/port").and_then(|port| u16::try_from(port).ok());
    let has =
        |port: u16| list(service, "/spec/ports").iter().any(|own| integer(own, "/port") == Some(port.into()));
    match port {
        Some(port) if !has(port) => Err(Unresolved::BackendNotFound),
        port => Ok(Backend {
            namespace: namespace.to_owned(),
            service: name.to_owned(),
            port: port.map_or(Port::Only, Port::Number),
            ..Backend::default()
        }),
    }
}

/// Whether a ReferenceGrant in the Service's namespace lets the route refer to it.
fn is_granted(store: &Store, route: &Value, namespace: &str, service: &str) -> bool {
    store.list(GRANTS, Some(namespace)).any(|grant| {
        let from = list(grant, "/spec/from").iter().any(|from| {
            text(from, "/group") == GROUP
                && text(from, "/kind") == text(route, "/kind")
                && text(from, "/namespace") == object::namespace(route)
        });
        let to = list(grant, "/spec/to").iter().any(|to| {
            text(to, "/group").is_empty()
                && text(to, "/kind") == "Service"
                && matches!(text(to, "/name"), name if name.is_empty() || name == service)
        });
        from && to
    })
}
