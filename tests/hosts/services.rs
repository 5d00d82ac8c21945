//! Units on real systemd: what they run with, what becomes of a change that fails, and of one that locks us out.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::host::Host;
use crate::lab::lend_one;
use crate::stack::Stack;

/// A daemon with all that it needs, on a host that has nothing of it yet.
const DAEMON: &str = r##"
variable "greeting" {
  default = "one"
}

variable "program" {
  default = "/srv/app/run"
}

variable "check" {
  default = "grep -q greeting /run/app/read"
}

resource "host_group" "app" {
  name = "app"
}

resource "host_user" "app" {
  name        = "app"
  group       = host_group.app.name
  remove_home = true
}

resource "host_directory" "app" {
  path  = "/srv/app"
  owner = host_user.app.name
}

resource "host_file" "program" {
  path    = "${host_directory.app.path}/run"
  mode    = "0755"
  content = "#!/bin/sh\ncat /srv/app/conf >/run/app/read\nexec sleep infinity\n"
}

resource "host_file" "conf" {
  path    = "${host_directory.app.path}/conf"
  content = "greeting=${var.greeting}\n"
}

resource "host_service" "app" {
  name       = "app"
  unit       = <<-EOT
    [Service]
    User=${host_user.app.name}
    RuntimeDirectory=app
    ExecStart=${var.program}
    [Install]
    WantedBy=multi-user.target
  EOT
  drop_ins   = { "limits.conf" = "[Service]\nLimitNOFILE=4321\n" }
  enabled    = true
  state      = "running"
  restart_on = [host_file.conf, host_file.program.path]
  check      = var.check

  check_seconds = 4
}
"##;

/// The daemon runs, with what is in its file, and starts at boot.
fn runs_with(host: &Host, greeting: &str) {
    host.sh(&format!(
        "systemctl is-active app && systemctl is-enabled app && [ \"$(cat /run/app/read)\" = greeting={greeting} ] && \
         [ \"$(systemctl show -p LimitNOFILE --value app)\" = 4321 ] && [ \"$(systemctl show -p User --value app)\" = app ]"
    ));
}

/// The run of a unit: another one after each start.
fn run_of(host: &Host, unit: &str) -> String {
    host.sh(&format!("systemctl show -p InvocationID --value {unit}"))
}

#[test]
fn a_daemon_with_all_that_it_needs() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let stack = Stack::of(hosts.lab(), &(host.block("") + DAEMON));
    let before = host.changes();
    stack.plan().code(2).says(&["6 to create", "host_service.app", "LimitNOFILE=4321", "User=app"]);
    host.is_as(&before, "a plan changes nothing");
    stack.apply().done();
    runs_with(host, "one");
    stack.plan().done();

    let first = run_of(host, "app");
    let two = ["-var", "greeting=two"];
    stack.run(["plan", "-detailed-exitcode", "-var", "greeting=two"]).code(2).says(&[
        "host_file.conf",
        "running_with[\"/srv/app/conf\"]",
        "the version of this plan",
        "The unit is restarted.",
    ]);
    assert_eq!(run_of(host, "app"), first, "a plan restarts nothing");
    stack.run([&["apply", "-auto-approve"][..], &two].concat()).done();
    runs_with(host, "two");
    assert_ne!(run_of(host, "app"), first);
    stack.run([&["plan", "-detailed-exitcode"][..], &two].concat()).done();

    // Someone else does what the stack should, and restarts it: only the record does not know that yet.
    host.sh("echo greeting=one >/srv/app/conf; sleep 1.1; systemctl restart app");
    stack.plan().code(2).says(&["The file itself is as wanted", "1 to update"]);
    stack.apply().done();
    host.sh("echo '# by hand' >>/srv/app/run; systemctl disable -q app; \
         echo '# more' >>/etc/systemd/system/app.service.d/limits.conf");
    let debt = ["drop_ins", "# more", "running_with[\"/srv/app/run\"]", "The unit is restarted."];
    stack.plan().code(2).says(&debt);
    stack.apply().done();
    runs_with(host, "one");
    host.sh("systemctl stop app");
    stack.plan().code(2).says(&["\"stopped\" → \"running\""]);
    stack.apply().done();
    stack.plan().done();

    stack.destroy().done();
    host.sh("! systemctl cat app 2>/dev/null");
    host.sh("userdel -r app 2>/dev/null; groupdel app 2>/dev/null; rm -rf /srv/app; true");
    host.is_as(&before, "the host is what it was before");
}

#[test]
fn what_fails_gets_its_previous_files_back() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let stack = Stack::of(hosts.lab(), &(host.block("") + DAEMON));
    let before = host.changes();
    stack.apply().done();

    let apply = |more: &[&str]| stack.run([&["apply", "-auto-approve"][..], more].concat()).code(1);
    apply(&["-var", "program=/srv/app/none"]).complains(&[
        "Unit does not run",
        "its program is missing or cannot be run (exit status 203)",
        "Its previous files are back, and it runs with them.",
        "/srv/app/none",
    ]);
    runs_with(host, "one");
    // What this needs is a word that the old file has, and the new one has not.
    let failed = apply(&["-var", "greeting=two", "-var", "check=grep -q one /run/app/read"]);
    failed.complains(&["Check failed", "Its previous files are back", "/srv/app/conf is again what it was"]);
    runs_with(host, "one");
    stack.apply().done();
    runs_with(host, "one");
    stack.plan().done();
    stack.destroy().done();
    host.is_as(&before, "the host is what it was before");
}

#[test]
fn a_run_that_was_killed_leaves_a_debt() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let pause = r#"
resource "host_command" "pause" {
  run        = "touch /run/paused; sleep 4"
  triggers   = host_file.conf.sha256
}
"#;
    let slow = DAEMON.replace("  drop_ins ", "  depends_on = [host_command.pause]\n  drop_ins ");
    let stack = Stack::of(hosts.lab(), &(host.block("") + &slow + pause));
    let before = host.changes();
    stack.apply().done();
    host.sh("rm /run/paused");
    let first = run_of(host, "app");
    let mut apply = stack.command(["apply", "-auto-approve", "-var", "greeting=two"]).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while host.try_sh("[ -e /run/paused ]").code != 0 {
        assert!(Instant::now() < deadline, "the file is not written");
        sleep(Duration::from_millis(100));
    }
    apply.kill().unwrap();
    apply.wait().unwrap();
    assert_eq!(host.sh("cat /srv/app/conf").trim(), "greeting=two");
    assert_eq!(run_of(host, "app"), first, "it runs with what it was started with");
    let two = ["-var", "greeting=two"];
    stack.run([&["plan", "-detailed-exitcode"][..], &two].concat()).code(2).says(&[
        "running_with[\"/srv/app/conf\"]",
        "the version on the host",
        "The unit is restarted.",
    ]);
    stack.run([&["apply", "-auto-approve"][..], &two].concat()).done();
    runs_with(host, "two");
    stack.run([&["plan", "-detailed-exitcode"][..], &two].concat()).done();
    stack.run([&["destroy", "-auto-approve"][..], &two].concat()).done();
    host.sh("rm -f /run/paused");
    host.is_as(&before, "the host is what it was before");
}

#[test]
fn a_unit_of_a_package() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let text = |more: &str| {
        host.block("") + &format!("resource \"host_service\" \"cron\" {{\n  name = \"cron\"\n{more}\n}}\n")
    };
    let nice = "  drop_ins = { \"nice.conf\" = \"[Service]\\nNice=7\\n\" }\n  state = \"running\"";
    let stack = Stack::of(hosts.lab(), &text(nice));
    host.sh("systemctl start cron");
    let before = host.changes();
    let reloads = || {
        host.sh("journalctl _PID=1 -o cat -q | grep -c '^Reloading' || true").trim().parse::<u32>().unwrap()
    };
    let reloaded = reloads();
    stack.plan().code(2).says(&["host_service.cron", "nice.conf", "is taken over", "The unit is restarted."]);
    stack.apply().done();
    host.sh("[ \"$(systemctl show -p Nice --value cron)\" = 7 ] && systemctl is-active cron");
    assert_eq!(reloads(), reloaded + 1, "systemd reads its units once again");
    stack.plan().done();

    stack.write("main.hcl", &text("  drop_ins = {}\n  state = \"stopped\"\n  on_destroy = \"restore\""));
    stack.plan().code(2).says(&["nice.conf", "\"running\" → \"stopped\"", "host_service.cron"]);
    stack.apply().done();
    host.sh("[ ! -e /etc/systemd/system/cron.service.d ] && ! systemctl -q is-active cron");
    stack.plan().done();
    stack.destroy().done();
    host.sh("systemctl -q is-active cron && systemctl -q is-enabled cron");
    host.is_as(&before, "the unit is what it was before");
}

#[test]
fn units_that_cannot_be_had() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    host.sh("systemctl mask -q cron");
    let check = |more: &str, complaint: &str| {
        let text = host.block("") + &format!("resource \"host_service\" \"it\" {{\n{more}\n}}\n");
        Stack::of(hosts.lab(), &text).plan().code(1).complains(&[complaint]);
    };
    check("name = \"cron\"\nstate = \"running\"", "cron.service is masked on the host");
    check("name = \"no-such-unit\"\nstate = \"running\"", "The host has no unit no-such-unit.service");
    check("name = \"systemd-journald\"\nenabled = true", "systemd-journald.service has no [Install] section");
    check(
        "name = \"app\"\nenabled = true\nunit = \"[Service]\\nExecStart=/bin/true\\n\"",
        "The unit has no [Install] section",
    );
    check("name = \"getty@\"\nstate = \"running\"", "is a template");
    let once =
        "name = \"once\"\nstate = \"running\"\nunit = \"[Service]\\nType=oneshot\\nExecStart=/bin/true\\n\"";
    let stack = Stack::of(
        hosts.lab(),
        &(host.block("") + &format!("resource \"host_service\" \"it\" {{\n{once}\n}}\n")),
    );
    stack.apply().code(1).complains(&["Unit does not run", "RemainAfterExit=yes"]);
    stack.destroy().done();
    host.sh("systemctl unmask -q cron");
    host.is_as(&before, "the host is what it was before");
}

#[test]
fn a_change_that_locks_us_out_is_taken_back() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let text = r#"
variable "line" {
  default = "PrintMotd no"
}

resource "host_file" "sshd" {
  path            = "/etc/ssh/sshd_config.d/10-test.conf"
  content         = "${var.line}\n"
  confirm_seconds = 15
}

resource "host_service" "sshd" {
  name            = "ssh"
  state           = "running"
  restart_on      = [host_file.sshd]
  confirm_seconds = 15
}
"#;
    let stack = Stack::of(hosts.lab(), &(host.block("") + text));
    let before = host.changes();
    stack.plan().code(2).says(&[
        "The host takes this back by itself unless it can be reached over a new connection within 15",
    ]);
    stack.apply().done();
    stack.plan().done();
    host.sh("[ ! -e /var/lib/meshform/confirm ]");

    let other = stack.run(["apply", "-auto-approve", "-var", "line=Port 2222"]);
    other.code(1).complains(&[
        "Change not confirmed",
        "so it has taken the change back by itself, and can be reached again",
    ]);
    assert_eq!(host.sh("cat /etc/ssh/sshd_config.d/10-test.conf"), "PrintMotd no\n");
    host.sh("ss -Hltn 'sport = :22' | grep -q . && [ ! -e /var/lib/meshform/confirm ]");
    stack.run(["plan", "-detailed-exitcode", "-var", "line=Port 2222"]).code(2).says(&["Port 2222"]);
    stack.apply().done();
    stack.plan().done();

    // Nobody is there any more to confirm it.
    let mut apply = stack.command(["apply", "-auto-approve", "-var", "line=Port 2222"]).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while host.try_sh("ss -Hltn 'sport = :2222' | grep -q .").code != 0 {
        assert!(Instant::now() < deadline, "sshd does not move");
        sleep(Duration::from_millis(100));
    }
    apply.kill().unwrap();
    apply.wait().unwrap();
    while host.try_sh("ss -Hltn 'sport = :22' | grep -q .").code != 0 {
        assert!(Instant::now() < deadline + Duration::from_secs(60), "the host does not go back");
        sleep(Duration::from_millis(100));
    }
    stack.plan().code(2);
    stack.apply().done();
    stack.plan().done();
    stack.destroy().done();
    host.sh("rm -rf /var/lib/meshform");
    host.is_as(&before, "the host is what it was before");
}

#[test]
fn a_command_is_undone_when_it_locks_us_out() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let text = r#"
resource "host_command" "wall" {
  run             = "ip route add blackhole 10.0.0.0/8 metric 1 && ip route add blackhole 172.16.0.0/12 metric 1 && systemctl stop ssh"
  revert          = "ip route del blackhole 10.0.0.0/8; ip route del blackhole 172.16.0.0/12; systemctl start ssh"
  confirm_seconds = 15
}
"#;
    let before = host.changes();
    let stack = Stack::of(hosts.lab(), &(host.block("") + text));
    stack.plan().code(2).says(&["unless it can be reached over a new connection within 15"]);
    stack.apply().code(1);
    let deadline = Instant::now() + Duration::from_secs(90);
    while host.try_sh("systemctl -q is-active ssh && ! ip route | grep -q blackhole").code != 0 {
        assert!(Instant::now() < deadline, "the host does not go back");
        sleep(Duration::from_millis(200));
    }
    stack.destroy().done();
    host.sh("rm -rf /var/lib/meshform");
    host.is_as(&before, "the host is what it was before");
}
