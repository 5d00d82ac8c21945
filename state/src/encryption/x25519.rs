//! Keys of age's own kind: whoever knows a recipient can encrypt for it, and who has its identity can decrypt.

use std::fmt;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use curve25519_dalek::MontgomeryPoint;
use zeroize::Zeroizing;

use super::EncryptionError;
use super::header::{self, Stanza};
use super::primitives::{self, FileKey, Key};

const TYPE: &str = "X25519";
const INFO: &str = "age-encryption.org/v1/X25519";
const RECIPIENT: &str = "age";
const IDENTITY: &str = "age-secret-key-";

/// How much of a recipient names it: enough to tell recipients apart.
const SHOWN: usize = 14;

/// A public key, `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Recipient(MontgomeryPoint);

/// A secret key, `AGE-SECRET-KEY-1…`.
pub(super) struct Identity {
    secret: Key,
    recipient: Recipient,
}

impl Recipient {
    /// Reads its text; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let point = MontgomeryPoint(*decode(text, RECIPIENT)?);
        // With a point of low order, everybody would know the secret that is shared with it.
        let is_of_low_order = point.mul_clamped([0; 32]).to_bytes() == [0; 32];
        (!is_of_low_order).then_some(Self(point))
    }

    /// Lets its identity get at the file key.
    pub(super) fn wrap(&self, file_key: &FileKey) -> Result<Stanza, EncryptionError> {
        let secret = primitives::random::<32>()?;
        let share = MontgomeryPoint::mul_base_clamped(*secret);
        let shared = Zeroizing::new(self.0.mul_clamped(*secret).to_bytes());
        let body = primitives::wrap(&wrap_key(&shared, &share, self)?, file_key)?;
        Ok(Stanza::new([TYPE.to_owned(), header::encode(share.as_bytes())], body))
    }
}

/// Its beginning, which no other recipient has.
impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = bech32::encode::<Bech32>(Hrp::parse_unchecked(RECIPIENT), self.0.as_bytes());
        let text = text.map_err(|_| fmt::Error)?;
        f.write_str(text.get(..SHOWN).unwrap_or(&text))
    }
}

impl Identity {
    /// Reads its text; `None` if it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let secret = decode(text, IDENTITY)?;
        let recipient = Recipient(MontgomeryPoint::mul_base_clamped(*secret));
        Some(Self { secret, recipient })
    }

    /// Whom it opens for.
    pub(super) fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// The file key, if the stanza is for this identity.
    pub(super) fn unwrap(&self, stanza: &Stanza) -> Result<Option<FileKey>, EncryptionError> {
        let Some([share]) = stanza.of_type(TYPE) else { return Ok(None) };
        let Some(share) = header::decode_argument(share).map(MontgomeryPoint) else { return Ok(None) };
        let shared = Zeroizing::new(share.mul_clamped(*self.secret).to_bytes());
        // A share of low order would make a key that everybody knows.
        if *shared == [0; 32] {
            return Ok(None);
        }
        primitives::unwrap(&wrap_key(&shared, &share, &self.recipient)?, &stanza.body)
    }
}

/// Whether a stanza is for someone's identity.
pub(super) fn is_for_someone(stanza: &Stanza) -> bool {
    stanza.of_type(TYPE).is_some()
}

fn wrap_key(shared: &Key, share: &MontgomeryPoint, recipient: &Recipient) -> Result<Key, EncryptionError> {
    let salt: Vec<_> = share.as_bytes().iter().chain(recipient.0.as_bytes()).copied().collect();
    primitives::derive(&**shared, &salt, INFO)
}

/// The 32 bytes of a Bech32 text (BIP 173) with that prefix.
fn decode(text: &str, prefix: &str) -> Option<Key> {
    let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
    if checked.hrp() != Hrp::parse(prefix).ok()? || checked.byte_iter().len() != 32 {
        return None;
    }
    let mut key = Zeroizing::new([0; 32]);
    key.iter_mut().zip(checked.byte_iter()).for_each(|(byte, decoded)| *byte = decoded);
    Some(key)
}
