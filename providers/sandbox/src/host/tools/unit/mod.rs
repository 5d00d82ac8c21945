//! Units: systemd's ways with services, timers and targets, by the files in the private root.
//!
//! ```text
//! systemctl, show, list, journal   the programs: their words and what they say
//!   ↓
//! job       starts and stops units with those that they need
//! service   one service's life: from its first command to its last, and again
//! timer     what starts another unit when its time has come
//!   ↓
//! command, launch, processes   commands as processes in the private root, and all that belongs to a run
//! state, find, file   what a unit is doing, where it lies, what it says
//! ```

mod command;
mod enable;
mod file;
mod find;
mod job;
mod journal;
mod launch;
mod list;
pub(super) mod processes;
mod service;
mod show;
pub(super) mod signal;
mod state;
mod systemctl;
mod timer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Answer, Call, Machine};
use find::{Load, Unit};
use journal::Journal;
pub(super) use journal::journalctl;
use state::State;
pub(super) use systemctl::systemctl;

/// All units of one boot.
pub(super) struct Units {
    states: Mutex<BTreeMap<String, State>>,
    /// Told after every change of a state.
    changes: watch::Sender<u64>,
    /// By which what attends a unit is told to stop it.
    stops: Mutex<BTreeMap<String, watch::Sender<bool>>>,
    tasks: Mutex<JoinSet<()>>,
    pub(super) journal: Journal,
    booted: u64,
    /// The folders with drop-ins that were there when all units were read: systemd looks nowhere else until it reads them again.
    drop_in_folders: Mutex<BTreeSet<String>>,
    is_booting: watch::Sender<bool>,
}

impl Default for Units {
    fn default() -> Self {
        Self {
            states: Mutex::default(),
            changes: watch::channel(0).0,
            stops: Mutex::default(),
            tasks: Mutex::default(),
            journal: Journal::default(),
            booted: state::now(),
            drop_in_folders: Mutex::default(),
            is_booting: watch::channel(true).0,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Units {
    /// What a unit is doing; what was never started does nothing.
    fn state(&self, id: &str) -> State {
        lock(&self.states).get(id).cloned().unwrap_or_default()
    }

    /// Changes what a unit is doing.
    fn change<T>(&self, id: &str, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(lock(&self.states).entry(id.to_owned()).or_default());
        self.changes.send_modify(|number| *number += 1);
        result
    }

    /// A unit as it counts now: as it was read when it was started, or asked to be read again; else as its files are.
    fn unit(&self, machine: &Machine, name: &str) -> Unit {
        let there = find::read(&machine.files, name);
        self.state(&there.id).unit.filter(|known| known.load != Load::NotFound).unwrap_or(there)
    }

    /// Reads all units again (`systemctl daemon-reload`).
    pub(super) async fn reload(&self, machine: &Machine) {
        *lock(&self.drop_in_folders) = find::drop_in_folders(&machine.files);
        let known: Vec<String> = lock(&self.states).keys().cloned().collect();
        for id in known {
            let unit = find::read(&machine.files, &id);
            self.change(&id, |state| state.unit = state.unit.is_some().then_some(unit));
        }
        self.journal.say_system("Reloading.");
    }

    /// Whether a unit runs.
    pub(super) fn is_up(&self, id: &str) -> bool {
        self.state(id).is_up()
    }

    /// What a package has brought is enabled and started; what it has brought anew, restarted.
    pub(super) async fn arrive(&self, machine: &Arc<Machine>, names: &[String], is_newer: bool) {
        if names.is_empty() {
            return;
        }
        self.reload(machine).await;
        // Those that a host is born with are started by its boot (deb-systemd-invoke looks for the same).
        let runs = machine.files.exists("/run/systemd/system");
        for name in names {
            let unit = find::read(&machine.files, name);
            if unit.load != Load::Loaded || !unit.file.has_section("Install") {
                continue;
            }
            if !is_newer {
                enable::enable(&machine.files, name, &mut Vec::new()).unwrap_or_default();
            }
            let is_up = self.state(&unit.id).is_up();
            if !is_newer && runs {
                // What doesn't start then doesn't make the package less installed.
                let _ = job::start(machine, name).await;
            } else if is_up {
                let _ = job::restart(machine, name).await;
            }
        }
    }

    /// What a package takes away is stopped before.
    pub(super) async fn leave(&self, machine: &Machine, names: &[String]) {
        for name in names {
            job::stop(machine, name).await;
        }
    }

    /// Takes the links away by which units were enabled.
    pub(super) async fn forget_links(&self, machine: &Machine, names: &[String]) {
        for name in names {
            // Those that stay lead nowhere.
            let _ = enable::disable(&machine.files, name);
        }
    }

    /// Ends whatever attends units. Their processes end with the host's first one.
    pub(super) fn end(&self) {
        lock(&self.tasks).abort_all();
    }

    fn attend(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

/// Starts what is to run from the beginning.
pub(super) async fn boot(machine: &Arc<Machine>) {
    let units = &machine.units;
    // That it is there says that systemd manages the host (sd_booted(3)).
    let _ = machine.files.make_folder("/run/systemd/system", 0o755);
    let _ = machine.files.write("/run/systemd/notify", b"", 0o666);
    *lock(&units.drop_in_folders) = find::drop_in_folders(&machine.files);
    let mut names = Vec::new();
    for target in ["sysinit.target", "basic.target", "timers.target", "sockets.target", "multi-user.target"] {
        units.change(target, |state| state.go(state::Phase::Active, "active"));
        names.extend(find::wanted_by(&machine.files, target));
    }
    for target in
        ["network.target", "network-online.target", "local-fs.target", "remote-fs.target", "default.target"]
    {
        units.change(target, |state| state.go(state::Phase::Active, "active"));
    }
    let booting = Arc::clone(machine);
    units.attend(async move {
        for name in names {
            // A unit that fails keeps no other from starting; `systemctl --failed` tells of it.
            let _ = job::start(&booting, &name).await;
        }
        booting.units.is_booting.send_replace(false);
    });
}

/// Answers `systemd-notify`, by which a process says that it is ready.
pub(super) fn notify(machine: &Machine, call: &Call) -> Answer {
    let is_ready = call.words.iter().any(|word| word == "--ready" || word == "READY=1");
    let Some(id) = call.run.as_ref().and_then(|run| machine.units.of_run(run)) else {
        return Answer::failed(1, "Failed to notify init system: no unit asks for that\n");
    };
    if is_ready {
        machine.units.change(&id, |state| state.ready = true);
    }
    Answer::default()
}

impl Units {
    /// The unit that a run is of.
    fn of_run(&self, invocation: &str) -> Option<String> {
        let states = lock(&self.states);
        states.iter().find(|(_, state)| state.invocation == invocation).map(|(id, _)| id.clone())
    }
}
