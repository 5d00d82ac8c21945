//! The clusters and hosts that one daemon serves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::endpoint::{Endpoint, EndpointError};
use super::wire;
use crate::host::{self, Host, HostError};
use crate::layout::{Layout, slug};
use crate::{kube, private_file};

/// Why a cluster or host cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResidentError {
    #[error("find a place to listen for {name:?}")]
    Endpoint { name: String, source: EndpointError },
    #[error("open the sandbox cluster {name:?}")]
    World { name: String, source: kube::Error },
    #[error("open the sandbox host {name:?}")]
    Host { name: String, source: Box<HostError> },
    #[error("write {path}")]
    Client { path: PathBuf, source: std::io::Error },
    #[error("finish opening {name:?}")]
    Interrupted { name: String, source: JoinError },
}

/// Everything that's served. Opening is idempotent: what is there is answered as it is.
pub(crate) struct Residents {
    layout: Layout,
    started: Instant,
    clusters: BTreeMap<String, Cluster>,
    hosts: BTreeMap<String, wire::Host>,
    /// The hosts' keys at their second addresses, as known_hosts lines.
    other_keys: BTreeMap<String, String>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

struct Cluster {
    world: Arc<kube::World>,
    url: String,
    /// Holds the token. Sensitive.
    kubeconfig: String,
    kubeconfig_path: PathBuf,
}

impl Cluster {
    /// Writes the kubeconfig, unless it's there: people tidy up.
    fn write_kubeconfig(&self) -> Result<PathBuf, ResidentError> {
        let path = self.kubeconfig_path.clone();
        let current = std::fs::read(&path);
        if current.is_ok_and(|current| current == self.kubeconfig.as_bytes()) {
            return Ok(path);
        }
        match private_file::write(&path, self.kubeconfig.as_bytes()) {
            Ok(()) => Ok(path),
            Err(source) => Err(ResidentError::Client { path, source }),
        }
    }
}

impl Residents {
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            started: Instant::now(),
            clusters: BTreeMap::new(),
            hosts: BTreeMap::new(),
            other_keys: BTreeMap::new(),
            stop: watch::channel(false).0,
            tasks: JoinSet::new(),
        }
    }

    /// Opens all that an earlier daemon served. What can't be opened is named in the answer and in nobody's way.
    pub(crate) async fn reopen(&mut self) -> Vec<ResidentError> {
        let mut failures = Vec::new();
        for name in Endpoint::names_in(&self.layout.clusters()) {
            failures.extend(self.ensure_cluster(&name).await.err());
        }
        for name in Endpoint::names_in(&self.layout.hosts()) {
            failures.extend(self.ensure_host(&name).await.err());
        }
        failures
    }

    /// The path of the cluster's kubeconfig.
    pub(crate) async fn ensure_cluster(&mut self, name: &str) -> Result<PathBuf, ResidentError> {
        if let Some(cluster) = self.clusters.get(name) {
            return cluster.write_kubeconfig();
        }
        let folder = self.layout.clusters().join(slug(name));
        let (endpoint, listener) = Endpoint::of_cluster(&folder, name)
            .await
            .map_err(|source| ResidentError::Endpoint { name: name.to_owned(), source })?;
        let token = Some(endpoint.token);
        let options =
            kube::Options { name: name.to_owned(), token: token.clone(), ..kube::Options::default() };
        let world = in_background(name, move || kube::World::open(&folder.join("world"), options))
            .await?
            .map_err(|source| ResidentError::World { name: name.to_owned(), source })?;
        let url = format!("http://{}:{}", endpoint.address, endpoint.port);
        let kubeconfig = kube::kubeconfig(name, &url, token.as_deref());
        let cluster = Cluster { world, url, kubeconfig, kubeconfig_path: self.layout.kubeconfig(name) };
        let path = cluster.write_kubeconfig()?;
        let (served, stopped) = (Arc::clone(&cluster.world), self.stopped());
        self.tasks.spawn(async move {
            if let Err(error) = kube::serve(served, listener, stopped).await {
                super::log(&super::chain(&error));
            }
        });
        self.clusters.insert(name.to_owned(), cluster);
        Ok(path)
    }

    /// How to reach the host.
    pub(crate) async fn ensure_host(&mut self, name: &str) -> Result<wire::Host, ResidentError> {
        if let Some(access) = self.hosts.get(name) {
            return Ok(access.clone());
        }
        let folder = self.layout.hosts().join(slug(name));
        let (endpoint, listeners) = Endpoint::of_host(&folder, name)
            .await
            .map_err(|source| ResidentError::Endpoint { name: name.to_owned(), source })?;
        let own_name = name.to_owned();
        let host = in_background(name, move || Host::open(&folder, &own_name, &slug(&own_name)))
            .await?
            .map_err(|source| ResidentError::Host { name: name.to_owned(), source: Box::new(source) })?;
        let [address, second] = endpoint.addresses().map(|address| address.to_string());
        let host = Arc::new(host);
        let access = wire::Host {
            port: endpoint.port,
            user: host::USER.to_owned(),
            identity_file: host.identity_file().to_owned(),
            known_hosts: host.known_hosts_line(&address, endpoint.port),
            root: host.root().to_owned(),
            address,
        };
        self.other_keys.insert(name.to_owned(), host.known_hosts_line(&second, endpoint.port));
        for listener in listeners {
            self.tasks.spawn(Arc::clone(&host).serve(listener, self.stopped()));
        }
        self.hosts.insert(name.to_owned(), access.clone());
        self.write_ssh_files()?;
        Ok(access)
    }

    /// What lets a person say `ssh -F ssh_config HOST`.
    fn write_ssh_files(&self) -> Result<(), ResidentError> {
        let known_hosts = self.layout.known_hosts();
        let keys = self.hosts.values().map(|host| &host.known_hosts).chain(self.other_keys.values());
        let keys = keys.map(|line| format!("{line}\n")).collect();
        let config = ssh_config(&self.hosts, &known_hosts);
        let files = [(self.layout.ssh_config(), config), (known_hosts, keys)];
        for (path, text) in files {
            private_file::write(&path, text.as_bytes())
                .map_err(|source| ResidentError::Client { path, source })?;
        }
        Ok(())
    }

    pub(crate) fn status(&self) -> wire::Status {
        let clusters = self.clusters.iter().map(|(name, cluster)| {
            let counts = cluster.world.status();
            wire::Cluster {
                name: name.clone(),
                url: cluster.url.clone(),
                kubeconfig_path: cluster.kubeconfig_path.clone(),
                objects: counts.objects,
                pods: counts.pods,
            }
        });
        let hosts = self.hosts.iter().map(|(name, access)| wire::NamedHost {
            name: name.clone(),
            alias: alias(name),
            access: access.clone(),
        });
        wire::Status {
            pid: std::process::id(),
            uptime_seconds: self.started.elapsed().as_secs(),
            clusters: clusters.collect(),
            hosts: hosts.collect(),
            ssh_config_path: self.layout.ssh_config(),
        }
    }

    /// Ends what is served, and waits for it.
    pub(crate) async fn close(&mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }

    /// Ready when everything has to end.
    fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.subscribe();
        async move {
            // An error means that nobody is left who could ask us to go on.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }
}

/// One `Host` section per host (ssh_config(5)), and nothing of the user's own configuration.
fn ssh_config(hosts: &BTreeMap<String, wire::Host>, known_hosts: &Path) -> String {
    let sections = hosts.iter().map(|(name, host)| {
        format!(
            "Host {}\n  HostName {}\n  Port {}\n  User {}\n  IdentityFile {}\n  IdentitiesOnly yes\n  \
             UserKnownHostsFile {}\n  StrictHostKeyChecking yes\n\n",
            alias(name),
            host.address,
            host.port,
            host.user,
            quoted(&host.identity_file),
            quoted(known_hosts),
        )
    });
    sections.collect()
}

/// The name by which `ssh` knows a host: its own, unless that has letters which mean something in ssh_config(5).
fn alias(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let is_plain = !name.is_empty() && !name.starts_with('-') && name.chars().all(plain);
    if is_plain { name.to_owned() } else { slug(name) }
}

/// A path as ssh_config(5) takes it: `%` begins a token of its own.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('%', "%%"))
}

/// Opening reads and writes files: not on a thread that serves.
async fn in_background<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ResidentError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|source| ResidentError::Interrupted { name: name.to_owned(), source })
}
