//! Which process serves a sandbox: what `daemon.json` says, and whether it can be believed.

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use crate::private_file;

/// The environment variable by which the launcher says what it launched: a wrapper's build isn't ours.
pub(crate) const BUILD_VARIABLE: &str = "MESHFORM_SANDBOX_BUILD";

/// The content of `daemon.json`. Written when the process takes requests, removed when it stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) pid: u32,
    /// When the process started, in clock ticks since boot: tells it from a later one with its number.
    pub(crate) start_ticks: u64,
    pub(crate) socket: PathBuf,
    /// Of meshform, for the reader.
    pub(crate) version: String,
    /// Tells the program file from one that was built later.
    pub(crate) build: String,
}

impl Record {
    /// Of this process.
    pub(crate) fn of_this_process(socket: PathBuf) -> Self {
        let pid = std::process::id();
        Self {
            pid,
            start_ticks: start_ticks(pid).unwrap_or_default(),
            socket,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: env::var(BUILD_VARIABLE).unwrap_or_else(|_| build_of(Path::new("/proc/self/exe"))),
        }
    }

    /// What `path` says, if it's there and makes sense. What doesn't is as good as nothing: it's a hint, and
    /// whoever follows it checks.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        private_file::write(path, &serde_json::to_vec_pretty(self)?)
    }

    /// Whether the process still lives.
    pub(crate) fn is_alive(&self) -> bool {
        start_ticks(self.pid) == Some(self.start_ticks)
    }

    /// Signals the process, if it is still the one that was recorded.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let (true, Some(pid)) = (self.is_alive(), pid) {
            // It may end by itself at this moment.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

/// Identifies the content of a program file without reading it.
pub(crate) fn build_of(program: &Path) -> String {
    match fs::metadata(program) {
        Ok(found) => format!("{}-{}.{:09}", found.size(), found.mtime(), found.mtime_nsec()),
        Err(_) => "unknown".to_owned(),
    }
}

/// Field 22 of proc_pid_stat(5). The second field may hold spaces and parentheses, so count from its end.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let is_zombie = fields.next()? == "Z";
    if is_zombie { None } else { fields.nth(18)?.parse().ok() }
}
