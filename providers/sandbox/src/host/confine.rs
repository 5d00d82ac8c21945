//! Private roots: what runs on a sandbox host sees its own files and processes, not the machine's.
//!
//! One *holder* per host owns the namespaces: `unshare` starts `confine.sh`, which mounts the root and then sleeps as
//! process 1. Every command enters by `nsenter`, which costs a few milliseconds. The holder's standard input is a
//! pipe from us; when we end, by whatever cause, it ends, and the kernel ends everything in its PID namespace.
//!
//! There is no way to run a command outside: if the namespaces cannot be had, there is no holder to enter.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Mutex, Notify};

use super::faults::Faults;
use super::tools::{Addresses, Attended};

const SETUP: &str = include_str!("confine.sh");
const SETUP_SECONDS_MAX: u64 = 20;

/// The search path of everything that runs on a host, and of the tools that confine it.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What root may do inside: what package scripts and daemons need, and nothing that reaches the machine's kernel
/// settings, devices, clock or network configuration.
const CAPABILITIES: &str = "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,\
+net_bind_service,+sys_chroot,+audit_write,+setfcap";

/// Why a private root cannot be entered.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// A tool of util-linux is missing or cannot be started.
    #[error("start {tool}")]
    Start {
        /// The tool.
        tool: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The kernel, a container or a security module forbids the namespaces.
    #[error("make the namespaces of the private root ({detail})")]
    Forbidden {
        /// The last line that the tools said, for the reader only.
        detail: String,
    },
}

/// The namespaces of one host, made when the first command needs them and remade if they die.
pub(super) struct Confinement {
    /// The folder with the root's own files.
    pub(super) root: PathBuf,
    /// An empty folder; the root is mounted on it, visible inside the namespaces only.
    pub(super) stage: PathBuf,
    /// The host's name inside.
    pub(super) hostname: String,
    /// The host's folder, with the file that says what goes wrong.
    folder: PathBuf,
    /// Told when the host is asked to reboot.
    pub(super) reboots: Arc<Notify>,
    /// Where it can be reached.
    pub(super) addresses: Addresses,
    holder: Mutex<Option<Holder>>,
}

/// How the namespaces are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Privilege {
    /// By the superuser, in the machine's user namespace.
    Superuser,
    /// By an ordinary user, who is root in a user namespace.
    UserNamespace,
}

/// The entrance to a private root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entrance {
    /// The process whose namespaces are entered.
    pub(super) pid: u32,
    privilege: Privilege,
}

struct Holder {
    process: Child,
    /// Closing it ends the holder.
    _lifeline: ChildStdin,
    entrance: Entrance,
    /// What goes wrong in it.
    faults: Faults,
    /// What it manages itself with.
    attended: Option<Attended>,
}

impl Confinement {
    pub(super) fn new(folder: PathBuf, hostname: String) -> Self {
        let (root, stage) = (folder.join("root"), folder.join("stage"));
        Self {
            root,
            stage,
            hostname,
            folder,
            reboots: Arc::default(),
            addresses: Arc::default(),
            holder: Mutex::new(None),
        }
    }

    /// What goes wrong now.
    pub(super) fn faults(&self) -> Faults {
        Faults::read(&self.folder.join("faults.json"))
    }

    /// The entrance, made if there is none yet.
    pub(super) async fn entrance(&self) -> Result<Entrance, ConfineError> {
        let faults = self.faults();
        let mut holder = self.holder.lock().await;
        if let Some(live) = holder.as_mut()
            && live.faults.boots_like(&faults)
            && matches!(live.process.try_wait(), Ok(None))
        {
            return Ok(live.entrance);
        }
        if let Some(former) = holder.take() {
            former.end().await;
        }
        let settled = faults.settle_sudo(&self.root);
        settled.map_err(|source| ConfineError::Start { tool: "sudo", source })?;
        let boot_error = |source| ConfineError::Start { tool: "the host's own tools", source };
        let mut fresh = self.make_holder(&faults).await?;
        let entrance = fresh.entrance;
        let reboots = Arc::clone(&self.reboots);
        let attended = Attended::boot(entrance, &self.folder, reboots, Arc::clone(&self.addresses)).await;
        fresh.attended = Some(attended.map_err(boot_error)?);
        *holder = Some(fresh);
        Ok(entrance)
    }

    /// Ends everything that runs inside, and starts what is to run from the beginning.
    pub(super) async fn reboot(&self) -> Result<(), ConfineError> {
        self.close().await;
        self.entrance().await.map(drop)
    }

    /// Ends the holder and, with it, everything that runs inside.
    pub(super) async fn close(&self) {
        let Some(holder) = self.holder.lock().await.take() else { return };
        holder.end().await;
    }

    async fn make_holder(&self, faults: &Faults) -> Result<Holder, ConfineError> {
        let mut refusal = None;
        for privilege in attempts(rustix::process::geteuid().is_root()) {
            match self.start_holder(*privilege, faults).await {
                Ok(holder) => return Ok(holder),
                // The first refusal is the telling one: the second attempt is a fallback.
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or(ConfineError::Forbidden { detail: "no way to try".to_owned() }))
    }

    async fn start_holder(&self, privilege: Privilege, faults: &Faults) -> Result<Holder, ConfineError> {
        let mut process = self
            .holder_command(privilege, faults)
            .spawn()
            .map_err(|source| ConfineError::Start { tool: "unshare", source })?;
        let lifeline = process.stdin.take();
        let ready =
            tokio::time::timeout(Duration::from_secs(SETUP_SECONDS_MAX), read_ready(&mut process)).await;
        match (ready, lifeline) {
            (Ok(Some(pid)), Some(lifeline)) => {
                let entrance = Entrance { pid, privilege };
                Ok(Holder { process, _lifeline: lifeline, entrance, faults: faults.clone(), attended: None })
            }
            (Ok(_), _) => Err(ConfineError::Forbidden { detail: last_words(&mut process).await }),
            (Err(_), _) => Err(ConfineError::Forbidden {
                detail: format!("no answer within {SETUP_SECONDS_MAX} seconds"),
            }),
        }
    }

    fn holder_command(&self, privilege: Privilege, faults: &Faults) -> Command {
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--uts",
            "--ipc",
            "--pid",
            "--fork",
            "--kill-child",
            "--propagation",
            "private",
        ]);
        if privilege == Privilege::UserNamespace {
            command.args(["--user", "--map-root-user"]);
        }
        command
            .args(["/bin/sh", "-c", SETUP, "confine"])
            .arg(&self.root)
            .arg(&self.stage)
            .arg(&self.hostname)
            .args(faults.mounts());
        command.env_clear().env("PATH", PATH).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
    }
}

impl Holder {
    /// Ends it and, with it, everything that runs inside.
    async fn end(self) {
        let Self { mut process, _lifeline: lifeline, attended, .. } = self;
        drop(attended);
        drop(lifeline);
        if tokio::time::timeout(Duration::from_secs(2), process.wait()).await.is_err() {
            // It's `kill_on_drop`, and `--kill-child` takes the namespace along.
            drop(process);
        }
    }
}

impl Entrance {
    /// A command that runs `/bin/sh -c SCRIPT` inside, as the leader of its own session; with a terminal on its
    /// standard streams if `terminal`. The caller adds the script, the environment and the streams.
    pub(super) fn shell(&self, terminal: bool) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(self.arguments(terminal))
            .env_clear()
            .env("PATH", PATH)
            .current_dir("/")
            .process_group(0);
        command
    }

    /// A command that changes the host's name, which no command inside may.
    pub(super) fn rename(&self, name: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string()]);
        if self.privilege == Privilege::UserNamespace {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["--uts", "hostname", name]).env_clear().env("PATH", PATH).current_dir("/");
        command
    }

    fn arguments(&self, terminal: bool) -> Vec<String> {
        let target = self.pid.to_string();
        let mut arguments: Vec<&str> = vec!["--target", &target];
        if self.privilege == Privilege::UserNamespace {
            arguments.extend(["--user", "--preserve-credentials"]);
        }
        arguments.extend(["--mount", "--uts", "--ipc", "--pid"]);
        // If `nsenter` is killed, so is what it waits for.
        arguments.extend(["setpriv", "--pdeathsig", "KILL", "--bounding-set", CAPABILITIES, "setsid"]);
        if terminal {
            arguments.push("--ctty");
        }
        arguments.extend(["/bin/sh", "-c"]);
        arguments.into_iter().map(str::to_owned).collect()
    }
}

/// What to try, in this order. A superuser without the capability (in a container) may still get a user namespace.
fn attempts(superuser: bool) -> &'static [Privilege] {
    if superuser { &[Privilege::Superuser, Privilege::UserNamespace] } else { &[Privilege::UserNamespace] }
}

async fn read_ready(process: &mut Child) -> Option<u32> {
    let mut line = String::new();
    BufReader::new(process.stdout.take()?).read_line(&mut line).await.ok()?;
    line.strip_prefix("READY ")?.trim_end().parse().ok()
}

async fn last_words(process: &mut Child) -> String {
    let mut text = Vec::new();
    if let Some(stderr) = process.stderr.take() {
        // Whatever arrived is good enough for a message.
        let _ = stderr.take(4096).read_to_end(&mut text).await;
    }
    let text = String::from_utf8_lossy(&text);
    let said = text.lines().map(str::trim).find(|line| !line.is_empty());
    said.unwrap_or("the tools gave no reason").to_owned()
}
