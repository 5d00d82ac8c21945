//! A Service's port: connections are forwarded to its ready endpoints in turn.

use std::net::{SocketAddr, TcpListener};
use std::sync::Weak;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use super::plane::Moved;
use crate::kube::object::{flag, integer, list, text};
use crate::kube::store::Key;
use crate::kube::world::World;

const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: 31\r\n\
                             connection: close\r\n\r\nthe Service has no ready pod\r\n\r\n";
/// How long to wait after a failed accept (too many open files) before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// One listening port of a Service.
pub(super) struct Proxy {
    world: Weak<World>,
    moved: Moved,
    service: Key,
    /// The name of the port, as in the EndpointSlices.
    port: String,
    turn: AtomicUsize,
}

impl Proxy {
    pub(super) fn new(world: Weak<World>, moved: Moved, service: Key, port: String) -> Self {
        Self { world, moved, service, port, turn: AtomicUsize::new(0) }
    }

    /// Forwards until it is dropped.
    pub(super) async fn serve(self, listener: TcpListener) {
        let Ok(()) = listener.set_nonblocking(true) else { return };
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(forward(stream, self.candidates()))),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    /// The addresses of the ready endpoints, beginning with the one whose turn it is.
    fn candidates(&self) -> Vec<SocketAddr> {
        let Some(world) = self.world.upgrade() else { return Vec::new() };
        let state = world.lock();
        let mut found = Vec::new();
        for slice in state.store.list("endpointslices.discovery.k8s.io", Some(&self.service.namespace)) {
            if text(slice, "/metadata/labels/kubernetes.io~1service-name") != self.service.name {
                continue;
            }
            let port = list(slice, "/ports").iter().find(|port| text(port, "/name") == self.port);
            let number =
                port.and_then(|port| integer(port, "/port")).and_then(|port| u16::try_from(port).ok());
            let Some(number) = number else { continue };
            let ready =
                list(slice, "/endpoints").iter().filter(|endpoint| flag(endpoint, "/conditions/ready"));
            let addresses = ready.filter_map(|endpoint| text(endpoint, "/addresses/0").parse().ok());
            found.extend(addresses.map(|address| self.moved.resolve(SocketAddr::new(address, number))));
        }
        drop(state);
        if !found.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % found.len();
            found.rotate_left(turn);
        }
        found
    }
}

async fn forward(mut client: TcpStream, candidates: Vec<SocketAddr>) {
    for candidate in candidates {
        if let Ok(mut server) = TcpStream::connect(candidate).await {
            // Either side may cut the connection at any time; nobody is left to be told.
            let _ = copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
    let _ = client.write_all(UNAVAILABLE).await;
    let _ = client.shutdown().await;
}
