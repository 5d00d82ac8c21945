//! One stack, two applies: one runs, the other is told who does. A dead run's lock is in nobody's way.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::postgres;
use crate::program::Ended;
use crate::stack::Stack;

/// An apply that tells when it has begun, and does not end before it is let.
const GATED: &str = r#"
host "edge" { sandbox = true }

resource "host_command" "gated" {
  run = "touch /tmp/begun; until test -e /tmp/gate; do sleep 0.02; done"
}
"#;

/// A cluster in which other stacks may keep their states.
const VAULT: &str = r#"
cluster "vault" { sandbox = true }

resource "kube_object" "namespace" {
  manifest = { apiVersion = "v1", kind = "Namespace", metadata = { name = "states" } }
}
"#;

fn gated_with_backend(backend: &str) -> Stack {
    let stack = Stack::of(GATED);
    stack.write("backend.hcl", &format!("meshform {{\n  backend {backend}\n}}\n"));
    stack
}

fn gated_in_database(name: &str) -> (Stack, Arc<postgres::Server>) {
    let server = postgres::Server::shared();
    let (port, password) = (server.port(), postgres::PASSWORD);
    let connection = format!("postgres://admin:{password}@127.0.0.1:{port}/postgres?sslmode=disable");
    let stack =
        gated_with_backend(&format!("\"postgres\" {{\n connection = {connection:?}\n stack = {name:?}\n }}"));
    (stack, server)
}

fn gated_in_cluster() -> (Stack, Stack) {
    let vault = Stack::of(VAULT);
    vault.apply().done();
    let kubeconfig = vault.path(".meshform/sandbox/vault.kubeconfig");
    let backend =
        format!("\"kube\" {{\n kubeconfig = {kubeconfig:?}\n namespace = \"states\"\n name = \"web\"\n }}");
    (gated_with_backend(&backend), vault)
}

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
    of_two_one_runs(&Stack::of(GATED), || ());
}

#[test]
fn of_two_applies_on_a_state_in_a_database_one_runs() {
    let (stack, server) = gated_in_database("raced");
    of_two_one_runs(&stack, || ());
    assert_eq!(server.sql("SELECT count(*) > 0 FROM meshform.blobs WHERE stack = 'raced'"), "t");
}

#[test]
fn of_two_applies_on_a_state_in_a_cluster_one_runs() {
    let (stack, vault) = gated_in_cluster();
    let labels = "meshform.dev/stack=web,meshform.dev/workspace=default";
    of_two_one_runs(&stack, || {
        vault.get("vault", &["lease", "-n", "states", "-l", labels]).done().says(&["(process "]);
    });
    vault.get("vault", &["secret", "-n", "states", "-l", labels]).done().says(&["meshform.dev/state"]);
}

/// `look` is called while one of them runs.
fn of_two_one_runs(stack: &Stack, look: impl FnOnce()) {
    let mut pair = vec![start(stack), start(stack)];
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

    look();
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
    a_dead_one_is_survived(&Stack::of(GATED));
}

#[test]
fn a_dead_runs_lock_in_a_database_is_taken_over() {
    let (stack, _server) = gated_in_database("survived");
    a_dead_one_is_survived(&stack);
}

#[test]
fn a_dead_runs_lock_in_a_cluster_is_taken_over() {
    let (stack, _vault) = gated_in_cluster();
    a_dead_one_is_survived(&stack);
}

fn a_dead_one_is_survived(stack: &Stack) {
    let mut holder = start(stack);
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
