//! Functions over files and paths.

use super::check;

#[test]
fn files_are_read_from_the_stack() {
    check(&[
        (r#"file("hello.txt")"#, r#""hello\n""#),
        (
            r#"file("nope.txt")"#,
            r#"Invalid function argument @ "nope.txt": file: the file cannot be read: there is no such file (nope.txt)."#,
        ),
        (
            r#"file("binary")"#,
            r#"Invalid function argument @ "binary": file: the file is not UTF-8 text; filebase64 reads any file (binary)."#,
        ),
        (r#"filebase64("binary")"#, r#""/w==""#),
        (r#"file("~/key")"#, r#""k""#),
        (r#"fileexists("hello.txt")"#, "true"),
        (r#"fileexists("nope")"#, "false"),
        (r#"fileset(".", "*.txt")"#, r#"{"hello.txt"}"#),
        (
            r#"filesha256("hello.txt")"#,
            r#""5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03""#,
        ),
        (r#"filemd5("hello.txt")"#, r#""b1946ac92492d2347c6235b4d2611184""#),
        (r#"pathexpand("~/a")"#, r#""/home/me/a""#),
        (r#"pathexpand("a~")"#, r#""a~""#),
        ("file(null)", r#"Invalid function argument @ null: file: the argument "path" must not be null."#),
        (r#"fileset("", "*.tpl")"#, r#"{"failing.tpl", "loop.tpl", "names.tpl", "wrong.tpl"}"#),
    ]);
}

#[test]
fn template_files() {
    check(&[
        (r#"templatefile("names.tpl", { names = ["a", "b"] })"#, r#""hello a\nhello b\n""#),
        (
            r#"templatefile("names.tpl", {})"#,
            r#"Unknown name @ "names.tpl": In names.tpl, line 1: There is no "names". A reference starts with var, local, a block type such as cluster, or a resource type; a text stands in quotes."#,
        ),
        (
            r#"templatefile("wrong.tpl", {})"#,
            r#"Invalid function argument @ "wrong.tpl": templatefile: in wrong.tpl, line 2, column 6: Found "}", expected a value: a string, a number, a list, an object, a reference or a function call."#,
        ),
        (
            r#"templatefile("failing.tpl", { name = {} })"#,
            r#"Unsupported attribute @ "failing.tpl": In failing.tpl, line 2: The object has no attribute "x". It is empty."#,
        ),
        (
            r#"templatefile("nope.tpl", {})"#,
            r#"Invalid function argument @ "nope.tpl": templatefile: the file cannot be read: there is no such file (nope.tpl)."#,
        ),
        (
            r#"templatefile("loop.tpl", {})"#,
            r#"Invalid function argument @ "loop.tpl": In loop.tpl, line 1: templatefile: templates call each other too deeply."#,
        ),
        (r#"templatefile("names.tpl", { names = var.any })"#, "unknown(string)"),
        (
            r#"templatefile("names.tpl")"#,
            r#"Invalid function argument @ templatefile("names.tpl"): templatefile: two arguments are required, the template and the names that it may use."#,
        ),
    ]);
}

#[test]
fn paths() {
    check(&[
        (r#"basename("/a/b/")"#, r#""b""#),
        (r#"basename("")"#, r#"".""#),
        (r#"basename("/")"#, r#""/""#),
        (r#"dirname("/a/b/")"#, r#""/a/b""#),
        (r#"dirname("a")"#, r#"".""#),
        (r#"dirname("/")"#, r#""/""#),
        (r#"dirname("")"#, r#"".""#),
        (r#"dirname("a/b/../c")"#, r#""a""#),
        (r#"dirname("//a//b")"#, r#""/a""#),
    ]);
}
