//! A sandbox: `up`, and if it is, `pid`, `uptime_seconds`, `clusters`, `hosts` and `ssh_config_path`. No keys, only where they lie.

use meshform_engine::ports::{ClusterStatus, HostStatus, SandboxStatus};
use serde_json::{Value as Json, json};

use super::FORMAT_VERSION;

/// The document.
pub(crate) fn document(status: Option<&SandboxStatus>) -> Json {
    let Some(status) = status else {
        return json!({ "format_version": FORMAT_VERSION, "up": false });
    };
    json!({
        "format_version": FORMAT_VERSION,
        "up": true,
        "pid": status.pid,
        "uptime_seconds": status.uptime_seconds,
        "clusters": status.clusters.iter().map(cluster).collect::<Vec<_>>(),
        "hosts": status.hosts.iter().map(host).collect::<Vec<_>>(),
        "ssh_config_path": status.ssh_config_path.to_string_lossy(),
    })
}

fn cluster(cluster: &ClusterStatus) -> Json {
    json!({
        "name": cluster.name,
        "url": cluster.url,
        "kubeconfig_path": cluster.kubeconfig_path.to_string_lossy(),
        "objects": cluster.objects,
        "pods": cluster.pods,
    })
}

fn host(host: &HostStatus) -> Json {
    json!({
        "name": host.name,
        "alias": host.alias,
        "address": host.access.address,
        "port": host.access.port,
        "user": host.access.user,
        "identity_file": host.access.identity_file.to_string_lossy(),
        "root": host.access.root.to_string_lossy(),
    })
}
