//! Git repositories in folders of their own.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::program::finish;

/// A repository. Dropping it removes it.
pub(crate) struct Repository {
    folder: TempDir,
}

impl Repository {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let repository = Self { folder: TempDir::with_prefix("net-").unwrap() };
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    /// Where it lies.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How a module's source names it.
    pub(crate) fn source(&self) -> String {
        format!("git::file://{}", self.folder().display())
    }

    /// Writes a file of it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits everything. Gives the commit's name.
    pub(crate) fn commit(&self) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "a change"]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs git in it.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.arg("-C").arg(self.folder()).args(["-c", "user.name=test", "-c", "user.email=test@example.com"]);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                git.env_remove(name);
            }
        }
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        finish(git.args(arguments)).done().out
    }
}
