//! Where a cluster or a host listens: chosen once, remembered, and kept as long as the port is free.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::private_file;

/// Why a cluster or host cannot listen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("use {path}")]
    File { path: PathBuf, source: io::Error },
    #[error("read {path}: it isn't what meshform writes; `meshform sandbox reset` starts over")]
    Corrupt { path: PathBuf, source: serde_json::Error },
    #[error("use {folder}, which belongs to {owner:?}; choose another name")]
    Taken { folder: PathBuf, owner: String },
    #[error("listen on 127.0.0.1")]
    Listen { source: io::Error },
}

/// The content of `endpoint.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    /// The name as the stack has it; the folder's may be another.
    pub(crate) name: String,
    pub(crate) port: u16,
    /// What the paths of a cluster's clients begin with. Sensitive.
    pub(crate) token: String,
}

impl Endpoint {
    /// Listens for the cluster or host called `name`, whose folder is `folder`, and records where.
    pub(crate) async fn open(folder: &Path, name: &str) -> Result<(Self, TcpListener), EndpointError> {
        let path = folder.join("endpoint.json");
        let file_error = |source| EndpointError::File { path: path.clone(), source };
        private_file::create_directory(folder).map_err(file_error)?;
        let remembered = read(&path)?;
        if let Some(other) = remembered.as_ref().filter(|endpoint| endpoint.name != name) {
            return Err(EndpointError::Taken { folder: folder.to_owned(), owner: other.name.clone() });
        }
        let listener = listen(remembered.as_ref().map_or(0, |endpoint| endpoint.port)).await?;
        let port = listener.local_addr().map_err(|source| EndpointError::Listen { source })?.port();
        let token = remembered.as_ref().map_or_else(new_token, |endpoint| endpoint.token.clone());
        let endpoint = Self { name: name.to_owned(), port, token };
        if remembered.as_ref() != Some(&endpoint) {
            let text = serde_json::to_vec_pretty(&endpoint)
                .map_err(|source| EndpointError::Corrupt { path: path.clone(), source })?;
            private_file::write(&path, &text).map_err(file_error)?;
        }
        Ok((endpoint, listener))
    }

    /// The names of everything that has a folder in `parent`, in order.
    pub(crate) fn names_in(parent: &Path) -> Vec<String> {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let found = entries.filter_map(|entry| read(&entry.path().join("endpoint.json")).ok().flatten());
        let mut names: Vec<String> = found.map(|endpoint| endpoint.name).collect();
        names.sort();
        names
    }
}

fn read(path: &Path) -> Result<Option<Endpoint>, EndpointError> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|source| EndpointError::Corrupt { path: path.to_owned(), source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EndpointError::File { path: path.to_owned(), source }),
    }
}

/// On the port that clients know, if it can be had.
async fn listen(port: u16) -> Result<TcpListener, EndpointError> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(listener),
        Err(_) if port != 0 => TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(|source| EndpointError::Listen { source }),
        Err(source) => Err(EndpointError::Listen { source }),
    }
}

fn new_token() -> String {
    rand::random::<[u8; 24]>().iter().map(|byte| format!("{byte:02x}")).collect()
}
