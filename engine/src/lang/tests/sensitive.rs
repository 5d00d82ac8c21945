//! The sensitive mark goes with every value that could tell of it, and nothing sensitive is ever shown.

use super::check;

#[test]
fn marks_survive_every_operation() {
    check(&[
        ("var.secret", "(sensitive)"),
        (r#""a${var.secret}""#, "(sensitive)"),
        ("[var.secret]", "[(sensitive)]"),
        ("{ a = var.secret, b = 1 }", r#"{"a": (sensitive), "b": 1}"#),
        ("{ (var.secret) = 1 }", "(sensitive)"),
        ("sensitive(1) + 1", "(sensitive)"),
        ("-sensitive(1)", "(sensitive)"),
        ("!sensitive(true)", "(sensitive)"),
        ("sensitive(1) == 1", "(sensitive)"),
        (r#"[var.secret] == ["a"]"#, "(sensitive)"),
        ("sensitive(true) && true", "(sensitive)"),
        ("false && sensitive(true)", "false"),
        ("sensitive(true) ? 1 : 2", "(sensitive)"),
        (r#"true ? var.secret : "a""#, "(sensitive)"),
        ("sensitive([1, 2])[0]", "(sensitive)"),
        ("[1, 2][sensitive(0)]", "(sensitive)"),
        ("sensitive({ a = 1 }).a", "(sensitive)"),
        ("sensitive([{ a = 1 }])[*].a", "(sensitive)"),
        ("[for x in sensitive([1]) : x]", "(sensitive)"),
        ("[for x in [var.secret] : x]", "[(sensitive)]"),
        ("[for x in [1] : x if sensitive(true)]", "(sensitive)"),
        ("{ for x in [var.secret] : x => 1 }", "(sensitive)"),
        (r#""%{ if sensitive(true) }a%{ endif }""#, "(sensitive)"),
        (r#""%{ for x in sensitive(["a"]) }${x}%{ endfor }""#, "(sensitive)"),
        ("try(var.secret, 1)", "(sensitive)"),
    ]);
}

#[test]
fn marks_on_parts_stay_on_the_parts() {
    check(&[
        ("[var.secret, 1][1]", "1"),
        ("{ a = var.secret, b = 1 }.b", "1"),
        (r#"[for x in [var.secret, "b"] : x]"#, r#"[(sensitive), "b"]"#),
        ("merge({ a = var.secret }, { b = 1 })", r#"{"a": (sensitive), "b": 1}"#),
        ("concat([var.secret], [1])", "[(sensitive), 1]"),
        ("length([var.secret])", "1"),
        ("keys({ a = var.secret })", r#"["a"]"#),
        ("values({ a = var.secret })", "[(sensitive)]"),
        (r#"lookup({ a = var.secret }, "a", 1)"#, "(sensitive)"),
        ("flatten([[var.secret], [1]])", "[(sensitive), 1]"),
        ("reverse([var.secret, 1])", "[1, (sensitive)]"),
        (r#"zipmap(["a"], [var.secret])"#, r#"{"a": (sensitive)}"#),
        ("coalesce(null, var.secret)", "(sensitive)"),
        ("element([var.secret, 2], 1)", "2"),
        (r#"tolist([var.secret, "a"])"#, r#"[(sensitive), "a"]"#),
        ("can(var.secret)", "true"),
    ]);
}

#[test]
fn functions_over_the_whole_are_sensitive_as_a_whole() {
    check(&[
        ("jsonencode([var.secret])", "(sensitive)"),
        (r#"join(",", [var.secret])"#, "(sensitive)"),
        (r#"sort([var.secret, "a"])"#, "(sensitive)"),
        (r#"contains([var.secret], "a")"#, "(sensitive)"),
        ("toset([var.secret])", "(sensitive)"),
        ("length(sensitive([1]))", "(sensitive)"),
        ("sha256(var.secret)", "(sensitive)"),
        (r#"format("%s", var.secret)"#, "(sensitive)"),
        ("base64encode(var.secret)", "(sensitive)"),
        (r#"templatestring("$${a}", { a = var.secret })"#, "(sensitive)"),
        ("max(sensitive([1, 2])...)", "(sensitive)"),
    ]);
}

#[test]
fn marks_survive_the_unknown() {
    check(&[
        (r#"var.bool ? var.secret : "a""#, "(sensitive)"),
        (r#"var.bool ? { a = var.secret } : { a = "b" }"#, "(sensitive)"),
        ("[var.secret, 2][var.number]", "(sensitive)"),
        ("[for x in [1] : var.secret if var.bool]", "(sensitive)"),
        ("{ (var.text) = var.secret }", "(sensitive)"),
        (r#"format("%s%s", var.text, var.secret)"#, "(sensitive)"),
        ("max(sensitive(1), var.any...)", "(sensitive)"),
        (r#""%{ if var.bool }${var.secret}%{ endif }""#, "(sensitive)"),
        ("[for x in var.any : var.secret]", "(sensitive)"),
        ("flatten([var.any, var.secret])", "(sensitive)"),
        ("merge({ a = var.secret }, var.map)", "(sensitive)"),
    ]);
}

#[test]
fn stored_values_are_known_by_their_fingerprint_only() {
    check(&[
        ("var.stored", "(sensitive)"),
        (r#"var.stored == "a""#, "(sensitive)"),
        (r#""${var.stored}""#, "(sensitive)"),
        (r#""a${var.stored}""#, "(sensitive)"),
        ("var.stored.a", "(sensitive)"),
        ("[var.stored]", "[(sensitive)]"),
        ("length(var.stored)", "(sensitive)"),
        ("var.stored ? 1 : 2", "(sensitive)"),
        ("tostring(var.stored)", "(sensitive)"),
        ("nonsensitive(var.stored)", "unknown(any)"),
        ("[for x in var.stored : x]", "(sensitive)"),
        ("var.stored[*]", "(sensitive)"),
    ]);
}

#[test]
fn the_mark_is_asked_for_and_taken_off() {
    check(&[
        ("issensitive(var.secret)", "true"),
        (r#"issensitive("a")"#, "false"),
        ("issensitive([var.secret])", "false"),
        ("nonsensitive(sensitive(1))", "1"),
        ("nonsensitive(1)", "1"),
        ("nonsensitive([var.secret])", "[(sensitive)]"),
        ("sensitive(null)", "(sensitive)"),
        ("type(var.secret)", r#""string""#),
    ]);
}

#[test]
fn errors_do_not_tell() {
    check(&[
        (
            "tonumber(var.secret)",
            "Invalid function argument @ var.secret: tonumber: a number is required: the text is not a decimal number.",
        ),
        (
            "var.secret + 1",
            "Invalid operand @ var.secret: A number is required: the text is not a decimal number.",
        ),
        (
            "{ for x in [var.secret, var.secret] : x => 1 }",
            "Duplicate key @ x: Two elements give one and the same key. To gather all elements of a key in a list, write ... after the value.",
        ),
        (
            r#"{ for x in sensitive(["hunter2", "hunter2"]) : x => 1 }"#,
            "Duplicate key @ x: Two elements give one and the same key. To gather all elements of a key in a list, write ... after the value.",
        ),
        ("sensitive({ hunter2 = 1 }).x", "Unsupported attribute @ x: The object has no such attribute."),
        (
            "sensitive({ a = { hunter2 = 1 } }).a.x",
            "Unsupported attribute @ x: The object has no such attribute.",
        ),
        ("{ a = 1 }[var.secret]", "Invalid index @ var.secret: The object has no such attribute."),
        (r#"sensitive({ hunter2 = 1 })["x"]"#, r#"Invalid index @ "x": The object has no such attribute."#),
        (
            "tolist(sensitive({ hunter2 = 1 }))",
            "Invalid function argument @ sensitive({ hunter2 = 1 }): tolist: a list is required, not an object.",
        ),
        (
            "cidrhost(var.secret, 1)",
            r#"Invalid function argument @ var.secret: cidrhost: a network such as "10.0.0.0/8" is required."#,
        ),
        (
            r#"formatdate("YYYY", var.secret)"#,
            r#"Invalid function argument @ var.secret: formatdate: a time such as "2026-01-31T12:00:00Z" is required."#,
        ),
        (
            "parseint(var.secret, 10)",
            "Invalid function argument @ var.secret: parseint: the text is not a whole number in base 10.",
        ),
        (
            "file(var.secret)",
            "Invalid function argument @ var.secret: file: the file cannot be read: there is no such file.",
        ),
        (
            "lookup({ a = 1 }, var.secret)",
            "Invalid function argument @ var.secret: lookup: there is no such key, and no default was given.",
        ),
        (
            "jsondecode(var.secret)",
            "Invalid function argument @ var.secret: jsondecode: the text is not JSON: line 1: expected a value.",
        ),
        (
            r#"yamldecode("a: [${var.secret}")"#,
            r#"Invalid function argument @ "a: [${var.secret}": yamldecode: the text cannot be read as YAML."#,
        ),
        (
            r#"regex("x", var.secret)"#,
            r#"Invalid function argument @ regex("x", var.secret): regex: the pattern matches no part of the text; use try or regexall if it need not match."#,
        ),
        (
            "templatefile(var.secret, {})",
            "Invalid function argument @ var.secret: templatefile: the file cannot be read: there is no such file.",
        ),
        (
            r#"csvdecode("${var.secret},${var.secret}")"#,
            r#"Invalid function argument @ "${var.secret},${var.secret}": csvdecode: two columns have one name."#,
        ),
    ]);
}
