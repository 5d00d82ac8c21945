//! What is recorded, looked at and changed by hand. Nothing of that touches a target, and nothing of it is lost when it is cut off.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::program::{Ended, piped, typed};
use crate::stack::Stack;

const STACK: &str = r#"
resource "value" "one" {
  input = 1
}

resource "value" "all" {
  for_each = { a = 1, b = 2 }
  input    = "${each.value}${value.one.output}"
}

output "sum" {
  value = value.all["a"].output + value.all["b"].output
}
"#;

fn list(stack: &Stack) -> String {
    stack.run(["state", "list"]).done().out
}

fn json(ended: Ended) -> Json {
    ended.json()
}

#[test]
fn what_is_recorded_moves_with_its_block() {
    let stack = Stack::of(STACK);
    stack.apply().done();
    let dry = stack.run(["state", "mv", "value.all", "value.every", "-dry-run"]).done();
    assert_eq!(dry.out, "value.all[\"a\"] → value.every[\"a\"]\nvalue.all[\"b\"] → value.every[\"b\"]\n");
    dry.complains(&["Nothing was changed"]);
    stack.plan().done();
    stack.run(["state", "mv", "value.all", "value.every"]).done().complains(&["Moved: 2 instances"]);
    stack.plan().code(2);
    let text = fs::read_to_string(stack.path("main.hcl")).unwrap();
    stack.write("main.hcl", &text.replace("value.all[", "value.every[").replace("\"all\"", "\"every\""));
    stack.plan().done();
    let moved = json(stack.run(["state", "mv", "value.one", "module.inner.value.one", "-json"]).done());
    assert_eq!(moved["moved"][0]["to"], "module.inner.value.one");
    let shown = json(stack.run(["state", "show", "value.every[\"a\"]", "-json"]).done());
    assert_eq!(shown["depends_on"][0], "module.inner.value.one");

    let refused = |from: &str, to: &str, why: &[&str]| {
        let before = fs::read(stack.path(".meshform/state.json")).unwrap();
        stack.run(["state", "mv", from, to]).code(1).complains(why);
        assert_eq!(fs::read(stack.path(".meshform/state.json")).unwrap(), before);
    };
    refused("value.evry", "value.x", &["nothing is recorded of it", "Did you mean value.every?"]);
    refused("value.every[\"a\"]", "value.every[\"b\"]", &["something is recorded there already"]);
    refused("value.every", "host_file.every", &["a resource stays of its type"]);
    refused("value", "value.x", &["Not an address"]);
}

#[test]
fn what_is_forgotten_stays_where_it_is() {
    let stack = Stack::of(
        r#"
host "edge" { sandbox = true }

resource "host_file" "motd" {
  path    = "/etc/motd"
  content = "hello\n"
}
"#,
    );
    stack.apply().done();
    let file = stack.on_host("edge", "/etc/motd");
    stack.run(["state", "rm", "host_file.mot"]).code(1).complains(&["Did you mean host_file.motd?"]);
    stack.run(["state", "rm", "-dry-run", "host_file.motd"]).done().complains(&["Nothing was changed"]);
    assert_eq!(list(&stack), "host_file.motd\n");
    stack
        .run(["state", "rm", "host_file.motd"])
        .done()
        .complains(&["Forgotten: 1 instance", "stays there as it is"]);
    assert_eq!(list(&stack), "");
    assert_eq!(fs::read_to_string(&file).unwrap(), "hello\n");
    stack.plan().code(2).says(&["adopt"]);
    stack.apply().done();
    assert_eq!(list(&stack), "host_file.motd\n");
}

#[test]
fn a_pulled_document_is_pushed_only_where_it_fits() {
    let stack = Stack::of(STACK);
    stack.apply().done();
    let pulled = stack.run(["state", "pull"]).done().out;
    stack.write("pulled.json", &pulled);
    stack.run(["state", "push", "pulled.json"]).done().complains(&["is that already"]);
    stack.edit("b = 2", "c = 3");
    stack.edit("value.all[\"b\"]", "value.all[\"c\"]");
    stack.apply().done();
    stack.run(["state", "push", "pulled.json"]).code(1).complains(&["It is older than the state", "-force"]);
    let pushed = piped(stack.command().args(["state", "push", "-", "-force"]), &pulled).done();
    assert_eq!(pushed.out.lines().collect::<Vec<_>>()[..2], ["  + value.all[\"b\"]", "  - value.all[\"c\"]"]);
    assert_eq!(list(&stack), "value.all[\"a\"]\nvalue.all[\"b\"]\nvalue.one\n");

    // Into another stack, whose state is of another lineage, and into one that has none.
    let other = Stack::of(STACK);
    other.write("pulled.json", &pulled);
    other.run(["state", "push", "pulled.json"]).done().complains(&["Pushed"]);
    assert_eq!(list(&other), "value.all[\"a\"]\nvalue.all[\"b\"]\nvalue.one\n");
    assert_eq!(
        json(other.run(["show", "-json"]).done())["lineage"],
        json(stack.run(["show", "-json"]).done())["lineage"]
    );
    let third = Stack::of(STACK);
    third.apply().done();
    third.write("pulled.json", &pulled);
    third.run(["state", "push", "pulled.json"]).code(1).complains(&["It is of another state", "-force"]);
    for (broken, why) in [
        ("", "state"),
        ("{}", "state"),
        (&pulled[..pulled.len() / 2], "state"),
        (&*pulled.replace("value.one", "value.two"), "state"),
    ] {
        piped(third.command().args(["state", "push", "-"]), broken)
            .code(1)
            .complains(&["cannot be used", why]);
    }
}

#[test]
fn the_record_goes_back_and_history_goes_on() {
    let stack = Stack::of(STACK);
    stack.run(["state", "history"]).done().complains(&["There is no state yet"]);
    stack.apply().done();
    stack.run(["state", "rm", "value.all[\"a\"]"]).done();
    stack.run(["state", "mv", "value.one", "value.two"]).done();
    let history = json(stack.run(["state", "history", "-json"]).done());
    let told: Vec<_> = history["snapshots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["serial"].as_u64().unwrap(),
                it["operation"].as_str().unwrap().to_owned(),
                it["instances"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [(3, "state mv".to_owned(), 2), (2, "state rm".to_owned(), 2), (1, "apply".to_owned(), 3)]
    );
    let shown = stack.run(["state", "history", "-n", "2"]).done();
    let lines: Vec<_> = shown.out.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("state mv") && lines[1].ends_with("+0 ~0 -1"), "{shown}");

    stack.run(["state", "rollback", "1"]).code(1).complains(&["Nobody is there to approve"]);
    stack
        .run(["state", "rollback", "7", "-auto-approve"])
        .code(1)
        .complains(&["no snapshot of serial 7 is kept"]);
    let typed = typed(stack.folder(), "state rollback 1", "sleep 1; echo no").code(1);
    assert!(typed.out.contains("+ value.one") && typed.out.contains("Nothing was changed"), "{typed}");
    stack
        .run(["state", "rollback", "1", "-auto-approve"])
        .done()
        .says(&["+ value.one", "- value.two"])
        .complains(&["serial 1"]);
    assert_eq!(list(&stack), "value.all[\"a\"]\nvalue.all[\"b\"]\nvalue.one\n");
    stack.plan().done();
    stack.run(["state", "rollback", "1", "-auto-approve"]).done().complains(&["already"]);
    let history = json(stack.run(["state", "history", "-json"]).done());
    assert_eq!(history["snapshots"].as_array().unwrap().len(), 4);
}

/// An apply that tells when it has begun, and does not end before it is let.
const GATED: &str = r#"
host "edge" { sandbox = true }

resource "host_command" "gated" {
  run = "touch /tmp/begun; until test -e /tmp/gate; do sleep 0.02; done"
}

resource "host_file" "after" {
  path       = "/etc/after"
  content    = "after\n"
  depends_on = [host_command.gated]
}
"#;

#[test]
fn who_has_lost_the_lock_changes_nothing_more() {
    let stack = Stack::of(GATED);
    stack.run(["state", "unlock"]).done().complains(&["Nobody holds the lock"]);
    let mut apply = stack.command();
    apply.args(["apply", "-auto-approve"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let apply = apply.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !stack.on_host("edge", "/tmp/begun").exists() {
        assert!(Instant::now() < deadline, "the apply does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    stack.run(["state", "rm", "host_command.gated"]).code(1).complains(&["The state is locked"]);
    stack.run(["state", "unlock"]).code(1).complains(&[
        "The lock is held by",
        "it counts as alive",
        "Nobody is there to approve",
    ]);
    stack.run(["state", "unlock", "7", "-auto-approve"]).code(1).complains(&["The lock's token is"]);
    let unlocked = json(stack.run(["state", "unlock", "-auto-approve", "-json"]).done());
    assert_eq!(unlocked["holder"]["process"], apply.id());
    assert_eq!(unlocked["holder"]["operation"], "apply");
    let state = || (list(&stack), fs::read(stack.path(".meshform/state.json")).ok());
    let before = state();
    fs::write(stack.on_host("edge", "/tmp/gate"), "").unwrap();
    let ended = Ended::new("apply".to_owned(), &apply.wait_with_output().unwrap()).code(1);
    ended.complains(&["another run has taken over its lock"]);
    assert_eq!(state(), before);
    assert!(!stack.on_host("edge", "/etc/after").exists());
    stack.apply().done().complains(&["the last apply was cut off"]);
    stack.plan().done();
}

/// Killed at any moment, a move is done, or not at all, or nothing of it is lost.
#[test]
fn a_move_that_is_killed_forgets_nothing() {
    let stack = Stack::of(STACK);
    stack.apply().done();
    let places = ["value.one", "value.two"];
    for round in 0..12 {
        let is_there = |place: &str| list(&stack).lines().any(|line| line == place);
        let (from, to) = if is_there(places[0]) { (places[0], places[1]) } else { (places[1], places[0]) };
        let mut mv = stack.command();
        mv.args(["state", "mv", from, to]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut mv = mv.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(round * 2));
        let _ = mv.kill();
        mv.wait().unwrap();
        let listed = list(&stack);
        assert!(places.iter().any(|place| listed.contains(place)), "{round}: {listed}");
        assert!(
            listed.contains("value.all[\"a\"]") && listed.contains("value.all[\"b\"]"),
            "{round}: {listed}"
        );
    }
}
