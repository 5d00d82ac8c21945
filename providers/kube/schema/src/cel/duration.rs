//! Spans of time as Go writes them: `1h30m`.

/// The nanoseconds of a span of time; `None` if the text says none.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(end);
        let (unit, nanoseconds) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        total = total.checked_add(scaled(number, *nanoseconds)?)?;
        rest = after.get(unit.len()..)?;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// The longer of those that begin alike come first.
const UNITS: [(&str, i128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let mut sum = format!("0{whole}").parse::<i128>().ok()?.checked_mul(unit)?;
    let mut part = unit;
    for digit in fraction.bytes() {
        part /= 10;
        sum = sum.checked_add(i128::from(digit - b'0').checked_mul(part)?)?;
    }
    Some(sum)
}

/// As `string()` writes it: in seconds.
pub(super) fn seconds(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let (whole, rest) =
        (nanoseconds.unsigned_abs() / 1_000_000_000, nanoseconds.unsigned_abs() % 1_000_000_000);
    let fraction = format!("{rest:09}");
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}s"),
        fraction => format!("{sign}{whole}.{fraction}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(parse(text).map(seconds).as_deref(), expect, "{text}");
        };
        check("1h30m", Some("5400s"));
        check("1.5s", Some("1.5s"));
        check("-2ms", Some("-0.002s"));
        check("0", Some("0s"));
        check("µs", None);
        check("1", None);
        check("", None);
        check("9999999999h", None);
    }
}
