//! What would take all time or all memory is an error with its place, and comes at once.

use std::time::Instant;

use crate::world::{Shelf, evaluated};

/// Names a value and uses it: a loop of one round.
fn with(name: &str, value: &str, body: &str) -> String {
    format!("[for {name} in [{value}] : {body}][0]")
}

/// A value made of itself over and over: `step` says how, with `x` for the value before.
fn repeated(start: &str, step: &str, times: usize, body: &str) -> String {
    let inner = (0..times).fold(body.to_owned(), |inner, _| with("x", step, &inner));
    with("x", start, &inner)
}

fn check(expression: &str, expect: &str) {
    let started = Instant::now();
    let (_, said) = evaluated(expression, &Shelf::new());
    let said = said.first().cloned().unwrap_or_default();
    assert!(said.contains(expect), "{expression}: expected {expect:?}, found {said:?}");
    let seconds = started.elapsed().as_secs();
    assert!(seconds < SECONDS_MAX, "{expression} took {seconds} s");
}

/// Some seconds are enough; this is for builds without optimisation on machines that do ten other things.
const SECONDS_MAX: u64 = 600;

const NO_PROBLEM: &str = "";
const ROUNDS: &str = "Too many rounds";
const TOO_DEEP: &str = "Value nested too deeply";
const TOO_LARGE: &str = "Value too large";
const TOO_MUCH: &str = "Too much work";
const TEXT: &str = "the text would have more than 67108864 bytes";

#[test]
fn values_end_where_they_are_too_large() {
    check(&repeated("0", "[x, x]", 40, "1"), TOO_LARGE);
    check(&repeated("0", "{ a = x, b = x }", 40, "1"), TOO_LARGE);
    check(&repeated("0", "[for y in [1, 2] : x]", 40, "1"), TOO_LARGE);
    check(&repeated("0", "{ for y in [1, 2] : y => x }", 40, "1"), TOO_LARGE);
    check(&repeated("0", "{ for y in [1, 2] : a => x... }", 1, "1"), "Unknown name");
    check(&repeated("[0]", "concat(x, x)", 40, "1"), TOO_LARGE);
    check(&repeated("[0]", "[x, x][*]", 40, "1"), TOO_LARGE);
    // Of such a type nothing is kept.
    check(&repeated("var.any", "var.bool ? [x, x] : [x, x]", 40, "1"), NO_PROBLEM);
    check(&repeated("0", "[x, x]", 20, "1"), NO_PROBLEM);
    let whole = format!("[for i in range(1024) : {}]", repeated("0", "[x, x]", 18, "x"));
    check(&whole, TOO_LARGE);
}

#[test]
fn values_end_where_they_are_too_deep() {
    check(&repeated("0", "[[x]]", 50, "1"), NO_PROBLEM);
    check(&repeated("0", "[[x]]", 51, "1"), TOO_DEEP);
    check(&repeated("0", "toset([[x]])", 35, "1"), TOO_DEEP);
    check(&format!("jsondecode(\"{}1{}\")", "[".repeat(110), "]".repeat(110)), TOO_DEEP);
    check(&format!("jsondecode(\"{}\")", "[".repeat(100_000)), "nested more than 128 deep");
    check(&format!("yamldecode(\"{}\")", "[".repeat(100_000)), "cannot be read as YAML");
    check(&format!("1{}", "[*]".repeat(200)), TOO_DEEP);
}

#[test]
fn texts_end_where_they_are_too_long() {
    check(&repeated("0123456789", "join(\"\", [x, x])", 40, "1"), TEXT);
    check(&repeated("0123456789", "format(\"%s%s\", x, x)", 40, "1"), TEXT);
    check(&repeated("0123456789", "\"${x}${x}\"", 40, "1"), "Text too long");
    check(&repeated("0123456789", "replace(x, \"/./\", \"$0$0$0$0\")", 15, "1"), TEXT);
    check(&repeated("0123456789", "base64encode(x)", 60, "1"), TEXT);
    check(&repeated("\"%\"", "urlencode(x)", 17, "1"), NO_PROBLEM);
    check(&repeated("\"<<<<<<<<<<\"", "jsonencode([x, x, x, x])", 20, "1"), TEXT);
    let words = "\"sixty letters, so that there is more text than there are parts...\"";
    check(&repeated(words, "[x, x]", 20, "jsonencode([x, x])"), TEXT);
    check(&repeated(words, "[x, x]", 20, "yamlencode([x, x])"), TEXT);
    let lines = "%{ for i in range(1024) }%{ for j in range(1024) }0123456789012345678901234567890123456789\
                 0123456789012345678901234567890123456789%{ endfor }%{ endfor }";
    check(&format!("\"{lines}\""), "Text too long");
    check(
        &repeated(
            "0123456789",
            "join(\"\", [x, x])",
            20,
            "formatlist(\"%s%[1]s\", [for i in range(16) : x])",
        ),
        TEXT,
    );
}

#[test]
fn loops_end() {
    let thousand = |body: &str| format!("[for i in range(1000) : {body}]");
    check(&thousand(&thousand(&thousand("1"))), ROUNDS);
    check(&thousand(&thousand("concat(range(1000), [])[*]")), ROUNDS);
    check(
        "length(\"%{ for i in range(1024) }%{ for j in range(1024) }%{ for k in range(9) }%{ endfor }%{ endfor }%{ endfor }\")",
        ROUNDS,
    );
    let text = "join(\"\", [x, x])";
    check(&repeated("0123456789", text, 20, &thousand("startswith(x, \"1\")")), TOO_MUCH);
    check(&repeated("0", "[x, x]", 20, &thousand("var.bool ? x : [x]")), TOO_MUCH);
    check("setproduct([1, 2, 3, 4, 5, 6, 7, 8, 9], range(100), range(100), range(100))", "combinations");
}

#[test]
fn a_loop_does_not_tell_the_same_thousands_of_times() {
    let (_, said) = evaluated("[for i in range(1000) : { a = 1 }[\"b${i}\"]]", &Shelf::new());
    assert_eq!(said.len(), 21, "{said:?}");
    let (_, said) = evaluated("{ for i in range(1000) : i => { a = 1 }[\"b${i}\"] }", &Shelf::new());
    assert_eq!(said.len(), 21, "{said:?}");
    let (_, said) =
        evaluated("\"%{ for i in range(1000) }${ { a = 1 }[\"b${i}\"] }%{ endfor }\"", &Shelf::new());
    assert_eq!(said.len(), 21, "{said:?}");
}

#[test]
fn what_is_shown_of_a_value_is_short() {
    let (_, said) =
        evaluated(&repeated("0123456789", "join(\"\", [x, x])", 15, "lookup({}, x)"), &Shelf::new());
    assert!(said.iter().all(|said| said.len() < 5_000), "{}", said[0].len());
}

#[test]
fn looking_up_each_key_of_a_large_map_takes_time_in_proportion() {
    let map = "{ for i in flatten([for i in range(100) : [for j in range(1000) : i * 1000 + j]]) : \"key${i}\" => i }";
    check(&with("m", map, "length([for k in keys(m) : lookup(m, k, 0) + m[k]])"), NO_PROBLEM);
}
