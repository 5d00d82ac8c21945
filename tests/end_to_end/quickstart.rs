//! The life of the first stack: applied, seen, changed, reviewed, taken over by others, taken down.

use std::fs;

use serde_json::json;

use crate::kubectl::{lines, write_as};
use crate::program::finish;
use crate::stack::Stack;

/// The page that an address answers with.
pub(crate) fn fetch(address: &str) -> String {
    finish(std::process::Command::new("curl").args(["-sS", "--fail", "--max-time", "10", address])).done().out
}

fn applied() -> Stack {
    let stack = Stack::example("quickstart");
    stack.apply().done();
    stack
}

fn address(stack: &Stack) -> String {
    stack.run(["output", "-raw", "address"]).done().out
}

#[test]
fn it_serves_and_then_there_is_nothing_to_do() {
    let stack = Stack::example("quickstart");
    let applied = stack.apply().done().says(&["+ create  kube_object.web", "Applied: 6 created"]);
    let address = address(&stack);
    assert!(applied.out.contains(&format!("address = {address:?}")), "{applied}");
    assert_eq!(fetch(&address), "<!doctype html>\n<h1>Hello from meshform</h1>\n");
    let told = fs::read_to_string(stack.on_host("edge", "/etc/quickstart.conf")).unwrap();
    assert_eq!(told, format!("# Where the page is served.\nupstream = {address}\n"));

    let world = stack.world();
    stack.plan().done().says(&["Nothing to do: 6 instances are as the configuration says."]);
    stack.run(["plan", "-var", "message=Hi", "-destroy"]).done();
    assert!(stack.world() == world, "a plan has changed the world");
    stack.apply().done().says(&[&address]);
}

#[test]
fn two_stacks_answer_for_themselves() {
    let stacks = ["one", "two"].map(|message| {
        let stack = Stack::example("quickstart");
        stack.run(["apply", "-auto-approve", "-var", &format!("message={message}")]).done();
        stack
    });
    let pages = stacks.each_ref().map(|stack| fetch(&address(stack)));
    assert_eq!(pages, ["one", "two"].map(|message| format!("<!doctype html>\n<h1>{message}</h1>\n")));
}

#[test]
fn a_diff_has_the_changed_fields_only() {
    let stack = applied();
    stack.edit("default     = 2", "default     = 3");
    let expect = "  ~ update  kube_object.web  apps/Deployment/quickstart/web on cluster.main\n      \
                  ~ spec.replicas  2 → 3\n\n\
                  Plan: 0 to create, 1 to update, 0 to delete. 5 unchanged.\n";
    assert_eq!(stack.plan().code(2).out, expect);

    stack.edit("default     = \"Hello from meshform\"", "default     = \"Hi\"");
    let plan = stack.plan().code(2).says(&[
        "~ data[\"index.html\"]\n            <!doctype html>\n          - <h1>Hello from meshform</h1>\n          + <h1>Hi</h1>\n",
        "~ spec.template.metadata.annotations[\"example.com/page\"]\n",
        "0 to create, 2 to update, 0 to delete. 4 unchanged.",
    ]);
    for other in ["kube_object.service", "kube_object.namespace", "host_file", "host_command", "nginx"] {
        assert!(!plan.out.contains(other), "{other:?} in {plan}");
    }
    stack.apply().done();
    assert_eq!(fetch(&address(&stack)), "<!doctype html>\n<h1>Hi</h1>\n");
    stack.plan().done();
}

#[test]
fn flags_take_one_dash_or_two() {
    let stack = applied();
    let one = stack.run(["plan", "-detailed-exitcode", "-var", "replicas=1", "-var=message=Hi"]).code(2);
    let two = stack.run(["plan", "--detailed-exitcode", "--var", "replicas=1", "--var=message=Hi"]).code(2);
    assert_eq!(one.out, two.out);
    // From another folder, by either way of naming the stack.
    let elsewhere = std::env::temp_dir();
    for arguments in [["plan", "-C"], ["plan", "--chdir"], ["plan", "--"]] {
        let folder = stack.folder().as_os_str();
        crate::program::run(&elsewhere, arguments.map(AsRef::as_ref).into_iter().chain([folder])).done();
    }
}

#[test]
fn a_saved_plan_is_what_is_applied() {
    let stack = applied();
    stack.run(["plan", "-var", "message=Hi", "-out", "hi.plan"]).done().complains(&["apply hi.plan"]);
    let shown = stack.run(["show", "hi.plan"]).done().says(&["+ <h1>Hi</h1>"]);
    // What the files say by now does not count: this plan was reviewed.
    stack.edit("default     = 2", "default     = 7");
    stack.run(["apply", "hi.plan"]).done().says(&["Applied: 0 created, 2 updated"]);
    assert_eq!(fetch(&address(&stack)), "<!doctype html>\n<h1>Hi</h1>\n");
    stack.edit("default     = 7", "default     = 2");
    stack.run(["plan", "-detailed-exitcode", "-var", "message=Hi"]).done();

    let world = stack.world();
    stack.run(["apply", "hi.plan"]).code(1).complains(&["Stale plan", "Plan again"]);
    assert!(stack.world() == world, "a stale plan has changed the world");
    assert!(shown.out.contains("2 to update"), "{shown}");
}

#[test]
fn a_saved_plan_does_not_overwrite_what_has_changed_since() {
    let stack = applied();
    stack.run(["plan", "-var", "message=Hi", "-out", "hi.plan"]).done();
    let theirs = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "page", "namespace": "quickstart" },
        "data": { "index.html": "theirs" },
    });
    write_as(stack.kubectl("main"), "other", &theirs);
    let refused = stack.run(["apply", "hi.plan"]).code(1);
    let refused = refused.complains(&[
        "kube_object.page",
        "changed since the plan",
        "ConfigMap quickstart/page is not what was reviewed any more",
        "kube_object.web: not run, because kube_object.page failed",
    ]);
    assert!(refused.out.contains("0 updated"), "{refused}");
    let page = ["-n", "quickstart", "configmap", "page", "-o", "jsonpath={.data.index\\.html}"];
    assert_eq!(stack.get("main", &page).done().out, "theirs");
}

#[test]
fn another_owner_is_named_with_the_field() {
    let stack = applied();
    let scaled = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "quickstart" },
        "spec": { "replicas": 5 },
    });
    write_as(stack.kubectl("main"), "autoscaler", &scaled);
    let refused = stack.plan().code(1).complains(&[
        "Another manager owns the field",
        "replicas = var.replicas",
        "`spec.replicas` is owned by autoscaler",
        "force_conflicts = true",
        "kube_object.web",
    ]);
    let text = fs::read_to_string(stack.path("main.hcl")).unwrap();
    let line = text.lines().position(|line| line.contains("replicas = var.replicas")).unwrap() + 1;
    assert!(refused.err.contains(&format!("main.hcl:{line}:18")), "{refused}");

    stack.edit(
        "resource \"kube_object\" \"web\" {",
        "resource \"kube_object\" \"web\" {\n  force_conflicts = true",
    );
    stack.plan().code(2).says(&["spec.replicas", "5 → 2", "autoscaler"]);
    stack.apply().done();
    stack.plan().done();
}

#[test]
fn a_replacement_says_why() {
    let stack = applied();
    stack.edit("labels    = { app = \"web\" }", "labels    = { app = \"site\" }");
    stack.run(["plan", "-detailed-exitcode", "-var", "host_file=/etc/other.conf"]).code(2).says(&[
        "Destructive changes: 2 to replace",
        "-/+ replace kube_object.web",
        "~ spec.selector.matchLabels.app      \"web\" → \"site\"  # forces replacement",
        "-/+ replace host_file.upstream  /etc/quickstart.conf → /etc/other.conf on host.edge",
        "because its identity changes",
    ]);
    stack.apply().done().says(&["1 replaced"]);
    stack.plan().done();
    assert!(fetch(&address(&stack)).contains("Hello"));
}

#[test]
fn what_is_recorded_can_be_looked_at() {
    let stack = applied();
    let address = address(&stack);
    let all = crate::killed::ALL;
    assert_eq!(lines(&stack.run(["state", "list"]).done().out), all);
    stack.run(["state", "show", "kube_object.service"]).done().says(&["clusterIP: 127.", "targetPort: http"]);
    let wrong = stack.run(["state", "show", "kube_object.servise"]).code(1);
    wrong.complains(&["kube_object.servise", "kube_object.service"]);
    stack.run(["show"]).done().says(&all).says(&[&address]);
    assert_eq!(stack.run(["output"]).done().out, format!("address = {address:?}\n"));
    assert_eq!(stack.run(["output", "address"]).done().out, format!("{address:?}\n"));
    let parsed = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&stack.run(arguments).done().out).unwrap()
    };
    assert_eq!(parsed(&["output", "-json"])["address"]["value"], address.as_str());
    let listed = parsed(&["state", "list", "-json"]).to_string();
    assert!(all.iter().all(|address| listed.contains(address)), "{listed}");
    let plan = parsed(&["plan", "-json", "-var", "replicas=4"]);
    let changed: Vec<_> =
        plan["changes"].as_array().unwrap().iter().filter(|change| change["action"] != "no_op").collect();
    assert_eq!(changed.len(), 1, "{plan}");
    assert_eq!(changed[0]["address"], "kube_object.web");
}

#[test]
fn destroy_leaves_everything_as_it_was() {
    let stack = Stack::example("quickstart");
    stack.run(["sandbox", "up"]).done();
    // What a cluster and a host are before anything is applied shows once they are there.
    stack.plan().code(2);
    let everything =
        ["namespaces,configmaps,deployments,replicasets,pods,services,endpoints", "-A", "-o", "name"];
    let objects = stack.get("main", &everything).done().out;
    let root = |stack: &Stack| crate::stack::tree(&stack.on_host("edge", ""));
    let files = root(&stack);

    stack.apply().done();
    assert_ne!(stack.get("main", &everything).done().out, objects);
    assert!(root(&stack) != files);
    stack.destroy().done().says(&["6 deleted"]);
    assert_eq!(stack.get("main", &everything).done().out, objects);
    assert!(root(&stack) == files, "the host is not as it was");
    assert_eq!(stack.run(["state", "list"]).done().out, "");
    stack.destroy().done();
    stack.plan().code(2).says(&["6 to create"]);
}
