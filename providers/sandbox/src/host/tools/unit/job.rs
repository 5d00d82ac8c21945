//! Starts and stops units, with those that they need.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::file::microseconds;
use super::find::{self, Load, Unit};
use super::service::{self, Service};
use super::state::{self, Phase, State};
use super::{lock, timer};
use crate::host::tools::Machine;

/// systemd's own default of how often a unit may be started, and in which time.
const START_BURST: usize = 5;
const START_INTERVAL: u64 = 10_000_000;

/// Why a unit cannot be started or reloaded: systemctl's exit status, and its words.
pub(super) type Refusal = (u8, String);

/// Starts a unit that doesn't run, and waits until it does.
pub(super) fn start<'m>(
    machine: &'m Arc<Machine>,
    name: &'m str,
) -> Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'm>> {
    Box::pin(async move {
        let units = &machine.units;
        let unit = current(machine, name)?;
        let state = units.state(&unit.id);
        if state.is_up() {
            return Ok(());
        }
        if state.active == Phase::Activating && state.sub != "auto-restart" {
            return until_started(machine, &unit.id, state.run).await;
        }
        if state.active == Phase::Deactivating {
            stop(machine, &unit.id).await;
        }
        let unit = fresh(machine, &unit);
        needs(machine, &unit).await?;
        if is_too_often(machine, &unit) {
            units.change(&unit.id, State::refuse);
            return Err((
                1,
                format!(
                    "Job for {id} failed because start of the service was attempted too often.\n\
                 See \"systemctl status {id}\" and \"journalctl -xeu {id}\" for details.\n\
                 To force a start use \"systemctl reset-failed {id}\"\nfollowed by \"systemctl start {id}\" again.\n",
                    id = unit.id
                ),
            ));
        }
        let fits = conditions(machine, &unit);
        units.change(&unit.id, |state| state.condition = fits);
        if fits == Some(false) {
            return Ok(());
        }
        if unit.id.ends_with(".timer") {
            return timer::start(machine, unit);
        } else if !unit.id.ends_with(".service") {
            units.change(&unit.id, |state| state.go(Phase::Active, "active"));
            for wanted in find::wanted_by(&machine.files, &unit.id) {
                // What a target wants and doesn't start is told by its own state.
                let _ = start(machine, &wanted).await;
            }
            return Ok(());
        }
        let (sender, stop) = watch::channel(false);
        let run = units.change(&unit.id, |state| {
            state.run += 1;
            (state.restarts, state.result) = (0, "success");
            state.unit = Some(unit.clone());
            state.go(Phase::Activating, "start");
            state.run
        });
        lock(&units.stops).insert(unit.id.clone(), sender);
        let id = unit.id.clone();
        units.attend(Service { machine: Arc::clone(machine), unit, run, stop }.live());
        until_started(machine, &id, run).await
    })
}

/// The unit that a name means, if it can be started.
fn current(machine: &Machine, name: &str) -> Result<Unit, Refusal> {
    let unit = machine.units.unit(machine, name);
    let id = find::full_name(name);
    match unit.load {
        Load::Loaded => Ok(unit),
        Load::NotFound => Err((5, format!("Failed to start {id}: Unit {id} not found.\n"))),
        Load::Masked => Err((1, format!("Failed to start {id}: Unit {id} is masked.\n"))),
        Load::BadSetting => Err((
            1,
            format!(
                "Failed to start {id}: Unit {id} has a bad unit file setting.\n\
             See system logs and 'systemctl status {id}' for details.\n"
            ),
        )),
    }
}

/// A unit that nothing keeps loaded is read from its files when it's started.
fn fresh(machine: &Machine, unit: &Unit) -> Unit {
    let state = machine.units.state(&unit.id);
    let is_kept = state.unit.is_some() && state.active != Phase::Inactive;
    let there = find::read(&machine.files, &unit.id);
    if is_kept || there.load != Load::Loaded { unit.clone() } else { there }
}

/// Starts what a unit needs and wants, and stops what it conflicts with.
async fn needs(machine: &Arc<Machine>, unit: &Unit) -> Result<(), Refusal> {
    let words = |name: &str| unit.file.words("Unit", name);
    for other in words("Conflicts") {
        stop(machine, &other).await;
    }
    for other in words("Requisite") {
        if !machine.units.state(&find::full_name(&other)).is_up() {
            return Err(by_dependency(&unit.id));
        }
    }
    for other in [words("Requires"), words("BindsTo")].concat() {
        let other = super::launch::specified(unit, &other);
        if start(machine, &other).await.is_err() {
            machine.units.change(&unit.id, |state| state.unit = None);
            return Err(by_dependency(&unit.id));
        }
    }
    for other in words("Wants") {
        // A wish that isn't fulfilled is no failure.
        let _ = start(machine, &super::launch::specified(unit, &other)).await;
    }
    Ok(())
}

fn by_dependency(id: &str) -> Refusal {
    (1, format!("A dependency job for {id} failed. See 'journalctl -xe' for details.\n"))
}

/// Whether all conditions hold (systemd.unit(5)); nothing if there is none.
fn conditions(machine: &Machine, unit: &Unit) -> Option<bool> {
    let files = &machine.files;
    let mut result = None;
    for (setting, test) in CONDITIONS {
        for value in unit.file.all("Unit", setting) {
            let (value, wanted) = value.strip_prefix('!').map_or((value, true), |value| (value, false));
            let path = super::launch::specified(unit, value.trim_start_matches('|'));
            let holds = match test {
                Test::Exists => files.exists(&path),
                Test::Folder => files.is_folder(&path),
                Test::Link => files.link(&path).is_some(),
                Test::NotEmpty => files.read(&path).is_ok_and(|content| !content.is_empty()),
                Test::NotEmptyFolder => !files.names(&path).is_empty(),
                Test::Program => files.is_program(&path),
            };
            result = Some(result.unwrap_or(true) && holds == wanted);
        }
    }
    result
}

#[derive(Clone, Copy)]
enum Test {
    Exists,
    Folder,
    Link,
    NotEmpty,
    NotEmptyFolder,
    Program,
}

const CONDITIONS: [(&str, Test); 6] = [
    ("ConditionPathExists", Test::Exists),
    ("ConditionPathIsDirectory", Test::Folder),
    ("ConditionPathIsSymbolicLink", Test::Link),
    ("ConditionFileNotEmpty", Test::NotEmpty),
    ("ConditionDirectoryNotEmpty", Test::NotEmptyFolder),
    ("ConditionFileIsExecutable", Test::Program),
];

/// Counts a start. Whether there were too many in a short time.
pub(super) fn is_too_often(machine: &Machine, unit: &Unit) -> bool {
    let given = |names: [&str; 2]| {
        let sections = ["Unit", "Service"];
        names
            .iter()
            .flat_map(|name| sections.map(|section| unit.file.last(section, name)))
            .find_map(|value| value)
    };
    let interval = given(["StartLimitIntervalSec", "StartLimitInterval"]);
    let interval = interval.map_or(START_INTERVAL, |span| microseconds(span).unwrap_or(u64::MAX));
    let burst = given(["StartLimitBurst", "StartLimitBurst"])
        .and_then(|count| count.parse().ok())
        .unwrap_or(START_BURST);
    let now = state::now();
    machine.units.change(&unit.id, |state| {
        state.starts.retain(|start| now.saturating_sub(*start) < interval);
        state.starts.push(now);
        interval != 0 && state.starts.len() > burst
    })
}

/// Until a run has come as far as it was to come, or has failed.
async fn until_started(machine: &Machine, id: &str, run: u64) -> Result<(), Refusal> {
    let is_over = |state: &State| {
        state.run != run
            || state.started_run == run
            || state.sub == "auto-restart"
            || matches!(state.active, Phase::Inactive | Phase::Failed)
    };
    let state = until(machine, id, is_over).await;
    if state.run != run || state.started_run == run || state.active == Phase::Inactive {
        return Ok(());
    }
    let why = match state.result {
        "timeout" => "a timeout was exceeded",
        "resources" => "of unavailable resources or another system error",
        "protocol" => "the service did not take the steps required by its unit configuration",
        "signal" => "a fatal signal was delivered to the control process",
        _ => "the control process exited with error code",
    };
    Err((
        1,
        format!(
            "Job for {id} failed because {why}.\nSee \"systemctl status {id}\" and \"journalctl -xeu {id}\" for details.\n"
        ),
    ))
}

async fn until(machine: &Machine, id: &str, is_over: impl Fn(&State) -> bool) -> State {
    let mut changes = machine.units.changes.subscribe();
    loop {
        let state = machine.units.state(id);
        if is_over(&state) {
            return state;
        }
        // The sender lives as long as the machine.
        let _ = changes.changed().await;
    }
}

/// Stops a unit, with what cannot be without it, and waits until it has.
pub(super) fn stop<'m>(machine: &'m Machine, name: &'m str) -> Pin<Box<dyn Future<Output = ()> + Send + 'm>> {
    Box::pin(async move {
        let units = &machine.units;
        let id = machine.units.unit(machine, name).id;
        for other in dependents(machine, &id) {
            stop(machine, &other).await;
        }
        let state = units.state(&id);
        if matches!(state.active, Phase::Inactive | Phase::Failed) {
            return;
        }
        let is_told = lock(&units.stops).get(&id).is_some_and(|stop| stop.send(true).is_ok());
        if !is_told {
            units.change(&id, |state| {
                state.next_elapse = None;
                state.go(Phase::Inactive, "dead");
            });
            return;
        }
        until(machine, &id, |state| matches!(state.active, Phase::Inactive | Phase::Failed)).await;
        lock(&units.stops).remove(&id);
    })
}

/// The running units that stop with this one (`Requires=`, `BindsTo=`, `PartOf=`).
fn dependents(machine: &Machine, id: &str) -> Vec<String> {
    let states = lock(&machine.units.states).clone();
    let needs = |state: &State| {
        let Some(unit) = &state.unit else { return false };
        let named = ["Requires", "BindsTo", "PartOf"].map(|name| unit.file.words("Unit", name)).concat();
        state.is_up() && named.iter().any(|other| find::full_name(other) == id)
    };
    states.iter().filter(|(own, state)| *own != id && needs(state)).map(|(own, _)| own.clone()).collect()
}

/// Stops a unit, and starts it with those that stopped along with it.
pub(super) async fn restart(machine: &Arc<Machine>, name: &str) -> Result<(), Refusal> {
    let unit = current(machine, name)?;
    let along = dependents(machine, &unit.id);
    stop(machine, &unit.id).await;
    start(machine, name).await?;
    for other in along {
        // It has stopped because of us; whether it starts again is its own matter.
        let _ = start(machine, &other).await;
    }
    Ok(())
}

/// Lets a running unit read its settings again.
pub(super) async fn reload(machine: &Arc<Machine>, name: &str) -> Result<(), Refusal> {
    let unit = current(machine, name)?;
    let id = &unit.id;
    if unit.file.all("Service", "ExecReload").is_empty() {
        let why = format!("Failed to reload {id}: Job type reload is not applicable for unit {id}.\n");
        return Err((1, why));
    }
    if !machine.units.state(id).is_up() {
        return Err((1, format!("{id} is not active, cannot reload.\n")));
    }
    match service::reload(machine, &unit).await {
        Ok(true) => Ok(()),
        _ => Err((
            1,
            format!(
                "Job for {id} failed because the control process exited with error code.\n\
             See \"systemctl status {id}\" and \"journalctl -xeu {id}\" for details.\n"
            ),
        )),
    }
}

/// How long until a moment, in microseconds since 1970.
pub(super) fn until_moment(moment: u64) -> Duration {
    Duration::from_micros(moment.saturating_sub(state::now()))
}
