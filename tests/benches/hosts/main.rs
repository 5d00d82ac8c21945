//! What it costs to find out that nothing is to be done on a host: 30 files and 3 packages, all as they should be.
//!
//! `cargo bench --bench hosts` measures in turns, each time from no connection: `meshform plan`; one `ssh` that runs the very program
//! that the plan sends; the same for five hosts at once; both with 50 ms of delay; and, where pip can install them, Ansible and pyinfra
//! on the same work. Every host is an sshd on loopback, so both ends run on this machine.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints, and fails by panicking"
)]

mod delay;
mod peers;
#[expect(dead_code, reason = "the provider's own tests use more of it")]
#[path = "../../../providers/ssh/tests/sshd/server.rs"]
mod server;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use server::{Sshd, user};
use tempfile::TempDir;

const FILES: usize = 30;
/// Every Debian has them.
const PACKAGES: [&str; 3] = ["bash", "coreutils", "sed"];
const HOSTS: usize = 5;
const ROUNDS: usize = 9;
const DELAY: Duration = Duration::from_millis(50);

/// Takes the place of `timeout` once, to keep the program that runs under it.
const RECORDER: &str = "#!/bin/sh\nshift 3\n[ $# = 1 ] && [ \"$1\" = true ] && exit 0\n[ -e \"$HOME/program\" ] && exec \"$@\"\ncat >\"$HOME/program\"\nexec \"$@\" <\"$HOME/program\"\n";

/// A host, and the port under which it is reached.
pub(crate) struct Host {
    pub(crate) sshd: Sshd,
    pub(crate) port: u16,
}

fn main() {
    let hosts: Vec<Host> = (0..HOSTS).map(|_| host()).collect();
    let (one, all) = (stack(&hosts[..1], |host| host.port), stack(&hosts, |host| host.port));
    for (folder, hosts) in [(&one, &hosts[..1]), (&all, &hosts[..])] {
        assert!(meshform(folder.path()).args(["apply", "-auto-approve"]).output().unwrap().status.success());
        record(folder.path(), hosts);
    }
    println!(
        "{FILES} files and {} packages on each host, nothing to do, from no connection; medians of {ROUNDS}",
        PACKAGES.len()
    );
    let ours = measure(&one, &hosts[..1], |host| host.port, "1 host");
    let ours_on_all = measure(&all, &hosts, |host| host.port, "5 hosts");
    println!("  5 hosts / 1 host: {:.2}", ours_on_all.as_secs_f64() / ours.as_secs_f64());

    let slow: Vec<u16> = hosts.iter().map(|host| delay::before(host.port, DELAY)).collect();
    let through = |host: &Host| slow[hosts.iter().position(|known| known.port == host.port).unwrap()];
    rewrite(&one, &hosts[..1], through);
    rewrite(&all, &hosts, through);
    measure(&one, &hosts[..1], through, "1 host, 50 ms away");
    measure(&all, &hosts, through, "5 hosts, 50 ms away");

    for count in [1, HOSTS] {
        for (name, took) in peers::no_op(&hosts[..count], FILES, &PACKAGES) {
            match took {
                Ok(took) => println!("{count} hosts, {name}: {took:.1?}"),
                Err(reason) => println!("\n  ### NOT MEASURED: {name}: {reason}\n"),
            }
        }
    }
}

fn host() -> Host {
    let sshd = Sshd::start();
    Host { port: sshd.port, sshd }
}

/// A stack for these hosts, reached at these ports.
fn stack(hosts: &[Host], port: impl Fn(&Host) -> u16) -> TempDir {
    let folder = TempDir::with_prefix("meshform-").unwrap();
    rewrite(&folder, hosts, port);
    folder
}

fn rewrite(folder: &TempDir, hosts: &[Host], port: impl Fn(&Host) -> u16) {
    let mut text = String::new();
    for (number, host) in hosts.iter().enumerate() {
        let path = |name: &str| host.sshd.path(name).display().to_string();
        let (user, key) = (user(), host.sshd.host_key());
        let _ = writeln!(
            text,
            "host \"h{number}\" {{\n  address = \"127.0.0.1\"\n  port = {}\n  user = {user:?}\n  identity_file = {:?}\n  host_key = {key:?}\n}}\n\
             resource \"host_file\" \"h{number}\" {{\n  host = host.h{number}\n  for_each = toset([for n in range({FILES}) : tostring(n)])\n  \
             path = \"{}-${{each.key}}\"\n  content = join(\"\", [for n in range(21) : \"setting_${{n}} = ${{each.key}}\\n\"])\n}}\n\
             resource \"host_package\" \"h{number}\" {{\n  host = host.h{number}\n  for_each = toset({PACKAGES:?})\n  name = each.key\n  \
             on_destroy = \"keep\"\n}}",
            port(host),
            path("user_key"),
            path("file"),
        );
    }
    fs::write(folder.path().join("main.hcl"), text).unwrap();
}

fn meshform(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshform"));
    command.current_dir(folder).env("NO_COLOR", "1").env("CI", "1");
    command
}

fn plan(folder: &Path) -> Duration {
    let begin = Instant::now();
    let ended = meshform(folder).args(["plan", "-detailed-exitcode"]).output().unwrap();
    let took = begin.elapsed();
    assert!(
        ended.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
    took
}

/// Plans once with the recorder in place, and leaves the program that looks in each server's folder.
fn record(folder: &Path, hosts: &[Host]) {
    for host in hosts {
        let _ = fs::remove_file(host.sshd.path("program"));
        host.sshd.tool("timeout", RECORDER);
    }
    plan(folder);
    for host in hosts {
        fs::remove_file(host.sshd.path("bin/timeout")).unwrap();
        assert!(fs::read_to_string(host.sshd.path("program")).unwrap().contains("file-29"));
        fs::write(host.sshd.path("known_hosts"), format!("* {}\n", host.sshd.host_key())).unwrap();
    }
}

/// The median of plans, which it prints with that of the floor.
fn measure(folder: &TempDir, hosts: &[Host], port: impl Fn(&Host) -> u16, what: &str) -> Duration {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(floor(hosts, &port));
        ours.push(plan(folder.path()));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!(
        "{what}: meshform plan {ours:.1?}; one ssh per host with the same program {theirs:.1?}; ratio {ratio:.2}"
    );
    ours
}

fn floor(hosts: &[Host], port: impl Fn(&Host) -> u16) -> Duration {
    let begin = Instant::now();
    let started: Vec<Child> = hosts.iter().map(|host| ssh(&host.sshd, port(host)).spawn().unwrap()).collect();
    for child in started {
        let output = child.wait_with_output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("END\t"), "{output:?}");
    }
    begin.elapsed()
}

fn ssh(sshd: &Sshd, port: u16) -> Command {
    let option = |name: &str, file: &str| format!("-o{name}={}", sshd.path(file).display());
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none", "-oBatchMode=yes", "-oIdentitiesOnly=yes", "-oGlobalKnownHostsFile=/dev/null"]);
    ssh.arg(option("UserKnownHostsFile", "known_hosts")).arg(option("IdentityFile", "user_key"));
    ssh.args(["-p", &port.to_string(), "-l", &user(), "127.0.0.1", "/bin/sh"]);
    ssh.stdin(File::open(sshd.path("program")).unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ssh
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
