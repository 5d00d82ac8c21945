//! Whole documents: a header that says what it is of, and the content.

use super::EncryptionError;
use super::header::{self, Header, Stanza};
use super::keys::Keys;
use super::primitives::{self, FileKey};
use super::stream;

/// The type of the stanza that says what a document is, with the version of these formats.
const BINDING: &str = "meshform/";
const VERSION: u64 = 1;

/// What a document is. Nothing opens as something else than what it was sealed as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding(Vec<String>);

impl Binding {
    /// The blob of that name.
    pub(super) fn blob(name: &str) -> Self {
        Self::new(&["blob", name])
    }

    /// A plan file.
    pub(super) fn plan() -> Self {
        Self::new(&["plan"])
    }

    /// What was added to a log in one go of a process: from which byte on, after the frame with that tag.
    pub(super) fn segment(log: &str, at: u64, previous: Option<[u8; primitives::TAG_LENGTH]>) -> Self {
        let previous = previous.map_or_else(|| "-".to_owned(), |tag| header::encode(&tag));
        Self::new(&["log", log, &at.to_string(), &previous])
    }

    fn new(words: &[&str]) -> Self {
        Self(words.iter().map(ToString::to_string).collect())
    }
}

/// Encrypts a document.
pub(super) fn seal(keys: &Keys, binding: &Binding, content: &[u8]) -> Result<Vec<u8>, EncryptionError> {
    let (mut sealed, file_key) = begin(keys, binding)?;
    sealed.extend(stream::seal(&file_key, content)?);
    Ok(sealed)
}

/// Decrypts a document.
pub(super) fn open(keys: &Keys, binding: &Binding, sealed: &[u8]) -> Result<Vec<u8>, EncryptionError> {
    let header = header::read(sealed)?;
    let file_key = unlock(keys, binding, &header)?;
    stream::open(&file_key, sealed.get(header.length..).unwrap_or_default())
}

/// The header of a document, and the key for the rest of it.
pub(super) fn begin(keys: &Keys, binding: &Binding) -> Result<(Vec<u8>, FileKey), EncryptionError> {
    let file_key = primitives::random()?;
    let words = std::iter::once(format!("{BINDING}{VERSION}")).chain(binding.0.iter().cloned());
    let mut stanzas = keys.wrap(&file_key)?;
    stanzas.push(Stanza::new(words, Vec::new()));
    Ok((header::write(&stanzas, &file_key)?, file_key))
}

/// The key for the rest of the document that the header is of.
pub(super) fn unlock(keys: &Keys, binding: &Binding, header: &Header) -> Result<FileKey, EncryptionError> {
    let mut bindings = header.stanzas.iter().filter_map(read_binding);
    let (version, words) = bindings.next().ok_or(EncryptionError::Foreign)?;
    if version > VERSION {
        return Err(EncryptionError::Newer { version, known: VERSION });
    }
    let file_key = keys.unwrap(header)?;
    if !header.is_authentic(&file_key)? {
        return Err(EncryptionError::Damaged);
    }
    if words != binding.0 {
        return Err(EncryptionError::Misplaced { is: words.join(" "), wanted: binding.0.join(" ") });
    }
    Ok(file_key)
}

fn read_binding(stanza: &Stanza) -> Option<(u64, &[String])> {
    let (kind, words) = stanza.arguments.split_first()?;
    Some((kind.strip_prefix(BINDING)?.parse().ok()?, words))
}
