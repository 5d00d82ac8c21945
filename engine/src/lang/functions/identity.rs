//! Universally unique identifiers (RFC 9562).

use std::fmt::Write as _;

use sha1::{Digest as _, Sha1};

use super::{Call, Failure, Function, Outcome, Parameter, Shape};
use crate::types::Type;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("uuid", &[], Shape::Text, random),
    Function::new("uuidv5", &[Parameter::text("namespace"), Parameter::text("name")], Shape::Text, named),
];

/// The last bytes of the well-known namespaces' first word; the rest of them is the same (RFC 9562, section 6.6).
const NAMESPACES: [(&str, u8); 4] = [("dns", 0x10), ("url", 0x11), ("oid", 0x12), ("x500", 0x14)];

/// A different one at each call; unknown while planning.
fn random(call: &Call<'_>) -> Outcome {
    Ok(match call.context.impure {
        None => Value::unknown(Type::String),
        Some(impure) => text(&versioned(impure.random(), 4)).into(),
    })
}

/// The one of a name in a namespace: the same at each call.
fn named(call: &Call<'_>) -> Outcome {
    let namespace = namespace(call.text(0)?).ok_or_else(|| {
        Failure::at(0, "the namespace must be \"dns\", \"url\", \"oid\", \"x500\" or a UUID")
    })?;
    let digest = Sha1::new().chain_update(namespace).chain_update(call.text(1)?).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.iter()).for_each(|(byte, from)| *byte = *from);
    Ok(text(&versioned(bytes, 5)).into())
}

fn namespace(name: &str) -> Option<[u8; 16]> {
    match NAMESPACES.iter().find(|(known, _)| *known == name) {
        Some((_, number)) => parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8").map(|mut bytes| {
            bytes[3] = *number;
            bytes
        }),
        None => parse(name),
    }
}

/// 32 hexadecimal digits, plain or with hyphens in their places; the latter also in braces or as a URN.
fn parse(text: &str) -> Option<[u8; 16]> {
    let in_braces = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let urn = text.get(..9).filter(|prefix| prefix.eq_ignore_ascii_case("urn:uuid:")).map(|_| &text[9..]);
    let plain = match in_braces.or(urn).unwrap_or(text) {
        hyphenated if hyphenated.len() == 36 => {
            let places = [8, 13, 18, 23];
            let in_place = |(at, byte): (usize, u8)| (byte == b'-') == places.contains(&at);
            let well_formed = hyphenated.bytes().enumerate().all(in_place);
            well_formed.then(|| hyphenated.replace('-', ""))?
        }
        digits if digits.len() == text.len() => digits.to_owned(),
        _ => return None,
    };
    let well_formed = plain.len() == 32 && plain.bytes().all(|byte| byte.is_ascii_hexdigit());
    if well_formed { u128::from_str_radix(&plain, 16).ok().map(u128::to_be_bytes) } else { None }
}

/// With the bits of a version and of the variant that RFC 9562 describes.
fn versioned(mut bytes: [u8; 16], version: u8) -> [u8; 16] {
    bytes[6] = (bytes[6] & 0x0f) | (version << 4);
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    bytes
}

fn text(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
