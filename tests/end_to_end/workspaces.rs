//! Several states of one stack: each command works on the one that is selected, and on no other.

use std::fs;

use serde_json::{Value as Json, from_str};

use crate::program::{Ended, finish};
use crate::stack::Stack;

const STACK: &str = r#"
resource "value" "where" {
  input = meshform.workspace
}

output "workspace" {
  value = "in ${value.where.output}"
}
"#;

fn within(stack: &Stack, workspace: &str, arguments: &[&str]) -> Ended {
    finish(stack.command().env("MESHFORM_WORKSPACE", workspace).args(arguments))
}

#[test]
fn each_workspace_has_a_state_of_its_own() {
    let stack = Stack::of(STACK);
    stack.apply().done().says(&["in default"]);
    stack.run(["workspace", "new", "staging"]).done().complains(&["Made", "Selected \"staging\""]);
    stack.run(["workspace", "show"]).done().says(&["staging"]);
    stack.run(["state", "list"]).done();
    assert_eq!(stack.run(["state", "list"]).done().out, "");
    stack.plan().code(2).says(&["in staging"]);
    stack.apply().done().says(&["in staging"]);
    stack.plan().done();
    assert!(stack.path(".meshform/workspaces/staging/state.json").exists());
    let listed = stack.run(["workspace", "list"]).done();
    assert_eq!(listed.out, "  default\n* staging\n");
    let listed: Json = from_str(&stack.run(["workspace", "list", "-json"]).done().out).unwrap();
    assert_eq!(listed["workspaces"].to_string(), r#"["default","staging"]"#);
    assert_eq!(listed["present"], "staging");

    // The environment outranks what was selected, and changes nothing about it.
    within(&stack, "default", &["output", "workspace", "-raw"]).done().says(&["in default"]);
    stack.run(["output", "workspace", "-raw"]).done().says(&["in staging"]);
    within(&stack, "default", &["workspace", "select", "staging"]).done().complains(&["outranks it"]);
    stack.run(["workspace", "select", "default"]).done();
    stack.plan().done();
    let state = fs::read_to_string(stack.path(".meshform/workspaces/staging/state.json")).unwrap();
    assert!(state.contains("\"staging\"") && !state.contains("\"default\""), "{state}");
}

#[test]
fn what_is_still_needed_is_not_deleted() {
    let stack = Stack::of(STACK);
    stack.run(["workspace", "select", "staging"]).code(1).complains(&["There is no workspace \"staging\""]);
    stack.run(["workspace", "select", "-or-create", "staging"]).done();
    stack.apply().done();
    stack.run(["workspace", "new", "staging"]).code(1).complains(&["is there already"]);
    stack.run(["workspace", "delete", "staging"]).code(1).complains(&["is the present one"]);
    stack.run(["workspace", "select", "default"]).done();
    stack.run(["workspace", "select", "stagin"]).code(1).complains(&["Did you mean \"staging\"?"]);
    stack.run(["workspace", "delete", "default"]).code(1).complains(&["always a default workspace"]);
    stack.run(["workspace", "delete", "staging"]).code(1).complains(&["1 instance is recorded", "-force"]);
    stack.run(["workspace", "delete", "-force", "staging"]).done().complains(&["Deleted"]);
    stack.run(["workspace", "delete", "staging"]).code(1).complains(&["There is no workspace"]);
    within(&stack, "staging", &["plan"])
        .code(1)
        .complains(&["There is no workspace \"staging\"", "workspace new"]);
    for wrong in ["../x", "A", "a_b"] {
        stack.run(["workspace", "new", wrong]).code(1).complains(&["cannot name a workspace"]);
        within(&stack, wrong, &["plan"]).code(1).complains(&["cannot name a workspace"]);
    }
}

#[test]
fn a_saved_plan_is_of_its_workspace() {
    let stack = Stack::of(STACK);
    stack.run(["workspace", "new", "staging"]).done();
    stack.run(["plan", "-out", "saved.plan"]).done();
    stack.run(["show", "saved.plan"]).done().complains(&["workspace \"staging\""]);
    stack.run(["workspace", "select", "default"]).done();
    stack.run(["apply", "saved.plan"]).code(1).complains(&[
        "The plan is of another workspace",
        "made in the workspace \"staging\", and this is \"default\"",
        "meshform workspace select staging",
    ]);
    assert_eq!(stack.run(["state", "list"]).done().out, "");
    within(&stack, "staging", &["apply", "saved.plan"]).done().says(&["in staging"]);
}

#[test]
fn settings_are_told_with_everything_else_that_is_wrong() {
    let stack = Stack::of(
        r#"
meshform {
  backend "locl" {}
}

output "x" {
  value = terraform.workspace
}
"#,
    );
    stack.plan().code(1).complains(&[
        "There is no backend \"locl\". Did you mean \"local\"?",
        "backend \"locl\" {}",
        "Nothing is named \"terraform\". The workspace is written `meshform.workspace`.",
    ]);
    // Without knowing where the state is, nothing is said about it.
    stack.run(["state", "list"]).code(1).complains(&["There is no backend \"locl\""]);
    stack.run(["validate"]).code(1).complains(&["There is no backend \"locl\""]);
    stack.write("main.hcl", "meshform {\n  parallelism = \"many\"\n}\n");
    stack.plan().code(1).complains(&["a whole number from 1 to 65535", "parallelism = \"many\""]);
}
