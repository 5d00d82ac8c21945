//! A host's files, by the paths that they have there.
//!
//! Every path is looked up as the host would: its links lead to places within its root, whatever they say.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};

/// What a host sees below `/`.
#[derive(Debug)]
pub(in crate::host) struct Files {
    root: OwnedFd,
}

impl Files {
    /// Those of the host whose first process this is.
    pub(in crate::host) fn of(first_process: u32) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(format!("/proc/{first_process}/root"), flags, Mode::empty())?;
        Ok(Self { root })
    }

    pub(super) fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.open(path, OFlags::RDONLY)?.read_to_end(&mut content)?;
        Ok(content)
    }

    /// Its first bytes, if it can be read.
    pub(super) fn head(&self, path: &str, length: u64) -> Vec<u8> {
        let mut content = Vec::new();
        if let Ok(file) = self.open(path, OFlags::RDONLY) {
            // What can't be read is as good as empty.
            let _ = file.take(length).read_to_end(&mut content);
        }
        content
    }

    /// What a file says; nothing if it's not there or can't be read.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.read(path).ok().map(|content| String::from_utf8_lossy(&content).into_owned())
    }

    /// Whether anything is there, links followed.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.find(path, OFlags::PATH).is_ok()
    }

    pub(super) fn is_folder(&self, path: &str) -> bool {
        self.find(path, OFlags::PATH | OFlags::DIRECTORY).is_ok()
    }

    /// Whether it's a file with a permission to be run.
    pub(super) fn is_program(&self, path: &str) -> bool {
        let stat = self.find(path, OFlags::PATH).and_then(|file| Ok(rustix::fs::fstat(file)?));
        stat.is_ok_and(|stat| {
            FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_mode & 0o111 != 0
        })
    }

    /// When it was last written, in nanoseconds since 1970.
    pub(super) fn changed(&self, path: &str) -> Option<i128> {
        let stat = rustix::fs::fstat(self.find(path, OFlags::PATH).ok()?).ok()?;
        Some(i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec))
    }

    /// Where a link leads.
    pub(super) fn link(&self, path: &str) -> Option<String> {
        let (folder, name) = self.parent(path).ok()?;
        let target = rustix::fs::readlinkat(folder, name, Vec::new()).ok()?;
        target.into_string().ok()
    }

    /// The names in a folder, in order; none if it's not there.
    pub(super) fn names(&self, path: &str) -> Vec<String> {
        let Ok(entries) = self
            .open(path, OFlags::RDONLY | OFlags::DIRECTORY)
            .and_then(|folder| Ok(Dir::read_from(folder)?))
        else {
            return Vec::new();
        };
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name != "." && name != "..").collect();
        names.sort();
        names
    }

    /// Writes a file, and its folder if it's missing; what is there is replaced as a whole.
    pub(super) fn write(&self, path: &str, content: &[u8], mode: u32) -> io::Result<()> {
        let (folder, name) = self.own_parent(path)?;
        let staged = format!(".{name}.{:08x}", rand::random::<u32>());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&folder, &staged, flags, Mode::from_raw_mode(mode))?);
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        let written = file.write_all(content);
        if let Err(error) = written.and_then(|()| Ok(rustix::fs::renameat(&folder, &staged, &folder, name)?))
        {
            // It's of no use to anyone; the first error is the one to report.
            let _ = rustix::fs::unlinkat(&folder, &staged, AtFlags::empty());
            return Err(error);
        }
        Ok(())
    }

    /// Makes a folder and the missing ones above it.
    pub(super) fn make_folder(&self, path: &str, mode: u32) -> io::Result<()> {
        if self.is_folder(path) {
            return Ok(());
        }
        let (folder, name) = self.own_parent(path)?;
        rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(mode))?;
        // The mode must not depend on our umask.
        Ok(rustix::fs::chmodat(folder, name, Mode::from_raw_mode(mode), AtFlags::empty())?)
    }

    /// Makes a pipe with a name, and opens it for both directions, so that it never ends.
    pub(super) fn make_pipe(&self, path: &str, mode: u32) -> io::Result<OwnedFd> {
        let (folder, name) = self.own_parent(path)?;
        rustix::fs::mkfifoat(&folder, name, Mode::from_raw_mode(mode))?;
        rustix::fs::chmodat(&folder, name, Mode::from_raw_mode(mode), AtFlags::empty())?;
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?)
    }

    pub(super) fn open_folder(&self, path: &str) -> io::Result<OwnedFd> {
        self.find(path, OFlags::PATH | OFlags::DIRECTORY)
    }

    /// Makes a link, in the place of one that may be there.
    pub(super) fn make_link(&self, target: &str, path: &str) -> io::Result<()> {
        let (folder, name) = self.own_parent(path)?;
        if rustix::fs::readlinkat(&folder, name, Vec::new()).is_ok() {
            rustix::fs::unlinkat(&folder, name, AtFlags::empty())?;
        }
        Ok(rustix::fs::symlinkat(target, folder, name)?)
    }

    /// Removes a file or link, which may be missing.
    pub(super) fn remove(&self, path: &str) -> io::Result<()> {
        self.unlink(path, AtFlags::empty())
    }

    /// Removes a folder if it's empty.
    pub(super) fn remove_folder(&self, path: &str) -> io::Result<()> {
        self.unlink(path, AtFlags::REMOVEDIR)
    }

    fn unlink(&self, path: &str, flags: AtFlags) -> io::Result<()> {
        let Ok((folder, name)) = self.parent(path) else { return Ok(()) };
        match rustix::fs::unlinkat(folder, name, flags) {
            Err(rustix::io::Errno::NOENT) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Gives something to a user and a group. An unprivileged sandbox has only one of each, which is what everything belongs to then.
    pub(super) fn give(&self, path: &str, user: u32, group: u32) -> io::Result<()> {
        let (folder, name) = self.parent(path)?;
        let (user, group) = (rustix::fs::Uid::from_raw(user), rustix::fs::Gid::from_raw(group));
        Ok(rustix::fs::chownat(folder, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn open(&self, path: &str, flags: OFlags) -> io::Result<File> {
        self.find(path, flags).map(File::from)
    }

    fn find(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(rustix::fs::openat2(&self.root, path, flags, Mode::empty(), inside)?)
    }

    /// The folder that something lies in, and its name there.
    fn parent<'p>(&self, path: &'p str) -> io::Result<(OwnedFd, &'p str)> {
        let (folder, name) = split(path)?;
        Ok((self.find(folder, OFlags::PATH | OFlags::DIRECTORY)?, name))
    }

    /// The same; the folder is made if it's missing.
    fn own_parent<'p>(&self, path: &'p str) -> io::Result<(OwnedFd, &'p str)> {
        self.make_folder(split(path)?.0, 0o755)?;
        self.parent(path)
    }
}

fn split(path: &str) -> io::Result<(&str, &str)> {
    let path = path.trim_end_matches('/');
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let is_plain = !name.is_empty() && name != "." && name != "..";
    let folder = if folder.is_empty() { "/" } else { folder };
    is_plain.then_some((folder, name)).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// Where a link in a folder leads, as a path from the root.
pub(super) fn led_to(folder: &str, target: &str) -> String {
    let joined = Path::new(folder).join(OsStr::from_bytes(target.as_bytes()));
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.to_str().unwrap_or_default().split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_within_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let root = rustix::fs::open(folder.path(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        let files = Files { root };
        files.write("/etc/deep/name", b"inside\n", 0o600).unwrap();
        files.make_link("/etc/deep", "/srv/link").unwrap();
        files.make_link("/../../../etc", "/srv/up").unwrap();
        assert_eq!(files.text("/srv/link/name").as_deref(), Some("inside\n"));
        assert_eq!(files.text("/srv/up/deep/name").as_deref(), Some("inside\n"));
        files.write("/srv/link/other", b"x", 0o644).unwrap();
        assert_eq!(files.names("/etc/deep"), ["name", "other"]);
        assert_eq!(files.link("/srv/link").as_deref(), Some("/etc/deep"));
        assert!(!files.exists("/etc/passwd") && !files.is_program("/etc/deep/name"));
        files.remove("/etc/deep/other").unwrap();
        files.remove("/etc/deep/other").unwrap();
        assert!(files.remove_folder("/etc/deep").is_err());
        assert!(files.write("/..", b"", 0o600).is_err());
        assert_eq!(led_to("/etc/x", "../y/z"), "/etc/y/z");
        assert_eq!(led_to("/etc/x", "/a"), "/a");
    }
}
