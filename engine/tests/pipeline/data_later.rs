//! Look-ups that have to wait: in the apply, for another round, for checks, in modules.

use meshform_engine::plan::Plan;

use crate::data::{bed, put, saved};
use crate::plans::{applied, stack};

#[test]
fn how_many_look_ups_there_are_may_be_known_only_after_apply() {
    let bed = bed(&["a"]);
    let text = stack(
        r#"
resource "thing" "a" { name = "new" }
data "thing" "later" {
  for_each = toset([thing.a.id])
  name     = "a"
}
"#,
    );
    assert_eq!(
        bed.show_plan(&text),
        "Defer data.thing.later (an element of its `for_each` is known only after apply)\nCreate thing.a"
    );
    applied(&bed, &text);
    assert!(bed.plan(&text).unwrap().is_empty());
}

#[test]
fn a_failed_look_up_keeps_back_what_comes_after_it() {
    let bed = bed(&[]);
    let text = stack(
        r#"
resource "thing" "a" { name = "a" }
data "thing" "b" { name = "b-${thing.a.id}" }
resource "thing" "c" {
  name  = "c"
  input = data.thing.b.id
}
"#,
    );
    let done = bed.apply(&text).unwrap();
    let failed: Vec<_> =
        done.failed.iter().map(|step| format!("{} {}", step.address, step.error.detail)).collect();
    assert_eq!(failed, ["data.thing.b there is no b-id-of-a"]);
    assert_eq!(done.skipped.len(), 1);
    put(&bed, "b-id-of-a", "there");
    applied(&bed, &text);
    assert!(bed.plan(&text).unwrap().is_empty());
}

#[test]
fn checks_look_up_for_themselves() {
    let text = stack(
        r#"
resource "thing" "a" {
  name  = "a"
  input = "right"
}
check "health" {
  data "thing" "seen" { name = "a" }
  assert {
    condition     = data.thing.seen.input == "right"
    error_message = "It is ${data.thing.seen.input}."
  }
}
"#,
    );
    let bed = bed(&[]);
    let plan = bed.plan(&text).unwrap();
    assert_eq!(crate::world::show(&plan), "Create thing.a", "what only a check asks is no change");
    let warnings = |plan: &Plan| {
        plan.warnings.iter().map(|it| format!("{:?} {}", it.severity, it.detail)).collect::<Vec<_>>()
    };
    assert_eq!(warnings(&plan), ["Warning there is no a (data.thing.seen)"]);
    let done = bed.apply_plan(&plan).unwrap();
    assert!(done.diagnostics.is_empty(), "{:?}", done.diagnostics);
    let plan = bed.plan(&text).unwrap();
    assert!(plan.is_empty() && plan.warnings.is_empty(), "{:?}", plan.warnings);
    put(&bed, "a", "wrong");
    assert_eq!(warnings(&bed.plan(&text).unwrap()), ["Warning It is wrong. (check.health)"]);
    let done = bed.apply(&text).unwrap();
    assert!(done.diagnostics.is_empty(), "by then it is right: {:?}", done.diagnostics);
    let secret = text.replace("name = \"a\" }\n  assert", "name = \"secret\" }\n  assert");
    assert_ne!(secret, text);
    put(&bed, "secret", "one");
    put(&bed, "a", "wrong");
    let plan = saved(bed.plan(&secret).unwrap());
    put(&bed, "secret", "two");
    assert!(bed.apply_plan(&plan).is_ok(), "what a check looks at may change");
    let outside = stack(
        "check \"c\" {\n  data \"thing\" \"seen\" { name = \"a\" }\n  assert {\n    condition = true\n    error_message = \"\"\n  }\n}\noutput \"o\" { value = data.thing.seen.id }",
    );
    assert_eq!(
        bed.diagnostics(&outside),
        "9:22 `data.thing` Reference out of place: \"data\" has a meaning only inside the check \"c\", in which it is looked up."
    );
}

#[test]
fn look_ups_in_a_module_come_after_what_its_call_names() {
    let bed = bed(&["a", "b"]);
    let text = |input: &str| {
        stack(&format!(
            r#"
resource "thing" "first" {{
  name  = "first"
  input = {input}
}}
module "m" {{
  for_each   = toset(["a", "b"])
  source     = "./m"
  name       = each.key
  depends_on = [thing.first]
}}
module "n" {{
  source = "./m"
  name   = "first"
}}
resource "thing" "last" {{
  name       = "last"
  input      = [module.m["a"].input, module.n.input]
  depends_on = [module.m]
}}
### m
variable "name" {{ }}
data "thing" "x" {{ name = var.name }}
check "x" {{
  data "thing" "y" {{ name = data.thing.x.name }}
  assert {{
    condition     = data.thing.y.input != "bad"
    error_message = "${{data.thing.y.input}}"
  }}
}}
output "input" {{ value = data.thing.x.input }}
"#
        ))
    };
    bed.with(|reality| reality.things.insert("first".into(), reality.things["a"].clone()));
    assert_eq!(
        bed.show_plan(&text("1")),
        "Adopt thing.first
  input: \"of a\" -> 1
Create thing.last
Read module.m[\"a\"].data.thing.x (thing.first changes first)
Read module.m[\"b\"].data.thing.x (thing.first changes first)"
    );
    applied(&bed, &text("1"));
    assert_eq!(
        bed.with(|reality| format!("{:?}", reality.things["last"].get("input"))),
        "Some([\"of a\", \"of a\"])"
    );
    assert_eq!(
        bed.show_plan(&text("1")),
        "NoOp thing.first\nUpdate thing.last\n  input: [\"of a\", \"of a\"] -> [\"of a\", 1]"
    );
    applied(&bed, &text("1"));
    assert!(bed.plan(&text("1")).unwrap().is_empty());
    put(&bed, "b", "bad");
    let warnings = bed.plan(&text("1")).unwrap().warnings;
    assert_eq!(warnings.iter().map(|it| it.detail.as_str()).collect::<Vec<_>>(), ["bad (module.m.check.x)"]);
}

#[test]
fn what_comes_after_what_is_deferred_is_deferred() {
    let bed = bed(&["a"]);
    let text = stack(
        r#"
resource "thing" "a" { name = "new" }
resource "thing" "later" {
  for_each = toset([thing.a.id])
  name     = "x-${each.key}"
}
resource "thing" "c" {
  name  = "c"
  input = [for it in thing.later : it.id]
}
data "thing" "later" {
  for_each = toset([thing.a.id])
  name     = "a"
}
data "thing" "after" {
  name       = "a"
  depends_on = [data.thing.later]
}
resource "thing" "d" {
  name  = "d"
  input = [[for it in data.thing.later : it.id], data.thing.after.id]
}
"#,
    );
    let set = "an element of its `for_each` is known only after apply";
    assert_eq!(
        bed.show_plan(&text),
        format!(
            "Defer data.thing.after (it comes after data.thing.later, which is deferred)
Defer data.thing.later ({set})
Create thing.a
Defer thing.c (it comes after thing.later, which is deferred)
Defer thing.d (it comes after data.thing.later, which is deferred)
Defer thing.later ({set})"
        )
    );
    assert_eq!(applied(&bed, &text).deferred.len(), 5);
    assert!(applied(&bed, &text).deferred.is_empty());
    assert!(bed.plan(&text).unwrap().is_empty());
}
