//! Bad input: what is said, and where.

use crate::world::Bed;

fn check(text: &str, expect: &str) {
    assert_eq!(Bed::new().diagnostics(text), expect.trim(), "{text}");
}

#[test]
fn unknown_names_are_suggested() {
    check(
        "variable \"region\" {\n  default = \"x\"\n}\noutput \"o\" {\n  value = var.regoin\n}",
        r#"5:11 `var.regoin` Unknown reference: No variable is named "regoin". Did you mean "region"?"#,
    );
    check(
        "resource \"thng\" \"a\" { }",
        "1:10 `\"thng\" \"a\"` Unknown resource type: There is no resource type \"thng\". Did you mean \"thing\"?",
    );
    check(
        "resource \"thing\" \"a\" {\n  nam = \"a\"\n}",
        "1:10 `\"thing\" \"a\"` Missing required argument: The resource thing.a needs the argument \"name\".
2:3 `nam` Unsupported argument: The resource thing.a has no argument \"nam\". Did you mean \"name\"?",
    );
}

#[test]
fn all_problems_are_in_one_run() {
    let text = r#"
cluster "c" { }
resource "thing" "a" {
  name = ["x"]
}
resource "thing" "b" {
  count = -1
  name  = "b"
}
output "o" { value = 1 + "x" }
"#;
    let found = Bed::new().diagnostics(text);
    for expected in ["Wrong type", "Invalid count", "10:"] {
        assert!(found.contains(expected), "{expected} is missing in:\n{found}");
    }
}

#[test]
fn cycles_are_named() {
    check(
        "locals {\n  a = local.b\n  b = local.a\n}",
        "2:7 `local.b` Cycle: local.a → local.b → local.a: a value cannot depend on itself. Break the circle at one of them.",
    );
}

#[test]
fn targets_must_be_said_where_they_are_not_obvious() {
    check(
        "cluster \"c\" { }\ncluster \"d\" { }\nresource \"thing\" \"a\" {\n  name = \"a\"\n}",
        "3:10 `\"thing\" \"a\"` No target: This resource must say where it lives: `cluster = cluster.NAME`. It may leave that out only when the stack has exactly one cluster.",
    );
}

#[test]
fn an_unreachable_target_is_named_at_its_block() {
    check(
        "cluster \"c\" {\n  server = \"down\"\n}\nresource \"thing\" \"a\" {\n  name = \"a\"\n}",
        "1:9 `\"c\"` It failed: nobody answers (at cluster.c)",
    );
}

#[test]
fn one_thing_has_one_manager() {
    check(
        "cluster \"c\" { }\nresource \"thing\" \"a\" {\n  name = \"x\"\n}\nresource \"thing\" \"b\" {\n  name = \"x\"\n}",
        "5:10 `\"thing\" \"b\"` Managed twice: thing.b and thing.a are both x on cluster.c. Each thing is managed by one of them only.",
    );
}

#[test]
fn variables() {
    check(
        "variable \"n\" {\n  type = number\n}",
        "1:10 `\"n\"` No value for required variable: The variable \"n\" has no default. Give it by -var n=…, by a -var-file, or by the environment variable MESHFORM_VAR_n.",
    );
    check(
        "variable \"n\" {\n  default = 3\n  validation {\n    condition     = var.n > 5\n    error_message = \"Too small.\"\n  }\n}",
        "4:21 `var.n > 5` Invalid value for variable: Too small. (variable \"n\")",
    );
}

#[test]
fn a_sensitive_output_must_say_so() {
    check(
        "variable \"s\" {\n  default   = \"x\"\n  sensitive = true\n}\noutput \"o\" {\n  value = var.s\n}",
        "6:11 `var.s` Sensitive output: The value of the output \"o\" is sensitive. If it is meant to be given out, say so by `sensitive = true`; it then stays hidden in plans and logs.",
    );
}

#[test]
fn validation_finds_all_that_the_text_tells() {
    let check = |files: &[(&str, &str)], expect: &str| {
        assert_eq!(Bed::new().validated(files), expect.trim(), "{files:?}")
    };
    let wrong = r#"
variable "size" {
  type    = number
  default = "big"
}
resource "thing" "a" {
  for_each = var.size > 1 ? { x = 1 } : { y = 2 }
  name     = upperr(each.key, var.sze)
}
resource "thing" "b" {
  nam = 1 + "x"
}
resource "thing" "c" {
  name = thing.d.nothing
}
resource "thing" "d" {
  name = "d"
}
output "o" {
  value = thing.d.id + [thing.a["x"].id, thing.b.whatever]
}
cluster "c" { }
"#;
    check(
        &[("main.hcl", wrong)],
        "
main.hcl:4 Invalid variable value
main.hcl:8 Unknown function
main.hcl:8 Unknown reference
main.hcl:10 Missing required argument
main.hcl:11 Unsupported argument
main.hcl:14 Unsupported attribute
main.hcl:20 Invalid operand",
    );
    let right = r#"
variable "names" {
  type = set(string)
}
cluster "c" { }
resource "thing" "a" {
  for_each = var.names
  name     = each.key
}
output "ids" {
  value = [for thing in thing.a : thing.id]
}
"#;
    check(&[("main.hcl", right)], "");
    // What one file lacks may be in the other, which cannot be read.
    let uses = "output \"o\" {\n  value = local.there + []\n}\n";
    check(
        &[("a.hcl", "locals {\n  there = [1, 2\n}\n"), ("b.hcl", uses)],
        "a.hcl:2 Invalid syntax\nb.hcl:2 Invalid operand",
    );
}

#[test]
fn what_nothing_uses_is_told() {
    let check = |text: &str, expect: &str| {
        assert_eq!(Bed::new().validated(&[("main.hcl", text)]), expect.trim(), "{text}");
    };
    check(
        r#"variable "unused" {}
variable "_meant" {}
variable "checked" {
  validation {
    condition     = var.checked != ""
    error_message = "It must not be empty."
  }
}
variable "used" {}
locals {
  unused = 1
  used   = var.used
}
output "o" { value = local.used }"#,
        "
main.hcl:1 Unused variable
main.hcl:3 Unused variable
main.hcl:11 Unused local value",
    );
    check(
        r#"locals {
  zones = ["a"]
}
resource "value" "a" { input = local.zones }
resource "value" "b" {
  input      = value.a.output
  depends_on = [
    value.a,
    local.zones,
    value.c,
  ]
}
resource "value" "c" {}"#,
        "
main.hcl:8 Unused depends_on
main.hcl:9 Unused depends_on",
    );
    // What is used by a block that is no part of the graph is used.
    check(
        r#"variable "names" {
  default = ["x"]
}
moved {
  for_each = toset(var.names)
  from     = value.old[each.key]
  to       = value.new[each.key]
}
resource "value" "new" { for_each = toset(["x"]) }"#,
        "",
    );
    // It may be used where the text cannot be read.
    let files = [("main.hcl", "locals {\n  a = 1\n}"), ("other.hcl", "locals {\n  b = [1 2]\n}")];
    assert_eq!(Bed::new().validated(&files), "other.hcl:2 Invalid syntax");
}
