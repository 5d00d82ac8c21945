//! Texts as bytes in any of the encodings of the web (WHATWG Encoding Standard) and in UTF-16, in base64.

use encoding_rs::Encoding as Table;

use super::encoding::{decode, encode};
use super::{Call, Failure, Function, Outcome, Parameter, Shape};

const TEXT_AND_ENCODING: &[Parameter] = &[Parameter::text("text"), Parameter::text("encoding")];

/// The byte order mark at the start of big-endian UTF-16.
const BIG_ENDIAN_MARK: [u8; 2] = [0xfe, 0xff];
const LITTLE_ENDIAN_MARK: [u8; 2] = [0xff, 0xfe];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("textdecodebase64", TEXT_AND_ENCODING, Shape::Text, |call| {
        let (encoding, bytes) = (Encoding::of(call)?, decode(call.text(0)?)?);
        let text = encoding.read(&bytes);
        Ok(text.ok_or_else(|| Failure::at(0, "what is encoded is not text of this encoding"))?.into())
    }),
    Function::new("textencodebase64", TEXT_AND_ENCODING, Shape::Text, |call| -> Outcome {
        let bytes = Encoding::of(call)?.write(call.text(0)?);
        Ok(encode(
            &bytes.ok_or_else(|| Failure::at(0, "the text has characters that this encoding has not"))?,
        ))
    }),
];

/// How characters become bytes.
#[derive(Clone, Copy)]
enum Encoding {
    /// The first characters of Unicode, one byte each: those below `0x80`, or all that a byte can tell.
    Bytes {
        first_missing: u32,
    },
    Utf16 {
        big_endian: bool,
        marked: bool,
    },
    Table(&'static Table),
}

impl Encoding {
    fn of(call: &Call<'_>) -> Result<Self, Failure> {
        let name = call.text(1)?;
        Ok(match name.to_ascii_uppercase().as_str() {
            // The web takes the next two for windows-1252, which has other characters in places.
            "US-ASCII" | "ASCII" => Self::Bytes { first_missing: 0x80 },
            "ISO-8859-1" | "LATIN1" => Self::Bytes { first_missing: 0x100 },
            "UTF-16" => Self::Utf16 { big_endian: true, marked: true },
            "UTF-16BE" => Self::Utf16 { big_endian: true, marked: false },
            "UTF-16LE" => Self::Utf16 { big_endian: false, marked: false },
            _ => Self::Table(Table::for_label_no_replacement(name.as_bytes()).ok_or_else(|| {
                Failure::at(
                    1,
                    "there is no such encoding; UTF-8, UTF-16LE and windows-1252 are some that there are",
                )
                .showing(format!("{name:?}"))
            })?),
        })
    }

    fn read(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Bytes { first_missing } => bytes
                .iter()
                .map(|byte| (u32::from(*byte) < first_missing).then_some(char::from(*byte)))
                .collect(),
            Self::Utf16 { big_endian, marked } => match bytes {
                [a, b, rest @ ..] if marked && [*a, *b] == BIG_ENDIAN_MARK => read_utf16(rest, true),
                [a, b, rest @ ..] if marked && [*a, *b] == LITTLE_ENDIAN_MARK => read_utf16(rest, false),
                _ => read_utf16(bytes, big_endian),
            },
            Self::Table(table) => {
                table.decode_without_bom_handling_and_without_replacement(bytes).map(|text| text.into_owned())
            }
        }
    }

    fn write(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Bytes { first_missing } => text
                .chars()
                .map(|letter| {
                    u8::try_from(u32::from(letter)).ok().filter(|byte| u32::from(*byte) < first_missing)
                })
                .collect(),
            Self::Utf16 { big_endian, marked } => {
                let mark = if marked { &BIG_ENDIAN_MARK[..] } else { &[] };
                let to_bytes = if big_endian { u16::to_be_bytes } else { u16::to_le_bytes };
                Some(mark.iter().copied().chain(text.encode_utf16().flat_map(to_bytes)).collect())
            }
            Self::Table(table) => {
                let (bytes, _, missing) = table.encode(text);
                (!missing).then(|| bytes.into_owned())
            }
        }
    }
}

fn read_utf16(bytes: &[u8], big_endian: bool) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let from_bytes = if big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
    let units = pairs.iter().map(|pair| from_bytes(*pair));
    let text: Option<String> = char::decode_utf16(units).map(Result::ok).collect();
    text.filter(|_| rest.is_empty())
}
