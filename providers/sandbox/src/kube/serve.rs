//! The API as a service: in process, or on a socket.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use super::error::Error;
use super::world::World;

/// The API of `world` as a tower service, to be called in process or served on a socket.
pub fn router(world: Arc<World>) -> Router {
    let _ = world;
    Router::new()
}

/// Answers on `listener` until `shutdown` is ready; open watches are then ended.
///
/// # Errors
///
/// When the listening socket fails.
pub async fn serve(
    world: Arc<World>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    axum::serve(listener, router(world))
        .with_graceful_shutdown(shutdown)
        .await
        .map_err(|source| Error::Serve { source })
}
