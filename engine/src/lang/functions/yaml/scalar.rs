//! What plain scalars mean. Two dialects are spoken here: each reader of YAML that users know has its own.

use bigdecimal::BigDecimal;
use bigdecimal::Num as _;
use bigdecimal::num_bigint::BigInt;

use crate::lang::number;
use crate::value::Value;

/// Whose reading of YAML.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// As `yamldecode` in Terraform: a leading zero is decimal, dates become times, the last of equal keys counts.
    Terraform,
    /// As kubectl: a leading zero is octal (file modes), dates are texts, equal keys are an error.
    Kubernetes,
}

/// The value of an untagged plain scalar. The error is a fragment.
pub(super) fn plain(text: &str, dialect: Dialect) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::null()),
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => {
            return Ok(true.into());
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => {
            return Ok(false.into());
        }
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Ok(text.into());
    }
    if let Some(special) = text.trim_start_matches(['+', '-']).strip_prefix('.')
        && matches!(special, "inf" | "Inf" | "INF" | "nan" | "NaN" | "NAN")
    {
        return Err(format!("{text} is no finite number"));
    }
    Ok(match integer(text, dialect).or_else(|| decimal(text)) {
        Some(number) => Value::number(number),
        None if dialect == Dialect::Terraform && is_date(text) => format!("{text}T00:00:00Z").into(),
        None => text.into(),
    })
}

/// Integers with a base: hexadecimal, octal and (for Kubernetes) binary, there with a sign and with `_` between digits.
fn integer(text: &str, dialect: Dialect) -> Option<BigDecimal> {
    let kubernetes = dialect == Dialect::Kubernetes;
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) if kubernetes => (true, rest),
        _ => (false, text.strip_prefix('+').filter(|_| kubernetes).unwrap_or(text)),
    };
    let (radix, digits) = match unsigned.get(..2) {
        Some("0x") => (16, &unsigned[2..]),
        Some("0o") => (8, &unsigned[2..]),
        Some("0b") if kubernetes => (2, &unsigned[2..]),
        Some(prefix)
            if kubernetes && prefix.starts_with('0') && !unsigned.contains(['.', 'e', 'E', '8', '9']) =>
        {
            (8, &unsigned[1..])
        }
        _ if kubernetes && unsigned.contains('_') => (10, unsigned),
        _ => return None,
    };
    let digits = if kubernetes { digits.replace('_', "") } else { digits.to_owned() };
    let well_formed = digits.len() < 1_000 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let magnitude = if well_formed { BigInt::from_str_radix(&digits, radix).ok()? } else { return None };
    Some(BigDecimal::from(if negative { -magnitude } else { magnitude }))
}

fn decimal(text: &str) -> Option<BigDecimal> {
    number::parse(text)
}

/// `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        text.get(range).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text.len() == 10
        && digits(0..4)
        && digits(5..7)
        && digits(8..10)
        && text.get(4..5) == Some("-")
        && text.get(7..8) == Some("-")
}
