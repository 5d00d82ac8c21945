//! Hashes of texts and files.

use std::fmt::Write as _;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::filesystem::read;
use super::{Call, Failure, Function, Outcome, Parameter, Shape, encoding};
use crate::value::Value;

const TEXT: &[Parameter] = &[Parameter::text("text")];
const PATH: &[Parameter] = &[Parameter::text("path")];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base64sha256", TEXT, Shape::Text, |call| base64::<Sha256>(call.text(0)?.as_bytes())),
    Function::new("base64sha512", TEXT, Shape::Text, |call| base64::<Sha512>(call.text(0)?.as_bytes())),
    Function::new("filebase64sha256", PATH, Shape::Text, |call| base64::<Sha256>(&content(call)?)),
    Function::new("filebase64sha512", PATH, Shape::Text, |call| base64::<Sha512>(&content(call)?)),
    Function::new("filemd5", PATH, Shape::Text, |call| hexadecimal::<Md5>(&content(call)?)),
    Function::new("filesha1", PATH, Shape::Text, |call| hexadecimal::<Sha1>(&content(call)?)),
    Function::new("filesha256", PATH, Shape::Text, |call| hexadecimal::<Sha256>(&content(call)?)),
    Function::new("filesha512", PATH, Shape::Text, |call| hexadecimal::<Sha512>(&content(call)?)),
    Function::new("md5", TEXT, Shape::Text, |call| hexadecimal::<Md5>(call.text(0)?.as_bytes())),
    Function::new("sha1", TEXT, Shape::Text, |call| hexadecimal::<Sha1>(call.text(0)?.as_bytes())),
    Function::new("sha256", TEXT, Shape::Text, |call| hexadecimal::<Sha256>(call.text(0)?.as_bytes())),
    Function::new("sha512", TEXT, Shape::Text, |call| hexadecimal::<Sha512>(call.text(0)?.as_bytes())),
];

fn content(call: &Call<'_>) -> Result<Vec<u8>, Failure> {
    read(call.text(0)?, call.context)
}

fn base64<D: Digest>(bytes: &[u8]) -> Outcome {
    Ok(encoding::encode(&D::digest(bytes)))
}

fn hexadecimal<D: Digest>(bytes: &[u8]) -> Outcome {
    let mut text = String::new();
    for byte in D::digest(bytes).iter() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(Value::from(text))
}
