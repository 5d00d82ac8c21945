//! The functions: one table per family, and what all of them share.
//!
//! A function states what it takes and returns; conversion, null, unknown and sensitive arguments are then handled here, once.
//! An argument is *whole* unless stated otherwise: an unknown anywhere in it makes the result unknown, a sensitive part makes
//! the result sensitive. A function that only moves parts about takes *parts*: for those, only the argument itself counts.

mod arguments;
mod bcrypt;
mod charset;
mod cidr;
mod collection;
mod date;
mod encoding;
pub(super) mod filesystem;
mod format;
mod gzip;
mod hash;
mod identity;
mod json;
mod numeric;
mod regex;
mod rsa;
mod search;
mod string;
mod types;
mod yaml;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(super) use self::arguments::{Call, Failure, Function, Outcome, Parameter, Shape};
use super::evaluate::special_names;

static FAMILIES: &[&[Function]] = &[
    bcrypt::FUNCTIONS,
    charset::FUNCTIONS,
    cidr::FUNCTIONS,
    collection::FUNCTIONS,
    date::FUNCTIONS,
    encoding::FUNCTIONS,
    filesystem::FUNCTIONS,
    format::FUNCTIONS,
    gzip::FUNCTIONS,
    hash::FUNCTIONS,
    identity::FUNCTIONS,
    json::FUNCTIONS,
    numeric::FUNCTIONS,
    regex::FUNCTIONS,
    rsa::FUNCTIONS,
    search::FUNCTIONS,
    string::FUNCTIONS,
    types::FUNCTIONS,
    yaml::FUNCTIONS,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    FAMILIES.iter().flat_map(|family| family.iter()).map(|function| (function.name, function)).collect()
});

/// The function of a name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(name).copied()
}

/// The names of all functions, in no order.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    BY_NAME.keys().copied().chain(special_names())
}

/// An element as a number.
fn as_number(value: &crate::value::Value) -> Result<bigdecimal::BigDecimal, String> {
    let converted = super::convert(value, &crate::types::Type::Number).map_err(|error| error.to_string())?;
    converted.as_number().cloned().ok_or_else(|| "an element is null; numbers are required".to_owned())
}
