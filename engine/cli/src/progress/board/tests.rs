use super::*;
use meshform_engine::address::{TargetAddress, TargetKind};
use meshform_engine::ports::{ErrorCode, Operation};

const CREATE: StepOperation = StepOperation::Perform(Operation::Create);

fn web() -> Address {
    Address::new("kube_object", "web")
}

fn started() -> Progress {
    Progress::StepStarted { address: web(), operation: CREATE }
}

fn report(message: &str) -> Progress {
    Progress::StepReport { address: web(), message: message.into() }
}

fn failed() -> Progress {
    let error = ProviderError {
        code: ErrorCode::TimedOut,
        summary: "Not ready in time".into(),
        detail: "Deployment web has 1 of 2 replicas. Look at its pods.".into(),
        path: None,
    };
    Progress::StepFailed { address: web(), operation: CREATE, error, moved: Vec::new(), elapsed_ms: 61_000 }
}

/// Each event at its time, `None` for time that passes; and all the lines that come of it.
fn check(live: bool, events: &[(u64, Option<Progress>)], expect: &[&str]) {
    let mut board = Board::new(live);
    let lines = events.iter().flat_map(|(now_ms, event)| match event {
        Some(event) => board.take(event, *now_ms),
        None => board.remind(*now_ms),
    });
    let lines: Vec<_> = lines.map(|line| anstream::adapter::strip_str(&line).to_string()).collect();
    assert_eq!(lines, expect);
}

#[test]
fn a_log_tells_starts_ends_and_long_waits() {
    check(
        false,
        &[
            (0, Some(started())),
            (1_000, Some(report("0 of 2 replicas are ready"))),
            (5_000, None),
            (10_500, None),
            (11_000, Some(report("1 of 2 replicas are ready"))),
            (20_400, None),
            (20_600, None),
            (21_200, Some(Progress::StepSucceeded { address: web(), operation: CREATE, elapsed_ms: 21_200 })),
            (40_000, None),
        ],
        &[
            "kube_object.web: creating…",
            "kube_object.web: still creating… (10s) 0 of 2 replicas are ready",
            "kube_object.web: still creating… (20s) 1 of 2 replicas are ready",
            "kube_object.web: created in 21.2s",
        ],
    );
}

#[test]
fn failures_say_why_and_what_was_not_run() {
    let skipped =
        |because| Progress::StepSkipped { address: Address::new("value", "x"), operation: CREATE, because };
    check(
        false,
        &[
            (0, Some(started())),
            (61_000, Some(failed())),
            (61_000, Some(skipped(Some(web())))),
            (61_000, Some(skipped(None))),
        ],
        &[
            "kube_object.web: creating…",
            "kube_object.web: creating failed after 1m 01s: Not ready in time",
            "    Deployment web has 1 of 2 replicas. Look at its pods.",
            "- value.x: not run, because kube_object.web failed",
            "- value.x: not run, because the apply is stopping",
        ],
    );
}

#[test]
fn on_a_terminal_only_ends_stay() {
    let target = TargetAddress::new(TargetKind::Cluster, "prod");
    check(
        true,
        &[
            (0, Some(Progress::Connecting { target })),
            (0, Some(started())),
            (30_000, None),
            (61_000, Some(failed())),
        ],
        &[
            "✗ kube_object.web creating failed after 1m 01s: Not ready in time",
            "    Deployment web has 1 of 2 replicas. Look at its pods.",
        ],
    );
}
