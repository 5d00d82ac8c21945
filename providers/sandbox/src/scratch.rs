//! A sandbox that lives in this process and in a temporary folder, and leaves nothing behind.

use std::error::Error;

use futures::FutureExt;
use meshform_engine::ports::{self, BoxFuture, ClusterAccess, HostAccess, SandboxError, SandboxStatus};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::daemon::{Residents, chain};
use crate::layout::Layout;

/// A sandbox for one use, served by the Tokio runtime that asks for it. Cheap to make: its world comes to be when it is first asked for a
/// cluster or a host. [`reset`](ports::Sandbox::reset) ends what is served and removes it; so does dropping it, without waiting.
#[derive(Default)]
pub struct ScratchSandbox {
    world: Mutex<Option<World>>,
}

struct World {
    residents: Residents,
    /// Removed after what is served from it.
    _folder: TempDir,
}

impl World {
    fn new() -> Result<Self, SandboxError> {
        let folder = TempDir::with_prefix("meshform-scratch-");
        let folder = folder.map_err(|error| failed("make a temporary folder", &error))?;
        let residents = Residents::new(Layout::of_stack(folder.path()));
        Ok(Self { residents, _folder: folder })
    }

    fn status(&self) -> SandboxStatus {
        self.residents.status().into()
    }
}

impl ScratchSandbox {
    /// A sandbox with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    async fn close(&self) -> bool {
        let Some(mut world) = self.world.lock().await.take() else { return false };
        world.residents.close().await;
        true
    }
}

/// The world, made if it is not there.
fn world<'w>(place: &'w mut MutexGuard<'_, Option<World>>) -> Result<&'w mut World, SandboxError> {
    if place.is_none() {
        **place = Some(World::new()?);
    }
    place.as_mut().ok_or_else(|| SandboxError { message: "The sandbox has no world.".to_owned() })
}

impl ports::Sandbox for ScratchSandbox {
    fn cluster<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<ClusterAccess, SandboxError>> {
        async move {
            let mut place = self.world.lock().await;
            let path = world(&mut place)?.residents.ensure_cluster(name).await;
            let kubeconfig_path = path.map_err(|error| failed("open a cluster", &error))?;
            let text = tokio::fs::read_to_string(&kubeconfig_path).await;
            let kubeconfig = text.map_err(|error| failed("read a kubeconfig", &error))?;
            Ok(ClusterAccess { kubeconfig, kubeconfig_path })
        }
        .boxed()
    }

    fn host<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<HostAccess, SandboxError>> {
        async move {
            let mut place = self.world.lock().await;
            let access = world(&mut place)?.residents.ensure_host(name).await;
            Ok(access.map_err(|error| failed("open a host", &error))?.into())
        }
        .boxed()
    }

    fn up(&self) -> BoxFuture<'_, Result<SandboxStatus, SandboxError>> {
        async move { Ok(world(&mut self.world.lock().await)?.status()) }.boxed()
    }

    fn down(&self) -> BoxFuture<'_, Result<bool, SandboxError>> {
        async move { Ok(self.close().await) }.boxed()
    }

    fn reset(&self) -> BoxFuture<'_, Result<bool, SandboxError>> {
        async move { Ok(self.close().await) }.boxed()
    }

    fn status(&self) -> BoxFuture<'_, Result<Option<SandboxStatus>, SandboxError>> {
        async move { Ok(self.world.lock().await.as_ref().map(World::status)) }.boxed()
    }

    /// It is served as long as it is there.
    fn serve(&self) -> BoxFuture<'_, Result<(), SandboxError>> {
        async move { Ok(()) }.boxed()
    }
}

fn failed(attempt: &str, error: &dyn Error) -> SandboxError {
    SandboxError { message: format!("The sandbox failed to {attempt}: {}.", chain(error)) }
}
