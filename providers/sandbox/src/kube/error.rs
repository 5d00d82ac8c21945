//! What can go wrong outside of a request: a request's failures are Kubernetes `Status` objects.

use std::path::PathBuf;

/// Why a world could not be opened or served. Reads after "failed to open the sandbox's world: ".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or a file of the world could not be read or written.
    #[error("use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A complete line of the journal or the snapshot is not what this program writes.
    #[error("read {}: line {line} is not a record of a sandbox world", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The world's controllers need a Tokio runtime, and none is running.
    #[error("start the controllers outside of a Tokio runtime")]
    NoRuntime,
    /// The type data that is compiled into this program cannot be read.
    #[error("read the built-in types")]
    Types {
        /// What the reader said.
        source: std::io::Error,
    },
    /// The listening socket failed.
    #[error("serve the Kubernetes API")]
    Serve {
        /// What the system said.
        source: std::io::Error,
    },
}
