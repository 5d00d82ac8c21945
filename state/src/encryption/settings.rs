//! What is configured: the keys in use, those that only open, and whether what is not encrypted may be read.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use zeroize::Zeroizing;

use super::passphrase::{Passphrase, PassphraseCost};
use super::x25519::{Identity, Recipient};

/// How many keys of one kind can be configured, and how many stanzas of that kind are tried in a document.
pub(super) const KEYS_MAX: usize = 8;

/// How documents are encrypted. Without any key they are not.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What is written can be opened with each of these.
    pub current: Vec<KeySource>,
    /// What was written before can be opened with these, too.
    pub fallback: Vec<KeySource>,
    /// Whether what is not encrypted is read all the same, as when encryption has just been configured.
    pub migrate: bool,
    /// What it costs to try a passphrase, for what is written.
    pub cost: PassphraseCost,
}

/// Where a key comes from.
#[derive(Clone)]
pub enum KeySource {
    /// A passphrase.
    Passphrase(String),
    /// Keys of age.
    Age {
        /// `age1…`: whom to encrypt for. Without any, those of the identities. Not needed to open.
        recipients: Vec<String>,
        /// `AGE-SECRET-KEY-1…`: what to open with. Each text is a key, or the content of a file as `age-keygen` makes it.
        identities: Vec<String>,
    },
    /// A program and its arguments. It gives 32 bytes on its standard output: as they are, as 64 hexadecimal digits, or in base64.
    Command(Vec<String>),
}

/// Why settings cannot be used. Tells no secrets.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SettingsProblem {
    /// There is no key at all.
    #[error(
        "no key is given: `passphrase`, `age` or `command`; to end encryption, make the former keys a `fallback`"
    )]
    NoKey,
    /// A passphrase is empty.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// A text is no recipient.
    #[error("{0:?} is no recipient of age: one begins with \"age1\", and is made by `age-keygen -y`")]
    NoRecipient(String),
    /// A text is no identity.
    #[error(
        "an identity of age begins with \"AGE-SECRET-KEY-1\", and this one is not whole or not of that kind"
    )]
    NoIdentity,
    /// There is neither a recipient nor an identity.
    #[error("there is neither a recipient nor an identity of age")]
    NoAgeKey,
    /// A command is empty.
    #[error("the command that gives the key is empty")]
    EmptyCommand,
    /// What was written could never be read again.
    #[error(
        "none of the keys can open what is encrypted for the recipients: give the identity of one of them"
    )]
    CannotOpen,
    /// There are too many keys of one kind.
    #[error("there are more than {KEYS_MAX} keys of one kind")]
    TooMany,
    /// A passphrase would be too cheap, or too expensive, to try.
    #[error(
        "the cost of the passphrase is out of bounds: 1024 to 262144 KiB of memory, 1 to 16 passes (at most 1 GiB in all), 1 to 16 lanes"
    )]
    Cost,
}

/// The kind only: what it holds may be secret.
impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase",
            Self::Age { .. } => "Age",
            Self::Command(_) => "Command",
        })
    }
}

/// Settings that were read, before any program has been asked for its key.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) passphrases: Vec<Source<Arc<Passphrase>>>,
    pub(super) recipients: Vec<Recipient>,
    pub(super) identities: Vec<Identity>,
    pub(super) commands: Vec<Source<Vec<String>>>,
}

/// A key that both wraps and opens.
pub(super) struct Source<T> {
    pub(super) key: T,
    /// Whether it wraps what is written.
    pub(super) is_current: bool,
}

impl Sources {
    pub(super) fn read(settings: Settings) -> Result<Self, SettingsProblem> {
        if !settings.cost.is_bearable() {
            return Err(SettingsProblem::Cost);
        }
        let mut sources = Self::default();
        let current = settings.current.into_iter().map(|source| (source, true));
        for (source, is_current) in current.chain(settings.fallback.into_iter().map(|source| (source, false)))
        {
            sources.add(source, is_current, settings.cost)?;
        }
        let counts = [sources.passphrases.len(), sources.commands.len(), sources.identities.len()];
        if counts.iter().any(|count| *count > KEYS_MAX) {
            return Err(SettingsProblem::TooMany);
        }
        if sources.encrypts() && !sources.opens_what_it_encrypts() {
            return Err(SettingsProblem::CannotOpen);
        }
        Ok(sources)
    }

    /// Whether what is written is encrypted.
    pub(super) fn encrypts(&self) -> bool {
        !self.recipients.is_empty()
            || self.passphrases.iter().any(|source| source.is_current)
            || self.commands.iter().any(|source| source.is_current)
    }

    fn opens_what_it_encrypts(&self) -> bool {
        self.passphrases.iter().any(|source| source.is_current)
            || self.commands.iter().any(|source| source.is_current)
            || self.identities.iter().any(|identity| self.recipients.contains(identity.recipient()))
    }

    fn add(
        &mut self,
        source: KeySource,
        is_current: bool,
        cost: PassphraseCost,
    ) -> Result<(), SettingsProblem> {
        match source {
            KeySource::Passphrase(text) if text.is_empty() => return Err(SettingsProblem::EmptyPassphrase),
            KeySource::Passphrase(text) => {
                let key = Arc::new(Passphrase::new(Zeroizing::new(text), cost));
                self.passphrases.push(Source { key, is_current });
            }
            KeySource::Age { recipients, identities } => self.add_age(&recipients, identities, is_current)?,
            KeySource::Command(key) if key.is_empty() => return Err(SettingsProblem::EmptyCommand),
            KeySource::Command(key) => self.commands.push(Source { key, is_current }),
        }
        Ok(())
    }

    fn add_age(
        &mut self,
        recipients: &[String],
        identities: Vec<String>,
        is_current: bool,
    ) -> Result<(), SettingsProblem> {
        let recipients: Vec<_> =
            recipients.iter().flat_map(|text| lines(text)).map(recipient).collect::<Result<_, _>>()?;
        let identities: Vec<_> = identities.into_iter().map(Zeroizing::new).collect();
        let identities: Vec<_> =
            identities.iter().flat_map(|text| lines(text)).map(identity).collect::<Result<_, _>>()?;
        if recipients.is_empty() && identities.is_empty() {
            return Err(SettingsProblem::NoAgeKey);
        }
        match (is_current, recipients.is_empty()) {
            (true, true) => {
                self.recipients.extend(identities.iter().map(|identity| identity.recipient().clone()))
            }
            (true, false) => self.recipients.extend(recipients),
            (false, _) => {}
        }
        self.identities.extend(identities);
        Ok(())
    }
}

/// The keys in a text: one a line, with comments as `age-keygen` writes them.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn recipient(text: &str) -> Result<Recipient, SettingsProblem> {
    // Whoever mixes them up must not find a secret in a message.
    let shown = || if text.starts_with("age1") { text.to_owned() } else { "what is given".to_owned() };
    Recipient::parse(text).ok_or_else(|| SettingsProblem::NoRecipient(shown()))
}

fn identity(text: &str) -> Result<Identity, SettingsProblem> {
    Identity::parse(text).ok_or(SettingsProblem::NoIdentity)
}
