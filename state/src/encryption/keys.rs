//! All keys together: how a file key is wrapped for each of the current ones, and got at with any.

use std::sync::Arc;

use super::EncryptionError;
use super::given::{self, GivenKey};
use super::header::{Header, Stanza};
use super::passphrase;
use super::primitives::FileKey;
use super::settings::{KEYS_MAX, Source, Sources};
use super::x25519::{self, Identity};

/// Lists whom a document is for, so that whoever cannot open it knows whom to ask.
const LABELS: &str = "meshform/for";

/// The most of those labels that a message shows.
const LABELS_SHOWN: usize = 12;

const PASSPHRASE: &str = "passphrase";

/// The keys of one process.
#[derive(Clone)]
pub(super) struct Keys {
    sources: Arc<Sources>,
    given: Arc<[Source<GivenKey>]>,
}

impl Keys {
    /// The keys that the settings hold, and those that programs give when they are asked now.
    pub(super) async fn get(sources: Arc<Sources>) -> Result<Self, EncryptionError> {
        let mut given = Vec::new();
        for Source { key: command, is_current } in &sources.commands {
            let Some((program, arguments)) = command.split_first() else { continue };
            let key = given::ask(program, arguments).await;
            let key =
                key.map_err(|problem| EncryptionError::Command { program: program.clone(), problem })?;
            given.push(Source { key, is_current: *is_current });
        }
        Ok(Self { sources, given: given.into() })
    }

    /// What the holders of the current keys need to get at a file key.
    pub(super) fn wrap(&self, file_key: &FileKey) -> Result<Vec<Stanza>, EncryptionError> {
        let mut stanzas = Vec::new();
        for recipient in &self.sources.recipients {
            stanzas.push(recipient.wrap(file_key)?);
        }
        for source in self.given.iter().filter(|source| source.is_current) {
            stanzas.push(source.key.wrap(file_key)?);
        }
        for source in self.sources.passphrases.iter().filter(|source| source.is_current) {
            stanzas.push(source.key.wrap(file_key)?);
        }
        let labels = std::iter::once(LABELS.to_owned()).chain(self.labels(true)?);
        stanzas.push(Stanza::new(labels, Vec::new()));
        Ok(stanzas)
    }

    /// The file key, by whichever key opens the header. The expensive ones are tried last.
    ///
    /// # Errors
    /// When none does.
    pub(super) fn unwrap(&self, header: &Header) -> Result<FileKey, EncryptionError> {
        for identity in &self.sources.identities {
            if let Some(file_key) = first(&header.stanzas, |stanza| identity.unwrap(stanza))? {
                return Ok(file_key);
            }
        }
        for source in self.given.iter() {
            if let Some(file_key) = first(&header.stanzas, |stanza| source.key.unwrap(stanza))? {
                return Ok(file_key);
            }
        }
        let costly = header.stanzas.iter().filter(|stanza| stanza.of_type(passphrase::TYPE).is_some());
        let costly: Vec<_> = costly.take(KEYS_MAX).cloned().collect();
        for source in &self.sources.passphrases {
            if let Some(file_key) = first(&costly, |stanza| source.key.unwrap(stanza))? {
                return Ok(file_key);
            }
        }
        Err(self.why_not(header)?)
    }

    fn why_not(&self, header: &Header) -> Result<EncryptionError, EncryptionError> {
        let (own, wanted) = (self.labels(false)?, wanted(header));
        let is_ours = own.iter().any(|label| label != PASSPHRASE && wanted.contains(label));
        let wanted = shown(&wanted);
        Ok(match own.is_empty() {
            true => EncryptionError::NoKeys { wanted },
            // The right key does not open what is for it.
            false if is_ours => EncryptionError::Damaged,
            false => EncryptionError::OtherKeys { wanted, own: shown(&own) },
        })
    }

    /// Whom the current keys are of, or what all of them open.
    fn labels(&self, are_current: bool) -> Result<Vec<String>, EncryptionError> {
        let opened = self.sources.identities.iter().map(Identity::recipient);
        let recipients: Vec<_> =
            if are_current { self.sources.recipients.iter().collect() } else { opened.collect() };
        let mut labels: Vec<_> = recipients.iter().map(ToString::to_string).collect();
        for source in self.given.iter().filter(|source| source.is_current || !are_current) {
            labels.push(format!("key-{}", source.key.fingerprint()?));
        }
        let passphrases = self.sources.passphrases.iter().filter(|source| source.is_current || !are_current);
        labels.extend(passphrases.map(|_| PASSPHRASE.to_owned()));
        Ok(labels)
    }
}

/// What the first of the stanzas gives that gives something.
fn first(
    stanzas: &[Stanza],
    unwrap: impl Fn(&Stanza) -> Result<Option<FileKey>, EncryptionError>,
) -> Result<Option<FileKey>, EncryptionError> {
    stanzas.iter().find_map(|stanza| unwrap(stanza).transpose()).transpose()
}

/// Whom a document is for, as it says itself: unproven, but nothing depends on it.
fn wanted(header: &Header) -> Vec<String> {
    let listed = header.stanzas.iter().find_map(|stanza| stanza.of_type(LABELS)).map(<[_]>::to_vec);
    listed.unwrap_or_else(|| {
        let kind = |stanza: &Stanza| match stanza {
            stanza if x25519::is_for_someone(stanza) => Some("a recipient of age".to_owned()),
            stanza if stanza.of_type(given::TYPE).is_some() => Some("a key".to_owned()),
            stanza if stanza.of_type(passphrase::TYPE).is_some() => Some(PASSPHRASE.to_owned()),
            _ => None,
        };
        header.stanzas.iter().filter_map(kind).collect()
    })
}

fn shown(labels: &[String]) -> String {
    let mut shown: Vec<_> =
        labels.iter().take(LABELS_SHOWN).map(|label| label.chars().take(40).collect()).collect();
    match labels.len().saturating_sub(LABELS_SHOWN) {
        0 if labels.is_empty() => shown.push("nobody".to_owned()),
        0 => {}
        more => shown.push(format!("{more} more")),
    }
    shown.join(", ")
}
