//! What goes wrong on a host on purpose, as `faults.json` in its folder says.
//!
//! Every connection looks at the file. What concerns the host's file systems is done when its processes start: a change
//! of that is a reboot.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What goes wrong. A file that isn't there, or that isn't understood, makes nothing go wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Connections are cut when the host has sent so many bytes.
    pub cut_after_bytes: Option<u64>,
    /// The host proves itself with another key than the one that is known.
    pub changed_host_key: bool,
    /// Folders on a file system of their own that is full; what the host had there is out of sight.
    pub full: Vec<PathBuf>,
    /// Files and folders that nobody can write, not even root.
    pub read_only: Vec<PathBuf>,
    /// `sudo` asks for a password, and doesn't like any.
    pub sudo_asks: bool,
}

const SUDO: &str = "usr/local/bin/sudo";
const SUDO_THAT_ASKS: &str = "#!/bin/sh
# The sandbox's: a sudo that asks.
for argument; do
	case $argument in
	-n | --non-interactive)
		echo 'sudo: a password is required' >&2
		exit 1
		;;
	-*) ;;
	*) break ;;
	esac
done
printf '[sudo] password for root: ' >&2
read -r _ || echo >&2
echo 'sudo: 1 incorrect password attempt' >&2
exit 1
";

impl Faults {
    /// What the file says.
    pub(super) fn read(file: &Path) -> Self {
        fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Whether the host's processes run the same under both.
    pub(super) fn boots_like(&self, other: &Self) -> bool {
        (&self.full, &self.read_only, self.sudo_asks) == (&other.full, &other.read_only, other.sudo_asks)
    }

    /// What the script that makes the private root is told.
    pub(super) fn mounts(&self) -> Vec<String> {
        let word =
            |kind: &str, path: &Path| format!("{kind}:/{}", path.to_string_lossy().trim_start_matches('/'));
        let full = self.full.iter().map(|path| word("full", path));
        full.chain(self.read_only.iter().map(|path| word("read-only", path))).collect()
    }

    /// Puts the sudo that asks into a root, or takes it away.
    pub(super) fn settle_sudo(&self, root: &Path) -> io::Result<()> {
        let path = root.join(SUDO);
        let is_ours = fs::read(&path).is_ok_and(|content| content == SUDO_THAT_ASKS.as_bytes());
        match (self.sudo_asks, is_ours) {
            (true, false) => {
                fs::write(&path, SUDO_THAT_ASKS)?;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            }
            (false, true) => fs::remove_file(&path),
            _ => Ok(()),
        }
    }
}

/// A stream that breaks when so many bytes were written to it.
pub(super) struct Brittle<S> {
    inner: S,
    left: Option<u64>,
}

impl<S> Brittle<S> {
    pub(super) fn new(inner: S, left: Option<u64>) -> Self {
        Self { inner, left }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Brittle<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == Some(0) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Brittle<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let allowed = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        if allowed == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let part = bytes.get(..bytes.len().min(allowed)).unwrap_or_default();
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, part))?;
        self.left = self.left.map(|left| left.saturating_sub(u64::try_from(written).unwrap_or(u64::MAX)));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
