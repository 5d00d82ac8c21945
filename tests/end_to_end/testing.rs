//! `test`: what comes of `*.mftest.hcl` files, told in every form, and nothing of it left behind.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::program::Ended;
use crate::stack::Stack;

/// A stack for real machines, which are not there.
const STACK: &str = r#"
variable "message" {
  default = "hello"
  validation {
    condition     = length(var.message) < 20
    error_message = "Too long."
  }
}
variable "password" {
  default   = "hunter2!"
  sensitive = true
}
cluster "prod" {
  kubeconfig = "/nowhere/kubeconfig"
  context    = "prod"
}
host "edge" {
  for_each = { a = "192.0.2.1", b = "192.0.2.2" }
  address  = each.value
  become   = "sudo"
}
resource "kube_object" "page" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "page", namespace = "default" }
    data       = { text = var.message }
  }
}
resource "kube_object" "secret" {
  manifest = {
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "secret", namespace = "default" }
    stringData = { password = var.password }
  }
}
resource "host_file" "page" {
  host    = host.edge["a"]
  path    = "/etc/page"
  content = "${kube_object.page.object.metadata.uid}\n"
}
resource "host_command" "greet" {
  host = host.edge["b"]
  run  = "echo ${var.message}"
}
check "friendly" {
  assert {
    condition     = var.message != "go away"
    error_message = "Be friendly."
  }
}
output "uid" {
  value = kube_object.page.object.metadata.uid
}
output "password" {
  value     = var.password
  sensitive = true
}
"#;

const GOOD: &str = r#"
run "made" {
  assert {
    condition     = host_file.page.content == "${output.uid}\n" && strcontains(host_command.greet.stdout, "hello")
    error_message = "The host does not know the page."
  }
}
run "changed" {
  command = plan
  variables {
    message = "uid ${substr(run.made.uid, 0, 8)}"
  }
  assert {
    condition     = startswith(kube_object.page.manifest.data.text, "uid ")
    error_message = "The page does not change."
  }
}
run "too_long" {
  command = plan
  variables {
    message = "a message that is far too long"
  }
  expect_failures = [var.message]
}
"#;

const BAD: &str = r#"
run "made" {
  assert {
    condition     = kube_object.page.object.data.text == "bye"
    error_message = "It says ${var.message}."
  }
  assert {
    condition     = output.password == "letmein"
    error_message = "It is ${output.password}."
  }
}
run "rude" {
  variables {
    message = "go away"
  }
}
run "broken" {
  variables {
    message = "a message that is far too long"
  }
}
run "late" { }
"#;

fn stack(tests: &[(&str, &str)]) -> Stack {
    let stack = Stack::of(STACK);
    fs::create_dir(stack.path("tests")).unwrap();
    tests.iter().for_each(|(name, text)| stack.write(name, text));
    stack
}

/// The events of a run.
fn events(ended: &Ended) -> Vec<Value> {
    ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_type<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

#[test]
fn what_is_as_expected_passes_without_any_machine() {
    let stack = stack(&[("good.mftest.hcl", GOOD), ("tests/again.mftest.hcl", GOOD)]);
    stack.run(["validate"]).done().says(&["3 files"]);
    let ended = stack.run(["test"]).done();
    for said in [
        "good.mftest.hcl\n",
        "tests/again.mftest.hcl\n",
        "✓ made (apply",
        "✓ changed (plan",
        "✓ too_long (plan",
    ] {
        assert!(ended.out.contains(said), "{ended}");
    }
    let ended = ended.says(&["Passed: 6 passed, 0 failed in 2 files"]);
    assert_eq!(ended.err, "", "{ended}");
    assert!(!stack.path(".meshform").exists(), "neither a state nor a sandbox is left behind");
}

#[test]
fn what_is_not_as_expected_is_shown_with_what_was_seen() {
    let stack = stack(&[("bad.mftest.hcl", BAD)]);
    let ended = stack.run(["test"]).code(1).says(&[
        "✗ made (apply",
        "--> bad.mftest.hcl:4:21",
        "kube_object.page.object.data.text == \"bye\"",
        "It says hello.",
        "kube_object.page.object.data.text is \"hello\"",
        "output.password is (sensitive)",
        "its message is sensitive",
        "✗ rude (apply",
        "Be friendly. (check.friendly)",
        "✗ broken (apply",
        "Too long. (variable \"message\")",
        "- late (skipped)",
        "Failed: 0 passed, 2 failed, 1 with errors, 1 skipped in 1 file",
    ]);
    assert!(!ended.all().contains("hunter2"), "{ended}");
}

#[test]
fn a_filter_takes_files_or_runs_with_what_they_need() {
    let stack = stack(&[("good.mftest.hcl", GOOD), ("tests/bad.mftest.hcl", BAD)]);
    let check = |filters: &[&str], code: i32, summary: &str| {
        let arguments = ["test"].into_iter().chain(filters.iter().copied());
        stack.run(arguments).code(code).says(&[summary]);
    };
    check(&["-filter=good.mftest.hcl"], 0, "Passed: 3 passed, 0 failed in 1 file");
    check(
        &["-filter", "tests/bad.mftest.hcl"],
        1,
        "Failed: 0 passed, 2 failed, 1 with errors, 1 skipped in 1 file",
    );
    check(&["-filter=too_long"], 0, "Passed: 1 passed, 0 failed, 2 skipped in 1 file");
    check(&["-filter=changed"], 0, "Passed: 2 passed, 0 failed, 1 skipped in 1 file");
    check(&["-filter=changed", "-filter=rude"], 1, "in 2 files");
    stack.run(["test", "-filter=chnaged"]).code(1).complains(&["Did you mean \"changed\"?"]);
}

#[test]
fn machines_read_events_and_junit() {
    let stack = stack(&[("good.mftest.hcl", GOOD), ("bad.mftest.hcl", BAD)]);
    let ended = stack.run(["test", "-json", "-junit-xml=results.xml"]).code(1);
    let events = events(&ended);
    assert_eq!((&events[0]["type"], &events[0]["format_version"]), (&"version".into(), &"1.0".into()));
    let runs = of_type(&events, "test_run");
    let statuses: Vec<_> = runs.iter().map(|run| run["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["fail", "fail", "error", "skip", "pass", "pass", "pass"]);
    let finding = &runs[0]["findings"][0];
    assert_eq!(finding["diagnostic"]["range"]["start"]["line"], 4);
    assert_eq!(finding["values"][0]["expression"], "kube_object.page.object.data.text");
    assert_eq!(finding["values"][0]["value"], "hello");
    assert_eq!(of_type(&events, "test_summary")[0]["passed"], 3);
    assert!(of_type(&events, "test_clean_up").iter().all(|it| it["left"].as_array().unwrap().is_empty()));
    let junit = fs::read_to_string(stack.path("results.xml")).unwrap();
    for part in [
        "<testsuite name=\"bad.mftest.hcl\"",
        "tests=\"4\" failures=\"2\" errors=\"1\" skipped=\"1\"",
        "<failure message=\"It says hello.\" type=\"assertion\">",
        "<testcase name=\"too_long\" classname=\"good.mftest.hcl\"",
    ] {
        assert!(junit.contains(part), "no {part} in {junit}");
    }
    assert!(!ended.all().contains("hunter2") && !junit.contains("hunter2"));
}

#[test]
fn what_a_failed_run_made_is_taken_down_in_reverse() {
    let bad = "run \"made\" {\n  assert {\n    condition     = false\n    error_message = \"No.\"\n  }\n}\n";
    let stack = stack(&[("bad.mftest.hcl", bad)]);
    let ended = stack.run(["test", "-json"]).code(1);
    let events = events(&ended);
    let done: Vec<_> = of_type(&events, "step_succeeded")
        .iter()
        .filter(|event| event["operation"] == "delete")
        .map(|event| event["address"].as_str().unwrap().to_owned())
        .collect();
    let at = |address: &str| {
        done.iter().position(|it| it == address).unwrap_or_else(|| panic!("{address} in {ended}"))
    };
    assert_eq!(done.len(), 4, "{ended}");
    assert!(at("host_file.page") < at("kube_object.page"), "{done:?}");
}

#[test]
fn what_cannot_be_taken_down_is_told() {
    let stack = stack(&[("a.mftest.hcl", "run \"made\" { }\n")]);
    stack.edit("run  = \"echo ${var.message}\"", "run  = \"echo ${var.message}\"\n  on_destroy = \"exit 3\"");
    stack.run(["test"]).code(1).says(&["✓ made", "✗ clean-up", "Left behind: host_command.greet."]);
}

#[test]
fn all_of_it_or_parts_are_made_up() {
    let mock = r#"
test {
  targets = "mock"
}
mock_resource "host_command" {
  defaults = { stdout = "made up" }
}
override_resource {
  target = kube_object.page
  values = { object = { metadata = { uid = "u-1" } } }
}
run "made" {
  assert {
    condition     = output.uid == "u-1" && host_file.page.content == "u-1\n" && host_command.greet.stdout == "made up"
    error_message = "x"
  }
}
run "nothing_to_do" {
  command = plan
  assert {
    condition     = output.uid == "u-1"
    error_message = "x"
  }
}
"#;
    let part = mock.replace("targets = \"mock\"", "targets = \"sandbox\"");
    let stack = stack(&[("mock.mftest.hcl", mock), ("part.mftest.hcl", &part)]);
    let ended = stack.run(["test", "-verbose"]).done();
    let plans: Vec<_> = ended.out.matches("Nothing to do").collect();
    assert!(ended.out.contains("Passed: 4 passed"), "{ended}");
    assert_eq!(plans.len(), 2, "{ended}");
}

#[test]
fn what_was_not_made_up_is_asked_for() {
    let stack = stack(&[("a.mftest.hcl", "test {\n  targets = \"mock\"\n}\n\nrun \"made\" { }\n")]);
    stack.run(["test"]).code(1).says(&["no attribute \"uid\"", "override_resource { target"]);
}

#[test]
fn a_wrong_test_file_is_told_by_test_and_validate() {
    let stack = stack(&[("a.mftest.hcl", "run \"a\" {\n  comand = plan\n}\n")]);
    for command in ["test", "validate"] {
        stack.run([command]).code(1).complains(&["a.mftest.hcl:2:3", "Did you mean \"command\"?"]);
    }
    let planned = stack.run(["plan"]).code(1).complains(&["/nowhere/kubeconfig"]);
    assert!(!planned.err.contains("mftest"), "a plan takes no notice of tests: {planned}");
    fs::remove_file(stack.path("a.mftest.hcl")).unwrap();
    stack.run(["test"]).code(1).complains(&["No tests", "There are no *.mftest.hcl files"]);
}

#[test]
fn test_files_are_formatted_as_all_others() {
    let stack = stack(&[("a.mftest.hcl", "run \"a\" {\ncommand=plan\n}\n")]);
    stack.run(["fmt", "a.mftest.hcl"]).done().says(&["a.mftest.hcl"]);
    assert_eq!(fs::read_to_string(stack.path("a.mftest.hcl")).unwrap(), "run \"a\" {\n  command = plan\n}\n");
}

#[test]
fn what_is_deferred_is_applied_in_another_round() {
    let stack = stack(&[(
        "a.mftest.hcl",
        "run \"made\" {\n  assert {\n    condition     = keys(value.copy) == [output.uid]\n    error_message = \"No copy.\"\n  }\n}\n",
    )]);
    let text = fs::read_to_string(stack.path("main.hcl")).unwrap();
    let copy = "resource \"value\" \"copy\" {\n  for_each = toset([kube_object.page.object.metadata.uid])\n  input    = each.key\n}\n";
    stack.write("main.hcl", &format!("{text}{copy}"));
    stack.run(["test"]).done().says(&["✓ made (apply"]);
}

#[test]
fn an_interrupt_ends_the_run_and_takes_down_what_it_made() {
    let stack = stack(&[("a.mftest.hcl", "run \"made\" { }\nrun \"late\" { }\n")]);
    stack.edit(
        "run  = \"echo ${var.message}\"",
        "run  = \"sleep 4; echo ${kube_object.page.object.metadata.uid}\"",
    );
    let mut command = stack.command();
    command.args(["test", "-json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = String::new();
    let mut take = |until: &str| {
        for line in lines.by_ref().map(Result::unwrap) {
            said.push_str(&format!("{line}\n"));
            if line.contains(until) {
                return;
            }
        }
    };
    take("\"address\":\"host_command.greet\"");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    take("test_summary");
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    let events: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses: Vec<_> = of_type(&events, "test_run").iter().map(|run| run["status"].clone()).collect();
    assert_eq!(statuses, ["error", "skip"], "{said}");
    assert!(of_type(&events, "test_clean_up")[0]["left"].as_array().unwrap().is_empty(), "{said}");
    let deleted = of_type(&events, "step_succeeded");
    assert!(
        deleted.iter().any(|it| it["operation"] == "delete" && it["address"] == "kube_object.page"),
        "{said}"
    );
}
