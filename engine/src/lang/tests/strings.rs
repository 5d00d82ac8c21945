//! Functions over texts.

use super::check;

#[test]
fn letters() {
    check(&[
        (r#"upper("straße é ı ǆ")"#, r#""STRAßE É I Ǆ""#),
        (r#"lower("ÀÉÎ İ")"#, r#""àéî i""#),
        (
            r#"title("hello wORLD foo-bar foo_bar 1st élan don't")"#,
            r#""Hello WORLD Foo-Bar Foo_bar 1st Élan Don'T""#,
        ),
        (r#"title("ß ǆ")"#, r#""ß Ǆ""#),
    ]);
}

#[test]
fn trimming() {
    check(&[
        (r#"chomp("a\n\n")"#, r#""a""#),
        (r#"chomp("a\r\n")"#, r#""a""#),
        (r#"chomp("a\r")"#, r#""a""#),
        (r#"trimspace("\u00a0 a \t\n")"#, r#""a""#),
        (r#"trim("?!hello?!", "!?")"#, r#""hello""#),
        (r#"ltrim("a","a")"#, r#""""#),
        (r#"trimprefix("helloworld", "hello")"#, r#""world""#),
        (r#"rtrim("a!?", "?!")"#, r#""a""#),
        (r#"trimsuffix("a.hcl", ".hcl")"#, r#""a""#),
        (r#"trimsuffix("a", "b")"#, r#""a""#),
    ]);
}

#[test]
fn parts() {
    check(&[
        (r#"substr("hello world", 1, 4)"#, r#""ello""#),
        (r#"substr("hello", -3, -1)"#, r#""llo""#),
        (r#"substr("hello", 10, 2)"#, r#""""#),
        (r#"substr("hello", 2, 100)"#, r#""llo""#),
        (r#"substr("hello", -10, 2)"#, r#""he""#),
        (r#"substr("hello", 0, 0)"#, r#""""#),
        (r#"substr("he\u0301llo", 0, 2)"#, r#""he\u{301}""#),
        (r#"strrev("he\u0301llo")"#, r#""olle\u{301}h""#),
        (r#"startswith("abc","ab")"#, "true"),
        (r#"endswith("abc","")"#, "true"),
        (r#"strcontains("abc","b")"#, "true"),
        (r#"strcontains("a","")"#, "true"),
        (r#"substr("abc", 1e18, 1e18)"#, r#""""#),
        (r#"substr("abc", -1e18, 5)"#, r#""abc""#),
        (r#"substr("abc", 0.5, 1)"#, "Invalid function argument @ 0.5: substr: a whole number is required."),
    ]);
}

#[test]
fn joining_and_splitting() {
    check(&[
        (r#"join(",", ["a"], ["b","c"])"#, r#""a,b,c""#),
        (r#"join(",", [1,true])"#, r#""1,true""#),
        (r#"join(",", [])"#, r#""""#),
        (
            r#"join(",", ["a", null])"#,
            r#"Invalid function argument @ ["a", null]: join: an element is null; strings are required."#,
        ),
        (r#"join(",", toset(["b","a"]))"#, r#""a,b""#),
        (r#"split(",", "a,b,,c")"#, r#"["a", "b", "", "c"]"#),
        (r#"split("", "abc")"#, r#"["a", "b", "c"]"#),
        (r#"split(",", "")"#, r#"[""]"#),
        (r#"join(",", [sensitive("a")])"#, "(sensitive)"),
        (r#"split("", "é👍")"#, r#"["é", "👍"]"#),
        (
            r#"join(",", [var.unk])"#,
            r#"Unknown name @ var.unk: There is no variable "unk". Declare it with a block variable "unk" { }."#,
        ),
    ]);
}

#[test]
fn indentation() {
    check(&[
        (r#"indent(2, "a\nb\n\nc")"#, r#""a\n  b\n  \n  c""#),
        (r#"indent(-1, "a\nb")"#, "Invalid function argument @ -1: indent: the number must not be negative."),
        (
            r#"indent(999999999, "a\nb")"#,
            "Invalid function argument @ 999999999: indent: at most 1000 spaces are possible.",
        ),
    ]);
}

#[test]
fn replacing() {
    check(&[
        (r#"replace("a.b.c", ".", "-")"#, r#""a-b-c""#),
        (r#"replace("hello", "/l+/", "L")"#, r#""heLo""#),
        (r#"replace("hello", "/(l)(l)/", "$2-$1x")"#, r#""hel-o""#),
        (r#"replace("hello", "/(l)(l)/", "${2}-${1}x")"#, r#""he2-1xo""#),
        (r#"replace("hello", "/(?P<a>l)/", "<$a>")"#, r#""he<l><l>o""#),
        (r#"replace("a.b", "/", "-")"#, r#""a.b""#),
        (r#"replace("a/b", "/", "-")"#, r#""a-b""#),
        (r#"replace("aaa", "//", "-")"#, r#""-a-a-a-""#),
        (r#"replace("aaa", "", "-")"#, r#""-a-a-a-""#),
    ]);
}

#[test]
fn regular_expressions() {
    check(&[
        (r#"regex("[a-z]+", "123abc456")"#, r#""abc""#),
        (r#"regex("(\\d+)-(\\d+)", "1-2")"#, r#"["1", "2"]"#),
        (r#"regex("(?P<y>\\d+)-(?P<m>\\d+)", "2020-01")"#, r#"{"m": "01", "y": "2020"}"#),
        (
            r#"regex("z", "a")"#,
            r#"Invalid function argument @ regex("z", "a"): regex: the pattern matches no part of the text; use try or regexall if it need not match."#,
        ),
        (r#"regex("(a)|(b)", "b")"#, r#"[null, "b"]"#),
        (
            r#"regex("(?P<x>a)|(b)", "b")"#,
            r#"Invalid function argument @ "(?P<x>a)|(b)": regex: named and unnamed groups cannot be mixed."#,
        ),
        (r#"regexall("a(.)", "abac")"#, r#"[["b"], ["c"]]"#),
        (r#"regexall("z", "a")"#, "[]"),
        (r#"regexall("\\d", "٣1")"#, r#"["1"]"#),
        (
            r#"regex("(", "a")"#,
            r#"Invalid function argument @ "(": regex: the pattern is not a valid regular expression (RE2 syntax, without look-around and back-references)."#,
        ),
        (r#"regex("[[:alpha:]]+[^]a]", "ab]c")"#, r#""ab""#),
        (
            r#"regex("a{1000}{1000}{1000}", "a")"#,
            r#"Invalid function argument @ "a{1000}{1000}{1000}": regex: the pattern is too large."#,
        ),
        (r#"regex("[a&&b]+", "x&&")"#, r#""&&""#),
        (r#"regex("[\\w.-]+@", "a.b-c@")"#, r#""a.b-c@""#),
        (r#"regex("\\bfoo\\b", "a foo b")"#, r#""foo""#),
    ]);
}

#[test]
fn formats_of_texts_and_values() {
    check(&[
        (
            r#"format("%s %d %5.2f %x %X %o %b %e %g %t %q %v %%", "a", 5, 3.14159, 255, 255, 8, 5, 12345.678, 0.00001, true, "q\"", [1])"#,
            r#""a 5  3.14 ff FF 10 101 1.234568e+04 1e-05 true \"q\\\"\" [1] %""#,
        ),
        (r#"format("%v %v %v %v", 1, "a", true, null)"#, r#""1 a true null""#),
        (r#"format("%#v", {a=1})"#, r#""{\"a\":1}""#),
        (r#"format("%s", 1.5)"#, r#""1.5""#),
        (
            r#"format("%s", [1])"#,
            "Invalid function argument @ [1]: format: with %s, a string is required, not a list.",
        ),
        (r#"format("%[2]s %[1]s", "a", "b")"#, r#""b a""#),
        (
            r#"format("%s", "a", "b")"#,
            r#"Invalid function argument @ "b": format: too many values: the format uses only 1."#,
        ),
        (
            r#"format("%s %s", "a")"#,
            r#"Invalid function argument @ "%s %s": format: %s needs value number 2, but there are 1."#,
        ),
        (r#"format("%z", 1)"#, "Invalid function argument @ 1: format: there is no verb %z."),
        (r#"format("%v", 1e21)"#, r#""1e+21""#),
        (r#"format("%q", "a\nb\u00e9")"#, r#""\"a\\nbé\"""#),
        (
            r#"format("%*d", 5, 1)"#,
            r#"Invalid function argument @ "%*d": format: the format has an unexpected '*' after a %."#,
        ),
        (
            r#"format("%", 1)"#,
            r#"Invalid function argument @ "%": format: the format ends inside a verb; write %% for a percent sign."#,
        ),
        (
            r#"format("%s", null)"#,
            "Invalid function argument @ null: format: null cannot be formatted with %s.",
        ),
        (r#"format("%v", "x")"#, r#""x""#),
        (r#"format("%s", true)"#, r#""true""#),
        (r#"format("%t", "true")"#, r#""true""#),
        (
            r#"format("%t", 1)"#,
            "Invalid function argument @ 1: format: with %t, a bool is required, not a number.",
        ),
        (
            r#"format("%[99999999999999999999]d", 1)"#,
            r#"Invalid function argument @ "%[99999999999999999999]d": format: a width or precision is at most 1000."#,
        ),
        (
            r#"format("%s", var.unk)"#,
            r#"Unknown name @ var.unk: There is no variable "unk". Declare it with a block variable "unk" { }."#,
        ),
        (
            r#"format("%s", var.unk, sensitive(1))"#,
            r#"Unknown name @ var.unk: There is no variable "unk". Declare it with a block variable "unk" { }."#,
        ),
    ]);
}

#[test]
fn formats_of_numbers() {
    check(&[
        (
            r#"format("%d", "a")"#,
            r#"Invalid function argument @ "a": format: with %d, a number is required: the text is not a decimal number."#,
        ),
        (r#"format("%-5s|%5s|%05d|%+d|% d", "a", "b", 42, 42, 42)"#, r#""a    |    b|00042|+42| 42""#),
        (r#"format("%.2s", "hello")"#, r#""he""#),
        (r#"format("%d", 1.5)"#, "Invalid function argument @ 1.5: format: a whole number is required."),
        (r#"format("%f", 1)"#, r#""1.000000""#),
        (r#"format("%10.3f|", 3.14159)"#, r#""     3.142|""#),
        (
            r#"format("%x", "hello")"#,
            r#"Invalid function argument @ "hello": format: with %x, a number is required: the text is not a decimal number."#,
        ),
        (r#"format("%08b", 5)"#, r#""00000101""#),
        (r#"format("%5t|", true)"#, r#""true|""#),
        (r#"format("%e", 100)"#, r#""1.000000e+02""#),
        (r#"format("%g", 1e21)"#, r#""1e+21""#),
        (r#"format("%G", 1e-7)"#, r#""1E-07""#),
        (r#"format("%3d|%-3d|", 1, 2)"#, r#""  1|2  |""#),
        (r#"format("%#x", 255)"#, r#""0xff""#),
        (
            r#"format("%d", null)"#,
            "Invalid function argument @ null: format: null cannot be formatted with %d.",
        ),
        (r#"format("%d", "5")"#, r#""5""#),
        (
            r#"format("%999999999d", 1)"#,
            r#"Invalid function argument @ "%999999999d": format: a width or precision is at most 1000."#,
        ),
        (
            r#"format("%.999999999f", 1)"#,
            r#"Invalid function argument @ "%.999999999f": format: a width or precision is at most 1000."#,
        ),
        (r#"format("%1000s", "a") == "" "#, "false"),
        (r#"format("%d", -5)"#, r#""-5""#),
        (r#"format("%06d", -5)"#, r#""-00005""#),
        (r#"format("%.3d", 7)"#, r#""007""#),
        (r#"format("%x", -255)"#, r#""-ff""#),
        (r#"format("%.2e", 12345)"#, r#""1.23e+04""#),
        (r#"format("%g", 100000)"#, r#""100000""#),
        (r#"format("%.3g", 12345)"#, r#""1.23e+04""#),
        (r#"format("%f", 0.5)"#, r#""0.500000""#),
        (r#"format("%.0f", 2.5)"#, r#""2""#),
        (r#"format("%g", 0)"#, r#""0""#),
    ]);
}

#[test]
fn formats_of_lists() {
    check(&[
        (r#"formatlist("%s-%d", ["a","b"], [1,2])"#, r#"["a-1", "b-2"]"#),
        (r#"formatlist("%s-%s", ["a","b"], "x")"#, r#"["a-x", "b-x"]"#),
        (
            r#"formatlist("%s-%s", ["a","b"], ["x"])"#,
            r#"Invalid function argument @ ["x"]: formatlist: the lists must be of one length, but this one has 1, not 2."#,
        ),
        (r#"formatlist("a")"#, r#"["a"]"#),
        (r#"formatlist("%s", [])"#, "[]"),
        (r#"formatlist("%s", "a")"#, r#"["a"]"#),
    ]);
}
