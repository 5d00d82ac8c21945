//! The keys of one sandbox host: the one it proves itself with, and the only one it lets in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use russh::keys::{Algorithm, PrivateKey, PublicKey, ssh_key};

use crate::private_file;

/// Why the keys of a host cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key file cannot be read or written.
    #[error("access the key file {path}")]
    File {
        /// The key file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A key file holds something that is no key, or a key cannot be generated.
    #[error("use the key in {path}")]
    Key {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        source: ssh_key::Error,
    },
}

/// An ed25519 host key and one client key pair, generated once and kept in the host's folder with mode 0600.
pub(super) struct HostKeys {
    pub(super) host: PrivateKey,
    pub(super) client: PublicKey,
    pub(super) identity_file: PathBuf,
}

impl HostKeys {
    /// Loads both keys from `folder`, or generates what is missing.
    pub(super) fn open(folder: &Path) -> Result<Self, KeyError> {
        let identity_file = folder.join("client_key");
        let host = open_key(&folder.join("host_key"), "meshform sandbox host")?;
        let client = open_key(&identity_file, "meshform sandbox client")?;
        Ok(Self { host, client: client.public_key().clone(), identity_file })
    }

    /// A key that nobody knows; nothing if none can be made.
    pub(super) fn stranger() -> Option<PrivateKey> {
        PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).ok()
    }

    /// The line that a client's known_hosts file needs to recognise this host at `address`:`port`.
    pub(super) fn known_hosts_line(&self, address: &str, port: u16) -> String {
        let public = PublicKey::from(self.host.public_key().key_data().clone());
        let key = public.to_openssh().unwrap_or_default();
        match port {
            22 => format!("{address} {key}"),
            _ => format!("[{address}]:{port} {key}"),
        }
    }
}

fn open_key(path: &Path, comment: &str) -> Result<PrivateKey, KeyError> {
    match fs::read(path) {
        Ok(text) => PrivateKey::from_openssh(text).map_err(|source| key_error(path, source)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => generate_key(path, comment),
        Err(source) => Err(KeyError::File { path: path.to_owned(), source }),
    }
}

fn generate_key(path: &Path, comment: &str) -> Result<PrivateKey, KeyError> {
    let mut key =
        PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).map_err(|source| key_error(path, source))?;
    key.set_comment(comment);
    let text = key.to_openssh(ssh_key::LineEnding::LF).map_err(|source| key_error(path, source))?;
    private_file::write(path, text.as_bytes())
        .map_err(|source| KeyError::File { path: path.to_owned(), source })?;
    Ok(key)
}

fn key_error(path: &Path, source: ssh_key::Error) -> KeyError {
    KeyError::Key { path: path.to_owned(), source }
}
