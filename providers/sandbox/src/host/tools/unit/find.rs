//! Finds units: their files, drop-ins, and how systemd names their state.

use std::collections::BTreeSet;

use super::file::UnitFile;
use crate::host::tools::files::{Files, led_to};

/// Where units lie, those that take precedence first. `/usr/lib/systemd/system` is the machine's, whose units aren't the host's.
pub(super) const FOLDERS: [&str; 3] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system"];

/// Units that are there without a file.
const TARGETS: [&str; 14] = [
    "basic.target",
    "default.target",
    "graphical.target",
    "local-fs.target",
    "multi-user.target",
    "network-online.target",
    "network.target",
    "nss-lookup.target",
    "nss-user-lookup.target",
    "remote-fs.target",
    "sockets.target",
    "sysinit.target",
    "time-sync.target",
    "timers.target",
];

/// A unit as its files have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// Its name; of an alias, that which it leads to.
    pub(super) id: String,
    pub(super) load: Load,
    pub(super) file: UnitFile,
    /// The path of its file.
    pub(super) fragment: Option<String>,
    pub(super) drop_ins: Vec<String>,
    /// When each of its files was last written.
    pub(super) stamps: Vec<(String, i128)>,
}

/// Whether a unit can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Load {
    Loaded,
    #[default]
    NotFound,
    Masked,
    BadSetting,
}

impl Load {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::NotFound => "not-found",
            Self::Masked => "masked",
            Self::BadSetting => "bad-setting",
        }
    }
}

/// A unit's whole name: a service if it has no ending.
pub(super) fn full_name(name: &str) -> String {
    let endings = [
        ".service",
        ".timer",
        ".target",
        ".socket",
        ".mount",
        ".automount",
        ".path",
        ".slice",
        ".scope",
        ".swap",
        ".device",
    ];
    if endings.iter().any(|end| name.ends_with(end)) { name.to_owned() } else { format!("{name}.service") }
}

/// The template of a unit and its instance: of `getty@tty1.service`, `getty@.service` and `tty1`.
pub(super) fn template(name: &str) -> Option<(String, &str)> {
    let (stem, rest) = name.split_once('@')?;
    let (instance, end) = rest.rsplit_once('.')?;
    Some((format!("{stem}@.{end}"), instance))
}

/// Reads a unit.
pub(super) fn read(files: &Files, name: &str) -> Unit {
    let mut id = full_name(name);
    let mut unit = Unit::default();
    for _ in 0..8 {
        let Some(path) = file_of(files, &id) else { break };
        let (folder, _) = path.rsplit_once('/').unwrap_or_default();
        match files.link(&path).map(|target| led_to(folder, &target)) {
            Some(target) if target == "/dev/null" => {
                return Unit { id, load: Load::Masked, fragment: Some(path), ..unit };
            }
            Some(target) => {
                let leads_to = target.rsplit('/').next().unwrap_or_default().to_owned();
                let is_alias = leads_to != id && template(&id).is_none_or(|(own, _)| own != leads_to);
                if is_alias && FOLDERS.iter().any(|folder| target.starts_with(folder)) {
                    id = leads_to;
                    continue;
                }
                unit.fragment = Some(target);
            }
            None => unit.fragment = Some(path),
        }
        break;
    }
    unit.id = id;
    if let Some(path) = unit.fragment.clone() {
        let text = files.text(&path).unwrap_or_default();
        if text.is_empty() {
            return Unit { load: Load::Masked, ..unit };
        }
        add(files, &mut unit, path, &text);
    }
    unit.drop_ins = drop_ins(files, &unit.id);
    for path in unit.drop_ins.clone() {
        let text = files.text(&path).unwrap_or_default();
        add(files, &mut unit, path, &text);
    }
    unit.load = load(&unit);
    unit
}

fn add(files: &Files, unit: &mut Unit, path: String, text: &str) {
    unit.file.add(text);
    let stamp = files.changed(&path).unwrap_or_default();
    unit.stamps.push((path, stamp));
}

fn load(unit: &Unit) -> Load {
    let is_target = TARGETS.contains(&unit.id.as_str()) || unit.id.ends_with(".slice");
    match (&unit.fragment, is_target) {
        (None, false) => Load::NotFound,
        _ if is_bad(unit) => Load::BadSetting,
        _ => Load::Loaded,
    }
}

/// What systemd refuses: a service that runs nothing, or the wrong number of commands (systemd.service(5)).
fn is_bad(unit: &Unit) -> bool {
    if !unit.id.ends_with(".service") {
        return false;
    }
    let starts = unit.file.all("Service", "ExecStart").len();
    let is_oneshot = unit.file.last("Service", "Type") == Some("oneshot");
    let stops = !unit.file.all("Service", "ExecStop").is_empty();
    let is_absolute = |line: &&str| {
        let program = line.trim_start_matches(['-', '@', '+', '!', ':']);
        program.starts_with('/') || !program.contains('/')
    };
    let odd = unit.file.all("Service", "ExecStart").iter().any(|line| !is_absolute(line));
    (starts == 0 && !(is_oneshot && stops)) || (starts > 1 && !is_oneshot) || odd
}

/// The file of a unit, or of its template.
fn file_of(files: &Files, id: &str) -> Option<String> {
    let template = template(id).map(|(template, _)| template);
    let names = [Some(id.to_owned()), template].into_iter().flatten();
    let mut paths = names.flat_map(|name| FOLDERS.map(|folder| format!("{folder}/{name}")));
    paths.find(|path| files.exists(path) || files.link(path).is_some())
}

/// Its drop-ins in the order of their names; of several with one name, the one that takes precedence.
fn drop_ins(files: &Files, id: &str) -> Vec<String> {
    let (_, kind) = id.rsplit_once('.').unwrap_or_default();
    let template = template(id).map(|(template, _)| template);
    let owners: Vec<String> =
        [Some(id.to_owned()), template, Some(kind.to_owned())].into_iter().flatten().collect();
    let mut found: Vec<(String, String)> = Vec::new();
    for folder in FOLDERS {
        for owner in &owners {
            let folder = format!("{folder}/{owner}.d");
            for name in files.names(&folder).into_iter().filter(|name| name.ends_with(".conf")) {
                if !found.iter().any(|(own, _)| *own == name) {
                    let path = format!("{folder}/{name}");
                    found.push((name, path));
                }
            }
        }
    }
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// All folders with drop-ins.
pub(super) fn drop_in_folders(files: &Files) -> BTreeSet<String> {
    let all = FOLDERS.iter().flat_map(|folder| {
        let names = files.names(folder).into_iter().filter(|name| name.ends_with(".d"));
        names.map(move |name| format!("{folder}/{name}"))
    });
    all.collect()
}

/// All names of units with files, in order.
pub(super) fn names(files: &Files) -> Vec<String> {
    let all = FOLDERS.iter().flat_map(|folder| files.names(folder));
    let mut names: Vec<String> = all.filter(|name| full_name(name) == *name).collect();
    names.sort();
    names.dedup();
    names
}

/// What `systemctl is-enabled` says of a unit; nothing if it has no file.
pub(super) fn enablement(files: &Files, name: &str) -> Option<&'static str> {
    let name = full_name(name);
    let path = file_of(files, &name)?;
    let (folder, _) = path.rsplit_once('/').unwrap_or_default();
    let target = files.link(&path).map(|target| led_to(folder, &target));
    match &target {
        Some(target) if target == "/dev/null" => {
            return Some(if path.starts_with("/run/") { "masked-runtime" } else { "masked" });
        }
        Some(target) if !target.ends_with(&format!("/{name}")) && template(&name).is_none() => {
            return Some("alias");
        }
        _ => {}
    }
    let unit = read(files, &name);
    if unit.load == Load::Masked {
        return Some("masked");
    }
    for (folder, word) in [(FOLDERS[0], "enabled"), (FOLDERS[1], "enabled-runtime")] {
        if !links_to(files, folder, &name).is_empty() {
            return Some(word);
        }
    }
    let lies_elsewhere = |target: &String| !FOLDERS.iter().any(|folder| target.starts_with(folder));
    if target.as_ref().is_some_and(lies_elsewhere) {
        return Some("linked");
    }
    let has = |setting| !unit.file.words("Install", setting).is_empty();
    Some(match (has("WantedBy") || has("RequiredBy") || has("Alias") || has("UpheldBy"), has("Also")) {
        (true, _) => "disabled",
        (false, true) => "indirect",
        (false, false) => "static",
    })
}

/// The links in a folder of units by which one is enabled: in folders such as `multi-user.target.wants`, and its aliases.
pub(super) fn links_to(files: &Files, folder: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in files.names(folder) {
        let path = format!("{folder}/{entry}");
        if [".wants", ".requires", ".upholds"].iter().any(|end| entry.ends_with(end)) {
            let link = format!("{path}/{name}");
            if files.link(&link).is_some() {
                found.push(link);
            }
        } else if entry != name
            && let Some(target) = files.link(&path)
            && led_to(folder, &target).ends_with(&format!("/{name}"))
        {
            found.push(path);
        }
    }
    found
}

/// The units that are started for a target, by links in its folders.
pub(super) fn wanted_by(files: &Files, target: &str) -> Vec<String> {
    let folders = FOLDERS
        .iter()
        .flat_map(|folder| [".wants", ".requires"].map(|end| format!("{folder}/{target}{end}")));
    let mut names: Vec<String> = folders.flat_map(|folder| files.names(&folder)).collect();
    names.sort();
    names.dedup();
    names
}
