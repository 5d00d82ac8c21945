//! `route "ROUTER" { }`

use super::reader::{At, Findings};
use crate::router::{
    AckIngress, AckIngressLegacy, AlbIngress, ClbVgroup, GatewayApi, IngressNginx, Istio, Replicas, Router,
};

const ROUTERS: &[&str] = &[
    "replicas",
    "clb_vgroup",
    "ingress_nginx",
    "ack_ingress",
    "ack_ingress_legacy",
    "alb_ingress",
    "gateway_api",
    "istio",
];

/// The router that the block names, with its settings.
pub(super) fn router(block: &At<'_>, findings: &mut Findings) -> Option<Box<dyn Router>> {
    let label = block.get("router");
    let name = label.text(findings)?;
    match name.as_str() {
        "replicas" => {
            let [service] = texts(block, &name, ["service"], &[], findings);
            Some(Box::new(Replicas { service: service? }))
        }
        "istio" => {
            let [virtual_service, host] = texts(block, &name, ["virtual_service", "service"], &[], findings);
            Some(Box::new(Istio { virtual_service: virtual_service?, host: host? }))
        }
        "clb_vgroup" => {
            let [load_balancer, group] = texts(block, &name, ["load_balancer", "vgroup"], PORTS, findings);
            let (port, target_port) = ports(block, findings);
            Some(Box::new(ClbVgroup { load_balancer: load_balancer?, group: group?, port, target_port }))
        }
        "gateway_api" => {
            let [route, service] = texts(block, &name, ["http_route", "service"], PORTS, findings);
            let (port, target_port) = ports(block, findings);
            Some(Box::new(GatewayApi { route: route?, service: service?, port, target_port }))
        }
        name if ROUTERS.contains(&name) => of_ingress(name, block, findings),
        unknown => {
            let detail = format!("{unknown:?} is none of {}.", ROUTERS.join(", "));
            findings.error("An unknown router", detail, &label);
            None
        }
    }
}

fn of_ingress(name: &str, block: &At<'_>, findings: &mut Findings) -> Option<Box<dyn Router>> {
    let [ingress, service] = texts(block, name, ["ingress", "service"], PORTS, findings);
    let (port, target_port) = ports(block, findings);
    let (ingress, service) = (ingress?, service?);
    Some(match name {
        "ack_ingress" => Box::new(AckIngress { ingress, service, port, target_port }),
        "ack_ingress_legacy" => Box::new(AckIngressLegacy { ingress, service, port, target_port }),
        "alb_ingress" => Box::new(AlbIngress { ingress, service, port, target_port }),
        _ => Box::new(IngressNginx { ingress, service, port, target_port }),
    })
}

const PORTS: &[&str] = &["port", "target_port"];

/// The attributes that the router needs; anything else but these and the optional ones is an error.
fn texts<const N: usize>(
    block: &At<'_>,
    router: &str,
    needed: [&str; N],
    optional: &[&str],
    findings: &mut Findings,
) -> [Option<String>; N] {
    let known: Vec<_> = needed.iter().chain(optional).chain(&["router"]).copied().collect();
    block.only(&known, &format!("The router {router}"), findings);
    needed.map(|name| {
        let why = format!("The router {router} needs `{name}`.");
        block.get(name).required_text(&why, findings)
    })
}

fn ports(block: &At<'_>, findings: &mut Findings) -> (u16, u16) {
    let port = block.get("port").port(findings).unwrap_or(80);
    (port, block.get("target_port").port(findings).unwrap_or(port))
}
