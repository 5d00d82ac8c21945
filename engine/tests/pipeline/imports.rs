//! `import`, and `moved` and `removed` with `for_each`.

use meshform_engine::inputs::Input;
use meshform_engine::value::Value;

use crate::plans::{applied, check, stack};
use crate::world::{Bed, show};

/// A bed where things of these names are, made by someone else.
fn bed(names: &[&str]) -> Bed {
    let bed = Bed::new();
    for name in names {
        let fields = [("name", *name), ("input", "old"), ("id", "theirs"), ("echo", "old")];
        let fields = fields.map(|(field, text)| (field.to_owned(), Value::from(text)));
        let thing = Value::object(fields.into_iter().chain([("fixed".to_owned(), Value::null())]));
        bed.with(|reality| reality.things.insert((*name).to_owned(), thing));
    }
    bed
}

fn shown(text: &str, expect: &str) {
    let bed = bed(&["a", "b"]);
    assert_eq!(bed.show_plan(&stack(text)), expect, "{text}");
}

#[test]
fn what_is_there_is_imported() {
    let text = stack(
        r#"
locals { names = { one = "a", two = "b" } }
resource "thing" "each" {
  for_each = local.names
  name     = each.value
  input    = each.key == "one" ? "old" : "new"
}
import {
  for_each = local.names
  to       = thing.each[each.key]
  id       = each.value
}
"#,
    );
    let bed = bed(&["a", "b"]);
    assert_eq!(
        bed.show_plan(&text),
        "Adopt thing.each[\"one\"] (it is imported)\nAdopt thing.each[\"two\"] (it is imported)\n  input: \"old\" -> \"new\""
    );
    applied(&bed, &text);
    let again = bed.plan(&text).unwrap();
    assert!(again.is_empty(), "what is recorded is imported no more: {}", show(&again));
}

#[test]
fn an_import_must_fit() {
    let import = |name: &str, rest: &str| {
        format!("resource \"thing\" \"x\" {{ name = \"{name}\" }}\nimport {{\n  to = thing.x\n  {rest}\n}}")
    };
    shown(
        &import("missing", "id = \"missing\""),
        "5:8 `\"missing\"` Nothing to import: There is no missing on cluster.c, so that thing.x cannot be imported. Check the id, or take the `import` block out to have it made.",
    );
    shown(
        &import("a", "id = \"b\""),
        "5:8 `\"b\"` Another thing: thing.x is a by the configuration, and is to be imported from b. Change one of the two: an import never makes a thing another one.",
    );
    shown(
        &import("a", "id = \"a\"\n  cluster = cluster.c"),
        "Adopt thing.x (it is imported)\n  input: \"old\" -> null",
    );
    shown(
        "import {\n  to = thing.y\n  id = \"a\"\n}",
        "3:8 `thing.y` Import to nowhere: There is no resource thing.y in the configuration. Write its block as the thing is to be: the import then makes what is there its own.",
    );
    shown(
        "resource \"thing\" \"x\" {\n  count = 1\n  name = \"a\"\n}\nimport {\n  to = thing.x[1]\n  id = \"a\"\n}",
        "7:8 `thing.x[1]` Import to nowhere: The configuration has no thing.x[1]: its block has other instances.",
    );
    shown(
        &format!("{}\nresource \"thing\" \"new\" {{ name = \"new\" }}", import("a", "id = thing.new.id")),
        "3:1 `import` Import not known: What is imported must be known when the plan is made: `id` is not a text that is known and not sensitive.",
    );
    shown(
        "import {\n  to = 1\n  id = \"a\"\n}",
        "3:8 `1` Import to nowhere: It is the address of a resource or of one of its instances, such as kube_object.web or host_file.motd[each.key].",
    );
    shown(
        "import {\n  count = 2\n  to = thing.x\n  id = \"a\"\n}\nresource \"thing\" \"x\" { name = \"a\" }",
        "3:11 `2` Unsupported argument: An `import` block is repeated by `for_each` only.",
    );
    let validated = bed(&[]).validated(&[("main.hcl", &stack(&import("a", "id = var.nope")))]);
    assert_eq!(validated, "main.hcl:5 Unknown name");
}

#[test]
fn repeated_blocks_move_one_after_the_other() {
    let keys = "variable \"keys\" { default = [\"a\", \"b\"] }\nlocals { keys = toset(var.keys) }\n";
    check(
        &format!("{keys}resource \"value\" \"old\" {{\n  for_each = local.keys\n  input = each.key\n}}"),
        &format!(
            "{keys}resource \"value\" \"new\" {{\n  for_each = {{ for key in local.keys : upper(key) => key }}\n  input = each.value\n}}
moved {{\n  for_each = local.keys\n  from = value.old[each.key]\n  to   = value.new[upper(each.key)]\n}}"
        ),
        "
Adopt value.new[\"A\"] (it was recorded as value.old[\"a\"], and is only renamed)
Adopt value.new[\"B\"] (it was recorded as value.old[\"b\"], and is only renamed)
Forget value.old[\"a\"] (it is recorded as value.new[\"A\"] from now on)
Forget value.old[\"b\"] (it is recorded as value.new[\"B\"] from now on)",
    );
}

#[test]
fn repeated_removals_leave_what_they_name() {
    let bed = Bed::new();
    let before =
        stack("resource \"thing\" \"x\" {\n  for_each = toset([\"a\", \"b\", \"c\"])\n  name = each.key\n}");
    applied(&bed, &before);
    let after = stack(
        "resource \"thing\" \"x\" {\n  for_each = toset([\"c\"])\n  name = each.key\n}
removed {\n  for_each = toset([\"a\"])\n  from = thing.x[each.key]\n  lifecycle {\n    destroy = false\n  }\n}",
    );
    assert_eq!(
        bed.show_plan(&after),
        "Forget thing.x[\"a\"] (it is left as it is, by a `removed` block)
Delete thing.x[\"b\"] (it is no longer in the configuration)
NoOp thing.x[\"c\"]"
    );
}

#[test]
fn what_repeats_a_move_must_be_known_before_all_else() {
    shown(
        "resource \"value\" \"new\" {\n  input = \"a\"\n}\nmoved {\n  for_each = toset([value.new.output])\n  from = value.old[each.key]\n  to = value.new\n}",
        "6:14 `toset([value.new.output])` Not known yet: What is moved or removed must be known before anything is looked at: it may depend on variables and local values, but not on resources.",
    );
    shown(
        "moved {\n  for_each = toset([\"a\"])\n  from = value.old[each.value]\n  to = 1\n}",
        "5:8 `1` Invalid address: It is the address of a resource or of one of its instances, such as kube_object.web or host_file.motd[\"db\"].",
    );
    let mut bed = Bed::new();
    bed.inputs = vec![Input::Text { name: "keys".into(), text: "[\"a\"]".into(), origin: "-var".into() }];
    let text = "variable \"keys\" {\n  type = set(string)\n}\nmoved {\n  for_each = var.keys\n  from = value.a\n  to = value.a\n}";
    assert_eq!(
        bed.diagnostics(text),
        "4:1 `moved` Circular move: value.a is moved in a circle. Take one of the moves out."
    );
    assert_eq!(bed.validated(&[("main.hcl", text)]), "");
}

#[test]
fn the_stack_imports_into_its_modules() {
    let text = |import: &str| {
        stack(&format!(
            "module \"m\" {{\n  for_each = toset([\"a\"])\n  source = \"./m\"\n  name = each.key\n}}\n{import}\n### m\nvariable \"name\" {{ }}\nresource \"thing\" \"x\" {{\n  name  = var.name\n  input = \"old\"\n}}\n"
        ))
    };
    let import = "import {\n  to = module.m[\"a\"].thing.x\n  id = \"a\"\n}";
    let bed = bed(&["a"]);
    assert_eq!(bed.show_plan(&text(import)), "Adopt module.m[\"a\"].thing.x (it is imported)");
    let inside =
        text("").replace("variable \"name\"", "import {\n  to = thing.x\n  id = \"a\"\n}\nvariable \"name\"");
    assert!(bed.diagnostics(&inside).contains("Import in a module"), "{}", bed.diagnostics(&inside));
}

#[test]
fn what_a_repeated_move_names_is_used() {
    let text = "locals {\n  new = { a = \"b\" }\n}\nmoved {\n  for_each = toset([\"a\"])\n  from = value.old[each.key]\n  to = value.new[local.new[each.key]]\n}\nresource \"value\" \"new\" {\n  for_each = toset([\"b\"])\n  input = 1\n}";
    assert_eq!(Bed::new().validated(&[("main.hcl", text)]), "");
}
