//! `console`: expressions and their values, from standard input and from a terminal.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Ended, meshform, piped, typed};
use crate::stack::Stack;

const STACK: &str = r#"
variable "size" {
  default = 2
}

variable "password" {
  default   = "hunter2"
  sensitive = true
}

locals {
  sizes = [for at in range(var.size) : at * 10]
}

host "edge" {
  address = "edge.example"
}

resource "value" "one" {
  input = "v${var.size}"
}

resource "value" "each" {
  for_each = toset(["a", "b"])
  input    = upper(each.key)
}

resource "value" "counted" {
  count = 2
  input = count.index
}
"#;

/// What is asked, line by line, and what is answered.
#[track_caller]
fn check(stack: &Stack, flags: &[&str], questions: &str, answers: &str) {
    let ended = piped(stack.command().arg("console").args(flags), questions).done();
    assert_eq!(ended.out, answers, "{questions}");
}

#[test]
fn names_have_their_values() {
    let stack = Stack::of(STACK);
    check(&stack, &[], "var.size\nlocal.sizes\n", "2\n[\n  0,\n  10,\n]\n");
    check(&stack, &["-var", "size=1"], "local.sizes[0] == 0\n", "true\n");
    check(&stack, &[], "host.edge.address\npath.module\n", "\"edge.example\"\n\".\"\n");
    check(&stack, &[], "var.password\n\"x${var.password}\"\n", "(sensitive value)\n(sensitive value)\n");
}

#[test]
fn resources_are_as_they_are_recorded() {
    let stack = Stack::of(&STACK.replace("host \"edge\" {\n  address = \"edge.example\"\n}\n", ""));
    check(&stack, &[], "value.one.output\nvalue.each\n", "(known after apply)\n(known after apply)\n");
    stack.apply().done();
    let before = fs::read(stack.path(".meshform/state.json")).unwrap();
    check(&stack, &[], "value.one.output\nvalue.each[\"b\"].output\n", "\"v2\"\n\"B\"\n");
    check(&stack, &[], "value.counted[*].output\n", "[\n  0,\n  1,\n]\n");
    assert_eq!(fs::read(stack.path(".meshform/state.json")).unwrap(), before);
}

#[test]
fn no_configuration_is_needed() {
    let folder = TempDir::with_prefix("meshform-").unwrap();
    let asked = |questions: &str| piped(meshform(folder.path()).arg("console"), questions);
    assert_eq!(asked("# nothing\n\n0.1 + 0.2 == 0.3").done().out, "true\n");
    assert_eq!(asked("{\n  a = 1 # one\n}\n<<EOT\nx\nEOT\n").done().out, "{\n  \"a\" = 1\n}\n\"x\\n\"\n");
    assert_eq!(asked("1\nexit\n2\n").done().out, "1\n");
    assert_eq!(asked("").done().out, "");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_error_is_told_and_keeps_no_other_expression_waiting() {
    let folder = TempDir::with_prefix("meshform-").unwrap();
    let asked = |questions: &str| piped(meshform(folder.path()).arg("console"), questions);
    let check = |question: &str, complaint: &str| {
        let ended = asked(&format!("{question}\n\"next\"\n")).code(1).complains(&[complaint]);
        assert_eq!(ended.out, "\"next\"\n", "{question}");
    };
    check("var.x", "There is no variable \"x\"");
    check("\"open", "This string is not closed");
    check(")", "console:1:1");
    check("1 / 0", "console:1:");
    check(&format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)), "nested too deeply");
    check(&format!("1{}", " + 1".repeat(5_000)), "nested too deeply");
    asked(&"[".repeat(5_000)).code(1).complains(&["console:1:"]);
    asked("[1,\n2\n").code(1).complains(&["This [ is not closed."]);
}

#[test]
fn machines_get_each_value_on_a_line_of_its_own() {
    let stack = Stack::of(STACK);
    let asked = "[var.password, 1]\nvalue.one\nvar.nope\n";
    let ended: Ended = piped(stack.command().args(["console", "-json"]), asked).code(1);
    let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], json!({ "value": [null, 1], "sensitive": ["/0"], "unknown": [] }));
    assert_eq!(lines[1], json!({ "value": null, "sensitive": [], "unknown": [""] }));
    assert_eq!(lines[2]["diagnostics"][0]["range"]["start"], json!({ "line": 1, "column": 1, "byte": 0 }));
    assert!(!ended.all().contains("hunter2"));
}

#[test]
fn lines_are_edited_at_a_terminal() {
    let folder = TempDir::with_prefix("meshform-").unwrap();
    // Keys are typed once the prompt is there: what comes before, the terminal would show by itself.
    let keys = r"sleep 1; printf '[\r40,\r2]\r'; sleep 0.3; printf '6*8\0337\033[D\033[C\1777\r'; sleep 0.3; printf '\033[A\r'; sleep 0.3; printf '\003\004'; sleep 0.3";
    let ended = typed(folder.path(), "console", keys).done();
    let shown = ended.out.replace('\r', "");
    assert!(shown.contains("\n[\n  40,\n  2,\n]\n"), "{ended}");
    assert_eq!(shown.matches("\n42\n").count(), 2, "{ended}");
}
