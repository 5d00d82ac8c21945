//! What reaches into a sandbox: its log, its clusters' kubeconfigs, a shell on its hosts.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use clap::Args;
use meshform_engine::diagnostic::did_you_mean;
use meshform_engine::ports::{HostStatus, SandboxStatus};

use crate::exit::Exit;
use crate::input::existing_folder;
use crate::problem::Problem;
use crate::session::{Session, small_runtime};
use crate::terminal;

/// How much of the log.
#[derive(Args, Debug)]
pub(crate) struct Logs {
    /// The stack's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The last so many lines
    #[arg(long, value_name = "N", default_value_t = 100)]
    lines: usize,
}

/// Whose kubeconfig.
#[derive(Args, Debug)]
pub(crate) struct Kubeconfig {
    /// A cluster with "sandbox = true" (all of them unless given)
    cluster: Option<String>,
}

/// Whose shell.
#[derive(Args, Debug)]
pub(crate) struct Ssh {
    /// A host with "sandbox = true"
    host: String,
    /// A command to run there in place of a shell; put "--" before it if it has flags
    #[arg(trailing_var_arg = true)]
    command: Vec<String>,
}

impl Logs {
    /// Prints the end of the log.
    ///
    /// # Errors
    /// When there is a log that cannot be read.
    pub(super) fn run(&self, session: &Session) -> Result<(), Problem> {
        existing_folder(&self.folder)?;
        let Some(path) = session.sandbox(&self.folder).log_path() else { return Ok(()) };
        match fs::read(&path) {
            Ok(bytes) => Ok(terminal::print(&last_lines(&String::from_utf8_lossy(&bytes), self.lines))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                terminal::say("The sandbox has said nothing yet.\n");
                Ok(())
            }
            Err(error) => Err(Problem::io("read", &path, &error)),
        }
    }
}

/// The last lines of a text, each ended.
fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(count);
    lines.get(from..).unwrap_or_default().iter().map(|line| format!("{line}\n")).collect()
}

impl Kubeconfig {
    /// Prints the paths; the files hold tokens, and are not printed.
    ///
    /// # Errors
    /// When the sandbox cannot be had, or has no such cluster.
    pub(super) fn run(&self, session: &Session) -> Result<(), Problem> {
        let status = up(session)?;
        let paths: Vec<String> = status
            .clusters
            .iter()
            .filter(|cluster| self.cluster.as_ref().is_none_or(|wanted| *wanted == cluster.name))
            .map(|cluster| cluster.kubeconfig_path.to_string_lossy().into_owned())
            .collect();
        if paths.is_empty() {
            let names = status.clusters.iter().map(|cluster| cluster.name.as_str());
            return Err(missing("cluster", self.cluster.as_deref(), names));
        }
        Ok(terminal::print(&format!("{}\n", paths.join(":")))?)
    }
}

impl Ssh {
    /// Becomes `ssh`.
    ///
    /// # Errors
    /// When the sandbox cannot be had, has no such host, or `ssh` cannot be started.
    pub(super) fn run(&self, session: &Session) -> Result<Exit, Problem> {
        let status = up(session)?;
        let Some(host) = status.hosts.iter().find(|host| host.name == self.host) else {
            let names = status.hosts.iter().map(|host| host.name.as_str());
            return Err(missing("host", Some(&self.host), names));
        };
        let error = Command::new("ssh").args(arguments(&status.ssh_config_path, host, &self.command)).exec();
        Err(Problem::new("No ssh", format!("Failed to start \"ssh\": {error}. Install an OpenSSH client.")))
    }
}

/// The arguments of `ssh`: what follows the host is the command.
fn arguments(config: &Path, host: &HostStatus, command: &[String]) -> Vec<String> {
    let mut all = vec!["-F".to_owned(), config.to_string_lossy().into_owned(), host.alias.clone()];
    if !command.is_empty() {
        all.push("--".to_owned());
        all.extend(command.iter().cloned());
    }
    all
}

fn up(session: &Session) -> Result<SandboxStatus, Problem> {
    Ok(small_runtime()?.block_on(session.sandbox(Path::new(".")).up())?)
}

fn missing<'n>(kind: &str, wanted: Option<&str>, names: impl Iterator<Item = &'n str>) -> Problem {
    let names: Vec<&str> = names.collect();
    let hint = match wanted.and_then(|wanted| did_you_mean(wanted, names.iter().copied())) {
        Some(candidate) => format!("Did you mean \"{candidate}\"?"),
        None if names.is_empty() => {
            format!("It comes up when a plan needs a {kind} with \"sandbox = true\".")
        }
        None => format!("It holds: {}.", names.join(", ")),
    };
    let what = wanted.map_or_else(|| format!("no {kind}"), |wanted| format!("no {kind} \"{wanted}\""));
    Problem::new(format!("No such {kind}"), format!("The sandbox of this stack holds {what}. {hint}"))
}

#[cfg(test)]
mod tests {
    use meshform_engine::ports::HostAccess;

    use super::*;

    #[test]
    fn the_end_of_a_text() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc\n");
        assert_eq!(last_lines("a\nb", 9), "a\nb\n");
        assert_eq!(last_lines("", 9), "");
    }

    #[test]
    fn commands_follow_the_host() {
        let access = HostAccess {
            address: "127.0.0.1".into(),
            port: 1,
            user: "root".into(),
            identity_file: "/key".into(),
            known_hosts: String::new(),
            root: "/root".into(),
        };
        let host = HostStatus { name: "Edge".into(), alias: "Edge".into(), access };
        let check = |command: &[&str], expect: &[&str]| {
            let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(arguments(Path::new("/c"), &host, &command), expect);
        };
        check(&[], &["-F", "/c", "Edge"]);
        check(&["ls", "-l"], &["-F", "/c", "Edge", "--", "ls", "-l"]);
    }
}
