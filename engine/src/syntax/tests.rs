use super::*;

/// What is said about a text: `line:column "underlined" detail`, one line each.
fn check(text: &str, expect: &[&str]) {
    let mut sources = Sources::default();
    sources.add("main.hcl", text);
    let (files, diagnostics) = parse(&sources);
    let said = diagnostics.iter().map(|diagnostic| {
        let span = diagnostic.span.clone().unwrap();
        let (line, column) = sources.position(&span).unwrap();
        format!("{line}:{column} {:?} {}", sources.text(&span).unwrap_or_default(), diagnostic.detail)
    });
    assert_eq!(said.collect::<Vec<_>>(), expect, "{text}");
    assert_eq!(files.len(), usize::from(expect.is_empty()), "{text}");
}

#[test]
fn what_the_parser_cannot_read_by_itself_is_read() {
    check("a = 1e400\nb = [1E+999, -2.5e-999]\nc = 12e0", &[]);
    check("a = <<EOT\nEOT\nb = <<-EOT\n  EOT\nc = 1\n", &[]);
    check("\u{feff}a = 1\r\nb = [for\r\n x in [1]: x]\r\n", &[]);
    check("", &[]);
}

#[test]
fn problems_have_their_place_and_say_what_to_do() {
    check(
        "a = \n",
        &[
            "1:5 \"\" Found the end of the line, expected a value: a string, a number, a list, an object, a reference or a function call.",
        ],
    );
    check("a = 'x'\n", &["1:5 \"'\" Strings take double quotes: \"…\"."]);
    check("a = \"x\nb = 1\n", &["1:7 \"\" This string is not closed: add \" at its end."]);
    check(
        "a = 1\na = 2\n",
        &["2:1 \"a\" The argument \"a\" is already set in this block. Each may be set once."],
    );
    check(
        "a = { x = 1, x = 2 }\n",
        &["1:14 \"x\" The key \"x\" is already set in this object. Each may be set once."],
    );
    check("a = b and c\n", &["1:7 \"and\" The logical operators are written && and ||."]);
    check("variable \"x\" {\n  default = [1, 2\n}\n", &["3:1 \"}\" Found \"}\", expected `]`."]);
    check(
        "b {\n  a = 1\n",
        &["3:1 \"\" The text ends inside a block, list or call: a closing bracket is missing."],
    );
    check("a: 1\n", &["1:2 \":\" Arguments are set with =, not with a colon."]);
    check(
        "a = <<EOT\nx\n",
        &["3:1 \"\" The heredoc that starts above has no end: its marker must stand on a line of its own."],
    );
    check("a = 1 b = 2\n", &["1:7 \"b\" Found \"b\", expected a new line or the end of the file."]);
}

#[test]
fn every_wrong_block_is_reported() {
    let text = "locals {\n  a = \n}\n\nlocals {\n  ok = 1\n}\n\nlocals {\n  b = 1 +\n}\n";
    let value = "expected a value: a string, a number, a list, an object, a reference or a function call.";
    check(
        text,
        &[
            &format!("2:7 \"\" Found the end of the line, {value}"),
            &format!("10:10 \"\" Found the end of the line, {value}"),
        ],
    );
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("a = {}1{}\n", "[".repeat(1_000), "]".repeat(1_000));
    check(&deep, &["1:70 \"[\" This is nested too deeply. Move a part of it into a local value."]);
    let long = format!("a = 1{}\n", " + 1".repeat(1_000));
    check(&long, &["1:519 \"+\" This is nested too deeply. Move a part of it into a local value."]);
}
