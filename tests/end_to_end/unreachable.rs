//! Hosts and clusters that do not answer when a plan is made: the rest of it stands, loudly in part.

use std::fs;

use serde_json::{Value as Json, json};

use crate::program::Ended;
use crate::sshd::{Sshd, user};
use crate::stack::Stack;

/// The block of a host, and a file of the server's folder that is on it.
fn host(name: &str, sshd: &Sshd, content: &str) -> String {
    let identity = sshd.path("user_key").display().to_string();
    let path = sshd.path(&format!("{name}.txt")).display().to_string();
    format!(
        "host \"{name}\" {{\n  address       = \"127.0.0.1\"\n  port          = {}\n  user          = {:?}\n  identity_file = {identity:?}\n  host_key      = {:?}\n}}\n\
         resource \"host_file\" \"{name}\" {{\n  host    = host.{name}\n  path    = {path:?}\n  content = {content}\n}}\n",
        sshd.port,
        user(),
        sshd.host_key(),
    )
}

/// Two hosts, and what needs the file on the second one.
fn two(web: &Sshd, db: &Sshd, content: &str) -> String {
    let greeting = "resource \"value\" \"greeting\" {\n  input = host_file.db.sha256\n}\n";
    host("web", web, content) + &host("db", db, content) + greeting
}

fn listed(stack: &Stack) -> String {
    let listed = stack.run(["state", "list"]).done().out;
    listed.split_whitespace().filter(|word| word.contains('.')).collect::<Vec<_>>().join(" ")
}

const NOT_WHOLE: &str = "Not whole: host.db could not be reached, so that 2 instances are not planned.";

/// The plan tells which host it was, the whole error, and what is left out; its exit code is that of neither nothing nor all.
#[track_caller]
fn in_part(planned: Ended, port: u16) -> Ended {
    let planned = planned.code(3).says(&["host.db: Host unreachable", NOT_WHOLE]);
    let said = planned.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let address = format!("127.0.0.1 port {port})");
    for part in [&*address, "Connection refused", "there: host_file.db", "needs that: value.greeting"] {
        assert!(said.contains(part), "no {part:?} in {planned}");
    }
    planned
}

#[test]
fn a_host_that_is_off_leaves_the_rest_of_the_plan_standing() {
    let (web, mut db) = (Sshd::start(), Sshd::start());
    let stack = Stack::of(&two(&web, &db, "\"one\""));
    stack.apply().done();
    let file = |sshd: &Sshd, name: &str| fs::read_to_string(sshd.path(&format!("{name}.txt"))).unwrap();
    let all = listed(&stack);
    db.stop();

    // Nothing to do on what is there is not that there is nothing to do.
    in_part(stack.plan(), db.port).says(&["Nothing to do: 1 instance is as the configuration says."]);
    in_part(stack.apply(), db.port);
    stack.write("main.hcl", &two(&web, &db, "\"two\""));
    in_part(stack.run(["plan", "-out", "plan.mf"]), db.port).says(&["host_file.web", "1 to update"]);
    let shown = stack.run(["show", "plan.mf", "-json"]).done().json();
    assert_eq!((&shown["complete"], &shown["empty"]), (&json!(false), &json!(false)));
    let lost = &shown["unreachable"][0];
    assert_eq!((&lost["target"], &lost["instances"]), (&json!("host.db"), &json!(["host_file.db"])));
    assert_eq!(lost["dependants"], json!(["value.greeting"]));

    let applied = stack.run(["apply", "plan.mf"]).code(3).says(&[NOT_WHOLE, "1 updated", "2 left out"]);
    applied.complains(&["host.db could not be reached", "host_file.db", "Apply the stack again"]);
    assert_eq!((file(&web, "web"), file(&db, "db")), ("two".to_owned(), "one".to_owned()));
    assert_eq!(listed(&stack), all);

    // What waits for the host waits for no further round.
    let rounds = stack.run(["apply", "-auto-approve", "-rounds", "3"]);
    assert_eq!(in_part(rounds, db.port).out.matches("Not whole").count(), 1);
    let events = stack.run(["apply", "-auto-approve", "-json"]).code(3).out;
    let last: Json = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(last["unreachable"][0]["target"], json!("host.db"), "{events}");

    db.restart();
    stack.plan().code(2).says(&["host_file.db"]);
    stack.apply().done();
    assert_eq!(file(&db, "db"), "two");
    stack.plan().done();

    db.stop();
    stack.destroy().code(3).says(&["2 deleted", "host_file.db"]);
    assert!(!web.path("web.txt").exists());
    assert_eq!(listed(&stack), "host_file.db");
    db.restart();
    stack.destroy().done();
    assert!(!db.path("db.txt").exists());
}

/// Who answers has been reached, whatever the answer; and where nobody answers, there is nothing to plan.
#[test]
fn only_silence_is_left_out() {
    let (mut web, mut db) = (Sshd::start(), Sshd::start());
    let good = two(&web, &db, "\"one\"");
    let stack = Stack::of(&good);
    stack.write("main.hcl", &good.replace(&db.host_key(), &web.host_key()));
    stack.plan().code(1).complains(&["Host key changed"]);
    stack.write("main.hcl", &good);
    db.stop();
    web.stop();
    stack.plan().code(1).complains(&["Host unreachable", &format!("port {}", db.port), "main.hcl:"]);
}

#[test]
fn a_cluster_that_does_not_answer_is_left_out_too() {
    let web = Sshd::start();
    let kubeconfig = json!({
        "clusters": [{ "name": "x", "cluster": { "server": "http://127.0.0.1:1" } }],
        "users": [{ "name": "x", "user": {} }],
        "contexts": [{ "name": "x", "context": { "cluster": "x", "user": "x" } }],
        "current-context": "x",
    });
    let page = "cluster \"far\" {\n  kubeconfig = \"far.kubeconfig\"\n}\nresource \"kube_object\" \"page\" {\n  cluster = cluster.far\n  manifest = {\n    apiVersion = \"v1\"\n    kind       = \"ConfigMap\"\n    metadata   = { name = \"page\", namespace = \"default\" }\n    data       = { text = \"hi\" }\n  }\n}\n";
    let stack = Stack::of(&(host("web", &web, "\"one\"") + page));
    stack.write("far.kubeconfig", &kubeconfig.to_string());
    let applied = stack.apply().code(3).says(&[
        "cluster.far: The cluster cannot be reached",
        "127.0.0.1:1",
        "there: kube_object.page",
        "1 created",
    ]);
    applied.complains(&["cluster.far could not be reached"]);
    assert_eq!(listed(&stack), "host_file.web");
}

/// What a command writes before it fails is told once and whole, with how it ended and where.
#[test]
fn a_failed_command_is_told_once() {
    let web = Sshd::start();
    let command = "resource \"host_command\" \"long\" {\n  run = \"i=0; while [ $i -lt 60 ]; do i=$((i + 1)); echo \\\"told  $i!\\\"; done; exit 7\"\n}\n";
    let stack = Stack::of(&(host("web", &web, "\"one\"") + command));
    let failed = stack.apply().code(1);
    for line in 1..=60 {
        assert_eq!(failed.all().matches(&format!("told  {line}!")).count(), 1, "line {line} of {failed}");
    }
    failed.complains(&["On host.web", "exit code 7"]);
}
