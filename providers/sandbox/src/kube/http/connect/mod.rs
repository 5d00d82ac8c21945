//! Requests that become connections: `exec`, `attach` and `portforward` of pods.
//!
//! ```text
//! upgrade     which protocol the client proposes, and the answer to that
//!    ↓
//! spdy, websocket        many streams of bytes over one connection, by frames or by messages
//!    ↓ pipe
//! command, forward       who attends to the streams
//!    ↓
//! program     what a container has to run
//! ```
//!
//! | client | `exec`, `attach` | `portforward` |
//! | --- | --- | --- |
//! | kubectl since 1.30 | WebSocket, v5 | SPDY in a WebSocket |
//! | kubectl before | SPDY, v4 | SPDY |
//! | libraries | WebSocket, v4 | WebSocket, two channels per port |

mod command;
mod forward;
mod pipe;
mod program;
mod spdy;
mod upgrade;
mod websocket;

use std::sync::Arc;

use axum::response::Response;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use self::command::{Asked, Task};
use self::forward::Pod;
use self::upgrade::Way;
use super::path::Target;
use super::{App, Call, attributes, identity, verb};
use crate::kube::access::Attributes;
use crate::kube::net::Container;
use crate::kube::object::{self, list, text};
use crate::kube::registry::Resource;
use crate::kube::status::{ApiError, ApiResult};
use crate::kube::store::Key;

/// What a connection is for.
enum Purpose {
    Command { task: Task, asked: Asked },
    Ports { pod: Pod, ports: Vec<u16> },
}

/// Whether the subresource is a connection.
pub(super) fn is_connection(subresource: &str) -> bool {
    matches!(subresource, "exec" | "attach" | "portforward")
}

/// Answers a request for a connection, and begins it.
pub(super) fn serve(
    app: &App,
    call: &Call,
    target: &Target,
    resource: &Arc<Resource>,
) -> ApiResult<Response> {
    // A WebSocket begins with a GET, and yet who may only read must not get in.
    let asked =
        Attributes { verb: "create".to_owned(), ..attributes::of(&call.method, &call.path, &call.params) };
    let request = verb::request(app, call, target, resource, "GetOptions")?;
    let state = app.world.lock();
    identity::allow(&state, &call.user, &asked)?;
    let pod = state.find(&request)?;
    drop(state);
    if text(&pod, "/spec/nodeName").is_empty() {
        let message = format!("pod {} does not have a host assigned", object::name(&pod));
        return Err(ApiError::bad_request(message));
    }
    let ports = target.subresource == "portforward";
    let way = upgrade::way(&call.headers, ports)?;
    let purpose = if ports {
        // Streams name their ports themselves.
        let ports =
            if matches!(way, Way::Channels { .. }) { forward::ports(&call.params)? } else { Vec::new() };
        Purpose::Ports { pod: Pod::new(&app.world, Key::of(&pod), object::uid(&pod)), ports }
    } else {
        let task = task(app, call, target, &pod)?;
        Purpose::Command { task, asked: Asked::of(&call.params)? }
    };
    begin(app, call, way, purpose)
}

fn task(app: &App, call: &Call, target: &Target, pod: &Value) -> ApiResult<Task> {
    let container = container(pod, call.params.text("container"))?;
    let name = text(container, "/name");
    let statuses = list(pod, "/status/containerStatuses");
    let runs = statuses.iter().any(|own| own["name"] == name && own.pointer("/state/running").is_some());
    if !runs {
        return Err(ApiError::internal(format!(
            "unable to upgrade connection: container not found ({name:?})"
        )));
    }
    if target.subresource == "attach" {
        return Ok(Task::Watch(app.world.plane().closing_of(&Key::of(pod))));
    }
    let command: Vec<String> = call.params.all("command").map(str::to_owned).collect();
    if command.is_empty() {
        return Err(ApiError::bad_request("you must specify a command"));
    }
    let container = Box::new(Container::of(&app.world.lock(), pod, container));
    Ok(Task::Run { container, command })
}

/// The container that is meant.
fn container<'p>(pod: &'p Value, wanted: &str) -> ApiResult<&'p Value> {
    let all = list(pod, "/spec/containers");
    let name = object::name(pod);
    match (wanted, all) {
        ("", [only]) => Ok(only),
        ("", many) => {
            let names: Vec<&str> = many.iter().map(|container| text(container, "/name")).collect();
            let choice = names.join(" ");
            let message =
                format!("a container name must be specified for pod {name}, choose one of: [{choice}]");
            Err(ApiError::bad_request(message))
        }
        (wanted, all) => {
            let found = all.iter().find(|container| text(container, "/name") == wanted);
            let message = || format!("container {wanted} is not valid for pod {name}");
            found.ok_or_else(|| ApiError::bad_request(message()))
        }
    }
}

/// Agrees to the upgrade, and attends to the connection once it stands.
fn begin(app: &App, call: &Call, way: Way, purpose: Purpose) -> ApiResult<Response> {
    let Some(connection) = call.upgrade.clone() else {
        return Err(ApiError::bad_request("connections need a socket: this API is called without one"));
    };
    let mut stopping = app.stopping.clone();
    tokio::spawn(async move {
        let Ok(connection) = connection.await else { return };
        tokio::select! {
            () = attend(TokioIo::new(connection), way, purpose) => {}
            // An error means that the server is gone, which it is only after it has been told to stop.
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    });
    Ok(upgrade::agree(way, &call.headers))
}

async fn attend(transport: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, way: Way, purpose: Purpose) {
    match (way, purpose) {
        (Way::Channels { closable, .. }, Purpose::Command { task, asked }) => {
            let channels = asked.channels(closable);
            websocket::channels(transport, channels, |pipes| command::over_channels(task, asked, pipes))
                .await;
        }
        (Way::Channels { closable, .. }, Purpose::Ports { pod, ports }) => {
            let channels = forward::channels(&ports, closable);
            websocket::channels(transport, channels, |pipes| forward::over_channels(pod, ports, pipes)).await;
        }
        (Way::Streams { .. }, Purpose::Command { task, asked }) => {
            spdy::run(transport, |streams| command::over_streams(task, asked, streams)).await;
        }
        (Way::Streams { .. }, Purpose::Ports { pod, .. }) => {
            spdy::run(transport, |streams| forward::over_streams(pod, streams)).await;
        }
        (Way::Tunnel, Purpose::Ports { pod, .. }) => {
            let attend = |pipe| spdy::run(pipe, |streams| forward::over_streams(pod, streams));
            websocket::tunnel(transport, attend).await;
        }
        // Nobody proposes it, and nobody agrees to it.
        (Way::Tunnel, Purpose::Command { .. }) => {}
    }
}
