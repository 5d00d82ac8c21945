//! The SSH host, as the system's own `ssh` sees it.
//!
//! Needs `ssh` and `ssh-keygen` (Debian's openssh-client) and a kernel that lets us have namespaces.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use meshform_sandbox::host::{Faults, Host, USER};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A host that serves in the background, and a client's configuration for it.
struct Lab {
    folder: TempDir,
    root: PathBuf,
    identity: PathBuf,
    _runtime: Runtime,
}

impl Lab {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let host = Arc::new(Host::open(&folder.path().join("edge"), "edge", "edge-1").unwrap());
        let (root, identity) = (host.root().to_owned(), host.identity_file().to_owned());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let known_hosts = folder.path().join("known_hosts");
        std::fs::write(&known_hosts, host.known_hosts_line("127.0.0.1", port) + "\n").unwrap();
        let config = format!(
            "Host edge\n HostName 127.0.0.1\n Port {port}\n User {USER}\n IdentitiesOnly yes\n BatchMode yes\n \
             StrictHostKeyChecking yes\n UserKnownHostsFile \"{}\"\n LogLevel ERROR\n",
            known_hosts.display()
        );
        std::fs::write(folder.path().join("config"), config).unwrap();
        runtime.spawn(host.serve(listener, std::future::pending()));
        Self { folder, root, identity, _runtime: runtime }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ssh_as(&self, identity: &Path) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.arg("-F").arg(self.path("config")).arg("-i").arg(identity);
        ssh
    }

    fn ssh(&self) -> Command {
        self.ssh_as(&self.identity)
    }

    /// Runs a command line on the host, with `stdin` as its input.
    fn run(&self, line: &str, stdin: &[u8]) -> Output {
        feed(self.ssh().args(["edge", line]), stdin)
    }
}

/// `scp` or `sftp`, configured as `ssh` is.
fn copier(lab: &Lab, program: &str) -> Command {
    let mut command = Command::new(program);
    command.arg("-q").arg("-F").arg(lab.path("config")).arg("-i").arg(&lab.identity);
    command
}

fn feed(command: &mut Command, stdin: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // The command may not read it all.
            let _ = pipe.write_all(stdin);
        });
        child.wait_with_output().unwrap()
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes of every value in an order without a short period.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(length)
    .collect()
}

#[test]
fn commands_answer_as_on_any_host() {
    let lab = Lab::start();
    let check = |line: &str, stdin: &str, expect: (i32, &str, &str)| {
        let output = lab.run(line, stdin.as_bytes());
        let status = output.status.code().unwrap_or(-1);
        let got = (status, text(&output.stdout), text(&output.stderr));
        assert_eq!((got.0, got.1.as_str(), got.2.as_str()), expect, "of `{line}`");
    };
    check("echo hello", "", (0, "hello\n", ""));
    check("exit 7", "", (7, "", ""));
    check("echo out; echo err >&2; exit 3", "", (3, "out\n", "err\n"));
    check("cat", "one\ntwo", (0, "one\ntwo", ""));
    check("head -c 3", "abcdef", (0, "abc", ""));
    check("read a; read b; echo $b-$a", "1\n2\n", (0, "2-1\n", ""));
    check("/bin/sh", "echo from a script\nexit 9\n", (9, "from a script\n", ""));
    check("no-such-command 2>/dev/null", "", (127, "", ""));
    check("pwd; id -un; hostname; echo $HOME $USER", "", (0, "/root\nroot\nedge-1\n/root root\n", ""));
    check("printf '%s' \"$(id -u):$(id -g)\"", "", (0, "0:0", ""));
    check("kill -TERM $$", "", (255, "", ""));
    check("echo a | awk '{print $1 \"b\"}'", "", (0, "ab\n", ""));
    check("true; # a comment", "", (0, "", ""));
    check("cat <<'E'\n$HOME 'x'\nE\n", "", (0, "$HOME 'x'\n", ""));
}

#[test]
fn a_shell_without_a_command_reads_its_input() {
    let lab = Lab::start();
    let output = feed(lab.ssh().args(["-T", "edge"]), b"cd /tmp\npwd\nexit 4\n");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(4), "/tmp\n".to_owned()));
}

#[test]
fn a_terminal_is_one_inside_too() {
    let lab = Lab::start();
    let output =
        feed(lab.ssh().args(["-tt", "edge", "tty; stty size; echo $TERM; exit 5"]).env("TERM", "dumb"), b"");
    let lines: Vec<String> = text(&output.stdout).lines().map(|line| line.trim_end().to_owned()).collect();
    assert_eq!(lines.first().map(String::as_str), Some("/dev/pts/0"), "{lines:?} {}", text(&output.stderr));
    assert_eq!(lines.last().map(String::as_str), Some("dumb"));
    assert_eq!(output.status.code(), Some(5));
}

#[test]
fn five_megabytes_pass_both_ways_unchanged() {
    let lab = Lab::start();
    let data = noise(5 << 20);
    let output = lab.run("cat", &data);
    assert!(output.status.success());
    assert!(output.stdout == data, "{} bytes came back", output.stdout.len());
    let output = lab.run("cat >/var/tmp/noise; cat /var/tmp/noise >&2", &data);
    assert!(output.stderr == data, "{} bytes came back", output.stderr.len());
}

#[test]
fn a_command_that_ignores_its_input_ends() {
    let lab = Lab::start();
    let started = Instant::now();
    let output = lab.run("exec <&-; sleep 0.2; echo done", &noise(5 << 20));
    assert_eq!(text(&output.stdout), "done\n");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_environment_is_passed_where_it_does_no_harm() {
    let lab = Lab::start();
    let variables = ["-o", "SetEnv=LC_TEST=one MESHFORM_TEST=two LD_PRELOAD=/x PATH=/nowhere"];
    let output = feed(
        lab.ssh().args(variables).args(["edge", "echo \"$LC_TEST $MESHFORM_TEST $LD_PRELOAD $PATH\""]),
        b"",
    );
    assert_eq!(
        text(&output.stdout),
        "one two  /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn one_connection_carries_many_commands_at_once() {
    let lab = Lab::start();
    let socket = lab.path("c");
    let control = |ssh: &mut Command| {
        ssh.arg("-o").arg(format!("ControlPath={}", socket.display()));
    };
    let mut master = lab.ssh();
    control(&mut master);
    let mut master = master.args(["-M", "-N", "edge"]).spawn().unwrap();
    wait_until("the control socket", || socket.exists());
    std::thread::scope(|scope| {
        for number in 0..20_usize {
            let (lab, control) = (&lab, &control);
            scope.spawn(move || {
                let mut ssh = lab.ssh();
                control(&mut ssh);
                let data = noise(100_000 + number);
                let output = feed(ssh.args(["edge", &format!("cat; exit {number}")]), &data);
                assert_eq!(
                    output.status.code(),
                    Some(i32::try_from(number).unwrap()),
                    "{}",
                    text(&output.stderr)
                );
                assert!(output.stdout == data);
                // Short ones: a status that came after the end of output would get lost now and then.
                for round in 0..5 {
                    let mut ssh = lab.ssh();
                    control(&mut ssh);
                    let output = feed(ssh.args(["edge", &format!("exit {}", number + round)]), b"");
                    assert_eq!(output.status.code(), Some(i32::try_from(number + round).unwrap()));
                }
            });
        }
    });
    master.kill().unwrap();
    master.wait().unwrap();
}

#[test]
fn a_command_that_does_not_read_holds_up_no_other() {
    let lab = Lab::start();
    let socket = lab.path("c");
    let path = format!("ControlPath={}", socket.display());
    let mut master = lab.ssh().args(["-o", &path, "-M", "-N", "edge"]).spawn().unwrap();
    wait_until("the control socket", || socket.exists());
    let mut stuck = lab.ssh().args(["-o", &path, "edge", "sleep 60"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = stuck.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // Ends with an error when the client is killed below.
            let _ = pipe.write_all(&noise(8 << 20));
        });
        std::thread::sleep(Duration::from_millis(300));
        let started = Instant::now();
        let output = feed(lab.ssh().args(["-o", &path, "edge", "echo free"]), b"");
        assert_eq!(text(&output.stdout), "free\n");
        assert!(started.elapsed() < Duration::from_secs(20));
        stuck.kill().unwrap();
        master.kill().unwrap();
    });
    stuck.wait().unwrap();
    master.wait().unwrap();
}

#[test]
fn the_root_is_private() {
    let lab = Lab::start();
    let check = |line: &str, expect: &str| {
        let output = lab.run(line, b"");
        assert_eq!(text(&output.stdout), expect, "of `{line}`: {}", text(&output.stderr));
    };
    check("echo mine >/etc/meshform-private && cat /etc/meshform-private", "mine\n");
    assert!(!Path::new("/etc/meshform-private").exists());
    assert_eq!(std::fs::read_to_string(lab.root.join("etc/meshform-private")).unwrap(), "mine\n");
    check(". /etc/os-release; echo $NAME, $ID_LIKE", "meshform sandbox, debian\n");
    check("touch /usr/bin/x 2>/dev/null || echo refused", "refused\n");
    check("touch /usr/local/bin/x && ls /usr/local/bin/x", "/usr/local/bin/x\n");
    check("(echo 1 >/proc/sys/vm/swappiness) 2>/dev/null || echo refused", "refused\n");
    check("mount -t tmpfs none /mnt 2>/dev/null || echo refused", "refused\n");
    check("cat /proc/1/comm; ls -A / | grep machine", "cat\n");
    let outside = lab.folder.path().canonicalize().unwrap();
    check(&format!("ls -d '{}' 2>/dev/null || echo unreachable", outside.display()), "unreachable\n");
    check("echo x >/dev/null; head -c 4 /dev/zero | wc -c; ls /dev/fd/0 >/dev/null && echo ok", "4\nok\n");
    let machine = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    check(
        "wc -c </proc/sys/kernel/random/boot_id; stat -c %a /run/lock; ls /run/boot_id 2>/dev/null",
        "37\n1777\n",
    );
    assert_ne!(text(&lab.run("cat /proc/sys/kernel/random/boot_id", b"").stdout), machine);
    check("chmod 640 /srv && stat -c %a:%U /srv", "640:root\n");
}

#[test]
fn files_are_copied_by_scp_and_sftp() {
    let lab = Lab::start();
    let data = noise(1 << 20);
    std::fs::write(lab.path("here"), &data).unwrap();
    let here = lab.path("here").display().to_string();
    for flags in [&[][..], &["-O"]] {
        let there = feed(copier(&lab, "scp").args(flags).args([here.as_str(), "edge:/srv/there"]), b"");
        assert!(there.status.success(), "{}", text(&there.stderr));
        let back =
            feed(copier(&lab, "scp").args(flags).args(["edge:/srv/there", &format!("{here}.back")]), b"");
        assert!(back.status.success(), "{}", text(&back.stderr));
        assert!(std::fs::read(lab.path("here.back")).unwrap() == data);
        std::fs::remove_file(lab.path("here.back")).unwrap();
    }
    let batch = format!(
        "put {here} /srv/put\nchmod 600 /srv/put\nrename /srv/put /srv/renamed\nget /srv/renamed {here}.got\nls -l /srv\n"
    );
    let output = feed(copier(&lab, "sftp").args(["-b", "-", "edge"]), batch.as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("-rw-------"), "{}", text(&output.stdout));
    assert!(std::fs::read(lab.path("here.got")).unwrap() == data);
    let refused =
        feed(copier(&lab, "sftp").args(["-b", "-", "edge"]), format!("put {here} /usr/bin/x\n").as_bytes());
    assert!(!refused.status.success(), "/usr is the machine's");
}

/// Makes something go wrong on the host from now on.
fn break_host(lab: &Lab, faults: &Faults) {
    std::fs::write(lab.path("edge/faults.json"), serde_json::to_vec(faults).unwrap()).unwrap();
}

#[test]
fn things_go_wrong_on_purpose() {
    let lab = Lab::start();
    lab.run("mkdir -p /srv/full /srv/kept; echo kept >/srv/kept/file; echo hidden >/srv/full/file", b"");
    break_host(
        &lab,
        &Faults {
            full: vec!["/srv/full".into()],
            read_only: vec!["/srv/kept".into(), "/etc/hosts".into(), "/not/there".into()],
            sudo_asks: true,
            ..Faults::default()
        },
    );
    let check = |line: &str, expect: (i32, &str)| {
        let output = lab.run(line, b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(expect.0), "of `{line}`: {said}");
        assert!(said.contains(expect.1), "of `{line}`: {said}");
    };
    check("cat </dev/zero | head -c 100000 >/srv/full/new", (1, "No space left on device"));
    check("echo x >/srv/kept/file", (2, "Read-only file system"));
    check("echo x >>/etc/hosts", (2, "Read-only file system"));
    check("cat /srv/kept/file", (0, ""));
    check("sudo -n true", (1, "a password is required"));
    break_host(&lab, &Faults::default());
    check("cat /srv/full/file; echo x >/srv/kept/file; ! test -e /usr/local/bin/sudo", (0, ""));

    break_host(&lab, &Faults { changed_host_key: true, ..Faults::default() });
    check("true", (255, "Host key verification failed"));
    break_host(&lab, &Faults { cut_after_bytes: Some(100_000), ..Faults::default() });
    let cut = lab.run("cat /dev/zero | head -c 5000000", b"");
    assert_eq!(cut.status.code(), Some(255));
    assert!(cut.stdout.len() < 100_000, "{}", cut.stdout.len());
    std::fs::write(lab.path("edge/faults.json"), "not json").unwrap();
    check("true", (0, ""));
}

#[test]
fn another_key_or_account_is_refused() {
    let lab = Lab::start();
    let stranger = lab.path("stranger");
    let keygen = ["-q", "-t", "ed25519", "-N", ""];
    assert!(Command::new("ssh-keygen").args(keygen).arg("-f").arg(&stranger).status().unwrap().success());
    let check = |ssh: &mut Command| {
        let output = feed(ssh.args(["edge", "echo in"]), b"");
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(255), String::new()));
        assert!(text(&output.stderr).contains("Permission denied (publickey)"), "{}", text(&output.stderr));
    };
    check(&mut lab.ssh_as(&stranger));
    check(lab.ssh().args(["-l", "nobody"]));
}

#[test]
fn a_client_that_goes_takes_its_command_along() {
    let lab = Lab::start();
    let line = "sh -c 'echo $$ >/srv/inner; sleep 300' & echo $$ >/srv/outer; wait";
    let mut ssh = lab.ssh().args(["edge", line]).spawn().unwrap();
    wait_until("the command", || lab.root.join("srv/outer").exists() && lab.root.join("srv/inner").exists());
    let count = "ps -e -o args= | grep -c '^sleep 300'";
    assert_eq!(text(&lab.run(count, b"").stdout), "1\n");
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    wait_until("the command's end", || text(&lab.run(count, b"").stdout) == "0\n");
}

#[test]
fn what_a_command_leaves_behind_lives_on() {
    let lab = Lab::start();
    let output = lab.run("setsid sleep 300 >/dev/null 2>&1 </dev/null & exit 0", b"");
    assert!(output.status.success());
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(text(&lab.run("ps -e -o args= | grep -c '^sleep 300'", b"").stdout), "1\n");
    // The first process reaps what it adopts.
    lab.run("pkill sleep", b"");
    wait_until("reaping", || text(&lab.run("ps -e -o args= | grep -c '^sleep 300'", b"").stdout) == "0\n");
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
