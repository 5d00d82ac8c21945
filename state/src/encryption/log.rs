//! Logs: segments, each a header and the frames that one process has added.
//!
//! ```text
//! header of age     bound to the log's name, the position, and the last frame before
//! salt              16 random bytes
//! frame, frame, …   the length of a chunk, encrypted: 4 + 16 bytes; the chunk, encrypted: its length + 16 bytes
//! ```
//!
//! The key of a segment is derived from its file key and salt; the nonces count. It is known to one writer only, in memory, and given up as soon
//! as an append has failed: whatever a failed append may have left in the storage, nothing is encrypted again with its nonces. Writers that
//! run side by side, or one after a crash, have segments, and so keys, of their own.

use super::EncryptionError;
use super::document::{self, Binding};
use super::header::{self, MAGIC};
use super::keys::Keys;
use super::primitives::{self, Cipher, FileKey, TAG_LENGTH};

const SALT_LENGTH: usize = 16;
const INFO: &str = "meshform/log";
const LENGTH_LENGTH: usize = 4 + TAG_LENGTH;

/// Where a log ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    /// How long its content is.
    pub(super) content: u64,
    /// How long it is as it is stored.
    pub(super) stored: u64,
    /// The tag of its last frame.
    tag: Option<[u8; TAG_LENGTH]>,
    /// Whether something is at its end after which nothing can be added: a part of a frame that a crash has left, or all that is not encrypted.
    is_closed: bool,
}

impl End {
    /// That of a log that is not encrypted, and so long.
    pub(super) fn unencrypted(length: u64) -> Self {
        Self { content: length, stored: length, tag: None, is_closed: true }
    }
}

/// Adds to one log, in a segment of its own.
pub(super) struct Writer {
    cipher: Cipher,
    frames: u64,
    /// The header, until the first frame is added.
    header: Vec<u8>,
    end: End,
}

impl Writer {
    /// Begins a segment.
    ///
    /// # Errors
    /// When nobody could read on after what is at the log's end.
    pub(super) fn begin(keys: &Keys, log: &str, end: End) -> Result<Self, EncryptionError> {
        if end.is_closed {
            return Err(EncryptionError::Closed);
        }
        let (mut header, file_key) = document::begin(keys, &Binding::segment(log, end.content, end.tag))?;
        let salt = primitives::random::<SALT_LENGTH>()?;
        header.extend_from_slice(&*salt);
        Ok(Self { cipher: cipher(&file_key, &*salt)?, frames: 0, header, end })
    }

    /// The end of the log, once all that was added is stored.
    pub(super) fn end(&self) -> &End {
        &self.end
    }

    /// What to store of a chunk.
    pub(super) fn add(&mut self, chunk: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        let length = u32::try_from(chunk.len()).map_err(|_| EncryptionError::TooLong)?;
        let [length_nonce, chunk_nonce] = nonces(self.frames);
        let mut stored = std::mem::take(&mut self.header);
        stored.extend(self.cipher.seal(length_nonce, &length.to_be_bytes())?);
        stored.extend(self.cipher.seal(chunk_nonce, chunk)?);
        self.frames += 1;
        self.end.content += u64::from(length);
        self.end.stored += stored.len() as u64;
        self.end.tag = stored.last_chunk().copied();
        Ok(stored)
    }
}

/// Reads a log: its content up to the last whole frame, and where it ends.
///
/// # Errors
/// When anything before a part of a frame at its end is not what was written there.
pub(super) fn open(keys: &Keys, log: &str, stored: &[u8]) -> Result<(Vec<u8>, End), EncryptionError> {
    let mut reader = Reader { rest: stored, content: Vec::new(), end: End::default() };
    match reader.segments(keys, log) {
        Ok(()) => {}
        Err(EncryptionError::CutOff) => reader.end.is_closed = true,
        Err(error) => return Err(error),
    }
    reader.end.stored = stored.len() as u64;
    Ok((reader.content, reader.end))
}

struct Reader<'a> {
    rest: &'a [u8],
    content: Vec<u8>,
    end: End,
}

impl<'a> Reader<'a> {
    /// Reads one segment after the other.
    ///
    /// # Errors
    /// [`EncryptionError::CutOff`] when all that is left is how a header or a frame begins.
    fn segments(&mut self, keys: &Keys, log: &str) -> Result<(), EncryptionError> {
        while !self.rest.is_empty() {
            let header = header::read(self.rest)?;
            let binding = Binding::segment(log, self.end.content, self.end.tag);
            let file_key = document::unlock(keys, &binding, &header)?;
            self.take(header.length)?;
            let cipher = cipher(&file_key, self.take(SALT_LENGTH)?)?;
            self.frames(&cipher)?;
        }
        Ok(())
    }

    fn frames(&mut self, cipher: &Cipher) -> Result<(), EncryptionError> {
        let mut frames = 0;
        while !self.rest.is_empty() && !begins_segment(self.rest) {
            let [length_nonce, chunk_nonce] = nonces(frames);
            let length = cipher.open(length_nonce, self.take(LENGTH_LENGTH)?);
            let length = length.and_then(|length| Some(u32::from_be_bytes(length.try_into().ok()?)));
            let length = length.ok_or(EncryptionError::Damaged)?;
            let sealed = self.take((length as usize).saturating_add(TAG_LENGTH))?;
            let chunk = cipher.open(chunk_nonce, sealed).ok_or(EncryptionError::Damaged)?;
            self.content.extend(chunk);
            self.end.content += u64::from(length);
            self.end.tag = sealed.last_chunk().copied();
            frames += 1;
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], EncryptionError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(EncryptionError::CutOff)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// Whether a header comes, or what a crash has left of one. No frame begins so by chance.
fn begins_segment(rest: &[u8]) -> bool {
    rest.starts_with(MAGIC) || MAGIC.starts_with(rest)
}

fn cipher(file_key: &FileKey, salt: &[u8]) -> Result<Cipher, EncryptionError> {
    Cipher::new(&primitives::derive(&**file_key, salt, INFO)?)
}

/// Those of a frame's length and of its chunk.
fn nonces(frame: u64) -> [[u8; 12]; 2] {
    [0, 1].map(|part| {
        let number = u128::from(frame) << 1 | part;
        let [_, _, _, _, nonce @ ..] = number.to_be_bytes();
        nonce
    })
}
