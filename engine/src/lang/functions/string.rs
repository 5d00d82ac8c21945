//! Functions over texts. Positions and lengths count characters as a person sees them: grapheme clusters.

use unicode_segmentation::UnicodeSegmentation as _;

use super::arguments::{check_length, check_parts};
use super::{Call, Failure, Function, Outcome, Parameter, Shape, regex};
use crate::types::Type;
use crate::value::Value;

const TEXT: &[Parameter] = &[Parameter::text("text")];
const TWO_TEXTS: &[Parameter] = &[Parameter::text("text"), Parameter::text("part")];

/// The widest indentation.
const INDENT_MAX: usize = 1_000;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("chomp", TEXT, Shape::Text, |call| text(call.text(0)?.trim_end_matches(['\n', '\r']))),
    Function::new("endswith", TWO_TEXTS, Shape::Bool, |call| {
        Ok(Value::bool(call.text(0)?.ends_with(call.text(1)?)))
    }),
    Function::new("indent", &[Parameter::number("spaces"), Parameter::text("text")], Shape::Text, indent),
    Function::new("join", &[Parameter::text("separator")], Shape::Text, join)
        .with_rest(Parameter::of("lists", Shape::Texts)),
    Function::new("lower", TEXT, Shape::Text, |call| {
        Ok(map_letters(call.text(0)?, char::to_lowercase).into())
    }),
    Function::new(
        "replace",
        &[Parameter::text("text"), Parameter::text("part"), Parameter::text("by")],
        Shape::Text,
        replace,
    ),
    Function::new("split", &[Parameter::text("separator"), Parameter::text("text")], Shape::Texts, split),
    Function::new("startswith", TWO_TEXTS, Shape::Bool, starts_with).raw(),
    Function::new("strcontains", TWO_TEXTS, Shape::Bool, |call| {
        Ok(Value::bool(call.text(0)?.contains(call.text(1)?)))
    }),
    Function::new("strrev", TEXT, Shape::Text, |call| {
        Ok(call.text(0)?.graphemes(true).rev().collect::<String>().into())
    }),
    Function::new(
        "substr",
        &[Parameter::text("text"), Parameter::number("offset"), Parameter::number("length")],
        Shape::Text,
        substr,
    ),
    Function::new("title", TEXT, Shape::Text, |call| Ok(title(call.text(0)?).into())),
    Function::new("trim", TWO_TEXTS, Shape::Text, |call| {
        let letters = call.text(1)?;
        text(call.text(0)?.trim_matches(|letter| letters.contains(letter)))
    }),
    Function::new("trimprefix", TWO_TEXTS, Shape::Text, |call| {
        let given = call.text(0)?;
        text(given.strip_prefix(call.text(1)?).unwrap_or(given))
    }),
    Function::new("trimspace", TEXT, Shape::Text, |call| text(call.text(0)?.trim())),
    Function::new("trimsuffix", TWO_TEXTS, Shape::Text, |call| {
        let given = call.text(0)?;
        text(given.strip_suffix(call.text(1)?).unwrap_or(given))
    }),
    Function::new("upper", TEXT, Shape::Text, |call| {
        Ok(map_letters(call.text(0)?, char::to_uppercase).into())
    }),
];

fn text(text: &str) -> Outcome {
    Ok(Value::string(text))
}

/// How many characters a text has.
pub(super) fn length(text: &str) -> usize {
    text.graphemes(true).count()
}

/// Every letter changed on its own; one that would become several is left, or becomes the first of them.
fn map_letters<I: Iterator<Item = char>>(text: &str, change: fn(char) -> I) -> String {
    text.chars()
        .map(|letter| {
            let mut changed = change(letter);
            match (changed.next(), changed.next()) {
                (Some(first), None) => first,
                // Only the dotted capital I has a plain letter as the start of its lower case.
                (Some(first), Some(_)) if letter == '\u{130}' => first,
                _ => letter,
            }
        })
        .collect()
}

fn indent(call: &Call<'_>) -> Outcome {
    let spaces = call.size(0)?;
    if spaces > INDENT_MAX {
        return Err(Failure::at(0, format!("at most {INDENT_MAX} spaces are possible")));
    }
    let given = call.text(1)?;
    check_length(given.len().saturating_add(given.matches('\n').count().saturating_mul(spaces)))?;
    Ok(given.replace('\n', &format!("\n{}", " ".repeat(spaces))).into())
}

fn join(call: &Call<'_>) -> Outcome {
    if call.count() < 2 {
        return Err(Failure::new("at least one list is required"));
    }
    let mut parts = Vec::new();
    for at in 1..call.count() {
        parts.extend(call.texts(at)?);
    }
    let separator = call.text(0)?;
    let length =
        parts.iter().map(|part| part.len().saturating_add(separator.len())).fold(0, usize::saturating_add);
    check_length(length)?;
    Ok(parts.join(separator).into())
}

/// A pattern between slashes is a regular expression.
fn replace(call: &Call<'_>) -> Outcome {
    let (given, part, by) = (call.text(0)?, call.text(1)?, call.text(2)?);
    match part.strip_prefix('/').and_then(|part| part.strip_suffix('/')) {
        Some(pattern) => {
            let pattern = regex::compile(pattern).map_err(|problem| Failure::at(1, problem))?;
            // Each group may repeat what was matched.
            let longest = by.len().saturating_add(by.matches('$').count().saturating_mul(given.len()));
            let matches = pattern.find_iter(given).count();
            check_length(given.len().saturating_add(matches.saturating_mul(longest)))?;
            Ok(pattern.replace_all(given, by).into_owned().into())
        }
        None => {
            check_length(given.len().saturating_add(given.matches(part).count().saturating_mul(by.len())))?;
            Ok(given.replace(part, by).into())
        }
    }
}

/// How an unknown text begins may be known already.
fn starts_with(call: &Call<'_>) -> Outcome {
    let (text, wanted) = (call.value(0)?, call.value(1)?);
    let answer = match (text.as_str(), text.known_prefix(), wanted.as_str()) {
        (Some(text), _, Some(wanted)) => Some(text.starts_with(wanted)),
        (None, Some(begins), Some(wanted)) if begins.starts_with(wanted) => Some(true),
        (None, Some(begins), Some(wanted)) if !wanted.starts_with(begins) => Some(false),
        _ => None,
    };
    let answer = answer.map_or(Value::unknown(Type::Bool), Value::bool);
    Ok(answer.marked(text.marks() | wanted.marks()))
}

fn split(call: &Call<'_>) -> Outcome {
    let (separator, given) = (call.text(0)?, call.text(1)?);
    check_parts(given.matches(separator).count())?;
    Ok(match separator {
        "" => Value::list(given.chars().map(|letter| Value::from(letter.to_string()))),
        separator => Value::list(given.split(separator).map(Value::from)),
    })
}

/// A negative offset counts from the end, a negative length means all that follows.
fn substr(call: &Call<'_>) -> Outcome {
    let (given, offset) = (call.text(0)?, call.integer(1)?);
    let start = usize::try_from(offset).unwrap_or_else(|_| {
        let back = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        length(given).saturating_sub(back)
    });
    let wanted = usize::try_from(call.integer(2)?).unwrap_or(usize::MAX);
    Ok(given.graphemes(true).skip(start).take(wanted).collect::<String>().into())
}

/// The first letter of every word in upper case. Letters, digits and `_` make up words.
fn title(given: &str) -> String {
    let mut inside = false;
    given
        .chars()
        .map(|letter| {
            let mut upper = letter.to_uppercase();
            let first = !inside;
            inside =
                letter.is_alphanumeric() || letter == '_' || !(letter.is_ascii() || letter.is_whitespace());
            match (first, upper.next(), upper.next()) {
                // Letters that are two in one have a third case.
                (true, Some('Ǆ'), None) => 'ǅ',
                (true, Some('Ǉ'), None) => 'ǈ',
                (true, Some('Ǌ'), None) => 'ǋ',
                (true, Some('Ǳ'), None) => 'ǲ',
                (true, Some(upper), None) => upper,
                _ => letter,
            }
        })
        .collect()
}
