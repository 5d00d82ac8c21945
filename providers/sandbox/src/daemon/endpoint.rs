//! Where a cluster or a host listens: chosen once, remembered, and kept as long as the port is free.
//!
//! Linux answers on all of 127.0.0.0/8: clusters share 127.0.0.1, and every host has two addresses of its own in 127.98.0.0/16, on port
//! 22 where we may listen there.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::private_file;

/// Where ssh is expected.
const SSH_PORT: u16 = 22;
/// Hosts of one sandbox, and of others on this machine, that may have port 22.
const HOSTS_MAX: u8 = 250;

/// Why a cluster or host cannot listen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("use {path}")]
    File { path: PathBuf, source: io::Error },
    #[error("read {path}: it isn't what meshform writes; `meshform sandbox reset` starts over")]
    Corrupt { path: PathBuf, source: serde_json::Error },
    #[error("use {folder}, which belongs to {owner:?}; choose another name")]
    Taken { folder: PathBuf, owner: String },
    #[error("listen on the loopback device")]
    Listen { source: io::Error },
}

/// The content of `endpoint.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    /// The name as the stack has it; the folder's may be another.
    pub(crate) name: String,
    #[serde(default = "localhost")]
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    /// What the paths of a cluster's clients begin with. Sensitive.
    pub(crate) token: String,
}

impl Endpoint {
    /// Listens for the cluster called `name`, whose folder is `folder`, and records where.
    pub(crate) async fn of_cluster(folder: &Path, name: &str) -> Result<(Self, TcpListener), EndpointError> {
        Self::open(folder, name, std::iter::empty()).await
    }

    /// The same for a host, which listens at a second address, too, if that can be had.
    pub(crate) async fn of_host(
        folder: &Path,
        name: &str,
    ) -> Result<(Self, Vec<TcpListener>), EndpointError> {
        // Sandboxes that come and go shouldn't take one another's.
        let first = rand::random::<u8>();
        let numbers = || (0..HOSTS_MAX).map(move |step| 1 + first.wrapping_add(step) % HOSTS_MAX);
        let usual = numbers().map(|number| SocketAddrV4::new(host_address(number, 1), SSH_PORT));
        let any = numbers().map(|number| SocketAddrV4::new(host_address(number, 1), 0));
        let (endpoint, listener) = Self::open(folder, name, usual.chain(any)).await?;
        let second = SocketAddrV4::new(second(endpoint.address), endpoint.port);
        let more = TcpListener::bind(second).await.ok();
        Ok((endpoint, [listener].into_iter().chain(more).collect()))
    }

    /// All of its addresses.
    pub(crate) fn addresses(&self) -> [Ipv4Addr; 2] {
        [self.address, second(self.address)]
    }

    /// Where it was is tried first, then what is wanted, then any port of 127.0.0.1.
    async fn open(
        folder: &Path,
        name: &str,
        wanted: impl Iterator<Item = SocketAddrV4>,
    ) -> Result<(Self, TcpListener), EndpointError> {
        let path = folder.join("endpoint.json");
        let file_error = |source| EndpointError::File { path: path.clone(), source };
        private_file::create_directory(folder).map_err(file_error)?;
        let remembered = read(&path)?;
        if let Some(other) = remembered.as_ref().filter(|endpoint| endpoint.name != name) {
            return Err(EndpointError::Taken { folder: folder.to_owned(), owner: other.name.clone() });
        }
        let known = remembered.as_ref().map(|endpoint| SocketAddrV4::new(endpoint.address, endpoint.port));
        let (listener, place) = listen(known.into_iter().chain(wanted)).await?;
        let (address, port) = (*place.ip(), place.port());
        let token = remembered.as_ref().map_or_else(new_token, |endpoint| endpoint.token.clone());
        let endpoint = Self { name: name.to_owned(), address, port, token };
        if remembered.as_ref() != Some(&endpoint) {
            let text = serde_json::to_vec_pretty(&endpoint)
                .map_err(|source| EndpointError::Corrupt { path: path.clone(), source })?;
            private_file::write(&path, &text).map_err(file_error)?;
        }
        Ok((endpoint, listener))
    }

    /// The names of everything that has a folder in `parent`, in order.
    pub(crate) fn names_in(parent: &Path) -> Vec<String> {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let found = entries.filter_map(|entry| read(&entry.path().join("endpoint.json")).ok().flatten());
        let mut names: Vec<String> = found.map(|endpoint| endpoint.name).collect();
        names.sort();
        names
    }
}

fn read(path: &Path) -> Result<Option<Endpoint>, EndpointError> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|source| EndpointError::Corrupt { path: path.to_owned(), source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EndpointError::File { path: path.to_owned(), source }),
    }
}

/// At the first place that can be had.
async fn listen(
    places: impl Iterator<Item = SocketAddrV4>,
) -> Result<(TcpListener, SocketAddrV4), EndpointError> {
    let mut refusal = io::ErrorKind::AddrNotAvailable.into();
    for place in places.chain([SocketAddrV4::new(localhost(), 0)]) {
        match bind(place).await {
            Ok(bound) => return Ok(bound),
            Err(error) => refusal = error,
        }
    }
    Err(EndpointError::Listen { source: refusal })
}

async fn bind(place: SocketAddrV4) -> io::Result<(TcpListener, SocketAddrV4)> {
    let listener = TcpListener::bind(place).await?;
    let port = listener.local_addr()?.port();
    Ok((listener, SocketAddrV4::new(*place.ip(), port)))
}

fn localhost() -> Ipv4Addr {
    Ipv4Addr::LOCALHOST
}

fn host_address(number: u8, last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 98, number, last)
}

/// The second address of what has this one.
fn second(address: Ipv4Addr) -> Ipv4Addr {
    let [first, second, third, last] = address.octets();
    Ipv4Addr::new(first, second, third, last.saturating_add(1))
}

fn new_token() -> String {
    rand::random::<[u8; 24]>().iter().map(|byte| format!("{byte:02x}")).collect()
}
