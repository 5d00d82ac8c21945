//! The journal of one boot, and `journalctl`.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::find::full_name;
use super::{lock, state};
use crate::host::tools::words::{Grammar, Words};
use crate::host::tools::{Answer, Call, Machine};

/// Entries that are kept.
const ENTRIES_MAX: usize = 20_000;

/// One line that somebody has written.
#[derive(Clone, Debug)]
struct Entry {
    /// Microseconds since 1970.
    time: u64,
    unit: String,
    invocation: String,
    identifier: String,
    /// Whether systemd itself says it.
    is_system: bool,
    message: String,
}

/// What was written since the boot.
#[derive(Debug, Default)]
pub(in crate::host::tools) struct Journal {
    entries: Mutex<VecDeque<Entry>>,
}

impl Journal {
    /// What a process of a unit writes.
    pub(super) fn write(&self, unit: &str, identifier: &str, invocation: &str, message: &str) {
        self.add(Entry {
            time: state::now(),
            unit: unit.to_owned(),
            invocation: invocation.to_owned(),
            identifier: identifier.to_owned(),
            is_system: false,
            message: message.to_owned(),
        });
    }

    /// What systemd says of a unit.
    pub(super) fn say_of(&self, unit: &str, invocation: &str, message: &str) {
        self.add(Entry {
            time: state::now(),
            unit: unit.to_owned(),
            invocation: invocation.to_owned(),
            identifier: "systemd".to_owned(),
            is_system: true,
            message: message.to_owned(),
        });
    }

    /// What systemd says of itself.
    pub(super) fn say_system(&self, message: &str) {
        self.say_of("init.scope", "", message);
    }

    /// The last lines about a unit, to people.
    pub(super) fn last(&self, unit: &str, count: usize) -> Vec<String> {
        let entries = lock(&self.entries);
        let mut lines: Vec<String> = entries
            .iter()
            .rev()
            .filter(|entry| entry.unit == unit)
            .take(count)
            .map(|entry| show(entry, "short", "host").trim_end().to_owned())
            .collect();
        lines.reverse();
        lines
    }

    fn add(&self, entry: Entry) {
        let mut entries = lock(&self.entries);
        if entries.len() >= ENTRIES_MAX {
            entries.pop_front();
        }
        entries.push_back(entry);
    }
}

const GRAMMAR: Grammar = Grammar {
    valued: &[
        &["--unit", "-u"],
        &["--identifier", "-t"],
        &["--output", "-o"],
        &["--lines", "-n"],
        &["--since", "-S"],
        &["--until", "-U"],
        &["--grep", "-g"],
        &["--priority", "-p"],
        &["--boot", "-b"],
        &["--vacuum-time"],
        &["--vacuum-size"],
        &["--cursor", "-c"],
    ],
    flags: &[
        &["--no-pager"],
        &["--quiet", "-q"],
        &["--pager-end", "-e"],
        &["--catalog", "-x"],
        &["--reverse", "-r"],
        &["--full", "-l"],
        &["--all", "-a"],
        &["--no-hostname"],
        &["--no-full"],
        &["--utc"],
        &["--system"],
        &["--dmesg", "-k"],
        &["--flush"],
        &["--rotate"],
        &["--sync"],
        &["--disk-usage"],
        &["--list-boots"],
    ],
    ends_early: false,
};

/// Answers `journalctl`.
pub(in crate::host::tools) fn journalctl(machine: &Machine, call: &Call) -> Answer {
    // `-b` and `--boot` may have a value, or none: there is one boot only.
    let given: Vec<String> = call
        .words
        .iter()
        .filter(|word| !matches!(word.as_str(), "-b" | "--boot" | "-b0" | "0"))
        .cloned()
        .collect();
    let words = match GRAMMAR.read(&given) {
        Ok(words) => words,
        Err(option) => return Answer::failed(1, format!("journalctl: unrecognized option '{option}'\n")),
    };
    if ["--flush", "--rotate", "--sync"].iter().any(|verb| words.has(verb)) {
        return Answer::default();
    }
    let entries = lock(&machine.units.journal.entries);
    let mut found: Vec<&Entry> = entries.iter().filter(|entry| is_asked(entry, &words)).collect();
    let count = words.value("--lines").map(|count| count.trim_start_matches('+'));
    let count = if words.has("--pager-end") { count.or(Some("1000")) } else { count };
    if let Some(count) = count.and_then(|count| count.parse::<usize>().ok()) {
        found.drain(..found.len().saturating_sub(count));
    }
    if words.has("--reverse") {
        found.reverse();
    }
    let host = machine.files.text("/etc/hostname").unwrap_or_default();
    let output = words.value("--output").unwrap_or("short");
    let shown: String = found.iter().map(|entry| show(entry, output, host.trim())).collect();
    if shown.is_empty() && !words.has("--quiet") {
        return Answer::said("-- No entries --\n");
    }
    Answer::said(shown)
}

fn is_asked(entry: &Entry, words: &Words) -> bool {
    let units = words.all("--unit");
    let of_unit = units.is_empty() || units.iter().any(|unit| full_name(unit) == entry.unit);
    let identifiers = words.all("--identifier");
    let of_identifier = identifiers.is_empty() || identifiers.contains(&entry.identifier);
    let has_text = words.value("--grep").is_none_or(|text| {
        regex::RegexBuilder::new(text)
            .case_insensitive(text == text.to_lowercase())
            .build()
            .is_ok_and(|text| text.is_match(&entry.message))
    });
    // Groups of matches with a `+` between them: one of them has to hold.
    let groups: Vec<_> = words.rest.split(|word| word == "+").collect();
    let matches =
        words.rest.is_empty() || groups.iter().any(|group| group.iter().all(|one| is_match(entry, one)));
    of_unit && of_identifier && has_text && matches
}

/// Whether a field has a value, `FIELD=value`.
fn is_match(entry: &Entry, text: &str) -> bool {
    let (field, value) = text.split_once('=').unwrap_or((text, ""));
    match field {
        "_SYSTEMD_INVOCATION_ID" => !entry.is_system && entry.invocation == value,
        "INVOCATION_ID" => entry.is_system && entry.invocation == value,
        "_SYSTEMD_UNIT" => !entry.is_system && entry.unit == value,
        "UNIT" => entry.is_system && entry.unit == value,
        "_PID" => (value == "1") == entry.is_system,
        "SYSLOG_IDENTIFIER" | "_COMM" => entry.identifier == value,
        _ => false,
    }
}

fn show(entry: &Entry, output: &str, host: &str) -> String {
    let Entry { identifier, message, .. } = entry;
    let moment = i64::try_from(entry.time).ok().and_then(|time| jiff::Timestamp::from_microsecond(time).ok());
    let time = |format: &str| moment.map(|moment| moment.strftime(format).to_string()).unwrap_or_default();
    match output {
        "cat" => format!("{message}\n"),
        "json" => {
            let unit = if entry.is_system { "UNIT" } else { "_SYSTEMD_UNIT" };
            let document = serde_json::json!({
                "__REALTIME_TIMESTAMP": entry.time.to_string(), "_HOSTNAME": host, "MESSAGE": message,
                "SYSLOG_IDENTIFIER": identifier, unit: entry.unit,
            });
            format!("{document}\n")
        }
        "short-iso" => format!("{} {host} {identifier}: {message}\n", time("%Y-%m-%dT%H:%M:%S+0000")),
        _ => format!("{} {host} {identifier}: {message}\n", time("%b %d %H:%M:%S")),
    }
}
