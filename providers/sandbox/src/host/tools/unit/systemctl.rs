//! `systemctl`: what it's told, and its exit statuses.

use std::sync::Arc;

use super::enable;
use super::find::{self, Load, full_name};
use super::job::{self, Refusal};
use super::processes;
use super::state::{Phase, State};
use super::{list, lock, show, signal};
use crate::host::tools::words::{Grammar, Words, matches};
use crate::host::tools::{Answer, Call, Machine, system};

const GRAMMAR: Grammar = Grammar {
    valued: &[
        &["--property", "-p", "-P"],
        &["--type", "-t"],
        &["--state"],
        &["--lines", "-n"],
        &["--output", "-o"],
        &["--signal", "-s"],
        &["--kill-whom", "--kill-who"],
        &["--job-mode"],
        &["--root"],
        &["--message"],
        &["--timestamp"],
    ],
    flags: &[
        &["--quiet", "-q"],
        &["--now"],
        &["--no-reload"],
        &["--no-block"],
        &["--no-pager"],
        &["--no-legend"],
        &["--no-ask-password"],
        &["--no-wall"],
        &["--plain"],
        &["--value"],
        &["--all", "-a"],
        &["--full", "-l"],
        &["--system"],
        &["--user"],
        &["--force", "-f"],
        &["--runtime"],
        &["--failed"],
        &["--wait"],
        &["--show-types"],
        &["--global"],
        &["--version"],
    ],
    ends_early: false,
};

/// Verbs that change something.
const CHANGES: &[&str] = &[
    "start",
    "stop",
    "restart",
    "try-restart",
    "reload",
    "reload-or-restart",
    "try-reload-or-restart",
    "enable",
    "disable",
    "reenable",
    "preset",
    "mask",
    "unmask",
    "daemon-reload",
    "daemon-reexec",
    "reset-failed",
    "kill",
    "reboot",
    "poweroff",
    "halt",
    "set-default",
    "isolate",
];

/// Answers `systemctl`.
pub(in crate::host::tools) async fn systemctl(machine: &Arc<Machine>, call: &Call) -> Answer {
    let mut words = match GRAMMAR.read(&call.words) {
        Ok(words) => words,
        Err(option) => return Answer::failed(1, format!("systemctl: unrecognized option '{option}'\n")),
    };
    if call.words.iter().any(|word| word == "-P" || word.starts_with("-P")) {
        words.set("--value");
    }
    if words.has("--version") {
        return Answer::said("systemd 252 (252.31-1~deb12u1)\n");
    } else if words.has("--user") {
        return Answer::failed(1, "Failed to connect to bus: No medium found\n");
    }
    let (verb, names) = words.verb();
    if CHANGES.contains(&verb) && !call.is_root {
        return Answer::failed(1, format!("Failed to {verb}: Interactive authentication required.\n"));
    }
    let run = Run { machine, words: &words };
    match verb {
        "start"
        | "stop"
        | "restart"
        | "try-restart"
        | "reload"
        | "reload-or-restart"
        | "try-reload-or-restart"
        | "isolate" => run.jobs(verb, names).await,
        "is-active" | "is-failed" => run.is(verb, names),
        "is-enabled" => run.is_enabled(names),
        "enable" | "disable" | "reenable" | "preset" => run.switch(verb, names).await,
        "mask" | "unmask" => run.mask(verb == "mask", names).await,
        "daemon-reload" | "daemon-reexec" => {
            machine.units.reload(machine).await;
            Answer::default()
        }
        "reset-failed" => run.reset_failed(names),
        "kill" => run.kill(names),
        "show" => run.show(names),
        "cat" => run.cat(names),
        "status" => list::status(machine, &words, names),
        "" | "list-units" => list::units(machine, &words, names),
        "list-unit-files" => list::unit_files(machine, &words, names),
        "list-timers" => list::timers(machine, &words),
        "list-dependencies" => list::dependencies(machine, names),
        "is-system-running" => run.is_system_running().await,
        "get-default" => Answer::said("multi-user.target\n"),
        "set-default" => Answer::default(),
        "show-environment" => {
            Answer::said("LANG=C.UTF-8\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n")
        }
        "reboot" | "poweroff" | "halt" => system::reboot(machine),
        verb => Answer::failed(1, format!("Unknown command verb {verb}.\n")),
    }
}

struct Run<'r> {
    machine: &'r Arc<Machine>,
    words: &'r Words,
}

impl Run<'_> {
    /// Names with patterns in them mean all units that are loaded and fit.
    fn named(&self, names: &[String]) -> Vec<String> {
        let loaded: Vec<String> = lock(&self.machine.units.states).keys().cloned().collect();
        let mut all = Vec::new();
        for name in names {
            match name.contains(['*', '?', '[']) {
                true => all.extend(loaded.iter().filter(|own| matches(name, own)).cloned()),
                false => all.push(name.clone()),
            }
        }
        all
    }

    async fn jobs(&self, verb: &str, names: &[String]) -> Answer {
        let mut answer = Answer::default();
        if names.is_empty() {
            return Answer::failed(1, "Too few arguments.\n");
        }
        for name in self.named(names) {
            self.warn_stale(&name, &mut answer);
            let name = full_name(&name);
            if self.words.has("--no-block") {
                let (machine, verb) = (Arc::clone(self.machine), verb.to_owned());
                self.machine.units.attend(async move {
                    // Nobody waits for what becomes of it.
                    let _ = perform(&machine, &verb, &name).await;
                });
                continue;
            }
            if let Err((code, why)) = perform(self.machine, verb, &name).await {
                answer.code = code;
                answer.complain(&why);
            }
        }
        answer
    }

    fn warn_stale(&self, name: &str, answer: &mut Answer) {
        let unit = self.machine.units.unit(self.machine, name);
        let state = self.machine.units.state(&unit.id);
        if show::is_stale(self.machine, &unit, &state) && state.active != Phase::Inactive {
            answer.complain(&format!(
                "Warning: The unit file, source configuration file or drop-ins of {} changed on disk. Run 'systemctl daemon-reload' to reload units.\n",
                unit.id
            ));
        }
    }

    fn is(&self, verb: &str, names: &[String]) -> Answer {
        let wanted = |active: Phase| match verb {
            "is-failed" => active == Phase::Failed,
            _ => matches!(active, Phase::Active | Phase::Reloading),
        };
        let mut answer = Answer { code: if verb == "is-failed" { 1 } else { 3 }, ..Answer::default() };
        for name in self.named(names) {
            let unit = self.machine.units.unit(self.machine, &name);
            let state = self.machine.units.state(&unit.id);
            if wanted(state.active) {
                answer.code = 0;
            } else if unit.load == Load::NotFound && answer.code == 3 {
                answer.code = 4;
            }
            if !self.words.has("--quiet") {
                answer.say(&format!("{}\n", state.active.word()));
            }
        }
        answer
    }

    fn is_enabled(&self, names: &[String]) -> Answer {
        let mut answer = Answer { code: 1, ..Answer::default() };
        for name in names {
            let Some(word) = find::enablement(&self.machine.files, name) else {
                answer.complain(&format!(
                    "Failed to get unit file state for {}: No such file or directory\n",
                    full_name(name)
                ));
                continue;
            };
            if matches!(word, "enabled" | "enabled-runtime" | "static" | "alias" | "indirect" | "generated") {
                answer.code = 0;
            }
            if !self.words.has("--quiet") {
                answer.say(&format!("{word}\n"));
            }
        }
        answer
    }

    async fn switch(&self, verb: &str, names: &[String]) -> Answer {
        let files = &self.machine.files;
        let mut answer = Answer::default();
        let mut said = Vec::new();
        for name in names {
            let result = match verb {
                "disable" => enable::disable(files, name).map(|removed| {
                    said.extend(removed);
                    true
                }),
                "reenable" => enable::disable(files, name).and_then(|removed| {
                    said.extend(removed);
                    enable::enable(files, name, &mut said)
                }),
                _ => enable::enable(files, name, &mut said),
            };
            match result {
                Ok(true) => {}
                Ok(false) => answer.complain(NO_INSTALL),
                Err(why) => {
                    answer.complain(&why);
                    answer.code = 1;
                    return answer;
                }
            }
        }
        if !self.words.has("--quiet") {
            said.iter().for_each(|line| answer.complain(line));
        }
        if !self.words.has("--no-reload") {
            self.machine.units.reload(self.machine).await;
        }
        if self.words.has("--now") {
            let more = self.jobs(if verb == "disable" { "stop" } else { "start" }, names).await;
            answer.complain(&more.err);
            answer.code = more.code;
        }
        answer
    }

    async fn mask(&self, is_masked: bool, names: &[String]) -> Answer {
        let mut answer = Answer::default();
        for name in names {
            match enable::mask(&self.machine.files, name, is_masked) {
                Ok(said) if self.words.has("--quiet") => drop(said),
                Ok(said) => said.iter().for_each(|line| answer.complain(line)),
                Err(why) => {
                    answer.complain(&why);
                    answer.code = 1;
                }
            }
        }
        self.machine.units.reload(self.machine).await;
        if self.words.has("--now") && is_masked {
            for name in names {
                job::stop(self.machine, name).await;
            }
        }
        answer
    }

    fn reset_failed(&self, names: &[String]) -> Answer {
        let units = &self.machine.units;
        let mut answer = Answer::default();
        let failed = || {
            let states = lock(&units.states);
            states
                .iter()
                .filter(|(_, state)| state.active == Phase::Failed)
                .map(|(id, _)| id.clone())
                .collect()
        };
        let names: Vec<String> = if names.is_empty() { failed() } else { self.named(names) };
        for name in names {
            let unit = units.unit(self.machine, &name);
            if unit.load == Load::NotFound && units.state(&unit.id).active == Phase::Inactive {
                answer.complain(&format!(
                    "Failed to reset failed state of unit {0}: Unit {0} not loaded.\n",
                    unit.id
                ));
                answer.code = 1;
                continue;
            }
            units.change(&unit.id, |state| {
                state.starts.clear();
                state.restarts = 0;
                if state.active == Phase::Failed {
                    state.result = "success";
                    state.go(Phase::Inactive, "dead");
                }
            });
        }
        answer
    }

    fn kill(&self, names: &[String]) -> Answer {
        let name = self.words.value("--signal").unwrap_or("TERM");
        let Some(wanted) = signal::read(name) else {
            return Answer::failed(1, format!("Failed to parse signal string {name}.\n"));
        };
        let mut answer = Answer::default();
        for name in self.named(names) {
            let unit = self.machine.units.unit(self.machine, &name);
            let state = self.machine.units.state(&unit.id);
            let all = processes::with(super::launch::RUN, &state.invocation);
            let main_only = self.words.value("--kill-whom") == Some("main");
            let chosen: Vec<_> =
                all.into_iter().filter(|process| !main_only || process.inside == state.main_pid).collect();
            if chosen.is_empty() || state.invocation.is_empty() {
                answer.complain(&format!("Failed to kill unit {0}: Unit {0} not loaded.\n", unit.id));
                answer.code = 1;
                continue;
            }
            processes::signal(&chosen, wanted);
        }
        answer
    }

    fn show(&self, names: &[String]) -> Answer {
        let asked: Vec<&str> =
            self.words.all("--property").iter().flat_map(|names| names.split(',')).collect();
        let mut answer = Answer::default();
        if names.is_empty() {
            let manager = [
                ("Version", "252.31-1~deb12u1"),
                ("SystemState", self.system_state()),
                ("DefaultTarget", "multi-user.target"),
            ];
            let wanted = manager.iter().filter(|(name, _)| asked.is_empty() || asked.contains(name));
            for (name, value) in wanted {
                answer.say(&if self.words.has("--value") {
                    format!("{value}\n")
                } else {
                    format!("{name}={value}\n")
                });
            }
            return answer;
        }
        for (at, name) in self.named(names).iter().enumerate() {
            let unit = self.machine.units.unit(self.machine, name);
            let state = self.machine.units.state(&unit.id);
            if at > 0 {
                answer.say("\n");
            }
            for (name, value) in show::properties(self.machine, &unit, &state) {
                if asked.is_empty() && value.is_empty() && !self.words.has("--all") {
                    continue;
                } else if asked.is_empty() || asked.contains(&name) {
                    let is_bare = self.words.has("--value");
                    answer.say(&if is_bare { format!("{value}\n") } else { format!("{name}={value}\n") });
                }
            }
        }
        answer
    }

    fn cat(&self, names: &[String]) -> Answer {
        let mut answer = Answer::default();
        for (at, name) in names.iter().enumerate() {
            let unit = find::read(&self.machine.files, name);
            if unit.load == Load::NotFound {
                answer.complain(&format!("No files found for {}.\n", full_name(name)));
                answer.code = 1;
                continue;
            }
            for (number, path) in unit.fragment.iter().chain(&unit.drop_ins).enumerate() {
                if at + number > 0 {
                    answer.say("\n");
                }
                answer.say(&format!("# {path}\n{}", self.machine.files.text(path).unwrap_or_default()));
            }
        }
        answer
    }

    async fn is_system_running(&self) -> Answer {
        if self.words.has("--wait") {
            let mut booting = self.machine.units.is_booting.subscribe();
            // The sender lives as long as the machine.
            let _ = booting.wait_for(|booting| !*booting).await;
        }
        let state = self.system_state();
        let said = if self.words.has("--quiet") { String::new() } else { format!("{state}\n") };
        Answer { code: u8::from(state != "running"), out: said, err: String::new() }
    }

    fn system_state(&self) -> &'static str {
        let is_failed = |state: &State| state.active == Phase::Failed;
        if *self.machine.units.is_booting.borrow() {
            "starting"
        } else if lock(&self.machine.units.states).values().any(is_failed) {
            "degraded"
        } else {
            "running"
        }
    }
}

async fn perform(machine: &Arc<Machine>, verb: &str, name: &str) -> Result<(), Refusal> {
    let unit = machine.units.unit(machine, name);
    let is_up = machine.units.state(&unit.id).is_up();
    let can_reload = !unit.file.all("Service", "ExecReload").is_empty();
    match verb {
        "start" | "isolate" => job::start(machine, name).await,
        "stop" if unit.load == Load::NotFound && !is_up => {
            Err((5, format!("Failed to stop {0}: Unit {0} not loaded.\n", unit.id)))
        }
        "stop" => {
            job::stop(machine, name).await;
            Ok(())
        }
        "try-restart" | "try-reload-or-restart" if !is_up && unit.load != Load::NotFound => Ok(()),
        "reload" => job::reload(machine, name).await,
        "reload-or-restart" | "try-reload-or-restart" if is_up && can_reload => {
            job::reload(machine, name).await
        }
        verb => job::restart(machine, name).await.map_err(|(code, why)| {
            let done = if verb.contains("reload") { "reload-or-restart" } else { "restart" };
            (code, why.replace("Failed to start", &format!("Failed to {done}")))
        }),
    }
}

const NO_INSTALL: &str = "The unit files have no installation config (WantedBy=, RequiredBy=, Also=,
Alias= settings in the [Install] section, and DefaultInstance= for template
units). This means they are not meant to be enabled using systemctl.

Possible reasons for having this kind of units are:
• A unit may be statically enabled by being symlinked from another unit's
  .wants/ or .requires/ directory.
• A unit's purpose may be to act as a helper for some other unit which has
  a requirement dependency on it.
• A unit may be started when needed via activation (socket, path, timer,
  D-Bus, udev, scripted systemctl call, ...).
• In case of template units, the unit is meant to be enabled with some
  instance name specified.
";
