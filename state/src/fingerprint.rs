//! Keyed fingerprints of sensitive values: they tell whether a secret has changed, and nothing else to whoever lacks the key.
//!
//! A fingerprint is the first 128 bits of keyed BLAKE3 over an unambiguous byte form of the value. The key is random and stays in the
//! state's own storage. Whoever has both key and fingerprint can try out guesses: the key is as private as the state.

use std::sync::{Arc, OnceLock};

use meshform_engine::ports::StoreError;
use meshform_engine::value::{Fingerprinter, Kind, Value};
use ring::rand::{SecureRandom, SystemRandom};

use crate::documents::{FINGERPRINT_KEY, invalid, refused};
use crate::storage::{Condition, Storage, StorageError};
use crate::wire::number;

/// A fingerprint's length in hexadecimal digits.
const DIGITS: usize = 32;

/// The key of one state's fingerprints.
pub(crate) struct Key([u8; 32]);

/// The key's blob, made when something is first written that holds fingerprints. Until then a key of this process's own will do.
pub(crate) struct KeyBlob {
    storage: Arc<dyn Storage>,
    key: OnceLock<Arc<Key>>,
}

impl KeyBlob {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, key: OnceLock::new() }
    }

    /// The key, to compare with.
    ///
    /// # Errors
    /// When the blob cannot be read, or is no key.
    pub(crate) async fn get(&self) -> Result<Arc<Key>, StoreError> {
        if let Some(key) = self.key.get() {
            return Ok(key.clone());
        }
        let key = match self.read().await? {
            Some(key) => key,
            None => Key::from_bytes(random()?),
        };
        Ok(self.key.get_or_init(|| Arc::new(key)).clone())
    }

    /// The key, to write fingerprints with: it is kept from now on.
    ///
    /// # Errors
    /// When the blob cannot be read or made, is no key, or holds another one that a process has made meanwhile.
    pub(crate) async fn keep(&self) -> Result<Arc<Key>, StoreError> {
        let key = self.get().await?;
        let mut kept = self.read().await?;
        if kept.is_none() {
            let text = format!("{}\n", blake3::Hash::from_bytes(key.0).to_hex());
            match self.storage.write(FINGERPRINT_KEY, text.as_bytes(), Condition::Absent).await {
                Err(StorageError::Conflict) => kept = self.read().await?,
                written => return written.map(|_| key).map_err(refused),
            }
        }
        match kept.is_some_and(|kept| kept.0 == key.0) {
            true => Ok(key),
            false => Err(self.invalid("another run has made it meanwhile: plan again")),
        }
    }

    async fn read(&self) -> Result<Option<Key>, StoreError> {
        let Some(blob) = self.storage.read(FINGERPRINT_KEY).await.map_err(refused)? else { return Ok(None) };
        let text = str::from_utf8(&blob.content).ok();
        match text.and_then(|text| blake3::Hash::from_hex(text.trim_end()).ok()) {
            Some(hash) => Ok(Some(Key::from_bytes(*hash.as_bytes()))),
            None => Err(self.invalid("it is not 64 hexadecimal digits")),
        }
    }

    fn invalid(&self, problem: &str) -> StoreError {
        invalid(&*self.storage, FINGERPRINT_KEY, problem)
    }
}

/// So many bytes from the system's source of randomness.
///
/// # Errors
/// When it has none.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| StoreError::Io {
        attempt: "get random bytes".into(),
        problem: "the system gives none".into(),
    })?;
    Ok(bytes)
}

/// A random name in the form of a version 4 UUID (RFC 9562).
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn random_name() -> Result<String, StoreError> {
    let random = u128::from_be_bytes(random()?);
    let marked = random & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let digits = format!("{marked:032x}");
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    Ok([part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"))
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
