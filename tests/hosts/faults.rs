//! What goes wrong between us and a host, and on it: a clear error, nothing half-written, and the next apply ends what was begun.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::host::Host;
use crate::lab::{lend, lend_one};
use crate::proxy::{Fate, Proxy};
use crate::stack::Stack;

/// Several resources of several kinds, whose content this is a part of.
fn several(mark: u64) -> String {
    format!(
        r#"
resource "host_directory" "a" {{
  path       = "/srv/a"
  mode       = "0750"
  on_destroy = "remove_all"
}}

resource "host_file" "b" {{
  path    = "${{host_directory.a.path}}/b"
  content = "{mark}\n${{join("", [for n in range(0, 1000) : "this is the line ${{n}}\n"])}}"
}}

resource "host_line" "c" {{
  path       = "/srv/c"
  match      = "mark"
  line       = "mark {mark}"
  on_destroy = "restore"
  depends_on = [host_file.b]
}}

resource "host_env_file" "d" {{
  path       = "/srv/d"
  values     = {{ MARK = "{mark}" }}
  depends_on = [host_line.c]
}}

resource "host_command" "e" {{
  run        = "cat /srv/d >/srv/a/e"
  triggers   = [{mark}]
  depends_on = [host_env_file.d]
}}
"#
    )
}

/// What `several` makes, with this mark.
fn is_whole(host: &Host, mark: u64) {
    let begin = host.sh("head -n 1 /srv/a/b; wc -l </srv/a/b; cat /srv/c /srv/d /srv/a/e; ls -A /srv /srv/a");
    let expect =
        format!("{mark}\n1001\n1\nmark {mark}\nMARK={mark}\nMARK={mark}\n/srv:\na\nc\nd\n\n/srv/a:\nb\ne\n");
    assert_eq!(begin, expect);
}

/// No file of ours is left anywhere where a resource of this stack lies.
fn nothing_half_written(host: &Host) {
    let mut left = String::new();
    for _ in 0..50 {
        left = host.sh("find /srv /etc /root /tmp /var/lib -xdev -name '.meshform-*'");
        if left.is_empty() {
            return;
        }
        // What was cut off on the host ends by itself, soon.
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("left: {left}");
}

#[test]
fn a_connection_cut_anywhere() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    host.sh("echo 1 >/srv/c");
    let mut proxy = Proxy::before(hosts.lab(), host);
    let block = host
        .block("")
        .replace(&host.address, "127.0.0.1")
        .replace("  user = \"root\"", &format!("  user = \"root\"\n  port = {}", proxy.port));
    let stack = Stack::of(hosts.lab(), &(block.clone() + &several(0)));
    proxy.set(Fate::Stand);
    stack.apply().done();
    is_whole(host, 0);
    let total = proxy.passed();
    let mut random = StdRng::seed_from_u64(7);
    const CUTS: u64 = 10;
    let mut failed = 0;
    for round in 1..=CUTS {
        let at = total * (round - 1) / CUTS + random.random_range(0..total / CUTS);
        let fate = if round % 2 == 0 { Fate::CutOnce(at) } else { Fate::Gone(at) };
        stack.write("main.hcl", &(block.clone() + &several(round)));
        proxy.set(fate);
        let ended = stack.apply();
        if ended.code != 0 {
            failed += 1;
            let told = ["Host unreachable", "Connection lost", "broke"];
            assert!(told.iter().any(|words| ended.err.contains(words)), "{fate:?} of {total}: {ended}");
        }
        nothing_half_written(host);
        proxy.set(Fate::Stand);
        let again = stack.apply();
        assert_eq!(again.code, 0, "after {fate:?} of {total}: {again}");
        is_whole(host, round);
        stack.plan().done();
    }
    assert!(failed >= 2, "the host was gone in the middle of {failed} runs");
    stack.destroy().done();
    host.sh("rm /srv/c");
    host.is_as(&before, "all of it is taken away");
}

#[test]
fn a_full_disk() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    host.sh("mkdir /srv/small && mount -t tmpfs -o size=64k none /srv/small && echo old >/srv/small/file");
    let text = r#"
resource "host_file" "large" {
  path       = "/srv/small/file"
  content    = file("large")
  on_destroy = "restore"
}
"#;
    let stack = Stack::of(hosts.lab(), &(host.block("") + text));
    stack.write("large", &"a line\n".repeat(20_000));
    stack.apply().code(1).complains(&[
        "File not written",
        "No space left on device",
        "what was there still is",
    ]);
    assert_eq!(host.sh("cat /srv/small/file; ls -A /srv/small"), "old\nfile\n");
    host.sh("mount -o remount,size=4m /srv/small");
    stack.apply().done();
    assert_eq!(host.sh("wc -l </srv/small/file; ls -A /srv/small"), "20000\nfile\n");
    stack.plan().done();
    stack.destroy().done();
    assert_eq!(host.sh("cat /srv/small/file"), "old\n");
    host.sh("umount /srv/small && rmdir /srv/small");
    host.is_as(&before, "all of it is taken away");
}

#[test]
fn a_read_only_root() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    host.sh("echo 1 >/srv/c");
    let before = host.changes();
    let stack = Stack::of(hosts.lab(), &(host.block("") + &several(1)));
    host.sh(
        "for d in /etc /home /root /srv /var/lib; do mount --bind $d $d && mount -o remount,bind,ro $d; done",
    );
    stack.plan().code(2);
    let ended = stack.apply();
    host.sh("umount /etc /home /root /srv /var/lib");
    assert_eq!(ended.code, 1, "{ended}");
    ended.complains(&["host_directory.a", "Read-only file system"]);
    host.is_as(&before, "a refused write writes nothing");
    stack.apply().done();
    is_whole(host, 1);
    stack.plan().done();
    stack.destroy().done();
    host.is_as(&before, "all of it is taken away");
    host.sh("rm /srv/c");
}

/// Gathers what every process of this machine and of its hosts shows about itself, until told to stop.
fn watch_processes(stop: &AtomicBool) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    while !stop.load(Ordering::SeqCst) {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            for file in ["cmdline", "environ"] {
                if let Ok(text) = fs::read(entry.path().join(file)) {
                    seen.insert(String::from_utf8_lossy(&text).into_owned());
                }
            }
        }
    }
    seen
}

#[test]
fn sudo_that_asks() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    host.sh(
        "useradd -m ann && echo 'ann:right-horse 1' | chpasswd && echo 'ann ALL=(ALL) ALL' >/etc/sudoers.d/ann && \
         mkdir -m 700 ~ann/.ssh && cp ~/.ssh/authorized_keys ~ann/.ssh/ && chown -R ann: ~ann/.ssh",
    );
    let as_ann =
        |more: &str| host.block(&format!("  become = \"sudo\"\n{more}")).replace("\"root\"", "\"ann\"");
    let file = "resource \"host_file\" \"f\" {\n  path = \"/srv/f\"\n  content = \"by root\\n\"\n  mode = \"0600\"\n}\n";
    let stack = Stack::of(hosts.lab(), &(as_ann("") + file));
    stack.apply().code(1).complains(&["Not allowed to become root", "NOPASSWD", "become_password"]);

    let with = |password: &str| {
        as_ann("  become_password = var.password")
            + &format!(
                "variable \"password\" {{\n  type = string\n  sensitive = true\n  default = {password:?}\n}}\n"
            )
            + file
    };
    let stop = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let watch = scope.spawn(|| watch_processes(&stop));
        stack.write("main.hcl", &with("wrong-horse 1"));
        let wrong = stack.apply();
        stack.write("main.hcl", &with("right-horse 1"));
        let right = stack.apply();
        stop.store(true, Ordering::SeqCst);
        let ended = wrong.code(1).complains(&["Not allowed to become root", "Check become_password"]);
        drop((ended, right.done()));
        watch.join().unwrap()
    });
    assert!(seen.iter().any(|text| text.contains("sudo")), "sudo was seen at work");
    let shown: Vec<_> = seen.iter().filter(|text| text.contains("horse")).collect();
    assert!(shown.is_empty(), "{shown:?}");
    assert_eq!(host.sh("stat -c %U:%a /srv/f"), "root:600\n");
    stack.plan().done();
    stack.destroy().done();
    host.sh("userdel -rf ann 2>/dev/null; rm -rf /etc/sudoers.d/ann");
    host.is_as(&before, "all of it is taken away");
}

#[test]
fn a_changed_host_key_and_an_absent_host() {
    let Some(hosts) = lend(3) else { return };
    let text = |host: &Host| {
        let name = &host.name;
        format!(
            "resource \"host_file\" {name:?} {{\n  host = host.{name}\n  path = \"/srv/f\"\n  content = \"on {name}\\n\"\n}}\n"
        )
    };
    let whole: String = hosts.iter().map(|host| host.block("") + &text(host)).collect();
    let stack = Stack::of(hosts.lab(), &whole);
    let [good, changed, absent] = &*hosts else { panic!("three hosts") };
    let at_first = [good.changes(), changed.changes(), absent.changes()];
    changed.sh(
        "cd /etc/ssh && mkdir /srv/keys && cp -p ssh_host* /srv/keys && rm ssh_host* && ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key && \
         systemctl restart ssh",
    );
    absent.sh("systemctl stop ssh");
    let ended = [stack.plan(), stack.apply()];
    let without = [
        "plan",
        "-exclude",
        &format!("host_file.{}", changed.name),
        "-exclude",
        &format!("host_file.{}", absent.name),
    ]
    .map(str::to_owned);
    let rest = stack.run(without);
    changed.sh("cp -p /srv/keys/* /etc/ssh/ && rm -r /srv/keys && systemctl restart ssh");
    absent.sh("systemctl start ssh");
    for ended in &ended {
        assert_eq!(ended.code, 1, "{ended}");
        for words in ["Host key changed", "host_key pins", "Host unreachable", &absent.address] {
            assert!(ended.err.contains(words), "no {words:?} in {ended}");
        }
    }
    rest.done().says(&[&format!("on {}", good.name)]);
    stack.apply().done();
    for host in &*hosts {
        assert_eq!(host.sh("cat /srv/f"), format!("on {}\n", host.name));
    }
    stack.plan().done();
    stack.destroy().done();
    for (host, at_first) in hosts.iter().zip(&at_first) {
        host.is_as(at_first, "all of it is taken away");
    }
}

#[test]
fn a_host_that_hangs() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    let text = r#"
resource "host_file" "before" {
  path    = "/srv/before"
  content = "x\n"
}

resource "host_command" "slow" {
  run        = "echo >/srv/started; sleep 40; rm -f /srv/started; echo >/srv/late"
  unless     = "test -e /srv/done"
  depends_on = [host_file.before]
}

resource "host_file" "after" {
  path       = "/srv/after"
  content    = "x\n"
  depends_on = [host_command.slow]
}
"#;
    let stack = Stack::of(hosts.lab(), &(host.block("") + text));
    let ended = std::thread::scope(|scope| {
        let run = scope.spawn(|| stack.apply());
        let deadline = Instant::now() + Duration::from_secs(60);
        while host.try_sh("test -e /srv/started").code != 0 {
            assert!(Instant::now() < deadline, "the command does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        host.sh("pkill -STOP -f '^sshd: root'");
        run.join().unwrap()
    });
    assert_eq!(ended.code, 1, "{ended}");
    ended.complains(&["host_command.slow", "Connection lost", "not known what was done"]);
    host.sh("pkill -KILL -f '^sshd: root'; pkill -x sleep; rm -f /srv/started; echo >/srv/done");
    assert_eq!(host.sh("ls -A /srv"), "before\ndone\n");
    stack.apply().done();
    stack.plan().done();
    stack.destroy().done();
    host.sh("rm -f /srv/done /srv/late");
    host.is_as(&before, "all of it is taken away");
}
