//! Services and their addresses.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::kube::object::{self, child, put_default};
use crate::kube::status::FieldError;

/// The first node port, and how many there are.
const NODE_PORT_FIRST: u16 = 30_000;
const NODE_PORT_COUNT: u16 = 2_768;

/// Cluster addresses are taken from 127.96.0.0/16: loopback, so that they answer on this machine.
const CLUSTER_NETWORK: [u8; 2] = [127, 96];

/// The addresses that Services have.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    pub(crate) cluster: BTreeSet<Ipv4Addr>,
    pub(crate) node_ports: BTreeSet<u16>,
    /// Tells this world from others.
    pub(crate) world: String,
    /// Tells what other programs on the machine listen on; without it nothing is listened on.
    pub(crate) in_use: Option<fn(Ipv4Addr, u16) -> bool>,
}

impl Addresses {
    fn is_in_use(&self, address: Ipv4Addr, port: u16) -> bool {
        self.in_use.is_some_and(|in_use| in_use(address, port))
    }
}

pub(crate) fn default(service: &mut Value) {
    let spec = child(service, "spec");
    put_default(spec, "sessionAffinity", "None");
    put_default(spec, "type", "ClusterIP");
    if spec["sessionAffinity"] == "ClientIP" {
        put_default(child(child(spec, "sessionAffinityConfig"), "clientIP"), "timeoutSeconds", 10_800);
    }
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        put_default(port, "protocol", "TCP");
        let number = port.get("port").cloned().unwrap_or(Value::Null);
        let unset = port.get("targetPort").is_none_or(|target| target == &json!(0) || target == &json!(""));
        if unset && let Some(port) = port.as_object_mut() {
            port.insert("targetPort".to_owned(), number);
        }
    }
    let kind = object::text(spec, "/type").to_owned();
    if kind == "LoadBalancer" {
        put_default(spec, "allocateLoadBalancerNodePorts", true);
    }
    if matches!(kind.as_str(), "LoadBalancer" | "NodePort") {
        put_default(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind != "ExternalName" {
        put_default(spec, "internalTrafficPolicy", "Cluster");
    }
}

/// Gives a Service the addresses and node ports that it needs; `live` is what it had.
///
/// # Errors
///
/// When what it asks for cannot be had.
pub(crate) fn allocate_service(
    service: &mut Value,
    live: Option<&Value>,
    taken: &Addresses,
    dry_run: bool,
) -> Result<(), FieldError> {
    let kind = object::text(service, "/spec/type").to_owned();
    if kind == "ExternalName" {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            object::remove(service, &["spec", field]);
        }
        return Ok(());
    }
    cluster_ip(service, live, taken, dry_run)?;
    let needs_ports = kind == "NodePort"
        || (kind == "LoadBalancer" && object::flag(service, "/spec/allocateLoadBalancerNodePorts"));
    if needs_ports { node_ports(service, live, taken) } else { drop_node_ports(service, live, &kind) }
}

fn cluster_ip(
    service: &mut Value,
    live: Option<&Value>,
    taken: &Addresses,
    dry_run: bool,
) -> Result<(), FieldError> {
    if let Some(live) = live {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if let Some(value) = live["spec"].get(field) {
                put_default(child(service, "spec"), field, value.clone());
            }
        }
    }
    let seed = format!("{}/{}/{}", taken.world, object::namespace(service), object::name(service));
    let ports = ports(service);
    let spec = child(service, "spec");
    let wanted = match object::text(spec, "/clusterIP") {
        "" => object::text(spec, "/clusterIPs/0").to_owned(),
        wanted => wanted.to_owned(),
    };
    let had = live.map(|live| object::text(live, "/spec/clusterIP")).unwrap_or_default();
    let address = match wanted.as_str() {
        "None" => wanted,
        "" => free_address(&seed, &ports, taken, dry_run)?.to_string(),
        // A change is refused by validation, whatever address it wants.
        wanted if wanted == had || !had.is_empty() => wanted.to_owned(),
        wanted => claimed(wanted, taken)?,
    };
    spec["clusterIP"] = json!(address);
    spec["clusterIPs"] = json!([address]);
    put_default(spec, "ipFamilies", json!(["IPv4"]));
    put_default(spec, "ipFamilyPolicy", "SingleStack");
    Ok(())
}

fn claimed(wanted: &str, taken: &Addresses) -> Result<String, FieldError> {
    let refuse = |why: &str| {
        let detail = format!("failed to allocate IP {wanted}: {why}");
        FieldError::invalid("spec.clusterIPs", &json!([wanted]), &detail)
    };
    let address: Ipv4Addr = wanted.parse().map_err(|_| {
        FieldError::invalid("spec.clusterIPs[0]", &json!(wanted), "must be a valid IP address")
    })?;
    if address.octets().get(..2) != Some(&CLUSTER_NETWORK) {
        return Err(refuse("the provided network does not match the current range"));
    }
    if taken.cluster.contains(&address) {
        return Err(refuse("provided IP is already allocated"));
    }
    Ok(wanted.to_owned())
}

/// The next free address from where the name's hash points: the same world gives the same addresses.
fn free_address(seed: &str, ports: &[u16], taken: &Addresses, dry_run: bool) -> Result<Ipv4Addr, FieldError> {
    let [first, second] = CLUSTER_NETWORK;
    if dry_run {
        return Ok(Ipv4Addr::new(first, second, 0, 0));
    }
    let start = hash(seed);
    (0..=u16::MAX)
        .map(|step| start.wrapping_add(step).to_be_bytes())
        .filter(|[third, fourth]| !matches!((third, fourth), (_, 0 | 255) | (0, _)))
        .map(|[third, fourth]| Ipv4Addr::new(first, second, third, fourth))
        .filter(|address| !taken.cluster.contains(address))
        .find(|address| !ports.iter().any(|port| taken.is_in_use(*address, *port)))
        .ok_or_else(|| FieldError::forbidden("spec.clusterIPs", "the range of cluster addresses is full"))
}

/// The TCP ports that a Service is asked on.
fn ports(service: &Value) -> Vec<u16> {
    let tcp = object::list(service, "/spec/ports").iter().filter(|port| port["protocol"] == "TCP");
    tcp.filter_map(|port| u16::try_from(object::integer(port, "/port")?).ok()).collect()
}

/// FNV-1a, folded to 16 bits.
fn hash(text: &str) -> u16 {
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let [a, b, c, d] = hash.to_be_bytes();
    u16::from_be_bytes([a ^ c, b ^ d])
}

fn node_ports(service: &mut Value, live: Option<&Value>, taken: &Addresses) -> Result<(), FieldError> {
    let mut used = taken.node_ports.clone();
    let name = format!("{}/{}/{}", taken.world, object::namespace(service), object::name(service));
    let ports = service["spec"].get_mut("ports").and_then(Value::as_array_mut);
    for (index, port) in ports.into_iter().flatten().enumerate() {
        let kept = live.and_then(|live| node_port_of(live, port));
        let wanted = object::integer(port, "/nodePort").and_then(|wanted| u16::try_from(wanted).ok());
        let number = match (wanted.filter(|wanted| *wanted != 0), kept) {
            (Some(wanted), kept) if used.contains(&wanted) && kept != Some(wanted) => {
                let field = format!("spec.ports[{index}].nodePort");
                let detail = "provided port is already allocated";
                return Err(FieldError::invalid(field, &json!(wanted), detail));
            }
            (Some(wanted), _) => wanted,
            (None, Some(kept)) => kept,
            (None, None) => free_node_port(&format!("{name}/{index}"), &used, taken)?,
        };
        used.insert(number);
        port["nodePort"] = json!(number);
    }
    Ok(())
}

fn node_port_of(live: &Value, port: &Value) -> Option<u16> {
    let same = |other: &&Value| other["port"] == port["port"] && other["protocol"] == port["protocol"];
    let number = object::integer(object::list(live, "/spec/ports").iter().find(same)?, "/nodePort")?;
    u16::try_from(number).ok()
}

fn free_node_port(seed: &str, used: &BTreeSet<u16>, taken: &Addresses) -> Result<u16, FieldError> {
    let start = hash(seed);
    (0..NODE_PORT_COUNT)
        .map(|step| NODE_PORT_FIRST + (start.wrapping_add(step)) % NODE_PORT_COUNT)
        .find(|port| !used.contains(port) && !taken.is_in_use(Ipv4Addr::LOCALHOST, *port))
        .ok_or_else(|| FieldError::forbidden("spec.ports", "the range of node ports is full"))
}

/// A Service that was of another type gives back its node ports, unless it names them.
fn drop_node_ports(service: &mut Value, live: Option<&Value>, kind: &str) -> Result<(), FieldError> {
    let live = live.cloned().unwrap_or(Value::Null);
    for port in service["spec"].get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let number = object::integer(port, "/nodePort").unwrap_or(0);
        let inherited = node_port_of(&live, port).map(i64::from) == Some(number);
        if kind == "ClusterIP" && number != 0 && !inherited {
            let detail = "may not be used when `type` is 'ClusterIP'";
            return Err(FieldError::forbidden("spec.ports[0].nodePort", detail));
        }
        if let Some(port) = port.as_object_mut() {
            port.remove("nodePort");
        }
    }
    for field in ["externalTrafficPolicy", "allocateLoadBalancerNodePorts"] {
        if kind == "ClusterIP" {
            object::remove(service, &["spec", field]);
        }
    }
    Ok(())
}
