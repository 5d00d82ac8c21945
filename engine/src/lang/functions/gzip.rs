//! Texts, compressed as gzip has it (RFC 1952), in base64.
//!
//! The header tells neither a time nor a system, so that a text always gives the same bytes.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::encoding::{decode, encode, utf8};
use super::{Call, Failure, Function, Outcome, Parameter, Shape};
use crate::lang::limits::TEXT_MAX;

const TEXT: &[Parameter] = &[Parameter::text("text")];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base64gunzip", TEXT, Shape::Text, gunzip),
    Function::new("base64gzip", TEXT, Shape::Text, gzip),
];

fn gzip(call: &Call<'_>) -> Outcome {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(call.text(0)?.as_bytes()).and_then(|()| encoder.finish());
    written.map(|bytes| encode(&bytes)).map_err(|_| Failure::at(0, "the text cannot be compressed"))
}

fn gunzip(call: &Call<'_>) -> Outcome {
    let compressed = decode(call.text(0)?)?;
    let limit = u64::try_from(TEXT_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = MultiGzDecoder::new(&compressed[..]).take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|_| Failure::at(0, "what is encoded is not gzip"))?;
    super::arguments::check_length(bytes.len())?;
    utf8(bytes)
}
