//! What the objects are called, and the labels that they are found by.
//!
//! A name tells people what it is, and ends in a hash that tells it from all others: `meshform-web-state-json-1f8c…`.

use serde_json::{Value as Json, json};

/// The longest part of a name that tells people anything.
const TOLD_MAX: usize = 100;
/// How many digits of a hash tell two names apart.
const HASH_DIGITS: usize = 26;
/// The longest value of a label.
const LABEL_MAX: usize = 63;

/// Below which the blobs of each workspace but the default one lie.
const WORKSPACES: &str = "workspaces/";
const DEFAULT_WORKSPACE: &str = "default";

/// The annotation with a blob's own name.
pub(crate) const NAME: &str = "meshform.dev/name";
/// The annotation with the mark of the write that an object comes from.
pub(crate) const MARK: &str = "meshform.dev/mark";
/// The annotation of a chunk: the version of the blob that the write was to replace; empty if there was to be none.
pub(crate) const BASE: &str = "meshform.dev/base";

/// What an object is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A blob: its content, or the index of its chunks.
    Blob,
    /// A chunk of a blob.
    Chunk,
}

impl Part {
    fn label(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Chunk => "chunk",
        }
    }
}

/// Whether a blob is a lock, and so kept as a Lease.
pub(crate) fn is_lock(name: &str) -> bool {
    name.rsplit('/').next() == Some("lock")
}

/// The name of a blob's object.
pub(crate) fn object(stack: &str, name: &str) -> String {
    format!("meshform-{}-{}", told(&format!("{stack}-{name}"), TOLD_MAX), hash(&[stack, name]))
}

/// The name of one of its chunks, of the write of that mark.
pub(crate) fn chunk(stack: &str, name: &str, mark: &str, index: usize) -> String {
    format!("{}-{mark}-{index}", object(stack, name))
}

/// The labels of an object.
pub(crate) fn labels(stack: &str, name: &str, part: Part) -> Json {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    json!({
        "app.kubernetes.io/managed-by": "meshform",
        "meshform.dev/stack": label(stack),
        "meshform.dev/workspace": label(workspace(name)),
        "meshform.dev/part": part.label(),
        "meshform.dev/stack-hash": hash(&[stack]),
        "meshform.dev/folder-hash": hash(&[stack, folder]),
        "meshform.dev/name-hash": hash(&[stack, name]),
    })
}

/// Selects all blobs of a stack.
pub(crate) fn blobs_of(stack: &str) -> String {
    format!("meshform.dev/stack-hash={},meshform.dev/part={}", hash(&[stack]), Part::Blob.label())
}

/// Selects the blobs right below a folder, such as the chunks of a log.
pub(crate) fn blobs_in(stack: &str, folder: &str) -> String {
    format!("meshform.dev/folder-hash={},meshform.dev/part={}", hash(&[stack, folder]), Part::Blob.label())
}

/// Selects the chunks of a blob.
pub(crate) fn chunks_of(stack: &str, name: &str) -> String {
    format!("meshform.dev/name-hash={},meshform.dev/part={}", hash(&[stack, name]), Part::Chunk.label())
}

fn workspace(name: &str) -> &str {
    let below = name.strip_prefix(WORKSPACES).and_then(|rest| rest.split_once('/'));
    below.map_or(DEFAULT_WORKSPACE, |(workspace, _)| workspace)
}

/// A label's value: the text itself where it can be one.
fn label(text: &str) -> String {
    let is_inner = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let is_edge = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    let is_value = text.len() <= LABEL_MAX && text.chars().all(is_inner);
    match is_value && is_edge(text.chars().next()) && is_edge(text.chars().next_back()) {
        true => text.to_owned(),
        false => {
            let hash = hash(&[text]);
            format!("{}-{hash}", told(text, LABEL_MAX - HASH_DIGITS - 1))
        }
    }
}

/// What people recognise of a text in a name: letters, digits and single hyphens, none of these at an end.
fn told(text: &str, length_max: usize) -> String {
    let mut told = String::new();
    for letter in text.chars().map(|letter| letter.to_ascii_lowercase()) {
        match letter {
            'a'..='z' | '0'..='9' => told.push(letter),
            _ if told.is_empty() || told.ends_with('-') => {}
            _ => told.push('-'),
        }
    }
    told.truncate(length_max);
    let told = told.trim_end_matches('-');
    if told.is_empty() { "x".to_owned() } else { told.to_owned() }
}

fn hash(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut digits = hasher.finalize().to_hex().to_string();
    digits.truncate(HASH_DIGITS);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stack: &str, name: &str, expect: &str) {
        let found = object(stack, name);
        let (told, hash) = found.rsplit_once('-').unwrap();
        assert_eq!((told, hash.len()), (expect, HASH_DIGITS));
        let longest = chunk(stack, name, &"f".repeat(16), 9999);
        assert!(longest.len() <= 253 && !longest.contains("--"), "{longest}");
    }

    #[test]
    fn names_tell_people_what_it_is() {
        check("web", "state.json", "meshform-web-state-json");
        check("web", "workspaces/prod/journal/1/00", "meshform-web-workspaces-prod-journal-1-00");
        check("Über uns", "-.-/x", "meshform-ber-uns-x");
        check("...", "/", "meshform-x");
        check(&"long".repeat(100), "x", &format!("meshform-{}", "long".repeat(25)));
        assert_ne!(object("a-b", "c"), object("a", "b-c"));
        assert_ne!(object("a", "b.c"), object("a", "b-c"));
    }

    #[test]
    fn labels_are_what_people_would_ask_for() {
        assert_eq!(label("web_2.prod"), "web_2.prod");
        for text in ["", "über", "-a", "a.", "a b", &"a".repeat(64)] {
            let value = label(text);
            assert!(value.len() <= LABEL_MAX && value != text, "{value}");
        }
        assert_eq!((workspace("state.json"), workspace("workspaces/prod/lock")), ("default", "prod"));
    }

    #[test]
    fn locks_are_told_by_their_last_word() {
        assert!(is_lock("lock") && is_lock("workspaces/prod/lock"));
        assert!(!is_lock("locks") && !is_lock("lock/x") && !is_lock("a-lock"));
    }
}
