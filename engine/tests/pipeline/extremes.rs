//! Stacks that are built to take all time or all memory.

use std::fmt::Write as _;

use crate::plans::{applied, stack};
use crate::world::Bed;

/// `locals` that each come from the one before; `step` says how, with `@` for that one.
fn chain(first: &str, step: &str, length: usize) -> String {
    let mut text = format!("locals {{\n  a0 = {first}\n");
    for at in 1..length {
        let step = step.replace('@', &format!("local.a{}", at - 1));
        writeln!(text, "  a{at} = {step}").unwrap();
    }
    text + "}\n"
}

fn check(text: &str, expect: &str) {
    let said = Bed::new().validated(&[("main.hcl", &stack(text))]);
    assert_eq!(said.lines().next().unwrap_or_default(), expect, "{}", &text[..text.len().min(300)]);
}

#[test]
fn a_long_chain_of_local_values_is_followed_to_its_end() {
    let last = "output \"o\" { value = local.a49999 }\n";
    check(&format!("{}{last}", chain("1", "@ + 1", 50_000)), "");
    let circle = chain("local.a49999", "@ + 1", 50_000);
    check(&circle, "main.hcl:3 Cycle");
}

#[test]
fn chains_that_grow_end() {
    check(&chain("1", "[@, @]", 200), "main.hcl:26 Value too large");
    check(&chain("1", "{ a = @, b = [@, @] }", 200), "main.hcl:17 Value too large");
    check(&chain("1", "[@]", 200), "main.hcl:104 Value nested too deeply");
    check(&chain("\"text\"", "\"${@}${@}\"", 200), "main.hcl:28 Text too long");
    check(&chain("[for i in range(1000) : i]", "[for a in @ : @]", 200), "main.hcl:5 Value too large");
}

#[test]
fn what_is_repeated_below_the_limit_is_planned_and_applied() {
    let text = chain("\"x\"", "[@, @]", 13);
    let bed = Bed::new();
    applied(
        &bed,
        &stack(&format!("{text}resource \"thing\" \"a\" {{\n  name  = \"a\"\n  input = local.a12\n}}\n")),
    );
}
