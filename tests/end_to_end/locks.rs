//! One stack, two applies: one runs, the other is told who does. A dead run's lock is in nobody's way.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::program::Ended;
use crate::stack::Stack;

/// An apply that tells when it has begun, and does not end before it is let.
const GATED: &str = r#"
host "edge" { sandbox = true }

resource "host_command" "gated" {
  run = "touch /tmp/begun; until test -e /tmp/gate; do sleep 0.02; done"
}
"#;

fn start(stack: &Stack) -> Child {
    let mut command = stack.command();
    command.args(["apply", "-auto-approve"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn end(child: Child) -> Ended {
    Ended::new("apply".to_owned(), &child.wait_with_output().unwrap())
}

/// Waits until something holds, which is a matter of moments.
fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn begun(path: &Path) {
    wait("the apply has begun", || path.exists());
}

#[test]
fn of_two_applies_one_runs() {
    let stack = Stack::of(GATED);
    let mut pair = vec![start(&stack), start(&stack)];
    let first_pids = [pair[0].id(), pair[1].id()];
    let mut lost = None;
    wait("one of the two has ended", || {
        lost = pair.iter_mut().position(|child| child.try_wait().unwrap().is_some());
        lost.is_some()
    });
    let lost = end(pair.swap_remove(lost.unwrap())).code(1);
    begun(&stack.on_host("edge", "/tmp/begun"));
    let winner = pair.pop().unwrap();
    assert!(first_pids.contains(&winner.id()));
    let today =
        String::from_utf8(std::process::Command::new("date").args(["-u", "+%F"]).output().unwrap().stdout);
    let since = format!("since {}T", today.unwrap().trim());
    lost.complains(&[
        "The state is locked",
        "apply",
        &format!("(process {})", winner.id()),
        &since,
        "-lock-timeout",
    ]);

    // Who waits gets it.
    let mut patient = stack.command();
    patient
        .args(["apply", "-auto-approve", "-lock-timeout", "60s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let patient = patient.spawn().unwrap();
    fs::write(stack.on_host("edge", "/tmp/gate"), "").unwrap();
    end(winner).done().says(&["Applied: 1 created"]);
    end(patient).done();
    stack.plan().done();
}

#[test]
fn a_dead_runs_lock_is_taken_over() {
    let stack = Stack::of(GATED);
    let mut holder = start(&stack);
    begun(&stack.on_host("edge", "/tmp/begun"));
    stack.apply().code(1).complains(&["The state is locked", &format!("(process {})", holder.id())]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    fs::write(stack.on_host("edge", "/tmp/gate"), "").unwrap();
    let started = Instant::now();
    stack.apply().done().complains(&["the last apply was cut off"]);
    assert!(started.elapsed() < Duration::from_secs(25), "it waited for the lease to expire");
    stack.plan().done();
}
