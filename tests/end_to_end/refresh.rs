//! What a plan looks at: `-refresh=false` and `-refresh-only`.

use std::fs;

use crate::program::finish;
use crate::stack::Stack;

const STACK: &str = r#"
cluster "c" { sandbox = true }

host "h" { sandbox = true }

resource "kube_object" "page" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "page", namespace = "default" }
    data       = { text = "ours" }
  }
  force_conflicts = true
}

resource "host_file" "motd" {
  path    = "/etc/motd"
  content = "ours\n"
}

resource "host_file" "gone" {
  path    = "/etc/gone"
  content = "ours\n"
}

output "motd" { value = host_file.motd.sha256 }
"#;

/// Someone changes the object and one file, and removes the other.
fn meddle(stack: &Stack) {
    let theirs = r#"{ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "page" }, "data": { "text": "theirs" } }"#;
    stack.write("theirs.json", theirs);
    let apply = ["apply", "--server-side", "--force-conflicts", "-f"];
    finish(stack.kubectl("c").args(apply).arg(stack.path("theirs.json"))).done();
    fs::write(stack.on_host("h", "/etc/motd"), "theirs\n").unwrap();
    fs::remove_file(stack.on_host("h", "/etc/gone")).unwrap();
}

#[test]
fn only_the_records_follow_what_is_there() {
    let stack = Stack::of(STACK);
    stack.apply().done();
    let refresh = ["plan", "-refresh-only", "-detailed-exitcode"];
    stack.run(refresh).done().says(&["No drift: 3 instances are as recorded."]);
    meddle(&stack);
    let unseen = stack.run(["plan", "-refresh=false", "-detailed-exitcode"]).done();
    assert!(unseen.out.contains("3 instances were not looked at"), "{unseen}");
    let drift = stack.run(["plan", "-refresh-only", "-detailed-exitcode", "-out", "drift.mf"]).code(2);
    drift.says(&[
        "Changed outside of meshform since the last apply:",
        "= record  host_file.motd",
        "= record  kube_object.page",
        "forget  host_file.gone",
        "Drift: 2 to record as it is, 1 to forget. Nothing on a target changes.",
    ]);
    let world = stack.world();
    stack.run(["apply", "drift.mf"]).done();
    stack.run(refresh).done();
    assert!(world == stack.world(), "something on a target changed");
    // A plan that goes by the records sees what was recorded, and looks at it.
    stack.run(["plan", "-refresh=false", "-detailed-exitcode"]).code(2).says(&["2 to update", "1 to create"]);
    stack.plan().code(2).says(&[
        "~ update  kube_object.page",
        "~ update  host_file.motd",
        "+ create  host_file.gone",
    ]);
    stack.apply().done();
    stack.plan().done();
    stack.run(["plan", "-refresh=false", "-detailed-exitcode"]).done();
}

#[test]
fn what_moved_since_the_review_is_not_recorded() {
    let stack = Stack::of(STACK);
    stack.apply().done();
    meddle(&stack);
    stack.run(["plan", "-refresh-only", "-out", "drift.mf"]).done();
    fs::write(stack.on_host("h", "/etc/motd"), "others\n").unwrap();
    stack.run(["apply", "drift.mf"]).code(1).complains(&["host_file.motd", "Not as reviewed"]);
    let refused = |arguments: &[&str], says: &str| {
        stack.run(arguments).code(1).complains(&[says]);
    };
    refused(&["plan", "-destroy", "-refresh-only"], "Give one of the two.");
    refused(&["destroy", "-auto-approve", "-refresh=false"], "nothing is removed unseen");
    refused(&["apply", "drift.mf", "-refresh=false"], "A saved plan is planned already");
}
