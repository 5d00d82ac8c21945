//! Signals that a client sends to what it runs on the SSH host, and those that end it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use meshform_sandbox::host::{Host, USER};
use russh::client::{Config, Handle, Handler};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{ChannelMsg, Sig};
use tokio::net::TcpListener;

/// What a process's end was.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Status(u32),
    Signal(String),
    Nothing,
}

struct Trusting;

impl Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

/// Runs a command line, sends the signals as soon as it has said something, and tells what it said then and how it ended.
async fn run(client: &Handle<Trusting>, line: &str, signals: &[Sig]) -> (String, End) {
    let mut channel = client.channel_open_session().await.unwrap();
    channel.exec(true, line).await.unwrap();
    let (mut said, mut end, mut signals) = (String::new(), End::Nothing, signals.iter());
    let patience = Duration::from_secs(30);
    while let Some(message) = tokio::time::timeout(patience, channel.wait()).await.unwrap() {
        match message {
            ChannelMsg::Data { data } => {
                said.push_str(&String::from_utf8_lossy(&data));
                if let Some(signal) = signals.next() {
                    channel.signal(signal.clone()).await.unwrap();
                }
            }
            ChannelMsg::ExitStatus { exit_status } => end = End::Status(exit_status),
            ChannelMsg::ExitSignal { signal_name, .. } => end = End::Signal(format!("{signal_name:?}")),
            _ => {}
        }
    }
    (said, end)
}

#[tokio::test]
async fn signals_arrive_and_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let host = Arc::new(Host::open(folder.path(), "edge", "edge").unwrap());
    let key = std::fs::read(host.identity_file()).unwrap();
    let key = PrivateKey::from_openssh(key).unwrap();
    let listener = TcpListener::bind("127.98.251.7:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(host.serve(listener, std::future::pending()));
    let mut client = russh::client::connect(Arc::new(Config::default()), address, Trusting).await.unwrap();
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
    assert!(client.authenticate_publickey(USER, key).await.unwrap().success());

    let waiting = |more: &str| format!("{more} echo ready; while :; do sleep 0.05; done");
    let check = async |line: &str, signals: &[Sig], expect: (&str, End)| {
        let got = run(&client, line, signals).await;
        assert_eq!((got.0.as_str(), got.1), expect, "of `{line}`");
    };
    let died = |name: &str| End::Signal(name.to_owned());
    check("echo $SSH_CONNECTION | cut -d' ' -f3", &[], ("127.98.251.7\n", End::Status(0))).await;
    check(&waiting(""), &[Sig::TERM], ("ready\n", died("TERM"))).await;
    check(&waiting(""), &[Sig::KILL], ("ready\n", died("KILL"))).await;
    check(&waiting(""), &[Sig::HUP], ("ready\n", died("HUP"))).await;
    // A shell may keep an interrupt to itself when the command that it waits for ends just then.
    check("echo ready; exec sleep 30", &[Sig::INT], ("ready\n", died("INT"))).await;
    check(&waiting("trap 'exit 7' TERM;"), &[Sig::TERM], ("ready\n", End::Status(7))).await;
    check(
        &waiting("trap 'echo one' USR1; trap 'exit 8' TERM;"),
        &[Sig::USR1, Sig::TERM],
        ("ready\none\n", End::Status(8)),
    )
    .await;
    check("kill -TERM $$", &[], ("", died("TERM"))).await;
    check("echo dying; kill -SEGV $$", &[], ("dying\n", died("SEGV"))).await;
    check("kill -USR2 $$", &[], ("", died("Custom(\"SIG12@meshform\")"))).await;
}
