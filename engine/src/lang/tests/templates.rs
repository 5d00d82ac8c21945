//! Templates in quotes and in files.

use super::check;

#[test]
fn interpolation() {
    check(&[
        (r#""a${1}${true}""#, r#""a1true""#),
        (r#""${1}""#, "1"),
        (r#""${null}""#, "null"),
        (r#""${[1]}""#, "[1]"),
        (r#""${"a"}${"b"}""#, r#""ab""#),
        (
            r#""a${null}""#,
            "Invalid template value @ null: The value is null, which has no text. Use coalesce or a conditional to give it one.",
        ),
        (
            r#""x${[]}""#,
            "Invalid template value @ []: This cannot be put into a string: a string is required, not a list. jsonencode gives any value a text.",
        ),
        (r#""a$${b}%%{c} 100% $5 $$ %%""#, r#""a${b}%{c} 100% $5 $$ %%""#),
        (r#""a\tb\"\\\u00e9\U0001F600""#, r#""a\tb\"\\é😀""#),
        (r#""${"${"deep"}"}!""#, r#""deep!""#),
        (r#""${ { a = "}" }.a }""#, r#""}""#),
    ]);
}

#[test]
fn directives() {
    check(&[
        (r#""%{ if true }a%{ else }b%{ endif }""#, r#""a""#),
        (r#""%{ if false }a%{ endif }""#, r#""""#),
        (
            r#""%{ if null }a%{ endif }""#,
            "Invalid condition @ null: The condition is null. It must be true or false.",
        ),
        (r#""%{ if true }${1}%{ endif }""#, r#""1""#),
        (r#""%{ for i, x in ["a", "b"] }${i}=${x};%{ endfor }""#, r#""0=a;1=b;""#),
        (r#""%{ for x in { a = 1 } }${x}%{ endfor }""#, r#""1""#),
        (r#""%{ for x in [1, 2] }%{ if x == 2 }two%{ else }${x},%{ endif }%{ endfor }""#, r#""1,two""#),
        (
            r#""%{ for x in null }a%{ endfor }""#,
            "Invalid loop @ null: A loop goes over a list, set, map or object, but this is null.",
        ),
        (r#""%{ if true }a\n\"b\"%{ endif }""#, r#""a\n\"b\"""#),
    ]);
}

#[test]
fn strip_markers() {
    check(&[
        (r#""a ${~ "b" ~} c""#, r#""abc""#),
        (r#""a\n ${~ "b" ~} \n c""#, r#""abc""#),
        (r#""%{ if true ~}  a  %{~ endif }""#, r#""a""#),
        (r#""x ${~ "" ~}  ${~ "b" ~} y""#, r#""xby""#),
        (r#""a\n  %{~ for v in ["x", "y"] ~}\n  - ${v}\n%{ endfor }\nb""#, r#""a- x\n- y\n\nb""#),
        (r#""%{ for v in ["x", "y"] ~}\n  ${v}\n%{ endfor ~}\n  z""#, r#""x\ny\nz""#),
    ]);
}

#[test]
fn template_strings() {
    check(&[
        (r#"templatestring("$${a}-%%{ for x in b }$${x}%%{ endfor }", {a=1,b=[1,2]})"#, r#""1-12""#),
        (
            r#"templatestring("$${a", {})"#,
            r#"Invalid function argument @ "$${a": templatestring: in the template, line 1, column 4: This { is not closed."#,
        ),
        (
            r#"templatestring("$${b}", {a=1})"#,
            r#"Unknown name @ "$${b}": In the template, line 1: There is no "b". Did you mean a?"#,
        ),
        (
            r#"templatestring("x\n$${1/0}", {})"#,
            r#"Division by zero @ "x\n$${1/0}": In the template, line 2: The divisor is zero."#,
        ),
        (
            r#"templatestring("$${x}", 1)"#,
            "Invalid function argument @ 1: templatestring: the names must be an object, such as { name = value }.",
        ),
        (
            "templatestring(null, {})",
            "Invalid function argument @ null: templatestring: the template must not be null.",
        ),
    ]);
}
