//! `format` and `formatlist`.
//!
//! A verb is `%`, flags (`-`, `+`, space, `0`, `#`), a width, a `.` with a precision, an argument's position in brackets, and a
//! letter.

use bigdecimal::num_bigint::BigInt;
use bigdecimal::num_traits::Signed as _;
use bigdecimal::{BigDecimal, RoundingMode, Zero};
use unicode_segmentation::UnicodeSegmentation as _;

use super::arguments::check_length;
use super::{Call, Failure, Function, Outcome, Parameter, Shape, json, string};
use crate::lang::{convert, number};
use crate::types::Type;
use crate::value::{Kind, Marks, Value};

/// The largest width and precision.
const WIDTH_MAX: usize = 1_000;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("format", &[Parameter::text("format")], Shape::Text, |call| {
        format(call.text(0)?, call.rest(1)).map(Value::from)
    })
    .with_rest(Parameter::any("values").nullable()),
    Function::new("formatlist", &[Parameter::text("format")], Shape::Texts, format_list)
        .with_rest(Parameter::any("values").nullable().in_parts()),
];

/// One verb of a format.
#[derive(Default)]
struct Verb {
    left: bool,
    plus: bool,
    space: bool,
    zeros: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
    position: Option<usize>,
    letter: char,
}

/// Lists give one text per element, everything else goes into each of them.
fn format_list(call: &Call<'_>) -> Outcome {
    let arguments = call.rest(1);
    let mut length = None;
    for (at, argument) in arguments.iter().enumerate() {
        let Some(list) = argument.as_list() else { continue };
        match length {
            Some(length) if length != list.len() => {
                let problem =
                    format!("the lists must be of one length, but this one has {}, not {length}", list.len());
                return Err(Failure::at(at + 1, problem));
            }
            _ => length = Some(list.len()),
        }
    }
    let element = |argument: &Value, at: usize| match argument.as_list() {
        Some(list) => list.get(at).cloned().unwrap_or_else(Value::null),
        None => argument.clone(),
    };
    let mut bytes = 0usize;
    let texts = (0..length.unwrap_or(1)).map(|at| {
        let row: Vec<Value> = arguments.iter().map(|argument| element(argument, at)).collect();
        let marks = Marks::of(&row);
        let text = match row.iter().all(Value::is_wholly_known) {
            true => format(call.text(0)?, &row).map(Value::from)?,
            false => Value::unknown(Type::String),
        };
        bytes = bytes.saturating_add(text.as_str().map_or(0, str::len));
        check_length(bytes)?;
        Ok(text.marked(marks))
    });
    Ok(Value::list(texts.collect::<Result<Vec<_>, _>>()?))
}

fn format(pattern: &str, arguments: &[Value]) -> Result<String, Failure> {
    let mut text = String::new();
    let mut rest = pattern;
    let (mut next, mut used) = (0, 0);
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        let (verb, after) = read_verb(rest)?;
        let position = verb.position.unwrap_or(next);
        let argument = arguments.get(position).ok_or_else(|| {
            let have = arguments.len();
            Failure::at(
                0,
                format!("%{} needs value number {}, but there are {have}", verb.letter, position + 1),
            )
        })?;
        text.push_str(&write_verb(&verb, argument).map_err(|problem| Failure::at(position + 1, problem))?);
        check_length(text.len())?;
        next = position + 1;
        used = used.max(next);
        rest = after;
    }
    if used < arguments.len() {
        return Err(Failure::at(used + 1, format!("too many values: the format uses only {used}")));
    }
    text.push_str(rest);
    Ok(text)
}

fn read_verb(text: &str) -> Result<(Verb, &str), Failure> {
    let mut verb = Verb::default();
    let mut rest = text;
    loop {
        let flag = match rest.as_bytes().first() {
            Some(b'-') => &mut verb.left,
            Some(b'+') => &mut verb.plus,
            Some(b' ') => &mut verb.space,
            Some(b'0') => &mut verb.zeros,
            Some(b'#') => &mut verb.alternate,
            _ => break,
        };
        *flag = true;
        rest = &rest[1..];
    }
    (verb.width, rest) = read_size(rest)?;
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = read_size(after)?;
        (verb.precision, rest) = (Some(precision), after);
    }
    if let Some(after) = rest.strip_prefix('[') {
        let (position, after) = read_size(after)?;
        let after = after.strip_prefix(']').filter(|_| position > 0);
        rest = after.ok_or_else(|| Failure::at(0, "a position in brackets counts from 1, as in %[1]s"))?;
        verb.position = Some(position - 1);
    }
    let mut letters = rest.chars();
    match letters.next() {
        Some(letter) if letter.is_ascii_alphabetic() => verb.letter = letter,
        Some(letter) => {
            return Err(Failure::at(0, format!("the format has an unexpected {letter:?} after a %")));
        }
        None => return Err(Failure::at(0, "the format ends inside a verb; write %% for a percent sign")),
    }
    Ok((verb, letters.as_str()))
}

fn read_size(text: &str) -> Result<(usize, &str), Failure> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    match digits {
        "" => Ok((0, rest)),
        digits => {
            let size = digits.parse().ok().filter(|size| *size <= WIDTH_MAX);
            let size =
                size.ok_or_else(|| Failure::at(0, format!("a width or precision is at most {WIDTH_MAX}")))?;
            Ok((size, rest))
        }
    }
}

fn write_verb(verb: &Verb, value: &Value) -> Result<String, String> {
    match verb.letter {
        'v' if verb.alternate => Ok(padded(verb, json::write(value)?)),
        'v' => match value.kind() {
            Kind::Null => Ok(padded(verb, "null".into())),
            Kind::String(text) => Ok(padded(verb, text.to_string())),
            Kind::Number(number) => Ok(number_text(verb, 'g', number)?),
            Kind::Bool(truth) => Ok(padded(verb, truth.to_string())),
            _ => Ok(padded(verb, json::write(value)?)),
        },
        't' => Ok(converted(verb, value, &Type::Bool)?.as_bool().unwrap_or_default().to_string()),
        's' => {
            let text = as_text(verb, value)?;
            let text = match verb.precision {
                Some(precision) => text.graphemes(true).take(precision).collect(),
                None => text,
            };
            Ok(padded(verb, text))
        }
        'q' => Ok(padded(verb, json::quoted(&as_text(verb, value)?, false))),
        'd' | 'b' | 'o' | 'x' | 'X' => {
            let converted = converted(verb, value, &Type::Number)?;
            let integer = converted.as_number().and_then(number::integer);
            integer_text(verb, &integer.ok_or("a whole number is required")?)
        }
        'e' | 'E' | 'f' | 'g' | 'G' => {
            let converted = converted(verb, value, &Type::Number)?;
            let zero = BigDecimal::zero();
            number_text(verb, verb.letter, converted.as_number().unwrap_or(&zero))
        }
        letter => Err(format!("there is no verb %{letter}")),
    }
}

fn converted(verb: &Verb, value: &Value, ty: &Type) -> Result<Value, String> {
    if value.is_null() {
        return Err(format!("null cannot be formatted with %{}", verb.letter));
    }
    convert(value, ty).map_err(|error| format!("with %{}, {error}", verb.letter))
}

fn as_text(verb: &Verb, value: &Value) -> Result<String, String> {
    Ok(converted(verb, value, &Type::String)?.as_str().unwrap_or_default().to_owned())
}

fn padded(verb: &Verb, text: String) -> String {
    if verb.width == 0 {
        return text;
    }
    let missing = " ".repeat(verb.width.saturating_sub(string::length(&text)));
    if verb.left { text + &missing } else { missing + &text }
}

/// A sign and digits in the width of a verb, perhaps with zeros between them.
fn signed(verb: &Verb, negative: bool, prefix: &str, digits: &str) -> String {
    let sign = match (negative, verb.plus, verb.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    let length = sign.len() + prefix.len() + digits.len();
    match verb.zeros && !verb.left {
        true => format!("{sign}{prefix}{}{digits}", "0".repeat(verb.width.saturating_sub(length))),
        false => padded(verb, format!("{sign}{prefix}{digits}")),
    }
}

fn integer_text(verb: &Verb, integer: &BigInt) -> Result<String, String> {
    let (radix, prefix) = match verb.letter {
        'b' => (2, "0b"),
        'o' => (8, "0"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let digits = integer.abs().to_str_radix(radix);
    let digits = if verb.letter == 'X' { digits.to_uppercase() } else { digits };
    let missing = "0".repeat(verb.precision.unwrap_or(0).saturating_sub(digits.len()));
    let prefix = if verb.alternate { prefix } else { "" };
    Ok(signed(verb, integer.is_negative(), prefix, &format!("{missing}{digits}")))
}

fn number_text(verb: &Verb, letter: char, given: &BigDecimal) -> Result<String, String> {
    let magnitude = given.abs();
    let digits = match letter {
        'f' => fixed(&magnitude, verb.precision.unwrap_or(6)),
        'e' | 'E' => scientific(&magnitude, Some(verb.precision.unwrap_or(6))),
        _ => shortest(&magnitude, verb.precision),
    };
    let digits = if letter.is_ascii_uppercase() { digits.to_uppercase() } else { digits };
    Ok(signed(verb, number::sign(given) < 0, "", &digits))
}

fn fixed(magnitude: &BigDecimal, precision: usize) -> String {
    let scale = i64::try_from(precision).unwrap_or(0);
    magnitude.with_scale_round(scale, RoundingMode::HalfEven).to_plain_string()
}

/// `d.ddde±dd`, with as many decimals as given, or as there are.
fn scientific(magnitude: &BigDecimal, precision: Option<usize>) -> String {
    let (digits, exponent) = significant(magnitude, precision.map(|precision| precision + 1));
    let (first, others) = digits.split_at(1);
    let point = if others.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{others}e{sign}{:02}", exponent.unsigned_abs())
}

/// The shorter of both forms, as `%g` has it: with an exponent when that is below -4, or not below the precision (21 if none).
fn shortest(magnitude: &BigDecimal, precision: Option<usize>) -> String {
    let wanted = precision.map(|precision| precision.max(1));
    let (digits, exponent) = significant(magnitude, wanted);
    let trimmed = digits.trim_end_matches('0').len().max(1);
    let limit = wanted.and_then(|wanted| i64::try_from(wanted).ok()).unwrap_or(21);
    if exponent < -4 || exponent >= limit {
        return scientific(magnitude, Some(trimmed - 1));
    }
    let decimals = i64::try_from(trimmed).unwrap_or(0) - 1 - exponent;
    fixed(magnitude, usize::try_from(decimals).unwrap_or(0))
}

/// The significant digits (rounded to a number of them, if given) and the power of ten of the first.
fn significant(magnitude: &BigDecimal, count: Option<usize>) -> (String, i64) {
    if magnitude.is_zero() {
        return ("0".repeat(count.unwrap_or(1)), 0);
    }
    let normal = magnitude.normalized();
    let wanted = count.and_then(|count| std::num::NonZeroU64::new(u64::try_from(count).unwrap_or(1)));
    let rounded =
        wanted.map_or(normal.clone(), |wanted| normal.with_precision_round(wanted, RoundingMode::HalfEven));
    let (integer, scale) = rounded.into_bigint_and_exponent();
    let mut digits = integer.to_string();
    let exponent = i64::try_from(digits.len()).unwrap_or(0) - 1 - scale;
    if let Some(count) = count {
        let missing = count.saturating_sub(digits.len());
        digits.push_str(&"0".repeat(missing));
    }
    (digits, exponent)
}
