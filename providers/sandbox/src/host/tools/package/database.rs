//! dpkg's own database of a host, in its own format: `/var/lib/dpkg/status`, and the lists of files in `/var/lib/dpkg/info`.

use std::io;

use super::paragraph::Paragraph;
use crate::host::tools::files::Files;

const STATUS: &str = "/var/lib/dpkg/status";
const INFO: &str = "/var/lib/dpkg/info";

/// What is installed, or was, sorted by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Database {
    packages: Vec<Paragraph>,
}

/// One of dpkg's states, as `Status` has it: what is wanted, whether it's well, what is there.
pub(super) fn status(package: &Paragraph) -> [&str; 3] {
    let mut words = package.get("Status").split_ascii_whitespace();
    let mut next = |otherwise| words.next().unwrap_or(otherwise);
    [next("unknown"), next("ok"), next("not-installed")]
}

pub(super) fn is_installed(package: &Paragraph) -> bool {
    status(package)[2] == "installed"
}

pub(super) fn is_held(package: &Paragraph) -> bool {
    status(package)[0] == "hold"
}

impl Database {
    pub(super) fn read(files: &Files) -> Self {
        Self { packages: Paragraph::read_all(&files.text(STATUS).unwrap_or_default()) }
    }

    pub(super) fn write(&self, files: &Files) -> io::Result<()> {
        let text: String = self.packages.iter().map(Paragraph::write).collect();
        files.write(STATUS, text.as_bytes(), 0o644)
    }

    /// All that it knows, installed or not.
    pub(super) fn all(&self) -> impl Iterator<Item = &Paragraph> {
        self.packages.iter()
    }

    pub(super) fn installed(&self) -> impl Iterator<Item = &Paragraph> {
        self.all().filter(|package| is_installed(package))
    }

    pub(super) fn find(&self, name: &str) -> Option<&Paragraph> {
        self.all().find(|package| package.get("Package") == name)
    }

    pub(super) fn find_installed(&self, name: &str) -> Option<&Paragraph> {
        self.find(name).filter(|package| is_installed(package))
    }

    /// Puts a package there, in the place of one of its name.
    pub(super) fn put(&mut self, package: Paragraph) {
        self.drop_one(package.get("Package").to_owned().as_str());
        let at = self.packages.partition_point(|own| own.get("Package") < package.get("Package"));
        self.packages.insert(at, package);
    }

    pub(super) fn drop_one(&mut self, name: &str) {
        self.packages.retain(|own| own.get("Package") != name);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }
}

/// What a package has put on the host, files after their folders.
pub(super) fn list(files: &Files, name: &str) -> Vec<String> {
    let text = files.text(&format!("{INFO}/{name}.list")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Those of its files that belong to the host's administrator.
pub(super) fn settings(files: &Files, name: &str) -> Vec<String> {
    let text = files.text(&format!("{INFO}/{name}.conffiles")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

pub(super) fn note(files: &Files, name: &str, kind: &str, lines: &[String]) -> io::Result<()> {
    let path = format!("{INFO}/{name}.{kind}");
    if lines.is_empty() {
        return files.remove(&path);
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    files.write(&path, text.as_bytes(), 0o644)
}

/// The path of a package's script, such as its `postinst`.
pub(super) fn script(name: &str, kind: &str) -> String {
    format!("{INFO}/{name}.{kind}")
}

/// Drops what is known of a package besides its entry.
pub(super) fn forget(files: &Files, name: &str, kinds: &[&str]) -> io::Result<()> {
    kinds.iter().try_for_each(|kind| files.remove(&script(name, kind)))
}
