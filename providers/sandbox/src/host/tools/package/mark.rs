//! `apt-mark`: what stays as it is, and what goes when nobody needs it any more.

use std::io;

use super::NOT_ROOT;
use super::database::{self, Database};
use super::paragraph::Paragraph;
use crate::host::tools::files::Files;
use crate::host::tools::{Answer, Call, Machine};

const STATES: &str = "/var/lib/apt/extended_states";

/// The packages that came along with others.
pub(super) fn automatic(files: &Files) -> Vec<String> {
    let all = Paragraph::read_all(&files.text(STATES).unwrap_or_default());
    let automatic = all.iter().filter(|package| package.get("Auto-Installed") == "1");
    automatic.map(|package| package.get("Package").to_owned()).collect()
}

pub(super) fn write_automatic(files: &Files, names: &[String]) -> io::Result<()> {
    if names.is_empty() && !files.exists(STATES) {
        return Ok(());
    }
    let entry = |name: &String| format!("Package: {name}\nArchitecture: amd64\nAuto-Installed: 1\n\n");
    files.write(STATES, names.iter().map(entry).collect::<String>().as_bytes(), 0o644)
}

/// Answers `apt-mark`.
pub(in crate::host::tools) async fn apt_mark(machine: &Machine, call: &Call) -> Answer {
    let mut words = call.words.iter().filter(|word| !word.starts_with('-')).map(String::as_str);
    let verb = words.next().unwrap_or_default();
    let names: Vec<&str> = words.collect();
    if !verb.starts_with("show") && !call.is_root {
        return Answer::failed(100, NOT_ROOT);
    }
    let _changing = machine.packages.lock().await;
    mark(&machine.files, verb, &names).unwrap_or_else(|error| Answer::refused("E", &error))
}

fn mark(files: &Files, verb: &str, names: &[&str]) -> io::Result<Answer> {
    let mut database = Database::read(files);
    let mut automatic = automatic(files);
    let listed = |wanted: &dyn Fn(&Paragraph) -> bool| {
        let all =
            database.installed().filter(|package| wanted(package)).map(|package| package.get("Package"));
        let all = all.filter(|name| names.is_empty() || names.contains(name));
        Answer::said(all.map(|name| format!("{name}\n")).collect::<String>())
    };
    let is_automatic = |package: &Paragraph| automatic.iter().any(|name| name == package.get("Package"));
    match verb {
        "showhold" | "showholds" => return Ok(listed(&database::is_held)),
        "showauto" => return Ok(listed(&is_automatic)),
        "showmanual" => return Ok(listed(&|package| !is_automatic(package))),
        "hold" | "unhold" | "auto" | "manual" => {}
        verb => return Ok(Answer::failed(1, format!("E: Invalid operation {verb}\n"))),
    }
    let mut answer = Answer::default();
    for name in names {
        let Some(mut package) = database.find(name).cloned() else {
            answer.complain(&format!("E: Unable to locate package {name}\n"));
            answer.code = 100;
            continue;
        };
        match verb {
            "hold" | "unhold" => {
                let wanted = if verb == "hold" { "hold" } else { "install" };
                if (database::status(&package)[0] == "hold") == (verb == "hold") {
                    let was = if verb == "hold" { "set on" } else { "not" };
                    answer.say(&format!("{name} was already {was} hold.\n"));
                    continue;
                }
                let [_, well, state] = database::status(&package);
                let status = format!("{wanted} {well} {state}");
                package.set("Status", &status);
                database.put(package);
                let done = if verb == "hold" { "set on hold" } else { "Canceled hold on" };
                answer.say(&if verb == "hold" {
                    format!("{name} {done}.\n")
                } else {
                    format!("{done} {name}.\n")
                });
            }
            _ => {
                automatic.retain(|own| own != name);
                if verb == "auto" {
                    automatic.push((*name).to_owned());
                }
                let kind = if verb == "auto" { "automatically" } else { "manually" };
                answer.say(&format!("{name} set to {kind} installed.\n"));
            }
        }
    }
    if verb == "hold" || verb == "unhold" {
        database.write(files)?
    } else {
        write_automatic(files, &automatic)?
    }
    Ok(answer)
}
