//! Decryption by RSA with PKCS #1 v1.5 padding (RFC 8017, section 7.2).
//!
//! Keys are unencrypted PEM, as `PRIVATE KEY` (PKCS #8) or `RSA PRIVATE KEY` (PKCS #1). The arithmetic takes a time that depends
//! on the key, which tells nobody: there is no one to ask again with texts of their own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::num_bigint::BigUint;

use super::{Call, Failure, Function, Outcome, Parameter, Shape};

/// The longest modulus, in bits.
const KEY_BITS_MAX: u64 = 16_384;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

pub(super) const FUNCTIONS: &[Function] = &[Function::new(
    "rsadecrypt",
    &[Parameter::text("ciphertext"), Parameter::text("key")],
    Shape::Text,
    rsa_decrypt,
)];

fn rsa_decrypt(call: &Call<'_>) -> Outcome {
    let cipher = STANDARD.decode(call.text(0)?).map_err(|_| Failure::at(0, "the text is not base64"))?;
    let key = Key::parse(call.text(1)?).map_err(|problem| Failure::at(1, problem))?;
    let bytes =
        key.decrypt(&cipher).ok_or_else(|| Failure::at(0, "the text cannot be decrypted by this key"))?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::at(0, "what is encrypted is not UTF-8 text"))?;
    Ok(text.into())
}

struct Key {
    modulus: BigUint,
    exponent: BigUint,
}

impl Key {
    fn parse(pem: &str) -> Result<Self, &'static str> {
        let (label, body) = pem_block(pem).ok_or("the key is not PEM text")?;
        let key = match label {
            "RSA PRIVATE KEY" if pem.contains("Proc-Type:") => return Err("the key is encrypted"),
            "ENCRYPTED PRIVATE KEY" => return Err("the key is encrypted"),
            "RSA PRIVATE KEY" => Self::from_pkcs1(&body),
            "PRIVATE KEY" => pkcs8_content(&body).and_then(Self::from_pkcs1),
            _ => return Err("the key must be a PRIVATE KEY or an RSA PRIVATE KEY"),
        };
        key.ok_or("the key is not an RSA key")
    }

    /// `SEQUENCE { version, modulus, publicExponent, privateExponent, … }`.
    fn from_pkcs1(der: &[u8]) -> Option<Self> {
        let mut fields = Der(Der(der).next(SEQUENCE)?);
        fields.next(INTEGER)?;
        let modulus = BigUint::from_bytes_be(fields.next(INTEGER)?);
        fields.next(INTEGER)?;
        let exponent = BigUint::from_bytes_be(fields.next(INTEGER)?);
        let usable = (256..=KEY_BITS_MAX).contains(&modulus.bits()) && exponent < modulus;
        usable.then_some(Self { modulus, exponent })
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let length = usize::try_from(self.modulus.bits().div_ceil(8)).ok()?;
        let cipher_number = BigUint::from_bytes_be(cipher);
        if cipher.len() != length || cipher_number >= self.modulus {
            return None;
        }
        let padded = cipher_number.modpow(&self.exponent, &self.modulus).to_bytes_be();
        // The leading zero is no digit of the number: `2, at least eight bytes other than 0, 0, text`.
        let inner = padded.strip_prefix(&[2]).filter(|_| padded.len() + 1 == length)?;
        let end = inner.iter().position(|byte| *byte == 0).filter(|end| *end >= 8)?;
        inner.get(end + 1..).map(<[u8]>::to_vec)
    }
}

/// `SEQUENCE { version, algorithm, OCTET STRING { key } }`.
fn pkcs8_content(der: &[u8]) -> Option<&[u8]> {
    const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    const OBJECT_IDENTIFIER: u8 = 0x06;
    let mut fields = Der(Der(der).next(SEQUENCE)?);
    fields.next(INTEGER)?;
    let algorithm = Der(fields.next(SEQUENCE)?).next(OBJECT_IDENTIFIER)?;
    fields.next(OCTETS).filter(|_| algorithm == RSA_ENCRYPTION)
}

/// The label and content of the first block.
fn pem_block(text: &str) -> Option<(&str, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    // Headers such as `Proc-Type` end with a blank line.
    let body = body.rsplit_once("\n\n").map_or(body, |(_, body)| body);
    let digits: String = body.split_whitespace().collect();
    Some((label, STANDARD.decode(digits).ok()?))
}

/// What is left of a DER text (X.690): tag, length, content.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, if it has that tag.
    fn next(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            short @ 0..=0x7f => (usize::from(*short), rest),
            long => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                let fits = digits.len() <= 4;
                fits.then(|| (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest))?
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (*tag == wanted).then_some(content)
    }
}
