//! `data` blocks: looked up while planning where that can be, else in the apply, in their place in the order.

use meshform_engine::plan::{Action, Plan};
use meshform_engine::value::Value;

use crate::plans::{applied, check, stack};
use crate::store::Key;
use crate::world::Bed;

/// A bed where these things are, made by someone else.
pub(crate) fn bed(things: &[&str]) -> Bed {
    let bed = Bed::new();
    things.iter().for_each(|name| put(&bed, name, &format!("of {name}")));
    bed
}

pub(crate) fn put(bed: &Bed, name: &str, input: &str) {
    let fields = [("name", name.into()), ("input", Value::from(input)), ("fixed", Value::null())];
    let told = [("id", format!("id-of-{name}").as_str().into()), ("echo", Value::from(input))];
    let fields = fields.into_iter().chain(told).map(|(field, value)| (field.to_owned(), value));
    bed.with(|reality| reality.things.insert(name.to_owned(), Value::object(fields.collect::<Vec<_>>())));
}

pub(crate) fn looked_up(bed: &Bed) -> String {
    bed.with(|reality| std::mem::take(&mut reality.looked_up)).join(" ")
}

/// As a saved plan is read: what is secret is a fingerprint.
pub(crate) fn saved(mut plan: Plan) -> Plan {
    plan.data.values_mut().for_each(|value| *value = value.redacted(&Key));
    for change in &mut plan.changes {
        change.planned = change.planned.redacted(&Key);
        change.desired = change.desired.as_ref().map(|desired| desired.redacted(&Key));
    }
    plan
}

#[test]
fn what_can_be_looked_up_is_looked_up_while_planning() {
    let bed = bed(&["old"]);
    let text = stack(
        r#"
data "thing" "old" { name = "old" }
resource "thing" "new" {
  name  = "new"
  input = "${data.thing.old.input}, ${data.thing.old.id}"
}
output "old" { value = data.thing.old.input }
"#,
    );
    assert_eq!(bed.show_plan(&text), "Create thing.new\noutput old: None -> Some(\"of old\")");
    assert_eq!(looked_up(&bed), "data.thing.old");
    applied(&bed, &text);
    assert_eq!(looked_up(&bed), "data.thing.old", "apply uses what the plan has found");
    let input = bed.with(|reality| reality.things["new"].get("input").cloned());
    assert_eq!(input, Some("of old, id-of-old".into()));
    assert!(bed.with(|reality| reality.state.records.keys().all(|address| address.data_type().is_none())));
    assert!(bed.plan(&text).unwrap().is_empty());
    put(&bed, "old", "changed");
    assert_eq!(
        bed.show_plan(&text),
        "Update thing.new\n  input: \"of old, id-of-old\" -> \"changed, id-of-old\"\noutput old: Some(\"of old\") -> Some(\"changed\")"
    );
}

#[test]
fn what_is_made_first_is_looked_up_in_the_apply() {
    let bed = bed(&[]);
    let text = |input: &str| {
        stack(&format!(
            r#"
resource "thing" "a" {{
  name  = "a"
  input = {input}
}}
data "thing" "by_value" {{ name = trimprefix(thing.a.id, "id-of-") }}
data "thing" "by_order" {{
  name       = "a"
  depends_on = [thing.a]
}}
resource "thing" "b" {{
  name  = "b"
  input = [data.thing.by_value.input, data.thing.by_order.input]
}}
"#
        ))
    };
    let first = bed.plan(&text("1")).unwrap();
    assert_eq!(
        crate::world::show(&first),
        "Read data.thing.by_order (thing.a changes first)
Read data.thing.by_value (its argument \"name\" is known only after apply)
Create thing.a
Create thing.b"
    );
    let done = bed.apply_plan(&first).unwrap();
    let order: Vec<_> = done.succeeded.iter().map(|(address, _)| address.to_string()).collect();
    assert_eq!((order[0].as_str(), order[3].as_str()), ("thing.a", "thing.b"), "{order:?}");
    let input = || bed.with(|reality| format!("{:?}", reality.things["b"].get("input")));
    assert_eq!(input(), "Some([1, 1])");
    assert!(bed.plan(&text("1")).unwrap().is_empty());
    // A name that is known is looked up at once, whatever becomes of the thing; what is told to wait waits.
    assert_eq!(
        bed.show_plan(&text("2")),
        "Read data.thing.by_order (thing.a changes first)
Update thing.a
  input: 1 -> 2
Update thing.b
  input: [1, 1] -> [1, unknown(any)]"
    );
    applied(&bed, &text("2"));
    assert_eq!(input(), "Some([1, 2])");
}

#[test]
fn one_look_up_may_come_after_another() {
    let bed = bed(&["a", "of a"]);
    let text = stack(
        r#"
data "thing" "a" { name = "a" }
data "thing" "b" { name = data.thing.a.input }
data "clock" "now" { zone = data.thing.b.id }
output "all" { value = [data.thing.b.input, data.clock.now.zone, data.clock.now.time] }
"#,
    );
    assert_eq!(bed.show_plan(&text), "output all: None -> Some([\"of of a\", \"id-of-of a\", \"noon\"])");
    assert_eq!(looked_up(&bed), "data.thing.a data.thing.b");
}

#[test]
fn look_ups_are_repeated() {
    let bed = bed(&["a", "b"]);
    let text = stack(
        r#"
data "thing" "each" {
  for_each = toset(["a", "b"])
  name     = each.key
}
data "thing" "none" {
  count = 0
  name  = "missing"
}
output "all" { value = { for key, found in data.thing.each : key => found.input } }
output "none" { value = data.thing.none[*].input }
output "one" { value = data.thing.each["a"].id }
"#,
    );
    assert_eq!(
        bed.show_plan(&text),
        "output all: None -> Some({\"a\": \"of a\", \"b\": \"of b\"})
output none: None -> Some([])
output one: None -> Some(\"id-of-a\")"
    );
}

#[test]
fn what_goes_wrong_is_told_at_its_place() {
    let bed = bed(&["a"]);
    let check = |text: &str, expect: &str| assert_eq!(bed.diagnostics(&stack(text)), expect, "{text}");
    check(
        "data \"thing\" \"x\" { name = \"missing\" }",
        "2:27 `\"missing\"` It failed: there is no missing (data.thing.x)",
    );
    check("data \"thing\" \"x\" { name = \"\" }", "2:27 `\"\"` No name: It is empty. (in data.thing.x)");
    check(
        "data \"thing\" \"x\" {\n  name = \"a\"\n  lifecycle {\n    postcondition {\n      condition     = self.id == \"b\"\n      error_message = \"It is ${self.id}.\"\n    }\n  }\n}",
        "6:23 `self.id == \"b\"` Postcondition does not hold: It is id-of-a. (data.thing.x)",
    );
    check(
        "data \"thing\" \"x\" {\n  name = \"a\"\n  lifecycle {\n    prevent_destroy = true\n  }\n}",
        "5:5 `prevent_destroy` Unsupported argument: The `lifecycle` block of a data source has no argument \"prevent_destroy\".",
    );
    check(
        "output \"o\" { value = data.thing.y.id }\ndata \"thing\" \"x\" { name = \"a\" }",
        "2:22 `data.thing` Unknown reference: No data source of type \"thing\" is named \"y\". Did you mean \"x\"?",
    );
    check(
        "output \"o\" { value = data.thin.x.id }",
        "2:22 `data.thin` Unknown reference: There is no data type \"thin\". Did you mean \"thing\"?",
    );
    check(
        "output \"o\" { value = data.thing }",
        "2:22 `data.thing` Incomplete reference: \"data\" is followed by a data type and a name, such as `data.host_facts.web`.",
    );
    check(
        "data \"thing\" \"x\" {\n  name = \"a\"\n  id = \"b\"\n}",
        "4:3 `id` Unsupported argument: The data source thing.x has no argument \"id\".",
    );
    check(
        "data \"thang\" \"x\" { }",
        "2:6 `\"thang\" \"x\"` Unknown data type: There is no data type \"thang\". Did you mean \"thing\"?",
    );
    check(
        "data \"thing\" \"x\" { name = data.thing.x.id }",
        "2:27 `data.thing` Cycle: data.thing.x → data.thing.x: a value cannot depend on itself. Break the circle at one of them.",
    );
}

#[test]
fn secrets_stay_secret_and_saved_plans_look_them_up_again() {
    let bed = bed(&["secret"]);
    let text = stack(
        r#"
data "thing" "s" { name = "secret" }
resource "thing" "a" {
  name  = "a"
  input = data.thing.s.input
}
"#,
    );
    let plan = saved(bed.plan(&text).unwrap());
    assert!(!format!("{:?}", plan.data).contains("of secret"));
    looked_up(&bed);
    let done = bed.apply_plan(&plan).unwrap();
    assert!(done.failed.is_empty(), "{:?}", done.failed);
    assert_eq!(looked_up(&bed), "data.thing.s");
    assert_eq!(bed.with(|reality| reality.things["a"].get("input").cloned()), Some("of secret".into()));
    assert!(bed.plan(&text).unwrap().is_empty());

    put(&bed, "secret", "another");
    let plan = saved(bed.plan(&text).unwrap());
    put(&bed, "secret", "yet another");
    let Err(failure) = bed.apply_plan(&plan) else { panic!("it is not what was planned with") };
    assert!(format!("{failure:?}").contains("Looked up otherwise"), "{failure:?}");
    assert!(!format!("{failure:?}").contains("another"));
}

#[test]
fn a_destroy_looks_up_only_what_it_needs() {
    let mut bed = bed(&["where", "other"]);
    let text = r#"
cluster "c" { }
cluster "d" { server = data.thing.where.input }
data "thing" "where" {
  cluster = cluster.c
  name    = "where"
}
data "thing" "other" {
  cluster = cluster.c
  name    = "other"
}
resource "thing" "a" {
  cluster = cluster.d
  name    = "a"
  input   = data.thing.other.id
}
"#;
    applied(&bed, text);
    looked_up(&bed);
    bed.with(|reality| reality.things.remove("other"));
    bed.destroy = true;
    assert_eq!(bed.show_plan(text), "Delete thing.a");
    assert_eq!(looked_up(&bed), "data.thing.where");
    applied(&bed, text);
    assert!(bed.with(|reality| reality.state.records.is_empty()));
}

#[test]
fn validate_knows_the_types_of_what_will_be_found() {
    let bed = bed(&[]);
    let text = stack(
        "data \"thing\" \"x\" { name = var.name }\nvariable \"name\" { }\noutput \"o\" { value = data.thing.x.none }\noutput \"p\" { value = data.thing.x.id + 1 }",
    );
    let found = bed.validated(&[("main.hcl", &text)]);
    assert_eq!(found, "main.hcl:4 Unsupported attribute");
    assert_eq!(looked_up(&bed), "");
}

#[test]
fn look_ups_change_nothing_about_what_a_plan_without_them_says() {
    check(
        "resource \"thing\" \"a\" { name = \"a\" }",
        "resource \"thing\" \"a\" { name = \"a\" }\ndata \"thing\" \"a\" { name = \"a\" }",
        "NoOp thing.a",
    );
    let plan = Bed::new().plan(&stack("data \"clock\" \"now\" { }")).unwrap();
    assert!(plan.is_empty() && plan.changes.iter().all(|change| change.action != Action::Read));
}

#[test]
fn what_turns_out_to_be_secret_is_not_given_out() {
    let bed = bed(&["secret"]);
    let text = |sensitive: bool| {
        stack(&format!(
            r#"
resource "thing" "a" {{ name = "a" }}
data "thing" "s" {{
  name       = "secret"
  depends_on = [thing.a]
}}
output "s" {{
  value     = data.thing.s.input
  sensitive = {sensitive}
}}
"#
        ))
    };
    let done = bed.apply(&text(false)).unwrap();
    let found: Vec<_> = done.diagnostics.iter().map(|it| it.summary.as_str()).collect();
    assert_eq!(found, ["Sensitive output"]);
    assert!(!done.snapshot.outputs.contains_key("s"));
    assert!(bed.diagnostics(&text(false)).contains("Sensitive output"));
    applied(&bed, &text(true));
    assert!(bed.with(|reality| reality.state.outputs["s"].is_sensitive()));
    assert!(bed.plan(&text(true)).unwrap().is_empty());
}
