//! What is known only after apply is planned in another round.

use crate::stack::Stack;

const STACK: &str = r#"
host "h" { sandbox = true }

resource "host_command" "names" {
  run = "echo a; echo b"
}

resource "value" "each" {
  for_each = toset(split("\n", trimspace(host_command.names.stdout)))
  input    = upper(each.key)
}

resource "value" "after" {
  for_each = toset([for one in value.each : one.output])
  input    = each.key
}
"#;

#[test]
fn what_waits_is_applied_in_the_next_round() {
    let stack = Stack::of(STACK);
    let first = stack.apply().code(3);
    assert!(first.out.contains("2 deferred"), "{first}");
    stack.run(["apply", "-auto-approve", "-rounds", "3"]).done();
    stack.plan().done();
    assert_eq!(stack.run(["state", "list"]).done().out.lines().count(), 5);
    stack.destroy().done();
    let all = stack.run(["apply", "-auto-approve", "-rounds", "3"]).done();
    assert_eq!(all.out.matches("Applied:").count(), 2, "{all}");
    stack.plan().done();
    let replaced = stack.run(["plan", "-replace", "value.each[\"a\"]", "-out", "plan.mf"]).done();
    assert!(replaced.out.contains("it is asked for (-replace)"), "{replaced}");
    stack
        .run(["destroy", "-auto-approve", "-replace", "value.each"])
        .code(1)
        .complains(&["Nothing to replace"]);
    stack.run(["plan", "-replace", "value"]).code(1).complains(&["expected TYPE.NAME"]);
    stack.run(["apply", "plan.mf", "-rounds", "2"]).code(1).complains(&["A saved plan has one round"]);
}
