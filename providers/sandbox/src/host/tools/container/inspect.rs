//! What `docker inspect` tells (Docker's API, ContainerInspect and ImageInspect).

use serde_json::{Map, Value, json};

use super::store::{Container, Image, Mount, Port, Status};

/// What a container is.
pub(super) fn container(own: &Container) -> Value {
    let words: Vec<&String> = own.entrypoint.iter().chain(&own.command).collect();
    let bindings = ports(&own.ports, false);
    let network = json!({ "IPAddress": if own.status == Status::Running { "172.17.0.2" } else { "" }, "Gateway": "172.17.0.1" });
    let binds: Vec<String> = own.mounts.iter().map(bind).collect();
    json!({
        "Id": own.id,
        "Created": own.created,
        "Path": words.first(),
        "Args": words.get(1..).unwrap_or_default(),
        "State": {
            "Status": own.status.word(),
            "Running": own.status == Status::Running,
            "Paused": false,
            "Restarting": own.status == Status::Restarting,
            "OOMKilled": false,
            "Dead": false,
            "Pid": own.pid,
            "ExitCode": own.exit_code,
            "Error": own.error,
            "StartedAt": moment(&own.started),
            "FinishedAt": moment(&own.finished),
        },
        "Image": own.image_id,
        "Name": format!("/{}", own.name),
        "RestartCount": own.restarts,
        "Driver": "overlay2",
        "Platform": "linux",
        "HostConfig": {
            "Binds": binds,
            "NetworkMode": own.network,
            "PortBindings": bindings,
            "RestartPolicy": { "Name": own.restart.name, "MaximumRetryCount": own.restart.count_max },
            "AutoRemove": own.is_temporary,
        },
        "Mounts": own.mounts.iter().map(mount).collect::<Vec<_>>(),
        "Config": {
            "Hostname": own.hostname,
            "User": own.user,
            "Env": own.environment,
            "Cmd": if own.command.is_empty() { Value::Null } else { json!(own.command) },
            "Image": own.image,
            "WorkingDir": own.folder,
            "Entrypoint": if own.entrypoint.is_empty() { Value::Null } else { json!(own.entrypoint) },
            "Labels": own.labels,
        },
        "NetworkSettings": {
            "Ports": if own.status == Status::Running { ports(&own.ports, true) } else { json!({}) },
            "IPAddress": network["IPAddress"],
            "Networks": { own.network.as_str(): network },
        },
    })
}

/// What an image is.
pub(super) fn image(own: &Image) -> Value {
    json!({
        "Id": own.id,
        "RepoTags": own.tags,
        "RepoDigests": [],
        "Created": own.created,
        "Config": { "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": null, "Labels": null },
        "Architecture": "amd64",
        "Os": "linux",
        "Size": 0,
    })
}

fn ports(ports: &[Port], is_open: bool) -> Value {
    let mut map = Map::new();
    for port in ports {
        let outer = if port.outer == 0 && !is_open { String::new() } else { port.outer.to_string() };
        let address = if port.address.is_empty() && is_open { "0.0.0.0" } else { &port.address };
        let list = map.entry(format!("{}/{}", port.inner, port.protocol)).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(json!({ "HostIp": address, "HostPort": outer }));
        }
    }
    Value::Object(map)
}

fn bind(mount: &Mount) -> String {
    format!("{}:{}{}", mount.source, mount.target, if mount.is_read_only { ":ro" } else { "" })
}

fn mount(own: &Mount) -> Value {
    let mode = if own.is_read_only { "ro" } else { "" };
    if own.source.starts_with('/') {
        return json!({
            "Type": "bind", "Source": own.source, "Destination": own.target, "Mode": mode, "RW": !own.is_read_only, "Propagation": "rprivate",
        });
    }
    json!({
        "Type": "volume", "Name": own.source, "Source": format!("/var/lib/docker/volumes/{}/_data", own.source),
        "Destination": own.target, "Driver": "local", "Mode": mode, "RW": !own.is_read_only, "Propagation": "",
    })
}

fn moment(text: &str) -> &str {
    if text.is_empty() { "0001-01-01T00:00:00Z" } else { text }
}
