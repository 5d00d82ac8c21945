//! The sandbox's host is a host like any other.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use meshform_engine::ports::{HostAccess, Target};
use meshform_engine::value::Value;
use meshform_sandbox::host::{Host, USER};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::stack::{Fields, Stack, connect_sandbox};

/// A host of the sandbox that runs.
pub(crate) struct SandboxHost {
    access: HostAccess,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

impl SandboxHost {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let host = Arc::new(Host::open(folder.path(), "web", "web").unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let access = HostAccess {
            address: "127.0.0.1".into(),
            port,
            user: USER.into(),
            identity_file: host.identity_file().to_owned(),
            known_hosts: host.known_hosts_line("127.0.0.1", port),
            root: host.root().to_owned(),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let serving =
            tokio::spawn(
                async move { Arc::clone(&host).serve(listener, async { drop(stopped.await) }).await },
            );
        Self { access, stop, serving, _folder: folder }
    }

    pub(crate) async fn connect(&self) -> Arc<dyn Target> {
        connect_sandbox(self.access.clone()).await.unwrap()
    }

    /// Where a path of the host lies on this machine.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.access.root.join(path.trim_start_matches('/'))
    }

    /// Ends it. Nobody may be connected any more.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.serving.await.unwrap();
    }
}

#[tokio::test]
async fn files_and_commands_live_in_the_sandbox() {
    let host = SandboxHost::start().await;
    let target = host.connect().await;
    assert!(target.identity().contains(' '), "a key and a machine id: {}", target.identity());

    let mut file = Stack::on(Arc::clone(&target), "host_file");
    let motd: Fields<'_> =
        &[("path", "/etc/motd".into()), ("content", "hello\n".into()), ("on_destroy", "restore".into())];
    file.converge(Some(motd)).await;
    assert_eq!(fs::read_to_string(host.path("/etc/motd")).unwrap(), "hello\n");
    assert_eq!(file.plan(Some(motd)).await.unwrap().summary(), "NoOp");

    let mut command = Stack::on(target, "host_command");
    command.converge(Some(&[("run", "cat /etc/motd".into())])).await;
    assert_eq!(command.record.clone().unwrap().attributes.get("stdout"), Some(&Value::from("hello")));
    file.converge(None).await;
    assert_ne!(fs::read_to_string(host.path("/etc/motd")).ok().as_deref(), Some("hello\n"));

    drop((file, command));
    host.stop().await;
}
