//! An embedded SSH host: the real protocol, a real shell, a private root.
//!
//! ```text
//! server     a connection: public-key login, channels, their requests
//!   ↓
//! command    one request's process: streams, flow control, signals, exit status
//!   ↓
//! confine    the namespaces that the process runs in
//!   ↓
//! tools      what the host manages itself with: packages, units, containers
//!   ↑
//! root       the files that the host is born with
//! faults     what goes wrong on purpose
//! keys       what the host proves itself with, and whom it lets in
//! ```
//!
//! The host knows nothing of stacks, clusters or the daemon: it's given a folder and a listening socket.

mod command;
mod confine;
mod faults;
mod input;
mod keys;
mod root;
mod server;
mod signal;
mod terminal;
mod tools;

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use russh::MethodKind;
use russh::keys::PrivateKey;
use russh::server::Config;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::private_file;
use confine::Confinement;
use keys::HostKeys;

pub use confine::ConfineError;
pub use faults::Faults;
pub use keys::KeyError;
pub use root::RootError;

/// The account that logs in.
pub const USER: &str = "root";

/// Why a host cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Its folder cannot be made.
    #[error("create the folder {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Its keys cannot be loaded or generated.
    #[error("open the keys of the host {name:?}")]
    Keys {
        /// The host.
        name: String,
        /// Why.
        source: KeyError,
    },
    /// Its private root cannot be laid out.
    #[error("lay out the private root of the host {name:?}")]
    Root {
        /// The host.
        name: String,
        /// Why.
        source: RootError,
    },
}

/// One SSH host.
pub struct Host {
    name: String,
    keys: HostKeys,
    confinement: Confinement,
}

impl Host {
    /// Opens the host that lives in `folder`, or makes it: keys, and a private root whose files outlive us.
    ///
    /// `hostname` is what the host calls itself; `name` is what we call it in messages.
    ///
    /// # Errors
    ///
    /// When the folder, the keys or the root cannot be made or read.
    pub fn open(folder: &Path, name: &str, hostname: &str) -> Result<Self, HostError> {
        let folder_error = |source| HostError::Folder { path: folder.to_owned(), source };
        private_file::create_directory(folder).map_err(folder_error)?;
        private_file::create_directory(&folder.join("stage")).map_err(folder_error)?;
        // The mounts inside are made from another working directory.
        let folder = fs::canonicalize(folder).map_err(folder_error)?;
        let keys =
            HostKeys::open(&folder).map_err(|source| HostError::Keys { name: name.to_owned(), source })?;
        let root = folder.join("root");
        root::lay_out(&root, hostname, &new_machine_id())
            .map_err(|source| HostError::Root { name: name.to_owned(), source })?;
        let confinement = Confinement::new(folder, hostname.to_owned());
        Ok(Self { name: name.to_owned(), keys, confinement })
    }

    /// The private key that is let in, in a file with mode 0600.
    #[must_use]
    pub fn identity_file(&self) -> &Path {
        &self.keys.identity_file
    }

    /// The line for a known_hosts file, without its end of line.
    #[must_use]
    pub fn known_hosts_line(&self, address: &str, port: u16) -> String {
        self.keys.known_hosts_line(address, port)
    }

    /// The folder that the host sees as `/`; what the host mounts over it (`/usr`, `/dev`, `/proc`,
    /// `/run`) isn't there.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.confinement.root
    }

    /// Serves `listener` until `shutdown` is ready, then ends every connection and every process of the host.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) {
        let config = Arc::new(self.config(self.keys.host.clone()));
        let impostor = HostKeys::stranger().map(|key| Arc::new(self.config(key)));
        let (closing, _) = watch::channel(());
        if let Ok(place) = listener.local_addr() {
            self.confinement.addresses.lock().unwrap_or_else(PoisonError::into_inner).push(place.ip());
        }
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let connection = server::Connection::new(Arc::clone(&self), peer, stream.local_addr().ok());
                        // Nothing depends on it but latency.
                        let _ = stream.set_nodelay(true);
                        let faults = self.confinement.faults();
                        let stranger = impostor.as_ref().filter(|_| faults.changed_host_key);
                        let config = Arc::clone(stranger.unwrap_or(&config));
                        let stream = server::Stream::new(stream, faults.cut_after_bytes);
                        connections.spawn(server::serve(stream, config, connection, closing.subscribe()));
                    }
                    // Out of descriptors or a client that gave up: the next one may fare better.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                },
                () = self.confinement.reboots.notified() => {
                    closing.send_replace(());
                    // Whoever comes next tries again, and is told what keeps it from booting.
                    let _ = self.confinement.reboot().await;
                }
                Some(_) = connections.join_next() => {}
            }
        }
        drop(listener);
        drop(closing);
        while connections.join_next().await.is_some() {}
        self.confinement.close().await;
    }

    fn config(&self, key: PrivateKey) -> Config {
        Config {
            server_id: russh::SshId::Standard(concat!("SSH-2.0-meshform_", env!("CARGO_PKG_VERSION")).into()),
            methods: [MethodKind::PublicKey].as_slice().into(),
            // The peer is on this machine; a wrong key is answered at once.
            auth_rejection_time: std::time::Duration::from_millis(20),
            auth_rejection_time_initial: Some(std::time::Duration::ZERO),
            keys: vec![key],
            inactivity_timeout: None,
            nodelay: true,
            ..Config::default()
        }
    }
}

/// 128 random bits in hexadecimal, as machine-id(5) wants them.
fn new_machine_id() -> String {
    rand::random::<[u8; 16]>().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
