//! A sandbox for one use: its cluster and host answer, and nothing of it is left.

use std::io;
use std::net::TcpStream;

use meshform_engine::ports::Sandbox as _;
use meshform_sandbox::ScratchSandbox;

#[tokio::test]
async fn what_is_in_it_ends_with_it() {
    let sandbox = ScratchSandbox::new();
    assert!(sandbox.status().await.unwrap().is_none(), "nothing was asked for yet");
    assert!(!sandbox.reset().await.unwrap());
    let cluster = sandbox.cluster("main").await.unwrap();
    let host = sandbox.host("edge").await.unwrap();
    assert!(cluster.kubeconfig.contains("127.0.0.1") && host.root.is_dir());
    assert_eq!(sandbox.cluster("main").await.unwrap(), cluster, "the same one is answered again");
    let status = sandbox.status().await.unwrap().unwrap();
    assert_eq!((status.clusters.len(), status.hosts.len()), (1, 1));
    let connect = || TcpStream::connect((host.address.as_str(), host.port));
    connect().unwrap();
    assert!(sandbox.reset().await.unwrap());
    assert!(!cluster.kubeconfig_path.exists() && !host.root.exists());
    assert_eq!(connect().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn two_of_them_share_nothing() {
    let (one, other) = (ScratchSandbox::new(), ScratchSandbox::new());
    let (first, second) = (one.host("edge").await.unwrap(), other.host("edge").await.unwrap());
    assert!(first.root != second.root && first.known_hosts != second.known_hosts);
}
