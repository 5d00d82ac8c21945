//! How a registry wants to be asked: its `WWW-Authenticate` header (RFC 9110, section 11), as the distribution specification uses it.

use http::Uri;

use crate::modules::address::is_loopback;

/// How to log in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with each request.
    Basic,
    /// A token, which this place gives.
    Bearer(Uri),
}

impl Challenge {
    /// What a registry demands for reading from a repository; nothing if it is not understood or not safe.
    ///
    /// A token is only fetched by https, unless the registry and the place are both on this machine.
    pub(super) fn parse(header: &str, repository: &str, is_local: bool) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let get = |name: &str| parameters.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str());
        let realm = get("realm")?;
        let scope = get("scope").map_or_else(|| format!("repository:{repository}:pull"), str::to_owned);
        let service = get("service").map(|service| format!("service={}&", encoded(service)));
        let separator = if realm.contains('?') { '&' } else { '?' };
        let place = format!("{realm}{separator}{}scope={}", service.unwrap_or_default(), encoded(&scope));
        let place: Uri = place.parse().ok()?;
        let is_safe = match place.scheme_str()? {
            "https" => true,
            "http" => is_local && is_loopback(place.host()?),
            _ => false,
        };
        is_safe.then_some(Self::Bearer(place))
    }
}

/// `name="value", name=value`.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([' ', ',']);
    while let Some((name, behind)) = rest.split_once('=') {
        let (value, after) = match behind.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = behind.find([',', ' ']).unwrap_or(behind.len());
                (behind[..end].to_owned(), &behind[end..])
            }
        };
        found.push((name.trim().to_ascii_lowercase(), value));
        rest = after.trim_start_matches([' ', ',']);
    }
    found
}

/// The text up to the closing quote, and what follows it.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            letter => value.push(letter),
        }
    }
    (value, "")
}

fn encoded(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b',' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_registries_demand() {
        let check = |header: &str, is_local: bool, expect: Option<&str>| {
            let shown = match Challenge::parse(header, "acme/net", is_local) {
                Some(Challenge::Basic) => Some("basic".to_owned()),
                Some(Challenge::Bearer(place)) => Some(place.to_string()),
                None => None,
            };
            assert_eq!(shown.as_deref(), expect, "{header}");
        };
        check("Basic realm=\"x\"", false, Some("basic"));
        check(
            "Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\",scope=\"repository:acme/net:pull\"",
            false,
            Some("https://ghcr.io/token?service=ghcr.io&scope=repository:acme/net:pull"),
        );
        check(
            "bearer service=a, realm=\"https://x/t?y=z\"",
            false,
            Some("https://x/t?y=z&service=a&scope=repository:acme/net:pull"),
        );
        check(
            "Bearer realm=\"https://x/\\\"t\"",
            false,
            Some("https://x/\"t?scope=repository:acme/net:pull"),
        );
        check(
            "Bearer realm=\"https://x/t\",service=\"a&b\"",
            false,
            Some("https://x/t?service=a%26b&scope=repository:acme/net:pull"),
        );
        check("Bearer realm=\"http://x/t\"", false, None);
        check("Bearer realm=\"http://x/t\"", true, None);
        check("Bearer realm=\"http://127.0.0.1:1/t\"", false, None);
        check(
            "Bearer realm=\"http://127.0.0.1:1/t\"",
            true,
            Some("http://127.0.0.1:1/t?scope=repository:acme/net:pull"),
        );
        check("Bearer realm=\"file:///etc\"", true, None);
        check("Bearer", false, None);
        check("Negotiate", false, None);
    }
}
