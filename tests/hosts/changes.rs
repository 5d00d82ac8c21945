//! All that differs between a host's root and the system that it started from: what there is, its mode, owner and size, and what it holds.
//!
//! The root is an overlay. What its upper layer does not have is what the lower one has, which nobody can write to: so the whole root is
//! compared by a look at the upper layer.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// What differs, by its path.
pub(crate) type Changes = BTreeMap<PathBuf, String>;

/// What a running system writes by itself: logs, caches, and what its own tools keep of what they have changed.
const OWN: &[&str] = &[
    "var/log",
    "var/lib/systemd",
    "var/lib/sudo",
    "var/cache",
    "var/lib/apt",
    "var/lib/dpkg/status-old",
    "var/lib/dpkg/lock",
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/triggers",
    "etc/.pwd.lock",
    "etc/passwd-",
    "etc/shadow-",
    "etc/group-",
    "etc/gshadow-",
    "etc/subuid-",
    "etc/subgid-",
];

/// What differs between `merged` and `lower`, and what lies in the folder of temporary files, which is no part of either.
pub(crate) fn changes(upper: &Path, merged: &Path, lower: &Path, temporary: &Path) -> Changes {
    let mut changes = Changes::new();
    compare(Path::new(""), upper, merged, lower, &mut changes);
    for name in names(temporary) {
        if !name.to_string_lossy().starts_with("systemd-private-") {
            changes.insert(Path::new("tmp").join(&name), state(&temporary.join(&name)));
        }
    }
    changes
}

/// Only what two looks differ in, the former state first.
pub(crate) fn between(before: &Changes, after: &Changes) -> BTreeMap<PathBuf, [Option<String>; 2]> {
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let both = |path: &PathBuf| (path.clone(), [before.get(path).cloned(), after.get(path).cloned()]);
    paths.into_iter().map(both).filter(|(_, [before, after])| before != after).collect()
}

/// The paths in which two looks differ, but for what podman keeps for itself, and what each boot makes anew.
pub(crate) fn apart(before: &Changes, after: &Changes) -> Vec<PathBuf> {
    let own = |path: &Path| {
        ["var/lib/containers", "etc/containers"].iter().any(|own| path.starts_with(own))
            || path.to_string_lossy().starts_with("var/tmp/systemd-private-")
    };
    between(before, after).into_keys().filter(|path| !own(path)).collect()
}

fn compare(folder: &Path, upper: &Path, merged: &Path, lower: &Path, changes: &mut Changes) {
    let all: BTreeSet<OsString> =
        names(&merged.join(folder)).into_iter().chain(names(&lower.join(folder))).collect();
    for name in all {
        let path = folder.join(name);
        let (now, then) = (merged.join(&path), lower.join(&path));
        let is_untouched = upper.join(&path).symlink_metadata().is_err() && now.symlink_metadata().is_ok();
        if is_untouched || OWN.iter().any(|own| path == Path::new(own)) {
            continue;
        }
        let state_now = state(&now);
        if state_now != state(&then) {
            changes.insert(path.clone(), state_now);
        }
        if now.is_dir() && !now.is_symlink() {
            compare(&path, upper, merged, lower, changes);
        }
    }
}

/// In one line; the size of a folder says nothing.
fn state(path: &Path) -> String {
    let Ok(data) = path.symlink_metadata() else { return "absent".to_owned() };
    let kind = data.file_type();
    let about = format!("{:o} {}:{}", data.mode(), data.uid(), data.gid());
    if kind.is_file() {
        let mut hasher = DefaultHasher::new();
        fs::read(path).unwrap_or_default().hash(&mut hasher);
        format!("{about} {} bytes {:016x}", data.size(), hasher.finish())
    } else if kind.is_symlink() {
        format!("{about} -> {}", fs::read_link(path).unwrap_or_default().display())
    } else if kind.is_block_device() || kind.is_char_device() {
        format!("{about} device {}", data.rdev())
    } else {
        about
    }
}

fn names(folder: &Path) -> Vec<OsString> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect()
}
