//! The sandbox of a stack, as the engine and the command line see it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use futures::FutureExt;
use meshform_engine::ports::{self, BoxFuture, ClusterAccess, HostAccess, SandboxError, SandboxStatus};

use crate::daemon::launch::{Daemon, Program};
use crate::daemon::wire::{Answer, Request};
use crate::daemon::{self, chain};
use crate::layout::Layout;

/// The sandbox of one stack: a background process that is started when it's first needed, and a world on disk that
/// outlives it. Cheap to make; making it touches nothing.
#[derive(Clone, Debug)]
pub struct Sandbox {
    daemon: Daemon,
}

impl Sandbox {
    /// The sandbox of the stack whose `.meshform` folder is `state`.
    ///
    /// It's served by this program: `meshform sandbox serve --dir STATE`, a hidden command that calls
    /// [`serve`](ports::Sandbox::serve).
    #[must_use]
    pub fn at(state: &Path) -> Self {
        let state = std::path::absolute(state).unwrap_or_else(|_| state.to_owned());
        Self { daemon: Daemon { layout: Layout::of_stack(&state), state, program: None } }
    }

    /// The same, served by another program; the `.meshform` folder is added to `arguments`.
    #[must_use]
    pub fn served_by(mut self, program: PathBuf, arguments: Vec<OsString>) -> Self {
        self.daemon.program = Some(Program { file: program, arguments });
        self
    }

    /// Where what the background process has to say is written.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.daemon.layout.log()
    }

    async fn ask(&self, request: Request) -> Result<Answer, SandboxError> {
        self.daemon.ask(&request).await.map_err(|error| failed(&error))
    }

    async fn remove_world(&self) -> Result<bool, SandboxError> {
        self.daemon.stop().await.map_err(|error| failed(&error))?;
        let folder = self.daemon.layout.folder().to_owned();
        if !folder.exists() {
            return Ok(false);
        }
        let shown = folder.display().to_string();
        let removed = tokio::task::spawn_blocking(move || remove(&folder)).await;
        let removed = removed.unwrap_or_else(|error| Err(io::Error::other(error)));
        removed.map(|()| true).map_err(|error| sentence(&format!("remove {shown}: {error}")))
    }
}

impl ports::Sandbox for Sandbox {
    fn cluster<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<ClusterAccess, SandboxError>> {
        async move {
            match self.ask(Request::EnsureCluster { name: name.to_owned() }).await? {
                Answer::Cluster { kubeconfig_path } => {
                    let text = tokio::fs::read_to_string(&kubeconfig_path).await;
                    let kubeconfig = text
                        .map_err(|error| sentence(&format!("read {}: {error}", kubeconfig_path.display())))?;
                    Ok(ClusterAccess { kubeconfig, kubeconfig_path })
                }
                other => Err(unexpected(other)),
            }
        }
        .boxed()
    }

    fn host<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<HostAccess, SandboxError>> {
        async move {
            match self.ask(Request::EnsureHost { name: name.to_owned() }).await? {
                Answer::Host(host) => Ok(host.into()),
                other => Err(unexpected(other)),
            }
        }
        .boxed()
    }

    fn up(&self) -> BoxFuture<'_, Result<SandboxStatus, SandboxError>> {
        async move {
            match self.ask(Request::Status).await? {
                Answer::Status(status) => Ok(status.into()),
                other => Err(unexpected(other)),
            }
        }
        .boxed()
    }

    fn down(&self) -> BoxFuture<'_, Result<bool, SandboxError>> {
        async move { self.daemon.stop().await.map_err(|error| failed(&error)) }.boxed()
    }

    fn reset(&self) -> BoxFuture<'_, Result<bool, SandboxError>> {
        self.remove_world().boxed()
    }

    fn status(&self) -> BoxFuture<'_, Result<Option<SandboxStatus>, SandboxError>> {
        async move {
            match self.daemon.ask_if_up(&Request::Status).await.map_err(|error| failed(&error))? {
                None => Ok(None),
                Some(Answer::Status(status)) => Ok(Some(status.into())),
                Some(other) => Err(unexpected(other)),
            }
        }
        .boxed()
    }

    fn log_path(&self) -> Option<PathBuf> {
        Some(self.log_file())
    }

    fn serve(&self) -> BoxFuture<'_, Result<(), SandboxError>> {
        async move { daemon::serve(self.daemon.layout.clone()).await.map_err(|error| failed(&error)) }.boxed()
    }
}

/// Removes a world. An ordinary user's may hold folders that a command made unreadable to its own owner.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(folder)?;
            fs::remove_dir_all(folder)
        }
        other => other,
    }
}

fn open_up(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // The type of the entry itself: links aren't followed.
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

fn failed(error: &dyn std::error::Error) -> SandboxError {
    sentence(&chain(error))
}

fn sentence(what: &str) -> SandboxError {
    SandboxError { message: format!("The sandbox failed to {what}.") }
}

fn unexpected(answer: Answer) -> SandboxError {
    match answer {
        Answer::Failed { message } => sentence(&message),
        _ => sentence("understand the sandbox's answer; `meshform sandbox down` ends one of another version"),
    }
}
