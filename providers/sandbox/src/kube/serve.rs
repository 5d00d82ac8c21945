//! The API as a service: in process, or on a socket.

use std::future::{Future, IntoFuture};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::error::Error;
use super::http;
use super::world::World;

/// How long requests may take to end once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(2);

/// The API of `world` as a tower service, to be called in process or served on a socket.
pub fn router(world: Arc<World>) -> Router {
    http::router(world, watch::Sender::new(false).subscribe())
}

/// Answers on `listener` until `shutdown` is ready; open watches are then ended, and other requests get two seconds.
///
/// # Errors
///
/// When the listening socket fails.
pub async fn serve(
    world: Arc<World>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let (stop, stopping) = watch::channel(false);
    let mut stopped = stopping.clone();
    let server = axum::serve(listener, http::router(world, stopping))
        .with_graceful_shutdown(async move {
            shutdown.await;
            stop.send_replace(true);
        })
        .into_future();
    let drained = async move {
        // An error means that the sender is gone, which it is only after it has told to stop.
        let _ = stopped.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server => ended.map_err(|source| Error::Serve { source }),
        () = drained => Ok(()),
    }
}
