//! Ports of a pod over the streams of a connection (`port-forward`).

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::spdy::Stream;
use super::websocket::Channels;
use crate::kube::http::params::Params;
use crate::kube::net;
use crate::kube::status::{ApiError, ApiResult};
use crate::kube::store::Key;
use crate::kube::world::World;

/// Every port takes two channels, whose numbers are bytes.
const PORTS_MAX: usize = 127;

/// The pod whose ports are forwarded.
#[derive(Clone)]
pub(super) struct Pod {
    pub(super) world: Weak<World>,
    pub(super) key: Key,
    pub(super) uid: String,
}

/// The ports that a request names.
///
/// # Errors
///
/// 400 for none, too many, and what is no port.
pub(super) fn ports(params: &Params) -> ApiResult<Vec<u16>> {
    let named: Vec<&str> = params.all("ports").flat_map(|list| list.split(',')).collect();
    let parsed = named.iter().map(|port| port.parse().ok().filter(|port| *port != 0));
    match parsed.collect::<Option<Vec<u16>>>() {
        Some(ports) if (1..=PORTS_MAX).contains(&ports.len()) => Ok(ports),
        Some(ports) if ports.is_empty() => Err(ApiError::bad_request("query parameter \"port\" is required")),
        _ => Err(ApiError::bad_request(format!(
            "query parameter \"port\" cannot be used: {}",
            named.join(",")
        ))),
    }
}

/// The channels of ports: one for the data of each, and one for what goes wrong. Each begins with the number of its port.
pub(super) fn channels(ports: &[u16], closable: bool) -> Channels {
    let twice = ports.iter().flat_map(|port| [port, port]);
    let greetings: Vec<Vec<u8>> =
        (0_u8..).zip(twice).map(|(channel, port)| [&[channel][..], &port.to_le_bytes()].concat()).collect();
    Channels { count: u8::try_from(greetings.len()).unwrap_or(u8::MAX), closable, greetings }
}

/// Forwards ports by channels, each once.
pub(super) async fn over_channels(pod: Pod, ports: Vec<u16>, pipes: Vec<DuplexStream>) {
    let mut connections = JoinSet::new();
    let mut pipes = pipes.into_iter();
    for port in ports {
        if let (Some(data), Some(error)) = (pipes.next(), pipes.next()) {
            connections.spawn(forward(pod.clone(), port, data, error));
        }
    }
    while connections.join_next().await.is_some() {}
}

/// Forwards each pair of streams that the client opens, until the connection ends.
pub(super) async fn over_streams(pod: Pod, mut opened: mpsc::Receiver<Stream>) {
    let mut connections = JoinSet::new();
    let mut halves: HashMap<String, (Option<DuplexStream>, Option<DuplexStream>)> = HashMap::new();
    while let Some(Stream { headers, pipe }) = opened.recv().await {
        let header = |name: &str| headers.get(name).map(String::as_str).unwrap_or_default();
        let half = halves.entry(header("requestid").to_owned()).or_default();
        match header("streamtype") {
            "data" => half.0 = Some(pipe),
            "error" => half.1 = Some(pipe),
            _ => continue,
        }
        if half.0.is_some()
            && half.1.is_some()
            && let Some((Some(data), Some(error))) = halves.remove(header("requestid"))
        {
            let port = header("port").parse().unwrap_or(0);
            connections.spawn(forward(pod.clone(), port, data, error));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn forward(pod: Pod, port: u16, data: DuplexStream, mut error: DuplexStream) {
    if net::enter(&pod.world, &pod.key, port, data).await {
        return;
    }
    let Pod { key, uid, .. } = pod;
    let why = format!(
        "error forwarding port {port} to pod {}, uid {uid}: failed to connect to localhost:{port} inside the pod: dial \
         tcp4 127.0.0.1:{port}: connect: connection refused",
        key.name
    );
    // Whoever has gone by now need not be told.
    let _ = error.write_all(why.as_bytes()).await;
}

impl Pod {
    pub(super) fn new(world: &Arc<World>, key: Key, uid: &str) -> Self {
        Self { world: Arc::downgrade(world), key, uid: uid.to_owned() }
    }
}
