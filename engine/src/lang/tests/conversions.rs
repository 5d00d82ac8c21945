//! Conversions, and what types have in common.

use super::check;

#[test]
fn to_primitives() {
    check(&[
        (r#"tobool("1")"#, "true"),
        (
            r#"tobool("yes")"#,
            r#"Invalid function argument @ "yes": tobool: a bool is required: the text must be "true" or "false"."#,
        ),
        (
            r#"tobool("True")"#,
            r#"Invalid function argument @ "True": tobool: a bool is required: the text must be "true" or "false" in lower case."#,
        ),
        (
            r#"tonumber("0x10")"#,
            r#"Invalid function argument @ "0x10": tonumber: a number is required: the text is not a decimal number."#,
        ),
        (
            r#"tonumber(" 1")"#,
            r#"Invalid function argument @ " 1": tonumber: a number is required: the text is not a decimal number."#,
        ),
        (r#"tonumber("1e3")"#, "1000"),
        (r#"tonumber("+1")"#, "1"),
        (
            r#"tonumber("1_000")"#,
            r#"Invalid function argument @ "1_000": tonumber: a number is required: the text is not a decimal number."#,
        ),
        (r#"tonumber(".5")"#, "0.5"),
        (
            r#"tonumber("")"#,
            r#"Invalid function argument @ "": tonumber: a number is required: the text is not a decimal number."#,
        ),
        ("tostring(1.50)", r#""1.5""#),
        ("tostring(1e21)", r#""1000000000000000000000""#),
        ("tostring(null)", "null"),
        ("tonumber(true)", "Invalid function argument @ true: tonumber: a number is required, not a bool."),
        ("tonumber(null)", "null"),
        ("tobool(null)", "null"),
        (
            r#"tobool("")"#,
            r#"Invalid function argument @ "": tobool: a bool is required: the text must be "true" or "false"."#,
        ),
        ("tobool(1)", "Invalid function argument @ 1: tobool: a bool is required, not a number."),
        (
            "tostring(var.unk)",
            r#"Unknown name @ var.unk: There is no variable "unk". Declare it with a block variable "unk" { }."#,
        ),
    ]);
}

#[test]
fn to_collections() {
    check(&[
        (r#"tolist([1,"a"])"#, r#"["1", "a"]"#),
        (
            "tolist([1,true])",
            "Invalid function argument @ [1,true]: tolist: all elements must be of one type.",
        ),
        ("tolist([1,{}])", "Invalid function argument @ [1,{}]: tolist: all elements must be of one type."),
        (r#"tolist(toset(["b","a"]))"#, r#"["a", "b"]"#),
        (r#"toset([1,"a"])"#, r#"{"1", "a"}"#),
        (r#"tomap({a=1,b="x"})"#, r#"{"a": "1", "b": "x"}"#),
        (
            "tomap({a=1,b={}})",
            "Invalid function argument @ {a=1,b={}}: tomap: all elements must be of one type.",
        ),
        ("tolist({a=1})", "Invalid function argument @ {a=1}: tolist: a list is required, not an object."),
        ("toset({a=1})", "Invalid function argument @ {a=1}: toset: a set is required, not an object."),
        ("tomap([1])", "Invalid function argument @ [1]: tomap: a map is required, not a list."),
        (r#"tolist("a")"#, r#"Invalid function argument @ "a": tolist: a list is required, not a string."#),
        ("tolist(null)", "null"),
        ("tomap(null)", "null"),
        (r#"tomap({a=1})["b"]"#, r#"Invalid index @ "b": The map has no element "b". Did you mean "a"?"#),
        ("tomap({a=1}).b", r#"Unsupported attribute @ b: The map has no element "b". Did you mean "a"?"#),
        (
            r#"toset(["a"])[0]"#,
            "Invalid index @ 0: The elements of a set have no index. Use tolist or a for expression.",
        ),
        ("toset([1]) == toset([1])", "true"),
        (r#"tolist([null,1,"a"])"#, r#"[null, "1", "a"]"#),
        (
            "tomap({a={b=1}}).a.c",
            r#"Unsupported attribute @ c: The object has no attribute "c". Did you mean "b"?"#,
        ),
        (r#"tomap({})["a"]"#, r#"Invalid index @ "a": The map has no element "a". It is empty."#),
    ]);
}

#[test]
fn types_are_shown() {
    check(&[
        ("type(1)", r#""number""#),
        (r#"type([1,"a"])"#, r#""tuple([number, string])""#),
        ("type(tolist([1]))", r#""list(number)""#),
        ("type({a=1})", r#""object({a = number})""#),
        ("type(null)", r#""any""#),
        ("type(toset([]))", r#""set(any)""#),
        ("type([1, 2])", r#""list(number)""#),
        ("type(var.pods)", r#""list(object({name = string, port = number}))""#),
        ("type({ a = [1], b = null })", r#""object({a = list(number), b = any})""#),
    ]);
}

#[test]
fn results_of_conditionals_have_one_type() {
    check(&[
        (r#"true ? {a=1} : {b="x"}"#, r#"{"a": "1"}"#),
        (r#"true ? {a=1,b="x"} : {}"#, r#"{"a": "1", "b": "x"}"#),
        ("true ? {a={}} : {}", r#"{"a": {}}"#),
        ("true ? [1] : []", "[1]"),
        (r#"true ? [1] : ["a"]"#, r#"["1"]"#),
        (r#"true ? [1,2] : ["a"]"#, r#"["1", "2"]"#),
        (r#"true ? 1 : "a""#, r#""1""#),
        ("true ? 1 : true", "1"),
        ("true ? null : 1", "null"),
        ("true ? [] : {}", "[]"),
        (r#"true ? {a=1} : {a="x"}"#, r#"{"a": "1"}"#),
        (r#"true ? {a=[1]} : {a=["x"]}"#, r#"{"a": ["1"]}"#),
        (r#"true ? tolist([1]) : toset(["a"])"#, r#"{"1"}"#),
        ("true ? {a=null} : {a=1}", r#"{"a": null}"#),
        (r#"true ? [null] : [1,"a"]"#, "[null]"),
        ("true ? toset([1]) : [1]", "{1}"),
        (r#"true ? {a=1} : tomap({a="x"})"#, r#"{"a": "1"}"#),
        (r#"true ? [{a=1},{b="x"}] : []"#, r#"[{"a": "1"}, {"b": "x"}]"#),
    ]);
}
