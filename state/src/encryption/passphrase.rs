//! Passphrases, made into keys by Argon2id (RFC 9106).
//!
//! Deriving is expensive on purpose, so it is done once for each salt: the result is kept in memory, and a salt that a document was found
//! with serves again for what is written. Each wrapping key is derived further, with a salt of its own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::EncryptionError;
use super::header::{self, Stanza};
use super::primitives::{self, FileKey, Key};

pub(super) const TYPE: &str = "meshform/argon2id";

/// No header may ask for more memory: 256 MiB.
const MEMORY_KIB_MAX: u32 = 256 << 10;
/// Below this a passphrase is no protection: 1 MiB.
const MEMORY_KIB_MIN: u32 = 1 << 10;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;
/// How much memory may be passed over in all: 1 GiB, some seconds.
const WORK_KIB_MAX: u32 = 1 << 20;

/// What it costs to try a passphrase. It is written into each document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PassphraseCost {
    /// Memory, in KiB: from 1 MiB to 256 MiB.
    pub memory_kib: u32,
    /// How often all of the memory is passed over: from 1 to 16, and no more than 1 GiB in all.
    pub passes: u32,
    /// Into how many lanes the memory is divided: from 1 to 16. They are computed one after the other.
    pub lanes: u32,
}

/// As much memory and as many passes as RFC 9106 advises where memory is scarce, in one lane.
impl Default for PassphraseCost {
    fn default() -> Self {
        Self { memory_kib: 64 << 10, passes: 3, lanes: 1 }
    }
}

impl PassphraseCost {
    /// Whether it is within its bounds.
    pub(super) fn is_bearable(&self) -> bool {
        (MEMORY_KIB_MIN..=MEMORY_KIB_MAX).contains(&self.memory_kib)
            && (1..=PASSES_MAX).contains(&self.passes)
            && (1..=LANES_MAX).contains(&self.lanes)
            && self.memory_kib.saturating_mul(self.passes) <= WORK_KIB_MAX
    }
}

/// With what a passphrase is made into a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Setting {
    salt: [u8; 16],
    cost: PassphraseCost,
}

/// A passphrase, with the keys that were made of it.
pub(super) struct Passphrase {
    text: Zeroizing<String>,
    cost: PassphraseCost,
    derived: Mutex<Derived>,
}

#[derive(Default)]
struct Derived {
    keys: HashMap<Setting, Key>,
    /// With what it wraps.
    setting: Option<Setting>,
}

impl Passphrase {
    pub(super) fn new(text: Zeroizing<String>, cost: PassphraseCost) -> Self {
        Self { text, cost, derived: Mutex::default() }
    }

    /// Lets whoever has the passphrase get at the file key.
    pub(super) fn wrap(&self, file_key: &FileKey) -> Result<Stanza, EncryptionError> {
        let mut derived = self.derived();
        let setting = match derived.setting {
            Some(setting) => setting,
            None => *derived.setting.insert(Setting { salt: *primitives::random()?, cost: self.cost }),
        };
        let salt = primitives::random::<16>()?;
        let key = self.wrap_key(&mut derived, setting, &*salt)?;
        let Setting { salt: of_passphrase, cost } = setting;
        let arguments = [
            TYPE.to_owned(),
            header::encode(&of_passphrase),
            cost.memory_kib.to_string(),
            cost.passes.to_string(),
            cost.lanes.to_string(),
            header::encode(&*salt),
        ];
        Ok(Stanza::new(arguments, primitives::wrap(&key, file_key)?))
    }

    /// The file key, if the stanza is for this passphrase.
    ///
    /// # Errors
    /// [`EncryptionError::Costly`] when the stanza asks for more work than any that is written.
    pub(super) fn unwrap(&self, stanza: &Stanza) -> Result<Option<FileKey>, EncryptionError> {
        let Some((setting, salt)) = stanza.of_type(TYPE).and_then(read) else { return Ok(None) };
        if !setting.cost.is_bearable() {
            return Err(EncryptionError::Costly);
        }
        let mut derived = self.derived();
        let key = self.wrap_key(&mut derived, setting, &salt)?;
        let file_key = primitives::unwrap(&key, &stanza.body)?;
        if file_key.is_some() && setting.cost == self.cost {
            derived.setting.get_or_insert(setting);
        }
        Ok(file_key)
    }

    fn wrap_key(&self, derived: &mut Derived, setting: Setting, salt: &[u8]) -> Result<Key, EncryptionError> {
        let key = match derived.keys.entry(setting) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(self.derive(setting)?),
        };
        primitives::derive(&**key, salt, TYPE)
    }

    fn derive(&self, Setting { salt, cost }: Setting) -> Result<Key, EncryptionError> {
        let mut key = Zeroizing::new([0; 32]);
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(key.len()));
        let derived = params.and_then(|params| {
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon2.hash_password_into(self.text.as_bytes(), &salt, &mut *key)
        });
        derived.map_err(|_| EncryptionError::Primitive("derive a key from a passphrase"))?;
        Ok(key)
    }

    /// Held while a key is derived, so that nobody derives the same one beside it.
    fn derived(&self) -> MutexGuard<'_, Derived> {
        self.derived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(arguments: &[String]) -> Option<(Setting, [u8; 16])> {
    let [of_passphrase, memory_kib, passes, lanes, salt] = arguments else { return None };
    let cost = PassphraseCost {
        memory_kib: memory_kib.parse().ok()?,
        passes: passes.parse().ok()?,
        lanes: lanes.parse().ok()?,
    };
    let setting = Setting { salt: header::decode_argument(of_passphrase)?, cost };
    Some((setting, header::decode_argument(salt)?))
}
