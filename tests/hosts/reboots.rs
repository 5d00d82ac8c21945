//! Reboots of real hosts: another boot answers, and only when something asks for one.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::changes::apart;
use crate::host::Host;
use crate::lab::lend_one;
use crate::stack::Stack;

const BOOT: &str = "cat /proc/sys/kernel/random/boot_id";

fn reboot(more: &str) -> String {
    format!("resource \"host_reboot\" \"r\" {{\n{more}\n}}\n")
}

/// Waits until a script succeeds on a host, which may be away meanwhile.
fn wait(host: &Host, script: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !host.succeeds(script) {
        assert!(Instant::now() < deadline, "{script}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_host_reboots_when_something_asks_for_it() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    let text = |more: &str| host.block("") + &reboot(more);
    let stack = Stack::of(hosts.lab(), &text(""));
    let first = host.sh(BOOT);
    stack.apply().done();
    stack.plan().done();
    assert_eq!(host.sh(BOOT), first, "nothing asks for a reboot");

    host.sh("touch /run/reboot-required; echo linux-base >/run/reboot-required.pkgs");
    stack.plan().code(2).says(&["The host reboots: its system asks for that, after changes of linux-base."]);
    assert_eq!(host.sh(BOOT), first, "a plan changes nothing");
    stack.apply().done();
    let second = host.sh(BOOT);
    assert_ne!(second, first);
    stack.plan().done();

    stack.write("main.hcl", &text("  triggers = \"one\""));
    stack.plan().code(2).says(&["The host reboots: its triggers have changed."]);
    stack.apply().done();
    let third = host.sh(BOOT);
    assert_ne!(third, second);
    stack.plan().done();

    // A newer kernel that the host cannot start: it is tried once.
    host.sh("touch /boot/vmlinuz-$(uname -r) /boot/vmlinuz-999.9.9$(uname -r | sed 's/^[^-]*//')");
    stack.plan().code(2).says(&["The host reboots: it runs the kernel", "999.9.9"]);
    stack.apply().done();
    let fourth = host.sh(BOOT);
    assert_ne!(fourth, third);
    stack.plan().done();
    host.sh("rm /boot/vmlinuz-*");
    stack.destroy().says(&["Nothing is done on the host."]).done();
    assert_eq!(host.sh(BOOT), fourth);
    assert_eq!(apart(&before, &host.changes()), Vec::<PathBuf>::new(), "nothing is left");
}

#[test]
fn a_run_that_was_cut_off_is_not_followed_by_a_second_reboot() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    let text = |more: &str| host.block("") + &reboot(more);
    let stack = Stack::of(hosts.lab(), &text("  triggers = 1"));
    let first = host.sh(BOOT);
    let mut apply = stack.command(["apply", "-auto-approve"]).spawn().unwrap();
    wait(host, "test -f /var/lib/meshform/reboot-*");
    apply.kill().unwrap();
    apply.wait().unwrap();
    wait(host, &format!("[ \"$({BOOT})\" != {} ] && systemctl is-system-running -q", first.trim()));
    let second = host.sh(BOOT);
    stack.apply().done();
    assert_eq!(host.sh(BOOT), second, "it has happened already");
    stack.plan().done();
    stack.destroy().done();
    assert_eq!(apart(&before, &host.changes()), Vec::<PathBuf>::new(), "nothing is left");
}
