//! Functions over lists, maps and objects that move their parts about.

use std::collections::BTreeMap;

use super::types::unified;
use super::{Call, Failure, Function, Outcome, Parameter, Shape, string};
use crate::lang::evaluate::equality;
use crate::lang::number;
use crate::types::Type;
use crate::value::{Kind, Object, Value};

const LIST: &[Parameter] = &[Parameter::sequence("list")];
const MAP: &[Parameter] = &[Parameter::entries("map")];

/// How deep `flatten` goes, against values built to exhaust the stack.
const DEPTH_MAX: usize = 128;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "chunklist",
        &[Parameter::list("list"), Parameter::number("size")],
        Shape::Sequence,
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
    Function::new("keys", MAP, Shape::Texts, keys),
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
        Ok(Value::list(call.list(0)?.iter().rev().cloned()))
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

fn chunk_list(call: &Call<'_>) -> Outcome {
    let list = call.list(0)?;
    let chunk = |elements: &[Value]| Value::list(elements.iter().cloned());
    Ok(match call.size(1)? {
        0 if list.is_empty() => Value::list([]),
        0 => Value::list([chunk(list)]),
        size => Value::list(list.chunks(size).map(chunk)),
    })
}

/// The first value that is neither null nor the empty text. All of them are converted to the type that they have in common.
fn coalesce(call: &Call<'_>) -> Outcome {
    let all = call.rest(0);
    let mut sensitive = false;
    for (at, value) in all.iter().enumerate() {
        sensitive |= value.is_sensitive();
        if !value.is_known() {
            return Ok(Value::unknown(Type::Any).marked(sensitive));
        }
        if value.is_null() || value.as_str() == Some("") {
            continue;
        }
        let chosen = unified(all.to_vec()).into_iter().nth(at);
        return Ok(chosen.unwrap_or_else(|| value.clone()).marked(sensitive));
    }
    Err(Failure::new("every argument is null or an empty string"))
}

/// The first list that is not empty. What stands behind it does not matter.
fn coalesce_list(call: &Call<'_>) -> Outcome {
    let mut sensitive = false;
    for list in call.rest(0) {
        sensitive |= list.is_sensitive();
        if !list.is_known() {
            return Ok(Value::unknown(Shape::Sequence.ty()).marked(sensitive));
        }
        if list.as_list().is_some_and(|elements| !elements.is_empty()) {
            return Ok(list.clone().marked(sensitive));
        }
    }
    Err(Failure::new("every list is empty or null"))
}

fn concat(call: &Call<'_>) -> Outcome {
    let mut all = Vec::new();
    for at in 0..call.count() {
        if let Kind::Set(_) = call.value(at)?.kind() {
            return Err(Failure::at(at, "a set has no order; use setunion, or tolist first"));
        }
        all.extend_from_slice(call.list(at)?);
    }
    match call.count() {
        0 => Err(Failure::new("at least one list is required")),
        _ => Ok(Value::list(all)),
    }
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
    let mut state = Flattened { known: true, sensitive: false };
    flatten_into(call.list(0)?, &mut flat, &mut state, DEPTH_MAX)?;
    if !state.known {
        let sensitive = state.sensitive || flat.iter().any(Value::has_sensitive);
        return Ok(Value::unknown(Type::Any.list()).marked(sensitive));
    }
    Ok(Value::list(flat).marked(state.sensitive))
}

struct Flattened {
    known: bool,
    sensitive: bool,
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
                state.sensitive |= element.is_sensitive();
                flatten_into(inner, flat, state, depth - 1)?;
            }
            (
                None,
                Kind::Unknown(Type::Any | Type::List(_) | Type::Set(_) | Type::Tuple(_))
                | Kind::Fingerprint(_),
            ) => {
                state.known = false;
                state.sensitive |= element.is_sensitive();
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

fn keys(call: &Call<'_>) -> Outcome {
    match is_open(call.value(0)?) {
        true => Ok(Value::unknown(Type::String.list())),
        false => Ok(Value::list(call.entries(0)?.keys().map(|key| key.as_str().into()))),
    }
}

fn values(call: &Call<'_>) -> Outcome {
    match is_open(call.value(0)?) {
        true => Ok(Value::unknown(Type::Any.list()).marked(call.value(0)?.has_sensitive())),
        false => Ok(Value::list(call.entries(0)?.values().cloned())),
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
        Some(default) => Ok(default.clone()),
        None => {
            Err(Failure::at(1, "there is no such key, and no default was given").showing(format!("{key:?}")))
        }
    }
}

/// Later ones win. Maps make a map, anything else an object.
fn merge(call: &Call<'_>) -> Outcome {
    let mut fields = BTreeMap::new();
    let (mut all_maps, mut open) = (call.count() > 0, false);
    for at in 0..call.count() {
        if call.given(at).is_none() {
            continue;
        }
        let value = call.value(at)?;
        all_maps &= matches!(value.kind(), Kind::Map(_));
        open |= is_open(value);
        fields.extend(call.entries(at)?.iter().map(|(name, part)| (name.clone(), part.clone())));
    }
    Ok(match all_maps {
        true => Value::map(fields),
        false => Value::new(Kind::Object(Object { fields, open }.into())),
    })
}

fn one(call: &Call<'_>) -> Outcome {
    match call.list(0)? {
        [] => Ok(Value::null()),
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
    Ok(Value::list(part.iter().cloned()))
}

fn zip_map(call: &Call<'_>) -> Outcome {
    let (keys, values) = (call.texts(0)?, call.list(1)?);
    if keys.len() != values.len() {
        return Err(Failure::new(format!("there are {} keys, but {} values", keys.len(), values.len())));
    }
    Ok(Value::object(keys.into_iter().map(str::to_owned).zip(values.iter().cloned())))
}

/// Whether a list has an element equal to a value; `None` when what is unknown decides.
pub(super) fn position(list: &[Value], wanted: &Value) -> Option<usize> {
    list.iter().position(|element| equality(element, wanted) == Some(true))
}
