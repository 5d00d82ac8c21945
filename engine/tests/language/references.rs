//! What is said of expressions without evaluating them: references, parts, types.

use meshform_engine::diagnostic::{Diagnostics, Sources};
use meshform_engine::lang::{Expression, FunctionContext, Scope, convert, evaluate, type_of};
use meshform_engine::syntax;
use meshform_engine::value::{Path, PathStep, Value};

pub(crate) fn expression(text: &str) -> Expression {
    let mut sources = Sources::default();
    let source = sources.add("main.hcl", text);
    Expression::new(source, text.into(), syntax::parse_expression(source, text).unwrap())
}

/// The references of an expression as they are written.
fn check_references(text: &str, expect: &[(&str, Option<&str>, &str)]) {
    let references = expression(text).references();
    let found = references.iter().map(|found| {
        (found.root.as_str(), found.name.as_deref(), text.get(found.span.range.clone()).unwrap_or_default())
    });
    assert_eq!(found.collect::<Vec<_>>(), expect, "{text}");
}

#[test]
fn free_names_are_references() {
    check_references(
        "var.a + local.b[var.c].d",
        &[("var", Some("a"), "var.a"), ("local", Some("b"), "local.b"), ("var", Some("c"), "var.c")],
    );
    check_references(
        "[for k, v in var.m : \"${k}${v.x}${each.key}\" if k != local.no]",
        &[("var", Some("m"), "var.m"), ("each", Some("key"), "each.key"), ("local", Some("no"), "local.no")],
    );
    check_references("[for x in [for x in x : x] : x]", &[("x", None, "x")]);
    check_references(
        "\"%{ for v in var.l }${v}${w}%{ endfor }\"",
        &[("var", Some("l"), "var.l"), ("w", None, "w")],
    );
    check_references(
        "<<EOT\n${kube_object.web.metadata.name}\nEOT",
        &[("kube_object", Some("web"), "kube_object.web")],
    );
    check_references(
        "{ a = 1, (var.k) = f(host.ecs[\"x\"].address) }",
        &[("var", Some("k"), "var.k"), ("host", Some("ecs"), "host.ecs")],
    );
    check_references("cluster.prod[*].a", &[("cluster", Some("prod"), "cluster.prod")]);
    check_references("a[0]", &[("a", None, "a")]);
    check_references("\"a\" + 1", &[]);
}

/// The text that gives the part at a path.
fn check_part(text: &str, path: &[PathStep], expect: &str) {
    let span = expression(text).part_at(&Path(path.to_vec())).unwrap();
    assert_eq!(text.get(span.range), Some(expect), "{text} {path:?}");
}

#[test]
fn parts_are_found_in_literals() {
    let attribute = |name: &str| PathStep::Attribute(name.into());
    let text = r#"{ spec = { ports = [{ name = "a", port = 1 }, { "name" = "b", port = (2) }] }, m = merge({ x = 1 }) }"#;
    check_part(text, &[attribute("m"), attribute("x")], "merge({ x = 1 })");
    check_part(text, &[attribute("spec"), attribute("ports"), PathStep::Index(0), attribute("port")], "1");
    let second = PathStep::Element(vec![("name".into(), "b".into())]);
    check_part(text, &[attribute("spec"), attribute("ports"), second.clone(), attribute("port")], "(2)");
    check_part(
        text,
        &[attribute("spec"), attribute("ports"), second, attribute("nope")],
        r#"{ "name" = "b", port = (2) }"#,
    );
    check_part(text, &[attribute("nope")], text);
}

#[test]
fn expressions_tell_what_they_are() {
    assert_eq!(expression("(\"a\")").literal_string(), Some("a"));
    assert_eq!(expression("\"a${1}\"").literal_string(), None);
    assert_eq!(expression("string").as_identifier(), Some("string"));
    assert_eq!(expression("a.b.c").as_path(), Some(vec!["a".into(), "b".into(), "c".into()]));
    assert_eq!(expression("a.b[0]").as_path(), None);
    let items = expression("{ a = 1, \"b\" = [2] }").object_items().unwrap();
    assert_eq!(
        format!("{items:?}"),
        r#"[(Expression("a"), Expression("1")), (Expression("\"b\""), Expression("[2]"))]"#
    );
    assert_eq!(expression("[1, x]").list_items().map(|items| items.len()), Some(2));
    assert!(expression("null").is_null());
}

/// The type that a constraint means, and a value with its defaults filled in; or what is wrong.
fn check_type(text: &str, expect: &str, given: &str, filled: &str) {
    let constraint = type_of(&expression(text)).unwrap_or_else(|diagnostic| panic!("{text}: {diagnostic:?}"));
    assert_eq!(constraint.ty.to_string(), expect, "{text}");
    let functions = FunctionContext::constant();
    let value = evaluate(&expression(given), &Scope::new(&functions), &mut Diagnostics::new());
    let found = match convert(&constraint.apply_defaults(value), &constraint.ty) {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, filled, "{text} {given}");
}

#[test]
fn types_are_read_and_applied() {
    check_type("string", "string", "1.50", r#""1.5""#);
    check_type("list(number)", "list(number)", r#"["1", 2]"#, "[1, 2]");
    check_type(
        "list(number)",
        "list(number)",
        r#"[1, "x"]"#,
        "[1]: a number is required: the text is not a decimal number",
    );
    check_type("set(string)", "set(string)", r#"["b", "a", "b"]"#, r#"{"a", "b"}"#);
    check_type("map(bool)", "map(bool)", r#"{ a = "true" }"#, r#"{"a": true}"#);
    check_type("list", "list(any)", r#"[1, "a"]"#, r#"["1", "a"]"#);
    check_type("any", "any", "[1, {}]", "[1, {}]");
    check_type("tuple([string, number])", "tuple([string, number])", "[1, 2]", r#"["1", 2]"#);
    check_type("tuple([string])", "tuple([string])", "[1, 2]", "1 elements are required, not 2");
    check_type("object({ a = string })", "object({a = string})", "{ a = 1, b = 2 }", r#"{"a": "1"}"#);
    check_type("object({ a = string })", "object({a = string})", "{}", r#"attribute "a" is required"#);
    check_type("object({ a = optional(number) })", "object({a = optional(number)})", "{}", r#"{"a": null}"#);
    check_type(
        "object({ a = optional(number, 3) })",
        "object({a = optional(number)})",
        "{ a = null }",
        r#"{"a": 3}"#,
    );
    check_type(
        "map(object({ port = optional(number, \"80\"), tags = optional(list(string), []) }))",
        "map(object({port = optional(number), tags = optional(list(string))}))",
        "{ x = {}, y = { port = 1, tags = [true] } }",
        r#"{"x": {"port": 80, "tags": []}, "y": {"port": 1, "tags": ["true"]}}"#,
    );
    check_type(
        "object({ a = optional(object({ b = optional(string, \"c\") }), {}) })",
        "object({a = optional(object({b = optional(string)}))})",
        "{}",
        r#"{"a": {"b": "c"}}"#,
    );
}

#[test]
fn what_is_no_type_is_refused() {
    let check = |text: &str, place: &str, expect: &str| {
        let diagnostic = type_of(&expression(text)).unwrap_err();
        assert_eq!(diagnostic.detail, expect, "{text}");
        assert_eq!(text.get(diagnostic.span.unwrap().range), Some(place), "{text}");
    };
    check("strin", "strin", "There is no type \"strin\". Did you mean string?");
    check("\"string\"", "\"string\"", "A type is written without quotes: string.");
    check("list(strng)", "strng", "There is no type \"strng\". Did you mean string?");
    check("object", "object", "object needs an argument: object(…).");
    check(
        "object([string])",
        "[string]",
        "object takes its attributes in braces: object({ name = string }).",
    );
    check("optional(string)", "optional(string)", "Only an attribute of an object type can be optional.");
    check("map(string, number)", "map(string, number)", "map takes one argument, not 2.");
    check(
        "object({ a = optional(number, \"x\") })",
        "\"x\"",
        "The default does not fit its type: a number is required: the text is not a decimal number.",
    );
    check(
        "object({ a = optional(number, var.x) })",
        "var",
        "There is no \"var\". A reference starts with var, local, a block type such as cluster, or a resource type; a text stands in quotes.",
    );
    check("1", "1", "Expected a type such as string, list(number) or object({ … }).");
}

#[test]
fn scopes_nest() {
    let functions = FunctionContext::constant();
    let mut outer = Scope::new(&functions);
    outer.set_in("var", "a", Value::number(1));
    outer.set_in("var", "b", Value::number(2));
    let mut inner = outer.child();
    inner.set_in("var", "b", Value::number(3));
    inner.set("each", Value::object([("key".into(), "k".into())]));
    let result = evaluate(&expression("[var.a, var.b, each.key]"), &inner, &mut Diagnostics::new());
    assert_eq!(format!("{result:?}"), r#"[1, 3, "k"]"#);
    inner.remove_in("var", "b");
    assert_eq!(inner.get_in("var", "b"), Some(&Value::number(2)));
    assert_eq!(outer.get("each"), None);
}
