//! One host, by the eyes of who stands beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::changes::{Changes, between, changes};
use crate::program::{Ended, finish};

/// A running host.
pub(crate) struct Host {
    /// Its name, in the stack too.
    pub(crate) name: String,
    /// Its IP address.
    pub(crate) address: String,
    /// Its public key, as `host_key` takes it.
    pub(crate) key: String,
    /// The private key with which it lets root in.
    pub(crate) identity_file: PathBuf,
    supervisor: u32,
    /// What it has changed of its root.
    upper: PathBuf,
    /// Its root.
    merged: PathBuf,
    /// What its root started as.
    lower: PathBuf,
}

impl Host {
    /// A host by the line that tells about it, in the world of the process whose folder in /proc this is.
    pub(crate) fn read(line: &str, world: &Path, root: &Path, folder: &Path) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        let (name, address) = (words.next()?.to_owned(), words.next()?.to_owned());
        let supervisor = words.next()?.parse().ok()?;
        let place = world.join("root/run/hosts").join(&name);
        Some(Self {
            key: words.next()?.to_owned(),
            supervisor,
            upper: place.join("upper"),
            merged: place.join("merged"),
            lower: root.to_owned(),
            identity_file: folder.join("id"),
            name,
            address,
        })
    }

    /// Its block in a stack, as root, with these lines more.
    pub(crate) fn block(&self, more: &str) -> String {
        let Self { name, address, key, identity_file, .. } = self;
        format!(
            "host {name:?} {{\n  address = {address:?}\n  user = \"root\"\n  identity_file = {identity_file:?}\n  \
             host_key = {key:?}\n{more}\n}}\n"
        )
    }

    /// Runs a shell script on it, not by way of ssh.
    pub(crate) fn try_sh(&self, script: &str) -> Ended {
        run(self.leader(), script)
    }

    /// Whether a script succeeds on it, which it does not while the host is away.
    pub(crate) fn succeeds(&self, script: &str) -> bool {
        self.find_leader().is_some_and(|leader| run(leader, script).code == 0)
    }

    /// The same, of a script that has to succeed; tells what it printed.
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) -> String {
        self.try_sh(script).done().out
    }

    /// Everything that differs from the system that it started from.
    pub(crate) fn changes(&self) -> Changes {
        let temporary = PathBuf::from(format!("/proc/{}/root/tmp", self.leader()));
        changes(&self.upper, &self.merged, &self.lower, &temporary)
    }

    /// Checks that it is what it was at that look.
    #[track_caller]
    pub(crate) fn is_as(&self, before: &Changes, why: &str) {
        let between = between(before, &self.changes());
        assert!(between.is_empty(), "{why}, but there are {between:#?} on {}", self.name);
    }

    /// Its first process, by the number that it has for us. It is another one after a reboot.
    fn leader(&self) -> u32 {
        self.find_leader().unwrap_or_else(|| panic!("{} does not run", self.name))
    }

    fn find_leader(&self) -> Option<u32> {
        let child = |pid: u32| {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
            children.ok()?.split_whitespace().next()?.parse::<u32>().ok()
        };
        // The supervisor runs the shell that runs systemd-nspawn that runs it.
        child(self.supervisor).and_then(child).and_then(child)
    }
}

fn run(leader: u32, script: &str) -> Ended {
    let mut command = Command::new("nsenter");
    command.args(["--all", "--root", "--wd", "--target", &leader.to_string(), "--"]);
    command.args(["env", "-i", "HOME=/root", "LC_ALL=C"]);
    command.arg("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    finish(command.args(["/bin/sh", "-c", script]))
}
