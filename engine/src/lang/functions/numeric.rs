//! Functions over numbers.

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, Num, One, ToPrimitive, Zero};

use super::{Call, Failure, Function, Outcome, Parameter, Shape};
use crate::lang::number;
use crate::value::Value;

const NUMBER: &[Parameter] = &[Parameter::number("number")];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abs", NUMBER, Shape::Number, |call| Ok(Value::number(call.number(0)?.abs()))),
    Function::new("ceil", NUMBER, Shape::Number, |call| {
        Ok(Value::number(number::round_whole(call.number(0)?, true)))
    }),
    Function::new("floor", NUMBER, Shape::Number, |call| {
        Ok(Value::number(number::round_whole(call.number(0)?, false)))
    }),
    Function::new("log", &[Parameter::number("number"), Parameter::number("base")], Shape::Number, log),
    Function::new("max", &[], Shape::Number, |call| extreme(call, |new, best| new > best))
        .with_rest(Parameter::number("numbers")),
    Function::new("min", &[], Shape::Number, |call| extreme(call, |new, best| new < best))
        .with_rest(Parameter::number("numbers")),
    Function::new(
        "parseint",
        &[Parameter::text("text"), Parameter::number("base")],
        Shape::Number,
        parse_int,
    ),
    Function::new("pow", &[Parameter::number("number"), Parameter::number("power")], Shape::Number, pow),
    Function::new("signum", NUMBER, Shape::Number, |call| Ok(Value::number(number::sign(call.number(0)?)))),
    Function::new("sum", &[Parameter::of("list", Shape::Sequence)], Shape::Number, sum),
];

fn extreme(call: &Call<'_>, better: fn(&BigDecimal, &BigDecimal) -> bool) -> Outcome {
    let mut best: Option<&BigDecimal> = None;
    for at in 0..call.count() {
        let number = call.number(at)?;
        if best.is_none_or(|best| better(number, best)) {
            best = Some(number);
        }
    }
    best.cloned().map(Value::number).ok_or_else(|| Failure::new("at least one number is required"))
}

fn log(call: &Call<'_>) -> Outcome {
    let to_float = |at: usize| -> Result<f64, Failure> {
        let float = call.number(at)?.to_f64().filter(|float| *float > 0.0 && float.is_finite());
        float.ok_or_else(|| Failure::at(at, "a positive number below 1e308 is required"))
    };
    let (number, base) = (to_float(0)?, to_float(1)?);
    from_float(number.ln() / base.ln())
}

fn pow(call: &Call<'_>) -> Outcome {
    let (base, power) = (call.number(0)?, call.number(1)?);
    match number::whole(power) {
        Some(power) => whole_power(base, power),
        None => match (base.to_f64(), power.to_f64()) {
            (Some(base), Some(power)) => from_float(base.powf(power)),
            _ => Err(too_large()),
        },
    }
}

/// Exact, by repeated squaring; the number of digits is bounded before the work is done.
fn whole_power(base: &BigDecimal, power: i64) -> Outcome {
    let times = power.unsigned_abs();
    if base.is_zero() && power < 0 {
        return Err(Failure::new("zero has no negative power"));
    }
    let trivial = base.is_zero() || base.abs().is_one();
    let digits = base.digits().max(base.fractional_digit_count().unsigned_abs());
    if !trivial && digits.saturating_mul(times) > 2 * number::DIGITS_MAX {
        return Err(too_large());
    }
    let times = if trivial { times % 2 + u64::from(times > 0) * 2 } else { times };
    let mut result = BigDecimal::one();
    let (mut square, mut left) = (base.clone(), times);
    while left > 0 {
        if left % 2 == 1 {
            result = &result * &square;
        }
        left /= 2;
        if left > 0 {
            square = square.square();
        }
    }
    let result = if power < 0 { number::quotient(&BigDecimal::one(), &result) } else { Some(result) };
    result.and_then(number::settled).map(Value::number).ok_or_else(too_large)
}

fn too_large() -> Failure {
    Failure::new(format!("the result has more than {} digits", number::DIGITS_MAX))
}

fn from_float(float: f64) -> Outcome {
    // The shortest decimal text of a double is what a person means by it.
    let number = float.is_finite().then(|| number::parse(&format!("{float:e}"))).flatten();
    number.map(Value::number).ok_or_else(|| Failure::new("the result is not a finite number"))
}

fn parse_int(call: &Call<'_>) -> Outcome {
    let text = call.text(0)?;
    let base = u32::try_from(call.integer(1)?).ok().filter(|base| (2..=62).contains(base));
    let base = base.ok_or_else(|| Failure::at(1, "the base must be between 2 and 62"))?;
    let limit = usize::try_from(number::DIGITS_MAX).unwrap_or(usize::MAX);
    let integer = if text.len() > limit { None } else { integer_in_base(text, base) };
    let integer = integer.ok_or_else(|| {
        Failure::at(0, format!("the text is not a whole number in base {base}")).showing(format!("{text:?}"))
    })?;
    Ok(Value::number(BigDecimal::from(integer)))
}

/// Up to base 36 letters of either case are the digits from 10 on; above it, `A` to `Z` follow `a` to `z`.
fn integer_in_base(text: &str, base: u32) -> Option<BigInt> {
    if base <= 36 {
        let plain = text.strip_prefix(['-', '+']).unwrap_or(text);
        let well_formed = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return if well_formed { BigInt::from_str_radix(text, base).ok() } else { None };
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut total = BigInt::zero();
    for letter in digits.bytes() {
        let digit = match letter {
            b'0'..=b'9' => letter - b'0',
            b'a'..=b'z' => letter - b'a' + 10,
            b'A'..=b'Z' => letter - b'A' + 36,
            _ => return None,
        };
        total = total * base + digit;
    }
    (!digits.is_empty()).then_some(if negative { -total } else { total })
}

fn sum(call: &Call<'_>) -> Outcome {
    let mut total: Option<BigDecimal> = None;
    for element in call.list(0)? {
        let number = super::as_number(element).map_err(|problem| Failure::at(0, problem))?;
        total = Some(total.map_or_else(|| number.clone(), |total| total + &number));
    }
    let total = total.ok_or_else(|| Failure::at(0, "the list is empty"))?;
    number::settled(total).map(Value::number).ok_or_else(too_large)
}
