//! How the stand-ins inside of a host reach us: by its folder `/run/sandbox`.
//!
//! A stand-in makes a folder in `calls` with its words in the file `request` and a pipe `answer`, and writes that folder's name to the pipe
//! `bell`. We write the files `out` and `err`, and then the exit status to its pipe.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::fchown;

use rustix::fs::{Mode, OFlags};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::unix::pipe;

use super::files::Files;
use super::{Answer, Call};

/// The stand-in that calls.
const CLIENT: &[u8] = include_bytes!("client.sh");
/// Where the host sees it.
pub(super) const CLIENT_PATH: &str = "/run/sandbox/client";

/// What a stand-in may be told in one call.
const REQUEST_BYTES_MAX: u64 = 1 << 20;

/// Our end.
pub(super) struct Door {
    calls: OwnedFd,
    bell: Lines<BufReader<pipe::Receiver>>,
}

impl Door {
    /// Opens the door of a host that was just booted.
    pub(super) fn open(files: &Files) -> io::Result<Self> {
        files.make_folder("/run/sandbox", 0o755)?;
        // Everybody may call, and nobody reads another one's words.
        files.make_folder("/run/sandbox/calls", 0o1733)?;
        files.write(CLIENT_PATH, CLIENT, 0o755)?;
        let bell = pipe::Receiver::from_owned_fd(files.make_pipe("/run/sandbox/bell", 0o622)?)?;
        let calls = files.open_folder("/run/sandbox/calls")?;
        Ok(Self { calls, bell: BufReader::new(bell).lines() })
    }

    /// The next call.
    pub(super) async fn next(&mut self) -> io::Result<Option<Ring>> {
        while let Some(name) = self.bell.next_line().await? {
            let is_name = !name.is_empty() && name.bytes().all(|letter| letter.is_ascii_alphanumeric());
            // One that has gone meanwhile needs no answer.
            if let Some(Ok(ring)) = is_name.then(|| Ring::open(&self.calls, &name)) {
                return Ok(Some(ring));
            }
        }
        Ok(None)
    }
}

/// One call, not answered yet. Whoever made the folder may put links into it: none is followed.
pub(super) struct Ring {
    folder: OwnedFd,
    caller: u32,
}

impl Ring {
    fn open(calls: &OwnedFd, name: &str) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(calls, name, flags, Mode::empty())?;
        let caller = rustix::fs::fstat(&folder)?.st_uid;
        Ok(Self { folder, caller })
    }

    /// What it says; nothing if that makes no sense.
    pub(super) fn call(&self) -> Option<Call> {
        let file = self.file("request", OFlags::RDONLY).ok()?;
        let mut text = String::new();
        file.take(REQUEST_BYTES_MAX).read_to_string(&mut text).ok()?;
        let mut words = text.strip_suffix('\0')?.split('\0').map(str::to_owned);
        let (program, folder) = (words.next()?, words.next()?);
        let run = words.next().filter(|run| !run.is_empty());
        let is_root = self.caller == rustix::process::geteuid().as_raw();
        Some(Call { program, folder, run, words: words.collect(), is_root })
    }

    /// Answers. Who called may be gone.
    pub(super) fn answer(&self, answer: &Answer) -> io::Result<()> {
        for (name, text) in [("out", &answer.out), ("err", &answer.err)] {
            let mut file = self.file(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?;
            file.write_all(text.as_bytes())?;
            fchown(&file, Some(self.caller), None)?;
        }
        let line = format!("{}\n", answer.code);
        self.file("answer", OFlags::WRONLY)?.write_all(line.as_bytes())
    }

    fn file(&self, name: &str, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.folder, name, flags, Mode::from_raw_mode(0o600))?))
    }
}
