//! One service's life (systemd.service(5)): its commands before, its main process, its commands after; and again, if it says so.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::file::{UnitFile, microseconds};
use super::find::Unit;
use super::launch::{self, Context, FOLDERS, Line, RUN};
use super::processes;
use super::state::{End, Phase};
use crate::host::tools::Machine;

/// systemd's own defaults.
pub(super) const START_SECONDS: u64 = 90;
const STOP_SECONDS: u64 = 90;
const RESTART_MS: u64 = 100;
/// How often we look for what nobody tells us.
const LOOK: Duration = Duration::from_millis(20);

/// How a run has ended: systemd's `Result`, and whether it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Over {
    pub(super) result: &'static str,
    pub(super) end: Option<End>,
    pub(super) is_asked: bool,
}

impl Over {
    pub(super) fn failed(result: &'static str) -> Self {
        Self { result, end: None, is_asked: false }
    }
}

/// One run of a service.
pub(super) struct Service {
    pub(super) machine: Arc<Machine>,
    pub(super) unit: Unit,
    pub(super) run: u64,
    pub(super) stop: watch::Receiver<bool>,
}

impl Service {
    /// Lives it.
    pub(super) async fn live(mut self) {
        loop {
            let context = Context { invocation: new_invocation(), main_pid: 0 };
            self.change(|state| {
                state.invocation.clone_from(&context.invocation);
                (state.ready, state.main_pid, state.end, state.result) = (false, 0, None, "success");
                state.go(Phase::Activating, "start");
            });
            let over = self.once(&context).await;
            let over = self.wind_up(over, &context).await;
            if !self.goes_again(over) {
                let active = if over.result == "success" { Phase::Inactive } else { Phase::Failed };
                self.change(|state| {
                    (state.result, state.main_pid) = (over.result, 0);
                    state.go(active, if active == Phase::Failed { "failed" } else { "dead" });
                });
                self.tell_end(over);
                return;
            }
            self.change(|state| {
                (state.result, state.main_pid) = (over.result, 0);
                state.go(Phase::Activating, "auto-restart");
            });
            self.tell_end(over);
            let pause = self.span("RestartSec", RESTART_MS * 1000);
            tokio::select! {
                () = sleep(pause.unwrap_or(Duration::MAX)) => {}
                () = stopped(&mut self.stop) => {
                    self.change(|state| state.go(Phase::Inactive, "dead"));
                    return;
                }
            }
            let unit = self.machine.units.unit(&self.machine, &self.unit.id);
            if super::job::is_too_often(&self.machine, &unit) {
                self.change(super::state::State::refuse);
                return;
            }
            self.unit = unit;
            self.change(|state| state.restarts += 1);
        }
    }

    /// From its first command to its end, or to when it's told to stop.
    async fn once(&mut self, context: &Context) -> Over {
        let file = self.unit.file.clone();
        if let Err(over) = self.prepare(&file) {
            return over;
        }
        self.say(&format!("Starting {} - {}...", self.unit.id, self.description()));
        if let Err(over) = self.commands("ExecStartPre", context).await {
            return over;
        }
        match file.last("Service", "Type").unwrap_or("simple") {
            "oneshot" => self.oneshot(&file, context).await,
            kind => self.daemon(kind, &file, context).await,
        }
    }

    /// Makes its folders, and sees whether its files are there.
    fn prepare(&self, file: &UnitFile) -> Result<(), Over> {
        let files = &self.machine.files;
        let owner = launch::owner(files, file);
        for (setting, mode, _, base) in FOLDERS {
            for name in file.words("Service", setting) {
                let path = format!("{base}/{}", launch::specified(&self.unit, &name));
                let mode = file.last("Service", mode).and_then(|mode| u32::from_str_radix(mode, 8).ok());
                let made = files.make_folder(&path, mode.unwrap_or(0o755));
                let owned = made.and_then(|()| match owner {
                    (0, 0) => Ok(()),
                    (user, group) => files.give(&path, user, group),
                });
                owned.map_err(|_| Over::failed("exit-code"))?;
            }
        }
        let needed = file.all("Service", "EnvironmentFile");
        let is_missing =
            |path: &&str| !path.starts_with('-') && !files.exists(&launch::specified(&self.unit, path));
        match needed.iter().find(|path| is_missing(path)) {
            Some(path) => {
                self.say(&format!(
                    "{}: Failed to load environment files: {path}: No such file or directory",
                    self.unit.id
                ));
                Err(Over::failed("resources"))
            }
            None => Ok(()),
        }
    }

    async fn oneshot(&mut self, file: &UnitFile, context: &Context) -> Over {
        for value in file.all("Service", "ExecStart") {
            let Some(line) = Line::read(value) else { continue };
            let main = match self.spawn(&line, context).await {
                Ok(main) => main,
                Err(end) if line.may_fail => {
                    self.note_end(end);
                    continue;
                }
                Err(end) => return self.ended(end),
            };
            let end =
                match self.wait(main, self.span("TimeoutStartSec", 0).filter(|span| !span.is_zero())).await {
                    Ok(end) => end,
                    Err(over) => return over,
                };
            self.note_end(end);
            if !end.is_clean(file) && !line.may_fail {
                return self.ended(end);
            }
        }
        if let Err(over) = self.commands("ExecStartPost", context).await {
            return over;
        }
        self.started(if file.flag("Service", "RemainAfterExit") { "exited" } else { "dead" });
        if file.flag("Service", "RemainAfterExit") {
            stopped(&mut self.stop).await;
            return Over { result: "success", end: None, is_asked: true };
        }
        Over { result: "success", end: None, is_asked: false }
    }

    async fn daemon(&mut self, kind: &str, file: &UnitFile, context: &Context) -> Over {
        let Some(line) = file.all("Service", "ExecStart").first().and_then(|value| Line::read(value)) else {
            return Over::failed("resources");
        };
        let mut main = match self.spawn(&line, context).await {
            Ok(main) => main,
            Err(end) => {
                if !matches!(kind, "exec" | "notify" | "forking") {
                    self.change(|state| state.started_run = state.run);
                }
                return self.ended(end);
            }
        };
        let limit = self.span("TimeoutStartSec", START_SECONDS * 1_000_000);
        let waited = match kind {
            "notify" => self.until_ready(&mut main, limit).await,
            "forking" => return self.forking(main, file, context, limit).await,
            _ => Ok(()),
        };
        if let Err(over) = waited {
            return over;
        }
        if let Err(over) = self.commands("ExecStartPost", &self.with_main(context)).await {
            return over;
        }
        self.started("running");
        match self.wait(main, None).await {
            Ok(end) if end.is_clean(file) && file.flag("Service", "RemainAfterExit") => {
                self.note_end(end);
                self.change(|state| state.go(Phase::Active, "exited"));
                stopped(&mut self.stop).await;
                Over { result: "success", end: Some(end), is_asked: true }
            }
            Ok(end) => self.ended(end),
            Err(over) => over,
        }
    }

    /// The first process ends when the service is ready; what it leaves is the service.
    async fn forking(
        &mut self,
        first: Child,
        file: &UnitFile,
        context: &Context,
        limit: Option<Duration>,
    ) -> Over {
        let end = match self.wait(first, limit).await {
            Ok(end) => end,
            Err(over) => return over,
        };
        if !end.is_clean(file) {
            return self.ended(end);
        }
        let left = || processes::with(RUN, &context.invocation);
        let by_file = || {
            let path = launch::specified(&self.unit, file.last("Service", "PIDFile")?);
            let path = if path.starts_with('/') { path } else { format!("/run/{path}") };
            self.machine.files.text(&path)?.trim().parse::<u32>().ok()
        };
        let deadline = Instant::now() + Duration::from_secs(2);
        let mut main = by_file();
        while main.is_none() && file.last("Service", "PIDFile").is_some() && Instant::now() < deadline {
            sleep(LOOK).await;
            main = by_file();
        }
        let main = main.or_else(|| left().iter().map(|process| process.inside).min());
        let Some(main) = main else { return Over::failed("protocol") };
        self.change(|state| state.main_pid = main);
        if let Err(over) = self.commands("ExecStartPost", &self.with_main(context)).await {
            return over;
        }
        self.started("running");
        loop {
            tokio::select! {
                () = stopped(&mut self.stop) => return Over { result: "success", end: None, is_asked: true },
                () = sleep(LOOK * 5) => {}
            }
            if !left().iter().any(|process| process.inside == main) {
                // It was not our child: nobody tells us how it has ended.
                return self.ended(End::Status(0));
            }
        }
    }

    async fn until_ready(&mut self, main: &mut Child, limit: Option<Duration>) -> Result<(), Over> {
        let mut changes = self.machine.units.changes.subscribe();
        let ready = async {
            while !self.machine.units.state(&self.unit.id).ready {
                // The sender lives as long as the machine.
                let _ = changes.changed().await;
            }
        };
        tokio::select! {
            () = ready => Ok(()),
            () = sleep(limit.unwrap_or(Duration::MAX)) => Err(Over::failed("timeout")),
            () = stopped(&mut self.stop) => Err(Over { result: "success", end: None, is_asked: true }),
            status = main.wait() => {
                let end = status.map(End::of).unwrap_or(End::Status(255));
                self.note_end(end);
                let result = end.result(&self.unit.file);
                // One that ends well has never said that it was ready.
                Err(Over { result: if result == "success" { "protocol" } else { result }, end: Some(end), is_asked: false })
            }
        }
    }

    /// What comes after a run: its commands to stop, what is left of its processes, and its last commands.
    async fn wind_up(&mut self, over: Over, context: &Context) -> Over {
        let file = self.unit.file.clone();
        let context = self.with_main(context);
        // Nobody tells it to stop twice.
        let mut never = watch::channel(false).1;
        std::mem::swap(&mut self.stop, &mut never);
        self.change(|state| state.go(Phase::Deactivating, "stop"));
        let mut over = over;
        if over.result == "success" && self.machine.units.state(&self.unit.id).started_run == self.run {
            // What its commands to stop say does not keep it from stopping.
            let _ = self.commands("ExecStop", &context).await;
        }
        if !self.end_processes(&file, &context).await && over.result == "success" {
            over.result = "timeout";
        }
        let _ = self.commands("ExecStopPost", &context).await;
        if file.last("Service", "RuntimeDirectoryPreserve").is_none_or(|preserve| preserve == "no") {
            for name in file.words("Service", "RuntimeDirectory") {
                let path = format!("/run/{}", launch::specified(&self.unit, &name));
                // What can't be removed is gone at the next boot.
                let _ = self.machine.sh("rm -rf -- \"$1\"", &[&path]).await;
            }
        }
        std::mem::swap(&mut self.stop, &mut never);
        over
    }

    /// Ends all processes of a run. False if they had to be killed.
    async fn end_processes(&self, file: &UnitFile, context: &Context) -> bool {
        let mode = file.last("Service", "KillMode").unwrap_or("control-group").to_owned();
        let all = || processes::with(RUN, &context.invocation);
        let main =
            || all().into_iter().filter(|process| process.inside == context.main_pid).collect::<Vec<_>>();
        let counted = || if mode == "process" { main() } else { all() };
        if mode == "none" || counted().is_empty() {
            return true;
        }
        let first = if mode == "mixed" || mode == "process" { main() } else { all() };
        processes::signal(&first, launch::kill_signal(file));
        processes::signal(&first, Signal::CONT);
        let limit = self.span("TimeoutStopSec", STOP_SECONDS * 1_000_000);
        let gone = async {
            loop {
                if (if mode == "mixed" { main() } else { counted() }).is_empty() {
                    return;
                }
                sleep(LOOK).await;
            }
        };
        let is_well = timeout(limit.unwrap_or(Duration::MAX), gone).await.is_ok();
        processes::signal(&counted(), Signal::KILL);
        while !counted().is_empty() {
            sleep(LOOK).await;
        }
        is_well
    }

    fn goes_again(&self, over: Over) -> bool {
        let file = &self.unit.file;
        let prevented = file.words("Service", "RestartPreventExitStatus");
        let is_prevented = over.end.is_some_and(|end| match end {
            End::Status(code) => prevented.contains(&code.to_string()),
            End::Signal(number) => prevented.iter().any(|name| super::signal::number(name) == Some(number)),
        });
        if over.is_asked || is_prevented || *self.stop.borrow() {
            return false;
        }
        let forced = file.words("Service", "RestartForceExitStatus");
        if over.end.is_some_and(|end| matches!(end, End::Status(code) if forced.contains(&code.to_string())))
        {
            return true;
        }
        match file.last("Service", "Restart").unwrap_or("no") {
            "always" => true,
            "on-success" => over.result == "success",
            "on-failure" => over.result != "success",
            "on-abnormal" => matches!(over.result, "signal" | "core-dump" | "timeout"),
            "on-abort" => matches!(over.result, "signal" | "core-dump"),
            _ => false,
        }
    }

    /// It runs, or has done its work.
    fn started(&self, sub: &'static str) {
        self.say(&format!("Started {} - {}.", self.unit.id, self.description()));
        self.change(|state| {
            state.started_run = state.run;
            if sub != "dead" {
                state.go(Phase::Active, sub);
            }
        });
    }

    fn ended(&self, end: End) -> Over {
        self.note_end(end);
        Over { result: end.result(&self.unit.file), end: Some(end), is_asked: false }
    }

    pub(super) fn note_end(&self, end: End) {
        self.change(|state| {
            state.end = Some(end);
            state.main_pid = 0;
            state.stamps.main_exit = super::state::now();
        });
    }

    fn tell_end(&self, over: Over) {
        let id = &self.unit.id;
        if let Some(end) = over.end.filter(|_| over.result != "success") {
            let how = if matches!(end, End::Status(_)) { "exited" } else { "killed" };
            self.say(&format!("{id}: Main process exited, code={how}, status={}", end.number()));
        }
        match over.result {
            "success" => self.say(&format!("{id}: Deactivated successfully.")),
            result => self.say(&format!("{id}: Failed with result '{result}'.")),
        }
    }

    fn with_main(&self, context: &Context) -> Context {
        Context { main_pid: self.machine.units.state(&self.unit.id).main_pid, ..context.clone() }
    }

    fn description(&self) -> String {
        super::show::description(&self.unit)
    }

    pub(super) fn say(&self, message: &str) {
        let invocation = self.machine.units.state(&self.unit.id).invocation;
        self.machine.units.journal.say_of(&self.unit.id, &invocation, message);
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut super::state::State) -> T) -> T {
        self.machine.units.change(&self.unit.id, change)
    }

    /// A span that a setting says; nothing: for ever.
    pub(super) fn span(&self, setting: &str, otherwise_microseconds: u64) -> Option<Duration> {
        let both = matches!(setting, "TimeoutStartSec" | "TimeoutStopSec").then_some("TimeoutSec");
        let given =
            [Some(setting), both].into_iter().flatten().find_map(|name| self.unit.file.last("Service", name));
        match given {
            Some(span) => microseconds(span).map(Duration::from_micros),
            None => Some(Duration::from_micros(otherwise_microseconds)),
        }
    }
}

/// Until the unit is told to stop.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could tell.
        std::future::pending::<()>().await;
    }
}

/// 128 random bits in hexadecimal.
fn new_invocation() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Runs the command by which a running service reads its settings again.
pub(super) async fn reload(machine: &Arc<Machine>, unit: &Unit) -> io::Result<bool> {
    let state = machine.units.state(&unit.id);
    let stop = watch::channel(false).1;
    let context = Context { invocation: state.invocation, main_pid: state.main_pid };
    let mut service = Service { machine: Arc::clone(machine), unit: unit.clone(), run: state.run, stop };
    machine.units.change(&unit.id, |state| state.go(Phase::Reloading, "reload"));
    let result = service.commands("ExecReload", &context).await;
    machine.units.change(&unit.id, |state| {
        if state.active == Phase::Reloading {
            state.go(Phase::Active, "running");
        }
    });
    Ok(result.is_ok())
}
