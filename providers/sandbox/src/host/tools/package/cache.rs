//! `apt-cache`, and what `apt` shows: what can be had.

use super::database::Database;
use super::mark;
use super::paragraph::Paragraph;
use super::source::{Candidate, Sources};
use crate::host::tools::words::{Grammar, Words, matches};
use crate::host::tools::{Answer, Call, Machine};

const GRAMMAR: Grammar = Grammar {
    valued: &[&["--option", "-o"], &["--config-file", "-c"]],
    flags: &[
        &["--quiet", "-q"],
        &["--all-versions", "-a"],
        &["--no-all-versions"],
        &["--names-only", "-n"],
        &["--full", "-f"],
        &["--installed", "-i"],
        &["--important"],
        &["--recurse"],
    ],
    ends_early: false,
};

/// Answers `apt-cache`.
pub(in crate::host::tools) fn apt_cache(machine: &Machine, call: &Call) -> Answer {
    let words = match GRAMMAR.read(&call.words) {
        Ok(words) => words,
        Err(option) => {
            return Answer::failed(
                100,
                format!(
                    "E: Command line option {option} is not understood in combination with the other options\n"
                ),
            );
        }
    };
    let (verb, names) = words.verb();
    let shelf = Shelf::of(machine);
    match verb {
        "policy" => shelf.policy(names),
        "madison" => shelf.madison(names),
        "show" | "showpkg" => shelf.show(names),
        "search" => shelf.search(names),
        "pkgnames" => {
            Answer::said(shelf.sources.names().iter().map(|name| format!("{name}\n")).collect::<String>())
        }
        "depends" => shelf.depends(names),
        verb => Answer::failed(100, format!("E: Invalid operation {verb}\n")),
    }
}

/// Answers those verbs of `apt` that only look.
pub(super) fn apt(machine: &Machine, verb: &str, words: &Words, names: &[String]) -> Answer {
    let shelf = Shelf::of(machine);
    match verb {
        "list" => shelf.list(words, names, &mark::automatic(&machine.files)),
        "show" => shelf.show(names),
        "search" => shelf.search(names),
        _ => shelf.policy(names),
    }
}

struct Shelf {
    sources: Sources,
    database: Database,
}

impl Shelf {
    fn of(machine: &Machine) -> Self {
        let sources = Sources::read(&machine.files, &machine.more_packages);
        Self { sources, database: Database::read(&machine.files) }
    }

    fn installed(&self, name: &str) -> Option<&str> {
        self.database.find_installed(name).map(|package| package.get("Version"))
    }

    fn policy(&self, names: &[String]) -> Answer {
        let mut answer = Answer::default();
        for name in names {
            let versions = self.sources.versions(name);
            let installed = self.installed(name);
            if versions.is_empty() && installed.is_none() {
                continue;
            }
            let candidate = versions.first().map(|one| one.version()).or(installed).unwrap_or("(none)");
            answer.say(&format!(
                "{name}:\n  Installed: {}\n  Candidate: {candidate}\n  Version table:\n",
                installed.unwrap_or("(none)")
            ));
            for one in &versions {
                let is_there = installed == Some(one.version());
                let mark = if is_there { " ***" } else { "    " };
                answer.say(&format!("{mark} {} 500\n        500 {}\n", one.version(), one.origin));
                if is_there {
                    answer.say("        100 /var/lib/dpkg/status\n");
                }
            }
            if let Some(only) = installed.filter(|there| !versions.iter().any(|one| one.version() == *there))
            {
                answer.say(&format!(" *** {only} 100\n        100 /var/lib/dpkg/status\n"));
            }
        }
        answer
    }

    fn madison(&self, names: &[String]) -> Answer {
        let line =
            |one: &&Candidate| format!("{:>10} | {:>10} | {}\n", one.name(), one.version(), one.origin);
        let mut answer = Answer::default();
        for name in names {
            let lines: String = self.sources.versions(name).iter().map(line).collect();
            if lines.is_empty() {
                answer.complain(&format!("N: Unable to locate package {name}\n"));
            }
            answer.say(&lines);
        }
        answer
    }

    fn show(&self, names: &[String]) -> Answer {
        let mut answer = Answer::default();
        for name in names {
            let found = self.sources.versions(name);
            let there = self.database.find_installed(name);
            let all: Vec<&Paragraph> = match found.is_empty() {
                true => there.into_iter().collect(),
                false => found.iter().map(|one| &one.package).collect(),
            };
            for package in &all {
                let plain = (*package).clone().without(|field| field.starts_with("Sandbox-"));
                answer.say(&plain.write());
            }
            if all.is_empty() {
                answer.complain(&format!("N: Unable to locate package {name}\n"));
                answer.code = 100;
            }
        }
        if answer.code != 0 {
            answer.complain("E: No packages found\n");
        }
        answer
    }

    fn search(&self, words: &[String]) -> Answer {
        let mut answer = Answer::default();
        for name in self.sources.names() {
            let Some(one) = self.sources.versions(name).first().copied() else { continue };
            let about = one.package.get("Description");
            let text = format!("{name} {about}").to_lowercase();
            if words.iter().all(|word| text.contains(&word.to_lowercase())) {
                answer.say(&format!("{name} - {}\n", about.lines().next().unwrap_or_default()));
            }
        }
        answer
    }

    fn depends(&self, names: &[String]) -> Answer {
        let mut answer = Answer::default();
        for name in names {
            let Some(one) = self.sources.versions(name).first().copied() else {
                answer.complain("E: No packages found\n");
                answer.code = 100;
                continue;
            };
            answer.say(&format!("{name}\n"));
            for any in super::relation::read(one.package.get("Depends")) {
                let first = any.first().map(|wanted| wanted.name.as_str()).unwrap_or_default();
                answer.say(&format!("  Depends: {first}\n"));
            }
        }
        answer
    }

    fn list(&self, words: &Words, patterns: &[String], automatic: &[String]) -> Answer {
        let mut answer = Answer::said("Listing...\n");
        let mut names = self.sources.names();
        names.extend(self.database.installed().map(|package| package.get("Package")));
        names.sort_unstable();
        names.dedup();
        for name in names {
            let is_asked = patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, name));
            let installed = self.installed(name);
            let latest = self.sources.versions(name).first().map(|one| one.version());
            let is_newer = installed.is_some() && latest.is_some() && latest != installed;
            if !is_asked
                || (words.has("--installed") && installed.is_none())
                || (words.has("--upgradable") && !is_newer)
            {
                continue;
            }
            let version = latest.or(installed).unwrap_or_default();
            let mark = match installed {
                Some(there) if is_newer => format!(" [upgradable from: {there}]"),
                Some(_) if automatic.iter().any(|own| own == name) => " [installed,automatic]".to_owned(),
                Some(_) => " [installed]".to_owned(),
                None => String::new(),
            };
            answer.say(&format!("{name}/stable {version} amd64{mark}\n"));
        }
        answer
    }
}
