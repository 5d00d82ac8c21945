//! The hosts, booted once for all tests of this process, and lent out.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};

use crate::folder::checkout;
use crate::host::Host;

/// As many as tests may run at once without waiting for one another on a small machine.
const HOSTS: usize = 4;

/// The running hosts. They end when this process ends, however it does: then nobody holds the other end of their script's input.
pub(crate) struct Lab {
    script: Child,
    free: Mutex<Vec<Host>>,
    returned: Condvar,
}

/// Hosts that one test has for itself. It leaves them as they were.
pub(crate) struct Lent {
    lab: &'static Lab,
    hosts: Vec<Host>,
}

/// So many hosts, as soon as they are free; none where there can be none, which is said on standard error whatever cargo does with it.
pub(crate) fn lend(count: usize) -> Option<Lent> {
    static LAB: OnceLock<Result<Lab, String>> = OnceLock::new();
    match LAB.get_or_init(Lab::boot) {
        Ok(lab) => Some(lab.lend(count)),
        Err(reason) => {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            let _ = writeln!(
                std::io::stderr(),
                "\n  ### NOT RUN ON REAL HOSTS: {test}: {reason}\n  ### The sandbox's host stands in, in tests/end_to_end.\n"
            );
            None
        }
    }
}

/// One host of its own.
pub(crate) fn lend_one() -> Option<Lent> {
    lend(1)
}

impl Lab {
    fn boot() -> Result<Self, String> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hosts-root");
        let built = script().arg("root").arg(&root).output().map_err(|error| error.to_string())?;
        if !built.status.success() {
            return Err(format!("their system cannot be built: {}", last_lines(&built.stderr)));
        }
        let folder = tempfile::Builder::new().prefix("meshform-hosts-").tempdir();
        let folder = folder.map_err(|error| error.to_string())?.keep();
        let mut up = script();
        up.arg("up").arg(&root).arg(&folder).arg(HOSTS.to_string()).process_group(0);
        let up = up.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut script = up.map_err(|error| error.to_string())?;
        let told: Vec<String> = match script.stdout.take() {
            Some(output) => BufReader::new(output)
                .lines()
                .map_while(Result::ok)
                .take_while(|line| line != "ready")
                .collect(),
            None => Vec::new(),
        };
        if told.len() < HOSTS {
            let mut words = Vec::new();
            script.stderr.take().map(|mut stderr| stderr.read_to_end(&mut words));
            let _ = script.wait();
            return Err(format!("they do not boot: {}", last_lines(&words)));
        }
        let world = PathBuf::from(format!("/proc/{}", script.id()));
        let hosts = told.iter().filter_map(|line| Host::read(line, &world, &root, &folder));
        let free = Mutex::new(hosts.collect());
        Ok(Self { script, free, returned: Condvar::new() })
    }

    fn lend(&'static self, count: usize) -> Lent {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while free.len() < count {
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        let rest = free.len() - count;
        Lent { lab: self, hosts: free.split_off(rest) }
    }

    /// The same command, in the network that the hosts are in.
    pub(crate) fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.arg(format!("--net=/proc/{}/ns/net", self.script.id())).arg("--");
        inside.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
        if let Some(folder) = command.get_current_dir() {
            inside.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }
}

impl Lent {
    /// Where they are.
    pub(crate) fn lab(&self) -> &'static Lab {
        self.lab
    }
}

impl std::ops::Deref for Lent {
    type Target = [Host];

    fn deref(&self) -> &[Host] {
        &self.hosts
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut free = self.lab.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.append(&mut self.hosts);
        self.lab.returned.notify_all();
    }
}

fn script() -> Command {
    Command::new(checkout().join("tests/hosts/boot"))
}

fn last_lines(words: &[u8]) -> String {
    let words = String::from_utf8_lossy(words);
    let lines: Vec<_> = words.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}
