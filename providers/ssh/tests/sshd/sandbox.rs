//! The sandbox's host is a host like any other.

use std::fs;
use std::sync::Arc;

use meshform_engine::ports::HostAccess;
use meshform_engine::value::Value;
use meshform_sandbox::host::{Host, USER};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::stack::{Fields, Stack, connect_sandbox};

#[tokio::test]
async fn files_and_commands_live_in_the_sandbox() {
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
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(Arc::clone(&host).serve(listener, async { drop(stopped.await) }));
    let target = connect_sandbox(access.clone()).await.unwrap();
    assert!(target.identity().contains(' '), "a key and a machine id: {}", target.identity());

    let mut file = Stack::on(Arc::clone(&target), "host_file");
    let motd: Fields<'_> =
        &[("path", "/etc/motd".into()), ("content", "hello\n".into()), ("on_destroy", "restore".into())];
    file.converge(Some(motd)).await;
    assert_eq!(fs::read_to_string(access.root.join("etc/motd")).unwrap(), "hello\n");
    assert_eq!(file.plan(Some(motd)).await.unwrap().summary(), "NoOp");

    let mut command = Stack::on(target, "host_command");
    command.converge(Some(&[("run", "cat /etc/motd".into())])).await;
    assert_eq!(command.record.clone().unwrap().attributes.get("stdout"), Some(&Value::from("hello")));
    file.converge(None).await;
    assert_ne!(fs::read_to_string(access.root.join("etc/motd")).ok().as_deref(), Some("hello\n"));

    drop((file, command));
    drop(stop);
    serving.await.unwrap();
}
