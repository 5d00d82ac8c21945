//! Operators, loops, indices and splats.

use super::check;

#[test]
fn precedence() {
    check(&[
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("(1 + 2) * 3", "9"),
        ("!false && false || true", "true"),
        ("1 + 1 == 2 && 2 < 3", "true"),
        ("true ? 1 : 2 + 3", "1"),
        ("-2 * -3", "6"),
        ("2 - 1 - 1", "0"),
        ("8 / 2 / 2", "2"),
        (r#"1 == 1 ? "a" : "b""#, r#""a""#),
        ("!true == false", "true"),
    ]);
}

#[test]
fn equality() {
    check(&[
        (r#"1 == "1""#, "false"),
        ("[1] == tolist([1])", "true"),
        ("{ a = 1 } == tomap({ a = 1 })", "true"),
        ("null == null", "true"),
        (r#""a" == null"#, "false"),
        ("[1, null] == [1, null]", "true"),
        ("[1] == [1, 2]", "false"),
        ("toset([1, 2]) == toset([2, 1])", "true"),
        ("toset([1]) == [1]", "false"),
        (r#"true == "true""#, "false"),
        ("1 == 1.0", "true"),
        ("{} != {}", "false"),
        ("{ a = 1 } == { b = 1 }", "false"),
    ]);
}

#[test]
fn logic_leaves_out_what_does_not_matter() {
    check(&[
        ("false && 1 / 0 == 1", "false"),
        ("true || 1 / 0 == 1", "true"),
        ("null != null && null.a", "false"),
        (r#"true && "true""#, "true"),
        (r#"!"true""#, "false"),
        ("!1", "Invalid operand @ 1: A bool is required, not a number."),
        ("!null", "Invalid operand @ null: This is null; a bool is required."),
        (
            r#""x" || true"#,
            r#"Invalid operand @ "x": A bool is required: the text must be "true" or "false"."#,
        ),
    ]);
}

#[test]
fn conditionals() {
    check(&[
        (r#""true" ? 2 : 3"#, "2"),
        (
            "1 ? 2 : 3",
            "Invalid condition @ 1: The condition must be true or false: a bool is required, not a number.",
        ),
        ("null ? 1 : 2", "Invalid condition @ null: The condition is null. It must be true or false."),
        ("false ? 1 / 0 : 2", "2"),
        ("true ? 1 / 0 : 2", "Division by zero @ 0: The divisor is zero."),
        ("true ? { a = {} } : { b = [] }", r#"{"a": {}}"#),
    ]);
}

#[test]
fn loops() {
    check(&[
        ("[for v in [1, 2] : v * 2]", "[2, 4]"),
        (r#"[for i, v in ["a", "b"] : "${i}${v}"]"#, r#"["0a", "1b"]"#),
        (r#"[for k, v in { b = 1, a = 2 } : "${k}${v}"]"#, r#"["a2", "b1"]"#),
        (r#"[for v in toset(["b", "a"]) : v]"#, r#"["a", "b"]"#),
        (r#"[for k, v in toset(["b"]) : k]"#, r#"["b"]"#),
        ("{ for k, v in { a = 1, b = 2 } : v => k }", r#"{"1": "a", "2": "b"}"#),
        (r#"{ for v in ["a", "b", "a"] : v => 1... }"#, r#"{"a": [1, 1], "b": [1]}"#),
        (
            r#"{ for v in ["a", "b", "a"] : v => 1 }"#,
            r#"Duplicate key @ v: Two elements give the key "a". To gather all elements of a key in a list, write ... after the value."#,
        ),
        ("[for x in [1, 2, 3] : x if x != 2]", "[1, 3]"),
        (
            "[for x in [1, 2] : x if null]",
            "Invalid condition @ null: The condition is null. It must be true or false.",
        ),
        (r#"[for x in [1, 2] : x if "true"]"#, "[1, 2]"),
        ("{ for x in [null] : x => 1 }", "Invalid key @ x: The key is null. A key must be a string."),
        (
            "{ for x in [[]] : x => 1 }",
            "Invalid key @ x: This cannot be a key: a string is required, not a list.",
        ),
        ("{ for x in [1] : x => x }", r#"{"1": 1}"#),
        ("[for a in [1, 2] : [for b in [10, 20] : a + b]]", "[[11, 21], [12, 22]]"),
        ("[for a in [1] : [for a in [2] : a]]", "[[2]]"),
        (
            "[for v in null : v]",
            "Invalid loop @ null: A loop goes over a list, set, map or object, but this is null.",
        ),
        (
            r#"[for v in "abc" : v]"#,
            r#"Invalid loop @ "abc": A loop goes over a list, set, map or object, but this is a string."#,
        ),
        ("[for v in [] : v]", "[]"),
    ]);
}

#[test]
fn objects() {
    check(&[
        (r#"{ a = 1, "b" = 2, (upper("c")) = 3, 4 = 5 }"#, r#"{"4": 5, "C": 3, "a": 1, "b": 2}"#),
        (r#"{ "a" = 1, a = 2 }"#, r#"{"a": 2}"#),
        (
            "{ a = 1, a = 2 }",
            r#"Invalid syntax @ a: The key "a" is already set in this object. Each may be set once."#,
        ),
        ("{ (null) = 1 }", "Invalid key @ null: The key is null. A key must be a string."),
        ("{ ([]) = 1 }", "Invalid key @ []: This cannot be a key: a string is required, not a list."),
        (
            "{ var.region = 1 }",
            "Ambiguous key @ var.region: A reference as a key must stand in parentheses: (var.name) = …. A literal key with dots must stand in quotes.",
        ),
        ("{ a : 1, b : 2 }", r#"{"a": 1, "b": 2}"#),
        (r#"{ "a.b" = 1 }["a.b"]"#, "1"),
        (
            r#"{
  a = 1 # one

  b = 2,
  c = [
    3,
  ]
}"#,
            r#"{"a": 1, "b": 2, "c": [3]}"#,
        ),
    ]);
}

#[test]
fn indices() {
    check(&[
        (r#"tomap({a=1,b="x"})"#, r#"{"a": "1", "b": "x"}"#),
        (
            "tomap({a=1,b={}})",
            "Invalid function argument @ {a=1,b={}}: tomap: all elements must be of one type.",
        ),
        (r#"[1,2,3]["1"]"#, "2"),
        ("[1,2,3].1", "2"),
        ("[1,2,3][1.5]", "Invalid index @ 1.5: An index must be a whole number."),
        ("[1,2,3][-1]", "Invalid index @ -1: An index counts from 0; it cannot be negative."),
        ("[1,2,3][3]", "Invalid index @ 3: The list has 3 elements: the last index is 2."),
        (r#"{"1"=2}[1]"#, "2"),
        (r#"tomap({a=1})["b"]"#, r#"Invalid index @ "b": The map has no element "b". Did you mean "a"?"#),
        ("tomap({a=1}).b", r#"Unsupported attribute @ b: The map has no element "b". Did you mean "a"?"#),
        ("{a=1}.b", r#"Unsupported attribute @ b: The object has no attribute "b". Did you mean "a"?"#),
        (r#"{a=1}["b"]"#, r#"Invalid index @ "b": The object has no attribute "b". Did you mean "a"?"#),
        (r#""abc"[0]"#, "Invalid index @ 0: A string has no elements."),
        ("null.a", r#"Unsupported attribute @ a: This is null, so it has no attribute "a"."#),
        (
            r#"toset(["a"])[0]"#,
            "Invalid index @ 0: The elements of a set have no index. Use tolist or a for expression.",
        ),
        ("[1,2,3]...", r#"Invalid syntax @ .: Found ".", expected a new line or the end of the file."#),
        ("{a=1}.a.b", "Unsupported attribute @ b: A number has no attributes."),
        (
            "[{a=1}].a",
            r#"Unsupported attribute @ a: A list has no attribute "a". For that of one element, write [0].a; for that of all of them, [*].a."#,
        ),
        (
            "tomap({a={b=1}}).a.c",
            r#"Unsupported attribute @ c: The object has no attribute "c". Did you mean "b"?"#,
        ),
        (r#""a".b"#, "Unsupported attribute @ b: A string has no attributes."),
        ("null.a.b", r#"Unsupported attribute @ a: This is null, so it has no attribute "a"."#),
        ("null[0]", "Invalid index @ 0: This is null, so it has no elements."),
        (r#"tomap({})["a"]"#, r#"Invalid index @ "a": The map has no element "a". It is empty."#),
        ("[][0]", "Invalid index @ 0: The list is empty."),
        ("[1][null]", "Invalid index @ null: The index is null."),
        ("{a=1}[[]]", "Invalid index @ []: This cannot be a key: a string is required, not a list."),
        (
            r#"[1]["x"]"#,
            r#"Invalid index @ "x": This cannot be an index: a number is required: the text is not a decimal number."#,
        ),
    ]);
}

#[test]
fn splats() {
    check(&[
        ("null[*]", "[]"),
        (r#""a"[*]"#, r#"["a"]"#),
        ("[{a=1},{a=2}][*].a", "[1, 2]"),
        ("[{a=1},{a=2}].*.a", "[1, 2]"),
        ("[{a=[1]},{a=[2]}][*].a[0]", "[1, 2]"),
        ("[{a=[1]},{a=[2]}].*.a[0]", "[1]"),
        ("{a=1}[*]", r#"[{"a": 1}]"#),
        ("{a=1}[*].a", "[1]"),
        ("[[1, 2], [3]][*][0]", "[1, 3]"),
        ("[{ a = [{ b = 1 }] }][*].a[*].b", "[[1]]"),
        (r#"toset(["b", "a"])[*]"#, r#"["a", "b"]"#),
        (
            "[{ a = 1 }, {}][*].a",
            r#"Unsupported attribute @ a: The object has no attribute "a". It is empty."#,
        ),
    ]);
}

#[test]
fn attempts() {
    check(&[
        ("try({}.a, 1)", "1"),
        (r#"try({}.a, null.b, "c")"#, r#""c""#),
        (
            "try({}.a)",
            r#"No expression succeeded @ try({}.a): try: none of the expressions succeeded. The object has no attribute "a". It is empty."#,
        ),
        ("try()", "No expression succeeded @ try(): try: at least one expression is required."),
        ("can({}.a)", "false"),
        ("can(1)", "true"),
        ("can(1, 2)", "Invalid function argument @ can(1, 2): can: one expression is required."),
        (r#"can(tonumber("x"))"#, "false"),
    ]);
}
