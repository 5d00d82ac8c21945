//! No byte of a Secret's data in anything that any command writes, nor in a plan, a journal or a state.
//!
//! Where the data comes from: written as text, in base64, from bytes that are no text, from a variable, from a Secret that others have made,
//! from a chart. What becomes of it: it is applied, changed by others, refused, in conflict, read by a container that tells it.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::kubectl::write_as;
use crate::program::{Ended, finish};
use crate::spellings::{SECRET, needles, shows, spellings};
use crate::stack::{Stack, tree};

const PLAIN: &str = "pl4in-tiger-crossing";
const THEIRS: &str = "th3irs-otter-landing";
const DRIFTED: &str = "dr1fted-heron-fishing";
const BYTES: &[u8] = b"\xff\xfe\x00b1nary-badger\x80digging\xc3";

const STACK: &str = r#"
variable "password" {
  type      = string
  sensitive = true
}

cluster "main" { sandbox = true }

data "kube_object" "theirs" {
  api_version = "v1"
  kind        = "Secret"
  name        = "theirs"
  namespace   = "default"
}

locals {
  metadata = { for name in ["strings", "bytes", "copied", "web"] : name => { name = name, namespace = "default" } }
}

resource "kube_object" "strings" {
  force_conflicts = false
  manifest = {
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = local.metadata["strings"]
    stringData = { password = var.password, plain = "PLAIN" }
    data       = { config = base64encode("password=${var.password}") }
  }
}

resource "kube_object" "bytes" {
  manifest = {
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = local.metadata["bytes"]
    data       = { blob = "BYTES" }
  }
}

resource "kube_object" "copied" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = local.metadata["copied"]
    data       = { copied = "<${base64decode(data.kube_object.theirs.object.data.token)}>" }
  }
}

resource "kube_manifests" "files" {
  content = <<-YAML
    apiVersion: v1
    kind: Secret
    metadata: { name: filed, namespace: default }
    stringData: { password: "PLAIN", given: ${jsonencode(var.password)} }
  YAML
}

resource "kube_patch" "lent" {
  manifest = {
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "theirs", namespace = "default" }
    stringData = { lent = var.password }
  }
}

resource "kube_object" "web" {
  depends_on = [kube_object.strings]
  timeouts { create = "6s" }
  manifest = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = local.metadata["web"]
    spec = {
      selector = { matchLabels = { app = "web" } }
      template = {
        metadata = {
          labels      = { app = "web" }
          annotations = { "sandbox.meshform.dev/outcome" = "ready", "sandbox.meshform.dev/log" = "no ${var.password} for ${base64encode(var.password)}\nno PLAIN" }
        }
        spec = { containers = [{ name = "web", image = "web", envFrom = [{ secretRef = { name = "strings" } }] }] }
      }
    }
  }
}

output "theirs" {
  value     = data.kube_object.theirs.object.data.token
  sensitive = true
}

output "strings" {
  value     = kube_object.strings.object
  sensitive = true
}
"#;

fn stack() -> Stack {
    let text = STACK.replace("PLAIN", PLAIN).replace("BYTES", &BASE64_STANDARD.encode(BYTES));
    Stack::of(&text)
}

fn all_needles() -> Vec<Vec<u8>> {
    let others = [PLAIN.as_bytes(), THEIRS.as_bytes(), DRIFTED.as_bytes(), BYTES, b"b1nary-badger"];
    needles().into_iter().chain(others.into_iter().flat_map(spellings)).collect()
}

fn run(stack: &Stack, arguments: &[&str]) -> Ended {
    let mut command = stack.command();
    let output =
        command.args(arguments).env("MESHFORM_VAR_password", SECRET).stdin(Stdio::null()).output().unwrap();
    let needles = all_needles();
    for bytes in [&output.stdout, &output.stderr] {
        assert!(
            !shows(bytes, &needles),
            "a secret is shown by {}",
            Ended::new(format!("{command:?}"), &output)
        );
    }
    check_files(stack, &format!("{arguments:?}"));
    Ended::new(format!("{command:?}"), &output)
}

/// Checks all that is kept, but for the cluster itself and the stack's own text.
fn check_files(stack: &Stack, after: &str) {
    let needles = all_needles();
    let outside = |path: &Path| {
        let others = [".meshform/sandbox/clusters", ".kubectl", "main.hcl"];
        others.iter().any(|other| path.starts_with(stack.path(other)))
    };
    let told: Vec<_> = tree(stack.folder())
        .into_iter()
        .filter(|(path, _)| !outside(path))
        // A saved plan has the stack's text in it, with what is written there in the clear.
        .filter(|(_, content)| {
            let text = String::from_utf8_lossy(content);
            let own = text.replace(PLAIN, "").replace(&BASE64_STANDARD.encode(BYTES), "");
            shows(own.as_bytes(), &needles)
        })
        .map(|(path, _)| path)
        .collect();
    assert!(told.is_empty(), "after {after} a secret is kept in {told:?}");
}

fn secret(name: &str, key: &str, text: &str) -> serde_json::Value {
    let data = json!({ key: BASE64_STANDARD.encode(text) });
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": "default" }, "data": data })
}

/// Every command that only looks.
fn look(stack: &Stack) {
    for command in [
        &["validate"][..],
        &["validate", "-json"],
        &["graph"],
        &["graph", "-json"],
        &["plan", "-full"],
        &["plan", "-json"],
        &["plan", "-refresh-only"],
        &["plan", "-refresh=false"],
        &["plan", "-destroy"],
        &["plan", "-out", "saved.plan"],
        &["show", "-full", "saved.plan"],
        &["show", "-json", "saved.plan"],
        &["show"],
        &["show", "-full"],
        &["show", "-json"],
        &["output"],
        &["output", "-json"],
        &["output", "theirs"],
        &["output", "-raw", "strings"],
        &["state", "list", "-json"],
        &["state", "pull"],
        &["state", "history"],
        &["workspace", "list"],
        &["sandbox", "status", "-json"],
        &["version"],
    ] {
        run(stack, command);
    }
    for address in run(stack, &["state", "list"]).done().out.lines() {
        run(stack, &["state", "show", address]).done();
        run(stack, &["state", "show", "-json", address]).done();
    }
}

#[test]
fn no_byte_of_a_secret_is_told_or_kept_by_any_command() {
    let stack = stack();
    let theirs = |text: &str| write_as(stack.kubectl("main"), "someone", &secret("theirs", "token", text));
    run(&stack, &["sandbox", "up"]).done();
    run(&stack, &["plan"]).code(1).complains(&["theirs"]);
    theirs(THEIRS);
    look(&stack);
    run(&stack, &["plan", "-out", "saved.plan"]).done();
    run(&stack, &["apply", "-json", "saved.plan"]).done();
    look(&stack);
    run(&stack, &["plan", "-detailed-exitcode"]).done();

    // Others write into what is ours: drift, and a conflict.
    write_as(stack.kubectl("main"), "someone", &secret("strings", "plain", DRIFTED));
    theirs(DRIFTED);
    look(&stack);
    run(&stack, &["plan"]).code(1).complains(&["`data.plain` is owned by someone"]);
    run(&stack, &["apply", "-auto-approve"]).code(1);
    run(&stack, &["apply", "-auto-approve", "-refresh-only", "-json"]);
    stack.edit("force_conflicts = false", "force_conflicts = true");
    run(&stack, &["apply", "-auto-approve"]).done();

    // What does not work tells it in its log, and what is refused tells it in the refusal.
    stack.edit(
        "\"sandbox.meshform.dev/outcome\" = \"ready\"",
        "\"sandbox.meshform.dev/outcome\" = \"crashloop\"",
    );
    let failed = run(&stack, &["apply", "-auto-approve"]).code(1);
    assert!(failed.all().contains("CrashLoopBackOff"), "{failed}");
    assert!(failed.all().contains("no (sensitive) for (sensitive)"), "{failed}");
    run(&stack, &["apply", "-auto-approve", "-json"]).code(1);
    look(&stack);
    stack.edit("stringData = { lent = var.password }", "stringData = { \"no key\" = var.password }");
    run(&stack, &["plan"]).code(1);
    run(&stack, &["apply", "-auto-approve", "-json"]).code(1);
    stack.edit("\"no key\"", "lent");

    tests(&stack);
    run(&stack, &["destroy", "-auto-approve", "-json"]).done();
    look(&stack);
    // It is where it was: what others have made is theirs.
    let token = ["secret", "theirs", "-o", "jsonpath={.data.token}"];
    assert_eq!(stack.get("main", &token).done().out, BASE64_STANDARD.encode(DRIFTED));
}

/// A test file that fails for the sake of what it would tell.
fn tests(stack: &Stack) {
    let text = "run \"plan\" {\n  command = plan\n\n  assert {\n    condition     = var.password == \"\"\n    error_message = \"It is ${var.password}.\"\n  }\n}\n";
    fs::write(stack.path("all.mftest.hcl"), text).unwrap();
    let failed = run(stack, &["test"]);
    assert_ne!(failed.code, 0, "{failed}");
    run(stack, &["test", "-json"]);
    fs::remove_file(stack.path("all.mftest.hcl")).unwrap();
    let asked = ["var.password", "base64encode(var.password)"];
    for expression in asked {
        let mut console = stack.command();
        let answer =
            crate::program::piped(console.arg("console").env("MESHFORM_VAR_password", SECRET), expression);
        assert!(!shows(answer.all().as_bytes(), &all_needles()), "{answer}");
    }
    let _ = finish(stack.command().args(["fmt", "-check"]));
}
