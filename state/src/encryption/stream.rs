//! The content of an age file: STREAM, in pieces of 64 KiB, each with its number and a mark on the last in its nonce.
//!
//! The key is derived from the file key and 16 random bytes that precede the content, so it encrypts one content only, and no nonce comes twice.

use super::EncryptionError;
use super::primitives::{self, Cipher, FileKey, TAG_LENGTH};

const PIECE: usize = 64 << 10;
const SALT_LENGTH: usize = 16;

/// Encrypts a content.
pub(super) fn seal(file_key: &FileKey, content: &[u8]) -> Result<Vec<u8>, EncryptionError> {
    let salt = primitives::random::<SALT_LENGTH>()?;
    let cipher = cipher(file_key, &*salt)?;
    let pieces = content.len().div_ceil(PIECE).max(1);
    let mut sealed = Vec::with_capacity(SALT_LENGTH + content.len() + pieces * TAG_LENGTH);
    sealed.extend_from_slice(&*salt);
    for number in 0..pieces {
        let rest = content.get(number * PIECE..).unwrap_or_default();
        let piece = rest.get(..PIECE).unwrap_or(rest);
        sealed.extend(cipher.seal(nonce(number, number + 1 == pieces), piece)?);
    }
    Ok(sealed)
}

/// Decrypts a content.
pub(super) fn open(file_key: &FileKey, sealed: &[u8]) -> Result<Vec<u8>, EncryptionError> {
    let (salt, sealed) = sealed.split_at_checked(SALT_LENGTH).ok_or(EncryptionError::CutOff)?;
    let cipher = cipher(file_key, salt)?;
    let pieces = sealed.len().div_ceil(PIECE + TAG_LENGTH).max(1);
    let mut content = Vec::with_capacity(sealed.len());
    for (number, piece) in (0..pieces).zip(sealed.chunks(PIECE + TAG_LENGTH).chain([[].as_slice()])) {
        let is_last = number + 1 == pieces;
        let Some(opened) = cipher.open(nonce(number, is_last), piece) else {
            return Err(why_not(&cipher, number, piece, is_last));
        };
        // Only a content that is empty has an empty piece.
        if opened.is_empty() && number > 0 {
            return Err(EncryptionError::Damaged);
        }
        content.extend(opened);
    }
    Ok(content)
}

/// Whether the end is missing, or what is there is not what was written.
fn why_not(cipher: &Cipher, number: usize, piece: &[u8], is_last: bool) -> EncryptionError {
    let has_successors = is_last && (piece.is_empty() || cipher.open(nonce(number, false), piece).is_some());
    if has_successors { EncryptionError::CutOff } else { EncryptionError::Damaged }
}

fn cipher(file_key: &FileKey, salt: &[u8]) -> Result<Cipher, EncryptionError> {
    Cipher::new(&primitives::derive(&**file_key, salt, "payload")?)
}

/// Eleven bytes of number, one that marks the last piece.
fn nonce(number: usize, is_last: bool) -> [u8; 12] {
    let number = (number as u128) << 8 | u128::from(is_last);
    let [_, _, _, _, nonce @ ..] = number.to_be_bytes();
    nonce
}
