//! Regular expressions with the syntax and meaning of RE2, as Terraform has them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use ::regex::{Captures, Regex, RegexBuilder};

use super::arguments::check_parts;
use super::{Call, Failure, Function, Outcome, Parameter, Shape};
use crate::types::{Field, Type};
use crate::value::Value;

const PATTERN_AND_TEXT: &[Parameter] = &[Parameter::text("pattern"), Parameter::text("text")];

/// How large a compiled pattern may be, in bytes.
const SIZE_MAX: usize = 4 << 20;
/// How many compiled patterns are kept: loops use the same few again and again.
const CACHED_MAX: usize = 64;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("regex", PATTERN_AND_TEXT, Shape::Any, first),
    Function::new("regexall", PATTERN_AND_TEXT, Shape::List, all),
];

thread_local! {
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

/// Compiles a pattern; the error is a fragment that says what is wrong with it.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    if let Some(known) = COMPILED.with_borrow(|compiled| compiled.get(pattern).cloned()) {
        return Ok(known);
    }
    let built = RegexBuilder::new(&translate(pattern)).size_limit(SIZE_MAX).build();
    let regex = built.map_err(|error| match error {
        ::regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
        _ => "the pattern is not a valid regular expression (RE2 syntax, without look-around and back-references)".to_owned(),
    })?;
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.len() >= CACHED_MAX {
            compiled.clear();
        }
        compiled.insert(pattern.to_owned(), regex.clone());
    });
    Ok(regex)
}

/// RE2's `\d \w \s \b` mean ASCII only, and inside brackets it knows neither nested classes nor set operations.
fn translate(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len() + 16);
    let mut letters = pattern.chars().peekable();
    let mut inside = false;
    // Where a closing bracket still is a literal: right after `[` or `[^`.
    let mut opening = false;
    while let Some(letter) = letters.next() {
        let was_opening = std::mem::take(&mut opening);
        match letter {
            '\\' => match letters.next() {
                Some(escaped) => translated.push_str(&class(escaped, inside)),
                None => translated.push('\\'),
            },
            '[' if inside && letters.peek() == Some(&':') => {
                translated.push('[');
                for letter in letters.by_ref() {
                    translated.push(letter);
                    if letter == ']' {
                        break;
                    }
                }
            }
            '[' if inside => translated.push_str("\\["),
            '[' => {
                (inside, opening) = (true, true);
                translated.push('[');
                if letters.peek() == Some(&'^') {
                    letters.next();
                    translated.push('^');
                }
            }
            ']' if inside && was_opening => translated.push_str("\\]"),
            ']' if inside => {
                inside = false;
                translated.push(']');
            }
            '&' | '~' if inside => {
                translated.push('\\');
                translated.push(letter);
            }
            other => translated.push(other),
        }
    }
    translated
}

fn class(escaped: char, inside: bool) -> String {
    match escaped {
        'd' => "[0-9]".into(),
        'D' => "[^0-9]".into(),
        'w' => "[0-9A-Za-z_]".into(),
        'W' => "[^0-9A-Za-z_]".into(),
        's' => "[\\t\\n\\f\\r ]".into(),
        'S' => "[^\\t\\n\\f\\r ]".into(),
        'b' | 'B' if !inside => format!("(?-u:\\{escaped})"),
        other => format!("\\{other}"),
    }
}

fn prepared(call: &Call<'_>) -> Result<Regex, Failure> {
    let regex = compile(call.text(0)?).map_err(|problem| Failure::at(0, problem))?;
    let named = regex.capture_names().skip(1).filter(Option::is_some).count();
    if named != 0 && named != regex.captures_len() - 1 {
        return Err(Failure::at(0, "named and unnamed groups cannot be mixed"));
    }
    Ok(regex)
}

fn first(call: &Call<'_>) -> Outcome {
    let regex = prepared(call)?;
    match regex.captures(call.text(1)?) {
        Some(captures) => Ok(captured(&regex, &captures)),
        None => Err(Failure::new(
            "the pattern matches no part of the text; use try or regexall if it need not match",
        )),
    }
}

fn all(call: &Call<'_>) -> Outcome {
    let regex = prepared(call)?;
    let (mut found, mut parts) = (Vec::new(), 0);
    for captures in regex.captures_iter(call.text(1)?) {
        parts += regex.captures_len();
        check_parts(parts)?;
        found.push(captured(&regex, &captures));
    }
    Ok(Value::list(found).stating(captured_type(&regex)))
}

/// The type of every match of a pattern.
fn captured_type(regex: &Regex) -> Type {
    let text = |name: &str| (name.to_owned(), Field { ty: Type::String, optional: false });
    let named: BTreeMap<String, Field> = regex.capture_names().flatten().map(text).collect();
    match regex.captures_len() {
        1 => Type::String,
        count if named.is_empty() => Type::Tuple(vec![Type::String; count - 1]),
        _ => Type::Object(named),
    }
}

/// The match: its text, or its groups as a list, or as an object if they are named.
fn captured(regex: &Regex, captures: &Captures<'_>) -> Value {
    let none = || Value::null().stating(Type::String);
    let group = |at: usize| captures.get(at).map_or_else(none, |group| group.as_str().into());
    match regex.captures_len() {
        1 => group(0),
        count if regex.capture_names().flatten().next().is_none() => Value::list((1..count).map(group)),
        _ => {
            let names = regex.capture_names().enumerate();
            Value::object(names.filter_map(|(at, name)| Some((name?.to_owned(), group(at)))))
        }
    }
}
