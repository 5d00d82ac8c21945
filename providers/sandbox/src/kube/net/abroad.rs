//! Endpoints that are no pods: whatever listens on a loopback address, such as a sandbox host's service.

use std::io;
use std::net::SocketAddr;

use axum::body::Body;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Connects; the sandbox reaches nothing beyond loopback.
pub(super) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    if !address.ip().is_loopback() {
        return Err(io::ErrorKind::NetworkUnreachable.into());
    }
    TcpStream::connect(address).await
}

/// Asks the program that listens at `address`.
pub(super) async fn ask(address: SocketAddr, parts: Parts, body: Body) -> Response<Body> {
    let unreachable = || {
        let mut response = Response::new(Body::from("the endpoint cannot be reached\n"));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    };
    let Ok(stream) = connect(address).await else { return unreachable() };
    let Ok((mut sender, connection)) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await
    else {
        return unreachable();
    };
    // It ends when the answer is read, or with an error that the answer shows, too.
    drop(tokio::spawn(async move { drop(connection.await) }));
    match sender.send_request(Request::from_parts(parts, body)).await {
        Ok(response) => response.map(Body::new),
        Err(_) => unreachable(),
    }
}
