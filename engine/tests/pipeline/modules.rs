//! Modules: what is in them is planned, applied, recorded and removed like all else.

use crate::plans::{applied, check, stack};
use crate::world::{Bed, show};

const SITE: &str = r#"
### site
variable "name" { type = string }
variable "size" {
  type    = number
  default = 1
  validation {
    condition     = var.size < 10
    error_message = "${var.name} is too large."
  }
}
locals { full = "${var.name}-${path.module}" }
resource "thing" "first" {
  name  = local.full
  input = var.size
}
resource "thing" "second" {
  name  = "second-${var.name}"
  input = thing.first.id
}
output "id" { value = thing.second.id }
output "name" { value = thing.first.name }
"#;

fn with_site(text: &str) -> String {
    format!("{text}{SITE}")
}

#[test]
fn a_module_is_part_of_the_plan() {
    check(
        "",
        &with_site(
            r#"
module "a" {
  source = "./site"
  name   = "x"
}
resource "thing" "after" {
  name  = module.a.name
  input = module.a.id
}"#,
        )
        .replace("name  = module.a.name", "name  = \"after-${module.a.name}\""),
        r"
Create thing.after
Create module.a.thing.first
Create module.a.thing.second",
    );
}

#[test]
fn each_instance_of_a_module_has_its_own_values() {
    let text = |names: &str| {
        with_site(&format!(
            r#"
module "site" {{
  source   = "./site"
  for_each = {names}
  name     = each.key
  size     = each.value
}}
output "ids" {{ value = {{ for key, site in module.site : key => site.id }} }}
output "names" {{ value = values(module.site)[*].name }}"#
        ))
    };
    check(
        &text("{ a = 1, b = 2 }"),
        &text("{ b = 3, c = 4 }"),
        r#"
Delete module.site["a"].thing.first (it is no longer in the configuration)
Delete module.site["a"].thing.second (it is no longer in the configuration)
Update module.site["b"].thing.first
  input: 2 -> 3
NoOp module.site["b"].thing.second
Create module.site["c"].thing.first
Create module.site["c"].thing.second
output ids: Some({"a": "id-of-second-a", "b": "id-of-second-b"}) -> Some({"b": "id-of-second-b", "c": unknown(string)})
output names: Some(["a-site", "b-site"]) -> Some(["b-site", "c-site"])"#,
    );
}

#[test]
fn modules_lie_in_modules() {
    let text = r#"
module "outer" {
  source = "./outer"
  count  = 2
  prefix = "p${count.index}"
}
output "all" { value = module.outer[*].inner }
### outer
variable "prefix" {}
module "inner" {
  source   = "./site"
  for_each = toset(["u", "v"])
  name     = "${var.prefix}${each.key}"
}
output "inner" { value = { for key, site in module.inner : key => site.name } }"#;
    let bed = Bed::new();
    let text = stack(&with_site(text));
    applied(&bed, &text);
    assert_eq!(bed.with(|reality| reality.things.len()), 8);
    let state = bed.with(|reality| reality.state.clone());
    let names: Vec<_> = state.records.keys().map(ToString::to_string).collect();
    assert_eq!(names[0], "module.outer[0].module.inner[\"u\"].thing.first");
    assert_eq!(state.records[&names[1].parse().unwrap()].depends_on[0].to_string(), names[0]);
    assert_eq!(
        format!("{:?}", state.outputs["all"]),
        r#"[{"u": "p0u-site", "v": "p0v-site"}, {"u": "p1u-site", "v": "p1v-site"}]"#
    );
    assert!(bed.plan(&text).unwrap().is_empty());
    let mut down = bed;
    down.destroy = true;
    applied(&down, &text);
    assert_eq!(down.with(|reality| reality.things.len()), 0);
}

#[test]
fn a_module_whose_instances_are_unknown_waits() {
    let text = stack(&with_site(
        r#"
resource "thing" "seed" {
  name  = "seed"
  input = "k"
}
module "site" {
  source   = "./site"
  for_each = toset([thing.seed.echo])
  name     = each.key
}
resource "thing" "after" {
  name  = "after"
  input = values(module.site)[*].id
}"#,
    ));
    let bed = Bed::new();
    assert_eq!(
        bed.show_plan(&text),
        r#"
Defer thing.after (it comes after module.site.thing.first, which is deferred)
Create thing.seed
Defer module.site.thing.first (of module.site: an element of its `for_each` is known only after apply)
Defer module.site.thing.second (of module.site: an element of its `for_each` is known only after apply)"#
            .trim()
    );
    assert_eq!(applied(&bed, &text).deferred.len(), 3);
    assert!(applied(&bed, &text).deferred.is_empty());
    assert!(bed.plan(&text).unwrap().is_empty());
}

#[test]
fn targets_are_given_to_modules() {
    check(
        "",
        r#"
cluster "d" { }
module "m" {
  source  = "./m"
  cluster = cluster.d
}
### m
variable "cluster" {}
resource "thing" "x" {
  cluster = var.cluster
  name    = "x"
}"#,
        "Create module.m.thing.x",
    );
    // Without one, the caller's only target is meant.
    check(
        "",
        "module \"m\" {\n  source = \"./m\"\n}\n### m\nresource \"thing\" \"x\" {\n  name = \"x\"\n}",
        "Create module.m.thing.x",
    );
}

#[test]
fn what_moves_into_a_module_is_only_renamed() {
    check(
        "resource \"thing\" \"x\" {\n  name = \"x\"\n}",
        r#"
moved {
  from = thing.x
  to   = module.m.thing.y
}
module "m" {
  source = "./m"
}
### m
resource "thing" "y" {
  name = "x"
}"#,
        r"
Forget thing.x (it is recorded as module.m.thing.y from now on)
Adopt module.m.thing.y (it was recorded as thing.x, and is only renamed)",
    );
}

#[test]
fn modules_move_with_all_that_is_in_them() {
    let call = |name: &str, repeated: &str| {
        with_site(&format!("module {name:?} {{\n  source = \"./site\"\n  {repeated}\n  name = \"x\"\n}}"))
    };
    let moved = |from: &str, to: &str| format!("moved {{\n  from = {from}\n  to = {to}\n}}\n");
    check(
        &call("a", ""),
        &format!("{}{}", moved("module.a", "module.b[\"k\"]"), call("b", "for_each = toset([\"k\"])")),
        r#"
Forget module.a.thing.first (it is recorded as module.b["k"].thing.first from now on)
Forget module.a.thing.second (it is recorded as module.b["k"].thing.second from now on)
Adopt module.b["k"].thing.first (it was recorded as module.a.thing.first, and is only renamed)
Adopt module.b["k"].thing.second (it was recorded as module.a.thing.second, and is only renamed)"#,
    );
    check(
        &call("a", "count = 1"),
        &format!("{}{}", moved("module.a", "module.b"), call("b", "count = 1")),
        r"
Forget module.a[0].thing.first (it is recorded as module.b[0].thing.first from now on)
Forget module.a[0].thing.second (it is recorded as module.b[0].thing.second from now on)
Adopt module.b[0].thing.first (it was recorded as module.a[0].thing.first, and is only renamed)
Adopt module.b[0].thing.second (it was recorded as module.a[0].thing.second, and is only renamed)",
    );
    let bed = Bed::new();
    assert_eq!(
        bed.diagnostics(&stack(&format!("{}{}", moved("module.a", "thing.x"), call("a", "")))),
        "2:1 `moved` Invalid move: A resource moves to a resource's address, and a module to a module's."
    );
    assert_eq!(
        bed.diagnostics(&stack(&format!("{}{}", moved("module.a", "module.c"), call("a", "")))),
        "2:1 `moved` What was moved is still there: module.a is still in the configuration: what was recorded as it stays with it."
    );
}

#[test]
fn what_is_wrong_with_a_call_is_told_at_its_place() {
    let check = |text: &str, expect: &str| {
        assert_eq!(Bed::new().diagnostics(&stack(&with_site(text))), expect.trim(), "{text}");
    };
    check(
        "module \"a\" {\n  source = \"./site\"\n  nam = \"x\"\n}\noutput \"o\" {\n  value = [module.a.idd, module.b.id, module.a]\n}",
        r#"
2:8 `"a"` Missing required argument: module.a needs a value for its variable "name", which has no default.
4:9 `"x"` Unsupported argument: module.a has no variable "nam". Did you mean "name"?
7:12 `module.a` Unknown reference: module.a has no output "idd". Did you mean "id"?
7:26 `module.b` Unknown reference: No module is named "b". Did you mean "a"?"#,
    );
    check(
        "module \"a\" {\n  source = \"./site\"\n  name = \"x\"\n  size = \"many\"\n}",
        r#"5:10 `"many"` Invalid variable value: The variable "size" does not fit its type by the module's call: a number is required: the text is not a decimal number."#,
    );
    check(
        "module \"a\" {\n  source = \"./site\"\n  name = \"x\"\n  size = 10\n}",
        "6:21 `var.size < 10` Invalid value for variable: x is too large. (variable \"size\")",
    );
    check(
        "module \"a\" {\n  source = \"./site\"\n  name = module.a.id\n}",
        "4:10 `module.a` Cycle: module.a.var.name → module.a.output.id → module.a.thing.second → module.a.var.name: a value cannot depend on itself. Break the circle at one of them.",
    );
    check(
        "module \"a\" {\n  source = local.x\n}\nlocals {\n  x = 1\n}",
        "3:12 `local.x` Not a literal: The source of a module is a plain text in double quotes: it is read before anything is evaluated.",
    );
}

#[test]
fn all_in_a_module_comes_after_what_its_call_depends_on() {
    let text = stack(&with_site(
        r#"
resource "thing" "before" { name = "before" }
module "site" {
  source     = "./site"
  name       = "x"
  depends_on = [thing.before]
}
resource "thing" "after" {
  name       = "after"
  depends_on = [module.site]
}"#,
    ));
    let bed = Bed::new();
    applied(&bed, &text);
    let performed = bed.with(|reality| reality.performed.clone());
    assert_eq!(
        performed,
        ["Create before", "Create x-site", "Create second-x", "Create after"],
        "{}",
        show(&bed.plan(&text).unwrap())
    );
}
