//! What is said about mistakes: a constant summary, the text underlined, what to do.

use super::check;

#[test]
fn names() {
    check(&[
        (
            "var.regoin",
            r#"Unknown name @ var.regoin: There is no variable "regoin". Did you mean var.region?"#,
        ),
        (
            "var.zzz",
            r#"Unknown name @ var.zzz: There is no variable "zzz". Declare it with a block variable "zzz" { }."#,
        ),
        ("regoin", r#"Unknown name @ regoin: There is no "regoin". Did you mean var.region?"#),
        ("regio", r#"Unknown name @ regio: There is no "regio". Did you mean var.region?"#),
        (
            "kube_object.wbe",
            r#"Unknown name @ kube_object.wbe: There is no kube_object "wbe". Did you mean kube_object.web?"#,
        ),
        ("kube_object.web.knd", "unknown(any)"),
        (
            "kube_objekt.web",
            r#"Unknown name @ kube_objekt: There is no "kube_objekt". Did you mean kube_object?"#,
        ),
        ("local.x", r#"Unknown name @ local.x: There is no local value "x". Set it in a locals block."#),
        (
            "var",
            r#"Invalid reference @ var: "var" is a family of names, not a value: use one of them, as in var.name."#,
        ),
        (
            r#"var["region"]"#,
            r#"Invalid reference @ var: "var" is a family of names, not a value: use one of them, as in var.name."#,
        ),
        (
            "foo.bar",
            r#"Unknown name @ foo: There is no "foo". A reference starts with var, local, a block type such as cluster, or a resource type; a text stands in quotes."#,
        ),
        ("count.index", "Unknown name @ count: count is there only where count is set."),
        ("self.id", "Unknown name @ self: self is there only in postconditions."),
        ("[for item in [1] : itme]", r#"Unknown name @ itme: There is no "itme". Did you mean item?"#),
        (
            "each.kye",
            r#"Unsupported attribute @ kye: The object has no attribute "kye". Did you mean "key"?"#,
        ),
        (r#"each["value"]"#, "1"),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("lenght([])", r#"Unknown function @ lenght: There is no function "lenght". Did you mean length?"#),
        ("nope(1)", r#"Unknown function @ nope: There is no function "nope"."#),
        ("provider::aws::f(1)", r#"Unknown function @ f: There is no function "provider::aws::f"."#),
        (
            "length()",
            r#"Invalid function argument @ length(): length: the argument "value" is missing: it takes (value)."#,
        ),
        (
            "length([1], [2])",
            "Invalid function argument @ [2]: length: too many arguments: it takes (value).",
        ),
        (
            r#"abs("x")"#,
            r#"Invalid function argument @ "x": abs: a number is required: the text is not a decimal number."#,
        ),
        ("abs(null)", r#"Invalid function argument @ null: abs: the argument "number" must not be null."#),
        ("max([1]...)", "1"),
        (
            r#"max("a"...)"#,
            r#"Invalid function argument @ "a": Only a list can be spread out with ..., not a string."#,
        ),
        (
            r#"replace("a", "b")"#,
            r#"Invalid function argument @ replace("a", "b"): replace: the argument "by" is missing: it takes (text, part, by)."#,
        ),
        (
            "lookup({}, 1, 2, 3)",
            "Invalid function argument @ 3: lookup: too many arguments: it takes (map, key, default).",
        ),
        (
            "tomap({ a = 1, b = {} })",
            "Invalid function argument @ { a = 1, b = {} }: tomap: all elements must be of one type.",
        ),
        ("upper([])", "Invalid function argument @ []: upper: a string is required, not a list."),
        (
            r#"keys("a")"#,
            r#"Invalid function argument @ "a": keys: a map or object is required, not a string."#,
        ),
    ]);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    check(&[
        (
            r#"{ a = 1 / 0, b = [nope, {}.x], c = "${null} ${[]}" }"#,
            r#"Division by zero @ 0: The divisor is zero.
Unknown name @ nope: There is no "nope". A reference starts with var, local, a block type such as cluster, or a resource type; a text stands in quotes.
Unsupported attribute @ x: The object has no attribute "x". It is empty.
Invalid template value @ null: The value is null, which has no text. Use coalesce or a conditional to give it one.
Invalid template value @ []: This cannot be put into a string: a string is required, not a list. jsonencode gives any value a text."#,
        ),
        (
            r#"1 + "x" + null"#,
            r#"Invalid operand @ "x": A number is required: the text is not a decimal number.
Invalid operand @ null: This is null; a number is required."#,
        ),
        (
            r#""a" + "b""#,
            r#"Invalid operand @ "a": A number is required: the text is not a decimal number.
Invalid operand @ "b": A number is required: the text is not a decimal number."#,
        ),
        (
            "upper(nope, also)",
            r#"Unknown name @ nope: There is no "nope". A reference starts with var, local, a block type such as cluster, or a resource type; a text stands in quotes.
Unknown name @ also: There is no "also". A reference starts with var, local, a block type such as cluster, or a resource type; a text stands in quotes.
Invalid function argument @ also: upper: too many arguments: it takes (text)."#,
        ),
        ("[for x in [1, 2] : x.y]", "Unsupported attribute @ y: A number has no attributes."),
    ]);
}

#[test]
fn steps() {
    check(&[
        ("null.a", r#"Unsupported attribute @ a: This is null, so it has no attribute "a"."#),
        (
            "[].a",
            r#"Unsupported attribute @ a: A list has no attribute "a". For that of one element, write [0].a; for that of all of them, [*].a."#,
        ),
        (
            "toset([{ a = 1 }]).a",
            r#"Unsupported attribute @ a: A set has no attribute "a". For that of every element, write [*].a."#,
        ),
        (
            "{ aaa = 1, bbb = 2 }.ccc",
            r#"Unsupported attribute @ ccc: The object has no attribute "ccc". There are: aaa, bbb."#,
        ),
        (
            "tomap({ key = 1 }).kye",
            r#"Unsupported attribute @ kye: The map has no element "kye". Did you mean "key"?"#,
        ),
        ("{}.a", r#"Unsupported attribute @ a: The object has no attribute "a". It is empty."#),
        (
            "{ a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9 }.zzz",
            r#"Unsupported attribute @ zzz: The object has no attribute "zzz". There are: a, b, c, d, e, f, g, h and 1 more."#,
        ),
        ("[1, 2][2]", "Invalid index @ 2: The list has 2 elements: the last index is 1."),
        ("[1][5]", "Invalid index @ 5: The list has only one element, of index 0."),
        ("[][0]", "Invalid index @ 0: The list is empty."),
        ("[1][1.5]", "Invalid index @ 1.5: An index must be a whole number."),
        (
            r#"[1]["a"]"#,
            r#"Invalid index @ "a": This cannot be an index: a number is required: the text is not a decimal number."#,
        ),
        (r#""abc"[0]"#, "Invalid index @ 0: A string has no elements."),
    ]);
}

#[test]
fn syntax() {
    check(&[
        ("1 +", r#"Invalid syntax @ +: Found "+", expected a new line or the end of the file."#),
        (
            r#""a"#,
            r#"Invalid syntax @ ": This string is not closed: add " at its end. A string of several lines is a heredoc."#,
        ),
        ("[1, 2", "Invalid syntax @ [: This [ is not closed."),
        ("{ a = 1", "Invalid syntax @ {: This { is not closed."),
        ("a b", r#"Invalid syntax @ b: Found "b", expected a new line or the end of the file."#),
        ("1 = 2", r#"Invalid syntax @ =: Found "=", expected a new line or the end of the file."#),
        ("'a'", r#"Invalid syntax @ ': Strings take double quotes: "…"."#),
        ("x and y", "Invalid syntax @ and: The logical operators are written && and ||."),
        (
            r#"<<EOT
a
"#,
            "Invalid syntax @ <: This heredoc has no end: its marker must stand on a line of its own.",
        ),
        ("1...", r#"Invalid syntax @ .: Found ".", expected a new line or the end of the file."#),
        (
            r#""%{ if true }""#,
            "Invalid syntax @ %: This directive has no end: add %{ endif } or %{ endfor } before the string ends.",
        ),
        (
            r#""${""#,
            r#"Invalid syntax @ ": This string is not closed: add " at its end. A string of several lines is a heredoc."#,
        ),
        (
            "{ a = }",
            r#"Invalid syntax @ }: Found "}", expected a value: a string, a number, a list, an object, a reference or a function call."#,
        ),
        (
            "",
            "Invalid syntax @ : This cannot be read as an argument or a block. Is an operand, a quote or a bracket missing?",
        ),
    ]);
}
