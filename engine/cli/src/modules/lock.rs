//! The lock file: which version of each package a stack uses, exactly. `init` writes it; everything else only reads it.
//!
//! ```hcl
//! module "git::https://example.com/net.git" {
//!   constraint = "~> 1.2"
//!   version    = "1.2.9"
//!   commit     = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
//!   hash       = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
//! }
//! ```
//!
//! A package of a registry has a `digest` in the place of `commit`: that of its manifest. The blocks are sorted and hold no credentials.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;
use meshform_engine::diagnostic::Sources;
use meshform_engine::syntax;

use super::source::is_digest;
use super::tree::TreeHash;
use crate::problem::Problem;
use crate::render::hcl_text;

/// Its name, in the stack's folder.
pub(crate) const FILE: &str = ".meshform.lock.hcl";

const COMMENT: &str = "\
# Which modules this stack uses, to the last byte. \"meshform init\" writes this file, and \"meshform init -upgrade\" looks for newer
# versions. Commit it with the stack, and change nothing by hand.
";

/// What is locked: a package by its address, and what its call says about versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LockKey {
    /// The source without credentials and without a folder.
    pub(super) address: String,
    /// As the call says it.
    pub(super) constraint: Option<String>,
}

/// One version of a package, to the last byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    /// The version that was chosen, where there was a choice.
    pub(super) version: Option<String>,
    /// What to fetch.
    pub(super) content: Content,
    /// What it holds.
    pub(super) hash: TreeHash,
}

/// What to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A commit of a git repository, in full.
    Commit(String),
    /// The digest of a manifest in a registry.
    Digest(String),
}

impl Content {
    /// The digits of it that people compare.
    pub(crate) fn short(&self) -> String {
        match self {
            Self::Commit(commit) => format!("commit {}", commit.get(..12).unwrap_or(commit)),
            Self::Digest(digest) => format!("digest {}", digest.get(..19).unwrap_or(digest)),
        }
    }
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lock {
    pins: BTreeMap<LockKey, Pin>,
}

impl Lock {
    /// Reads a stack's lock file; empty if there is none.
    ///
    /// # Errors
    /// When it cannot be read, or says what no `init` has written.
    pub(super) fn read(stack: &Path) -> Result<Self, Problem> {
        let path = path_in(stack);
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map_err(|why| invalid(&path, &why)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Problem::io("read", &path, &error)),
        }
    }

    /// Writes it, whole or not at all. One without anything in it is removed.
    ///
    /// # Errors
    /// When that fails.
    pub(super) fn write(&self, stack: &Path) -> Result<(), Problem> {
        let path = path_in(stack);
        let written = match self.pins.is_empty() {
            true => fs::remove_file(&path),
            false => replace(stack, &path, &self.text()),
        };
        written.map_err(|error| Problem::io("write", &path, &error))
    }

    /// The pin of a package.
    pub(super) fn get(&self, key: &LockKey) -> Option<&Pin> {
        self.pins.get(key)
    }

    /// Pins a package.
    pub(super) fn insert(&mut self, key: LockKey, pin: Pin) {
        self.pins.insert(key, pin);
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut sources = Sources::default();
        sources.add(FILE, text);
        let (files, diagnostics) = syntax::parse(&sources);
        if let Some(first) = diagnostics.iter().next() {
            let line =
                first.span.as_ref().and_then(|span| sources.position(span)).map_or(1, |(line, _)| line);
            return Err(format!("it is not valid HCL (line {line})"));
        }
        let mut lock = Self::default();
        for structure in files.iter().flat_map(|file| file.body.iter()) {
            let block = structure.as_block().filter(|block| block.ident.as_str() == "module");
            let block = block.ok_or("it holds something that is no `module` block")?;
            let (key, pin) = entry(block)?;
            if lock.pins.insert(key.clone(), pin).is_some() {
                return Err(format!("it holds {:?} twice", key.address));
            }
        }
        Ok(lock)
    }

    fn text(&self) -> String {
        let blocks = self.pins.iter().map(|(key, pin)| format!("\n{}", block_text(key, pin)));
        std::iter::once(COMMENT.to_owned()).chain(blocks).collect()
    }
}

fn path_in(stack: &Path) -> PathBuf {
    stack.join(FILE)
}

fn invalid(path: &Path, why: &str) -> Problem {
    let detail = format!(
        "{} cannot be used: {why}. If it was changed by hand, or by a merge that left its marks, get it back from version control; or remove \
         it and run \"meshform init\", which then chooses versions anew.",
        path.display()
    );
    Problem::new("The lock file cannot be used", detail)
}

fn replace(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut file = tempfile::Builder::new().prefix(".meshform.lock.").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    // It is for everyone who has the stack, unlike other temporary files.
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn block_text(key: &LockKey, pin: &Pin) -> String {
    let (name, content) = match &pin.content {
        Content::Commit(commit) => ("commit", commit),
        Content::Digest(digest) => ("digest", digest),
    };
    let lines = [
        ("constraint", key.constraint.as_deref()),
        ("version", pin.version.as_deref()),
        (name, Some(content.as_str())),
        ("hash", Some(pin.hash.as_str())),
    ];
    let lines: Vec<_> = lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(&str, &str)| format!("  {name:width$} = {}\n", hcl_text::quoted(value));
    let body: String = lines.iter().map(line).collect();
    format!("module {} {{\n{body}}}\n", hcl_text::quoted(&key.address))
}

fn entry(block: &Block) -> Result<(LockKey, Pin), String> {
    let [label] = &block.labels[..] else { return Err("a `module` block has not one label".to_owned()) };
    let address = label.as_str().to_owned();
    let text = |name: &str| -> Result<Option<String>, String> {
        match block.body.get_attribute(name).map(|attribute| &attribute.value) {
            Some(Expression::String(text)) => Ok(Some(text.as_str().to_owned())),
            Some(_) => Err(format!("{name} of {address:?} is no text")),
            None => Ok(None),
        }
    };
    let content = match (text("commit")?, text("digest")?) {
        (Some(commit), None) if is_commit(&commit) => Content::Commit(commit),
        (None, Some(digest)) if is_digest(&digest) => Content::Digest(digest),
        _ => return Err(format!("{address:?} has neither a whole `commit` nor a whole `digest`")),
    };
    let hash = text("hash")?.and_then(|hash| TreeHash::parse(&hash));
    let hash = hash.ok_or_else(|| format!("{address:?} has no `hash` of the form h1:…"))?;
    let pin = Pin { version: text("version")?, content, hash };
    let constraint = text("constraint")?;
    Ok((LockKey { address, constraint }, pin))
}

/// Whether it is a commit's whole name, by SHA-1 or SHA-256.
pub(super) fn is_commit(text: &str) -> bool {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    matches!(text.len(), 40 | 64) && text.bytes().all(hexadecimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    fn lock() -> Lock {
        let mut lock = Lock::default();
        let hash = TreeHash::parse(HASH).unwrap();
        let entry = |address: &str, constraint: Option<&str>| LockKey {
            address: address.into(),
            constraint: constraint.map(str::to_owned),
        };
        lock.insert(
            entry("oci://ghcr.io/acme/net", Some("~> 1.2")),
            Pin {
                version: Some("1.2.9".into()),
                content: Content::Digest(format!("sha256:{}", "0a".repeat(32))),
                hash: hash.clone(),
            },
        );
        lock.insert(
            entry("git::file:///x", None),
            Pin { version: None, content: Content::Commit("0a".repeat(20)), hash },
        );
        lock
    }

    #[test]
    fn what_is_written_is_sorted_and_read_again() {
        let text = lock().text();
        let expect = format!(
            "{COMMENT}
module \"git::file:///x\" {{
  commit = \"{}\"
  hash   = \"{HASH}\"
}}

module \"oci://ghcr.io/acme/net\" {{
  constraint = \"~> 1.2\"
  version    = \"1.2.9\"
  digest     = \"sha256:{}\"
  hash       = \"{HASH}\"
}}
",
            "0a".repeat(20),
            "0a".repeat(32)
        );
        assert_eq!(text, expect);
        let formatted = meshform_engine::format::format(FILE, &text).map_err(|_| ()).unwrap();
        assert_eq!(formatted, text, "in canonical layout");
        assert_eq!(Lock::parse(&text), Ok(lock()));
        assert_eq!(Lock::parse(""), Ok(Lock::default()));
    }

    #[test]
    fn what_init_has_not_written_is_told() {
        let good = lock().text();
        let check = |text: String, expect: &str| {
            let why = Lock::parse(&text).unwrap_err();
            assert!(why.contains(expect), "{why}");
        };
        check(good.clone() + &good, "twice");
        check(good.replace("h1:", "h2:"), "no `hash`");
        check(good.replace("  commit = ", "  digest = "), "nor a whole `digest`");
        check(good.replace(&"0a".repeat(20), "HEAD"), "neither a whole `commit`");
        check(good.replace("\"1.2.9\"", "1.2"), "is no text");
        check(format!("<<<<<<< ours\n{good}"), "not valid HCL");
        check("locals {}".into(), "no `module` block");
        check("module \"a\" \"b\" {}".into(), "not one label");
    }
}
