//! Keys that a program gives: 32 bytes on its standard output, as they are, as 64 hexadecimal digits, or in base64.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use super::EncryptionError;
use super::header::{self, Stanza};
use super::primitives::{self, FileKey, Key};

pub(super) const TYPE: &str = "meshform/key";

/// How long a program may take: it may have to ask someone, or a service far away.
const DEADLINE: Duration = Duration::from_secs(60);

/// Longer than any key in any spelling.
const OUTPUT_MAX: u64 = 256;

/// A key that was given.
pub(super) struct GivenKey(Key);

/// Why a program gave no key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyCommandError {
    /// It did not start.
    #[error("it cannot be started: {0}")]
    Start(String),
    /// It ended with another code than 0, or by a signal.
    #[error("it failed ({0})")]
    Failed(String),
    /// It took too long.
    #[error("it has not ended within {} seconds", .0.as_secs())]
    TooLong(Duration),
    /// What it wrote is no key.
    #[error("its standard output is neither 32 bytes nor 64 hexadecimal digits nor 32 bytes in base64")]
    NoKey,
}

impl GivenKey {
    /// Lets whoever has the key get at the file key.
    pub(super) fn wrap(&self, file_key: &FileKey) -> Result<Stanza, EncryptionError> {
        let salt = primitives::random::<16>()?;
        let key = primitives::derive(&*self.0, &*salt, TYPE)?;
        let body = primitives::wrap(&key, file_key)?;
        Ok(Stanza::new([TYPE.to_owned(), header::encode(&*salt)], body))
    }

    /// The file key, if the stanza is for this key.
    pub(super) fn unwrap(&self, stanza: &Stanza) -> Result<Option<FileKey>, EncryptionError> {
        let Some([salt]) = stanza.of_type(TYPE) else { return Ok(None) };
        let Some(salt) = header::decode_argument::<16>(salt) else { return Ok(None) };
        primitives::unwrap(&primitives::derive(&*self.0, &salt, TYPE)?, &stanza.body)
    }

    /// Eight digits that tell it from other keys, and tell nothing of it.
    pub(super) fn fingerprint(&self) -> Result<String, EncryptionError> {
        let derived = primitives::derive(&*self.0, &[], "meshform/fingerprint")?;
        let [a, b, c, d, ..] = *derived;
        Ok(format!("{:08x}", u32::from_be_bytes([a, b, c, d])))
    }
}

impl fmt::Debug for GivenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenKey")
    }
}

/// Runs a program for its key. What it writes to standard error goes where that of this process goes.
///
/// # Errors
/// When it gives none. What it wrote is in no error.
pub(super) async fn ask(program: &str, arguments: &[String]) -> Result<GivenKey, KeyCommandError> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().map_err(start)?;
    let output = tokio::time::timeout(DEADLINE, output(child));
    let output = output.await.map_err(|_| KeyCommandError::TooLong(DEADLINE))??;
    read(&output).map(GivenKey).ok_or(KeyCommandError::NoKey)
}

async fn output(mut child: Child) -> Result<Zeroizing<Vec<u8>>, KeyCommandError> {
    // With room for all of it, so that no copy is left behind by growing.
    let mut output = Zeroizing::new(Vec::with_capacity(2 * OUTPUT_MAX as usize));
    if let Some(stdout) = child.stdout.take() {
        stdout.take(OUTPUT_MAX).read_to_end(&mut output).await.map_err(start)?;
    }
    if output.len() as u64 == OUTPUT_MAX {
        return Err(KeyCommandError::NoKey);
    }
    let status = child.wait().await.map_err(start)?;
    if status.success() { Ok(output) } else { Err(KeyCommandError::Failed(status.to_string())) }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
fn start(error: std::io::Error) -> KeyCommandError {
    KeyCommandError::Start(error.to_string())
}

fn read(output: &[u8]) -> Option<Key> {
    if let Ok(key) = output.try_into() {
        return Some(Zeroizing::new(key));
    }
    let text = output.trim_ascii();
    let bytes = match text.len() {
        64 => from_hexadecimal(text),
        44 => STANDARD.decode(text).ok(),
        43 => STANDARD_NO_PAD.decode(text).ok(),
        _ => None,
    };
    let bytes = Zeroizing::new(bytes?);
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

fn from_hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.chunks(2).map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.last()?)?)).collect()
}
