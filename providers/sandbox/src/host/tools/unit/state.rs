//! What units are doing: their state, in systemd's words, and how it came to that.

use super::file::UnitFile;
use super::find::Unit;

/// systemd's `ActiveState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Inactive,
    Activating,
    Active,
    Reloading,
    Deactivating,
    Failed,
}

impl Phase {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Activating => "activating",
            Self::Active => "active",
            Self::Reloading => "reloading",
            Self::Deactivating => "deactivating",
            Self::Failed => "failed",
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Status(i32),
    Signal(i32),
}

impl End {
    pub(super) fn of(status: std::process::ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        match (status.code(), status.signal()) {
            // A shell tells of a signal so.
            (Some(code), _) => Self::Status(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }

    pub(super) fn number(self) -> i32 {
        match self {
            Self::Status(number) | Self::Signal(number) => number,
        }
    }

    /// `waitid(2)`'s code, as `ExecMainCode` has it.
    pub(super) fn code(self) -> i32 {
        match self {
            Self::Status(_) => 1,
            Self::Signal(_) => 2,
        }
    }

    /// Whether it's a good end (systemd.service(5), SuccessExitStatus).
    pub(super) fn is_clean(self, file: &UnitFile) -> bool {
        let more = file.words("Service", "SuccessExitStatus");
        let is_oneshot = file.last("Service", "Type") == Some("oneshot");
        match self {
            Self::Status(0) => true,
            // HUP, INT, PIPE and TERM, which is how a daemon is told to stop.
            Self::Signal(1 | 2 | 13 | 15) if !is_oneshot => true,
            Self::Status(code) => more.contains(&code.to_string()),
            Self::Signal(number) => more.iter().any(|name| super::signal::number(name) == Some(number)),
        }
    }

    /// systemd's `Result` for it.
    pub(super) fn result(self, file: &UnitFile) -> &'static str {
        match self {
            _ if self.is_clean(file) => "success",
            Self::Status(_) => "exit-code",
            Self::Signal(3 | 4 | 6 | 7 | 8 | 11 | 24 | 25 | 31) => "core-dump",
            Self::Signal(_) => "signal",
        }
    }
}

/// Microseconds since 1970 of what has happened last; 0 if it never has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stamps {
    pub(super) inactive_exit: u64,
    pub(super) active_enter: u64,
    pub(super) active_exit: u64,
    pub(super) inactive_enter: u64,
    pub(super) state_change: u64,
    pub(super) main_start: u64,
    pub(super) main_exit: u64,
}

/// One unit's state.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) active: Phase,
    /// systemd's `SubState`.
    pub(super) sub: &'static str,
    /// systemd's `Result`.
    pub(super) result: &'static str,
    pub(super) main_pid: u32,
    pub(super) end: Option<End>,
    pub(super) restarts: u32,
    pub(super) invocation: String,
    pub(super) stamps: Stamps,
    /// As it was read when it was last started or asked to be read again.
    pub(super) unit: Option<Unit>,
    /// Which run of it this is. Whoever attends an earlier one has nothing to say any more.
    pub(super) run: u64,
    /// The latest run that has come as far as it was to come.
    pub(super) started_run: u64,
    /// When it was started, in microseconds since 1970, the latest ones.
    pub(super) starts: Vec<u64>,
    /// Whether a process has said that it is ready.
    pub(super) ready: bool,
    /// When a timer elapses next, and did last, in microseconds since 1970.
    pub(super) next_elapse: Option<u64>,
    pub(super) last_trigger: u64,
    /// What a condition of the unit's said at its last start.
    pub(super) condition: Option<bool>,
}

impl State {
    /// Goes over to another state.
    pub(super) fn go(&mut self, active: Phase, sub: &'static str) {
        let now = now();
        let is_up = |active: Phase| matches!(active, Phase::Active | Phase::Reloading);
        let is_down = |active: Phase| matches!(active, Phase::Inactive | Phase::Failed);
        if is_down(self.active) && !is_down(active) {
            self.stamps.inactive_exit = now;
        }
        if !is_up(self.active) && is_up(active) {
            self.stamps.active_enter = now;
        }
        if is_up(self.active) && !is_up(active) {
            self.stamps.active_exit = now;
        }
        if !is_down(self.active) && is_down(active) {
            self.stamps.inactive_enter = now;
        }
        self.stamps.state_change = now;
        (self.active, self.sub) = (active, sub);
    }

    /// It was started too often. Why it ended before stays the reason.
    pub(super) fn refuse(&mut self) {
        if self.result.is_empty() || self.result == "success" {
            self.result = "start-limit-hit";
        }
        self.go(Phase::Failed, "failed");
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.active, Phase::Active | Phase::Reloading)
    }
}

/// Microseconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or_default()
}

/// A moment as systemd writes it; nothing if it never was.
pub(super) fn stamp(microseconds: u64) -> String {
    let moment = i64::try_from(microseconds).ok().filter(|moment| *moment != 0);
    let moment = moment.and_then(|moment| jiff::Timestamp::from_microsecond(moment).ok());
    moment.map(|moment| moment.strftime("%a %Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default()
}
