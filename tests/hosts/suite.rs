//! The suite of commands that the sandbox's host is asked in `providers/sandbox/tests/host_commands.rs`, asked real hosts by the system's
//! own `ssh`.

use std::process::{Command, Stdio};

use crate::commands::{self, Asked, Said};
use crate::host::Host;
use crate::lab::{Lab, lend_one};

fn run(lab: &Lab, host: &Host, line: &str) -> Said {
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR"]);
    ssh.args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-i"]);
    ssh.arg(&host.identity_file).args(["-l", "root", &host.address, line]);
    let output = lab.inside(&ssh).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

#[test]
fn real_hosts_answer_as_the_sandbox_does() {
    let Some(hosts) = lend_one() else { return };
    let run = |line: &str| run(hosts.lab(), &hosts[0], line);
    let told: Vec<String> =
        commands::topics().iter().flat_map(|topic| commands::differences(topic, Asked::Real, &run)).collect();
    assert!(told.is_empty(), "{} differences:\n{}", told.len(), told.join("\n\n"));
    let (all, known) = commands::counts();
    assert!(all > 100 && commands::few(known), "{all} cases, {known} differences");
}
