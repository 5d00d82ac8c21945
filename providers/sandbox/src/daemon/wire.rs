//! What is said over the control socket: one JSON document per line, one answer per request.

use std::io;
use std::path::PathBuf;

use meshform_engine::ports::{ClusterStatus, HostAccess, HostStatus, SandboxStatus};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longer than any request or answer.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "request")]
pub(crate) enum Request {
    EnsureCluster { name: String },
    EnsureHost { name: String },
    Status,
    Stop,
}

/// What the daemon says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub(crate) enum Answer {
    /// The kubeconfig holds a token; it's in a file that only its owner reads, and stays there.
    Cluster {
        kubeconfig_path: PathBuf,
    },
    Host(Host),
    Status(Status),
    Stopping,
    /// Reads after "failed to".
    Failed {
        message: String,
    },
}

/// How to reach a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) address: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) identity_file: PathBuf,
    pub(crate) known_hosts: String,
    pub(crate) root: PathBuf,
}

/// What runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) pid: u32,
    pub(crate) uptime_seconds: u64,
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) hosts: Vec<NamedHost>,
    pub(crate) ssh_config_path: PathBuf,
}

/// A cluster that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) kubeconfig_path: PathBuf,
    pub(crate) objects: usize,
    pub(crate) pods: usize,
}

/// A host that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NamedHost {
    pub(crate) name: String,
    /// What the `ssh_config` calls it.
    pub(crate) alias: String,
    pub(crate) access: Host,
}

impl From<Host> for HostAccess {
    fn from(host: Host) -> Self {
        let Host { address, port, user, identity_file, known_hosts, root } = host;
        Self { address, port, user, identity_file, known_hosts, root }
    }
}

impl From<Status> for SandboxStatus {
    fn from(status: Status) -> Self {
        let clusters = status.clusters.into_iter().map(|cluster| {
            let Cluster { name, url, kubeconfig_path, objects, pods } = cluster;
            ClusterStatus { name, url, kubeconfig_path, objects, pods }
        });
        let hosts = status.hosts.into_iter().map(|host| {
            let NamedHost { name, alias, access } = host;
            HostStatus { name, alias, access: access.into() }
        });
        Self {
            pid: status.pid,
            uptime_seconds: status.uptime_seconds,
            clusters: clusters.collect(),
            hosts: hosts.collect(),
            ssh_config_path: status.ssh_config_path,
        }
    }
}

/// Sends one document.
pub(crate) async fn send<T: Serialize>(to: &mut (impl AsyncWrite + Unpin), document: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(document)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    to.flush().await
}

/// Receives one document; nothing if the other side has closed.
pub(crate) async fn receive<T: DeserializeOwned>(
    from: &mut (impl AsyncBufRead + Unpin),
) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    from.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
    if line.last() != Some(&b'\n') {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&line)?))
}
