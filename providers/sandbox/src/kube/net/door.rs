//! An open port: takes connections until it's closed, and lets those that are open finish what they do.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Weak;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::entrance::{Entrance, Way};
use super::{abroad, carry, pod, route};
use crate::kube::store::{Key, Store};
use crate::kube::world::World;

/// How long a request may still take when its door is closed.
const DRAIN: Duration = Duration::from_secs(5);
/// How long to wait after a failed accept (too many open files) before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: 29\r\n\
                             connection: close\r\n\r\nthe Service has no ready pod\n";

/// Turns true, or ends, when what it stands for is closed.
pub(crate) type Closing = watch::Receiver<bool>;

/// An open port. It closes when it is dropped.
pub(super) struct Door {
    accepting: AbortHandle,
    closing: watch::Sender<bool>,
    entrance: Entrance,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.accepting.abort();
        self.closing.send_replace(true);
    }
}

impl Door {
    /// Opens a listener; nothing outside of a runtime.
    pub(super) fn open(world: Weak<World>, entrance: Entrance, listener: TcpListener) -> Option<Self> {
        listener.set_nonblocking(true).ok()?;
        let runtime = Handle::try_current().ok()?;
        let listener = tokio::net::TcpListener::from_std(listener).ok()?;
        let (closing, closed) = watch::channel(false);
        let accepting = runtime.spawn(accept(world, entrance.clone(), listener, closed)).abort_handle();
        Some(Self { accepting, closing, entrance })
    }

    pub(super) fn entrance(&self) -> &Entrance {
        &self.entrance
    }
}

async fn accept(world: Weak<World>, entrance: Entrance, listener: tokio::net::TcpListener, closed: Closing) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Nothing depends on it but latency.
                let _ = stream.set_nodelay(true);
                drop(tokio::spawn(take(world.clone(), entrance.clone(), stream, peer.ip(), closed.clone())));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Serves a connection that comes to a pod's port by itself, until either side ends it; false if nothing listens there.
pub(crate) async fn enter(
    world: &Weak<World>,
    pod: &Key,
    port: u16,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> bool {
    let Some(strong) = world.upgrade() else { return false };
    if !listens(&strong.lock().store, pod, port) {
        return false;
    }
    let closings = strong.plane().closing_of(pod);
    drop(strong);
    let entrance = Entrance::Pod { pod: pod.clone(), port };
    serve(world.clone(), entrance, stream, IpAddr::V4(Ipv4Addr::LOCALHOST), closings).await;
    true
}

fn listens(store: &Store, pod: &Key, port: u16) -> bool {
    store.get("pods", pod).is_some_and(|found| pod::is_up(store, found) && pod::listens(store, found, port))
}

/// Serves one connection. A Service's is bound to one of its endpoints, unless the mesh routes each request.
async fn take(world: Weak<World>, entrance: Entrance, stream: TcpStream, peer: IpAddr, closed: Closing) {
    let Entrance::Service { service, port, way } = &entrance else {
        return serve(world, entrance, stream, peer, vec![closed]).await;
    };
    let Some(strong) = world.upgrade() else { return };
    if *way == Way::ClusterIp && route::virtual_service::routes_mesh(&strong.lock().store, service) {
        return serve(world, entrance, stream, peer, vec![closed]).await;
    }
    let endpoint = carry::endpoint_of(&strong, service, *port, *way, peer);
    let Some(endpoint) = endpoint else { return refuse(stream).await };
    match endpoint.pod {
        Some(pod) => {
            let closings = std::iter::once(closed).chain(strong.plane().closing_of(&pod)).collect();
            drop(strong);
            let entrance = Entrance::Pod { pod, port: endpoint.address.port() };
            serve(world, entrance, stream, peer, closings).await;
        }
        None => {
            drop(strong);
            pass(stream, endpoint.address).await;
        }
    }
}

async fn refuse(mut stream: TcpStream) {
    // Whoever has gone by now need not be told.
    let _ = stream.write_all(UNAVAILABLE).await;
    let _ = stream.shutdown().await;
}

async fn pass(mut client: TcpStream, address: std::net::SocketAddr) {
    match abroad::connect(address).await {
        // Either side may cut the connection at any time; nobody is left to be told.
        Ok(mut server) => drop(copy_bidirectional(&mut client, &mut server).await),
        Err(_) => refuse(client).await,
    }
}

/// Answers until either side ends it; a request that is under way when something closes is still answered.
async fn serve(
    world: Weak<World>,
    entrance: Entrance,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    closings: Vec<Closing>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (world, entrance) = (world.clone(), entrance.clone());
        async move {
            let response: Response<Body> =
                carry::answer(&world, entrance, peer, request.map(Body::new)).await;
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // Errors are the client's: it went away, or speaks no HTTP.
        _ = connection.as_mut() => {}
        () = closed(closings) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(DRAIN, connection).await;
        }
    }
}

/// Waits until one of them closes; for ever if there is none.
pub(crate) async fn closed(closings: Vec<Closing>) {
    let all = closings.into_iter().map(|mut closing| {
        Box::pin(async move {
            // An error means that it is gone, and so closed.
            let _ = closing.wait_for(|closed| *closed).await;
        })
    });
    let all: Vec<_> = all.collect();
    if all.is_empty() {
        return std::future::pending().await;
    }
    drop(futures::future::select_all(all).await);
}
