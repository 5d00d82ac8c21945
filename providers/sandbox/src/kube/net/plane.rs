//! The listeners of a world.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::address::{is_in_use, pod_addresses};
use super::{page, proxy};
use crate::kube::object::{self, integer, list, text};
use crate::kube::options::Options;
use crate::kube::store::Key;
use crate::kube::world::World;

/// How many addresses are tried for a pod whose ports are in use (by another sandbox).
const ATTEMPTS: usize = 64;

/// The open listeners of pods and Services.
#[derive(Clone, Default)]
pub(crate) struct Plane {
    world: Weak<World>,
    open: Arc<Mutex<Open>>,
    moved: Moved,
}

#[derive(Default)]
struct Open {
    pods: HashMap<Key, Listeners>,
    services: HashMap<Key, Listeners>,
}

/// Where a pod's port is really listened on, if it is another than the declared one.
///
/// Apart from the listeners: a task that kept those would keep itself.
#[derive(Clone, Default)]
pub(super) struct Moved(Arc<Mutex<BTreeMap<SocketAddr, SocketAddr>>>);

impl Moved {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a pod's port is answered.
    pub(super) fn resolve(&self, address: SocketAddr) -> SocketAddr {
        self.lock().get(&address).copied().unwrap_or(address)
    }
}

/// Listeners that close when they are dropped.
#[derive(Default)]
struct Listeners {
    tasks: BTreeMap<SocketAddr, AbortHandle>,
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.tasks.values().for_each(AbortHandle::abort);
    }
}

/// What opening a pod came to.
pub(crate) struct Opened {
    pub(crate) address: String,
    pub(crate) problems: Vec<String>,
}

impl Plane {
    pub(crate) fn new(world: Weak<World>) -> Self {
        Self { world, ..Self::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a pod an address and listens on its ports there.
    pub(crate) fn open_pod(
        &self,
        options: &Options,
        key: &Key,
        pod: &Value,
        taken: &BTreeSet<String>,
    ) -> Opened {
        let seed = format!("{}/{}", options.name, object::uid(pod));
        let mut candidates = pod_addresses(&seed, taken);
        let ports = container_ports(pod);
        for address in candidates.by_ref().take(ATTEMPTS) {
            if !options.network {
                return Opened { address: address.to_string(), problems: Vec::new() };
            }
            if !ports.keys().any(|port| is_in_use(address, *port)) {
                let problems = self.listen_pod(key, address, &ports);
                return Opened { address: address.to_string(), problems };
            }
        }
        let problem = "no loopback address is free for this pod's ports".to_owned();
        Opened { address: Ipv4Addr::LOCALHOST.to_string(), problems: vec![problem] }
    }

    /// Listens for a pod that has its address, if nothing does.
    pub(crate) fn reopen_pod(&self, options: &Options, key: &Key, pod: &Value) -> Vec<String> {
        if !options.network || self.open().pods.contains_key(key) {
            return Vec::new();
        }
        match text(pod, "/status/podIP").parse() {
            Ok(address) => self.listen_pod(key, address, &container_ports(pod)),
            Err(_) => Vec::new(),
        }
    }

    fn listen_pod(&self, key: &Key, address: Ipv4Addr, ports: &BTreeMap<u16, String>) -> Vec<String> {
        let mut problems = Vec::new();
        let mut listeners = Listeners::default();
        for (port, container) in ports {
            let wanted = SocketAddr::new(IpAddr::V4(address), *port);
            match bind_or_move(wanted) {
                Ok(listener) => {
                    if let Ok(actual) = listener.local_addr()
                        && actual != wanted
                    {
                        problems.push(format!("{wanted} may not be listened on; it is answered on {actual}"));
                        self.moved.lock().insert(wanted, actual);
                    }
                    let page = page::router(self.world.clone(), key.clone(), container.clone());
                    if let Some(task) = spawn(page::serve(listener, page)) {
                        listeners.tasks.insert(wanted, task);
                    }
                }
                Err(error) => problems.push(format!("{wanted} may not be listened on: {}", error.kind())),
            }
        }
        self.open().pods.insert(key.clone(), listeners);
        problems
    }

    /// Stops answering for a pod.
    pub(crate) fn close_pod(&self, key: &Key) {
        let closed = self.open().pods.remove(key).unwrap_or_default();
        self.moved.lock().retain(|address, _| !closed.tasks.contains_key(address));
    }

    /// Listens on a Service's addresses, and no longer on those that it does not have any more.
    pub(crate) fn open_service(&self, options: &Options, key: &Key, service: &Value) -> Vec<String> {
        if !options.network || object::map(service, "/spec/selector").is_empty() {
            self.close_service(key);
            return Vec::new();
        }
        let wanted = service_addresses(service);
        let mut problems = Vec::new();
        let mut listeners = self.open().services.remove(key).unwrap_or_default();
        listeners.tasks.retain(|address, task| {
            let kept = wanted.contains_key(address);
            if !kept {
                task.abort();
            }
            kept
        });
        for (address, port) in wanted {
            if listeners.tasks.contains_key(&address) {
                continue;
            }
            match TcpListener::bind(address) {
                Ok(listener) => {
                    let proxy = proxy::Proxy::new(self.world.clone(), self.moved.clone(), key.clone(), port);
                    if let Some(task) = spawn(proxy.serve(listener)) {
                        listeners.tasks.insert(address, task);
                    }
                }
                Err(error) => problems.push(refused(address, &error)),
            }
        }
        self.open().services.insert(key.clone(), listeners);
        problems
    }

    /// Stops answering for a Service.
    pub(crate) fn close_service(&self, key: &Key) {
        self.open().services.remove(key);
    }
}

fn refused(address: SocketAddr, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            format!(
                "{address} may not be listened on by this user: choose a port above 1023 to reach the Service"
            )
        }
        ErrorKind::AddrInUse => format!("{address} is in use by another program"),
        kind => format!("{address} may not be listened on: {kind}"),
    }
}

/// A pod's port that this user may not listen on is answered on any other port of its address.
fn bind_or_move(wanted: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(wanted) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            TcpListener::bind(SocketAddr::new(wanted.ip(), 0))
        }
        bound => bound,
    }
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
    Some(Handle::try_current().ok()?.spawn(task).abort_handle())
}

/// The TCP ports of a pod, with the containers that declare them.
fn container_ports(pod: &Value) -> BTreeMap<u16, String> {
    let mut ports = BTreeMap::new();
    for container in list(pod, "/spec/containers") {
        for port in
            list(container, "/ports").iter().filter(|port| matches!(text(port, "/protocol"), "" | "TCP"))
        {
            let number = integer(port, "/containerPort").and_then(|number| u16::try_from(number).ok());
            if let Some(number) = number.filter(|number| *number != 0) {
                ports.entry(number).or_insert_with(|| text(container, "/name").to_owned());
            }
        }
    }
    ports
}

/// The addresses that a Service answers on, with the names of the ports behind them.
fn service_addresses(service: &Value) -> BTreeMap<SocketAddr, String> {
    let mut hosts: Vec<Ipv4Addr> = Vec::new();
    hosts.extend(text(service, "/spec/clusterIP").parse::<Ipv4Addr>());
    hosts.extend(text(service, "/status/loadBalancer/ingress/0/ip").parse::<Ipv4Addr>());
    let mut addresses = BTreeMap::new();
    for port in list(service, "/spec/ports").iter().filter(|port| text(port, "/protocol") == "TCP") {
        let name = text(port, "/name");
        let number = |pointer: &str| integer(port, pointer).and_then(|number| u16::try_from(number).ok());
        if let Some(number) = number("/port") {
            for host in &hosts {
                addresses.insert(SocketAddr::new(IpAddr::V4(*host), number), name.to_owned());
            }
        }
        if let Some(number) = number("/nodePort") {
            addresses.insert(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), number), name.to_owned());
        }
    }
    addresses
}
