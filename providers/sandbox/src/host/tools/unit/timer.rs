//! Timers (systemd.timer(5)): they start another unit when their time has come.
//!
//! What a calendar says is asked from `systemd-analyze`, if the machine has it; else such a timer waits for ever.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::sleep;

use super::file::microseconds;
use super::find::Unit;
use super::job::{self, Refusal};
use super::lock;
use super::state::{self, Phase};
use crate::host::tools::Machine;

/// Spans, and what they begin at.
const SPANS: [&str; 5] = ["OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec"];

/// Starts a timer.
pub(super) fn start(machine: &Arc<Machine>, unit: Unit) -> Result<(), Refusal> {
    let id = unit.id.clone();
    let has_time = SPANS.iter().chain(&["OnCalendar"]).any(|name| !unit.file.all("Timer", name).is_empty());
    if !has_time {
        let why = format!(
            "Failed to start {id}: Unit {id} has a bad unit file setting.\nSee system logs and 'systemctl status {id}' for details.\n"
        );
        return Err((1, why));
    }
    let (sender, stop) = watch::channel(false);
    lock(&machine.units.stops).insert(id.clone(), sender);
    machine.units.change(&id, |state| {
        state.unit = Some(unit.clone());
        state.invocation = format!("{:032x}", rand::random::<u128>());
        state.result = "success";
        state.go(Phase::Active, "waiting");
    });
    let attended = Arc::clone(machine);
    machine.units.attend(attend(attended, unit, stop));
    Ok(())
}

/// The unit that a timer starts.
pub(super) fn target(unit: &Unit) -> String {
    let stem = unit.id.trim_end_matches(".timer");
    unit.file.last("Timer", "Unit").map_or_else(|| format!("{stem}.service"), super::find::full_name)
}

async fn attend(machine: Arc<Machine>, unit: Unit, mut stop: watch::Receiver<bool>) {
    let id = unit.id.clone();
    let begun = state::now();
    loop {
        let next = next(&machine, &unit, begun).await;
        machine.units.change(&id, |state| {
            state.next_elapse = next;
            state.go(Phase::Active, if next.is_some() { "waiting" } else { "elapsed" });
        });
        let elapse = async {
            match next {
                Some(moment) => sleep(job::until_moment(moment)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = elapse => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
        machine.units.change(&id, |state| {
            state.last_trigger = state::now();
            state.go(Phase::Active, "running");
        });
        let stamp = format!("/var/lib/systemd/timers/stamp-{id}");
        if unit.file.flag("Timer", "Persistent") {
            // What can't be kept is only not remembered over the next boot.
            let _ = machine.files.write(&stamp, b"", 0o644);
        }
        // Whether it runs well is its own matter.
        let _ = job::start(&machine, &target(&unit)).await;
    }
    machine.units.change(&id, |state| {
        state.next_elapse = None;
        state.go(Phase::Inactive, "dead");
    });
}

/// When it elapses next, in microseconds since 1970.
async fn next(machine: &Machine, unit: &Unit, begun: u64) -> Option<u64> {
    let now = state::now();
    let started = machine.units.state(&target(unit)).stamps;
    let last = machine.units.state(&unit.id).last_trigger;
    let mut moments = Vec::new();
    for name in SPANS {
        let base = match name {
            "OnActiveSec" => begun,
            "OnBootSec" | "OnStartupSec" => machine.units.booted,
            "OnUnitActiveSec" => started.inactive_exit,
            _ => started.inactive_enter,
        };
        // What has not happened yet is counted from by nothing; what is past, and was done, comes not again.
        let spans = unit.file.all("Timer", name).into_iter().filter_map(microseconds);
        let all = spans.filter(|_| base != 0).map(|span| base.saturating_add(span));
        moments.extend(all.filter(|moment| *moment > last.max(base.saturating_sub(1))));
    }
    for calendar in unit.file.all("Timer", "OnCalendar") {
        moments.extend(calendar_next(machine, calendar).await);
    }
    let delay =
        unit.file.last("Timer", "RandomizedDelaySec").and_then(microseconds).filter(|delay| *delay > 0);
    let delay = delay.map_or(0, |most| rand::random::<u64>() % most);
    moments.into_iter().min().map(|moment| moment.max(now).saturating_add(delay))
}

async fn calendar_next(machine: &Machine, calendar: &str) -> Option<u64> {
    let told = machine
        .sh("TZ=UTC LC_ALL=C systemd-analyze calendar --iterations=1 -- \"$1\"", &[calendar])
        .await
        .ok()?;
    let line = told.out.lines().find_map(|line| line.trim().strip_prefix("Next elapse: "))?;
    // `Wed 2026-11-25 00:00:00 UTC`
    let (_, moment) = line.trim().split_once(' ')?;
    let moment = moment.trim_end_matches(" UTC").replace(' ', "T") + "Z";
    u64::try_from(moment.parse::<jiff::Timestamp>().ok()?.as_microsecond()).ok()
}
