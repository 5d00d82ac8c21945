//! `host_file`: one file with its content, permissions and owner; as a resource, and to be looked up.

mod diff;
mod observe;
mod perform;
mod read;

use meshform_engine::value::Value;

use crate::attributes::{sensitive, text};
use crate::script::{Policy, sha256};

pub(crate) use self::diff::difference;
pub(crate) use self::observe::{look, observed};
pub(crate) use self::perform::{change, performed};
pub(crate) use self::read::{found, question};

/// A file's permissions: up to four octal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode(u16);

impl Mode {
    /// Reads three or four octal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
        if octal { u16::from_str_radix(text, 8).ok().map(Self) } else { None }
    }

    /// Reads what `stat` prints: octal digits without leading zeros.
    pub(crate) fn from_stat(text: &str) -> Option<Self> {
        u16::from_str_radix(text, 8).ok().map(Self)
    }

    /// As `stat` prints it.
    pub(crate) fn to_stat(self) -> String {
        format!("{:o}", self.0)
    }

    /// As one writes it in a configuration.
    pub(crate) fn to_text(self) -> String {
        format!("{:04o}", self.0)
    }
}

/// What becomes of a file at the end, by its attributes.
pub(crate) fn policy(attributes: &Value) -> Policy {
    match text(attributes, "on_destroy") {
        Some("restore") => Policy::Restore,
        Some("keep") => Policy::Keep,
        _ => Policy::Remove,
    }
}

/// The `sha256` attribute of a content. That of a sensitive content is as sensitive as the content: a short secret is soon guessed from it.
pub(crate) fn checksum(attributes: &Value) -> Option<Value> {
    let content = text(attributes, "content")?;
    Some(Value::string(sha256(content.as_bytes())).marked(sensitive(attributes, "content")))
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn modes_have_one_form() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(Mode::parse(text).map(Mode::to_text).as_deref(), expect, "{text}");
        };
        check("644", Some("0644"));
        check("0644", Some("0644"));
        check("4755", Some("4755"));
        check("000", Some("0000"));
        check("0o644", None);
        check("8", None);
        assert_eq!(Mode::parse("0007").map(Mode::to_stat).as_deref(), Some("7"));
    }
}
