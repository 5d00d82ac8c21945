//! `resource.Quantity`: numbers with a suffix, and their canonical form.

use std::cmp::Ordering;
use std::fmt;

/// The quantity as the server stores it (`1000m` → `1`, `1024Mi` → `1Gi`); `None` if it is none.
pub fn canonical(text: &str) -> Option<String> {
    Amount::parse(text).map(|amount| amount.to_string())
}

/// A quantity in thousandths (`500m` is 500); `None` if it is none or too big.
pub fn milli(text: &str) -> Option<i128> {
    let amount = Amount::parse(text)?;
    amount.nano.checked_add(999_999).map(|nano| nano.div_euclid(1_000_000))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

/// A quantity: an exact number of billionths, and how it was written. Quantities are ordered by their number.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    nano: i128,
    format: Format,
}

const NANO: i128 = 1_000_000_000;
const BINARY: [(&str, u32); 6] = [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
const DECIMAL: [(&str, i32); 10] =
    [("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("", 0), ("m", -3), ("u", -6), ("n", -9)];

impl Amount {
    /// The quantity that a text says; `None` if it says none, or one that is too big.
    pub fn parse(text: &str) -> Option<Self> {
        let end =
            text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (nano, format) = match suffix {
            suffix if suffix.starts_with(['e', 'E']) && suffix.len() > 1 && suffix != "Ei" => {
                let exponent: i32 = suffix.get(1..)?.parse().ok()?;
                (scaled(number, exponent)?, Format::Exponent)
            }
            suffix => match BINARY.iter().find(|(name, _)| *name == suffix) {
                Some((_, bits)) => {
                    (scaled(number, 0)?.checked_mul(1_i128.checked_shl(*bits)?)?, Format::Binary)
                }
                None => {
                    let (_, exponent) = DECIMAL.iter().find(|(name, _)| *name == suffix)?;
                    (scaled(number, *exponent)?, Format::Decimal)
                }
            },
        };
        Some(Self { nano, format })
    }

    /// The number, in billionths.
    pub fn nano(self) -> i128 {
        self.nano
    }

    /// The whole number that it is, if it is one.
    pub fn whole(self) -> Option<i64> {
        (self.nano % NANO == 0).then(|| i64::try_from(self.nano / NANO).ok()).flatten()
    }

    /// Both together, written as this one is.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self { nano: self.nano.checked_add(other.nano)?, ..self })
    }

    /// This one without the other, written as this one is.
    pub fn minus(self, other: Self) -> Option<Self> {
        Some(Self { nano: self.nano.checked_sub(other.nano)?, ..self })
    }

    /// A whole number.
    pub fn of_whole(number: i64) -> Self {
        Self { nano: i128::from(number) * NANO, format: Format::Decimal }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.nano % NANO == 0;
        let units = self.nano / NANO;
        if self.format == Format::Binary && whole && (units.abs() >= 1024 || units == 0) {
            return out.write_str(&print_binary(units));
        }
        out.write_str(&print_decimal(self.nano, self.format == Format::Exponent))
    }
}

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Amount {}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

/// The decimal `text` × 10^`exponent` in billionths, rounded up (away from zero).
fn scaled(text: &str, exponent: i32) -> Option<i128> {
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || digits.contains(['+', '-']) || fraction.contains('.') {
        return None;
    }
    let mut number: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let shift = exponent + 9 - i32::try_from(fraction.len()).ok()?;
    if shift >= 0 {
        number = number.checked_mul(10_i128.checked_pow(shift.unsigned_abs())?)?;
    } else {
        let divisor = 10_i128.checked_pow(shift.unsigned_abs())?;
        number = number / divisor + i128::from(number % divisor != 0);
    }
    Some(if negative { -number } else { number })
}

fn print_binary(units: i128) -> String {
    let fitting = BINARY.iter().find(|(_, bits)| units != 0 && units % (1_i128 << bits) == 0);
    match fitting {
        Some((suffix, bits)) => format!("{}{suffix}", units >> bits),
        None => units.to_string(),
    }
}

fn print_decimal(nano: i128, exponent: bool) -> String {
    if nano == 0 {
        return "0".to_owned();
    }
    for (suffix, power) in DECIMAL {
        let unit = 10_i128.pow((power + 9).unsigned_abs());
        if nano % unit == 0 {
            let suffix = if exponent && power != 0 { format!("e{power}") } else { suffix.to_owned() };
            return format!("{}{suffix}", nano / unit);
        }
    }
    nano.to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn canonical() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(super::canonical(text).as_deref(), expect, "{text}");
        };
        for (text, expect) in [
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("100m", "100m"),
            ("0.1", "100m"),
            ("1", "1"),
            ("1000", "1k"),
            ("1500", "1500"),
            ("0", "0"),
            ("500Ki", "500Ki"),
            ("512", "512"),
            ("1e3", "1e3"),
            ("2.5", "2500m"),
            ("1000Ki", "1000Ki"),
            ("0.5Gi", "512Mi"),
            ("1G", "1G"),
            ("-1500m", "-1500m"),
        ] {
            check(text, Some(expect));
        }
        for text in ["", "x", "1x", "1..2", "--1", "Mi"] {
            check(text, None);
        }
    }

    #[test]
    fn in_thousandths() {
        assert_eq!(super::milli("1.5"), Some(1500));
        assert_eq!(super::milli("1Ki"), Some(1_024_000));
    }
}
