//! Exact decimals and their bounds.
//!
//! Every number that enters (a literal, a text, a result) is held to [`DIGITS_MAX`], so that no exponent or product makes later
//! arithmetic, comparison or printing slow: those lay digits out in full.

use std::num::NonZeroU64;
use std::sync::Arc;

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive, Zero};

/// The most decimal digits before or after the point.
pub(crate) const DIGITS_MAX: u64 = 10_000;

/// A quotient that does not end is computed to [`QUOTIENT_DIGITS`]; results with a fraction that are longer than
/// [`FRACTION_DIGITS`] are rounded to it. The digits between guard the rounding: `1 / 3 * 3 == 1`.
const QUOTIENT_DIGITS: u64 = 170;
const FRACTION_DIGITS: u64 = 154;

/// A number from its decimal text: digits, an optional fraction, an optional exponent. `None` if it is no number or out of bounds.
pub(crate) fn parse(text: &str) -> Option<BigDecimal> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    let well_formed = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !well_formed || digits.len() as u64 > 2 * DIGITS_MAX || exponent.unsigned_abs() > 2 * DIGITS_MAX {
        return None;
    }
    let magnitude = digits.parse::<BigInt>().ok()?;
    let signed = if mantissa.starts_with('-') { -magnitude } else { magnitude };
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    bounded(BigDecimal::new(signed, scale))
}

/// The number, if it is within bounds.
pub(crate) fn bounded(number: BigDecimal) -> Option<BigDecimal> {
    if number.is_zero() {
        return Some(BigDecimal::zero());
    }
    let scale = number.fractional_digit_count();
    let limit = i64::try_from(DIGITS_MAX).ok()?;
    let whole_digits = i64::try_from(number.digits()).ok()?.saturating_sub(scale);
    (scale <= limit && whole_digits <= limit).then_some(number)
}

/// Bounds a result and rounds a fraction of more digits than anyone wrote.
pub(crate) fn settled(number: BigDecimal) -> Option<BigDecimal> {
    let number = match number.fractional_digit_count() > 0 && number.digits() > FRACTION_DIGITS {
        true => round_to(&number, FRACTION_DIGITS),
        false => number,
    };
    bounded(number)
}

/// The quotient, exact when it ends. `None` when the divisor is zero.
pub(crate) fn quotient(dividend: &BigDecimal, divisor: &BigDecimal) -> Option<BigDecimal> {
    let (numerator, numerator_scale) = dividend.as_bigint_and_exponent();
    let (denominator, denominator_scale) = divisor.as_bigint_and_exponent();
    if denominator.is_zero() {
        return None;
    }
    let shift = (QUOTIENT_DIGITS + divisor.digits()).saturating_sub(dividend.digits());
    let quotient = numerator * BigInt::from(10u8).pow(u32::try_from(shift).ok()?) / denominator;
    let scale = numerator_scale - denominator_scale + i64::try_from(shift).ok()?;
    Some(BigDecimal::new(quotient, scale).normalized())
}

/// The remainder, with the dividend's sign. `None` when the divisor is zero.
pub(crate) fn remainder(dividend: &BigDecimal, divisor: &BigDecimal) -> Option<BigDecimal> {
    (!divisor.is_zero()).then(|| dividend % divisor)
}

/// As it is shown: in full, never with an exponent, without trailing zeros.
pub(crate) fn show(number: &BigDecimal) -> String {
    let number = match number.fractional_digit_count() > 0 && number.digits() > FRACTION_DIGITS {
        true => round_to(number, FRACTION_DIGITS),
        false => number.clone(),
    };
    number.normalized().to_plain_string()
}

/// As a text value.
pub(crate) fn text(number: &BigDecimal) -> Arc<str> {
    show(number).into()
}

/// Whether it has no fraction.
pub(crate) fn is_whole(number: &BigDecimal) -> bool {
    number.fractional_digit_count() <= 0 || number.is_integer()
}

/// The machine integer that it is, if it is one.
pub(crate) fn whole(number: &BigDecimal) -> Option<i64> {
    if is_whole(number) { number.to_i64() } else { None }
}

/// The integer that it is, if it is whole.
pub(crate) fn integer(number: &BigDecimal) -> Option<BigInt> {
    is_whole(number).then(|| number.with_scale(0).into_bigint_and_exponent().0)
}

/// Rounds towards negative (`up` false) or positive infinity.
pub(crate) fn round_whole(number: &BigDecimal, up: bool) -> BigDecimal {
    number.with_scale_round(0, if up { RoundingMode::Ceiling } else { RoundingMode::Floor })
}

/// A number of `digits` significant digits, ties to even.
fn round_to(number: &BigDecimal, digits: u64) -> BigDecimal {
    match NonZeroU64::new(digits) {
        Some(digits) => number.with_precision_round(digits, RoundingMode::HalfEven),
        None => number.clone(),
    }
}

/// -1, 0 or 1.
pub(crate) fn sign(number: &BigDecimal) -> i64 {
    match number.sign() {
        Sign::Minus => -1,
        Sign::NoSign => 0,
        Sign::Plus => 1,
    }
}
