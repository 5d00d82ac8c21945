//! The few cryptographic operations that all the rest is built of.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

use super::EncryptionError;

/// 32 secret bytes.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// The secret of one document, from which its other keys are derived: 16 random bytes, as age has it.
pub(super) type FileKey = Zeroizing<[u8; 16]>;

/// How much longer than its plaintext a ciphertext is.
pub(super) const TAG_LENGTH: usize = 16;

/// How long a wrapped file key is.
pub(super) const WRAPPED_LENGTH: usize = 16 + TAG_LENGTH;

/// Bytes from the system's source of randomness.
pub(super) fn random<const LENGTH: usize>() -> Result<Zeroizing<[u8; LENGTH]>, EncryptionError> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    SystemRandom::new().fill(&mut *bytes).map_err(|_| EncryptionError::Primitive("give random bytes"))?;
    Ok(bytes)
}

/// HKDF-SHA-256 (RFC 5869).
pub(super) fn derive(secret: &[u8], salt: &[u8], info: &str) -> Result<Key, EncryptionError> {
    let (mut key, info) = (Zeroizing::new([0; 32]), [info.as_bytes()]);
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let expanded = extracted.expand(&info, hkdf::HKDF_SHA256);
    let filled = expanded.and_then(|expanded| expanded.fill(&mut *key));
    filled.map_err(|_| EncryptionError::Primitive("derive a key"))?;
    Ok(key)
}

/// HMAC-SHA-256 (RFC 2104).
pub(super) fn authenticate(key: &Key, text: &[u8]) -> [u8; 32] {
    let mut code = [0; 32];
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &**key), text);
    code.iter_mut().zip(tag.as_ref()).for_each(|(code, byte)| *code = *byte);
    code
}

/// Whether that is the code of the text. Takes as long for any that is not.
pub(super) fn is_authentic(key: &Key, text: &[u8], code: &[u8; 32]) -> bool {
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &**key), text, code).is_ok()
}

/// Encrypts a file key with a key that wraps nothing else, ever.
pub(super) fn wrap(key: &Key, file_key: &FileKey) -> Result<Vec<u8>, EncryptionError> {
    Cipher::new(key)?.seal([0; NONCE_LEN], &**file_key)
}

/// Decrypts a file key; `None` if it was wrapped with another key.
pub(super) fn unwrap(key: &Key, wrapped: &[u8]) -> Result<Option<FileKey>, EncryptionError> {
    // Of no other length, so that nothing can be made to decrypt with several keys.
    if wrapped.len() != WRAPPED_LENGTH {
        return Ok(None);
    }
    let opened = Cipher::new(key)?.open([0; NONCE_LEN], wrapped).map(Zeroizing::new);
    Ok(opened.and_then(|opened| Some(Zeroizing::new(opened.as_slice().try_into().ok()?))))
}

/// ChaCha20-Poly1305 (RFC 8439) with one key.
pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    pub(super) fn new(key: &Key) -> Result<Self, EncryptionError> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &**key);
        key.map(LessSafeKey::new).map(Self).map_err(|_| EncryptionError::Primitive("take a key"))
    }

    /// The ciphertext with its tag. No nonce may be used twice with one key.
    pub(super) fn seal(&self, nonce: [u8; NONCE_LEN], plain: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        let mut sealed = Vec::with_capacity(plain.len() + TAG_LENGTH);
        sealed.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let done = self.0.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed);
        done.map_err(|_| EncryptionError::Primitive("encrypt"))?;
        Ok(sealed)
    }

    /// The plaintext, or `None` if that was not sealed so.
    pub(super) fn open(&self, nonce: [u8; NONCE_LEN], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut opened = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = self.0.open_in_place(nonce, Aad::empty(), &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }
}
