//! Texts that nobody reads: told by their size and hash.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The longest text that is shown, in bytes.
const SHOWN_MAX: usize = 64 * 1024;

/// Whether a text is shown itself: it is not too long to be read, and one at all, as it holds no NUL byte.
pub(crate) fn is_shown(text: &str) -> bool {
    text.len() <= SHOWN_MAX && !text.contains('\0')
}

/// What is shown in place of a text that is not shown itself.
pub(crate) fn measured(text: &str) -> Option<String> {
    (!is_shown(text)).then(|| measure(text))
}

/// What is shown in place of two texts that are not both shown themselves.
pub(crate) fn both_measured(before: &str, after: &str) -> Option<[String; 2]> {
    (!is_shown(before) || !is_shown(after)).then(|| [measure(before), measure(after)])
}

/// As `sha256sum` tells it.
fn measure(text: &str) -> String {
    let mut told = format!("({} bytes, SHA-256 ", text.len());
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a string does not fail.
        let _ = write!(told, "{byte:02x}");
    }
    told + ")"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(measured(text).as_deref(), expect);
    }

    #[test]
    fn only_what_can_be_read_is_shown() {
        check("", None);
        check(&"x".repeat(SHOWN_MAX), None);
        check(
            &"x".repeat(SHOWN_MAX + 1),
            Some("(65537 bytes, SHA-256 1abe08ebecf1c18cab71f6fe28aaddf20268f85bad78bb9a72f88ca47c874662)"),
        );
        check(
            "a\0b",
            Some("(3 bytes, SHA-256 59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138)"),
        );
    }
}
