//! What `-target` and `-exclude` keep a plan to, and what becomes of the rest.

use meshform_engine::plan::Restriction;

use crate::plans::{applied, stack};
use crate::world::{Bed, show};

/// `-target …` or `-exclude …`, as given on the command line.
pub(crate) fn restriction(text: &str) -> Restriction {
    let (flag, addresses) = text.split_once(' ').unwrap();
    let selectors = addresses.split(' ').map(|address| address.parse().unwrap()).collect();
    match flag {
        "-target" => Restriction::Only(selectors),
        "-exclude" => Restriction::Except(selectors),
        other => panic!("no such flag: {other}"),
    }
}

/// What is recorded, in short.
fn records(bed: &Bed) -> String {
    bed.with(|reality| {
        let records = reality.state.records.iter();
        records
            .map(|(address, record)| format!("{address}={}", record.identity))
            .collect::<Vec<_>>()
            .join(" ")
    })
}

/// Applies `before`, then checks the restricted plan of `after`, applies it, and checks that the next one is empty.
fn check(before: &str, after: &str, flags: &str, expect: &str) -> Bed {
    check_as(before, after, flags, false, expect)
}

fn check_as(before: &str, after: &str, flags: &str, destroy: bool, expect: &str) -> Bed {
    let mut bed = Bed::new();
    applied(&bed, &stack(before));
    bed.restriction = Some(restriction(flags));
    bed.destroy = destroy;
    assert_eq!(bed.show_plan(&stack(after)), expect.trim(), "{flags}\n{after}");
    applied(&bed, &stack(after));
    let again = bed.plan(&stack(after)).unwrap();
    assert!(again.is_empty(), "the second plan is not empty: {}", show(&again));
    assert!(again.partial.is_some());
    bed
}

fn refused(before: &str, after: &str, flags: &str, expect: &str) {
    let mut bed = Bed::new();
    applied(&bed, &stack(before));
    bed.restriction = Some(restriction(flags));
    assert_eq!(bed.diagnostics(&stack(after)), expect, "{flags}\n{after}");
}

/// `c` needs `b`, which needs `a`; `d` stands alone.
const CHAIN: &str = r#"
resource "thing" "a" { name = "a" }
resource "thing" "b" {
  name  = "b"
  input = thing.a.id
}
locals { b = thing.b.id }
resource "thing" "c" {
  name  = "c"
  input = local.b
}
resource "thing" "d" {
  name  = "d"
  input = 1
}
output "a" { value = thing.a.id }
output "c" { value = thing.c.id }
"#;

#[test]
fn a_target_comes_with_what_it_needs() {
    let bed = check(
        "",
        CHAIN,
        "-target thing.b",
        "Create thing.a\nCreate thing.b\noutput a: None -> Some(unknown(string))",
    );
    assert_eq!(records(&bed), "thing.a=a thing.b=b");
    let bed = check(
        "",
        CHAIN,
        "-target thing.d thing.a",
        "Create thing.a\nCreate thing.d\noutput a: None -> Some(unknown(string))",
    );
    let outputs = bed.with(|reality| format!("{:?}", reality.state.outputs));
    assert_eq!(outputs, r#"{"a": "id-of-a"}"#);
}

#[test]
fn an_excluded_one_takes_what_needs_it_with_it() {
    check(
        "",
        CHAIN,
        "-exclude thing.b",
        "Create thing.a\nCreate thing.d\noutput a: None -> Some(unknown(string))",
    );
    check("", CHAIN, "-exclude thing.a", "Create thing.d");
    let bed = check(
        CHAIN,
        &CHAIN.replace("input = 1", "input = 2"),
        "-exclude thing.c",
        "NoOp thing.a\nNoOp thing.b\nUpdate thing.d\n  input: 1 -> 2",
    );
    // What is left out stays as it is recorded.
    let outputs = bed.with(|reality| format!("{:?}", reality.state.outputs));
    assert_eq!(outputs, r#"{"a": "id-of-a", "c": "id-of-c"}"#);
}

#[test]
fn only_what_is_needed_is_looked_at() {
    let text = r#"
resource "thing" "a" { name = "a" }
data "thing" "one" { name = "there" }
data "thing" "two" { name = "there" }
resource "thing" "b" {
  name  = "b"
  input = data.thing.one.id
}
resource "thing" "c" {
  name  = "c"
  input = data.thing.two.id
}
check "two" {
  assert {
    condition     = data.thing.two.id == "never"
    error_message = "It is not."
  }
}
"#;
    let bed = check(
        "resource \"thing\" \"there\" { name = \"there\" }",
        &format!("{text}resource \"thing\" \"there\" {{ name = \"there\" }}"),
        "-target thing.b",
        "Create thing.b",
    );
    let looked_up = bed.with(|reality| reality.looked_up.join(" "));
    assert!(looked_up.contains("one") && !looked_up.contains("two"), "{looked_up}");
}

/// Many of one block, a module in two instances.
const MANY: &str = r#"
resource "thing" "m" {
  for_each = toset(["x", "y"])
  name     = "m${each.key}"
}
resource "thing" "n" {
  name  = "n"
  input = thing.m["x"].id
}
module "site" {
  for_each = toset(["east", "west"])
  source   = "./site"
  name     = each.key
}
output "y" { value = thing.m["y"].id }
### site
variable "name" { }
resource "thing" "a" { name = "${var.name}-a" }
resource "thing" "b" {
  name  = "${var.name}-b"
  input = thing.a.id
}
"#;

#[test]
fn instances_and_modules_are_told_apart() {
    let check = |flags: &str, expect: &[&str]| {
        let expect: Vec<_> = expect.iter().map(|name| format!("Create {name}")).collect();
        check("", MANY, flags, &expect.join("\n"))
    };
    let bed = check("-target thing.m[\"x\"]", &["thing.m[\"x\"]"]);
    assert_eq!(records(&bed), "thing.m[\"x\"]=mx");
    let east = "module.site[\"east\"].thing.";
    check("-target module.site[\"east\"]", &[&format!("{east}a"), &format!("{east}b")]);
    check("-target module.site.thing.a", &[&format!("{east}a"), "module.site[\"west\"].thing.a"]);
    check(
        "-exclude module.site[\"west\"].thing.a thing.m[\"y\"] thing.n",
        &["thing.m[\"x\"]", &format!("{east}a"), &format!("{east}b")],
    );
}

#[test]
fn what_is_gone_from_the_configuration_goes_only_when_asked_for() {
    let two = "resource \"thing\" \"a\" { name = \"a\" }\nresource \"thing\" \"b\" {\n  name  = \"b\"\n  input = thing.a.id\n}\n";
    let other = "resource \"thing\" \"o\" { name = \"o\" }\n";
    check(two, other, "-target thing.o", "Create thing.o");
    let going = "Delete thing.a (it is no longer in the configuration)\nDelete thing.b (it is no longer in the configuration)";
    let bed = Bed::new();
    applied(&bed, &stack(two));
    let target_a =
        Bed { restriction: Some(restriction("-target thing.a")), reality: bed.reality, ..Bed::new() };
    // With what goes goes all that needs it.
    assert_eq!(target_a.show_plan(&stack(other)), going);
    // What is left out and needs what goes has to let go of it.
    check(two, "resource \"thing\" \"b\" { name = \"b\" }", "-exclude thing.b", "");
    let mut bed = Bed::new();
    applied(&bed, &stack(two));
    bed.restriction = Some(restriction("-target thing.a"));
    assert_eq!(
        bed.show_plan(&stack("resource \"thing\" \"b\" { name = \"b\" }")),
        "Delete thing.a (it is no longer in the configuration)\nUpdate thing.b\n  input: \"id-of-a\" -> null"
    );
    check(two, other, "-exclude thing.a", "Create thing.o");
    check(two, other, "-exclude thing.b", "Create thing.o");
}

/// What stands for it is then planned, too: under its own address there is nothing to plan.
#[test]
fn what_has_to_let_go_may_be_of_a_module_that_is_called_otherwise_now() {
    let module = "### m\nvariable \"input\" {}\nvariable \"name\" {}\nresource \"thing\" \"it\" {\n  name  = var.name\n  input = var.input\n}\n";
    let before = r#"
resource "thing" "a" {
  for_each = toset(["k"])
  name     = "a-${each.key}"
}
module "m" {
  source   = "./m"
  for_each = toset(["k"])
  name     = "m-${each.key}"
  input    = null
}
"#;
    let after = r#"
resource "thing" "a" { name = "a" }
module "m" {
  source = "./m"
  name   = "m"
  input  = thing.a.id
}
"#;
    let expect = r#"
Create thing.a
Delete thing.a["k"] (it is no longer in the configuration)
Create module.m.thing.it
Delete module.m["k"].thing.it (it is no longer in the configuration)"#;
    check(&format!("{before}{module}"), &format!("{after}{module}"), "-target thing.a", expect);
}

#[test]
fn taking_down_goes_the_other_way() {
    let chain = &CHAIN.replace("output \"a\"", "output \"aa\"");
    let check = |flags: &str, expect: &str, left: &str| {
        let bed = check_as(chain, chain, flags, true, expect);
        assert_eq!(records(&bed), left, "{flags}");
        bed
    };
    let bed = check(
        "-target thing.b",
        "Delete thing.b\nDelete thing.c\noutput c: Some(\"id-of-c\") -> None",
        "thing.a=a thing.d=d",
    );
    let outputs = bed.with(|reality| format!("{:?}", reality.state.outputs));
    assert_eq!(outputs, r#"{"aa": "id-of-a"}"#);
    check(
        "-exclude thing.b",
        "Delete thing.c\nDelete thing.d\noutput c: Some(\"id-of-c\") -> None",
        "thing.a=a thing.b=b",
    );
}

#[test]
fn a_move_is_not_torn_apart() {
    let one = |name: &str| format!("resource \"thing\" \"{name}\" {{ name = \"one\" }}\n");
    let moved = "moved {\n  from = thing.a\n  to   = thing.b\n}\n";
    let after = format!("{}{moved}", one("b"));
    // The old record goes with the move.
    check(
        &one("a"),
        &after,
        "-target thing.b",
        "Forget thing.a (it is recorded as thing.b from now on)\nAdopt thing.b (it was recorded as thing.a, and is only renamed)",
    );
    refused(
        &one("a"),
        &after,
        "-target thing.a",
        "Move torn apart: What is recorded as thing.a becomes thing.b, which the plan leaves out. Give -target 'thing.b' instead.",
    );
    let both = format!("{}resource \"thing\" \"a\" {{ name = \"two\" }}\n", one("b"));
    refused(
        &one("a"),
        &both,
        "-target thing.b",
        "Move torn apart: thing.b takes over what is recorded as thing.a, which the plan leaves out. Add -target 'thing.a', so that both are planned together.",
    );
    refused(
        &one("a"),
        &after,
        "-exclude thing.a",
        "Move torn apart: thing.b takes over what is recorded as thing.a, which the plan leaves out. Leave both out by -exclude 'thing.b' besides, or neither of the two.",
    );
    check(&one("a"), &after, "-exclude thing.b", "");
    // Without a `moved` block, too, it may be the very same thing.
    check(&one("a"), &one("b"), "-exclude thing.b", "");
}

#[test]
fn what_is_nowhere_is_an_error() {
    let said = "No such instance: thing.chian (-target) is neither in the configuration nor in the state.";
    refused(
        "",
        "resource \"thing\" \"chain\" { name = \"a\" }",
        "-target thing.chian",
        &format!("{said} Did you mean thing.chain?"),
    );
    refused(
        "",
        CHAIN,
        "-exclude thing.a[0]",
        "No such instance: thing.a[0] (-exclude) is neither in the configuration nor in the state. Did you mean thing.a?",
    );
    refused(
        "",
        CHAIN,
        "-target module.m",
        "No such instance: module.m (-target) is neither in the configuration nor in the state.",
    );
}
