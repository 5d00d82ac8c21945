//! Inputs made to crash, hang or exhaust: each gives a value or a clear error.

use super::check;

#[test]
fn extremes_have_limits() {
    check(&[
        (
            "1e999999999",
            "Number out of range @ 1e999999999: Numbers have at most 10000 digits before and after the point.",
        ),
        (
            "1e-999999999",
            "Number out of range @ 1e-999999999: Numbers have at most 10000 digits before and after the point.",
        ),
        (
            "1e10000 * 10",
            "Number out of range @ 1e10000: Numbers have at most 10000 digits before and after the point.",
        ),
        ("1e9999 * 10", "Number out of range @ 1e9999 * 10: The result has more than 10000 digits."),
        (r#""${9999999999 * 1e9990}" == """#, "false"),
        (
            "pow(10, 9999999999)",
            "Invalid function argument @ pow(10, 9999999999): pow: the result has more than 10000 digits.",
        ),
        (
            "pow(1e5000, 3)",
            "Invalid function argument @ pow(1e5000, 3): pow: the result has more than 10000 digits.",
        ),
        (
            "pow(0.5, 100000)",
            "Invalid function argument @ pow(0.5, 100000): pow: the result has more than 10000 digits.",
        ),
        ("pow(1, 99999999999999)", "1"),
        ("pow(-1, 99999999999999)", "-1"),
        (
            "pow(2, 1e300)",
            "Invalid function argument @ pow(2, 1e300): pow: the result is not a finite number.",
        ),
        (
            "pow(1e300, 2.5)",
            "Invalid function argument @ pow(1e300, 2.5): pow: the result is not a finite number.",
        ),
        ("1 / 0", "Division by zero @ 0: The divisor is zero."),
        ("1 % 0", "Division by zero @ 0: The divisor is zero."),
        ("0 / 0", "Division by zero @ 0: The divisor is zero."),
        (
            "range(1e9)",
            "Invalid function argument @ range(1e9): range: the range has more than 1024 elements.",
        ),
        (
            "range(0, 1, 1e-9000)",
            "Invalid function argument @ range(0, 1, 1e-9000): range: the range has more than 1024 elements.",
        ),
        ("range(1, 2, 0)", "Invalid function argument @ 0: range: the step must not be zero."),
        (
            r#"format("%999999999d", 1)"#,
            r#"Invalid function argument @ "%999999999d": format: a width or precision is at most 1000."#,
        ),
        (
            r#"format("%.999999999f", 1)"#,
            r#"Invalid function argument @ "%.999999999f": format: a width or precision is at most 1000."#,
        ),
        (
            r#"format("%[99999999999999999999]d", 1)"#,
            r#"Invalid function argument @ "%[99999999999999999999]d": format: a width or precision is at most 1000."#,
        ),
        (
            r#"indent(999999999, "a\nb")"#,
            "Invalid function argument @ 999999999: indent: at most 1000 spaces are possible.",
        ),
        (r#"substr("abc", 1e18, 1e18)"#, r#""""#),
        (r#"substr("abc", -1e18, 5)"#, r#""abc""#),
        (
            r#"substr("abc", 1e19, 1)"#,
            "Invalid function argument @ 1e19: substr: a whole number is required.",
        ),
        ("[1, 2][1e999]", "Invalid index @ 1e999: The list has 2 elements: the last index is 1."),
        ("[1, 2][-1e999]", "Invalid index @ -1e999: An index counts from 0; it cannot be negative."),
        ("element([1, 2], 9223372036854775807)", "2"),
        ("element([1, 2], -9223372036854775808)", "1"),
        (
            "element([1, 2], 9223372036854775808)",
            "Invalid function argument @ 9223372036854775808: element: a whole number is required.",
        ),
        ("chunklist([1], 9223372036854775807)", "[[1]]"),
        (
            "slice([1, 2, 3], 9223372036854775807, 9223372036854775807)",
            "Invalid function argument @ 9223372036854775807: slice: the end must not be greater than the list's length, 3.",
        ),
        (
            r#"cidrsubnet("10.0.0.0/8", 4294967296, 1)"#,
            "Invalid function argument @ 4294967296: cidrsubnet: the number is too large.",
        ),
        (r#"cidrsubnet("::/0", 128, -1)"#, r#""ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128""#),
        (r#"cidrhost("::/0", -340282366920938463463374607431768211456)"#, r#""::""#),
        (
            r#"cidrsubnets("::/0", 1, 1, 1)"#,
            "Invalid function argument @ 1: cidrsubnets: the network has no room left for this subnet.",
        ),
        (
            r#"timeadd("9999-12-31T23:59:59Z", "1s")"#,
            r#"Invalid function argument @ "1s": timeadd: the result is beyond the years that can be written."#,
        ),
        (
            r#"timeadd("2017-11-22T00:00:00Z", "999999999999999999h")"#,
            r#"Invalid function argument @ "999999999999999999h": timeadd: a duration such as "1h30m" is required (units: h, m, s, ms, us, ns)."#,
        ),
        (
            r#"regex("a{1000}{1000}{1000}", "a")"#,
            r#"Invalid function argument @ "a{1000}{1000}{1000}": regex: the pattern is too large."#,
        ),
        (
            r#"regex("(a*)*(b|c)+$", join("", [for i in range(1000) : "a"]))"#,
            r#"Invalid function argument @ regex("(a*)*(b|c)+$", join("", [for i in range(1000) : "a"])): regex: the pattern matches no part of the text; use try or regexall if it need not match."#,
        ),
        (
            r#"jsondecode("-")"#,
            r#"Invalid function argument @ "-": jsondecode: the text is not JSON: line 1: this is not a number."#,
        ),
        (
            r#"jsondecode("1e99999")"#,
            r#"Invalid function argument @ "1e99999": jsondecode: the text is not JSON: line 1: the number is out of range."#,
        ),
        (r#"jsondecode("\"\\ud800\"")"#, r#""�""#),
        (
            r#"yamldecode("&a [*a]")"#,
            r#"Invalid function argument @ "&a [*a]": yamldecode: the text cannot be read as YAML (line 1: an alias stands inside of what it repeats)."#,
        ),
        (
            r#"textdecodebase64("YQ==", "UTF-16LE")"#,
            r#"Invalid function argument @ "YQ==": textdecodebase64: what is encoded is not UTF-16 text."#,
        ),
        (
            r#"urldecode("%é1")"#,
            r#"Invalid function argument @ "%é1": urldecode: a % must be followed by two hexadecimal digits."#,
        ),
        (
            r#"tonumber("1e99999999999999999999")"#,
            r#"Invalid function argument @ "1e99999999999999999999": tonumber: a number is required: the text is not a decimal number."#,
        ),
        (
            r#"tonumber("é")"#,
            r#"Invalid function argument @ "é": tonumber: a number is required: the text is not a decimal number."#,
        ),
        (
            r#""\u{0}""#,
            "Invalid syntax @ {: This cannot be read as an argument or a block. Is an operand, a quote or a bracket missing?",
        ),
        (
            r#""\ud800""#,
            "Invalid syntax @ d800: This cannot be read as an argument or a block. Is an operand, a quote or a bracket missing?",
        ),
        (
            "[for i in range(1024) : [for j in range(1024) : [for k in range(1024) : 1]]]",
            r#"Too many rounds @ range(1024): The loops of this expression make more than 2000000 rounds.
Too many rounds @ range(1024): The loops of this expression make more than 2000000 rounds.
Too many rounds @ range(1024): The loops of this expression make more than 2000000 rounds."#,
        ),
        (
            r#"replace(join("", [for i in range(1000) : "aaaaaaaaaa"]), "a", join("", [for i in range(1000) : "aaaaaaaaaa"]))"#,
            r#"Invalid function argument @ replace(join("", [for i in range(1000) : "aaaaaaaaaa"]), "a", join("", [for i in range(1000) : "aaaaaaaaaa"])): replace: the text would have more than 67108864 bytes."#,
        ),
        (r#"replace("aaa", "//", "-")"#, r#""-a-a-a-""#),
    ]);
}
