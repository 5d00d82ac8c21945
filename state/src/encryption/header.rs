//! The header of an age file, as text: who can open it, what it is, and a code over all of that.
//!
//! ```text
//! age-encryption.org/v1
//! -> TYPE ARGUMENT…            a stanza: what a key's holder needs to get at the file key, or what other readers skip
//! BASE64, 64 columns a line; the last line is shorter, and may be empty
//! --- BASE64 of the code
//! ```
//!
//! By the age v1 specification (C2SP, `age.md`). What is read is what would be written: there is one text for one header.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::EncryptionError;
use super::primitives::{self, FileKey};

/// How every document begins.
pub(super) const MAGIC: &[u8] = b"age-encryption.org/v1\n";

/// The most that a header may hold: far above that of a hundred recipients.
const LENGTH_MAX: usize = 64 << 10;

const COLUMNS: usize = 64;
const CODE_COLUMNS: usize = 43;
const STANZA: &str = "-> ";
const END: &str = "---";

/// One entry of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stanza {
    /// Its type and arguments: each of visible ASCII.
    pub(super) arguments: Vec<String>,
    /// Any bytes.
    pub(super) body: Vec<u8>,
}

/// A header that was read. Nothing in it is proven before [`Header::is_authentic`] has said so.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) stanzas: Vec<Stanza>,
    /// The text that the code is of.
    text: Vec<u8>,
    code: [u8; 32],
    /// How many bytes it takes.
    pub(super) length: usize,
}

impl Stanza {
    pub(super) fn new(arguments: impl IntoIterator<Item = String>, body: Vec<u8>) -> Self {
        Self { arguments: arguments.into_iter().collect(), body }
    }

    /// The arguments after the type, if it is of that type.
    pub(super) fn of_type(&self, kind: &str) -> Option<&[String]> {
        self.arguments.split_first().filter(|(first, _)| *first == kind).map(|(_, rest)| rest)
    }

    fn write(&self, text: &mut String) -> Result<(), EncryptionError> {
        if self.arguments.is_empty() || !self.arguments.iter().all(|argument| is_argument(argument)) {
            return Err(EncryptionError::Name);
        }
        text.push_str(STANZA);
        text.push_str(&self.arguments.join(" "));
        text.push('\n');
        let body = encode(&self.body);
        let mut rest = body.as_str();
        while let Some((line, after)) = rest.split_at_checked(COLUMNS) {
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str(rest);
        text.push('\n');
        Ok(())
    }
}

/// Writes a header with the code of its file key.
pub(super) fn write(stanzas: &[Stanza], file_key: &FileKey) -> Result<Vec<u8>, EncryptionError> {
    let mut text = String::from_utf8_lossy(MAGIC).into_owned();
    stanzas.iter().try_for_each(|stanza| stanza.write(&mut text))?;
    text.push_str(END);
    let code = primitives::authenticate(&code_key(file_key)?, text.as_bytes());
    text.push(' ');
    text.push_str(&encode(&code));
    text.push('\n');
    Ok(text.into_bytes())
}

/// Reads the header that the bytes begin with.
///
/// # Errors
/// [`EncryptionError::CutOff`] only when the bytes are how some header begins; [`EncryptionError::Damaged`] for whatever else is none.
pub(super) fn read(bytes: &[u8]) -> Result<Header, EncryptionError> {
    let mut lines = Lines { bytes, at: 0 };
    if lines.next(|line| MAGIC.starts_with(line))? != &MAGIC[..MAGIC.len() - 1] {
        return Err(EncryptionError::Damaged);
    }
    let mut stanzas = Vec::new();
    loop {
        let start = lines.at;
        let line = lines.next(is_entry)?;
        if let Some(code) = line.strip_prefix(b"--- ") {
            let code = decode(code)?.try_into().map_err(|_| EncryptionError::Damaged)?;
            let text = bytes.get(..start + END.len()).unwrap_or_default().to_vec();
            return Ok(Header { stanzas, text, code, length: lines.at });
        }
        stanzas.push(Stanza { arguments: arguments(line)?, body: body(&mut lines)? });
    }
}

impl Header {
    /// Whether whoever wrote it had the file key, and it is unchanged since.
    pub(super) fn is_authentic(&self, file_key: &FileKey) -> Result<bool, EncryptionError> {
        Ok(primitives::is_authentic(&code_key(file_key)?, &self.text, &self.code))
    }
}

/// Base64 as age has it, of any bytes.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// The bytes of an argument in base64; `None` if it is of another length, or another text than [`encode`] would make.
pub(super) fn decode_argument<const LENGTH: usize>(argument: &str) -> Option<[u8; LENGTH]> {
    STANDARD_NO_PAD.decode(argument).ok()?.try_into().ok()
}

fn decode(text: &[u8]) -> Result<Vec<u8>, EncryptionError> {
    STANDARD_NO_PAD.decode(text).map_err(|_| EncryptionError::Damaged)
}

fn code_key(file_key: &FileKey) -> Result<primitives::Key, EncryptionError> {
    primitives::derive(&**file_key, &[], "header")
}

struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// The next line, without its line feed. What there is of a line that is cut off must pass as the beginning of one.
    fn next(&mut self, can_begin: impl Fn(&[u8]) -> bool) -> Result<&'a [u8], EncryptionError> {
        let header = self.bytes.get(..LENGTH_MAX).unwrap_or(self.bytes);
        let rest = header.get(self.at..).unwrap_or_default();
        if let Some(length) = rest.iter().position(|byte| *byte == b'\n') {
            self.at += length + 1;
            return Ok(rest.get(..length).unwrap_or_default());
        }
        let is_cut_off = header.len() == self.bytes.len() && can_begin(rest);
        Err(if is_cut_off { EncryptionError::CutOff } else { EncryptionError::Damaged })
    }
}

/// Whether a stanza's first line, or the last line, can begin so.
fn is_entry(line: &[u8]) -> bool {
    let is_stanza = || {
        line.starts_with(STANZA.as_bytes())
            && line.iter().all(|byte| *byte == b' ' || byte.is_ascii_graphic())
    };
    let is_end = || match line.strip_prefix(b"--- ") {
        Some(code) => code.len() <= CODE_COLUMNS && code.iter().all(|byte| is_base64(*byte)),
        None => false,
    };
    STANZA.as_bytes().starts_with(line) || b"--- ".starts_with(line) || is_stanza() || is_end()
}

fn arguments(line: &[u8]) -> Result<Vec<String>, EncryptionError> {
    let text = line.strip_prefix(STANZA.as_bytes()).and_then(|text| str::from_utf8(text).ok());
    let arguments: Vec<_> = text.ok_or(EncryptionError::Damaged)?.split(' ').map(str::to_owned).collect();
    if arguments.iter().all(|argument| is_argument(argument)) {
        Ok(arguments)
    } else {
        Err(EncryptionError::Damaged)
    }
}

fn body(lines: &mut Lines<'_>) -> Result<Vec<u8>, EncryptionError> {
    let mut text = Vec::new();
    loop {
        let line = lines.next(|line| line.len() <= COLUMNS && line.iter().all(|byte| is_base64(*byte)))?;
        text.extend_from_slice(line);
        match line.len() {
            COLUMNS => {}
            length if length < COLUMNS => return decode(&text),
            _ => return Err(EncryptionError::Damaged),
        }
    }
}

fn is_argument(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}
