//! Blocks inside blocks: written and `dynamic`, from the text to the second plan.

use meshform_engine::diagnostic::Severity;
use meshform_engine::ports::Problem;
use meshform_engine::schema::{Attribute, BlockType, Body};
use meshform_engine::types::Type;
use meshform_engine::value::{Path, PathStep, Value};

use crate::plans::{check, stack};
use crate::world::Bed;

/// What a `thing` may contain: `rule` any number of times with blocks in it, `log` once, `gate` twice at most, each by its labels.
pub(crate) fn with_blocks(attributes: Vec<Attribute>) -> Body {
    let matches = vec![Attribute::required("prefix", Type::String, "What it begins with.")];
    let rule = Body::from(vec![
        Attribute::required("port", Type::Number, "Where to."),
        Attribute::optional("note", Type::String, "What for."),
    ])
    .with(BlockType::list("match", matches, "When."));
    let log = vec![
        Attribute::default("level", Type::String, "info", "How much."),
        Attribute::optional("to", Type::Any, "Where to."),
    ];
    let gate = vec![Attribute::default("count", Type::Number, 1, "How often.")];
    Body::from(attributes)
        .with(BlockType::list("rule", rule, "A rule."))
        .with(BlockType::single("log", log, "A log."))
        .with(BlockType::list("gate", gate, "A gate.").distinct(["kind", "name"]).at_most(2))
}

/// What an attribute or the blocks of one type come to when there are none.
pub(crate) fn nothing(name: &str) -> Value {
    match name {
        "rule" | "gate" => Value::list([]),
        _ => Value::null(),
    }
}

/// Ports below 1 are none, and neither is a log to nowhere.
pub(crate) fn problems(desired: &Value) -> Vec<Problem> {
    let problem = |path| Problem {
        severity: Severity::Error,
        path,
        summary: "Not there".to_owned(),
        detail: "It must be somewhere.".to_owned(),
    };
    let rules = desired.get("rule").and_then(Value::as_list).unwrap_or_default();
    let wrong = rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.get("port").and_then(Value::as_number).is_some_and(|port| *port < 1));
    let port = |at: usize| {
        Path::attribute("rule").join(PathStep::Index(at)).join(PathStep::Attribute("port".into()))
    };
    let ports = wrong.map(|(at, _)| problem(port(at)));
    let log = desired.get("log").filter(|log| log.get_str("to") == Some("nowhere"));
    let gates = desired.get("gate").and_then(Value::as_list).unwrap_or_default();
    let gates = gates.iter().filter(|gate| gate.get("count").is_some_and(|count| count.same(&0.into())));
    let gates = gates.map(|gate| {
        let key = |name: &str| (name.to_owned(), gate.get_str(name).unwrap_or_default().to_owned());
        let gate = Path::attribute("gate").join(PathStep::Element(vec![key("kind"), key("name")]));
        problem(gate.join(PathStep::Attribute("count".into())))
    });
    ports
        .chain(gates)
        .chain(log.map(|_| problem(Path::attribute("log").join(PathStep::Attribute("to".into())))))
        .collect()
}

/// What is planned after `before` when the block of `thing.a` holds `after`; then it is applied, and the next plan is empty.
fn changes(before: &str, after: &str, expect: &str) {
    let thing = |text: &str| format!("resource \"thing\" \"a\" {{\n  name = \"a\"\n{text}\n}}\n");
    check(&thing(before), &thing(after), expect);
}

/// What is said of a stack whose `thing.a` holds this, from the third line on.
fn wrong(text: &str, expect: &str) {
    let stack = stack(&format!("resource \"thing\" \"a\" {{\n{text}\nname = \"a\"\n}}\n"));
    assert_eq!(Bed::new().diagnostics(&stack), expect.trim(), "{text}");
}

#[test]
fn blocks_come_to_objects_and_lists() {
    changes(
        "",
        r#"
  rule { port = 80 }
  rule {
    port = "81"
    note = "x"
    match { prefix = "/a" }
    match { prefix = "/b" }
  }
  log { }
  gate "http" "works" { count = 3 }
"#,
        r#"
Update thing.a
  rule: [] -> [{"match": [], "note": null, "port": 80}, {"match": [{"prefix": "/a"}, {"prefix": "/b"}], "note": "x", "port": 81}]
  log: null -> {"level": "info", "to": null}
  gate: [] -> [{"count": 3, "kind": "http", "name": "works"}]
"#,
    );
    changes(
        "log { level = \"all\" }",
        "",
        "Update thing.a\n  log: {\"level\": \"all\", \"to\": null} -> null",
    );
}

#[test]
fn dynamic_blocks_come_to_one_for_each_element() {
    let check = |dynamic: &str, expect: &str| {
        let rules = format!("Update thing.a\n  rule: [] -> {expect}");
        changes("", dynamic, &rules);
    };
    let rule = |port: &str, note: &str| format!("{{\"match\": [], \"note\": {note}, \"port\": {port}}}");
    let dynamic = |for_each: &str| {
        format!(
            "dynamic \"rule\" {{\n  for_each = {for_each}\n  content {{\n    port = rule.value\n    note = rule.key\n  }}\n}}"
        )
    };
    check(&dynamic("[8, 9]"), &format!("[{}, {}]", rule("8", "\"0\""), rule("9", "\"1\"")));
    check(&dynamic("{ b = 8, a = 9 }"), &format!("[{}, {}]", rule("9", "\"a\""), rule("8", "\"b\"")));
    check(&dynamic("toset([8])"), &format!("[{}]", rule("8", "\"8\"")));
    // Between those that are written.
    check(
        &format!("rule {{ port = 1 }}\n{}\nrule {{ port = 2 }}", dynamic("[8]")),
        &format!("[{}, {}, {}]", rule("1", "null"), rule("8", "\"0\""), rule("2", "null")),
    );
    check(
        r#"
dynamic "rule" {
  for_each = { web = ["/a", "/b"] }
  iterator = it
  content {
    port = 80
    note = it.key
    dynamic "match" {
      for_each = it.value
      content { prefix = "${it.key}${match.value}" }
    }
  }
}
"#,
        r#"[{"match": [{"prefix": "web/a"}, {"prefix": "web/b"}], "note": "web", "port": 80}]"#,
    );
    changes("", &dynamic("[]"), "NoOp thing.a");
    changes(
        "rule { port = 1 }",
        &dynamic("[]"),
        &format!("Update thing.a\n  rule: [{}] -> []", rule("1", "null")),
    );
}

#[test]
fn dynamic_blocks_may_be_labelled_and_single() {
    changes(
        "",
        r#"
dynamic "gate" {
  for_each = { http = 2, job = 3 }
  labels   = [gate.key, "n${gate.value}"]
  content { count = gate.value }
}
dynamic "log" {
  for_each = [0]
  content { to = log.key == 0 }
}
"#,
        r#"
Update thing.a
  log: null -> {"level": "info", "to": true}
  gate: [] -> [{"count": 2, "kind": "http", "name": "n2"}, {"count": 3, "kind": "job", "name": "n3"}]
"#,
    );
}

#[test]
fn content_may_refer_to_anything() {
    check(
        "",
        r#"
variable "secret" {
  default   = "s"
  sensitive = true
}
locals { port = 80 }
resource "thing" "last" {
  name = "last"
  rule {
    port = local.port
    note = thing.first["x"].rule[0].note
  }
}
resource "thing" "first" {
  for_each = { x = "y" }
  name     = "first"
  dynamic "rule" {
    for_each = [1]
    content {
      port     = local.port + rule.value
      note     = "${each.key}${each.value}"
    }
  }
  log { to = var.secret }
}
output "note" { value = thing.last.rule[0].note }
"#,
        r#"
Create thing.first["x"]
Create thing.last
output note: None -> Some("xy")
"#,
    );
}

#[test]
fn what_is_not_known_yet_makes_the_blocks_unknown() {
    let text = r#"
resource "thing" "a" {
  name  = "a"
  input = [80]
}
resource "thing" "b" {
  name = "b"
  rule { port = 1 }
  dynamic "rule" {
    for_each = [for letter in [thing.a.id] : letter]
    content {
      port = 80
      note = rule.value
    }
  }
}
resource "thing" "c" {
  name = "c"
  dynamic "rule" {
    for_each = thing.a.echo
    content { port = rule.value }
  }
}
output "notes" { value = [thing.b.rule[1].note, thing.c.rule[0].port] }
"#;
    check(
        "",
        text,
        "Create thing.a\nCreate thing.b\nCreate thing.c\noutput notes: None -> Some([unknown(string), unknown(number)])",
    );
}

#[test]
fn wrong_blocks_are_told_with_their_places() {
    wrong(
        "rules { port = 1 }",
        "3:1 `rules` Unsupported block type: The resource thing.a has no block \"rules\". Did you mean \"rule\"?",
    );
    wrong(
        "rule { prot = 1 }",
        "3:1 `rule` Missing required argument: The `rule` block needs the argument \"port\".
3:8 `prot` Unsupported argument: The `rule` block has no argument \"prot\". Did you mean \"port\"?",
    );
    wrong(
        "rule = { port = 1 }",
        "3:1 `rule` Unsupported argument: `rule` is a block here: write `rule { … }`, without \"=\".",
    );
    wrong(
        "input { n = 1 }",
        "3:1 `input` Unsupported block type: `input` is an argument here: write `input = { … }`.",
    );
    wrong(
        "lifecycle { }\nlifecycle { }",
        "4:1 `lifecycle` Too many blocks: Only one `lifecycle` block may be here.",
    );
    wrong("log { }\nlog { }", "4:1 `log` Too many blocks: Only one `log` block may be here.");
    wrong(
        "gate \"a\" \"b\" { }\ngate \"a\" \"c\" { }\ngate \"a\" \"d\" { }",
        "5:1 `gate` Too many blocks: At most 2 `gate` blocks may be here; there are 3.",
    );
    wrong(
        "gate \"a\" \"b\" { }\ngate \"a\" \"b\" { }",
        "4:1 `gate` Duplicate block: There is another block `gate \"a\" \"b\"`. Give one of the two another name.",
    );
    wrong(
        "gate \"a\" { }",
        "3:1 `gate` Wrong number of labels: Such a block is written `gate \"KIND\" \"NAME\" { … }`.",
    );
    wrong(
        "rule {\n  port = [1]\n  match { prefix = null }\n}",
        "4:10 `[1]` Wrong type: \"port\" has a wrong value: a number is required, not a tuple. It must be of type number.
5:20 `null` Missing value: \"prefix\" must have a value, and it is null.",
    );
}

#[test]
fn wrong_dynamic_blocks_are_told_with_their_places() {
    let dynamic = |inner: &str| format!("dynamic \"rule\" {{\n{inner}\n}}");
    wrong(
        "dynamic \"rules\" { for_each = [] }",
        "3:9 `\"rules\"` Unsupported block type: The resource thing.a has no block \"rules\". Did you mean \"rule\"?",
    );
    wrong(
        "dynamic \"rule\" \"x\" { }",
        "3:1 `dynamic` Wrong number of labels: Such a block is written `dynamic \"BLOCK\" { … }`.",
    );
    wrong(
        &dynamic("foreach = []"),
        "3:9 `\"rule\"` Missing required argument: The dynamic block \"rule\" needs the argument \"for_each\".
3:9 `\"rule\"` Missing block: A `content` block is needed here.
4:1 `foreach` Unsupported argument: The dynamic block \"rule\" has no argument \"foreach\". Did you mean \"for_each\"?",
    );
    wrong(
        &dynamic("for_each = null\ncontent { port = 1 }"),
        "4:12 `null` Invalid for_each: `for_each` of a `dynamic` block must be a list, a set, a map or an object, not null.",
    );
    wrong(
        &dynamic("for_each = []\niterator = \"it\"\ncontent {\nport = 1 + \"x\"\n}"),
        "5:12 `\"it\"` Invalid iterator: It is a name without quotes, such as `iterator = it`.",
    );
    wrong(
        &dynamic("for_each = [1]\niterator = it\ncontent {\nport = rule.value\n}"),
        "7:8 `rule.value` Unknown reference: Nothing is named \"rule\". A text is written in double quotes.",
    );
    wrong(
        "dynamic \"gate\" {\n  for_each = [1]\n  labels = [\"a\"]\n  content { }\n}",
        "5:12 `[\"a\"]` Invalid labels: They are a list of strings, one for each label of the block: [kind, name].",
    );
    wrong(
        "dynamic \"log\" {\n  for_each = [1, 2]\n  content { }\n}",
        "5:3 `content` Too many blocks: Only one `log` block may be here.",
    );
}

#[test]
fn a_providers_problem_underlines_what_it_is_about() {
    let problem = "Not there: It must be somewhere. (in thing.a)";
    wrong("rule { port = 1 }\nrule { port = 0 }", &format!("4:15 `0` {problem}"));
    wrong("gate \"a\" \"b\" { }\ngate \"a\" \"c\" { count = 0 }", &format!("4:24 `0` {problem}"));
    wrong("log { to = \"nowhere\" }", &format!("3:12 `\"nowhere\"` {problem}"));
    wrong(
        "rule { port = 1 }\ndynamic \"rule\" {\n  for_each = [2, 0]\n  content {\n    port = rule.value\n  }\n}\nrule { port = 1 }",
        &format!("7:12 `rule.value` {problem}"),
    );
}

#[test]
fn validation_looks_into_content() {
    let text = r#"
variable "names" { type = map(string) }
cluster "c" { }
resource "thing" "a" {
  name = "a"
  dynamic "rule" {
    for_each = var.names
    content {
      port = 1 + rule.value
      note = upperr(rule.key)
      dynamic "match" {
        for_each = [rule.value]
        content { prefix = [rule.value, match.value] }
      }
    }
  }
}
output "o" { value = thing.a.rule[0].noet }
"#;
    let expect = "main.hcl:10 Unknown function\nmain.hcl:13 Wrong type\nmain.hcl:18 Unsupported attribute";
    assert_eq!(Bed::new().validated(&[("main.hcl", text)]), expect);
}

#[test]
fn ignored_parts_of_blocks_stay_as_they_are() {
    let check = |ignored: &str, after: &str, expect: &str| {
        let lifecycle = format!("lifecycle {{ ignore_changes = [{ignored}] }}\n");
        changes(
            &format!("{lifecycle}rule {{ port = 1 }}\nlog {{ }}"),
            &format!("{lifecycle}{after}"),
            expect,
        );
    };
    check("rule", "rule { port = 2 }\nrule { port = 3 }\nlog { }", "NoOp thing.a");
    check("rule[0].port", "rule { port = 2 }\nlog { }", "NoOp thing.a");
    check("log.level", "rule { port = 1 }\nlog { level = \"all\" }", "NoOp thing.a");
    check(
        "rule[0].port",
        "rule {\n  port = 2\n  note = \"x\"\n}\nlog { }",
        r#"
Update thing.a
  rule: [{"match": [], "note": null, "port": 1}] -> [{"match": [], "note": "x", "port": 1}]
"#,
    );
}

#[test]
fn how_many_blocks_a_secret_makes_is_secret() {
    let text = |secret: &str| {
        format!(
            r#"
variable "secret" {{
  default   = {secret}
  sensitive = true
}}
resource "thing" "a" {{
  name = "a"
  dynamic "rule" {{
    for_each = var.secret
    content {{
      port = 80
      note = rule.value
    }}
  }}
}}
"#
        )
    };
    check(&text("[\"hunter2\"]"), &text("[\"hunter2\"]"), "NoOp thing.a");
    check(
        &text("[\"hunter2\"]"),
        &text("[\"hunter2\", \"hunter3\"]"),
        "Update thing.a\n  rule: (sensitive) -> (sensitive)",
    );
}
