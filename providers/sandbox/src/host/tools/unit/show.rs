//! `systemctl show`: what a unit is, property by property.

use super::file::{UnitFile, microseconds};
use super::find::{self, Load, Unit};
use super::state::{State, stamp};
use super::{lock, timer};
use crate::host::tools::Machine;

/// What a unit says of itself.
pub(super) fn description(unit: &Unit) -> String {
    unit.file
        .last("Unit", "Description")
        .map_or_else(|| unit.id.clone(), |text| super::launch::specified(unit, text))
}

/// Whether its files are other ones than those that count, as far as systemd looks.
pub(super) fn is_stale(machine: &Machine, unit: &Unit, state: &State) -> bool {
    let Some(known) = &state.unit else { return false };
    let folders = lock(&machine.units.drop_in_folders);
    let is_seen = |(path, _): &&(String, i128)| {
        let (folder, _) = path.rsplit_once('/').unwrap_or_default();
        !folder.ends_with(".d") || folders.contains(folder) || known.drop_ins.contains(path)
    };
    let there = find::read(&machine.files, &unit.id).stamps;
    there.iter().filter(is_seen).ne(known.stamps.iter())
}

/// All properties of a unit, in systemd's order as far as it matters.
pub(super) fn properties(machine: &Machine, unit: &Unit, state: &State) -> Vec<(&'static str, String)> {
    let file = &unit.file;
    let mut all = Vec::new();
    match unit.id.rsplit_once('.').map(|(_, kind)| kind) {
        Some("service") => all.extend(service(unit, state)),
        Some("timer") => all.extend(timer(unit, state)),
        _ => {}
    }
    let list = |name: &str| file.words("Unit", name).join(" ");
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let enablement = find::enablement(&machine.files, &unit.id).unwrap_or_default();
    let stamps = state.stamps;
    let active_sub = if state.sub.is_empty() { "dead" } else { state.sub };
    all.extend([
        ("Id", unit.id.clone()),
        ("Names", unit.id.clone()),
        (
            "Requires",
            [list("Requires"), "sysinit.target system.slice".to_owned()].join(" ").trim().to_owned(),
        ),
        ("Requisite", list("Requisite")),
        ("Wants", list("Wants")),
        ("BindsTo", list("BindsTo")),
        ("PartOf", list("PartOf")),
        ("Conflicts", [list("Conflicts"), "shutdown.target".to_owned()].join(" ").trim().to_owned()),
        ("Before", list("Before")),
        ("After", list("After")),
        ("Documentation", list("Documentation")),
        ("Description", description(unit)),
        ("LoadState", unit.load.word().to_owned()),
        ("ActiveState", state.active.word().to_owned()),
        ("SubState", active_sub.to_owned()),
        ("FragmentPath", unit.fragment.clone().unwrap_or_default()),
        ("SourcePath", String::new()),
        ("DropInPaths", unit.drop_ins.join(" ")),
        ("UnitFileState", enablement.to_owned()),
        ("UnitFilePreset", if enablement.is_empty() { String::new() } else { "enabled".to_owned() }),
        ("StateChangeTimestamp", stamp(stamps.state_change)),
        ("StateChangeTimestampMonotonic", monotonic(machine, stamps.state_change)),
        ("InactiveExitTimestamp", stamp(stamps.inactive_exit)),
        ("InactiveExitTimestampMonotonic", monotonic(machine, stamps.inactive_exit)),
        ("ActiveEnterTimestamp", stamp(stamps.active_enter)),
        ("ActiveEnterTimestampMonotonic", monotonic(machine, stamps.active_enter)),
        ("ActiveExitTimestamp", stamp(stamps.active_exit)),
        ("ActiveExitTimestampMonotonic", monotonic(machine, stamps.active_exit)),
        ("InactiveEnterTimestamp", stamp(stamps.inactive_enter)),
        ("InactiveEnterTimestampMonotonic", monotonic(machine, stamps.inactive_enter)),
        ("CanStart", yes(unit.load == Load::Loaded)),
        ("CanStop", yes(unit.load == Load::Loaded)),
        ("CanReload", yes(!file.all("Service", "ExecReload").is_empty())),
        ("NeedDaemonReload", yes(is_stale(machine, unit, state))),
        ("ConditionResult", yes(state.condition.unwrap_or(stamps.inactive_exit != 0))),
        ("InvocationID", state.invocation.clone()),
    ]);
    if unit.load == Load::NotFound {
        all.push((
            "LoadError",
            format!("org.freedesktop.systemd1.NoSuchUnit \"Unit {} not found.\"", unit.id),
        ));
    } else if unit.load == Load::BadSetting {
        let what = format!(
            "org.freedesktop.systemd1.BadUnitSetting \"Unit {} has a bad unit file setting.\"",
            unit.id
        );
        all.push(("LoadError", what));
    }
    all
}

/// Those of a service.
fn service(unit: &Unit, state: &State) -> Vec<(&'static str, String)> {
    let file = &unit.file;
    let text = |name: &str, otherwise: &str| file.last("Service", name).unwrap_or(otherwise).to_owned();
    let flag = |name: &str| if file.flag("Service", name) { "yes" } else { "no" }.to_owned();
    let stamps = state.stamps;
    let result = if state.result.is_empty() { "success" } else { state.result };
    let mut all = vec![
        (
            "Type",
            text("Type", if file.all("Service", "ExecStart").is_empty() { "oneshot" } else { "simple" }),
        ),
        ("Restart", text("Restart", "no")),
        ("PIDFile", text("PIDFile", "")),
        ("RestartUSec", span(file, "RestartSec", 100_000)),
        ("TimeoutStartUSec", span(file, "TimeoutStartSec", 90_000_000)),
        ("TimeoutStopUSec", span(file, "TimeoutStopSec", 90_000_000)),
        ("RemainAfterExit", flag("RemainAfterExit")),
        ("GuessMainPID", "yes".to_owned()),
        ("MainPID", state.main_pid.to_string()),
        ("Result", result.to_owned()),
        ("NRestarts", state.restarts.to_string()),
        ("ExecMainStartTimestamp", stamp(stamps.main_start)),
        ("ExecMainExitTimestamp", stamp(stamps.main_exit)),
        ("ExecMainPID", state.main_pid.to_string()),
        ("ExecMainCode", state.end.map_or(0, super::state::End::code).to_string()),
        ("ExecMainStatus", state.end.map_or(0, super::state::End::number).to_string()),
    ];
    for name in ["ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"] {
        for line in file.all("Service", name).into_iter().filter_map(super::launch::Line::read) {
            let what = format!(
                "{{ path={} ; argv[]={} ; ignore_errors={} ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }}",
                line.program,
                line.text(),
                if line.may_fail { "yes" } else { "no" }
            );
            all.push((name, what));
        }
    }
    all.extend([
        ("Environment", file.words("Service", "Environment").join(" ")),
        ("EnvironmentFiles", environment_files(file)),
        ("WorkingDirectory", text("WorkingDirectory", "")),
        ("UMask", text("UMask", "0022")),
        ("LimitNOFILE", text("LimitNOFILE", "524288").rsplit(':').next().unwrap_or_default().to_owned()),
        ("Nice", text("Nice", "0")),
        ("User", text("User", "")),
        ("Group", text("Group", "")),
        ("RuntimeDirectory", file.words("Service", "RuntimeDirectory").join(" ")),
        ("StateDirectory", file.words("Service", "StateDirectory").join(" ")),
        ("KillMode", text("KillMode", "control-group")),
        ("KillSignal", super::launch::kill_signal(file).as_raw().to_string()),
    ]);
    all
}

fn timer(unit: &Unit, state: &State) -> Vec<(&'static str, String)> {
    let flag = |name: &str| if unit.file.flag("Timer", name) { "yes" } else { "no" }.to_owned();
    let calendars = unit.file.all("Timer", "OnCalendar").into_iter();
    let mut all: Vec<_> = vec![("Unit", timer::target(unit)), ("Persistent", flag("Persistent"))];
    all.extend(calendars.map(|calendar| {
        let next = stamp(state.next_elapse.unwrap_or_default());
        ("TimersCalendar", format!("{{ OnCalendar={calendar} ; next_elapse={next} }}"))
    }));
    all.extend([
        ("NextElapseUSecRealtime", stamp(state.next_elapse.unwrap_or_default())),
        ("LastTriggerUSec", stamp(state.last_trigger)),
        ("Result", if state.result.is_empty() { "success" } else { state.result }.to_owned()),
    ]);
    all
}

fn environment_files(file: &UnitFile) -> String {
    let one = |path: &str| {
        let plain = path.trim_start_matches('-');
        format!("{plain} (ignore_errors={})", if path == plain { "no" } else { "yes" })
    };
    file.all("Service", "EnvironmentFile").into_iter().map(one).collect::<Vec<_>>().join(" ")
}

/// A span as systemd writes it.
fn span(file: &UnitFile, name: &str, otherwise: u64) -> String {
    let given = match file.last("Service", name) {
        Some(span) => microseconds(span),
        None => Some(otherwise),
    };
    given.map_or_else(|| "infinity".to_owned(), written)
}

/// `1min 30s`, `100ms`.
pub(super) fn written(microseconds: u64) -> String {
    let units = [
        ("d", 86_400_000_000),
        ("h", 3_600_000_000),
        ("min", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1000),
        ("us", 1),
    ];
    let (mut rest, mut parts) = (microseconds, Vec::new());
    for (unit, size) in units {
        if rest >= size {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() { "0".to_owned() } else { parts.join(" ") }
}

/// Since the boot, which began at zero.
fn monotonic(machine: &Machine, moment: u64) -> String {
    match moment {
        0 => "0".to_owned(),
        // One second more, as nothing happens at zero.
        moment => (moment.saturating_sub(machine.units.booted) + 1_000_000).to_string(),
    }
}
