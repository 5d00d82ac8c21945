use super::*;

/// Formats a text, and again what comes of it, which must not change.
fn check(text: &str, expect: &str) {
    let formatted = format("main.hcl", text).unwrap_or_else(|refused| panic!("{text}\n{refused:?}"));
    assert_eq!(formatted, expect, "{text}");
    assert_eq!(format("main.hcl", expect).unwrap(), expect, "again");
}

#[test]
fn a_number_stays_apart_from_what_follows_it() {
    check("a = 01. 0.8\n", "a = 01 .0.8\n");
    check("a = b . 0 . c . 0.1 .d\n", "a = b.0.c.0.1.d\n");
}

#[test]
fn lines_are_indented_by_the_brackets_that_are_open() {
    check("a {\nb {\nc = [\n1,\n]\n}\n}\n", "a {\n  b {\n    c = [\n      1,\n    ]\n  }\n}\n");
    // However many a line opens, what is in them is one step further in.
    check("a = f(g({\nb = 1\n}), [\n2\n])\n", "a = f(g({\n  b = 1\n  }), [\n  2\n])\n");
    check("a = [[[\n1\n]]]\n", "a = [[[\n  1\n]]]\n");
    check("a = [1,\n2,\n3]\n", "a = [1,\n  2,\n3]\n");
    check("a = [{\nb = 1\n}, {\nc = 2\n}]\n", "a = [{\n  b = 1\n  }, {\n  c = 2\n}]\n");
    check("\ta {\n\t\tb = 1\n\t}\n", "a {\n  b = 1\n}\n");
    check("  # one\n  a {\n# two\n   }\n", "# one\na {\n  # two\n}\n");
    check("a {\n/* one\n      two */\nb = 1\n}\n", "a {\n  /* one\n      two */\n  b = 1\n}\n");
}

#[test]
fn equals_signs_of_neighbours_are_aligned() {
    check("a=1\nbbb   = 2\n", "a   = 1\nbbb = 2\n");
    check("a=1\n\nbbb=2\n", "a = 1\n\nbbb = 2\n");
    check("a=1\n# why\nbbb=2\n", "a = 1\n# why\nbbb = 2\n");
    // What goes on in the next line has no neighbours.
    check(
        "a=1\nbbb={\nc=2\ndd=3\n}\neeeee=4\nf=5\n",
        "a = 1\nbbb = {\n  c  = 2\n  dd = 3\n}\neeeee = 4\nf     = 5\n",
    );
    check("a = { b=1 }\nccc = [1]\n", "a   = { b = 1 }\nccc = [1]\n");
    check("x { a = 1 }\nyyy { b = 2 }\n", "x { a = 1 }\nyyy { b = 2 }\n");
    check("x = {\n\"a\"=1\n(b.c)=2\ndddd : 3\n}\n", "x = {\n  \"a\"   = 1\n  (b.c) = 2\n  dddd : 3\n}\n");
    check("ä=1\nbb=2\n", "ä  = 1\nbb = 2\n");
    check("a = <<EOT\nEOT\nbb=2\n", "a  = <<EOT\nEOT\nbb = 2\n");
}

#[test]
fn comments_of_neighbours_are_aligned() {
    check("a = 1# x\nbb = \"c\" // y\n", "a  = 1   # x\nbb = \"c\" // y\n");
    check("a = 1 # x\nb = 2\nccc = 3 # y\n", "a   = 1 # x\nb   = 2\nccc = 3 # y\n");
    check("a { # x\nb = 1    # y\n} # z\n", "a {     # x\n  b = 1 # y\n}       # z\n");
    check("a = [\n1,# x\n222, # y\n]\n", "a = [\n  1,   # x\n  222, # y\n]\n");
    check("a = 1 /* x */\nbbb = /* y */ 2\n", "a   = 1 /* x */\nbbb = /* y */ 2\n");
    check("a   = 1   # no line end", "a = 1 # no line end");
}

#[test]
fn tokens_stand_apart_or_together() {
    check("a = 1+2*3/4%5-6\n", "a = 1 + 2 * 3 / 4 % 5 - 6\n");
    check("a = - 1\n", "a = -1\n");
    check("a = b- - 1\n", "a = b- - 1\n");
    check("a = [- 1,b -1]\n", "a = [-1, b - 1]\n");
    check("a = b?-1:- 2\n", "a = b ? -1 : -2\n");
    check("a = ! b&&!c||d\n", "a = !b && !c || d\n");
    check(
        "a = b==1&&c!=2&&d<=3&&e>=4&&f<5&&g>6\n",
        "a = b == 1 && c != 2 && d <= 3 && e >= 4 && f < 5 && g > 6\n",
    );
    check("a = [ 1,2 , 3 ]\nb = { }\nc = [ ]\nd = f( )\n", "a = [1, 2, 3]\nb = {}\nc = []\nd = f()\n");
    check("a = {b=1,c=- 2}\n", "a = { b = 1, c = -2 }\n");
    check("a = b [ 0 ] . c [ * ] . d\n", "a = b[0].c[*].d\n");
    check("a = f( xs ... )\nb = n::f( 1 )\nc = (d)[ 0 ]\n", "a = f(xs...)\nb = n::f(1)\nc = (d)[0]\n");
    check("a = {for k , v in xs:k=>v... if k!=\"\"}\n", "a = { for k, v in xs : k => v... if k != \"\" }\n");
    check("a = [for x in[1]:x]\n", "a = [for x in [1] : x]\n");
    check("a   \"b\"   {   }\n", "a \"b\" {}\n");
    check("a = 1   \n\n   \nb = 2\n\n\n", "a = 1\n\n\nb = 2\n\n\n");
}

#[test]
fn what_strings_and_heredocs_say_stays() {
    check(
        "a = \"  x=1   ${ b }  %{ if c }d%{ endif } $${ e }\"\n",
        "a = \"  x=1   ${b}  %{if c}d%{endif} $${ e }\"\n",
    );
    check("a = \"x ${ {b=1} }\"\n", "a = \"x ${ { b = 1 } }\"\n");
    check("a = \"\\\"{\" # }\nb {\nc = 1\n}\n", "a = \"\\\"{\" # }\nb {\n  c = 1\n}\n");
    check(
        "a {\nb = <<-EOT\n  c   =   [\n    ${ d }\n  EOT\ne=1\n}\n",
        "a {\n  b = <<-EOT\n  c   =   [\n    ${d}\n  EOT\n  e = 1\n}\n",
    );
    check("a = <<EOT\nEOTX\n EOT \nb=1\n", "a = <<EOT\nEOTX\n EOT \nb = 1\n");
    check("a = f(<<A\nx\nA\n, <<B\ny\n  B\n)\nb=1\n", "a = f(<<A\nx\nA\n  , <<B\ny\n  B\n)\nb = 1\n");
}

#[test]
fn old_ways_of_writing_are_made_new() {
    check("a = \"${b}\"\n", "a = b\n");
    check("a = \"${ b ? \"${c}\" : d[0] }\" # e\n", "a = b ? \"${c}\" : d[0] # e\n");
    check("x \"y\" {\n  z { a = \"${b}\" }\n}\n", "x \"y\" {\n  z { a = b }\n}\n");
    for as_it_is in [
        "\"${b}${c}\"",
        "\"${b} \"",
        "[\"${b}\"]",
        "{ c = \"${b}\" }",
        "(\"${b}\")",
        "!\"${b}\"",
        "\"$${b}\"",
    ] {
        let text = format!("a = {as_it_is}\n");
        check(&text, &text);
    }
    check("a = \"${ (b) + (c) }\"\n", "a = (b) + (c)\n");
    check("a b \"c\" d-e {\n}\n", "a \"b\" \"c\" \"d-e\" {\n}\n");
    check("a /* one */ b /* two */ {\n}\n", "a /* one */ \"b\" /* two */ {\n}\n");
    check("variable \"a\" { type = \"map\" }\n", "variable \"a\" { type = map(string) }\n");
    check("variable \"a\" { type = \"string\" }\n", "variable \"a\" { type = string }\n");
    check("variable \"a\" { type = list }\n", "variable \"a\" { type = list(any) }\n");
    for as_it_is in
        ["variable \"a\" { type = \"number\" }\n", "output \"a\" { type = list }\n", "type = list\n"]
    {
        check(as_it_is, as_it_is);
    }
}

#[test]
fn line_ends_stay_and_a_byte_order_mark_goes() {
    check("\u{feff}a=1 # x\r\n\r\nbbb = {\r\nc=2\r\n}\r\n", "a = 1 # x\r\n\r\nbbb = {\r\n  c = 2\r\n}\r\n");
    check("a=1\r\nbbb=2\n", "a   = 1\r\nbbb = 2\n");
    check("a = <<EOT\r\n  x\r\nEOT\r\nbb=1\r\n", "a  = <<EOT\r\n  x\r\nEOT\r\nbb = 1\r\n");
    check("", "");
    check("  \n\t", "\n");
}

#[test]
fn what_is_not_valid_is_told() {
    let refused = format("main.hcl", "a=1\nb = [1\n").unwrap_err();
    let [diagnostic] = refused.diagnostics.iter().as_slice() else { panic!("one diagnostic") };
    assert_eq!(diagnostic.detail, "This [ is not closed.");
    assert_eq!(refused.sources.position(diagnostic.span.as_ref().unwrap()), Some((2, 5)));
}

/// The lexer runs only on what the parser has accepted; it must not panic or lose a letter on anything else either.
#[test]
fn the_lexer_survives_what_the_parser_refuses() {
    for text in [
        "\"", "a = \"${", "<<", "<<EOT", "<<-EOT\n", "\\", "~}", "}}}", "\"\\", "\"\\ä", "1e", "1.", "/*",
        "ä\u{0}", "$${", "\r",
    ] {
        let tokens = lexer::tokens(text);
        assert_eq!(written(&tokens, 0), text);
        laid_out(text);
    }
}

#[test]
fn a_changed_meaning_is_noticed() {
    let same = |before: &str, after: &str| {
        let mut sources = Sources::default();
        sources.add("", before);
        meaning::is_same(syntax::parse(&sources).0.remove(0).body, after)
    };
    for (before, after, expect) in [
        ("a = [ 1 ]", "a = [1]", true),
        ("a = [1]", "a = [2]", false),
        (
            "a = f( )\nb = { (f( )) = \"%{ if x }y%{ endif }\" }",
            "a = f()\nb = { (f()) = \"%{if x}y%{endif}\" }",
            true,
        ),
        ("a = \"b\"", "a = \"b \"", false),
        ("a = \"${b}\"", "a = b", true),
        ("a = \"${b}\"", "a = c", false),
        ("a b {}", "a \"b\" {}", true),
        ("a b {}", "a \"c\" {}", false),
        ("variable b { type = list }", "variable b { type = list(any) }", true),
        ("variable b { type = list }", "variable b { type = list(string) }", false),
        ("variable b { type = \"list\" }", "variable b { type = list(string) }", true),
        ("variable b { type = \"map\" }", "variable b { type = list(string) }", false),
        ("a = 1\nb = 2", "a = 1", false),
        ("a = 1", "a = ", false),
        ("a = b-1", "a = b - 1", false),
    ] {
        assert_eq!(same(before, after), expect, "{before} and {after}");
    }
}

/// In a build without optimisation this would take minutes if any pass were quadratic.
#[test]
fn large_texts_take_no_longer_than_their_size_says() {
    let heredoc = format!("a = <<EOT\n{}EOT\n", "  a line of text\n".repeat(100_000));
    let blocks = "resource \"value\" \"x\" {\ninput={ a=1,b=\"${c}\" }# d\n}\n".repeat(25_000);
    let run = "a=1 # b\n".repeat(100_000);
    for text in [heredoc, blocks, run] {
        assert_eq!(laid_out(&text).lines().count(), text.lines().count());
    }
}
