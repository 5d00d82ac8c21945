//! The file system, as expressions may read it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use meshform_engine::files::{FileError, Files};

/// The files of this machine. Relative paths start from where the user stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DiskFiles;

impl Files for DiskFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => FileError::NotFound,
            _ => FileError::Other(error.to_string()),
        })
    }

    fn glob(&self, base: &str, pattern: &str) -> Result<Vec<String>, FileError> {
        let root = Path::new(if base.is_empty() { "." } else { base });
        let mut found = Vec::new();
        for alternative in alternatives(pattern) {
            let whole = format!("{}/{alternative}", Pattern::escape(&root.to_string_lossy()));
            collect(&whole, root, &mut found)?;
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn exists(&self, path: &str) -> bool {
        Path::new(path).is_file()
    }

    fn home(&self) -> Option<String> {
        std::env::home_dir()?.into_os_string().into_string().ok()
    }

    fn current(&self) -> Option<String> {
        std::env::current_dir().ok()?.into_os_string().into_string().ok()
    }
}

fn collect(pattern: &str, root: &Path, found: &mut Vec<String>) -> Result<(), FileError> {
    const OPTIONS: MatchOptions = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };
    let paths = glob::glob_with(pattern, OPTIONS).map_err(|error| FileError::Other(error.to_string()))?;
    for path in paths {
        let path: PathBuf = path.map_err(|error| FileError::Other(error.to_string()))?;
        if path.is_file() {
            let relative = below(&path, root);
            let text =
                relative.to_str().ok_or_else(|| FileError::Other("a file's name is not UTF-8".to_owned()))?;
            found.push(text.to_owned());
        }
    }
    Ok(())
}

/// The path without the root, whichever of the two was written with a leading `./`.
fn below<'a>(path: &'a Path, root: &Path) -> &'a Path {
    let plain = root.strip_prefix(".").unwrap_or(root);
    path.strip_prefix(root).or_else(|_| path.strip_prefix(plain)).unwrap_or(path)
}

/// `*.{yaml,yml}` as the patterns `*.yaml` and `*.yml`, which the matcher below knows.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else { return vec![pattern.to_owned()] };
    let Some((inside, after)) = rest.split_once('}') else { return vec![pattern.to_owned()] };
    let tails = alternatives(after);
    let with_tails =
        |choice: &str| tails.iter().map(|tail| format!("{before}{choice}{tail}")).collect::<Vec<_>>();
    inside.split(',').flat_map(with_tails).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_relative_and_sorted() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yml", "c.txt", ".hidden.yaml", "sub/d.yaml", "sub/deep/e.yaml"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let base = folder.path().to_str().unwrap();
        let check = |pattern: &str, expect: &[&str]| {
            assert_eq!(DiskFiles.glob(base, pattern).unwrap(), expect, "{pattern}")
        };
        check("*.yaml", &[".hidden.yaml", "b.yaml"]);
        check("*.{yaml,yml}", &[".hidden.yaml", "a.yml", "b.yaml"]);
        check("**/*.yaml", &[".hidden.yaml", "b.yaml", "sub/d.yaml", "sub/deep/e.yaml"]);
        check("sub", &[]);
        check("none/*", &[]);
        assert!(DiskFiles.glob(base, "***").is_err());
        assert!(matches!(DiskFiles.read(&format!("{base}/none")), Err(FileError::NotFound)));
        assert!(DiskFiles.exists(&format!("{base}/c.txt")) && !DiskFiles.exists(&format!("{base}/sub")));
    }
}
