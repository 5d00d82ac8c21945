//! Which process holds a lease, so that another one on the same machine sees at once when it is gone.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A process as no other process ever was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: u32,
    /// When it started, in ticks since the machine did.
    started: Option<u64>,
    /// Where its number means something.
    space: Option<Space>,
}

/// Two processes of one space see each other by their numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Space {
    /// A random name of the machine's run since it was started.
    boot: String,
    /// The namespace of process numbers: containers on one machine have their own.
    namespace: String,
}

impl Process {
    /// This process.
    pub(crate) fn current() -> &'static Self {
        // It is the same as long as it lives: the system is asked once.
        static CURRENT: LazyLock<Process> = LazyLock::new(|| {
            let pid = std::process::id();
            let started = match Life::of(pid) {
                Life::Since(started) => Some(started),
                Life::Gone | Life::Unclear => None,
            };
            Process { pid, started, space: Space::current() }
        });
        &CURRENT
    }

    /// Whether it has certainly ended. False whenever that cannot be told from here.
    pub(crate) fn is_gone(&self) -> bool {
        let Some(started) = self.started else { return false };
        let current = Self::current();
        if self == current || self.space.is_none() || self.space != current.space {
            return false;
        }
        match Life::of(self.pid) {
            Life::Gone => true,
            Life::Since(other) => other != started,
            Life::Unclear => false,
        }
    }
}

impl Space {
    fn current() -> Option<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?.to_str()?.to_owned();
        Some(Self { boot, namespace })
    }
}

/// What the system knows about a process number.
enum Life {
    /// A process that started at this tick.
    Since(u64),
    /// None, or only its remains.
    Gone,
    /// The system does not say.
    Unclear,
}

impl Life {
    /// By the fields 3 (state) and 22 (start time) of `/proc/PID/stat`, see proc_pid_stat(5).
    fn of(pid: u32) -> Self {
        let text = match fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Self::Gone,
            Err(_) => return Self::Unclear,
        };
        // The second field is the program's name in parentheses and may itself contain some.
        let Some((_, fields)) = text.rsplit_once(')') else { return Self::Unclear };
        let fields: Vec<_> = fields.split_whitespace().collect();
        match (fields.first(), fields.get(19).and_then(|field| field.parse().ok())) {
            (Some(&("Z" | "X")), _) => Self::Gone,
            (_, Some(started)) => Self::Since(started),
            _ => Self::Unclear,
        }
    }
}

/// The user and machine that this process runs as and on.
pub fn holder() -> &'static str {
    static HOLDER: LazyLock<String> = LazyLock::new(user_and_machine);
    &HOLDER
}

fn user_and_machine() -> String {
    let user =
        ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let user = user.unwrap_or_else(|| match fs::metadata("/proc/self") {
        Ok(metadata) => format!("user {}", metadata.uid()),
        Err(_) => "someone".into(),
    });
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{user}@{}", if machine.trim().is_empty() { "unknown" } else { machine.trim() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certainly_gone_is_gone() {
        let this = Process::current().clone();
        assert!(!this.is_gone());
        assert!(Process { started: this.started.map(|started| started + 1), ..this.clone() }.is_gone());
        assert!(Process { pid: u32::MAX, ..this.clone() }.is_gone());
        let elsewhere = Space { boot: "another".into(), namespace: "pid:[1]".into() };
        assert!(!Process { pid: u32::MAX, space: Some(elsewhere), ..this.clone() }.is_gone());
        assert!(!Process { pid: u32::MAX, space: None, ..this.clone() }.is_gone());
        assert!(!Process { pid: u32::MAX, started: None, ..this }.is_gone());
    }
}
