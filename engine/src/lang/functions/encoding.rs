//! Base64, URLs and CSV.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::arguments::{check_length, check_parts};
use super::{Call, Failure, Function, Outcome, Parameter, Shape};
use crate::types::{Field, Type};
use crate::value::Value;

const TEXT: &[Parameter] = &[Parameter::text("text")];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base64decode", TEXT, Shape::Text, |call| utf8(decode(call.text(0)?)?)),
    Function::new("base64encode", TEXT, Shape::Text, |call| Ok(STANDARD.encode(call.text(0)?).into())),
    Function::new("csvdecode", TEXT, Shape::List, csv_decode),
    Function::new("urldecode", TEXT, Shape::Text, url_decode),
    Function::new("urlencode", TEXT, Shape::Text, |call| Ok(url_encode(call.text(0)?).into())),
];

/// The base64 form of bytes.
pub(super) fn encode(bytes: &[u8]) -> Value {
    STANDARD.encode(bytes).into()
}

pub(super) fn decode(text: &str) -> Result<Vec<u8>, Failure> {
    let joined: String = text.chars().filter(|letter| !matches!(letter, '\n' | '\r')).collect();
    STANDARD.decode(joined).map_err(|_| Failure::at(0, "the text is not base64 with padding"))
}

pub(super) fn utf8(bytes: Vec<u8>) -> Outcome {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(_) => Err(Failure::at(0, "what is encoded is not UTF-8 text")),
    }
}

/// As in a query: a space becomes `+`.
fn url_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            b' ' => encoded.push('+'),
            // Writing to a string cannot fail.
            other => drop(write!(encoded, "%{other:02X}")),
        }
    }
    encoded
}

fn url_decode(call: &Call<'_>) -> Outcome {
    let mut bytes = Vec::new();
    let mut rest = call.text(0)?.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
                let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
                bytes.push(
                    byte.ok_or_else(|| Failure::at(0, "a % must be followed by two hexadecimal digits"))?,
                );
                rest = &after[2..];
            }
            other => bytes.push(*other),
        }
    }
    utf8(bytes)
}

/// The rows of a CSV text as objects under the names of its first row.
fn csv_decode(call: &Call<'_>) -> Outcome {
    let mut rows = csv_rows(call.text(0)?)?.into_iter();
    let (_, header) = rows.next().ok_or_else(|| Failure::at(0, "the header line is missing"))?;
    let mut seen = BTreeSet::new();
    for name in &header {
        if !seen.insert(name) {
            return Err(Failure::at(0, "two columns have one name").showing(format!("{name:?}")));
        }
    }
    let names: usize = header.iter().map(String::len).sum();
    check_length(names.saturating_mul(rows.len()))?;
    check_parts(header.len().saturating_mul(rows.len()))?;
    let objects = rows.map(|(line, row)| {
        if row.len() != header.len() {
            let problem =
                format!("line {line} has {} fields, but the header has {}", row.len(), header.len());
            return Err(Failure::at(0, problem));
        }
        let fields: BTreeMap<String, Value> =
            header.iter().cloned().zip(row.into_iter().map(Value::from)).collect();
        Ok(Value::object(fields))
    });
    let objects = Value::list(objects.collect::<Result<Vec<_>, _>>()?);
    let column = |name: &String| (name.clone(), Field { ty: Type::String, optional: false });
    Ok(objects.stating(Type::Object(header.iter().map(column).collect())))
}

/// The rows with the numbers of the lines on which they start (RFC 4180; blank lines do not count).
fn csv_rows(text: &str) -> Result<Vec<(usize, Vec<String>)>, Failure> {
    check_parts(text.matches([',', '\n']).count())?;
    let text = text.replace("\r\n", "\n");
    let mut rows = Vec::new();
    let mut rest = text.as_str();
    let mut line = 1;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('\n') {
            (rest, line) = (after, line + 1);
            continue;
        }
        let (row, after) = csv_row(rest, line)?;
        let read = &rest[..rest.len() - after.len()];
        rows.push((line, row));
        line += read.matches('\n').count();
        rest = after;
    }
    Ok(rows)
}

fn csv_row(text: &str, line: usize) -> Result<(Vec<String>, &str), Failure> {
    let mut row = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = csv_field(rest, line)?;
        row.push(field);
        match after.as_bytes().first() {
            Some(b',') => rest = &after[1..],
            Some(_) => return Ok((row, &after[1..])),
            None => return Ok((row, after)),
        }
    }
}

/// One field and what follows it: a comma, a line's end, or nothing.
fn csv_field(text: &str, line: usize) -> Result<(String, &str), Failure> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let (field, after) = text.split_at(text.find([',', '\n']).unwrap_or(text.len()));
        if field.contains('"') {
            return Err(Failure::at(
                0,
                format!("line {line}: a quote stands inside a field that does not start with one"),
            ));
        }
        return Ok((field.to_owned(), after));
    };
    let mut field = String::new();
    loop {
        let end = rest
            .find('"')
            .ok_or_else(|| Failure::at(0, format!("line {line}: a quoted field has no end")))?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.as_bytes().first() {
            Some(b'"') => {
                field.push('"');
                rest = &rest[1..];
            }
            None | Some(b',' | b'\n') => return Ok((field, rest)),
            Some(_) => return Err(Failure::at(0, format!("line {line}: something follows a quoted field"))),
        }
    }
}
