//! What looking at 33 resources costs, against one `ssh` that runs the very same program.
//!
//! Both connect from nothing, to the same sshd on loopback, in turns. Prints the medians and their ratio, which is to stay below 1.3.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench")]
#![allow(clippy::print_stdout, reason = "its result")]
#![allow(dead_code, reason = "it uses a part of the tests' server only")]

#[path = "../tests/sshd/server.rs"]
mod server;
#[path = "../tests/sshd/stack.rs"]
mod stack;

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use meshform_engine::address::{Address, Key};
use meshform_engine::ports::{ObserveItem, Observed};
use meshform_engine::value::Value;

use server::{Sshd, user};
use stack::connect;

const FILES: usize = 30;
const COMMANDS: usize = 3;
const ROUNDS: usize = 15;

/// Takes the place of `timeout` once, to keep the program that runs under it.
const RECORDER: &str = "#!/bin/sh\nshift 3\n[ $# = 1 ] && [ \"$1\" = true ] && exit 0\n[ -e \"$HOME/program\" ] && exec \"$@\"\ncat >\"$HOME/program\"\nexec \"$@\" <\"$HOME/program\"\n";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let server = Sshd::start();
    let items = items(&server);
    record(&server, &items).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(floor(&server));
        ours.push(look(&server, &items).await);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "looking at {FILES} files and {COMMANDS} commands: {ours:.1?}; one ssh with the same program: {theirs:.1?}; ratio {:.2}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
    let target = connect(&server, &[]).await.unwrap();
    let begin = Instant::now();
    target.observe(&items).await;
    println!("on a connection that stands: {:.1?}", begin.elapsed());
}

fn items(server: &Sshd) -> Vec<ObserveItem> {
    let item = |kind: &str, number: usize, identity: String, desired: Vec<(&str, Value)>| ObserveItem {
        address: Address::new(kind, "x").with_key(Key::Index(number as u64)),
        kind: kind.into(),
        identity,
        desired: Some(Value::object(desired.into_iter().map(|(name, value)| (name.to_owned(), value)))),
        record: None,
    };
    let file = |number: usize| {
        let path = server.path(&format!("file-{number}")).to_str().unwrap().to_owned();
        let content: String = (0..21).map(|line| format!("setting_{line} = {number}\n")).collect();
        fs::write(&path, &content).unwrap();
        item("host_file", number, path.clone(), vec![("path", path.into()), ("content", content.into())])
    };
    let command = |number: usize| {
        let guard = "test -e /etc/passwd";
        let desired = vec![("run", "true".into()), ("unless", guard.into())];
        item("host_command", number, format!("command:{number}"), desired)
    };
    (0..FILES).map(file).chain((0..COMMANDS).map(command)).collect()
}

/// Runs once with the recorder in place, and leaves the program in the server's folder.
async fn record(server: &Sshd, items: &[ObserveItem]) {
    server.tool("timeout", RECORDER);
    look(server, items).await;
    fs::remove_file(server.path("bin/timeout")).unwrap();
    assert!(fs::read_to_string(server.path("program")).unwrap().contains("file-29"));
    fs::write(server.path("known_hosts"), format!("* {}\n", server.host_key())).unwrap();
}

async fn look(server: &Sshd, items: &[ObserveItem]) -> Duration {
    let begin = Instant::now();
    let target = connect(server, &[]).await.unwrap();
    let observed = target.observe(items).await;
    let elapsed = begin.elapsed();
    assert!(observed.iter().all(|item| matches!(item, Ok(Observed::Present(_)))), "{observed:?}");
    elapsed
}

fn floor(server: &Sshd) -> Duration {
    let option = |name: &str, file: &str| format!("-o{name}={}", server.path(file).display());
    let mut ssh = Command::new("ssh");
    ssh.args([
        "-F",
        "none",
        "-o",
        "BatchMode=yes",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "GlobalKnownHostsFile=/dev/null",
    ]);
    ssh.arg(option("UserKnownHostsFile", "known_hosts")).arg(option("IdentityFile", "user_key"));
    ssh.args(["-p", &server.port.to_string(), "-l", &user(), "127.0.0.1", "/bin/sh"]);
    ssh.stdin(File::open(server.path("program")).unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let begin = Instant::now();
    let output = ssh.output().unwrap();
    let elapsed = begin.elapsed();
    assert!(String::from_utf8_lossy(&output.stdout).contains("END\t"), "{output:?}");
    elapsed
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
