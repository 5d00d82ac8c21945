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
    check("a = <<-EOT\n  EOT  \nb = <<EOT\nx\nEOT\n", &[]);
    check("\u{feff}a = 1\r\nb = [for\r\n x in [1]: x]\r\n", &[]);
    check("", &[]);
}

#[test]
fn problems_have_their_place_and_say_what_to_do() {
    let value = "expected a value: a string, a number, a list, an object, a reference or a function call.";
    check("a = \n", &[&format!("1:5 \"\" Found the end of the line, {value}")]);
    check("a = 5 +\nb = 2\n", &[&format!("1:8 \"\" Found the end of the line, {value}")]);
    check("a = @x\n", &[&format!("1:5 \"@\" Found \"@\", {value}")]);
    check("a = 1 ? 2\n", &["1:10 \"\" Found the end of the line, expected `:`."]);
    check("a = 1 b = 2\n", &["1:7 \"b\" Found \"b\", expected a new line or the end of the file."]);
    check("a = 'x'\n", &["1:5 \"'\" Strings take double quotes: \"…\"."]);
    check("a = ${x}\n", &["1:5 \"$\" Outside of quotes a reference needs no ${ }."]);
    check("a = b and c\n", &["1:7 \"and\" The logical operators are written && and ||."]);
    check("a: 1\n", &["1:2 \":\" Arguments are set with =, not with a colon."]);
    check("a = 1, b = 2\n", &["1:6 \",\" Arguments stand on lines of their own, without commas."]);
    check("\"a\" = 1\n", &["1:1 \"\\\"\" The name of an argument or block is written without quotes."]);
    check("a = [1 2]\n", &["1:8 \"2\" Expected a comma or ]."]);
    check(
        "a = 1\na = 2\n",
        &["2:1 \"a\" The argument \"a\" is already set in this block. Each may be set once."],
    );
    check(
        "a = { x = 1, x = 2 }\n",
        &["1:14 \"x\" The key \"x\" is already set in this object. Each may be set once."],
    );
    check(
        "a = \"\\q\"\n",
        &[
            "1:8 \"\\\"\" There is no such escape. The escapes are \\n \\r \\t \\\" \\\\ \\uNNNN and \\UNNNNNNNN.",
        ],
    );
}

#[test]
fn what_is_not_closed_is_shown_where_it_was_opened() {
    let quote = "This string is not closed: add \" at its end. A string of several lines is a heredoc.";
    check("a = \"x\nb = 1\n", &[&format!("1:5 \"\\\"\" {quote}")]);
    check("b {\n  a = \"x\n}\nc {\n}\n", &[&format!("2:7 \"\\\"\" {quote}")]);
    check("a {\n  b = \"x\n}\nc \"d\" {\n}\n", &[&format!("2:7 \"\\\"\" {quote}")]);
    check("a = \"x\ny\"\n", &[&format!("1:5 \"\\\"\" {quote}")]);
    check("a = [1, 2\nb = 3\n", &["1:5 \"[\" This [ is not closed."]);
    check("a = f(1\n", &["1:6 \"(\" This ( is not closed."]);
    check("a = \"${x\n", &["1:7 \"{\" This { is not closed."]);
    check("b {\n  c {\n    d = 1\n  }\n", &["1:3 \"{\" This { is not closed."]);
    check("a = 1\n}\n", &["2:1 \"}\" This } does not close what was opened last."]);
    check("/* foo\na = 1\n", &["1:1 \"/\" This comment is not closed: add */ at its end."]);
    check(
        "a = \"%{ if x }y\"\n",
        &["1:6 \"%\" This directive has no end: add %{ endif } or %{ endfor } before the string ends."],
    );
    check(
        "a = <<EOT\nx\n",
        &["1:5 \"<\" This heredoc has no end: its marker must stand on a line of its own."],
    );
    // Brackets in strings, comments and heredocs do not count.
    check(
        "a = \"[\" // {\nb = <<EOT\n{\nEOT\nc = 1 2\n",
        &["5:7 \"2\" Found \"2\", expected a new line or the end of the file."],
    );
}

#[test]
fn what_the_parser_takes_and_hcl_does_not_is_refused() {
    let dot = "A reference cannot go on in the next line, but in parentheses. Write what follows the dot behind it.";
    check("a = b.\n", &[&format!("1:6 \".\" {dot}")]);
    check("a = b.\n  c\n", &[&format!("1:6 \".\" {dot}")]);
    check("a = { x = b. # why\n  c }\n", &[&format!("1:12 \".\" {dot}")]);
    check("a = [(b.\n  c), f(d.\n  e)]\n", &[]);
    check("a = \"${b.\n  c}\"\nd = {for x in y : x.\n  z => x...\n}\n", &[]);
    check("# a.\na = \"b.\" // c.\nb = <<EOT\nc.\nEOT\n", &[]);
    let operator =
        "An expression cannot go on in the next line, but in parentheses. Put them around the whole of it.";
    check("a = [1]\n% b\n", &[&format!("2:1 \"%\" {operator}")]);
    check("a = f(x)\n  ? 1 : 2\n", &[&format!("2:3 \"?\" {operator}")]);
    check("a = [b]\n[0]\n", &[&format!("2:1 \"[\" {operator}")]);
    check("a = ((c)\n  == d\n  ? f(1\n  + 2) : [3\n  * 4])\n// x\n/* y */\n", &[]);
    check("a = [\n  [1],\n]\nb = <<EOT\n+ 1\nEOT\nc = \"${d\n  + 1}\"\n", &[]);
    check("a = {for x in y : x => [\n  z]\n  if x\n  > 1}\n", &[]);
    let carriage = "A carriage return stands here alone. A line ends with a line feed, or with both.";
    check("a = 1\n\r b = 2\r\n", &[&format!("2:1 \"\\r\" {carriage}")]);
    check("a = \"\r\"\nb = <<EOT\n\r.\nEOT\n", &[]);
    let line = "A line of a heredoc cannot start with its marker: the marker stands on a line of its own. If this line is part of \
                the text, use another marker.";
    check("a = <<EOT\nx\nEOT.\nb = 1\nEOT\n", &[&format!("3:1 \"E\" {line}")]);
    check("a = f(<<-EOT\n  x\n  EOT)\n", &[&format!("3:3 \"E\" {line}")]);
    check("a = f(<<EOT\nx\nEOTX\nEOT_\nEOT-1\nEOT  \n)\n", &[]);
}

#[test]
fn every_wrong_block_is_reported() {
    let text = "locals {\n  a = \n}\n\nlocals {\n  ok = 1\n}\n\nlocals {\n  b = [1, 2\n}\n";
    check(
        text,
        &[
            "2:7 \"\" Found the end of the line, expected a value: a string, a number, a list, an object, a reference or a \
         function call.",
            "10:7 \"[\" This [ is not closed.",
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
