//! The open addresses of a world.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use serde_json::Value;
use tokio::sync::watch;

use super::address::{is_in_use, pod_addresses};
use super::door::{Closing, Door};
use super::entrance::{Entrance, service_addresses};
use super::pod::declared_ports;
use crate::kube::object::{self, text};
use crate::kube::options::Options;
use crate::kube::store::Key;
use crate::kube::world::World;

/// How many addresses are tried for a pod whose ports are in use (by another sandbox).
const ATTEMPTS: usize = 64;

/// The open doors of pods, Services and routers.
pub(crate) struct Plane {
    world: Weak<World>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    doors: BTreeMap<Owner, BTreeMap<SocketAddr, Door>>,
    lives: HashMap<Key, watch::Sender<bool>>,
    /// Addresses that could not be opened, which has been told.
    told: BTreeSet<SocketAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Pod(Key),
    Service(Key),
    Router(Router),
}

/// What routes by host and path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Router {
    /// The ingress controller of a class.
    Ingress(String),
    Gateway(Key),
}

impl Router {
    fn entrance(&self, port: u16) -> Entrance {
        match self {
            Self::Ingress(class) => Entrance::Ingress { class: class.clone() },
            Self::Gateway(gateway) => Entrance::Gateway { gateway: gateway.clone(), port },
        }
    }
}

/// What opening came to.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// What could not be opened, told once.
    pub(crate) problems: Vec<String>,
    /// Whether all is open.
    pub(crate) complete: bool,
}

impl Plane {
    pub(crate) fn new(world: Weak<World>) -> Self {
        Self { world, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chooses an address for a pod, where its ports are free.
    pub(crate) fn pod_address(
        &self,
        options: &Options,
        pod: &Value,
        taken: &BTreeSet<String>,
    ) -> Option<Ipv4Addr> {
        let seed = format!("{}/{}", options.name, object::uid(pod));
        let is_free = |address: &Ipv4Addr| {
            !options.network || !declared_ports(pod).any(|(port, _)| is_in_use(*address, port))
        };
        pod_addresses(&seed, taken).take(ATTEMPTS).find(is_free)
    }

    /// Listens for a pod on its address.
    pub(crate) fn open_pod(&self, options: &Options, key: &Key, pod: &Value) -> Opened {
        let Ok(host) = text(pod, "/status/podIP").parse::<Ipv4Addr>() else { return Opened::default() };
        self.open().lives.entry(key.clone()).or_insert_with(|| watch::channel(false).0);
        let doors = declared_ports(pod).map(|(port, _)| {
            (SocketAddr::new(IpAddr::V4(host), port), Entrance::Pod { pod: key.clone(), port })
        });
        self.keep(options, Owner::Pod(key.clone()), doors.collect())
    }

    /// Stops answering for a pod: connections to it end with the request that is under way.
    pub(crate) fn close_pod(&self, key: &Key) {
        let mut open = self.open();
        if let Some(life) = open.lives.remove(key) {
            life.send_replace(true);
        }
        open.doors.remove(&Owner::Pod(key.clone()));
    }

    /// Turns true when the pod is closed; nothing if it's not open.
    pub(crate) fn closing_of(&self, pod: &Key) -> Vec<Closing> {
        self.open().lives.get(pod).map(watch::Sender::subscribe).into_iter().collect()
    }

    /// Listens on a Service's addresses, and no longer on those that it does not have any more.
    pub(crate) fn open_service(&self, options: &Options, key: &Key, service: &Value) -> Opened {
        let addresses = service_addresses(service).into_iter().collect();
        self.keep(options, Owner::Service(key.clone()), addresses)
    }

    /// Stops answering for a Service.
    pub(crate) fn close_service(&self, key: &Key) {
        self.open().doors.remove(&Owner::Service(key.clone()));
    }

    /// Listens for a router on the ports of an address. Where a port is one that this user may not listen on, 8000 is
    /// added to it.
    pub(crate) fn open_router(
        &self,
        options: &Options,
        router: &Router,
        host: Ipv4Addr,
        ports: &[u16],
    ) -> Opened {
        let doors = ports.iter().map(|port| {
            let open =
                if is_allowed(host, *port) || !options.network { *port } else { port.saturating_add(8000) };
            (SocketAddr::new(IpAddr::V4(host), open), router.entrance(*port))
        });
        self.keep(options, Owner::Router(router.clone()), doors.collect())
    }

    /// The ports that a router is open on.
    pub(crate) fn ports_of(&self, router: &Router) -> Vec<u16> {
        let open = self.open();
        let doors = open.doors.get(&Owner::Router(router.clone())).into_iter().flatten();
        doors.map(|(address, _)| address.port()).collect()
    }

    /// Stops answering for a router.
    pub(crate) fn close_router(&self, router: &Router) {
        self.open().doors.remove(&Owner::Router(router.clone()));
    }

    /// Closes what is not wanted any more, and opens what is not open yet.
    fn keep(&self, options: &Options, owner: Owner, wanted: BTreeMap<SocketAddr, Entrance>) -> Opened {
        if !options.network {
            return Opened { problems: Vec::new(), complete: true };
        }
        let mut open = self.open();
        let mut doors = open.doors.remove(&owner).unwrap_or_default();
        doors.retain(|address, door| wanted.get(address) == Some(door.entrance()));
        let mut opened = Opened { problems: Vec::new(), complete: true };
        for (address, entrance) in wanted {
            if doors.contains_key(&address) {
                continue;
            }
            match self.listen(&owner, address, entrance) {
                Ok((door, problem)) => {
                    opened.problems.extend(problem);
                    open.told.remove(&address);
                    doors.insert(address, door);
                }
                Err(error) => {
                    opened.complete = false;
                    if open.told.insert(address) {
                        opened.problems.push(refused(address, &error));
                    }
                }
            }
        }
        open.doors.insert(owner, doors);
        opened
    }

    fn listen(
        &self,
        owner: &Owner,
        wanted: SocketAddr,
        entrance: Entrance,
    ) -> std::io::Result<(Door, Option<String>)> {
        let listener = match TcpListener::bind(wanted) {
            // A pod's port that this user may not listen on is answered on any other port of its address.
            Err(error) if error.kind() == ErrorKind::PermissionDenied && matches!(owner, Owner::Pod(_)) => {
                TcpListener::bind(SocketAddr::new(wanted.ip(), 0))?
            }
            bound => bound?,
        };
        let actual = listener.local_addr()?;
        let problem = (actual != wanted)
            .then(|| format!("{wanted} may not be listened on by this user; it is answered on {actual}"));
        let door = Door::open(self.world.clone(), entrance, listener);
        door.map(|door| (door, problem)).ok_or_else(|| ErrorKind::NotConnected.into())
    }
}

/// Whether this user may listen on a port at all; whether it's free is another question.
fn is_allowed(host: Ipv4Addr, port: u16) -> bool {
    !TcpListener::bind((host, port)).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
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
