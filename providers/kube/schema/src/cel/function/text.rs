//! Texts and regular expressions.

use std::sync::Arc;

use crate::cel::evaluate::{Failure, Outcome};
use crate::cel::operator::place;
use crate::cel::value::{Key, Value};
use crate::pattern;

pub(super) fn call(name: &str, is_member: bool, arguments: &[Value]) -> Option<Outcome> {
    match (name, arguments) {
        ("matches", [Value::Text(text), Value::Text(expression)]) => {
            return Some(regular(expression).map(|regex| Value::Bool(regex.is_match(text))));
        }
        ("strings.quote", [Value::Text(text)]) => return Some(Ok(Value::text(&format!("{text:?}")))),
        ("join", [Value::List(list), rest @ ..]) => {
            let separator = match rest {
                [Value::Text(separator)] => separator,
                [] => "",
                _ => return Some(Err(Failure::no_overload())),
            };
            return Some(joined(&list.items, separator));
        }
        _ if !is_member => return None,
        _ => {}
    }
    let [Value::Text(text), rest @ ..] = arguments else { return None };
    Some(match (name, rest) {
        ("contains", [Value::Text(part)]) => Ok(Value::Bool(text.contains(&**part))),
        ("startsWith", [Value::Text(part)]) => Ok(Value::Bool(text.starts_with(&**part))),
        ("endsWith", [Value::Text(part)]) => Ok(Value::Bool(text.ends_with(&**part))),
        ("lowerAscii", []) => Ok(Value::text(&text.to_ascii_lowercase())),
        ("upperAscii", []) => Ok(Value::text(&text.to_ascii_uppercase())),
        ("trim", []) => Ok(Value::text(text.trim())),
        ("charAt", [index]) => character(text, index),
        ("indexOf" | "lastIndexOf", [Value::Text(part), from @ ..]) => index_of(name, text, part, from),
        ("replace", [Value::Text(from), Value::Text(to)]) => Ok(Value::text(&text.replace(&**from, to))),
        ("replace", [Value::Text(from), Value::Text(to), Value::Int(most)]) => {
            Ok(Value::text(&match usize::try_from(*most) {
                Ok(most) => text.replacen(&**from, to, most),
                Err(_) => text.replace(&**from, to),
            }))
        }
        ("split", [Value::Text(separator)]) => Ok(split(text, separator, -1)),
        ("split", [Value::Text(separator), Value::Int(most)]) => Ok(split(text, separator, *most)),
        ("substring", [start]) => substring(text, start, None),
        ("substring", [start, end]) => substring(text, start, Some(end)),
        ("find", [Value::Text(expression)]) => {
            regular(expression).map(|regex| Value::text(regex.find(text).map_or("", |found| found.as_str())))
        }
        ("findAll", [Value::Text(expression)]) => found(text, expression, usize::MAX),
        ("findAll", [Value::Text(expression), Value::Int(most)]) => {
            found(text, expression, usize::try_from(*most).unwrap_or(usize::MAX))
        }
        ("format", [Value::List(list)]) => formatted(text, &list.items),
        _ => return None,
    })
}

fn regular(expression: &str) -> Result<regex::Regex, Failure> {
    pattern::compiled(expression)
        .ok_or_else(|| Failure::new(format!("error parsing regexp: invalid expression: `{expression}`")))
}

fn found(text: &str, expression: &str, most: usize) -> Outcome {
    let regex = regular(expression)?;
    Ok(Value::list(regex.find_iter(text).take(most).map(|found| Value::text(found.as_str())).collect()))
}

fn joined(items: &[Value], separator: &str) -> Outcome {
    let texts = items.iter().map(|item| match item {
        Value::Text(text) => Ok(&**text),
        _ => Err(Failure::no_overload()),
    });
    Ok(Value::text(&texts.collect::<Result<Vec<_>, _>>()?.join(separator)))
}

fn out_of_range(index: &Value) -> Failure {
    Failure::new(format!("index out of range: {}", index.as_text().unwrap_or_default()))
}

fn character(text: &str, index: &Value) -> Outcome {
    let length = text.chars().count();
    match place(index).filter(|at| *at <= length) {
        Some(at) => Ok(Value::text(&text.chars().nth(at).map(String::from).unwrap_or_default())),
        None => Err(out_of_range(index)),
    }
}

fn substring(text: &str, start: &Value, end: Option<&Value>) -> Outcome {
    let length = text.chars().count();
    let first = place(start).filter(|first| *first <= length).ok_or_else(|| out_of_range(start))?;
    let last = match end {
        Some(end) => place(end).filter(|last| *last <= length).ok_or_else(|| out_of_range(end))?,
        None => length,
    };
    if first > last {
        return Err(Failure::new(format!("invalid substring range. start: {first}, end: {last}")));
    }
    Ok(Value::text(&text.chars().skip(first).take(last - first).collect::<String>()))
}

fn index_of(name: &str, text: &str, part: &str, from: &[Value]) -> Outcome {
    let letters: Vec<char> = text.chars().collect();
    let part: Vec<char> = part.chars().collect();
    let is_last = name == "lastIndexOf";
    let from = match from {
        [] if is_last => letters.len(),
        [] => 0,
        [index] => place(index).filter(|at| *at <= letters.len()).ok_or_else(|| out_of_range(index))?,
        _ => return Err(Failure::no_overload()),
    };
    let is_at = |at: &usize| letters.get(*at..*at + part.len()) == Some(part.as_slice());
    let found = if is_last { (0..=from).rev().find(is_at) } else { (from..=letters.len()).find(is_at) };
    Ok(Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
}

fn split(text: &str, separator: &str, most: i64) -> Value {
    let parts: Vec<String> = match usize::try_from(most) {
        Ok(0) => Vec::new(),
        Ok(most) if separator.is_empty() => {
            let mut letters = text.chars();
            let mut parts: Vec<String> = letters.by_ref().take(most - 1).map(String::from).collect();
            let rest: String = letters.collect();
            parts.extend((!rest.is_empty()).then_some(rest));
            parts
        }
        Ok(most) => text.splitn(most, separator).map(str::to_owned).collect(),
        Err(_) if separator.is_empty() => text.chars().map(String::from).collect(),
        Err(_) => text.split(separator).map(str::to_owned).collect(),
    };
    Value::list(parts.iter().map(|part| Value::text(part)).collect())
}

/// `'%s is %d'.format([…])`.
fn formatted(pattern: &str, arguments: &[Value]) -> Outcome {
    let mut arguments = arguments.iter();
    let mut out = String::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let mut precision = None;
        if letters.next_if_eq(&'.').is_some() {
            let mut digits = String::new();
            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            precision = digits.parse::<usize>().ok().filter(|digits| *digits <= 100);
        }
        match letters.next() {
            Some('%') => out.push('%'),
            Some(verb) => {
                let missing = || Failure::new("index out of range: not enough arguments to format");
                out.push_str(&clause(verb, precision, arguments.next().ok_or_else(missing)?)?);
            }
            None => return Err(Failure::new("could not parse formatting clause: unexpected end of string")),
        }
    }
    Ok(Value::text(&out))
}

fn clause(verb: char, precision: Option<usize>, value: &Value) -> Result<String, Failure> {
    let digits = precision.unwrap_or(6);
    Ok(match (verb, value) {
        ('s', value) => shown(value),
        ('d', Value::Int(_) | Value::Uint(_)) => shown(value),
        ('f', Value::Double(number)) => format!("{number:.digits$}"),
        ('f', Value::Int(number)) => format!("{number}.{:0<digits$}", ""),
        ('e', Value::Double(number)) => format!("{number:.digits$e}"),
        ('b', Value::Int(number)) if *number < 0 => format!("-{:b}", number.unsigned_abs()),
        ('b', Value::Int(number)) => format!("{number:b}"),
        ('b', Value::Uint(number)) => format!("{number:b}"),
        ('b', Value::Bool(given)) => u8::from(*given).to_string(),
        ('o', Value::Int(number)) if *number >= 0 => format!("{number:o}"),
        ('x', Value::Int(number)) if *number >= 0 => format!("{number:x}"),
        ('X', Value::Int(number)) if *number >= 0 => format!("{number:X}"),
        ('x', Value::Uint(number)) => format!("{number:x}"),
        ('x', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ('X', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ('d' | 'f' | 'e' | 'b' | 'o' | 'x' | 'X', _) => {
            return Err(Failure::new(format!(
                "error during formatting: a {} is not for %{verb}",
                value.type_name()
            )));
        }
        _ => {
            return Err(Failure::new(format!(
                "could not parse formatting clause: unrecognized formatting clause \"{verb}\""
            )));
        }
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::List(list) => format!("[{}]", list.items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let entries =
                entries.iter().map(|(key, value)| format!("{}: {}", shown(&key.to_value()), shown(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.as_text().unwrap_or_default(),
    }
}

/// The entry of a map under a text.
pub(in crate::cel) fn key(name: &str) -> Key {
    Key::Text(Arc::from(name))
}
