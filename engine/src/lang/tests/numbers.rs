//! Numbers and the functions over them.

use super::check;

#[test]
fn numbers_are_exact_decimals() {
    check(&[
        ("0.1 + 0.2 == 0.3", "true"),
        ("1e21", "1000000000000000000000"),
        ("0.5e-1", "0.05"),
        ("9223372036854775808 + 1", "9223372036854775809"),
        ("18446744073709551616 * 18446744073709551616", "340282366920938463463374607431768211456"),
        ("1e400 > 1e399", "true"),
        ("1 / 3 * 3 == 1", "true"),
        ("2 / 3 * 3", "2"),
        ("5 / 2", "2.5"),
        ("100 / 8", "12.5"),
        ("-7 % 3", "-1"),
        ("7 % -3", "1"),
        ("7.5 % 2", "1.5"),
        ("-0", "0"),
        ("1.50", "1.5"),
        ("123456789012345678901234567890.123", "123456789012345678901234567890.123"),
        ("(1) + -2", "-1"),
        ("1 - -1", "2"),
        ("- 2", "-2"),
        (r#""5" + 1"#, "6"),
        (r#"-"5""#, "-5"),
    ]);
}

#[test]
fn quotients_without_an_end_are_rounded() {
    check(&[
        (
            "10 / 3",
            "3.3333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333",
        ),
        (
            "1 / 7",
            "0.14285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714285714",
        ),
        (
            "2 / 3",
            "0.66666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666",
        ),
        ("1 / 3 + 1 / 3 + 1 / 3", "1"),
    ]);
}

#[test]
fn comparisons_are_of_numbers() {
    check(&[
        (r#""10" < "9""#, "false"),
        ("1 <= 1.0", "true"),
        ("2 >= 3", "false"),
        (r#""a" < 1"#, r#"Invalid operand @ "a": A number is required: the text is not a decimal number."#),
    ]);
}

#[test]
fn rounding_and_signs() {
    check(&[
        (
            r#"abs("x")"#,
            r#"Invalid function argument @ "x": abs: a number is required: the text is not a decimal number."#,
        ),
        ("abs(null)", r#"Invalid function argument @ null: abs: the argument "number" must not be null."#),
        ("abs([])", "Invalid function argument @ []: abs: a number is required, not a list."),
        ("ceil(1.2)", "2"),
        ("ceil(-1.2)", "-1"),
        ("floor(-1.2)", "-2"),
        ("signum(-5)", "-1"),
        ("signum(0.5)", "1"),
        ("abs(-1.5)", "1.5"),
        ("ceil(1e-400)", "1"),
        ("floor(-1e-400)", "-1"),
    ]);
}

#[test]
fn extremes_and_sums() {
    check(&[
        ("max([1,2,3]...)", "3"),
        ("max(1, [2,3]...)", "3"),
        ("max(1, toset([2,3])...)", "3"),
        ("max()", "Invalid function argument @ max(): max: at least one number is required."),
        ("sum([1,2.5])", "3.5"),
        ("sum([])", "Invalid function argument @ []: sum: the list is empty."),
        (r#"sum(["1"])"#, "1"),
        ("sum([null])", "Invalid function argument @ [null]: sum: an element is null; numbers are required."),
        ("min(3,1,2)", "1"),
        (
            "max(1, var.unk)",
            r#"Unknown name @ var.unk: There is no variable "unk". Declare it with a block variable "unk" { }."#,
        ),
        (
            "max(var.unk...)",
            r#"Unknown name @ var.unk: There is no variable "unk". Declare it with a block variable "unk" { }."#,
        ),
        (
            "max(sensitive(1), var.unk...)",
            r#"Unknown name @ var.unk: There is no variable "unk". Declare it with a block variable "unk" { }."#,
        ),
        (r#"min("2", 1)"#, "1"),
    ]);
}

#[test]
fn powers_and_logarithms() {
    check(&[
        ("pow(2, 10)", "1024"),
        ("pow(2, -1)", "0.5"),
        ("pow(2, 0.5)", "1.4142135623730951"),
        ("pow(0, 0)", "1"),
        ("pow(0, -1)", "Invalid function argument @ pow(0, -1): pow: zero has no negative power."),
        ("pow(1.1, 3)", "1.331"),
        ("pow(-2, 3)", "-8"),
        ("pow(-8, 0.5)", "Invalid function argument @ pow(-8, 0.5): pow: the result is not a finite number."),
        ("log(8, 2)", "3"),
        ("log(100, 10)", "2"),
        ("log(0, 10)", "Invalid function argument @ 0: log: a positive number below 1e308 is required."),
        ("log(8, 1)", "Invalid function argument @ log(8, 1): log: the result is not a finite number."),
    ]);
}

#[test]
fn integers_in_other_bases() {
    check(&[
        (r#"parseint("ff",16)"#, "255"),
        (r#"parseint("FF",16)"#, "255"),
        (r#"parseint("-11",2)"#, "-3"),
        (r#"parseint("zZ",62)"#, "2231"),
        (
            r#"parseint("8",8)"#,
            r#"Invalid function argument @ "8": parseint: the text is not a whole number in base 8 ("8")."#,
        ),
        (
            r#"parseint("",10)"#,
            r#"Invalid function argument @ "": parseint: the text is not a whole number in base 10 ("")."#,
        ),
        (r#"parseint("z", 36)"#, "35"),
        (
            r#"parseint("1", 0)"#,
            "Invalid function argument @ 0: parseint: the base must be between 2 and 62.",
        ),
        (
            r#"parseint("1", 4294967298)"#,
            "Invalid function argument @ 4294967298: parseint: the base must be between 2 and 62.",
        ),
    ]);
}
