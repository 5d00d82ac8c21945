//! The one document that the protocol has for a state: every blob, and what tells its writes apart.
//!
//! ```json
//! {"format": "meshform-storage", "version": 1, "serial": 7, "write": "…", "at_ms": 1767225600000,
//!  "kept": {"lock": "…", "lease": "lock"},
//!  "blobs": {"state.json": {"version": 7, "text": "…"}, "fingerprint.key": {"version": 1, "base64": "…"}}}
//! ```
//!
//! `serial` goes up by one with every write; GitLab wants it, by that name. `write` is what the last write is known by when its answer is
//! lost, and `at_ms` when it was. `kept` names the protocol's lock that is kept for a lease, and the blob that the lease is in.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshform_state::{Blob, Condition, StorageError, Version};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "meshform-storage";
const VERSION: u32 = 1;

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    format: String,
    version: u32,
    pub(crate) serial: u64,
    pub(crate) write: String,
    /// When it was last written, in milliseconds since 1970.
    pub(crate) at_ms: i64,
    pub(crate) kept: Kept,
    blobs: BTreeMap<String, Entry>,
}

/// The protocol's lock that is kept for a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// The lock's identifier.
    pub(crate) lock: String,
    /// The blob that the lease is in.
    pub(crate) lease: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// The serial of the write that it is of.
    version: u64,
    #[serde(flatten)]
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    Text(String),
    Base64(String),
}

/// What a document says of itself, whatever its version.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

/// A change of the document.
#[derive(Clone, Debug)]
pub(crate) enum Change<'a> {
    Write {
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    },
    Remove {
        name: &'a str,
    },
    RemoveLog {
        log: &'a str,
    },
    /// Nothing but that the lock is kept.
    Keep,
}

impl Default for Document {
    fn default() -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            serial: 0,
            write: String::new(),
            at_ms: 0,
            kept: Kept::default(),
            blobs: BTreeMap::new(),
        }
    }
}

impl Document {
    /// Reads what lies at the address. Nothing is an empty document.
    ///
    /// # Errors
    /// When it is anything else: it is never overwritten.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let Ok(head) = serde_json::from_slice::<Head>(bytes) else { return Err(foreign()) };
        if head.format != FORMAT {
            return Err(foreign());
        }
        if head.version != VERSION {
            return Err(format!(
                "what lies there is of version {}; this meshform knows {VERSION}",
                head.version
            ));
        }
        serde_json::from_slice(bytes).map_err(|error| {
            // The error's text may quote what is kept.
            format!("what lies there is damaged (line {}, column {})", error.line(), error.column())
        })
    }

    /// As it is sent.
    ///
    /// # Errors
    /// Never: nothing in it is unfit for JSON.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// A blob.
    ///
    /// # Errors
    /// When it is damaged.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Blob>, String> {
        let Some(entry) = self.blobs.get(name) else { return Ok(None) };
        let content = entry.content.bytes().ok_or_else(|| format!("{name} is damaged there"))?;
        Ok(Some(Blob { content, version: Version(entry.version.to_string()) }))
    }

    /// The names that begin so, in ascending order.
    pub(crate) fn list(&self, prefix: &str) -> Vec<String> {
        self.blobs.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
    }

    /// All that was added to a log, which was removed if its beginning is missing.
    ///
    /// # Errors
    /// When it is damaged.
    pub(crate) fn read_log(&self, log: &str) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        for name in self.list(&format!("{log}/")) {
            if content.is_empty() && name != format!("{log}/{:020}", 0) {
                break;
            }
            content.extend(self.read(&name)?.into_iter().flat_map(|blob| blob.content));
        }
        Ok(content)
    }

    /// Applies a change; says whether it changes anything.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when its condition does not hold.
    pub(crate) fn apply(&mut self, change: &Change<'_>) -> Result<bool, StorageError> {
        match change {
            Change::Write { name, content, condition } => {
                if !holds(condition, self.blobs.get(*name)) {
                    return Err(StorageError::Conflict);
                }
                let entry = Entry { version: self.serial.saturating_add(1), content: Content::new(content) };
                self.blobs.insert((*name).to_owned(), entry);
            }
            Change::Remove { name } if self.blobs.remove(*name).is_none() => return Ok(false),
            Change::Remove { .. } | Change::Keep => {}
            Change::RemoveLog { log } => {
                let before = self.blobs.len();
                let is_chunk = |name: &str| name.strip_prefix(*log).is_some_and(|rest| rest.starts_with('/'));
                // An empty chunk is the log's seal, which stays.
                self.blobs.retain(|name, entry| !is_chunk(name) || entry.content.is_empty());
                if self.blobs.len() == before {
                    return Ok(false);
                }
            }
        }
        self.serial = self.serial.saturating_add(1);
        Ok(true)
    }
}

impl Content {
    fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.clone().into_bytes()),
            Self::Base64(text) => STANDARD.decode(text).ok(),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) | Self::Base64(text) if text.is_empty())
    }
}

fn holds(condition: &Condition, current: Option<&Entry>) -> bool {
    match condition {
        Condition::Absent => current.is_none(),
        Condition::Unchanged(version) => current.is_some_and(|entry| entry.version.to_string() == version.0),
    }
}

fn foreign() -> String {
    "what lies there is not of meshform: give it an address of its own".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write<'a>(name: &'a str, content: &'a [u8]) -> Change<'a> {
        Change::Write { name, content, condition: Condition::Absent }
    }

    #[test]
    fn what_is_written_is_read_whatever_it_is() {
        let mut document = Document::default();
        for (name, content) in [("a", &b"text \"\xc3\xa9\""[..]), ("b", b"\xff\0"), ("c/0", b"")] {
            assert_eq!(document.apply(&write(name, content)), Ok(true));
            let read = Document::parse(&document.to_bytes().unwrap()).unwrap();
            assert_eq!(read, document);
            assert_eq!(read.read(name).unwrap().unwrap().content, content);
        }
        assert_eq!((document.serial, document.list("")), (3, vec!["a".into(), "b".into(), "c/0".into()]));
        assert_eq!(document.apply(&write("a", b"")), Err(StorageError::Conflict));
        assert_eq!(document.apply(&Change::Remove { name: "x" }), Ok(false));
        assert_eq!(document.serial, 3);
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let check = |bytes: &[u8], expect: &str| assert_eq!(Document::parse(bytes).unwrap_err(), expect);
        let foreign = "what lies there is not of meshform: give it an address of its own";
        check(br#"{"version":4,"terraform_version":"1.9","serial":3,"lineage":"x"}"#, foreign);
        check(b"<html>", foreign);
        check(br#"{"format":"other","version":1}"#, foreign);
        check(
            br#"{"format":"meshform-storage","version":2,"new":1}"#,
            "what lies there is of version 2; this meshform knows 1",
        );
        check(
            br#"{"format":"meshform-storage","version":1,"serial":"secret"}"#,
            "what lies there is damaged (line 1, column 58)",
        );
    }
}
