//! Where the parts of a stack's sandbox lie on disk. Knows paths and names only.
//!
//! ```text
//! .meshform/sandbox/
//!   daemon.json        the running process: see `record`
//!   daemon.lock        held as long as that process lives
//!   launch.lock        held by whoever starts or stops it
//!   daemon.log         what it had to say
//!   control.sock       where it takes requests (elsewhere if this path is too long for a socket)
//!   NAME.kubeconfig    for kubectl
//!   ssh_config         for `ssh -F ssh_config HOST`
//!   known_hosts        for ssh_config
//!   clusters/NAME/     endpoint.json, world/
//!   hosts/NAME/        endpoint.json, keys, root/; faults.json says what goes wrong (see `host::Faults`)
//! ```

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The longest path that a socket may have, in bytes: the kernel's limit is 108 with a NUL at the end (unix(7)).
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// The longest name of a folder of ours, so that it can be a host name's label too.
const SLUG_BYTES_MAX: usize = 48;

/// The folder of one stack's sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    folder: PathBuf,
}

impl Layout {
    /// The layout below the stack's `.meshform` folder.
    pub(crate) fn of_stack(state: &Path) -> Self {
        let state = std::path::absolute(state).unwrap_or_else(|_| state.to_owned());
        Self { folder: state.join("sandbox") }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.folder.join("daemon.json")
    }

    pub(crate) fn daemon_lock(&self) -> PathBuf {
        self.folder.join("daemon.lock")
    }

    pub(crate) fn launch_lock(&self) -> PathBuf {
        self.folder.join("launch.lock")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("daemon.log")
    }

    pub(crate) fn clusters(&self) -> PathBuf {
        self.folder.join("clusters")
    }

    pub(crate) fn hosts(&self) -> PathBuf {
        self.folder.join("hosts")
    }

    pub(crate) fn ssh_config(&self) -> PathBuf {
        self.folder.join("ssh_config")
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.folder.join("known_hosts")
    }

    pub(crate) fn kubeconfig(&self, cluster: &str) -> PathBuf {
        self.folder.join(format!("{}.kubeconfig", slug(cluster)))
    }

    /// The control socket, unless its path is too long for one.
    pub(crate) fn socket(&self) -> Option<PathBuf> {
        let socket = self.folder.join("control.sock");
        (socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX).then_some(socket)
    }

    /// The control socket in another folder, which many sandboxes may share.
    pub(crate) fn socket_in(&self, shared: &Path) -> PathBuf {
        let digest = digest(self.folder.as_os_str().as_encoded_bytes(), 8);
        shared.join(format!("{digest}.sock"))
    }
}

/// A name that is safe as a folder's and as a host name's label: `name` itself where it is, else something readable
/// with a hash of it.
pub(crate) fn slug(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let starts_plain = name.bytes().next().is_some_and(|byte| byte != b'-');
    if starts_plain && name.len() <= SLUG_BYTES_MAX && name.bytes().all(is_plain) {
        return name.to_owned();
    }
    let readable: String = name
        .bytes()
        .map(|byte| byte.to_ascii_lowercase())
        .map(|byte| if is_plain(byte) { char::from(byte) } else { '-' })
        .take(SLUG_BYTES_MAX - 9)
        .collect();
    format!("{}-{}", readable.trim_matches('-'), digest(name.as_bytes(), 4))
        .trim_start_matches('-')
        .to_owned()
}

fn digest(bytes: &[u8], length: usize) -> String {
    Sha256::digest(bytes).iter().take(length).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_safe_folders() {
        let check = |name: &str, expect: &str| assert_eq!(slug(name), expect, "of {name:?}");
        check("prod-eu1", "prod-eu1");
        check("Prod", "prod-5f56359e");
        check("edge[\"a\"]", "edge--a-f78a8052");
        check("../etc", "etc-f7f9121f");
        check("", "e3b0c442");
        check("-x", "x-a4209624");
        check("é", "4a99557e");
        assert!(slug(&"x".repeat(300)).len() <= SLUG_BYTES_MAX);
    }

    #[test]
    fn a_socket_path_fits_the_kernel() {
        let near = Layout::of_stack(Path::new("/stack/.meshform"));
        assert_eq!(near.socket(), Some(PathBuf::from("/stack/.meshform/sandbox/control.sock")));
        let far = Layout::of_stack(&Path::new("/").join("x".repeat(200)));
        assert_eq!(far.socket(), None);
        let socket = far.socket_in(Path::new("/run/user/1000/meshform-1000"));
        assert!(socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX);
        assert_ne!(socket.file_name(), near.socket_in(Path::new("/")).file_name());
    }
}
