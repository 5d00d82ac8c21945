//! Istio's VirtualServices and DestinationRules: the first route that matches, its destinations by weight and subset.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::matching::{by_age, host_rank, meets};
use super::{Asked, Backend, Canned, Edits, Fault, Forward, HeaderEdits, Port, Share, Target, Verdict};
use crate::kube::duration;
use crate::kube::object::{self, integer, list, map, text};
use crate::kube::selector::map_matches;
use crate::kube::store::{Key, Store};

pub(crate) const VIRTUAL_SERVICES: &str = "virtualservices.networking.istio.io";
pub(crate) const DESTINATION_RULES: &str = "destinationrules.networking.istio.io";
pub(crate) const GATEWAYS: &str = "gateways.networking.istio.io";
const DOMAIN: &str = "svc.cluster.local";
/// The gateway that stands for all sidecars.
const MESH: &str = "mesh";
const NO_ROUTE: &str = "no route of the VirtualService matches\n";

/// The full name of a host that an object in `namespace` names.
pub(crate) fn full_name(host: &str, namespace: &str) -> String {
    if host.contains('.') || host == "*" { host.to_owned() } else { format!("{host}.{namespace}.{DOMAIN}") }
}

/// The Service that a host stands for, seen from `namespace`: `name`, `name.namespace`, or longer.
pub(crate) fn service_of(host: &str, namespace: &str) -> Key {
    let mut parts = host.splitn(3, '.');
    let name = parts.next().unwrap_or_default();
    Key::new(parts.next().unwrap_or(namespace), name)
}

fn is_same_service(host: &str, namespace: &str, service: &Key) -> bool {
    let full = format!("{}.{}.{DOMAIN}", service.name, service.namespace);
    let host = full_name(host, namespace);
    let short = [
        format!("{}.{}", service.name, service.namespace),
        format!("{}.{}.svc", service.name, service.namespace),
    ];
    host == full || short.contains(&host) || (host.starts_with('*') && host_rank(&host, &full).is_some())
}

/// How specifically a host is named.
type HostRank = (u8, usize);

/// Where a request is seen.
struct Place<'p> {
    /// `mesh`, or the Gateway as `namespace/name`.
    gateway: &'p str,
    port: u16,
}

/// Whether sidecars route requests to this Service by a VirtualService.
pub(crate) fn routes_mesh(store: &Store, service: &Key) -> bool {
    of_mesh(store, service).is_some()
}

/// The VirtualService that sidecars go by for a Service; of several, the oldest.
fn of_mesh<'s>(store: &'s Store, service: &Key) -> Option<&'s Arc<Value>> {
    let concerns = |found: &&Arc<Value>| {
        let gateways = list(found, "/spec/gateways");
        let hosts = list(found, "/spec/hosts").iter().filter_map(Value::as_str);
        (gateways.is_empty() || gateways.iter().any(|gateway| gateway == MESH))
            && !(list(found, "/spec/http").is_empty() && list(found, "/spec/tcp").is_empty())
            && { hosts }.any(|host| is_same_service(host, object::namespace(found), service))
    };
    store.list(VIRTUAL_SERVICES, None).filter(concerns).min_by(|left, right| by_age(left, right))
}

/// What becomes of a request from within the mesh to a port of a Service; nothing if no VirtualService says.
pub(crate) fn decide_in_mesh(asked: Asked<'_>, store: &Store, service: &Key, port: u16) -> Option<Verdict> {
    let found = of_mesh(store, service)?;
    Some(decide(asked, store, found, &Place { gateway: MESH, port }))
}

/// The Gateways that a pod serves, each with its servers of these ports.
pub(crate) fn gateways_of<'s>(store: &'s Store, pod: &Value) -> Vec<&'s Arc<Value>> {
    let labels = map(pod, "/metadata/labels");
    let serves = |gateway: &&Arc<Value>| {
        let selector = map(gateway, "/spec/selector");
        !selector.is_empty() && map_matches(selector, labels)
    };
    store.list(GATEWAYS, None).filter(serves).collect()
}

/// What becomes of a request to a gateway's pod on any of `ports` (the pod's, and those of Services before it); nothing
/// if the pod is no gateway there.
pub(crate) fn decide_at_gateway(
    asked: Asked<'_>,
    store: &Store,
    pod: &Value,
    ports: &[u16],
) -> Option<Verdict> {
    let host = asked.host();
    let mut is_gateway = false;
    let mut best: Option<(HostRank, &Arc<Value>, String, u16)> = None;
    for gateway in gateways_of(store, pod) {
        let servers = list(gateway, "/spec/servers").iter().filter_map(|server| {
            let port = u16::try_from(integer(server, "/port/number")?).ok()?;
            ports.contains(&port).then_some((server, port))
        });
        for (server, port) in servers {
            is_gateway = true;
            let hosts = list(server, "/hosts").iter().filter_map(Value::as_str);
            let admitted =
                { hosts }.any(|own| host_rank(own.rsplit('/').next().unwrap_or(own), &host).is_some());
            let name = format!("{}/{}", object::namespace(gateway), object::name(gateway));
            let Some((rank, found)) = bound(store, &name, &host).filter(|_| admitted) else { continue };
            if best.as_ref().is_none_or(|(known, ..)| rank > *known) {
                best = Some((rank, found, name, port));
            }
        }
    }
    match best {
        Some((_, found, gateway, port)) => {
            Some(decide(asked, store, found, &Place { gateway: &gateway, port }))
        }
        None => is_gateway.then(|| Verdict::answer(404, "")),
    }
}

/// The VirtualService that is bound to a Gateway and names the host most specifically; of several, the oldest.
fn bound<'s>(store: &'s Store, gateway: &str, host: &str) -> Option<(HostRank, &'s Arc<Value>)> {
    let mut all: Vec<&Arc<Value>> = store.list(VIRTUAL_SERVICES, None).collect();
    all.sort_by(|left, right| by_age(right, left));
    let ranked = all.into_iter().filter_map(|found| {
        let namespace = object::namespace(found);
        let names = list(found, "/spec/gateways").iter().filter_map(Value::as_str);
        let is_bound = { names }.any(|name| is_gateway(name, namespace, gateway));
        let hosts = list(found, "/spec/hosts").iter().filter_map(Value::as_str);
        let rank = hosts.filter_map(|own| host_rank(&full_name(own, namespace), host)).max()?;
        is_bound.then_some((rank, found))
    });
    // The last of those that are equal, which is the oldest.
    ranked.max_by_key(|(rank, _)| *rank)
}

fn is_gateway(name: &str, namespace: &str, gateway: &str) -> bool {
    name == gateway || (!name.contains('/') && name != MESH && format!("{namespace}/{name}") == gateway)
}

fn decide(asked: Asked<'_>, store: &Store, found: &Value, place: &Place<'_>) -> Verdict {
    let routes = list(found, "/spec/http").iter().enumerate();
    let mut matching =
        routes.filter_map(|(index, route)| Some((index, route, matched(asked, found, route, place)?)));
    match matching.next() {
        Some((index, route, condition)) => Route { store, found, index, route, condition }.verdict(asked),
        None if list(found, "/spec/http").is_empty() => match list(found, "/spec/tcp").first() {
            Some(route) => Route { store, found, index: 0, route, condition: &Value::Null }.verdict(asked),
            None => Verdict::answer(404, NO_ROUTE),
        },
        None => Verdict::answer(404, NO_ROUTE),
    }
}

/// The condition of a route that holds; `Null` for a route without any.
fn matched<'r>(asked: Asked<'_>, found: &Value, route: &'r Value, place: &Place<'_>) -> Option<&'r Value> {
    let conditions = list(route, "/match");
    if conditions.is_empty() {
        return Some(&Value::Null);
    }
    conditions.iter().find(|condition| holds(asked, object::namespace(found), condition, place))
}

fn holds(asked: Asked<'_>, namespace: &str, condition: &Value, place: &Place<'_>) -> bool {
    let one = |name: &str, found: Option<&str>| condition.get(name).is_none_or(|wanted| meets(wanted, found));
    let path = asked.path();
    let folded = condition.get("ignoreUriCase").is_some_and(|value| value == true);
    let uri = match folded {
        true => condition.get("uri").is_none_or(|wanted| meets(&lowered(wanted), Some(&path.to_lowercase()))),
        false => one("uri", Some(path)),
    };
    let gateways = list(condition, "/gateways");
    let here = gateways.is_empty()
        || gateways
            .iter()
            .filter_map(Value::as_str)
            .any(|name| name == place.gateway || is_gateway(name, namespace, place.gateway));
    uri && here
        && one("scheme", Some("http"))
        && one("method", Some(asked.method()))
        && one("authority", Some(&asked.host()))
        && integer(condition, "/port").is_none_or(|port| port == i64::from(place.port))
        // Who asks is not known: no sidecar stands before the caller.
        && map(condition, "/sourceLabels").is_empty()
        && text(condition, "/sourceNamespace").is_empty()
        && map(condition, "/headers").iter().all(|(name, wanted)| meets(wanted, asked.header(name)))
        && !map(condition, "/withoutHeaders").iter().any(|(name, wanted)| meets(wanted, asked.header(name)))
        && map(condition, "/queryParams").iter().all(|(name, wanted)| meets(wanted, asked.query(name)))
}

fn lowered(wanted: &Value) -> Value {
    let lower = |value: &Value| Value::String(value.as_str().unwrap_or_default().to_lowercase());
    map(wanted, "").iter().map(|(kind, value)| (kind.clone(), lower(value))).collect()
}

struct Route<'o> {
    store: &'o Store,
    found: &'o Value,
    index: usize,
    route: &'o Value,
    condition: &'o Value,
}

impl Route<'_> {
    fn verdict(&self, asked: Asked<'_>) -> Verdict {
        if let Some(redirect) = self.route.get("redirect") {
            return redirected(asked, redirect);
        }
        if let Some(direct) = self.route.get("directResponse") {
            let status =
                integer(direct, "/status").and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
            return Verdict::answer(status, text(direct, "/body/string"));
        }
        let destinations = list(self.route, "/route");
        let single = destinations.len() == 1;
        let shares = destinations.iter().map(|destination| self.share(destination, single)).collect();
        Verdict::Forward(Box::new(Forward {
            rule: self.name(),
            shares,
            edits: self.edits(asked),
            mirrors: self.mirrors(),
            fault: fault(&self.route["fault"]),
            timeout: duration::parse(text(self.route, "/timeout")).filter(|limit| !limit.is_zero()),
            required: None,
        }))
    }

    fn name(&self) -> String {
        format!(
            "virtualservice/{}/{}/{}",
            object::namespace(self.found),
            object::name(self.found),
            self.index
        )
    }

    fn share(&self, destination: &Value, single: bool) -> Share {
        let weight = integer(destination, "/weight").map_or(0, |weight| u32::try_from(weight).unwrap_or(0));
        let edits = Edits {
            request: HeaderEdits::of_maps(&destination["headers"]["request"]),
            response: HeaderEdits::of_maps(&destination["headers"]["response"]),
            ..Edits::default()
        };
        let target = match self.backend(&destination["destination"]) {
            Some(backend) => Target::Backend(backend),
            None => Target::Broken(503),
        };
        Share { weight: if single { 1 } else { weight }, target, edits }
    }

    /// The backend of a destination; nothing if it names a subset that no DestinationRule has.
    fn backend(&self, destination: &Value) -> Option<Backend> {
        let namespace = object::namespace(self.found);
        let service = service_of(text(destination, "/host"), namespace);
        let port = integer(destination, "/port/number").and_then(|port| u16::try_from(port).ok());
        let labels = match text(destination, "/subset") {
            "" => Map::new(),
            subset => subset_labels(self.store, &service, subset)?,
        };
        Some(Backend {
            namespace: service.namespace,
            service: service.name,
            port: port.map_or(Port::Only, Port::Number),
            labels,
        })
    }

    fn edits(&self, asked: Asked<'_>) -> Edits {
        let rewrite = &self.route["rewrite"];
        let path = rewrite.get("uri").and_then(Value::as_str).map(|uri| {
            let prefix = text(self.condition, "/uri/prefix");
            let rest = asked.path().strip_prefix(prefix).filter(|_| !prefix.is_empty()).unwrap_or_default();
            format!("{uri}{rest}{}", asked.query_text())
        });
        Edits {
            host: rewrite.get("authority").and_then(Value::as_str).map(str::to_owned),
            path,
            request: HeaderEdits::of_maps(&self.route["headers"]["request"]),
            response: HeaderEdits::of_maps(&self.route["headers"]["response"]),
        }
    }

    fn mirrors(&self) -> Vec<(Backend, f64)> {
        let mut all = Vec::new();
        if let Some(backend) = self.route.get("mirror").and_then(|mirror| self.backend(mirror)) {
            let percent = self.route.get("mirrorPercentage").map(|own| number(own, "value").unwrap_or(0.0));
            all.push((backend, percent.unwrap_or(100.0)));
        }
        for mirror in list(self.route, "/mirrors") {
            let percent = mirror.get("percentage").map(|own| number(own, "value").unwrap_or(0.0));
            all.extend(
                self.backend(&mirror["destination"]).map(|backend| (backend, percent.unwrap_or(100.0))),
            );
        }
        all
    }
}

/// The labels of a Service's subset, in whichever DestinationRule has it.
pub(crate) fn subset_labels(store: &Store, service: &Key, name: &str) -> Option<Map<String, Value>> {
    store
        .list(DESTINATION_RULES, None)
        .filter(|rule| is_same_service(text(rule, "/spec/host"), object::namespace(rule), service))
        .flat_map(|rule| list(rule, "/spec/subsets"))
        .find(|subset| text(subset, "/name") == name)
        .map(|subset| map(subset, "/labels").clone())
}

fn number(value: &Value, field: &str) -> Option<f64> {
    value.get(field).and_then(Value::as_f64)
}

fn fault(fault: &Value) -> Fault {
    let percent = |what: &Value| match what.get("percentage") {
        Some(percentage) => number(percentage, "value").unwrap_or(0.0),
        None => number(what, "percent").unwrap_or(100.0),
    };
    let delay = fault
        .get("delay")
        .and_then(|delay| Some((percent(delay), duration::parse(text(delay, "/fixedDelay"))?)));
    let abort = fault
        .get("abort")
        .and_then(|abort| Some((percent(abort), u16::try_from(integer(abort, "/httpStatus")?).ok()?)));
    Fault { delay, abort }
}

fn redirected(asked: Asked<'_>, redirect: &Value) -> Verdict {
    let field = |name: &str| redirect.get(name).and_then(Value::as_str).map(str::to_owned);
    let scheme = field("scheme").unwrap_or_else(|| "http".to_owned());
    let host = field("authority").unwrap_or_else(|| asked.host());
    let path = field("uri").unwrap_or_else(|| asked.path().to_owned());
    let port = integer(redirect, "/port").map(|port| format!(":{port}")).unwrap_or_default();
    let status = integer(redirect, "/redirectCode").and_then(|status| u16::try_from(status).ok());
    Verdict::Answer(Canned {
        status: status.unwrap_or(301),
        location: Some(format!("{scheme}://{host}{port}{path}{}", asked.query_text())),
        body: String::new(),
    })
}

#[cfg(test)]
mod tests;
