//! Keyed fingerprints of sensitive values: they tell whether a secret has changed, and nothing else to whoever lacks the key.
//!
//! A fingerprint is the first 128 bits of keyed BLAKE3 over an unambiguous byte form of the value. The key is random and stays in the
//! state's own folder. Whoever has both key and fingerprint can try out guesses: the key file is as private as the state.

use std::io::Read;
use std::sync::{Arc, OnceLock};

use meshform_engine::ports::StoreError;
use meshform_engine::value::{Fingerprinter, Kind, Value};

use crate::folder::{FINGERPRINT_KEY, Folder, io};
use crate::wire::number;

/// A fingerprint's length in hexadecimal digits.
const DIGITS: usize = 32;

/// The key of one state's fingerprints.
pub(crate) struct Key([u8; 32]);

/// The key file, made when something is first written that holds fingerprints. Until then a key of this process's own will do.
pub(crate) struct KeyFile {
    folder: Arc<Folder>,
    key: OnceLock<Arc<Key>>,
}

impl KeyFile {
    pub(crate) fn new(folder: Arc<Folder>) -> Self {
        Self { folder, key: OnceLock::new() }
    }

    /// The key, to compare with.
    ///
    /// # Errors
    /// When the file cannot be read, or is no key.
    pub(crate) fn get(&self) -> Result<Arc<Key>, StoreError> {
        if let Some(key) = self.key.get() {
            return Ok(key.clone());
        }
        let key = match self.read()? {
            Some(key) => key,
            None => Key(random()?),
        };
        Ok(self.key.get_or_init(|| Arc::new(key)).clone())
    }

    /// The key, to write fingerprints with: it is in its file from now on.
    ///
    /// # Errors
    /// When the file cannot be read or made, is no key, or holds another one that a process has made meanwhile.
    pub(crate) fn keep(&self) -> Result<Arc<Key>, StoreError> {
        let key = self.get()?;
        let guard = self.folder.guard()?;
        match self.read()? {
            Some(kept) if kept.0 == key.0 => {}
            Some(_) => {
                return Err(self
                    .folder
                    .invalid(FINGERPRINT_KEY, "another run has made it meanwhile: plan again"));
            }
            None => {
                let text = format!("{}\n", blake3::Hash::from_bytes(key.0).to_hex());
                guard.replace(FINGERPRINT_KEY, text.as_bytes())?;
            }
        }
        Ok(key)
    }

    fn read(&self) -> Result<Option<Key>, StoreError> {
        let Some(bytes) = self.folder.read(FINGERPRINT_KEY)? else { return Ok(None) };
        let text = str::from_utf8(&bytes).ok();
        match text.and_then(|text| blake3::Hash::from_hex(text.trim_end()).ok()) {
            Some(hash) => Ok(Some(Key(*hash.as_bytes()))),
            None => Err(self.folder.invalid(FINGERPRINT_KEY, "it is not 64 hexadecimal digits")),
        }
    }
}

/// So many bytes from the system's source of randomness.
///
/// # Errors
/// When it has none.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    let mut source = std::fs::File::open("/dev/urandom").map_err(io("open /dev/urandom"))?;
    source.read_exact(&mut bytes).map_err(io("read /dev/urandom"))?;
    Ok(bytes)
}

impl Key {
    /// A key of these bytes.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Fingerprinter for Key {
    fn fingerprint(&self, value: &Value) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(b"meshform.fingerprint.v1");
        feed(&mut hasher, value);
        hasher.finalize().to_hex()[..DIGITS].to_owned()
    }
}

/// Feeds a byte for the kind, then the content with every length before it: no two different values feed the same bytes.
///
/// Maps and objects of the same content are the same value ([`Value::same`]).
fn feed(hasher: &mut blake3::Hasher, value: &Value) {
    match value.kind() {
        Kind::Null => tag(hasher, 0),
        Kind::Bool(truth) => {
            tag(hasher, 1);
            tag(hasher, u8::from(*truth));
        }
        Kind::Number(number) => {
            tag(hasher, 2);
            // Too many digits to be stored are still told from fewer.
            text(hasher, &number::text(number).unwrap_or_else(|| number.to_scientific_notation()));
        }
        Kind::String(content) => {
            tag(hasher, 3);
            text(hasher, content);
        }
        Kind::List(elements) => {
            tag(hasher, 4);
            all(hasher, elements);
        }
        Kind::Set(elements) => {
            tag(hasher, 5);
            all(hasher, elements);
        }
        Kind::Map(entries) => pairs(hasher, entries, false),
        Kind::Object(object) => pairs(hasher, &object.fields, object.open),
        Kind::Unknown(ty) => {
            tag(hasher, 7);
            text(hasher, &format!("{ty:?}"));
        }
        Kind::Fingerprint(fingerprint) => {
            tag(hasher, 8);
            text(hasher, fingerprint);
        }
    }
}

fn tag(hasher: &mut blake3::Hasher, tag: u8) {
    hasher.update(&[tag]);
}

fn length(hasher: &mut blake3::Hasher, length: usize) {
    hasher.update(&(length as u64).to_le_bytes());
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    length(hasher, text.len());
    hasher.update(text.as_bytes());
}

fn all(hasher: &mut blake3::Hasher, elements: &[Value]) {
    length(hasher, elements.len());
    elements.iter().for_each(|element| feed(hasher, element));
}

fn pairs(hasher: &mut blake3::Hasher, entries: &std::collections::BTreeMap<String, Value>, open: bool) {
    tag(hasher, 6);
    tag(hasher, u8::from(open));
    length(hasher, entries.len());
    for (name, value) in entries {
        text(hasher, name);
        feed(hasher, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(same: bool, a: &Value, b: &Value) {
        let key = Key::from_bytes([1; 32]);
        assert_eq!(key.fingerprint(a) == key.fingerprint(b), same, "{a:?} {b:?}");
    }

    fn number(text: &str) -> Value {
        Value::number(text.parse::<bigdecimal::BigDecimal>().unwrap())
    }

    #[test]
    fn the_same_value_has_the_same_fingerprint() {
        check(true, &"a".into(), &Value::string("a").sensitive());
        check(true, &number("1.50"), &number("15e-1"));
        check(true, &Value::map([("a".into(), true.into())]), &Value::object([("a".into(), true.into())]));
    }

    #[test]
    fn different_values_have_different_fingerprints() {
        let list = |texts: &[&str]| Value::list(texts.iter().map(|text| Value::string(*text)));
        check(false, &"1".into(), &number("1"));
        check(false, &list(&["ab", "c"]), &list(&["a", "bc"]));
        check(false, &Value::list([list(&["a"]), list(&[])]), &Value::list([list(&[]), list(&["a"])]));
        check(false, &Value::list([]), &Value::set([]));
        check(false, &Value::object([]), &Value::open_object([]));
        check(false, &Value::null(), &false.into());
    }

    #[test]
    fn keys_differ() {
        let of = |byte| Key::from_bytes([byte; 32]).fingerprint(&"a".into());
        assert_ne!(of(1), of(2));
        assert_eq!(of(1).len(), DIGITS);
    }
}
