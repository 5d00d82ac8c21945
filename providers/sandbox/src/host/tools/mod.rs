//! What a host manages itself with: packages, units and containers, without the machine's own being touched.
//!
//! ```text
//! client.sh   the stand-in for apt-get, systemctl, docker, …: a script that says how it was called
//!   ↓ door    calls and answers, by files and pipes in /run/sandbox
//! mod         one boot of the host: who answers which call
//!   ↓
//! package     apt and dpkg, over dpkg's own database and an archive of the sandbox
//! unit        systemd: units in their files, processes in the private root
//! container   docker: containers that answer HTTP on the host's loopback addresses
//!   ↓
//! files       the host's files, as the host itself would look them up
//! ```
//!
//! All that has to last is in the host's own files. What runs, runs in its private root, and ends with that.

mod container;
mod door;
mod files;
mod package;
mod system;
mod unit;
mod words;

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, PoisonError};

use tokio::sync::{Mutex, Notify};
use tokio::task::{JoinHandle, JoinSet};

use super::confine::Entrance;
use container::Containers;
use door::{CLIENT_PATH, Door, Ring};
use files::Files;
use unit::Units;

/// The programs that are stood in for.
const PROGRAMS: &[&str] = &[
    "apt",
    "apt-cache",
    "apt-get",
    "apt-mark",
    "dpkg",
    "dpkg-query",
    "halt",
    "hostnamectl",
    "journalctl",
    "poweroff",
    "reboot",
    "shutdown",
    "systemctl",
    "systemd-notify",
];

/// What a stand-in was told.
#[derive(Debug)]
pub(super) struct Call {
    /// The name that it was called by.
    program: String,
    /// The folder that it was called in.
    folder: String,
    /// The run of a unit that it belongs to.
    run: Option<String>,
    words: Vec<String>,
    is_root: bool,
}

/// What it says, and its exit status.
#[derive(Debug, Default)]
pub(super) struct Answer {
    code: u8,
    out: String,
    err: String,
}

impl Answer {
    /// A failure with its reason.
    fn failed(code: u8, why: impl Into<String>) -> Self {
        Self { code, out: String::new(), err: why.into() }
    }

    /// Success with these words.
    fn said(out: impl Into<String>) -> Self {
        Self { code: 0, out: out.into(), err: String::new() }
    }

    fn say(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn complain(&mut self, text: &str) {
        self.err.push_str(text);
    }

    /// What the system has refused, as any program says it.
    fn refused(program: &str, error: &io::Error) -> Self {
        Self::failed(1, format!("{program}: {error}\n"))
    }
}

/// One boot of a host.
pub(super) struct Machine {
    files: Files,
    entrance: Entrance,
    /// What the user adds to the archive of packages.
    more_packages: PathBuf,
    /// Whoever changes packages has this.
    packages: Mutex<()>,
    units: Units,
    containers: Containers,
    reboots: Arc<Notify>,
    addresses: Addresses,
}

/// Where a host can be reached.
pub(super) type Addresses = Arc<std::sync::Mutex<Vec<IpAddr>>>;

/// A boot that goes on until this is dropped.
pub(super) struct Attended {
    machine: Arc<Machine>,
    attending: JoinHandle<()>,
}

impl Attended {
    /// Boots the host whose namespaces are there: starts what is to run, and answers who is at the door.
    ///
    /// `folder` is the host's. Whoever waits for `reboots` makes a new boot.
    pub(super) async fn boot(
        entrance: Entrance,
        folder: &Path,
        reboots: Arc<Notify>,
        addresses: Addresses,
    ) -> io::Result<Self> {
        let machine = Arc::new(Machine {
            files: Files::of(entrance.pid)?,
            entrance,
            more_packages: folder.join("packages"),
            packages: Mutex::new(()),
            units: Units::default(),
            containers: Containers::default(),
            reboots,
            addresses,
        });
        for program in PROGRAMS {
            // A host whose disk cannot be written has those that it had.
            let _ = machine.files.make_link(CLIENT_PATH, &format!("/usr/local/bin/{program}"));
        }
        let door = Door::open(&machine.files)?;
        let attending = tokio::spawn(attend(Arc::clone(&machine), door));
        let attended = Self { machine, attending };
        package::bear(&attended.machine).await;
        unit::boot(&attended.machine).await;
        container::boot(&attended.machine).await;
        Ok(attended)
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        self.attending.abort();
        self.machine.units.end();
        self.machine.containers.end();
    }
}

async fn attend(machine: Arc<Machine>, mut door: Door) {
    let mut calls = JoinSet::new();
    // When the door breaks, the host's files are gone.
    while let Ok(Some(ring)) = door.next().await {
        calls.spawn(answer(Arc::clone(&machine), ring));
        while calls.try_join_next().is_some() {}
    }
}

async fn answer(machine: Arc<Machine>, ring: Ring) {
    let answer = match ring.call() {
        Some(call) => machine.answer(&call).await,
        None => Answer::failed(126, "the sandbox does not understand the call\n"),
    };
    // Who has called may be gone.
    let _ = ring.answer(&answer);
}

impl Machine {
    async fn answer(self: &Arc<Self>, call: &Call) -> Answer {
        match call.program.as_str() {
            "apt" | "apt-get" => package::apt_get(self, call).await,
            "apt-cache" => package::apt_cache(self, call),
            "apt-mark" => package::apt_mark(self, call).await,
            "dpkg" => package::dpkg(self, call).await,
            "dpkg-query" => package::dpkg_query(self, call),
            "docker" => container::docker(self, call).await,
            "systemctl" => unit::systemctl(self, call).await,
            "journalctl" => unit::journalctl(self, call),
            "systemd-notify" => unit::notify(self, call),
            _ => system::answer(self, call).await,
        }
    }

    /// Where the host can be reached.
    fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what the host calls itself while it runs.
    async fn rename(&self, name: &str) -> io::Result<()> {
        let status = self.entrance.rename(name).stdin(Stdio::null()).status().await?;
        if status.success() { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    /// Runs a shell script inside, with these words as `$1`, `$2`, ….
    async fn sh(&self, script: &str, words: &[&str]) -> io::Result<Answer> {
        let mut command = self.entrance.shell(false);
        command.arg(format!("umask 022; cd /; {script}")).arg("sh").args(words).env("HOME", "/root");
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(255);
        Ok(Answer { code, out: text(output.stdout), err: text(output.stderr) })
    }
}
