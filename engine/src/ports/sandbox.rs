//! The embedded cluster and host, as providers and the command line see them.

use std::path::PathBuf;

use thiserror::Error;

use super::BoxFuture;

/// The sandbox of one stack: brought up when first asked for, its world kept between commands.
pub trait Sandbox: Send + Sync {
    /// Access to the embedded cluster of that name, made if it is not there.
    fn cluster<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<ClusterAccess, SandboxError>>;
    /// Access to the embedded host of that name, made if it is not there.
    fn host<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<HostAccess, SandboxError>>;
    /// Starts it, if it is down.
    fn up(&self) -> BoxFuture<'_, Result<SandboxStatus, SandboxError>>;
    /// Stops it and keeps its world. False if it was down.
    fn down(&self) -> BoxFuture<'_, Result<bool, SandboxError>>;
    /// Stops it and removes its world. False if there was none.
    fn reset(&self) -> BoxFuture<'_, Result<bool, SandboxError>>;
    /// What runs in it, or `None` if it is down.
    fn status(&self) -> BoxFuture<'_, Result<Option<SandboxStatus>, SandboxError>>;
    /// Where what it has to say is written, if it's written anywhere.
    fn log_path(&self) -> Option<PathBuf> {
        None
    }
    /// Serves it in this process until it is told to stop: what the background process runs.
    fn serve(&self) -> BoxFuture<'_, Result<(), SandboxError>>;
}

/// How to reach an embedded cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterAccess {
    /// The text of a kubeconfig with this one cluster. Sensitive.
    pub kubeconfig: String,
    /// Where that kubeconfig lies, for `kubectl`.
    pub kubeconfig_path: PathBuf,
}

/// How to reach an embedded host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostAccess {
    /// Its address.
    pub address: String,
    /// Its TCP port.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// The private key to log in with.
    pub identity_file: PathBuf,
    /// The host's own key, as a `known_hosts` line.
    pub known_hosts: String,
    /// The folder that is the host's root.
    pub root: PathBuf,
}

/// What runs in a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxStatus {
    /// The background process.
    pub pid: u32,
    /// How long it has run, in seconds.
    pub uptime_seconds: u64,
    /// Its clusters.
    pub clusters: Vec<ClusterStatus>,
    /// Its hosts.
    pub hosts: Vec<HostStatus>,
    /// With this file `ssh -F FILE ALIAS` logs in to any of them.
    pub ssh_config_path: PathBuf,
}

/// One embedded cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterStatus {
    /// Its name.
    pub name: String,
    /// The API's address.
    pub url: String,
    /// Where its kubeconfig lies.
    pub kubeconfig_path: PathBuf,
    /// How many objects it holds.
    pub objects: usize,
    /// How many pods run.
    pub pods: usize,
}

/// One embedded host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStatus {
    /// Its name.
    pub name: String,
    /// What [`SandboxStatus::ssh_config_path`] calls it: its name, where `ssh` takes that for one.
    pub alias: String,
    /// How to reach it.
    pub access: HostAccess,
}

/// Why the sandbox cannot be had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct SandboxError {
    /// What failed and what to do, in sentences.
    pub message: String,
}
