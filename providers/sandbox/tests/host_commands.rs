//! The suite of commands that real hosts are asked in `tests/hosts`, asked the sandbox's host by the system's own `ssh`.
//!
//! Needs `ssh` (Debian's openssh-client) and a kernel that lets us have namespaces.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Stdio};
use std::sync::Arc;

use meshform_sandbox::host::{Host, USER};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

#[path = "../../../tests/hosts/commands.rs"]
mod commands;

use commands::{Asked, Said};

#[test]
fn the_sandbox_answers_as_a_host_does() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let host = Arc::new(Host::open(&folder.path().join("edge"), "edge", "edge").unwrap());
    let identity = host.identity_file().to_owned();
    let listener = runtime.block_on(TcpListener::bind("127.98.252.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let known_hosts = folder.path().join("known_hosts");
    std::fs::write(&known_hosts, host.known_hosts_line("127.98.252.1", port) + "\n").unwrap();
    runtime.spawn(host.serve(listener, std::future::pending()));
    let run = |line: &str| {
        let output = Command::new("ssh")
            .args([
                "-F",
                "none",
                "-o",
                "BatchMode=yes",
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "LogLevel=ERROR",
                "-o",
            ])
            .arg(format!("UserKnownHostsFile={}", known_hosts.display()))
            .arg("-i")
            .arg(&identity)
            .args(["-p", &port.to_string(), "-l", USER, "127.98.252.1", line])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    };
    let asked = Asked::Sandbox { has_accounts: rustix::process::geteuid().is_root() };
    let topics = commands::topics();
    let told: Vec<String> =
        topics.iter().flat_map(|topic| commands::differences(topic, asked, &run)).collect();
    assert!(told.is_empty(), "{} differences:\n{}", told.len(), told.join("\n\n"));
    let (all, known) = commands::counts();
    assert!(all > 100 && commands::few(known), "{all} cases, {known} differences");
}
