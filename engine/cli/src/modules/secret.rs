//! What must not be seen.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// A text that no output shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whom it is meant.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A text with what stands before an `@` in each of its URLs left out.
pub(crate) fn redacted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for login in logins(text) {
        shown.push_str(&text[end..login.start]);
        shown.push('…');
        end = login.end;
    }
    shown + &text[end..]
}

/// The same with a star for each byte, so that every other byte stays where it is. What is no secret, such as the user of `ssh`, stays.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    for login in logins(text) {
        let is_secret = text[login.clone()].contains(':') || !text[..login.start].ends_with("ssh://");
        if is_secret {
            let stars = "*".repeat(login.len());
            shown.to_mut().replace_range(login, &stars);
        }
    }
    shown
}

/// Where URLs say who asks: between `://` and the last `@` before the path.
fn logins(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, sign)| {
        let start = at + sign.len();
        let rest = &text[start..];
        let end = rest.find(|letter: char| letter.is_whitespace() || "/?#'\"".contains(letter));
        let login = rest[..end.unwrap_or(rest.len())].rfind('@')?;
        Some(start..start + login)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_left_out() {
        let check = |given, expect| assert_eq!(redacted(given), expect, "{given}");
        check("git::https://me:pass@host/x", "git::https://…@host/x");
        check("https://token@host", "https://…@host");
        check(
            "cannot reach 'https://a:b@c/d' or https://e:f@g@h.",
            "cannot reach 'https://…@c/d' or https://…@h.",
        );
        check("https://host/a@b", "https://host/a@b");
        check("plain", "plain");
        assert_eq!(redacted("https://a://b@c/"), "https://a://…@c/");
        assert_eq!(format!("{:?}", Secret::new("x")), "(secret)");
    }

    #[test]
    fn everything_else_stays_where_it_is() {
        let check = |given, expect| assert_eq!(masked(given), expect, "{given}");
        check("\"https://me:pä@h/x\" https://t@h", "\"https://******@h/x\" https://*@h");
        check("ssh://git@h/x ssh://git:x@h/x", "ssh://git@h/x ssh://*****@h/x");
        check("me@example.com", "me@example.com");
    }
}
