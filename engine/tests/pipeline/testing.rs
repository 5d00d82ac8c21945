//! Test files: what is wrong with them is told with its place, and their runs come to what they should.

use std::sync::Arc;

use futures::executor::block_on;
use meshform_engine::diagnostic::{SourceId, Sources};
use meshform_engine::observer::Stop;
use meshform_engine::pipeline::{Options, check as validate};
use meshform_engine::plan::Action;
use meshform_engine::ports::Provider;
use meshform_engine::testing::{Bench, CleanUp, RunReport, Session, Subject, TestFile, decode};

use crate::store::Store;
use crate::world::{Bed, Epoch, Nothing, Silent, Things, sources};

const STACK: &str = r#"
variable "size" {
  type    = number
  default = 1
  validation {
    condition     = var.size < 10
    error_message = "Too large."
  }
}
variable "secret" {
  default   = "hush"
  sensitive = true
}
cluster "c" { }
resource "thing" "a" {
  name  = "a"
  input = var.size
  lifecycle {
    prevent_destroy = true
    postcondition {
      condition     = self.echo != 7
      error_message = "Seven."
    }
  }
}
resource "thing" "b" {
  name  = "b"
  input = thing.a.id
}
resource "value" "held" {
  input = var.secret
}
data "thing" "found" {
  name       = thing.b.name
  depends_on = [thing.b]
}
check "odd" {
  assert {
    condition     = var.size != 3
    error_message = "Three."
  }
}
policy "few" {
  condition     = var.size != 4
  error_message = "Four."
}
output "size" {
  value = var.size
  precondition {
    condition     = var.size != 5
    error_message = "Five."
  }
}
"#;

/// The stack's file with that of a test.
fn decoded(test: &str) -> (Vec<TestFile>, String) {
    decoded_for(STACK, test)
}

fn decoded_for(stack: &str, test: &str) -> (Vec<TestFile>, String) {
    let mut all: Sources = sources(stack);
    let stack = all.clone();
    let id: SourceId = all.add("a.mftest.hcl", test);
    let world = Bed::new().world();
    let (config, problems) = validate(&stack, &world, ".");
    assert!(!problems.has_errors(), "{problems:?}");
    let (files, problems) = decode(&all, &[id], &config.unwrap(), &world.registry);
    let lines = problems.iter().map(|it| {
        let span = it.span.as_ref().unwrap();
        assert_eq!(span.source, id);
        let (line, column) = all.position(span).unwrap();
        format!("{line}:{column} `{}` {}: {}", all.text(span).unwrap(), it.summary, it.detail)
    });
    let lines: Vec<_> = lines.collect();
    (files, lines.join("\n"))
}

/// What is wrong with a test file.
fn wrong(test: &str, expect: &str) {
    assert_eq!(decoded(test).1, expect.trim(), "{test}");
}

/// Runs a test file in a bed.
fn tested(bed: &Bed, test: &str) -> (Vec<RunReport>, CleanUp) {
    tested_with(bed, STACK, test)
}

fn tested_with(bed: &Bed, stack: &str, test: &str) -> (Vec<RunReport>, CleanUp) {
    let (files, problems) = decoded_for(stack, test);
    assert_eq!(problems, "", "{test}");
    let subject = Subject { sources: sources(stack), options: Options::default() };
    let provider: Arc<dyn Provider> = Arc::new(Things(Arc::clone(&bed.reality)));
    let store = Arc::new(Store(Arc::clone(&bed.reality)));
    let bench = Bench::new(&files[0], [provider], [], store, Arc::new(Nothing), Arc::new(Epoch));
    let mut session = Session::new(&files[0], &subject, &bench);
    let stop = Stop::default();
    let runs = files[0].runs.iter().map(|run| block_on(session.run(run, &Silent, &stop)));
    let reports = runs.collect();
    (reports, block_on(session.clean_up(&Silent, &Stop::default())))
}

/// What the runs of a test file come to: the status of each, with what is not as expected and the values that explain it.
fn check(test: &str, expect: &[&str]) {
    let (reports, clean_up) = tested(&Bed::new(), test);
    let lines = reports.iter().map(|report| {
        let findings = report.findings.iter().map(|finding| {
            let values = finding.values.iter().map(|(part, value)| format!(" [{part}: {value:?}]"));
            format!(
                " | {}: {}{}",
                finding.diagnostic.summary,
                finding.diagnostic.detail,
                values.collect::<String>()
            )
        });
        let warnings = report.warnings.iter().map(|it| format!(" ({})", it.summary));
        format!("{}{}", report.status.as_str(), findings.chain(warnings).collect::<String>())
    });
    assert_eq!(lines.collect::<Vec<_>>(), expect, "{test}");
    assert!(clean_up.left.is_empty() && clean_up.diagnostics.is_empty(), "{clean_up:?}");
}

#[test]
fn what_is_misspelt_is_told() {
    wrong(
        "runn \"a\" { }",
        "1:1 `runn` Unsupported block type: There is no block type \"runn\". Did you mean \"run\"?",
    );
    wrong(
        "a = 1",
        "1:1 `a` Unexpected argument: A test file holds blocks. The values of variables go into a `variables` block.",
    );
    wrong("run { }", "1:1 `run` Wrong number of labels: Such a block is written `run \"NAME\" { … }`.");
    wrong(
        "run \"a\" {\n  comand = plan\n}",
        "2:3 `comand` Unsupported argument: The run \"a\" has no argument \"comand\". Did you mean \"command\"?",
    );
    wrong(
        "run \"a\" {\n  command = destroy\n}",
        "2:13 `destroy` Invalid command: It is `plan` or `apply`, without quotes.",
    );
    wrong(
        "test {\n  targets = \"sanbox\"\n}",
        "2:13 `\"sanbox\"` Invalid targets: What stands in for clusters and hosts is \"sandbox\", \"mock\" or \"real\". Did you mean \"sandbox\"?",
    );
    wrong(
        "run \"a\" {\n  assert {\n    condition = true\n  }\n}",
        "2:3 `assert` Missing required argument: The `assert` block needs the argument \"error_message\".",
    );
    wrong(
        "run \"a\" {\n  variables = { }\n}",
        "2:3 `variables` Unsupported argument: `variables` is a block here: write `variables { … }`, without \"=\".",
    );
}

#[test]
fn what_other_tools_have_is_answered() {
    for (block, answer) in [
        ("mock_provider \"k\" { }", "There are no providers to be mocked"),
        ("run \"a\" {\n  module { }\n}", "A run is of the stack itself"),
        ("run \"a\" {\n  plan_options {\n    refresh = false\n  }\n}", "there is no `refresh`"),
        ("run \"a\" {\n  plan_options {\n    mode = refresh-only\n  }\n}", "The only mode is `normal`"),
        ("run \"a\" {\n  plan_options {\n    replace = [data.thing.found]\n  }\n}", "is no resource"),
        ("override_module { }", "override the resources and look-ups in it"),
    ] {
        let (_, problems) = decoded(block);
        assert!(problems.contains(answer), "{problems}");
    }
}

#[test]
fn each_name_is_there_once() {
    wrong(
        "run \"a\" { }\nrun \"a\" { }",
        "2:5 `\"a\"` Duplicate name: There is another run named \"a\" in this file. Give one of the two another name.",
    );
    wrong(
        "variables { }\nvariables { }",
        "2:1 `variables` Duplicate block: A test file has one `variables` block. Put all into one of them.",
    );
    wrong(
        "mock_data \"thing\" { }\nmock_data \"thing\" { }",
        "2:11 `\"thing\"` Duplicate block: There is another mock_data of \"thing\" in this file.",
    );
}

#[test]
fn names_are_those_of_the_stack() {
    let assert = |condition: &str| {
        format!(
            "run \"a\" {{\n  assert {{\n    condition     = {condition}\n    error_message = \"x\"\n  }}\n}}"
        )
    };
    wrong(
        &assert("var.sise == 1 && thing.aa.id != output.siz"),
        "3:21 `var.sise` Unknown reference: The stack has no var.sise. Did you mean \"var.size\"?
3:38 `thing.aa` Unknown reference: The stack has no thing.aa. Did you mean \"thing.a\"?
3:53 `output.siz` Unknown reference: The stack has no output.siz. Did you mean \"output.size\"?",
    );
    wrong(&assert("run.b.x"), "3:21 `run.b` Unknown reference: No run before this one is named \"b\".");
    wrong(
        &assert("data.thing.fond.id"),
        "3:21 `data.thing` Unknown reference: The stack has no data.thing.fond. Did you mean \"data.thing.found\"?",
    );
    wrong(
        "variables {\n  sizes = 1\n}",
        "2:11 `1` Undeclared variable: The stack has no variable \"sizes\", and nothing in this file refers to it. Did you mean \"size\"?",
    );
    wrong(
        "run \"a\" {\n  expect_failures = [check.od, thing.a[0], local.x, thing.c, true]\n}",
        "2:22 `check.od` Unknown reference: The stack has no check.od. Did you mean \"check.odd\"?
2:32 `thing.a[0]` Instance of a block: All instances of a block have the same conditions: write thing.a without keys.
2:44 `local.x` Nothing that can fail: local.x has no conditions of its own: what can fail are variables, outputs, checks, policies, resources and look-ups.
2:53 `thing.c` Unknown reference: The stack has no thing.c. Did you mean \"thing.a\"?
2:62 `true` Invalid address: It is the address of a resource or of what is looked up, or of one of its instances, such as kube_object.web, host_file.motd[\"db\"] or data.host_facts.db.",
    );
    wrong(
        "override_data {\n  target = thing.a\n}\noverride_resource {\n  target = value.held\n}\nmock_resource \"thng\" { }",
        "2:12 `thing.a` Invalid address: `override_data` is for what is looked up: a resource is overridden by `override_resource`.
5:12 `value.held` Invalid address: A `value` is what it is everywhere: there is nothing about it to be made up.
7:15 `\"thng\"` Unknown type: Nothing of the type \"thng\" can be made up. Did you mean \"thing\"?",
    );
}

#[test]
fn runs_share_a_state_and_hand_on_their_outputs() {
    let test = r#"
test { targets = "real" }
variables { start = 1 }
run "first" {
  variables { size = var.start }
  assert {
    condition     = thing.a.echo == 1 && data.thing.found.id == thing.b.id && var.start == 1
    error_message = "x"
  }
}
run "second" {
  variables { size = run.first.size + 1 }
  assert {
    condition     = thing.a.echo == 2 && run.first.size == 1
    error_message = "x"
  }
}
run "third" {
  command = plan
  assert {
    condition     = nonsensitive(value.held.output) == "hush" && output.size == 1
    error_message = "x"
  }
}"#;
    check(test, &["pass", "pass", "pass"]);
}

#[test]
fn what_is_expected_must_fail_and_nothing_else() {
    let run = |size: u64, command: &str, expected: &str| {
        format!(
            "run \"r{size}\" {{\n  command = {command}\n  variables {{ size = {size} }}\n  expect_failures = [{expected}]\n}}\n"
        )
    };
    let real = "test { targets = \"real\" }\n";
    for (size, expected) in [(10, "var.size"), (3, "check.odd"), (4, "policy.few"), (5, "output.size")] {
        for command in ["plan", "apply"] {
            check(&format!("{real}{}", run(size, command, expected)), &["pass"]);
        }
    }
    check(&format!("{real}{}", run(7, "apply", "thing.a")), &["pass"]);
    check(&format!("{real}{}", run(3, "plan", "")), &["fail | Check does not hold: Three. (check.odd)"]);
    check(
        &format!("{real}{}{}", run(5, "plan", "check.odd"), run(6, "plan", "")),
        &[
            "error | Expected failure is missing: check.odd was expected to fail, and does not. | Precondition does not hold: Five. (output.size)",
            "skip",
        ],
    );
}

#[test]
fn assertions_say_what_they_saw() {
    let run = |command: &str, condition: &str| {
        format!(
            "test {{ targets = \"real\" }}\nrun \"r\" {{\n  command = {command}\n  assert {{\n    condition     = {condition}\n    error_message = \"Size ${{var.size}}.\"\n  }}\n}}"
        )
    };
    check(
        &run("apply", "length(thing.a.name) == 2 || var.size > 1"),
        &["fail | Assertion does not hold: Size 1. [length(thing.a.name): 1] [var.size: 1]"],
    );
    let (reports, _) = tested(&Bed::new(), &run("apply", "value.held.output == \"loud\""));
    let (part, value) = &reports[0].findings[0].values[0];
    assert!(part == "value.held.output" && value.is_sensitive());
    let (reports, _) = tested(&Bed::new(), &run("plan", "thing.a.id != \"\" || var.size > 1"));
    let finding = &reports[0].findings[0];
    assert_eq!(finding.diagnostic.summary, "Assertion cannot be told");
    assert!(finding.diagnostic.detail.contains("Let the run apply"));
    assert_eq!(finding.values.iter().map(|(part, _)| part.as_str()).collect::<Vec<_>>(), ["thing.a.id"]);
    check(
        &run("plan", "var.size"),
        &["error | Invalid assertion: The condition must be true or false. [var.size: 1]"],
    );
    check(&run("plan", "var.size.x"), &["error | Unsupported attribute: A number has no attributes."]);
}

#[test]
fn what_need_not_be_replaced_is_if_a_run_says_so() {
    let test = r#"
test { targets = "real" }
run "first" { }
run "again" {
  plan_options {
    replace = [value.held]
    mode    = normal
  }
}
run "after" { }"#;
    let (reports, _) = tested(&Bed::new(), test);
    let actions = reports.iter().map(|report| {
        let plan = report.plan.as_ref().unwrap();
        let change = plan.changes.iter().find(|change| change.address.to_string() == "value.held");
        change.unwrap().action
    });
    assert_eq!(actions.collect::<Vec<_>>(), [Action::Create, Action::ReplaceDeleteFirst, Action::NoOp]);
}

#[test]
fn what_is_made_up_needs_no_target() {
    let test = r#"
test { targets = "mock" }
mock_data "thing" {
  defaults = { input = "found" }
}
override_resource {
  target          = thing.a
  values          = { id = "id-of-a" }
  override_during = plan
}
run "planned" {
  command = plan
  assert {
    condition     = thing.b.input == "id-of-a"
    error_message = "x"
  }
}
run "applied" {
  assert {
    condition     = startswith(thing.b.id, "mock-") && data.thing.found.input == "found"
    error_message = "x"
  }
}
run "changed" {
  variables { size = 2 }
  override_resource {
    target = thing.b
    values = { id = "other" }
  }
  assert {
    condition     = thing.a.input == 2 && thing.a.id == "id-of-a"
    error_message = "x"
  }
}"#;
    check(test, &["pass", "pass", "pass"]);
    let bed = Bed::new();
    let (reports, _) = tested(&bed, test);
    assert_eq!(reports.len(), 3);
    bed.with(|reality| {
        assert!(reality.performed.is_empty() && reality.reads == 0 && reality.looked_up.is_empty());
    });
}

#[test]
fn what_is_made_up_is_what_a_target_would_tell() {
    let with = |values: &str| {
        format!(
            "test {{ targets = \"mock\" }}\nrun \"r\" {{\n  override_resource {{\n    target = thing.a\n    values = {values}\n  }}\n}}"
        )
    };
    check(
        &with("{ idd = 1 }"),
        &["error | Invalid values: There is no attribute \"idd\". Did you mean \"id\"?"],
    );
    check(
        &with("{ input = 1 }"),
        &["error | Invalid values: \"input\" is given by the stack: only what a target tells is made up."],
    );
    check(
        &with("1"),
        &[
            "error | Invalid values: It is an object with a value for each attribute, such as { object = { status = { } } }.",
        ],
    );
}

#[test]
fn a_target_that_nothing_stands_in_for_is_not_touched() {
    let bed = Bed::new();
    let (reports, _) = tested(&bed, "run \"r\" { }");
    assert_eq!(reports[0].findings[0].diagnostic.summary, "Nothing stands in for a target");
    bed.with(|reality| assert_eq!(reality.reads, 0));
}

/// What is expected is expected of all of it.
#[test]
fn a_stack_is_not_tested_in_part() {
    let stack = "cluster \"far\" {\n  server = \"down\"\n}\ncluster \"here\" { }\n\
                 resource \"thing\" \"a\" {\n  name    = \"a\"\n  cluster = cluster.here\n}\n\
                 resource \"thing\" \"b\" {\n  name    = \"b\"\n  cluster = cluster.far\n}\n";
    let bed = Bed::new();
    let (reports, _) = tested_with(&bed, stack, "test { targets = \"real\" }\nrun \"r\" { }");
    assert_eq!(reports[0].status.as_str(), "error");
    assert_eq!(reports[0].findings[0].diagnostic.detail, "nobody answers (at cluster.far)");
    bed.with(|reality| assert!(reality.things.is_empty()));
}

#[test]
fn all_is_taken_down_whatever_happened() {
    let test = "test { targets = \"real\" }\nrun \"r\" {\n  variables { size = 7 }\n}\nrun \"s\" { }";
    let bed = Bed::new();
    let (reports, clean_up) = tested(&bed, test);
    assert_eq!(reports.iter().map(|it| it.status.as_str()).collect::<Vec<_>>(), ["error", "skip"]);
    assert!(clean_up.left.is_empty(), "{clean_up:?}");
    bed.with(|reality| assert!(reality.things.is_empty(), "{:?}", reality.things));
}

#[test]
fn what_cannot_be_taken_down_is_told() {
    let bed = Bed::new();
    bed.with(|reality| reality.broken = vec!["b".into()]);
    let (reports, clean_up) = tested(&bed, "test { targets = \"real\" }\nrun \"r\" { }");
    assert_eq!(reports[0].status.as_str(), "error");
    let left: Vec<_> = clean_up.left.iter().map(ToString::to_string).collect();
    // What it depends on stays, too: it may still be used.
    assert_eq!(left, ["thing.a", "thing.b"]);
    assert_eq!(clean_up.diagnostics.iter().map(|it| it.summary.as_str()).collect::<Vec<_>>(), ["It failed"]);
}
