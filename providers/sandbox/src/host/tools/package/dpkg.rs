//! `dpkg` and `dpkg-query`: what is installed, and package files.

use std::io;
use std::sync::Arc;

use super::database::{self, Database};
use super::format;
use super::paragraph::Paragraph;
use super::{change, version};
use crate::host::tools::files::led_to;
use crate::host::tools::words::{Grammar, Words, matches};
use crate::host::tools::{Answer, Call, Machine};

const GRAMMAR: Grammar = Grammar {
    valued: &[&["--showformat", "-f"], &["--admindir"], &["--root"]],
    flags: &[
        &["--show", "-W"],
        &["--status", "-s"],
        &["--list", "-l"],
        &["--listfiles", "-L"],
        &["--search", "-S"],
        &["--print-avail", "-p"],
        &["--no-pager"],
        &["--load-avail"],
    ],
    ends_early: false,
};

/// dpkg's own actions; `-l` and the like are those of dpkg-query.
const ACTIONS: Grammar = Grammar {
    valued: &[&["--force"], &["--no-force"], &["--refuse"]],
    flags: &[
        &["--install", "-i"],
        &["--remove", "-r"],
        &["--purge", "-P"],
        &["--configure"],
        &["--pending", "-a"],
        &["--audit", "-C"],
        &["--verify", "-V"],
        &["--get-selections"],
        &["--compare-versions"],
        &["--print-architecture"],
        &["--print-foreign-architectures"],
        &["--force-confold"],
        &["--force-confdef"],
        &["--force-confnew"],
        &["--force-confmiss"],
        &["--force-depends"],
        &["--force-all"],
        &["--version"],
        &["--skip-same-version", "-E"],
    ],
    ends_early: false,
};

/// Answers `dpkg-query`.
pub(in crate::host::tools) fn dpkg_query(machine: &Arc<Machine>, call: &Call) -> Answer {
    let words = match GRAMMAR.read(&call.words) {
        Ok(words) => words,
        Err(option) => return unknown("dpkg-query", &option),
    };
    query(machine, &words)
}

/// Answers `dpkg`.
pub(in crate::host::tools) async fn dpkg(machine: &Arc<Machine>, call: &Call) -> Answer {
    if let Ok(words) = GRAMMAR.read(&call.words)
        && ["--show", "--status", "--list", "--listfiles", "--search"].iter().any(|action| words.has(action))
    {
        return query(machine, &words);
    }
    // Operands such as `<<` and `lt` are no options.
    let words = match ACTIONS.read(&call.words) {
        Ok(words) => words,
        Err(option) => return unknown("dpkg", &option),
    };
    if words.has("--compare-versions") {
        return compare(&words.rest);
    } else if words.has("--print-architecture") {
        return Answer::said("amd64\n");
    } else if words.has("--version") {
        return Answer::said("Debian 'dpkg' package management program version 1.21.22 (amd64).\n");
    } else if words.has("--get-selections") {
        let database = Database::read(&machine.files);
        let line = |package: &Paragraph| {
            format!("{}\t\t\t\t{}\n", package.get("Package"), database::status(package)[0])
        };
        return Answer::said(database.all().map(line).collect::<String>());
    }
    if !call.is_root {
        return Answer::failed(2, "dpkg: error: requested operation requires superuser privilege\n");
    }
    let _changing = machine.packages.lock().await;
    act(machine, call, &words).await.unwrap_or_else(|error| Answer::refused("dpkg: error", &error))
}

async fn act(machine: &Arc<Machine>, call: &Call, words: &Words) -> io::Result<Answer> {
    let mut database = Database::read(&machine.files);
    let mut answer = Answer::default();
    let mut is_well = true;
    for name in &words.rest {
        if words.has("--install") {
            let path = led_to(&call.folder, name);
            is_well &= change::install_file(machine, &mut database, &path, &mut answer).await?;
        } else if words.has("--remove") || words.has("--purge") {
            is_well &= remove(machine, &mut database, name, words.has("--purge"), &mut answer).await?;
        }
    }
    answer.code = u8::from(!is_well);
    Ok(answer)
}

async fn remove(
    machine: &Arc<Machine>,
    database: &mut Database,
    name: &str,
    purge: bool,
    answer: &mut Answer,
) -> io::Result<bool> {
    if database.find(name).is_none() {
        answer.complain(&format!("dpkg: warning: ignoring request to remove {name} which isn't installed\n"));
        return Ok(true);
    }
    let along = super::resolve::removal(database, &[name.to_owned()]);
    let needs: Vec<_> = along.iter().filter(|other| *other != name).collect();
    if let Some(other) = needs.first() {
        answer.complain(&format!(
            "dpkg: dependency problems prevent removal of {name}:\n {other} depends on {name}.\n\n\
             dpkg: error processing package {name} (--remove):\n dependency problems - not removing\n"
        ));
        return Ok(false);
    }
    change::remove(machine, database, name, purge, answer).await
}

fn compare(words: &[String]) -> Answer {
    let [one, relation, other] = words else {
        return Answer::failed(2, "dpkg: error: --compare-versions takes three arguments\n");
    };
    match version::holds(one, relation, other) {
        Some(holds) => Answer { code: u8::from(!holds), ..Answer::default() },
        None => Answer::failed(2, "dpkg: error: --compare-versions bad relation\n"),
    }
}

fn query(machine: &Arc<Machine>, words: &Words) -> Answer {
    let database = Database::read(&machine.files);
    if words.has("--search") {
        return search(machine, &database, &words.rest);
    }
    let is_list = words.has("--list");
    if !is_list && !words.has("--show") && !words.has("--status") && !words.has("--listfiles") {
        return Answer::failed(2, "dpkg-query: error: need an action option\n");
    }
    let mut answer = Answer::default();
    let patterns: Vec<&str> = match words.rest.as_slice() {
        [] => vec!["*"],
        given => given.iter().map(String::as_str).collect(),
    };
    let mut found = Vec::new();
    for pattern in patterns {
        let name = pattern.split(':').next().unwrap_or_default();
        let before = found.len();
        found.extend(database.all().filter(|package| matches(name, package.get("Package"))));
        if before == found.len() && !words.rest.is_empty() {
            answer.code = 1;
            answer.complain(&match words.has("--status") || words.has("--listfiles") {
                true => format!("dpkg-query: package '{pattern}' is not installed\n"),
                false => format!("dpkg-query: no packages found matching {pattern}\n"),
            });
        }
    }
    found.sort_by_key(|package| package.get("Package"));
    found.dedup_by_key(|package| package.get("Package"));
    if is_list && !found.is_empty() {
        answer.say(LIST_HEAD);
    }
    let format = words.value("--showformat").unwrap_or("${binary:Package}\\t${Version}\\n");
    for package in found {
        if is_list {
            answer.say(&list_line(package));
        } else if words.has("--listfiles") {
            let paths = database::list(&machine.files, package.get("Package"));
            answer.say(&paths.iter().map(|path| format!("{path}\n")).collect::<String>());
        } else if words.has("--status") {
            answer.say(&package.write());
        } else {
            answer.say(&format::show(format, package));
        }
    }
    answer
}

const LIST_HEAD: &str = "Desired=Unknown/Install/Remove/Purge/Hold\n\
| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n\
|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n\
||/ Name           Version      Architecture Description\n\
+++-==============-============-============-=================================\n";

fn list_line(package: &Paragraph) -> String {
    format!(
        "{}  {:<14} {:<12} {:<12} {}\n",
        format::abbreviation(package),
        package.get("Package"),
        package.get("Version"),
        package.get("Architecture"),
        package.get("Description").lines().next().unwrap_or_default()
    )
}

fn search(machine: &Arc<Machine>, database: &Database, patterns: &[String]) -> Answer {
    let mut answer = Answer::default();
    for pattern in patterns {
        let glob = if pattern.starts_with('/') { pattern.clone() } else { format!("*{pattern}*") };
        let mut is_found = false;
        for package in database.installed() {
            let name = package.get("Package");
            for path in database::list(&machine.files, name).iter().filter(|path| matches(&glob, path)) {
                answer.say(&format!("{name}: {path}\n"));
                is_found = true;
            }
        }
        if !is_found {
            answer.complain(&format!("dpkg-query: no path found matching pattern {pattern}\n"));
            answer.code = 1;
        }
    }
    answer
}

fn unknown(program: &str, option: &str) -> Answer {
    Answer::failed(2, format!("{program}: error: unknown option {option}\n"))
}
