//! Pseudo-terminals, allocated in the private root so that `tty` and `/dev/pts` agree with them inside.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What a client asks of its terminal.
#[derive(Clone, Debug)]
pub(super) struct TerminalRequest {
    /// The value of `TERM`.
    pub(super) kind: String,
    pub(super) size: Winsize,
}

/// Our end of a terminal.
pub(super) struct Terminal {
    descriptor: AsyncFd<OwnedFd>,
}

impl Terminal {
    /// Allocates a terminal in the root that the process `pid` sees; the second value is the process's end.
    pub(super) fn open(pid: u32, size: Winsize) -> io::Result<(Self, OwnedFd)> {
        let multiplexer = PathBuf::from(format!("/proc/{pid}/root/dev/pts/ptmx"));
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let ours = rustix::fs::open(multiplexer, flags, Mode::empty())?;
        rustix::pty::unlockpt(&ours)?;
        let theirs = rustix::pty::ioctl_tiocgptpeer(
            &ours,
            OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC,
        )?;
        rustix::termios::tcsetwinsize(&ours, size)?;
        Ok((Self { descriptor: watch(ours)? }, theirs))
    }

    /// Tells the foreground process that the window has another size.
    pub(super) fn resize(&self, size: Winsize) {
        // A terminal that has just ended doesn't need a size.
        let _ = rustix::termios::tcsetwinsize(&self.descriptor, size);
    }

    /// What was written to the terminal; nothing once its last process is gone.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.descriptor.async_io(Interest::READABLE, |descriptor| {
            rustix::io::read(descriptor, &mut *buffer).map_err(io::Error::from)
        });
        match read.await {
            // Linux says so instead of an end of file.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => Ok(0),
            other => other,
        }
    }

    /// Types `data`.
    pub(super) async fn write_all(&self, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            let written = self.descriptor.async_io(Interest::WRITABLE, |descriptor| {
                rustix::io::write(descriptor, data).map_err(io::Error::from)
            });
            data = data.get(written.await?..).unwrap_or_default();
        }
        Ok(())
    }
}

#[expect(deprecated, reason = "its flaw is descriptors that are closed while watched; an `OwnedFd` isn't")]
fn watch(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(descriptor)
}
