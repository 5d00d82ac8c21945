//! Encryption of the state, its history, the journal and plan files: a layer between a store and its [`Storage`](crate::Storage).
//!
//! Nothing here knows what the documents say.
//!
//! ```text
//!   Settings ──▶ Encryption ──▶ Encrypted (a Storage over any Storage)      blobs and logs
//!                          └──▶ seal_plan, open_plan                        plan files
//!
//!   encrypted   what is bound to a name and sealed: document (blobs, plans), log (journals)
//!   keys        who can open: x25519 (age), passphrase (Argon2id), given (a program's output); settings reads them
//!   header      age's header as text;   stream: age's content;   primitives: ring's ciphers
//! ```
//!
//! # Format
//!
//! Every document begins with a header as the age v1 specification (C2SP, `age.md`) has it. A random file key of 128 bits is wrapped in it for
//! each of the current keys; a code under the file key covers the whole header. Beside age's own `X25519` there are these stanzas, which other
//! readers of age's format skip:
//!
//! | stanza | body | |
//! | --- | --- | --- |
//! | `meshform/argon2id SALT KIB PASSES LANES SALT2` | wrapped file key | wrapped with HKDF(Argon2id(passphrase, SALT), SALT2) |
//! | `meshform/key SALT` | wrapped file key | wrapped with HKDF(the key, SALT) |
//! | `meshform/for LABEL…` | empty | for whom it is, for messages |
//! | `meshform/1 blob NAME`, `meshform/1 plan` | empty | what it is; the content follows as age has it (STREAM) |
//! | `meshform/1 log NAME POSITION TAG` | empty | what it is; frames follow, see `log.rs` |
//!
//! So a state and a plan that are for a recipient of age can be decrypted by the ordinary program: `age -d -i IDENTITY state.json`.
//!
//! # Other keys
//!
//! Whatever is written is for the current keys; fallback keys only open. `StateStore::rewrite` writes all there is anew: after that the former
//! keys are not needed any more, but for plan files. Who had one can still read what was written before, wherever there is a copy of it.
//!
//! # What it protects
//!
//! Whoever can read the storage, but has none of the keys, learns nothing of the content of a blob, a log or a plan. Whoever can also write there,
//! but has none of the keys and does not know the recipients of age, cannot change them unnoticed: bits, the end of a blob, one blob in
//! another's place, chunks of a log that were removed, moved, repeated, or taken from another log or an older one of the same name.
//!
//! # What it does not
//!
//! * Names, lengths, times and the number of writes are in the open, as is the blob `lock`: it says who holds it, from where and since when.
//!   The header shows how a document can be opened: the beginnings of the recipients of age and a fingerprint of a given key.
//! * Whoever can write to the storage can put an older whole document back (with its own name), remove some, or cut off the end of a log, which
//!   looks like a crash. The documents' lineage and serials show some of that.
//! * age's recipients are public keys: who knows one can make a document for it. Where those who can write to the storage may know the recipients
//!   and must not forge a state, use a passphrase or a key from a program instead, and no recipient.
//! * Documents of two stacks with the same keys can be exchanged as wholes, if their names are equal.
//! * Keys are cleared from memory when they are dropped, but for those inside the ciphers of the `ring` crate and copies that the system makes.
//!   The content of a state is not cleared.
//!
//! # Why no nonce comes twice
//!
//! Every key encrypts under a nonce of its own or counts its nonces, and is derived with fresh random bytes for one purpose: a wrapping key (with
//! the nonce 0) from a fresh ephemeral secret or salt; a content's key from a fresh file key and a fresh salt, its nonces the numbers of the
//! pieces, written in one go. A log's key lives in the memory of one writer, from a fresh file key; its nonces count frames, and it is dropped when
//! an append fails or its outcome is not known. No counter is kept in the storage, so neither a crash nor writers side by side can repeat one.

mod block;
mod document;
mod encrypted;
mod given;
mod header;
#[cfg(test)]
mod interoperation;
mod keys;
mod log;
mod passphrase;
mod primitives;
mod settings;
mod stream;
mod x25519;

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::OnceCell;

use self::document::Binding;
use self::header::MAGIC;
use self::keys::Keys;
use self::log::{End, Writer};
use self::settings::Sources;

pub use self::block::schema;
pub use self::encrypted::Encrypted;
pub use self::given::KeyCommandError;
pub use self::passphrase::PassphraseCost;
pub use self::settings::{KeySource, Settings, SettingsProblem};

/// How documents are encrypted, with which keys. Its futures need a tokio runtime.
pub struct Encryption {
    sources: Arc<Sources>,
    migrate: bool,
    /// The keys, once programs were asked for theirs.
    keys: OnceCell<Keys>,
}

/// Why a document cannot be encrypted or decrypted. Reads after its name and a colon; tells no secrets.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EncryptionError {
    /// It is encrypted, and there are no keys.
    #[error(
        "it is encrypted (for: {wanted}), and no encryption is configured: give a key to it in the block `encryption` of `meshform`, \
         or in the environment variable MESHFORM_ENCRYPTION"
    )]
    NoKeys {
        /// Whom it is for.
        wanted: String,
    },
    /// It is encrypted, and none of the keys opens it.
    #[error(
        "it is encrypted for other keys (for: {wanted}) than are configured ({own}), or its header is damaged"
    )]
    OtherKeys {
        /// Whom it is for.
        wanted: String,
        /// Which keys there are.
        own: String,
    },
    /// It is not encrypted, and should be.
    #[error(
        "it is not encrypted, but encryption is configured: if it was written before that, set `migrate = true` in the block `encryption` \
         until it has been written anew"
    )]
    Unencrypted,
    /// Its end is missing.
    #[error("it is cut off")]
    CutOff,
    /// It is not what was written.
    #[error("it is damaged or was changed")]
    Damaged,
    /// It is something else.
    #[error("it was written as \"{is}\", and is in the place of \"{wanted}\"")]
    Misplaced {
        /// What it is.
        is: String,
        /// What it should be.
        wanted: String,
    },
    /// It is in age's format, but not of meshform.
    #[error("it is encrypted, but not by meshform")]
    Foreign,
    /// A newer meshform wrote it.
    #[error(
        "its encryption is of version {version}, and this meshform reads up to version {known}: use a newer meshform"
    )]
    Newer {
        /// The version.
        version: u64,
        /// The newest that can be read.
        known: u64,
    },
    /// It asks for more memory or time than any that is written.
    #[error("it asks for more work to try a passphrase than meshform ever does")]
    Costly,
    /// Nothing can be added to a log.
    #[error(
        "it ends with what a crash has left, or was begun without encryption: nothing can be added to it"
    )]
    Closed,
    /// A chunk of a log is too long.
    #[error("more than 4 GiB cannot be added to a log at once")]
    TooLong,
    /// Its name cannot be written down.
    #[error("its name is not of visible ASCII characters")]
    Name,
    /// A program gives no key.
    #[error("{program}, which is to give the key: {problem}")]
    Command {
        /// The program.
        program: String,
        /// What is wrong.
        problem: KeyCommandError,
    },
    /// Part of the machine does not work.
    #[error("the system or its cryptographic library did not {0}")]
    Primitive(&'static str),
}

impl Encryption {
    /// Reads the settings. No program is asked for its key before that is needed.
    ///
    /// # Errors
    /// When a key is none, or what is written could not be read again.
    pub fn new(settings: Settings) -> Result<Self, SettingsProblem> {
        let migrate = settings.migrate;
        Ok(Self { sources: Arc::new(Sources::read(settings)?), migrate, keys: OnceCell::new() })
    }

    /// Whether what is written is encrypted.
    #[must_use]
    pub fn encrypts(&self) -> bool {
        self.sources.encrypts()
    }

    /// Encrypts a plan file.
    ///
    /// # Errors
    /// When a program gives no key.
    pub async fn seal_plan(&self, plan: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        self.seal(Binding::plan(), plan).await
    }

    /// Decrypts a plan file.
    ///
    /// # Errors
    /// When none of the keys opens it, it is not what was written, or it is not encrypted and should be.
    pub async fn open_plan(&self, plan: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        self.open(Binding::plan(), plan.to_vec()).await
    }

    async fn seal(&self, binding: Binding, content: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        if !self.encrypts() {
            return Ok(content.to_vec());
        }
        let (keys, content) = (self.keys().await?, content.to_vec());
        aside(move || document::seal(&keys, &binding, &content)).await
    }

    async fn open(&self, binding: Binding, stored: Vec<u8>) -> Result<Vec<u8>, EncryptionError> {
        if !is_sealed(&stored) {
            return self.unencrypted(stored);
        }
        let keys = self.keys().await?;
        aside(move || document::open(&keys, &binding, &stored)).await
    }

    async fn open_log(&self, log: &str, stored: Vec<u8>) -> Result<(Vec<u8>, End), EncryptionError> {
        if stored.is_empty() {
            return Ok((stored, End::default()));
        }
        if !is_sealed(&stored) && !MAGIC.starts_with(&stored) {
            let end = End::unencrypted(stored.len() as u64);
            return Ok((self.unencrypted(stored)?, end));
        }
        let (keys, log) = (self.keys().await?, log.to_owned());
        aside(move || log::open(&keys, &log, &stored)).await
    }

    async fn begin_segment(&self, log: &str, end: End) -> Result<Writer, EncryptionError> {
        let (keys, log) = (self.keys().await?, log.to_owned());
        aside(move || Writer::begin(&keys, &log, end)).await
    }

    fn unencrypted(&self, stored: Vec<u8>) -> Result<Vec<u8>, EncryptionError> {
        if self.encrypts() && !self.migrate { Err(EncryptionError::Unencrypted) } else { Ok(stored) }
    }

    async fn keys(&self) -> Result<Keys, EncryptionError> {
        self.keys.get_or_try_init(|| Keys::get(Arc::clone(&self.sources))).await.cloned()
    }
}

fn is_sealed(stored: &[u8]) -> bool {
    stored.starts_with(MAGIC)
}

/// Runs what may compute for a while where it keeps nobody else from running.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EncryptionError> + Send + 'static,
) -> Result<T, EncryptionError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(EncryptionError::Primitive("finish its work")))
}
