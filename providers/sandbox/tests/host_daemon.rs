//! The background process of a stack's sandbox: started once, found again, stopped, killed, orphaned.
//!
//! Needs `ssh` (Debian's openssh-client) and a kernel that lets us have namespaces.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use meshform_engine::ports::{HostAccess, Sandbox as _};
use meshform_sandbox::Sandbox;
use tempfile::TempDir;

/// The test that serves when this program is started as the background process, which is told its folder last.
const SERVES: &str = "commands_at_once_start_one_process";

fn folder_to_serve() -> Option<PathBuf> {
    std::env::args_os().skip(1).last().map(PathBuf::from).filter(|last| last.is_absolute())
}

fn sandbox(state: &Path) -> Sandbox {
    let arguments = ["--exact", SERVES].map(Into::into).to_vec();
    Sandbox::at(state).served_by(std::env::current_exe().unwrap(), arguments)
}

/// A stack's `.meshform` folder.
struct Stack {
    folder: TempDir,
}

impl Stack {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join(".meshform")
    }
}

impl Drop for Stack {
    /// The process would find out by itself, but later.
    fn drop(&mut self) {
        if let Some(pid) = recorded_pid(&self.state()) {
            let _ = Command::new("kill").arg(pid.to_string()).stderr(Stdio::null()).status();
        }
    }
}

fn recorded_pid(state: &Path) -> Option<u32> {
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(state.join("sandbox/daemon.json")).ok()?).ok()?;
    record.get("pid")?.as_u64()?.try_into().ok()
}

/// Zombies don't count: a killed process is our child until we end.
fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ssh(access: &HostAccess, line: &str) -> String {
    let known_hosts = tempfile::NamedTempFile::new().unwrap();
    fs::write(known_hosts.path(), format!("{}\n", access.known_hosts)).unwrap();
    let output = Command::new("ssh")
        .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o"])
        .arg(format!("UserKnownHostsFile={}", known_hosts.path().display()))
        .arg("-i")
        .arg(&access.identity_file)
        .args(["-p", &access.port.to_string(), "-l", &access.user, &access.address, line])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_at_once_start_one_process() {
    if let Some(state) = folder_to_serve() {
        return Sandbox::at(&state).serve().await.unwrap();
    }
    let stack = Stack::new();
    let all: Vec<_> = (0..6).map(|_| sandbox(&stack.state())).collect();
    let started = Instant::now();
    let answers = futures::future::join_all(all.iter().map(|sandbox| sandbox.up())).await;
    let elapsed = started.elapsed();
    let mut pids: Vec<u32> = answers.into_iter().map(|status| status.unwrap().pid).collect();
    pids.dedup();
    assert_eq!(pids.len(), 1, "{pids:?}");
    assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_replaced_and_its_world_is_there() {
    let stack = Stack::new();
    let sandbox = sandbox(&stack.state());
    let host = sandbox.host("edge").await.unwrap();
    let cluster = sandbox.cluster("prod").await.unwrap();
    assert_eq!(ssh(&host, "echo kept >/etc/kept; (setsid sleep 300 >/dev/null 2>&1 &) ; hostname"), "edge\n");
    let boot = ssh(&host, "cat /proc/sys/kernel/random/boot_id");
    assert_eq!(ssh(&host, "cat /proc/sys/kernel/random/boot_id"), boot);
    let first = sandbox.status().await.unwrap().unwrap();

    assert!(Command::new("kill").args(["-9", &first.pid.to_string()]).status().unwrap().success());
    wait_until("the process's end", || !runs(first.pid));
    assert_eq!(sandbox.status().await.unwrap(), None);

    assert_eq!(sandbox.host("edge").await.unwrap(), host);
    assert_eq!(sandbox.cluster("prod").await.unwrap(), cluster);
    let second = sandbox.status().await.unwrap().unwrap();
    assert_ne!(second.pid, first.pid);
    assert_eq!((second.clusters, second.hosts), (first.clusters, first.hosts));
    assert_eq!(ssh(&host, "cat /etc/kept; ps -e -o args= | grep -c '^sleep 300' || :"), "kept\n0\n");
    assert_ne!(ssh(&host, "cat /proc/sys/kernel/random/boot_id"), boot, "its processes ended: it has booted");
}

#[tokio::test(flavor = "multi_thread")]
async fn down_keeps_the_world_and_reset_removes_it() {
    let stack = Stack::new();
    let sandbox = sandbox(&stack.state());
    assert!(!sandbox.down().await.unwrap());
    assert!(!sandbox.reset().await.unwrap());
    assert_eq!(sandbox.status().await.unwrap(), None);
    assert!(!stack.state().exists(), "asking made a folder");

    let host = sandbox.host("edge").await.unwrap();
    let pid = sandbox.up().await.unwrap().pid;
    ssh(&host, "mkdir -p /srv/closed/inner && chmod 0 /srv/closed");
    assert!(sandbox.down().await.unwrap());
    wait_until("the process's end", || !runs(pid));
    assert!(!sandbox.down().await.unwrap());
    assert!(host.root.join("srv/closed").exists());

    assert_eq!(sandbox.up().await.unwrap().hosts.len(), 1);
    // One that nobody can ask is stopped, too.
    fs::remove_file(stack.state().join("sandbox/control.sock")).unwrap();
    assert!(sandbox.down().await.unwrap());
    assert_eq!(sandbox.up().await.unwrap().hosts.len(), 1);

    assert!(sandbox.reset().await.unwrap());
    assert!(!stack.state().join("sandbox").exists());
    assert_eq!(sandbox.up().await.unwrap().hosts, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_folder_is_removed_ends() {
    let stack = Stack::new();
    let sandbox = sandbox(&stack.state());
    sandbox.host("edge").await.unwrap();
    let pid = sandbox.up().await.unwrap().pid;
    fs::remove_dir_all(stack.state()).unwrap();
    let next = sandbox.up().await.unwrap().pid;
    assert_ne!(next, pid);
    wait_until("the first process's end", || !runs(pid));
    assert_eq!(sandbox.up().await.unwrap().pid, next, "the second one is in nobody's way");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lets_in_is_private() {
    let stack = Stack::new();
    let sandbox = sandbox(&stack.state());
    let host = sandbox.host("edge").await.unwrap();
    let cluster = sandbox.cluster("Prod[\"a\"]").await.unwrap();
    let folder = stack.state().join("sandbox");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(cluster.kubeconfig_path.parent(), Some(folder.as_path()));
    for file in [&cluster.kubeconfig_path, &host.identity_file, &folder.join("daemon.log")] {
        assert_eq!(mode(file), 0o600, "of {}", file.display());
    }
    assert_eq!(mode(&folder), 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_a_long_path_works_too() {
    let stack = Stack::new();
    let state = stack.state().join("x".repeat(120));
    let sandbox = sandbox(&state);
    assert_eq!(ssh(&sandbox.host("edge").await.unwrap(), "echo in"), "in\n");
    assert!(sandbox.down().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reaches_hosts_by_name() {
    let stack = Stack::new();
    let sandbox = sandbox(&stack.state());
    for name in ["edge", "Web One"] {
        sandbox.host(name).await.unwrap();
    }
    let config = stack.state().join("sandbox/ssh_config");
    let names = fs::read_to_string(&config).unwrap();
    for name in names.lines().filter_map(|line| line.strip_prefix("Host ")) {
        let output = Command::new("ssh").arg("-F").arg(&config).args([name, "hostname"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), name);
    }
    assert_eq!(names.matches("Host ").count(), 2);
}

/// Serves where the kernel refuses any namespace, as in a locked-down container.
const WITHOUT_NAMESPACES: &str = "exec unshare --user --map-root-user /bin/sh -c '
    echo 0 >/proc/sys/user/max_user_namespaces
    exec setpriv --bounding-set=-all --inh-caps=-all \"$@\"' sh \"$@\"";

#[tokio::test(flavor = "multi_thread")]
async fn without_namespaces_a_login_fails_and_says_why() {
    let stack = Stack::new();
    let itself = std::env::current_exe().unwrap().into_os_string();
    let mut arguments: Vec<OsString> = ["-c", WITHOUT_NAMESPACES, "sh"].map(Into::into).to_vec();
    arguments.push(itself);
    arguments.extend(["--exact", SERVES].map(OsString::from));
    let sandbox = Sandbox::at(&stack.state()).served_by("/bin/sh".into(), arguments);
    sandbox.host("edge").await.unwrap();
    let config = stack.state().join("sandbox/ssh_config");
    let output = Command::new("ssh").arg("-F").arg(&config).args(["edge", "echo in"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(255), b"".as_slice()), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("namespaces"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_cannot_serve_is_reported_with_its_words() {
    let stack = Stack::new();
    let script = ["-c", "echo no such luck >&2; exit 1"].map(Into::into).to_vec();
    let sandbox = Sandbox::at(&stack.state()).served_by("/bin/sh".into(), script);
    let message = sandbox.up().await.unwrap_err().message;
    assert!(message.contains("no such luck"), "{message}");
}
