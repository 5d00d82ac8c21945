//! A stack for real hosts, planned and applied from where they can be reached.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::folder::Stack as Folder;
use crate::lab::Lab;
use crate::program::{Ended, finish};

/// A folder of HCL files in the hosts' network.
pub(crate) struct Stack {
    folder: Folder,
    lab: &'static Lab,
    /// Whether it has a folder of its own in place of the user's ~/.ssh.
    has_ssh_folder: bool,
    environment: Vec<(&'static str, String)>,
}

impl Stack {
    /// A stack of one file.
    pub(crate) fn of(lab: &'static Lab, text: &str) -> Self {
        Self { folder: Folder::of(text), lab, has_ssh_folder: false, environment: Vec::new() }
    }

    /// Writes a file of it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        self.folder.write(name, text);
    }

    /// A file of it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    /// From now on, the user's own ssh configuration is this one.
    pub(crate) fn with_ssh_folder(&mut self, configuration: &str) {
        fs::create_dir(self.path("ssh")).unwrap();
        self.write("ssh/config", configuration);
        self.has_ssh_folder = true;
    }

    /// Sets an environment variable of the program.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.environment.push((name, value.to_owned()));
    }

    /// The program, told this.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut program = self.folder.command();
        program.args(arguments);
        for (name, value) in &self.environment {
            program.env(name, value);
        }
        if !self.has_ssh_folder {
            return self.lab.inside(&program);
        }
        let mut mounted = Command::new("unshare");
        mounted.args(["--mount", "sh", "-c", "mkdir -p ~/.ssh && mount --bind \"$0\" ~/.ssh && exec \"$@\""]);
        mounted.arg(self.path("ssh")).arg(program.get_program()).args(program.get_args());
        mounted.current_dir(self.folder.folder());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => mounted.env(name, value),
                None => mounted.env_remove(name),
            };
        }
        self.lab.inside(&mounted)
    }

    /// Runs the program to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        finish(&mut self.command(arguments))
    }

    /// Plans it: exit code 0 if there is nothing to do, 2 if there is.
    pub(crate) fn plan(&self) -> Ended {
        self.run(["plan", "-detailed-exitcode"])
    }

    /// Applies it without asking.
    pub(crate) fn apply(&self) -> Ended {
        self.run(["apply", "-auto-approve"])
    }

    /// Takes it down without asking.
    pub(crate) fn destroy(&self) -> Ended {
        self.run(["destroy", "-auto-approve"])
    }
}
