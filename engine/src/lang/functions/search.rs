//! Functions over lists and sets that look at what the elements are.

use std::collections::BTreeMap;

use super::arguments::check_parts;
use super::collection::{ordered, position};
use super::types::unified;
use super::{Call, Failure, Function, Outcome, Parameter, Shape};
use crate::lang::convert::{convert, set_of};
use crate::lang::evaluate::equality;
use crate::lang::unify::{common, element_type_of, unify};
use crate::types::Type;
use crate::value::{Kind, Marks, Value};

const SETS: &[Parameter] = &[Parameter::of("first", Shape::Sequence)];
const TWO_SETS: &[Parameter] =
    &[Parameter::of("first", Shape::Sequence), Parameter::of("second", Shape::Sequence)];
const MORE_SETS: Parameter = Parameter::of("others", Shape::Sequence);

/// The most combinations that `setproduct` makes.
const PRODUCT_MAX: usize = 1_000_000;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("alltrue", &[Parameter::of("list", Shape::Bools).in_parts()], Shape::Bool, |call| {
        decided(call, false)
    }),
    Function::new("anytrue", &[Parameter::of("list", Shape::Bools).in_parts()], Shape::Bool, |call| {
        decided(call, true)
    }),
    Function::new("compact", &[Parameter::of("list", Shape::Texts)], Shape::Texts, |call| {
        let kept =
            call.list(0)?.iter().filter(|element| element.as_str().is_some_and(|text| !text.is_empty()));
        Ok(Value::list(kept.cloned()))
    }),
    Function::new(
        "contains",
        &[Parameter::of("list", Shape::Sequence).in_parts(), Parameter::any("value")],
        Shape::Bool,
        contains,
    ),
    Function::new("distinct", &[Parameter::of("list", Shape::List)], Shape::List, distinct),
    Function::new(
        "index",
        &[Parameter::of("list", Shape::Sequence), Parameter::any("value")],
        Shape::Number,
        index,
    ),
    Function::new(
        "matchkeys",
        &[
            Parameter::list("values"),
            Parameter::of("keys", Shape::Sequence),
            Parameter::of("wanted", Shape::Sequence),
        ],
        Shape::List,
        match_keys,
    ),
    Function::new("setintersection", SETS, Shape::Set, |call| {
        combined(call, |all, next| keep(all, next, true))
    })
    .with_rest(MORE_SETS),
    Function::new("setproduct", &[], Shape::Sequence, set_product).with_rest(Parameter::sequence("sets")),
    Function::new("setsubtract", TWO_SETS, Shape::Set, |call| {
        combined(call, |all, next| keep(all, next, false))
    }),
    Function::new("setunion", &[Parameter::sequence("first")], Shape::Set, |call| {
        combined(call, |all, next| all.extend(next))
    })
    .with_rest(Parameter::sequence("others")),
    Function::new("sort", &[Parameter::of("list", Shape::Texts).in_parts()], Shape::Texts, sort),
    Function::new("transpose", &[Parameter::of("map", Shape::Entries)], Shape::Entries, transpose),
];

/// Whether any element is the decisive one. Null is false; what is unknown leaves the answer open unless another decides.
fn decided(call: &Call<'_>, decisive: bool) -> Outcome {
    let list = call.list(0)?;
    let marks = Marks::of_whole(list);
    let decides = |element: &Value| element.is_known() && (element.as_bool() == Some(true)) == decisive;
    let result = match () {
        () if list.iter().any(decides) => Value::bool(decisive),
        () if list.iter().any(|element| !element.is_known()) => Value::unknown(Type::Bool),
        () => Value::bool(!decisive),
    };
    Ok(result.marked(marks))
}

fn contains(call: &Call<'_>) -> Outcome {
    let (list, wanted) = (call.list(0)?, call.value(1)?);
    let mut open = false;
    for element in list {
        match equality(element, wanted) {
            Some(true) => return Ok(Value::bool(true).marked(Marks::of(list))),
            Some(false) => {}
            None => open = true,
        }
    }
    let result = if open { Value::unknown(Type::Bool) } else { Value::bool(false) };
    Ok(result.marked(Marks::of(list)))
}

fn distinct(call: &Call<'_>) -> Outcome {
    let list = call.list(0)?;
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by(|a, b| list[*a].compare(&list[*b]).then(a.cmp(b)));
    order.dedup_by(|later, first| list[*later].same(&list[*first]));
    order.sort_unstable();
    let kept = Value::list(order.into_iter().filter_map(|at| list.get(at).cloned()));
    Ok(kept.stating(element_type_of(call.value(0)?).unwrap_or(Type::Any)))
}

fn index(call: &Call<'_>) -> Outcome {
    let found = position(ordered(call, 0)?, call.value(1)?).and_then(|at| u64::try_from(at).ok());
    found.map(Value::number).ok_or_else(|| Failure::at(1, "the list has no such element"))
}

fn match_keys(call: &Call<'_>) -> Outcome {
    let (values, keys, wanted) = (call.list(0)?, call.list(1)?, call.list(2)?);
    if values.len() != keys.len() {
        return Err(Failure::new(format!("there are {} values, but {} keys", values.len(), keys.len())));
    }
    let mut compared = unified(keys.iter().chain(wanted).cloned().collect());
    let mut wanted = compared.split_off(keys.len());
    wanted.sort_by(Value::compare);
    let pairs = values.iter().zip(compared).filter(|(_, key)| is_among(&wanted, key));
    let kept = Value::list(pairs.map(|(value, _)| value.clone()));
    Ok(kept.stating(element_type_of(call.value(0)?).unwrap_or(Type::Any)))
}

/// Folds all sets into the first, with their elements converted to the type that all of them have in common.
fn combined(call: &Call<'_>, combine: fn(&mut Vec<Value>, Vec<Value>)) -> Outcome {
    let mut lengths = Vec::new();
    let (mut elements, mut types) = (Vec::new(), Vec::new());
    for at in 0..call.count() {
        let list = call.list(at)?;
        types.push(element_type_of(call.value(at)?).unwrap_or_else(|| common(list.iter())));
        lengths.push(list.len());
        elements.extend_from_slice(list);
    }
    let mut elements = unified(elements).into_iter();
    let mut sets = lengths.into_iter().map(|length| elements.by_ref().take(length).collect::<Vec<_>>());
    let mut all = sets.next().unwrap_or_default();
    sets.for_each(|next| combine(&mut all, next));
    // The sets that are empty are of no type but what is stated.
    types.retain(|ty| *ty != Type::Any);
    let element = unify(&types).unwrap_or(Type::Any);
    Ok(set_of(all).stating(element))
}

/// Keeps those elements that are among others, or those that are not.
fn keep(all: &mut Vec<Value>, mut others: Vec<Value>, common: bool) {
    others.sort_by(Value::compare);
    all.retain(|element| is_among(&others, element) == common);
}

fn is_among(sorted: &[Value], wanted: &Value) -> bool {
    sorted.binary_search_by(|other| other.compare(wanted)).is_ok()
}

/// Every combination of one element each; a set if any of them is one.
fn set_product(call: &Call<'_>) -> Outcome {
    if call.count() < 2 {
        return Err(Failure::new("at least two sets or lists are required"));
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    let (mut any_set, mut types) = (false, Vec::new());
    for at in 0..call.count() {
        let is_set = matches!(call.value(at)?.kind(), Kind::Set(_));
        if is_set && !call.value(at)?.is_wholly_known() {
            return Ok(Value::unknown(Shape::Sequence.ty()));
        }
        let list = unified(call.list(at)?.to_vec());
        types.push(element_type_of(call.value(at)?).unwrap_or_else(|| common(list.iter())));
        any_set |= is_set;
        if rows.len().saturating_mul(list.len()) > PRODUCT_MAX {
            return Err(Failure::new(format!("there are more than {PRODUCT_MAX} combinations")));
        }
        check_parts(rows.len().saturating_mul(list.len()).saturating_mul(call.count()))?;
        rows = rows
            .iter()
            .flat_map(|row| list.iter().map(|element| row.iter().cloned().chain([element.clone()]).collect()))
            .collect();
    }
    let rows: Vec<Value> = rows.into_iter().map(Value::list).collect();
    let whole = if any_set { set_of(rows) } else { Value::list(rows) };
    Ok(whole.stating(Type::Tuple(types)))
}

fn sort(call: &Call<'_>) -> Outcome {
    let list = call.list(0)?;
    let marks = Marks::of_whole(list);
    if list.iter().any(|text| !text.is_known()) {
        // Their number is all that is known.
        return Ok(Value::list(list.iter().map(|_| Value::unknown(Type::String))).marked(marks));
    }
    let mut texts = call.texts(0)?;
    texts.sort_unstable();
    Ok(Value::list(texts.into_iter().map(Value::from)).marked(marks))
}

/// A map of lists of texts turned around: under each text the keys whose lists had it, as often as they had.
fn transpose(call: &Call<'_>) -> Outcome {
    let mut turned: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (key, texts) in call.entries(0)?.iter() {
        let key = Value::from(key.as_str());
        let texts = convert(texts, &Shape::Texts.ty()).ok();
        let texts = texts.as_ref().and_then(Value::as_list);
        for text in texts.ok_or_else(|| Failure::at(0, "each value must be a list of strings"))? {
            let text = text.as_str().ok_or_else(|| Failure::at(0, "a string must not be null"))?;
            turned.entry(text.to_owned()).or_default().push(key.clone());
        }
    }
    let texts = |keys| Value::list(keys).stating(Type::String);
    let turned = Value::map(turned.into_iter().map(|(text, keys)| (text, texts(keys))));
    Ok(turned.stating(Shape::Texts.ty()))
}
