//! The files of the workspace.

use std::path::{Path, PathBuf};

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file's path below the root, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Every text file below the root, but for what git ignores; in the order of their paths.
pub(crate) fn all() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(root(), &mut paths);
    paths.sort();
    paths.iter().filter_map(|path| read(path)).collect()
}

/// Every Rust file.
pub(crate) fn rust() -> Vec<Source> {
    all().into_iter().filter(|source| source.path.ends_with(".rs")).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && ![".git", ".meshform", "target"].iter().any(|ignored| name == *ignored) {
            collect(&entry.path(), paths);
        } else if kind.is_file() && name != ".git" {
            paths.push(entry.path());
        }
    }
}

/// Nothing for what is not text.
fn read(path: &Path) -> Option<Source> {
    let text = String::from_utf8(std::fs::read(path).unwrap()).ok()?;
    Some(Source { path: path.strip_prefix(root()).unwrap().display().to_string(), text })
}
