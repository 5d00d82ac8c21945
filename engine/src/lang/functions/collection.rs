//! Functions over lists, maps and objects that move their parts about.

use std::collections::BTreeMap;

use super::types::unified;
use super::{Call, Failure, Function, Outcome, Parameter, Shape, string};
use crate::lang::evaluate::equality;
use crate::lang::unify::{element_type_of, unify};
use crate::lang::{convert, number};
use crate::types::Type;
use crate::value::{Kind, Marks, Object, Value};

const LIST: &[Parameter] = &[Parameter::sequence("list")];
const MAP: &[Parameter] = &[Parameter::entries("map")];

/// How deep `flatten` goes, against values built to exhaust the stack.
const DEPTH_MAX: usize = 128;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "chunklist",
        &[Parameter::list("list"), Parameter::number("size")],
        Shape::List,
        chunk_list,
    ),
    Function::new("coalesce", &[], Shape::Any, coalesce)
        .with_rest(Parameter::any("values").nullable().in_parts())
        .raw(),
    Function::new("coalescelist", &[], Shape::Sequence, coalesce_list)
        .with_rest(Parameter::sequence("lists").nullable())
        .raw(),
    Function::new("concat", &[], Shape::Sequence, concat).with_rest(Parameter::sequence("lists")),
    Function::new("element", &[Parameter::sequence("list"), Parameter::number("index")], Shape::Any, element),
    Function::new("flatten", LIST, Shape::Sequence, flatten),
    Function::new("keys", MAP, Shape::Sequence, keys),
    Function::new("length", &[Parameter::any("value").in_parts()], Shape::Number, length),
    Function::new(
        "lookup",
        &[Parameter::entries("map"), Parameter::text("key"), Parameter::any("default").nullable().in_parts()],
        Shape::Any,
        lookup,
    )
    .required(2),
    Function::new("merge", &[], Shape::Any, merge).with_rest(Parameter::entries("maps").nullable()),
    Function::new("one", LIST, Shape::Any, one),
    Function::new("range", &[Parameter::number("limit")], Shape::Numbers, range)
        .with_rest(Parameter::number("numbers")),
    Function::new("reverse", LIST, Shape::Sequence, |call| {
        Ok(like(call.value(0)?, call.list(0)?.iter().rev().cloned()))
    }),
    Function::new(
        "slice",
        &[Parameter::sequence("list"), Parameter::number("start"), Parameter::number("end")],
        Shape::Sequence,
        slice,
    ),
    Function::new("values", MAP, Shape::Sequence, values),
    Function::new(
        "zipmap",
        &[Parameter::of("keys", Shape::Texts), Parameter::sequence("values")],
        Shape::Entries,
        zip_map,
    ),
];

/// A list of the same type as another list or set; beside a tuple, a tuple.
fn like(other: &Value, elements: impl IntoIterator<Item = Value>) -> Value {
    match element_type_of(other) {
        Some(element) => Value::list(elements).stating(element),
        None => Value::list(elements),
    }
}

fn chunk_list(call: &Call<'_>) -> Outcome {
    let (whole, list) = (call.value(0)?, call.list(0)?);
    let chunk = |elements: &[Value]| like(whole, elements.iter().cloned());
    let chunks = match call.size(1)? {
        0 if list.is_empty() => Value::list([]),
        0 => Value::list([chunk(list)]),
        size => Value::list(list.chunks(size).map(chunk)),
    };
    Ok(chunks.stating(element_type_of(whole).unwrap_or(Type::Any).list()))
}

/// The first value that is neither null nor the empty text. All of them are converted to the type that they have in common.
fn coalesce(call: &Call<'_>) -> Outcome {
    let all = call.rest(0);
    let mut marks = Marks::NONE;
    for (at, value) in all.iter().enumerate() {
        marks |= value.marks();
        if !value.is_known() && value.known_prefix().is_none_or(str::is_empty) {
            return Ok(Value::unknown(Type::Any).marked(marks));
        }
        if value.is_null() || value.as_str() == Some("") {
            continue;
        }
        let chosen = unified(all.to_vec()).into_iter().nth(at);
        return Ok(chosen.unwrap_or_else(|| value.clone()).marked(marks));
    }
    Err(Failure::new("every argument is null or an empty string"))
}

/// The first list that is not empty. What stands behind it does not matter.
fn coalesce_list(call: &Call<'_>) -> Outcome {
    let mut marks = Marks::NONE;
    for list in call.rest(0) {
        marks |= list.marks();
        if !list.is_known() {
            return Ok(Value::unknown(Shape::Sequence.ty()).marked(marks));
        }
        if list.as_list().is_some_and(|elements| !elements.is_empty()) {
            return Ok(list.clone().marked(marks));
        }
    }
    Err(Failure::new("every list is empty or null"))
}

fn concat(call: &Call<'_>) -> Outcome {
    let (mut all, mut element_types) = (Vec::new(), Vec::new());
    for at in 0..call.count() {
        element_types.extend(element_type_of(call.value(at)?));
        if let Kind::Set(_) = call.value(at)?.kind() {
            return Err(Failure::at(at, "a set has no order; use setunion, or tolist first"));
        }
        all.extend_from_slice(call.list(at)?);
    }
    match call.count() {
        0 => Err(Failure::new("at least one list is required")),
        // Lists of one type make a list; a tuple among them, or another type, makes a tuple.
        count if element_types.len() == count => Ok(concatenated(all, &element_types)),
        _ => Ok(Value::list(all)),
    }
}

fn concatenated(all: Vec<Value>, element_types: &[Type]) -> Value {
    let whole = Value::list(all);
    let as_list = unify(element_types).and_then(|element| convert(&whole, &element.list()).ok());
    as_list.unwrap_or(whole)
}

/// The index wraps around at the end; a negative one counts from there.
fn element(call: &Call<'_>) -> Outcome {
    let list = ordered(call, 0)?;
    let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let index = call.integer(1)?;
    let index = index.checked_rem_euclid(length).and_then(|index| usize::try_from(index).ok());
    index.and_then(|index| list.get(index)).cloned().ok_or_else(|| Failure::at(0, "the list is empty"))
}

pub(super) fn ordered<'c>(call: &'c Call<'_>, at: usize) -> Result<&'c [Value], Failure> {
    match call.value(at)?.kind() {
        Kind::Set(_) => Err(Failure::at(at, "a set has no order; use tolist first")),
        _ => call.list(at),
    }
}

fn flatten(call: &Call<'_>) -> Outcome {
    let mut flat = Vec::new();
    let mut state = Flattened { known: true, marks: Marks::NONE };
    flatten_into(call.list(0)?, &mut flat, &mut state, DEPTH_MAX)?;
    if !state.known {
        let marks = state.marks | Marks::of(&flat);
        return Ok(Value::unknown(Type::Any).marked(marks));
    }
    Ok(Value::list(flat).marked(state.marks))
}

struct Flattened {
    known: bool,
    marks: Marks,
}

/// An unknown element may be a list, so nothing is known about the result; the mark of a list goes over to the result.
fn flatten_into(
    elements: &[Value],
    flat: &mut Vec<Value>,
    state: &mut Flattened,
    depth: usize,
) -> Result<(), Failure> {
    if depth == 0 {
        return Err(Failure::at(0, format!("the lists are nested more than {DEPTH_MAX} deep")));
    }
    for element in elements {
        match (element.as_list(), element.kind()) {
            (Some(inner), _) => {
                state.marks |= element.marks();
                flatten_into(inner, flat, state, depth - 1)?;
            }
            (
                None,
                Kind::Unknown(Type::Any | Type::List(_) | Type::Set(_) | Type::Tuple(_))
                | Kind::Fingerprint(_),
            ) => {
                state.known = false;
                state.marks |= element.marks();
            }
            (None, _) => flat.push(element.clone()),
        }
    }
    Ok(())
}

/// Whether attributes may still come.
fn is_open(value: &Value) -> bool {
    matches!(value.kind(), Kind::Object(object) if object.open)
}

fn is_map(value: &Value) -> bool {
    matches!(value.kind(), Kind::Map(_))
}

fn keys(call: &Call<'_>) -> Outcome {
    match is_open(call.value(0)?) {
        true => Ok(Value::unknown(Type::String.list())),
        false => {
            let keys = Value::list(call.entries(0)?.keys().map(|key| key.as_str().into()));
            Ok(if is_map(call.value(0)?) { keys.stating(Type::String) } else { keys })
        }
    }
}

fn values(call: &Call<'_>) -> Outcome {
    match is_open(call.value(0)?) {
        true => Ok(Value::unknown(Type::Any).marked(call.value(0)?.all_marks())),
        false => Ok(like(call.value(0)?, call.entries(0)?.values().cloned())),
    }
}

fn length(call: &Call<'_>) -> Outcome {
    let value = call.value(0)?;
    let length = match value.kind() {
        Kind::String(text) => string::length(text),
        // Unknown elements may turn out to be the same.
        Kind::Set(elements) if elements.len() > 1 && !value.is_wholly_known() => {
            return Ok(Value::unknown(Type::Number));
        }
        Kind::List(elements) | Kind::Set(elements) => elements.len(),
        Kind::Map(entries) => entries.len(),
        Kind::Object(object) if object.open => return Ok(Value::unknown(Type::Number)),
        Kind::Object(object) => object.fields.len(),
        _ => {
            let found = crate::lang::convert::article(value.type_name());
            return Err(Failure::at(
                0,
                format!("a string, list, set, map or object is required, not {found}"),
            ));
        }
    };
    Ok(Value::number(u64::try_from(length).unwrap_or(u64::MAX)))
}

fn lookup(call: &Call<'_>) -> Outcome {
    let (map, key) = (call.value(0)?, call.text(1)?);
    if let Some(found) = map.get(key) {
        return Ok(found.clone());
    }
    match call.arguments.get(2) {
        _ if is_open(map) => Ok(Value::unknown(Type::Any)),
        Some(default) => match element_type_of(map) {
            Some(element) => convert(default, &element).map_err(|error| Failure::at(2, error.to_string())),
            None => Ok(default.clone()),
        },
        None => {
            Err(Failure::at(1, "there is no such key, and no default was given").showing(format!("{key:?}")))
        }
    }
}

/// Later ones win. Maps of one type make a map, anything else an object.
fn merge(call: &Call<'_>) -> Outcome {
    let mut fields = BTreeMap::new();
    let (mut element_types, mut given, mut open) = (Vec::new(), 0, false);
    for at in 0..call.count() {
        if call.given(at).is_none() {
            continue;
        }
        let value = call.value(at)?;
        given += 1;
        element_types.extend(element_type_of(value));
        open |= is_open(value);
        fields.extend(call.entries(at)?.iter().map(|(name, part)| (name.clone(), part.clone())));
    }
    let first = element_types.first().filter(|first| {
        element_types.len() == given && element_types.iter().all(|element| element == *first)
    });
    Ok(match first {
        Some(element) => Value::map(fields).stating(element.clone()),
        None => Value::new(Kind::Object(Object { fields, open }.into())),
    })
}

fn one(call: &Call<'_>) -> Outcome {
    match call.list(0)? {
        [] => Ok(match element_type_of(call.value(0)?) {
            Some(element) => Value::null().stating(element),
            None => Value::null(),
        }),
        [only] => Ok(only.clone()),
        more => Err(Failure::at(0, format!("the list must have at most one element, not {}", more.len()))),
    }
}

fn range(call: &Call<'_>) -> Outcome {
    const LENGTH_MAX: usize = 1_024;
    let zero = bigdecimal::BigDecimal::from(0);
    let one = bigdecimal::BigDecimal::from(1);
    let (start, end) = match call.count() {
        1 => (&zero, call.number(0)?),
        2 | 3 => (call.number(0)?, call.number(1)?),
        _ => {
            return Err(Failure::new(
                "one to three numbers are required: (limit), (start, limit) or (start, limit, step)",
            ));
        }
    };
    let downwards = end < start;
    let step = match (call.count(), downwards) {
        (3, _) => call.number(2)?.clone(),
        (_, true) => -&one,
        (_, false) => one,
    };
    if start != end && number::sign(&step) == 0 {
        return Err(Failure::at(2, "the step must not be zero"));
    }
    if start != end && (number::sign(&step) < 0) != downwards {
        return Err(Failure::at(2, "the step leads away from the limit"));
    }
    let mut numbers = Vec::new();
    let mut next = start.clone();
    while if downwards { next > *end } else { next < *end } {
        if numbers.len() == LENGTH_MAX {
            return Err(Failure::new(format!("the range has more than {LENGTH_MAX} elements")));
        }
        numbers.push(Value::number(next.clone()));
        next += &step;
    }
    Ok(Value::list(numbers))
}

fn slice(call: &Call<'_>) -> Outcome {
    let list = ordered(call, 0)?;
    let (start, end) = (call.size(1)?, call.size(2)?);
    if end > list.len() {
        return Err(Failure::at(
            2,
            format!("the end must not be greater than the list's length, {}", list.len()),
        ));
    }
    let part =
        list.get(start..end).ok_or_else(|| Failure::at(1, "the start must not be greater than the end"))?;
    Ok(like(call.value(0)?, part.iter().cloned()))
}

fn zip_map(call: &Call<'_>) -> Outcome {
    let (keys, values) = (call.texts(0)?, call.list(1)?);
    if keys.len() != values.len() {
        return Err(Failure::new(format!("there are {} keys, but {} values", keys.len(), values.len())));
    }
    let entries = keys.into_iter().map(str::to_owned).zip(values.iter().cloned());
    Ok(match element_type_of(call.value(1)?) {
        Some(element) => Value::map(entries).stating(element),
        None => Value::object(entries),
    })
}

/// Whether a list has an element equal to a value; `None` when what is unknown decides.
pub(super) fn position(list: &[Value], wanted: &Value) -> Option<usize> {
    list.iter().position(|element| equality(element, wanted) == Some(true))
}
