//! Where a request comes in, and which address leads where.

use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use super::route::{gateway, ingress};
use crate::kube::object::{integer, list, text};
use crate::kube::store::{Key, Store};

/// The place where a request comes in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entrance {
    /// A port of a pod.
    Pod { pod: Key, port: u16 },
    /// A port of a Service.
    Service { service: Key, port: u16, way: Way },
    /// The ingress controller of a class.
    Ingress { class: String },
    /// A port of a Gateway.
    Gateway { gateway: Key, port: u16 },
}

/// The way to a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// As from within the cluster, behind a sidecar: the mesh may route it.
    ClusterIp,
    NodePort,
    LoadBalancer,
}

/// The port of ingress controllers, and what they listen on where that is not allowed.
pub(crate) const INGRESS_PORTS: [u16; 2] = [80, 8080];

/// What a loopback address leads to, by the objects alone.
pub(crate) fn at(store: &Store, address: SocketAddr) -> Option<Entrance> {
    let (host, port) = (address.ip().to_string(), address.port());
    of_service(store, address.ip(), port)
        .or_else(|| of_pod(store, &host, port))
        .or_else(|| of_gateway(store, &host, port))
        .or_else(|| of_ingress(store, &host, port))
}

fn of_service(store: &Store, host: IpAddr, port: u16) -> Option<Entrance> {
    store.list("services", None).find_map(|service| {
        let entrances = service_addresses(service).into_iter();
        { entrances }
            .find(|(address, _)| *address == SocketAddr::new(host, port))
            .map(|(_, entrance)| entrance)
    })
}

fn of_pod(store: &Store, host: &str, port: u16) -> Option<Entrance> {
    let pod = store.list("pods", None).find(|pod| text(pod, "/status/podIP") == host)?;
    Some(Entrance::Pod { pod: Key::of(pod), port })
}

fn of_gateway(store: &Store, host: &str, port: u16) -> Option<Entrance> {
    let gateway = store
        .list(gateway::GATEWAYS, None)
        .find(|gateway| text(gateway, "/status/addresses/0/value") == host)?;
    Some(Entrance::Gateway { gateway: Key::of(gateway), port })
}

fn of_ingress(store: &Store, host: &str, port: u16) -> Option<Entrance> {
    let ingress = store
        .list("ingresses.networking.k8s.io", None)
        .find(|ingress| text(ingress, "/status/loadBalancer/ingress/0/ip") == host)?;
    INGRESS_PORTS.contains(&port).then(|| Entrance::Ingress { class: ingress::class(ingress).to_owned() })
}

/// The addresses that a Service answers on.
pub(crate) fn service_addresses(service: &Value) -> Vec<(SocketAddr, Entrance)> {
    let key = Key::of(service);
    let parse = |pointer: &str| text(service, pointer).parse::<IpAddr>().ok();
    let cluster = parse("/spec/clusterIP").map(|host| (host, Way::ClusterIp));
    let balancer = parse("/status/loadBalancer/ingress/0/ip").map(|host| (host, Way::LoadBalancer));
    let hosts: Vec<(IpAddr, Way)> = cluster.into_iter().chain(balancer).collect();
    let mut all = Vec::new();
    for port in list(service, "/spec/ports").iter().filter(|port| text(port, "/protocol") == "TCP") {
        let number = |pointer: &str| integer(port, pointer).and_then(|number| u16::try_from(number).ok());
        let Some(declared) = number("/port") else { continue };
        let entrance = |way| Entrance::Service { service: key.clone(), port: declared, way };
        all.extend(hosts.iter().map(|(host, way)| (SocketAddr::new(*host, declared), entrance(*way))));
        if let Some(node_port) = number("/nodePort") {
            let host = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
            all.push((SocketAddr::new(host, node_port), entrance(Way::NodePort)));
        }
    }
    all
}
