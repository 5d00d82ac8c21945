//! Where packages come from: the sandbox's own archive, the file `packages` in the host's folder, and repositories on the host's own disk.

use std::cmp::Reverse;
use std::io;
use std::path::Path;

use super::paragraph::Paragraph;
use super::version;
use crate::host::tools::files::Files;

/// The sandbox's archive. It stands in for every repository on the network.
const ARCHIVE: &str = include_str!("../../../../data/host/packages");
const LISTS: &str = "/var/lib/apt/lists";

/// One version of a package that can be had.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) package: Paragraph,
    /// How `apt-cache madison` names where it comes from.
    pub(super) origin: String,
    /// The repository's folder on the host; the sandbox's own have none.
    pub(super) folder: Option<String>,
}

impl Candidate {
    pub(super) fn name(&self) -> &str {
        self.package.get("Package")
    }

    pub(super) fn version(&self) -> &str {
        self.package.get("Version")
    }

    /// How apt names where it comes from in a line about it.
    pub(super) fn label(&self) -> &'static str {
        if self.folder.is_some() { "localhost" } else { "Debian:12/stable" }
    }
}

/// All that can be had.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    candidates: Vec<Candidate>,
}

impl Sources {
    /// As of the last `apt-get update`. `more` is the file that adds to the archive.
    pub(super) fn read(files: &Files, more: &Path) -> Self {
        let mut candidates = Vec::new();
        for line in lines(files) {
            match repository(&line) {
                Some(Repository { address, folder: None, suite }) => {
                    // A file that isn't there adds nothing.
                    let added = std::fs::read_to_string(more).unwrap_or_default();
                    let packages = [Paragraph::read_all(ARCHIVE), Paragraph::read_all(&added)].concat();
                    let origin = format!("{address} {suite} amd64 Packages");
                    let known: Vec<_> =
                        packages.into_iter().map(|package| (package, origin.clone())).collect();
                    for (package, origin) in known {
                        let is_new = !candidates.iter().any(|own: &Candidate| {
                            own.name() == package.get("Package") && own.version() == package.get("Version")
                        });
                        if is_new {
                            candidates.push(Candidate { package, origin, folder: None });
                        }
                    }
                }
                Some(Repository { address, folder: Some(folder), suite }) => {
                    let fetched = files.text(&list_of(&folder)).unwrap_or_default();
                    candidates.extend(Paragraph::read_all(&fetched).into_iter().map(|package| Candidate {
                        package,
                        origin: format!("{address} {suite} Packages"),
                        folder: Some(folder.clone()),
                    }));
                }
                None => {}
            }
        }
        Self { candidates }
    }

    /// Adds one that only this run knows.
    pub(super) fn add(&mut self, one: Candidate) {
        self.candidates.push(one);
    }

    /// The versions of a package, the latest one first.
    pub(super) fn versions(&self, name: &str) -> Vec<&Candidate> {
        let mut all: Vec<_> = self.candidates.iter().filter(|own| own.name() == name).collect();
        all.sort_by(|one, other| version::compare(other.version(), one.version()));
        all
    }

    /// Those that stand in for a name that no package has.
    pub(super) fn providers(&self, name: &str) -> Vec<&Candidate> {
        let provides = |own: &&Candidate| provides(&own.package, name);
        self.candidates.iter().filter(provides).collect()
    }

    /// The names of all, in order.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.candidates.iter().map(Candidate::name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Whether a package says that it provides this name.
pub(super) fn provides(package: &Paragraph, name: &str) -> bool {
    let field = package.get("Provides").split(',').map(str::trim);
    field.map(|one| one.split([' ', '(']).next().unwrap_or_default()).any(|one| one == name)
}

/// What is installed on a host that was just made.
pub(super) fn born() -> Vec<Paragraph> {
    let mut all = Paragraph::read_all(ARCHIVE);
    all.retain(|package| package.get("Sandbox-Born") == "yes");
    // Of several versions the first one counts.
    all.sort_by_key(|package| (package.get("Package").to_owned(), Reverse(package.get("Version").len())));
    all.dedup_by(|one, other| one.get("Package") == other.get("Package"));
    all
}

struct Repository {
    address: String,
    folder: Option<String>,
    suite: String,
}

/// A line of sources.list(5) in its one-line style.
fn repository(line: &str) -> Option<Repository> {
    let mut line = line.split('#').next()?.trim().strip_prefix("deb ")?.trim();
    if let Some(options) = line.strip_prefix('[') {
        line = options.split_once(']')?.1.trim();
    }
    let mut words = line.split_ascii_whitespace();
    let (address, suite) = (words.next()?.to_owned(), words.next()?.to_owned());
    let local = address.strip_prefix("file:").or_else(|| address.strip_prefix("copy:"));
    let folder = local.map(|path| format!("/{}/{}", path.trim_matches('/'), suite.trim_matches('/')));
    let component = words.next().map(|component| format!("/{component}")).unwrap_or_default();
    Some(Repository { address, folder, suite: suite + &component })
}

fn lines(files: &Files) -> Vec<String> {
    let more = files.names("/etc/apt/sources.list.d").into_iter().filter(|name| name.ends_with(".list"));
    let paths = more.map(|name| format!("/etc/apt/sources.list.d/{name}"));
    let texts = ["/etc/apt/sources.list".to_owned()].into_iter().chain(paths);
    let texts = texts.filter_map(|path| files.text(&path));
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn list_of(folder: &str) -> String {
    let mangled: String = folder.trim_matches('/').replace("/.", "").replace('/', "_");
    format!("{LISTS}/{mangled}_Packages")
}

/// Fetches the lists of repositories again; tells what was said of each, and which could not be had.
pub(super) fn update(files: &Files) -> io::Result<(Vec<String>, Vec<String>)> {
    let (mut said, mut failed) = (Vec::new(), Vec::new());
    for found in lines(files).iter().filter_map(|line| repository(line)) {
        let place = format!("{} {}", found.address, found.suite);
        let number = said.len() + 1;
        let Some(folder) = &found.folder else {
            said.push(format!("Hit:{number} {place} InRelease"));
            continue;
        };
        match files.read(&format!("{folder}/Packages")) {
            Ok(list) => {
                files.write(&list_of(folder), &list, 0o644)?;
                said.push(format!("Get:{number} {place} Packages [{} B]", list.len()));
            }
            Err(_) => {
                said.push(format!("Err:{number} {place} Packages"));
                failed.push(format!("{folder}/Packages"));
            }
        }
    }
    Ok((said, failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read() {
        let check = |line: &str, expect: &str| {
            let shown = repository(line).map(|found| {
                format!("{} {} {}", found.address, found.suite, found.folder.unwrap_or_default())
            });
            assert_eq!(shown.unwrap_or_default(), expect, "{line}");
        };
        check(
            "deb http://deb.debian.org/debian bookworm main",
            "http://deb.debian.org/debian bookworm/main ",
        );
        check("deb [trusted=yes] file:/srv/repository ./", "file:/srv/repository ./ /srv/repository/.");
        check("# deb http://x y", "");
        check("deb-src http://x y", "");
        check("deb http://x", "");
    }

    #[test]
    fn the_archive_is_whole() {
        let all = Paragraph::read_all(ARCHIVE);
        for package in &all {
            for field in ["Package", "Version", "Architecture", "Description"] {
                assert!(!package.get(field).is_empty(), "{package:?} has no {field}");
            }
            for any in crate::host::tools::package::relation::read(package.get("Depends")) {
                let is_there = any.iter().any(|wanted| {
                    all.iter().any(|other| {
                        wanted.fits(other.get("Package"), other.get("Version"))
                            || provides(other, &wanted.name)
                    })
                });
                assert!(is_there, "{} needs {any:?}", package.get("Package"));
            }
        }
        assert!(!born().is_empty());
    }
}
