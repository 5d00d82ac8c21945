//! What is not known yet stays so, with as much of its type as can be said.

use super::check;

#[test]
fn operators() {
    check(&[
        ("var.number + 1", "unknown(number)"),
        ("-var.number", "unknown(number)"),
        ("var.any < 1", "unknown(bool)"),
        ("!var.bool", "unknown(bool)"),
        ("var.any == 1", "unknown(bool)"),
        ("var.any == null", "unknown(bool)"),
        ("var.text == 1", "false"),
        (r#"var.pods == "a""#, "false"),
        ("[1, var.number] == [2, var.number]", "false"),
        ("[1, var.number] == [1, var.number]", "unknown(bool)"),
        ("[var.any] == [1, 2]", "false"),
        ("{ a = var.any } == { b = 1 }", "false"),
        ("var.bool && false", "false"),
        ("var.bool || true", "true"),
        ("false && var.bool", "false"),
        ("true && var.bool", "unknown(bool)"),
        ("var.pods + 1", "Invalid operand @ var.pods: A number is required, not a list."),
        ("!var.text", "unknown(bool)"),
    ]);
}

#[test]
fn conditionals() {
    check(&[
        ("var.bool ? 1 : 2", "unknown(number)"),
        (r#"var.bool ? 1 : "a""#, "unknown(string)"),
        ("var.bool ? [1] : {}", "unknown(any)"),
        ("var.bool ? 1 : 1", "1"),
        ("var.bool ? null : 1", "unknown(number)"),
        (r#"var.bool ? { a = 1 } : { a = "x" }"#, "unknown(object({a = string}))"),
        (r#"var.bool ? var.any : "a""#, "unknown(any)"),
        ("var.bool ? {}.a : 1", "unknown(any)"),
        (r#"true ? var.number : "a""#, "unknown(string)"),
        (r#"true ? "a" : var.any"#, r#""a""#),
        (
            "var.pods ? 1 : 2",
            "Invalid condition @ var.pods: The condition must be true or false: a bool is required, not a list.",
        ),
    ]);
}

#[test]
fn parts() {
    check(&[
        ("var.any.a.b[0].c", "unknown(any)"),
        ("var.pods[0].name", "unknown(string)"),
        (r#"var.pods["0"]"#, "unknown(object({name = string, port = number}))"),
        (
            "var.pods[0].nmae",
            r#"Unsupported attribute @ nmae: The object has no attribute "nmae". Did you mean "name"?"#,
        ),
        (
            "var.pods.name",
            r#"Unsupported attribute @ name: A list has no attribute "name". For that of one element, write [0].name; for that of all of them, [*].name."#,
        ),
        ("var.pod.port", "unknown(number)"),
        (r#"var.pod["name"]"#, "unknown(string)"),
        ("var.map.a", "unknown(number)"),
        (r#"var.map["a"]"#, "unknown(number)"),
        ("var.map[[]]", "Invalid index @ []: This cannot be a key: a string is required, not a list."),
        ("var.text.a", "Unsupported attribute @ a: A string has no attributes."),
        ("[1, 2][var.number]", "unknown(any)"),
        ("{ a = 1 }[var.text]", "unknown(any)"),
        ("[var.any][0]", "unknown(any)"),
        ("{ a = var.any }.a", "unknown(any)"),
        ("var.pods[-1]", "Invalid index @ -1: An index counts from 0; it cannot be negative."),
    ]);
}

#[test]
fn splats() {
    check(&[
        ("var.pods[*].name", "unknown(list(string))"),
        ("var.pods[*]", "unknown(list(object({name = string, port = number})))"),
        ("var.any[*].a", "unknown(list(any))"),
        ("var.pod[*].name", "unknown(list(string))"),
        ("var.text[*]", "unknown(list(string))"),
        ("[var.pod][*].name", "[unknown(string)]"),
    ]);
}

#[test]
fn loops() {
    check(&[
        ("[for p in var.pods : p.name]", "unknown(list(string))"),
        ("{ for p in var.pods : p.name => p.port }", "unknown(map(number))"),
        ("{ for p in var.pods : p.name => p.port... }", "unknown(map(list(number)))"),
        (r#"[for k, v in var.map : "${k}${v}"]"#, "unknown(list(string))"),
        ("[for x in var.any : x]", "unknown(list(any))"),
        (
            "[for x in var.text : x]",
            "Invalid loop @ var.text: A loop goes over a list, set, map or object, but this is a string.",
        ),
        ("[for x in [1, 2] : x if var.bool]", "unknown(list(any))"),
        (r#"{ for x in ["a", var.text] : x => 1 }"#, "unknown(map(any))"),
        ("[for p in var.pods : p.nope]", "unknown(list(any))"),
    ]);
}

#[test]
fn objects_and_templates() {
    check(&[
        ("{ (var.text) = 1 }", "unknown(any)"),
        ("{ a = var.number }", r#"{"a": unknown(number)}"#),
        (r#""a${var.text}""#, "unknown(string)"),
        (r#""${var.number}""#, "unknown(number)"),
        (r#""%{ if var.bool }a%{ endif }""#, "unknown(string)"),
        (r#""%{ for x in var.pods }a%{ endfor }""#, "unknown(string)"),
        (
            r#""${var.pods}x""#,
            "Invalid template value @ var.pods: This cannot be put into a string: a string is required, not a list. jsonencode gives any value a text.",
        ),
    ]);
}

#[test]
fn objects_that_may_get_more_attributes() {
    check(&[
        ("kube_object.web.kind", r#""Service""#),
        ("kube_object.web.status.ready", "unknown(any)"),
        (r#"kube_object.web["status"]"#, "unknown(any)"),
        (r#"kube_object.web == { kind = "Service" }"#, "unknown(bool)"),
        (r#"kube_object.web == { kind = "Pod" }"#, "false"),
        ("[for k, v in kube_object.web : k]", "unknown(list(any))"),
        ("keys(kube_object.web)", "unknown(list(string))"),
        ("length(kube_object.web)", "unknown(number)"),
        (r#"lookup(kube_object.web, "kind", "x")"#, r#""Service""#),
        (r#"lookup(kube_object.web, "status", "x")"#, "unknown(any)"),
        ("merge(kube_object.web, { a = 1 })", r#"{"a": 1, "kind": "Service"} (open)"#),
        ("tomap(kube_object.web)", "unknown(map(any))"),
        ("jsonencode(kube_object.web)", "unknown(string)"),
        ("try(kube_object.web.status, 1)", "unknown(any)"),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("length([var.any])", "1"),
        ("length(var.pods)", "unknown(number)"),
        ("keys({ a = var.any })", r#"["a"]"#),
        ("jsonencode({ a = var.any })", "unknown(string)"),
        ("merge({ a = 1 }, { b = var.any })", r#"{"a": 1, "b": unknown(any)}"#),
        ("merge({ a = 1 }, var.map)", "unknown(any)"),
        ("concat([1], var.pods)", "unknown(list(any))"),
        (r#"format("%s", var.text)"#, "unknown(string)"),
        ("flatten([1, var.any])", "unknown(list(any))"),
        ("flatten([1, var.text])", "[1, unknown(string)]"),
        ("max(1, var.number)", "unknown(number)"),
        ("max(var.any...)", "unknown(number)"),
        (r#"join(",", [var.text])"#, "unknown(string)"),
        ("lookup({ a = 1 }, var.text)", "unknown(any)"),
        ("contains([1, var.any], 1)", "true"),
        ("contains([var.number], 1)", "unknown(bool)"),
        (r#"contains([var.number], "a")"#, "false"),
        ("alltrue([var.bool, false])", "false"),
        ("anytrue([var.bool, true])", "true"),
        ("anytrue([var.bool, false])", "unknown(bool)"),
        (r#"toset([var.text, "a"])"#, r#"{"a", unknown(string)}"#),
        (r#"length(toset([var.text, "a"]))"#, "unknown(number)"),
        ("coalesce(null, var.any, 1)", "unknown(any)"),
        (r#"coalesce("a", var.any)"#, r#""a""#),
        ("tostring(var.number)", "unknown(string)"),
        ("tolist(var.pods)", "unknown(list(object({name = string, port = number})))"),
        (
            "tonumber(var.pods)",
            "Invalid function argument @ var.pods: tonumber: a number is required, not a list.",
        ),
        ("try(var.any.a, 1)", "unknown(any)"),
        ("can(var.any.a)", "unknown(bool)"),
        (
            "sort(var.pods)",
            "Invalid function argument @ var.pods: sort: list(string) is required, not list(object({name = string, port = number})).",
        ),
        ("upper(var.pods)", "Invalid function argument @ var.pods: upper: a string is required, not a list."),
        ("one([var.any])", "unknown(any)"),
        ("element([1, var.number], 1)", "unknown(number)"),
        ("type(var.any)", r#""any""#),
    ]);
}
