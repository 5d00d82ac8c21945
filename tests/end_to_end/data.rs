//! What is looked up, on the sandbox: by plan, by apply, by saved plans and by checks.

use std::fs;

use crate::program::{Ended, finish};
use crate::stack::Stack;

const SECRET: &str = "hunter2-hunter2";

fn text(extra: &str) -> String {
    format!(
        r#"
cluster "c" {{
  sandbox = true
}}

host "h" {{
  sandbox = true
}}

variable "password" {{
  type      = string
  sensitive = true
}}

data "host_facts" "h" {{}}

data "kube_objects" "namespaces" {{
  api_version    = "v1"
  kind           = "Namespace"
  field_selector = "metadata.name=kube-system"
}}

resource "kube_object" "key" {{
  manifest = {{
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = {{ name = "key", namespace = "default" }}
    stringData = {{ password = var.password }}
  }}
}}

data "kube_object" "key" {{
  api_version = "v1"
  kind        = "Secret"
  name        = "key"
  depends_on  = [kube_object.key]
}}

resource "host_file" "key" {{
  path    = "/etc/key"
  content = base64decode(data.kube_object.key.object.data.password)
}}

resource "host_file" "facts" {{
  path    = "/etc/facts"
  content = "${{data.host_facts.h.hostname}} ${{data.kube_objects.namespaces.objects[0].status.phase}}"
}}

output "cpus" {{
  value = data.host_facts.h.cpus > 0
}}
{extra}"#
    )
}

/// Runs the program, which is told the secret.
fn run(stack: &Stack, arguments: &[&str]) -> Ended {
    finish(stack.command().args(arguments).env("MESHFORM_VAR_password", SECRET))
}

fn plan(stack: &Stack) -> Ended {
    run(stack, &["plan", "-detailed-exitcode"])
}

fn apply(stack: &Stack) -> Ended {
    run(stack, &["apply", "-auto-approve"])
}

#[test]
fn look_ups_have_their_place_in_plan_and_apply() {
    let stack = Stack::of(&text(""));
    let planned = plan(&stack).code(2).says(&[
        "read",
        "data.kube_object.key",
        "kube_object.key changes first",
        "3 to create, 0 to update, 0 to delete. Besides: 1 to read.",
    ]);
    assert!(!planned.all().contains(SECRET), "{planned}");
    let applied = apply(&stack).done();
    assert!(!applied.all().contains(SECRET), "{applied}");
    assert_eq!(fs::read_to_string(stack.on_host("h", "/etc/key")).unwrap(), SECRET);
    let facts = fs::read_to_string(stack.on_host("h", "/etc/facts")).unwrap();
    assert!(facts.ends_with(" Active") && facts.len() > " Active".len(), "{facts}");
    plan(&stack).done();
    run(&stack, &["output", "cpus"]).done().says(&["true"]);
    let listed = run(&stack, &["state", "list"]).done();
    assert!(!listed.out.contains("data."), "{listed}");
    run(&stack, &["graph", "-json"]).done().says(&["\"data.kube_object.key\"", "\"data\""]);
    run(&stack, &["destroy", "-auto-approve"]).done();
    assert!(!stack.on_host("h", "/etc/key").exists());
}

#[test]
fn a_saved_plan_holds_no_secret_that_was_looked_up() {
    let stack = Stack::of(&text(""));
    apply(&stack).done();
    // What is looked up is wanted in another place now.
    stack.edit("/etc/key\"", "/etc/keys\"");
    run(&stack, &["plan", "-out", "saved.plan"]).done();
    let saved = fs::read_to_string(stack.path("saved.plan")).unwrap();
    assert!(saved.contains("data.kube_object.key"));
    assert!(!saved.contains("aHVudGVyMi1odW50ZXIy") && !saved.contains(SECRET), "{saved}");
    run(&stack, &["apply", "saved.plan"]).done();
    assert_eq!(fs::read_to_string(stack.on_host("h", "/etc/keys")).unwrap(), SECRET);
    plan(&stack).done();
}

#[test]
fn what_is_missing_is_told_and_checks_only_warn() {
    let stack = Stack::of(&text(
        r#"
check "motd" {
  data "host_file" "motd" {
    path = "/etc/missing"
  }
  assert {
    condition     = data.host_file.motd.size > 0
    error_message = "It is empty."
  }
}
"#,
    ));
    plan(&stack).code(2).complains(&["File missing", "There is no file at /etc/missing"]);
    apply(&stack).done().complains(&["File missing"]);
    plan(&stack).done().complains(&["File missing"]);
    let file = stack.on_host("h", "/etc/missing");
    fs::write(&file, "").unwrap();
    plan(&stack).done().complains(&["It is empty."]);
    fs::write(&file, "x").unwrap();
    let calm = plan(&stack).done();
    assert!(!calm.err.contains("Warning"), "{calm}");
    stack.edit(
        "data \"host_facts\" \"h\" {}",
        "data \"host_facts\" \"h\" {}\ndata \"host_file\" \"none\" {\n  path = \"/etc/none\"\n}",
    );
    plan(&stack).code(1).complains(&["File missing", "data.host_file.none"]);
    run(&stack, &["validate"]).done();
}
