//! Carries a request from where it comes in to the pod that answers it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::Body;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::endpoints::{self, Endpoint};
use super::entrance::{Entrance, Way};
use super::istiod::Inquiry;
use super::route::ingress::{self, Flavour};
use super::route::{
    Asked, Backend, Canned, Edits, Forward, HeaderEdits, Port, Target, Verdict, http_route, virtual_service,
};
use super::{abroad, address, controller, istiod, page, pod};
use crate::kube::object::{self, integer, list, text};
use crate::kube::state::State;
use crate::kube::store::Key;
use crate::kube::world::World;

/// Through how many routers a request may go: more are a loop.
const HOPS_MAX: usize = 8;

/// What comes next for a request.
enum Step {
    /// It's answered, after a while.
    Say { response: Response<Body>, after: Duration },
    /// It goes on.
    Go(Box<Leg>),
    /// Istiod answers it, after it has asked other clusters.
    Ask(Box<Inquiry>),
}

/// The way to the next place.
struct Leg {
    next: Next,
    edits: Vec<Edits>,
    delay: Duration,
    timeout: Option<Duration>,
    mirrors: Vec<Entrance>,
}

enum Next {
    Entrance(Entrance),
    /// An endpoint that is no pod.
    Abroad(SocketAddr),
}

fn say(status: u16, body: &str) -> Step {
    Step::Say { response: text_response(status, body), after: Duration::ZERO }
}

fn text_response(status: u16, body: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The answer to a request that comes in at `entrance` from `peer`.
pub(crate) async fn answer(
    world: &Weak<World>,
    entrance: Entrance,
    peer: IpAddr,
    request: Request<Body>,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let mut entrance = entrance;
    let mut changes: Vec<HeaderEdits> = Vec::new();
    let mut deadline: Option<Instant> = None;
    let late = || text_response(504, "upstream request timeout\n");
    for _ in 0..HOPS_MAX {
        let Some(step) = world.upgrade().map(|world| step(&world, &entrance, &parts, peer)) else { break };
        match step {
            Step::Say { mut response, after } => {
                if !wait(after, deadline).await {
                    response = late();
                }
                changes.iter().for_each(|change| change.apply(response.headers_mut()));
                return response;
            }
            Step::Ask(inquiry) => return inquiry.answer().await,
            Step::Go(leg) => {
                if !wait(leg.delay, deadline).await {
                    return late();
                }
                let limit = leg.timeout.map(|limit| Instant::now() + limit);
                deadline = deadline.into_iter().chain(limit).min();
                for edits in leg.edits {
                    edits.apply(&mut parts);
                    // What is nearer to the backend changes the answer first.
                    changes.insert(0, edits.response);
                }
                mirror(world, leg.mirrors, &parts, peer);
                entrance = match leg.next {
                    Next::Entrance(next) => next,
                    Next::Abroad(address) => return abroad::ask(address, parts, body).await,
                };
            }
        }
    }
    text_response(508, "the request goes round in circles\n")
}

/// Waits; false if the deadline came first.
async fn wait(time: Duration, deadline: Option<Instant>) -> bool {
    if time.is_zero() {
        return true;
    }
    match deadline {
        Some(deadline) if deadline < Instant::now() + time => {
            sleep_until(deadline).await;
            false
        }
        _ => {
            sleep(time).await;
            true
        }
    }
}

/// Sends copies, whose answers nobody waits for.
fn mirror(world: &Weak<World>, mirrors: Vec<Entrance>, parts: &Parts, peer: IpAddr) {
    for entrance in mirrors {
        let (world, copy) = (world.clone(), Request::from_parts(parts.clone(), Body::empty()));
        drop(tokio::spawn(async move { drop(Box::pin(answer(&world, entrance, peer, copy)).await) }));
    }
}

fn step(world: &Arc<World>, entrance: &Entrance, parts: &Parts, peer: IpAddr) -> Step {
    let state = world.lock();
    let turn = Turn { world, state: &state, parts, asked: Asked::of(parts), peer };
    match entrance {
        Entrance::Pod { pod, port } => turn.at_pod(pod, *port),
        Entrance::Service { service, port, way } => turn.at_service(service, *port, *way),
        Entrance::Ingress { class } => turn.at_ingress(class),
        Entrance::Gateway { gateway, port } => turn.at_gateway(gateway, *port),
    }
}

/// The endpoint whose turn it is at a Service's port.
pub(super) fn endpoint_of(
    world: &World,
    service: &Key,
    port: u16,
    way: Way,
    peer: IpAddr,
) -> Option<Endpoint> {
    let state = world.lock();
    choose(world, &state, &backend_of(service, port), way, peer)
}

fn backend_of(service: &Key, port: u16) -> Backend {
    Backend {
        namespace: service.namespace.clone(),
        service: service.name.clone(),
        port: Port::Number(port),
        ..Backend::default()
    }
}

fn choose(world: &World, state: &State, backend: &Backend, way: Way, peer: IpAddr) -> Option<Endpoint> {
    let service = state.get("services", &backend.namespace, &backend.service)?;
    let mut found = endpoints::on_way(&state.store, service, way, endpoints::of(&state.store, backend));
    if found.is_empty() {
        return None;
    }
    if text(service, "/spec/sessionAffinity") == "ClientIP" {
        let at = address::hash(&peer.to_string()) as usize % found.len();
        return Some(found.swap_remove(at));
    }
    let rule = format!(
        "endpoints/{}/{}/{:?}/{:?}",
        backend.namespace, backend.service, backend.port, backend.labels
    );
    let at = world.balancer().pick(&rule, &vec![1; found.len()])?;
    (at < found.len()).then(|| found.swap_remove(at))
}

/// One look at a request, under the world's lock.
struct Turn<'t> {
    world: &'t World,
    state: &'t State,
    parts: &'t Parts,
    asked: Asked<'t>,
    peer: IpAddr,
}

impl Turn<'_> {
    fn at_pod(&self, key: &Key, port: u16) -> Step {
        let store = &self.state.store;
        let Some(found) = store.get("pods", key).filter(|found| pod::is_up(store, found)) else {
            return say(503, "the pod is not there\n");
        };
        if !pod::listens(store, found, port) {
            return say(503, "the pod does not listen on this port\n");
        }
        self.world.tally().count(object::uid(found));
        let ports = self.ports_before(found, port);
        if let Some(verdict) = virtual_service::decide_at_gateway(self.asked, store, found, &ports) {
            return self.follow(verdict);
        }
        if let Some(class) = controller::class_served(found, port) {
            return self
                .by_ingresses(Flavour::Nginx, |own| class.is_empty() || own.is_empty() || own == class);
        }
        match istiod::inquiry(store, found, port, self.asked.path()) {
            Some(inquiry) => Step::Ask(Box::new(inquiry)),
            None => self.page(found, port),
        }
    }

    /// What the pod itself answers.
    fn page(&self, found: &Arc<Value>, port: u16) -> Step {
        let Some(container) = pod::container_at(found, port) else {
            return say(503, "the pod has no container\n");
        };
        let injected = pod::Injected::of(found, container);
        let after = injected.latency;
        if self.world.balancer().hits(&format!("errors/{}", object::uid(found)), injected.error_percent) {
            return Step::Say {
                response: text_response(injected.error_status, "an injected error\n"),
                after,
            };
        }
        let response = match injected.answer {
            Some(answer) => text_response(200, &answer),
            None => page::answer(
                self.state,
                found,
                container,
                self.parts,
                self.world.tally().of(object::uid(found)),
            ),
        };
        Step::Say { response, after }
    }

    /// A pod's port, and the ports of the Services that lead to it.
    fn ports_before(&self, found: &Value, port: u16) -> Vec<u16> {
        let services = self.state.store.list("services", Some(object::namespace(found)));
        let selecting = services.filter(|service| {
            let selector = object::map(service, "/spec/selector");
            let labels = object::map(found, "/metadata/labels");
            !selector.is_empty() && crate::kube::selector::map_matches(selector, labels)
        });
        let leading = selecting.flat_map(|service| list(service, "/spec/ports")).filter(|own| {
            let target = integer(own, "/targetPort").or_else(|| integer(own, "/port"));
            target == Some(i64::from(port)) || own["targetPort"].is_string()
        });
        let numbers = leading.filter_map(|own| u16::try_from(integer(own, "/port")?).ok());
        std::iter::once(port).chain(numbers).collect()
    }

    fn at_service(&self, service: &Key, port: u16, way: Way) -> Step {
        if way == Way::ClusterIp
            && let Some(verdict) =
                virtual_service::decide_in_mesh(self.asked, &self.state.store, service, port)
        {
            return self.follow(verdict);
        }
        match choose(self.world, self.state, &backend_of(service, port), way, self.peer) {
            Some(endpoint) => Step::Go(Box::new(Leg::to(endpoint))),
            None => say(503, "the Service has no ready pod\n"),
        }
    }

    fn at_ingress(&self, class: &str) -> Step {
        let controller = self.state.get("ingressclasses.networking.k8s.io", "", class);
        let controller = controller.map(|found| text(found, "/spec/controller")).unwrap_or_default();
        self.by_ingresses(Flavour::of_class(class, controller), |own| own == class)
    }

    fn by_ingresses(&self, flavour: Flavour, serves: impl Fn(&str) -> bool) -> Step {
        let all = self.state.store.list("ingresses.networking.k8s.io", None);
        let served: Vec<&Value> = all.map(|own| &**own).filter(|own| serves(ingress::class(own))).collect();
        self.follow(ingress::decide(self.asked, &served, flavour))
    }

    fn at_gateway(&self, gateway: &Key, port: u16) -> Step {
        match self.state.store.get(super::route::gateway::GATEWAYS, gateway) {
            Some(found) => self.follow(http_route::decide(self.asked, &self.state.store, found, port)),
            None => say(404, "the Gateway is gone\n"),
        }
    }

    fn follow(&self, verdict: Verdict) -> Step {
        match verdict {
            Verdict::Answer(canned) => {
                Step::Say { response: canned_response(&canned), after: Duration::ZERO }
            }
            Verdict::Forward(forward) => self.forward(*forward),
        }
    }

    fn forward(&self, forward: Forward) -> Step {
        let hits = |what: &str, percent: f64| {
            self.world.balancer().hits(&format!("{what}/{}", forward.rule), percent)
        };
        let delay =
            forward.fault.delay.filter(|(percent, _)| hits("delay", *percent)).map(|(_, delay)| delay);
        let delay = delay.unwrap_or_default();
        if let Some((_, status)) = forward.fault.abort.filter(|(percent, _)| hits("abort", *percent)) {
            return Step::Say { response: text_response(status, "fault filter abort"), after: delay };
        }
        let store = &self.state.store;
        if forward.required.as_ref().is_some_and(|required| endpoints::of(store, required).is_empty()) {
            return say(503, "the stable Service has no ready pod\n");
        }
        let weights: Vec<u32> = forward.shares.iter().map(|share| share.weight).collect();
        let chosen =
            self.world.balancer().pick(&forward.rule, &weights).and_then(|at| forward.shares.get(at));
        let backend = match chosen.map(|share| (&share.target, share)) {
            None => return say(503, "no backend has a weight\n"),
            Some((Target::Broken(status), _)) => return say(*status, "the backend may not be used\n"),
            Some((Target::Backend(backend), share)) => (backend, share),
        };
        let (backend, share) = backend;
        let Some(endpoint) = choose(self.world, self.state, backend, Way::ClusterIp, self.peer) else {
            return say(503, "no healthy upstream\n");
        };
        let mirrored =
            forward.mirrors.iter().enumerate().filter(|(at, own)| hits(&format!("mirror{at}"), own.1));
        let mirrors = mirrored.filter_map(|(_, (own, _))| {
            let endpoint = choose(self.world, self.state, own, Way::ClusterIp, self.peer)?;
            Some(Entrance::Pod { pod: endpoint.pod?, port: endpoint.address.port() })
        });
        let mirrors = mirrors.collect();
        let edits = vec![forward.edits.clone(), share.edits.clone()];
        Step::Go(Box::new(Leg { edits, delay, timeout: forward.timeout, mirrors, ..Leg::to(endpoint) }))
    }
}

impl Leg {
    fn to(endpoint: Endpoint) -> Self {
        let next = match endpoint.pod {
            Some(pod) => Next::Entrance(Entrance::Pod { pod, port: endpoint.address.port() }),
            None => Next::Abroad(endpoint.address),
        };
        Self { next, edits: Vec::new(), delay: Duration::ZERO, timeout: None, mirrors: Vec::new() }
    }
}

fn canned_response(canned: &Canned) -> Response<Body> {
    let mut response = text_response(canned.status, &canned.body);
    if let Some(location) = canned.location.as_ref().and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
