//! The files that a sandbox host is born with.
//!
//! A root is laid out once, in a folder beside its final place, and moved there when complete: it's there as a whole
//! or not at all, and what a user removes from it later stays removed.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Why a root cannot be laid out.
#[derive(Debug, thiserror::Error)]
#[error("write {path}")]
pub struct RootError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// Folders and their modes, parents first: the mode must not depend on our umask.
const FOLDERS: &[(&str, u32)] = &[
    ("dev", 0o755),
    ("etc", 0o755),
    ("etc/apt", 0o755),
    ("etc/apt/sources.list.d", 0o755),
    ("etc/cron.d", 0o755),
    ("etc/default", 0o755),
    ("etc/profile.d", 0o755),
    ("etc/systemd", 0o755),
    ("etc/systemd/system", 0o755),
    ("home", 0o755),
    ("media", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("usr/local", 0o755),
    ("usr/local/bin", 0o755),
    ("usr/local/etc", 0o755),
    ("usr/local/lib", 0o755),
    ("usr/local/sbin", 0o755),
    ("usr/local/share", 0o755),
    ("usr/local/src", 0o755),
    ("var", 0o755),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/lib/dpkg", 0o755),
    ("var/lib/dpkg/info", 0o755),
    ("var/lib/dpkg/updates", 0o755),
    ("var/log", 0o755),
    ("var/mail", 0o755),
    ("var/spool", 0o755),
    ("var/tmp", 0o1777),
];

/// Accounts with the numbers that Debian's base-passwd gives them: name, user and group id, home.
const ACCOUNTS: &[(&str, u32, &str)] = &[
    ("daemon", 1, "/usr/sbin"),
    ("bin", 2, "/bin"),
    ("sys", 3, "/dev"),
    ("mail", 8, "/var/mail"),
    ("www-data", 33, "/var/www"),
    ("backup", 34, "/var/backups"),
    ("nobody", 65534, "/nonexistent"),
];

/// Groups without an account, numbered as Debian's base-passwd does.
const GROUPS: &[(&str, u32)] =
    &[("adm", 4), ("tty", 5), ("disk", 6), ("sudo", 27), ("staff", 50), ("users", 100)];

/// Folders of the machine's that may be links into `/usr`.
const MERGED: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// What the dynamic linker of the shared `/usr` reads. Copied: a private root shares nothing writable.
const LINKER_FILES: &[&str] = &["etc/ld.so.cache", "etc/ld.so.conf"];

/// Lays out the root of the host called `hostname` at `root`, unless it's there. True if it was made now.
pub(super) fn lay_out(root: &Path, hostname: &str, machine_id: &str) -> Result<bool, RootError> {
    if root.exists() {
        return Ok(false);
    }
    let staged = root.with_extension("new");
    if staged.exists() {
        at(&staged, fs::remove_dir_all(&staged))?;
    }
    for (folder, mode) in FOLDERS {
        make_folder(&staged.join(folder), *mode)?;
    }
    for (path, mode, content) in files(hostname, machine_id) {
        write_file(&staged.join(path), mode, &content)?;
    }
    at(&staged, symlink("/run", staged.join("var/run")))?;
    at(&staged, symlink("/proc/self/mounts", staged.join("etc/mtab")))?;
    follow_machine(Path::new("/"), &staged)?;
    at(root, fs::set_permissions(&staged, fs::Permissions::from_mode(0o755)))?;
    at(root, fs::rename(&staged, root))?;
    Ok(true)
}

/// The small files, as path, mode and content.
fn files(hostname: &str, machine_id: &str) -> Vec<(&'static str, u32, String)> {
    vec![
        ("etc/passwd", 0o644, passwd()),
        ("etc/shadow", 0o640, shadow()),
        ("etc/group", 0o644, group()),
        ("etc/gshadow", 0o640, String::new()),
        ("etc/shells", 0o644, "/bin/sh\n/bin/bash\n".to_owned()),
        ("etc/hostname", 0o644, format!("{hostname}\n")),
        ("etc/hosts", 0o644, format!("127.0.0.1\tlocalhost\n127.0.1.1\t{hostname}\n::1\tlocalhost\n")),
        ("etc/login.defs", 0o644, LOGIN.to_owned()),
        ("etc/machine-id", 0o444, format!("{machine_id}\n")),
        ("etc/nsswitch.conf", 0o644, NSSWITCH.to_owned()),
        ("etc/os-release", 0o644, os_release()),
        ("etc/fstab", 0o644, String::new()),
        ("etc/environment", 0o644, String::new()),
        ("etc/resolv.conf", 0o644, String::new()),
        ("etc/profile", 0o644, PROFILE.to_owned()),
        ("etc/apt/sources.list", 0o644, SOURCES.to_owned()),
        // Those of the shared `/usr` aren't the host's to change. Its own are installed at its first boot.
        ("var/lib/dpkg/status", 0o644, String::new()),
    ]
}

const NSSWITCH: &str = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\n";

/// What Debian's `useradd` and its like go by (login.defs(5)).
const LOGIN: &str = "MAIL_DIR /var/mail\nUMASK 022\nUID_MIN 1000\nUID_MAX 60000\nSYS_UID_MIN 100\nSYS_UID_MAX 999\n\
GID_MIN 1000\nGID_MAX 60000\nSYS_GID_MIN 100\nSYS_GID_MAX 999\nUSERGROUPS_ENAB yes\nENCRYPT_METHOD YESCRYPT\n";

/// The sandbox's own archive stands in for it.
const SOURCES: &str = "deb http://deb.debian.org/debian bookworm main\n";

const PROFILE: &str = "export PATH\n\
PS1='\\u@\\h:\\w\\$ '\n\
for script in /etc/profile.d/*.sh; do [ -r \"$script\" ] && . \"$script\"; done\n\
unset script\n";

fn os_release() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "PRETTY_NAME=\"meshform sandbox {version}\"\nNAME=\"meshform sandbox\"\nID=meshform-sandbox\n\
         ID_LIKE=debian\nVERSION_ID=\"{version}\"\n"
    )
}

fn passwd() -> String {
    let shell = if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
    let mut text = format!("root:x:0:0:root:/root:{shell}\n");
    for (name, id, home) in ACCOUNTS {
        text.push_str(&format!("{name}:x:{id}:{id}:{name}:{home}:/usr/sbin/nologin\n"));
    }
    text
}

fn shadow() -> String {
    let names = ["root"].into_iter().chain(ACCOUNTS.iter().map(|(name, ..)| *name));
    // Nobody logs in by a password.
    names.map(|name| format!("{name}:*:19000:0:99999:7:::\n")).collect()
}

fn group() -> String {
    let accounts = ACCOUNTS.iter().map(|(name, id, _)| (group_of(name), *id));
    let all = [("root", 0)].into_iter().chain(accounts).chain(GROUPS.iter().copied());
    all.map(|(name, id)| format!("{name}:x:{id}:\n")).collect()
}

/// Debian's name for the account's group.
fn group_of(account: &'static str) -> &'static str {
    if account == "nobody" { "nogroup" } else { account }
}

/// Makes the parts that must look as they do on `machine`, because `/usr` is shared with it.
fn follow_machine(machine: &Path, root: &Path) -> Result<(), RootError> {
    for name in MERGED {
        match fs::read_link(machine.join(name)) {
            Ok(target) => at(&root.join(name), symlink(target, root.join(name)))?,
            Err(_) if machine.join(name).is_dir() => make_folder(&root.join(name), 0o755)?,
            Err(_) => {}
        }
    }
    for file in LINKER_FILES {
        copy_if_present(&machine.join(file), &root.join(file))?;
    }
    copy_folder(&machine.join("etc/ld.so.conf.d"), &root.join("etc/ld.so.conf.d"))?;
    // Debian's commands with several providers (`awk`, `nc`, …) are links through here.
    copy_folder(&machine.join("etc/alternatives"), &root.join("etc/alternatives"))
}

/// Copies the files and links of a flat folder; other entries, what we may not read, and the manual pages (most of
/// the alternatives) are left out.
fn copy_folder(from: &Path, to: &Path) -> Result<(), RootError> {
    make_folder(to, 0o755)?;
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    for entry in entries.flatten() {
        let target = to.join(entry.file_name());
        if target.extension().is_some_and(|extension| extension == "gz") {
            continue;
        }
        match fs::read_link(entry.path()) {
            Ok(link) => at(&target, symlink(link, &target))?,
            Err(_) => copy_if_present(&entry.path(), &target)?,
        }
    }
    Ok(())
}

fn copy_if_present(from: &Path, to: &Path) -> Result<(), RootError> {
    match fs::read(from) {
        Ok(content) => {
            at(to, fs::write(to, content))?;
            at(to, fs::set_permissions(to, fs::Permissions::from_mode(0o644)))
        }
        Err(_) => Ok(()),
    }
}

fn make_folder(path: &Path, mode: u32) -> Result<(), RootError> {
    at(path, fs::create_dir_all(path))?;
    at(path, fs::set_permissions(path, fs::Permissions::from_mode(mode)))
}

fn write_file(path: &Path, mode: u32, content: &str) -> Result<(), RootError> {
    at(path, fs::write(path, content))?;
    at(path, fs::set_permissions(path, fs::Permissions::from_mode(mode)))
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, RootError> {
    result.map_err(|source| RootError { path: path.to_owned(), source })
}
