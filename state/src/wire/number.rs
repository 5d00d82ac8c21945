//! Exact numbers in JSON: as a JSON number wherever every reader gets the same one back, as a text otherwise.

use bigdecimal::BigDecimal;
use serde_json::Number;

/// The most digits, and the largest exponent, of a number that is stored: more is an attack, not a number.
pub(crate) const DIGITS_MAX: usize = 100_000;

/// A number's image.
#[derive(Debug, PartialEq)]
pub(crate) enum NumberBody {
    /// A JSON number.
    Plain(Number),
    /// Its decimal text.
    Text(String),
}

impl NumberBody {
    /// The image of a number; `None` if it is too large to be stored.
    pub(crate) fn new(number: &BigDecimal) -> Option<Self> {
        let text = text(number)?;
        let plain = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
        match plain.ok().or_else(|| double(&text, number)) {
            Some(plain) => Some(Self::Plain(plain)),
            None => Some(Self::Text(text)),
        }
    }
}

/// The one text of a number: the same for equal numbers. `None` if it is too large.
pub(crate) fn text(number: &BigDecimal) -> Option<String> {
    let number = number.normalized();
    let (digits, scale) = number.as_bigint_and_scale();
    let exponent = scale.checked_neg()?;
    if number.digits() > DIGITS_MAX as u64 || exponent.unsigned_abs() > DIGITS_MAX as u64 {
        return None;
    }
    Some(match exponent {
        -40..=40 => number.to_plain_string(),
        _ => format!("{digits}e{exponent}"),
    })
}

/// A number from its text; `None` if it is none, or too large.
pub(crate) fn parse(text: &str) -> Option<BigDecimal> {
    let decimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    if text.len() > DIGITS_MAX + 40 || !text.bytes().all(decimal) {
        return None;
    }
    let number = text.parse::<BigDecimal>().ok()?;
    let (_, scale) = number.as_bigint_and_scale();
    (scale.unsigned_abs() <= 2 * DIGITS_MAX as u64).then_some(number)
}

/// The JSON number that is read back as exactly this one, if there is one.
///
/// It is tried out, because JSON's reader may be one unit in the last place off.
fn double(text: &str, number: &BigDecimal) -> Option<Number> {
    if text.len() > 20 {
        return None;
    }
    let double = Number::from_f64(text.parse().ok()?)?;
    let back: Number = serde_json::from_str(&double.to_string()).ok()?;
    (parse(&back.to_string())? == *number).then_some(double)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: &str, expect: &str) {
        let number: BigDecimal = number.parse().unwrap();
        let (image, back) = match NumberBody::new(&number) {
            None => ("too large".to_owned(), number.clone()),
            Some(NumberBody::Text(text)) => (format!("{text:?}"), parse(&text).unwrap()),
            Some(NumberBody::Plain(plain)) => {
                let plain = plain.to_string();
                let read: Number = serde_json::from_str(&plain).unwrap();
                let back = parse(&read.to_string()).unwrap();
                (plain, back)
            }
        };
        assert_eq!((image.as_str(), &back), (expect, &number));
    }

    #[test]
    fn numbers_keep_every_digit() {
        check("0", "0");
        check("-0.0", "0");
        check("42", "42");
        check("1.50", "1.5");
        check("1e3", "1000");
        check("-9223372036854775808", "-9223372036854775808");
        check("18446744073709551615", "18446744073709551615");
        check("18446744073709551616", "\"18446744073709551616\"");
        check("0.1", "0.1");
        check("0.30000000000000004", "0.30000000000000004");
        check("0.1000000000000000055511151231257827", "\"0.1000000000000000055511151231257827\"");
        check("1e50", "1e+50");
        check("1e-300", "1e-300");
        check("1e400", "\"1e400\"");
        check("1e100001", "too large");
        check("1e-9223372036854775807", "too large");
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        for text in
            ["", "x", "1_000", "1e", "nan", "inf", "1e999999999999", "--1", "1e99999999999999999999999"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"9".repeat(2 * DIGITS_MAX)), None);
    }
}
