//! Plans of a part of a stack: `-target` and `-exclude`.

use crate::stack::Stack;

const STACK: &str = r#"
host "h" { sandbox = true }

resource "host_file" "base" {
  path    = "/etc/base"
  content = "1"
}

resource "value" "top" { input = host_file.base.path }

resource "host_file" "alone" {
  path    = "/etc/alone"
  content = "1"
}

output "top" { value = value.top.output }
output "alone" { value = host_file.alone.path }
"#;

#[test]
fn a_part_of_a_stack_is_planned_applied_and_destroyed() {
    let stack = Stack::of(STACK);
    let listed = || {
        let listed = stack.run(["state", "list"]).done();
        listed.out.split_whitespace().filter(|word| word.contains('.')).collect::<Vec<_>>().join(" ")
    };
    let planned = stack.run(["plan", "-target", "value.top", "-out", "plan.mf"]).done();
    assert!(planned.out.contains("This plan is partial: -target value.top."), "{planned}");
    assert!(!planned.out.contains("alone"), "{planned}");
    let shown = stack.run(["show", "plan.mf", "-json"]).done();
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["partial"]["only"], serde_json::json!(["value.top"]), "{shown}");
    assert_eq!(shown["partial"]["left_out"], serde_json::json!(["host_file.alone"]), "{shown}");
    let comment = stack.run(["show", "plan.mf", "-format", "markdown"]).done();
    let partial = comment.out.contains("This plan is partial: -target value.top.");
    let created = comment.out.contains("+ path    = \"/etc/base\"");
    assert!(comment.out.starts_with("<!-- meshform plan: . -->\n") && partial && created, "{comment}");
    let applied = stack.run(["apply", "plan.mf"]).done();
    assert!(applied.out.contains("This plan is partial") && applied.out.contains("2 created"), "{applied}");
    stack.run(["plan", "-detailed-exitcode", "-target", "value.top"]).done();
    stack.run(["plan", "-detailed-exitcode", "-exclude", "host_file.alone"]).done();
    stack.write("all.txt", "# of the whole stack\nhost_file.base\nhost_file.alone\n");
    stack.run(["apply", "-auto-approve", "-target-file", "all.txt"]).done();
    stack.plan().done();

    let destroyed = stack.run(["destroy", "-auto-approve", "-exclude", "value.top"]).done();
    assert!(destroyed.out.contains("1 deleted"), "{destroyed}");
    stack.run(["plan", "-destroy", "-detailed-exitcode", "-target", "host_file.base"]).code(2);
    stack.run(["apply", "-destroy", "-auto-approve", "-target", "value.top"]).done();
    assert!(listed().contains("host_file.base") && !listed().contains("value.top"), "{}", listed());
    stack.run(["plan", "-destroy", "-out", "all.mf"]).done();
    stack.run(["apply", "all.mf"]).done();
    assert_eq!(listed(), "");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let stack = Stack::of(STACK);
    let refused = |arguments: &[&str], says: &str| {
        let ended = stack.run(arguments);
        assert!(ended.err.contains(says), "{ended}");
        assert_ne!(ended.code, 0, "{ended}");
    };
    refused(&["plan", "-target", "value.top", "-exclude", "host_file.base"], "cannot be used with");
    refused(&["plan", "-target", "value.tob"], "Did you mean value.top?");
    refused(&["plan", "-exclude", "value"], "expected TYPE.NAME");
    refused(&["plan", "-target", "value.top", "-replace", "host_file.alone"], "left out of the plan at the");
    stack.run(["plan", "-out", "plan.mf"]).done();
    refused(&["apply", "plan.mf", "-target", "value.top"], "A saved plan is planned already");
    refused(&["apply", "plan.mf", "-destroy"], "A saved plan is planned already");
    refused(&["plan", "-target-file", "none.txt"], "Failed to read");
}
