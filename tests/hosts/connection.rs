//! Getting to a host by all that the user's own ssh knows, becoming root there, and what is told when a command fails.

use std::fs;
use std::process::{Child, Command};

use crate::host::Host;
use crate::lab::{lend, lend_one};
use crate::program::finish;
use crate::stack::Stack;

/// A file by which a login is seen to work.
const FILE: &str = "resource \"host_file\" \"f\" {\n  path = \"/srv/f\"\n  content = \"x\\n\"\n}\n";

/// A host's block without its own key file.
fn without_key_file(host: &Host) -> String {
    let block = host.block("");
    block.lines().filter(|line| !line.contains("identity_file")).map(|line| format!("{line}\n")).collect()
}

/// From the first plan to the end.
#[track_caller]
fn lives(stack: &Stack, host: &Host) {
    stack.apply().done();
    assert_eq!(host.sh("cat /srv/f"), "x\n");
    stack.plan().done();
    stack.destroy().done();
}

/// An agent, which ends with the test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_agents_key() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let mut stack = Stack::of(hosts.lab(), &(without_key_file(host) + FILE));
    stack.with_ssh_folder("");
    stack.apply().code(1).complains(&["Login denied", "no key at all", "ssh-add"]);
    let socket = stack.path("agent");
    let _agent = Agent(Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).spawn().unwrap());
    while !socket.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    stack.set("SSH_AUTH_SOCK", socket.to_str().unwrap());
    finish(Command::new("ssh-add").arg("-q").arg(&host.identity_file).env("SSH_AUTH_SOCK", &socket)).done();
    lives(&stack, host);
}

#[test]
fn a_certificate() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let block = without_key_file(host).replace("  address", "  identity_file = \"user\"\n  address");
    let stack = Stack::of(hosts.lab(), &(block + FILE));
    for name in ["authority", "user"] {
        let mut make = Command::new("ssh-keygen");
        finish(make.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(stack.path(name))).done();
    }
    stack.apply().code(1).complains(&["Login denied", "identity_file"]);
    let mut sign = Command::new("ssh-keygen");
    sign.args(["-q", "-I", "ann", "-n", "root", "-s"])
        .arg(stack.path("authority"))
        .arg(stack.path("user.pub"));
    finish(&mut sign).done();
    let authority = fs::read_to_string(stack.path("authority.pub")).unwrap();
    // A restart is over when the port is open again, a reload before that.
    host.sh(&format!(
        "echo '{}' >/etc/ssh/authority && echo 'TrustedUserCAKeys /etc/ssh/authority' >/etc/ssh/sshd_config.d/authority.conf && \
         systemctl restart ssh",
        authority.trim()
    ));
    lives(&stack, host);
    host.sh("rm /etc/ssh/authority /etc/ssh/sshd_config.d/authority.conf && systemctl restart ssh");
}

#[test]
fn a_jump_host_and_an_alias() {
    let Some(hosts) = lend(2) else { return };
    let [bastion, inner] = &*hosts else { panic!("two hosts") };
    // Only by the one, the other can be reached under this name; it has its own port, user and key in the user's configuration.
    let configuration = |hosts: &str| {
        format!(
            "Host inner\n  HostName {}\n  User root\n  IdentityFile {key}\nHost {}\n  User root\n  IdentityFile {key}\n{hosts}",
            inner.address,
            bastion.address,
            key = inner.identity_file.display()
        )
    };
    let text = format!(
        "host \"inner\" {{\n  address = \"inner\"\n  jump = {:?}\n  host_key = {:?}\n}}\n",
        bastion.address, inner.key
    );
    let mut stack = Stack::of(hosts.lab(), &(text + FILE));
    stack.with_ssh_folder(&configuration(""));
    stack.apply().code(1).complains(&["Host key of the jump host not accepted", &bastion.address]);
    stack.write("ssh/known_hosts", &format!("{} {}\n", bastion.address, bastion.key));
    let before = bastion.sh("journalctl -q -u ssh | grep -c 'Accepted publickey' || true");
    lives(&stack, inner);
    let after = bastion.sh("journalctl -q -u ssh | grep -c 'Accepted publickey' || true");
    assert_ne!(before, after, "the way leads through the jump host");
}

#[test]
fn doas_and_its_refusal() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    host.sh(
        "useradd -m bob && mkdir -m 700 ~bob/.ssh && cp ~/.ssh/authorized_keys ~bob/.ssh/ && chown -R bob: ~bob/.ssh && \
         echo 'permit bob' >/etc/doas.conf",
    );
    let block = host.block("  become = \"doas\"").replace("\"root\"", "\"bob\"");
    let stack = Stack::of(hosts.lab(), &(block + FILE));
    stack.apply().code(1).complains(&["Not allowed to become root", "nopass", "doas"]);
    host.sh("echo 'permit nopass bob' >/etc/doas.conf");
    lives(&stack, host);
    host.sh("userdel -rf bob 2>/dev/null; rm -f /etc/doas.conf");
    host.is_as(&before, "all of it is taken away");
}

#[test]
fn a_failing_command_is_told_whole() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let text =
        "resource \"host_command\" \"bad\" {\n  run = \"seq 1000 1200; seq 2000 2200 >&2; exit 3\"\n}\n";
    let stack = Stack::of(hosts.lab(), &(host.block("") + text));
    let ended = stack.apply().code(1);
    let place = format!("host.{}", host.name);
    let numbers: Vec<String> = (1000..=1200).chain(2000..=2200).map(|number| number.to_string()).collect();
    let words: Vec<&str> = ["Command failed", "exit code 3", &place]
        .into_iter()
        .chain(numbers.iter().map(String::as_str))
        .collect();
    ended.complains(&words);
}
