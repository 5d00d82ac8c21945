//! A stack in a folder of its own, with its sandbox, which ends with it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::program::{Ended, finish, meshform, run};

/// A folder of HCL files. Dropping it ends its sandbox and removes it.
pub(crate) struct Stack {
    folder: TempDir,
}

impl Stack {
    /// A stack of one file.
    pub(crate) fn of(text: &str) -> Self {
        let stack = Self { folder: TempDir::with_prefix("meshform-").unwrap() };
        stack.write("main.hcl", text);
        stack
    }

    /// A copy of one of the examples.
    pub(crate) fn example(name: &str) -> Self {
        let stack = Self { folder: TempDir::with_prefix("meshform-").unwrap() };
        copy(&checkout().join("examples").join(name), stack.folder());
        stack
    }

    /// Where it lies.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Writes a file of it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Replaces a text that its main file has once.
    pub(crate) fn edit(&self, old: &str, new: &str) {
        let text = fs::read_to_string(self.path("main.hcl")).unwrap();
        assert_eq!(text.matches(old).count(), 1, "{old:?} in {text}");
        self.write("main.hcl", &text.replace(old, new));
    }

    /// The program, told nothing yet, in the stack's folder.
    pub(crate) fn command(&self) -> Command {
        meshform(self.folder())
    }

    /// Runs the program in the stack's folder.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        run(self.folder(), arguments)
    }

    /// Applies it without asking.
    pub(crate) fn apply(&self) -> Ended {
        self.run(["apply", "-auto-approve"])
    }

    /// Plans it: exit code 0 if there is nothing to do, 2 if there is.
    pub(crate) fn plan(&self) -> Ended {
        self.run(["plan", "-detailed-exitcode"])
    }

    /// Takes it down without asking.
    pub(crate) fn destroy(&self) -> Ended {
        self.run(["destroy", "-auto-approve"])
    }

    /// The machine's kubectl on a sandbox cluster.
    pub(crate) fn kubectl(&self, cluster: &str) -> Command {
        let mut command = Command::new("kubectl");
        let kubeconfig = self.path(&format!(".meshform/sandbox/{cluster}.kubeconfig"));
        // Its cache of discoveries would be shared with every other test.
        command.arg("--kubeconfig").arg(kubeconfig).arg("--cache-dir").arg(self.path(".kubectl"));
        command
    }

    /// Looks at a cluster's objects by kubectl.
    pub(crate) fn get(&self, cluster: &str, arguments: &[&str]) -> Ended {
        finish(self.kubectl(cluster).arg("get").args(arguments))
    }

    /// The path of a file on a sandbox host, from outside.
    pub(crate) fn on_host(&self, host: &str, path: &str) -> PathBuf {
        self.path(&format!(".meshform/sandbox/hosts/{host}/root{path}"))
    }

    /// Everything that the sandbox's clusters and hosts hold.
    pub(crate) fn world(&self) -> Tree {
        let sandbox = self.path(".meshform/sandbox");
        let parts = ["clusters", "hosts"].map(|part| tree(&sandbox.join(part)));
        parts.into_iter().flatten().collect()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = self.command().args(["sandbox", "down"]).output();
    }
}

/// The checkout that is tested.
pub(crate) fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The contents of files by their paths.
pub(crate) type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// Every file below a folder. Links count by where they lead.
pub(crate) fn tree(folder: &Path) -> Tree {
    let mut files = Tree::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() {
                let leads = fs::read_link(&path).unwrap();
                files.insert(path, leads.into_os_string().into_encoded_bytes());
            } else if kind.is_file() {
                // What may not be read cannot be compared either.
                let content = fs::read(&path).unwrap_or_default();
                files.insert(path, content);
            }
        }
    }
    files
}

/// Copies a folder, but not what an apply has left in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true if entry.file_name() == ".meshform" => {}
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}
