//! Where the state is kept: in a database as in a folder, encrypted or not, and moved from one to the other.

use std::fs;

use crate::postgres;
use crate::program::{Ended, finish};
use crate::stack::{Stack, tree};

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

/// A `backend` block for a database, the same stack in it under several names.
fn backend(server: &postgres::Server, stack: &str) -> String {
    format!(
        r#"
variable "stack" {{ default = "{stack}" }}
variable "password" {{ sensitive = true }}

meshform {{
  backend "postgres" {{
    connection = "postgres://admin@127.0.0.1:{}/postgres?sslmode=disable"
    stack      = "e2e-${{var.stack}}"
    password   = var.password
  }}
}}
"#,
        server.port()
    )
}

fn run(stack: &Stack, arguments: &[&str]) -> Ended {
    finish(stack.command().env("MESHFORM_VAR_password", postgres::PASSWORD).args(arguments))
}

#[test]
fn a_state_in_a_database_is_one_as_any_other() {
    let server = postgres::Server::shared();
    let backend = backend(&server, "web");
    let stack = Stack::of(STACK);
    stack.write("backend.hcl", &backend);
    stack.run(["state", "list"]).code(1).complains(&["No value for required variable", "\"password\""]);
    run(&stack, &["apply", "-auto-approve"]).done();
    assert!(!stack.path(".meshform/state.json").exists());
    run(&stack, &["plan", "-detailed-exitcode"]).done();
    run(&stack, &["state", "mv", "value.all[\"a\"]", "value.alone"]).done();
    run(&stack, &["state", "rm", "value.alone"]).done();
    assert_eq!(run(&stack, &["state", "list"]).done().out, "value.all[\"b\"]\nvalue.one\n");
    run(&stack, &["state", "rollback", "1", "-auto-approve"]).done();
    let planned = run(&stack, &["plan", "-detailed-exitcode"]).done();
    assert!(!planned.all().contains(postgres::PASSWORD), "{planned}");
    // Another workspace of this stack has a state of its own.
    run(&stack, &["workspace", "new", "staging"]).done();
    assert_eq!(run(&stack, &["state", "list"]).done().out, "");
    run(&stack, &["apply", "-auto-approve"]).done();
    run(&stack, &["workspace", "select", "default"]).done();
    run(&stack, &["workspace", "delete", "staging", "-force"]).done();
    assert_eq!(run(&stack, &["workspace", "list"]).done().out, "* default\n");
    // Wherever else it is to be, nobody begins there as if nothing had been.
    run(&stack, &["plan", "-var", "stack=other"])
        .code(1)
        .complains(&["The backend has changed", "e2e-other"]);
    fs::remove_file(stack.path("backend.hcl")).unwrap();
    stack.plan().code(1).complains(&["The backend has changed", "state pull", "-reconfigure"]);
    stack.write("backend.hcl", &backend.replace("password   =", "timeout_seconds = 0\n    password   ="));
    let wrong = run(&stack, &["plan"]).code(1);
    wrong.complains(&["The state cannot be kept so", "`timeout_seconds`", "timeout_seconds = 0"]);
}

#[test]
fn a_state_moves_with_its_history_and_nothing_is_lost() {
    let server = postgres::Server::shared();
    let stack = Stack::of(STACK);
    stack.apply().done();
    stack.run(["state", "mv", "value.all[\"a\"]", "value.all[\"c\"]"]).done();
    stack.run(["state", "mv", "value.all[\"c\"]", "value.all[\"a\"]"]).done();
    stack.run(["workspace", "new", "staging"]).done();
    stack.apply().done();
    stack.run(["workspace", "select", "default"]).done();
    let pulled = stack.run(["state", "pull"]).done().out;
    stack.run(["init", "-migrate-state"]).code(1).complains(&["Nothing to move"]);

    stack.write("backend.hcl", &backend(&server, "moved"));
    for command in [&["plan"][..], &["apply", "-auto-approve"], &["state", "list"], &["output"]] {
        run(&stack, command).code(1).complains(&["The backend has changed", "meshform init -migrate-state"]);
    }
    let local = tree(&stack.path(".meshform"));
    run(&stack, &["init", "-migrate-state"]).done().complains(&["Moved to postgres://", "default, staging"]);
    assert_eq!(run(&stack, &["state", "pull"]).done().out, pulled);
    assert_eq!(
        run(&stack, &["state", "history", "-json"]).done().json()["snapshots"].as_array().unwrap().len(),
        3
    );
    run(&stack, &["plan", "-detailed-exitcode"]).done();
    run(&stack, &["state", "rollback", "1", "-auto-approve"]).done();
    run(&stack, &["init", "-migrate-state"]).done().complains(&["nothing to move"]);
    // What was there is still there.
    let state = stack.path(".meshform/state.json");
    assert_eq!(fs::read(&state).ok().as_ref(), local.get(&state));

    // Another stack's state is in nobody's way.
    let other = Stack::of(STACK);
    other.apply().done();
    other.write("backend.hcl", &backend(&server, "moved"));
    run(&other, &["init", "-migrate-state"]).code(1).complains(&["it is another one", "Nothing was moved"]);
    run(&other, &["plan"]).code(1).complains(&["The backend has changed"]);
    run(&other, &["init", "-reconfigure"]).done();
    assert_eq!(run(&other, &["state", "list"]).done().out, run(&stack, &["state", "list"]).done().out);
}

const ENCRYPTED: &str = r#"
variable "passphrase" { sensitive = true }

meshform {
  encryption {
    passphrase = var.passphrase
  }
}
"#;

#[test]
fn what_is_kept_is_encrypted_as_the_stack_says() {
    let stack = Stack::of(STACK);
    stack.apply().done();
    stack.write("encryption.hcl", ENCRYPTED);
    let run = |passphrase: &str, arguments: &[&str]| {
        finish(stack.command().env("MESHFORM_VAR_passphrase", passphrase).args(arguments))
    };
    run("hunter2 hunter2", &["plan"]).code(1).complains(&["it is not encrypted", "migrate = true"]);
    stack.write("encryption.hcl", &ENCRYPTED.replace("passphrase =", "migrate    = true\n    passphrase ="));
    run("hunter2 hunter2", &["state", "mv", "value.one", "value.first"]).done();
    let state = || fs::read(stack.path(".meshform/state.json")).unwrap();
    assert!(state().starts_with(b"age-encryption.org/v1\n"));
    run("hunter2 hunter2", &["state", "mv", "value.first", "value.one"]).done();
    run("hunter2 hunter2", &["state", "rewrite"]).done();
    stack.write("encryption.hcl", ENCRYPTED);
    run("hunter2 hunter2", &["plan", "-detailed-exitcode"]).done();
    // All that is kept goes over to another key, and back, while the one before is still known.
    let other = ENCRYPTED.replace(
        "passphrase = var.passphrase",
        "passphrase = \"hunter4\"\n    fallback {\n      passphrase = var.passphrase\n    }",
    );
    stack.write("encryption.hcl", &other);
    run("hunter2 hunter2", &["state", "rewrite"]).done().complains(&["Written anew"]);
    stack.write("encryption.hcl", ENCRYPTED);
    run("hunter2 hunter2", &["state", "list"]).code(1).complains(&["encrypted for other keys"]);
    run("hunter4", &["state", "history"]).done();
    stack.write("encryption.hcl", &other.replace("\"hunter4\"", "\"hunter2 hunter2\""));
    run("hunter4", &["state", "rewrite"]).done();
    stack.write("encryption.hcl", ENCRYPTED);
    run("hunter3", &["state", "list"]).code(1).complains(&["encrypted for other keys"]);

    // A plan is encrypted, too, and read by whoever has the key, from the stack or from the environment.
    run("hunter2 hunter2", &["plan", "-out", "saved.plan", "-replace", "value.one"]).done();
    assert!(fs::read(stack.path("saved.plan")).unwrap().starts_with(b"age-encryption.org/v1\n"));
    run("hunter2 hunter2", &["show", "saved.plan"]).done().says(&["value.one"]);
    run("hunter3", &["show", "saved.plan"]).code(1).complains(&["encrypted for other keys"]);
    run("hunter2 hunter2", &["apply", "saved.plan"]).done();
    fs::remove_file(stack.path("encryption.hcl")).unwrap();
    stack.plan().code(1).complains(&["it is encrypted", "MESHFORM_ENCRYPTION"]);
    for block in ["passphrase = \"hunter2 hunter2\"", r#"{ "passphrase": "hunter2 hunter2" }"#] {
        let mut plan = stack.command();
        finish(plan.env("MESHFORM_ENCRYPTION", block).args(["plan", "-detailed-exitcode"])).done();
    }
    let mut wrong = stack.command();
    let wrong =
        finish(wrong.env("MESHFORM_ENCRYPTION", "passphras = \"hunter2 hunter2\"").arg("plan")).code(1);
    assert!(!wrong.all().contains("hunter2"), "{wrong}");
    wrong.complains(&["MESHFORM_ENCRYPTION: Unsupported argument", "Did you mean \"passphrase\"?"]);
    stack.write("encryption.hcl", "meshform {\n  encryption {\n    passphrase = \"\"\n  }\n}\n");
    stack.plan().code(1).complains(&[
        "The state cannot be kept so",
        "the passphrase is empty",
        "encryption {",
    ]);
}
