//! A stack for real hosts, planned and applied from where they can be reached.

use std::ffi::OsStr;
use std::process::Command;

use crate::folder::Stack as Folder;
use crate::lab::Lab;
use crate::program::{Ended, finish};

/// A folder of HCL files in the hosts' network.
pub(crate) struct Stack {
    folder: Folder,
    lab: &'static Lab,
}

impl Stack {
    /// A stack of one file.
    pub(crate) fn of(lab: &'static Lab, text: &str) -> Self {
        Self { folder: Folder::of(text), lab }
    }

    /// Writes a file of it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        self.folder.write(name, text);
    }

    /// The program, told this.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        self.lab.inside(self.folder.command().args(arguments))
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
