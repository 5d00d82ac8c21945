//! Connection strings: what libpq knows of TLS and the driver does not is taken out of them.

use std::borrow::Cow;

/// The parameters about TLS, by their names in libpq.
const TAKEN: [&str; 2] = ["sslmode", "sslrootcert"];

/// A connection string, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ConnectionString {
    /// What the driver reads.
    pub(crate) rest: String,
    /// `sslmode`.
    pub(crate) mode: Option<String>,
    /// `sslrootcert`, the name of a file.
    pub(crate) root: Option<String>,
}

impl ConnectionString {
    /// Takes a URL or `key=value` pairs apart. What makes no sense is left to the driver.
    pub(crate) fn parse(text: &str) -> Self {
        let mut taken = Self::default();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let (address, query) = text.split_once('?').unwrap_or((text, ""));
            let kept: Vec<_> = query.split('&').filter(|pair| !pair.is_empty() && !taken.url(pair)).collect();
            let mark = if kept.is_empty() { "" } else { "?" };
            taken.rest = format!("{address}{mark}{}", kept.join("&"));
        } else {
            let kept: Vec<_> = pairs(text).into_iter().filter(|pair| !taken.pair(pair)).collect();
            taken.rest = kept.join(" ");
        }
        taken
    }

    fn url(&mut self, pair: &str) -> bool {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        self.take(name, || decoded(value))
    }

    fn pair(&mut self, pair: &str) -> bool {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        self.take(name.trim(), || unquoted(value.trim_start()))
    }

    fn take(&mut self, name: &str, value: impl FnOnce() -> String) -> bool {
        match name {
            "sslmode" => self.mode = Some(value()),
            "sslrootcert" => self.root = Some(value()),
            _ => {}
        }
        TAKEN.contains(&name)
    }
}

/// The texts of `key = 'value'` pairs. White space separates them, but may also stand around the sign.
fn pairs(text: &str) -> Vec<&str> {
    let (mut pairs, mut start) = (Vec::new(), 0);
    while let Some(end) = pair_end(&text[start..]) {
        pairs.push(text[start..start + end].trim());
        start += end;
    }
    pairs.push(text[start..].trim());
    pairs.retain(|pair| !pair.is_empty());
    pairs
}

/// Where the first pair ends, if something follows it.
fn pair_end(text: &str) -> Option<usize> {
    let sign = text.find('=')? + 1;
    let value = sign + text[sign..].len() - text[sign..].trim_start().len();
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in text[value..].char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' if quoted || at == 0 => quoted = !quoted,
            _ if letter.is_whitespace() && !quoted => return Some(value + at),
            _ => {}
        }
    }
    None
}

fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(value);
    let mut escaped = false;
    inner
        .chars()
        .filter(|letter| {
            escaped = *letter == '\\' && !escaped;
            !escaped
        })
        .collect()
}

/// What `%41` and the like stand for; what is no such thing stands for itself.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let code = others.get(..2).filter(|_| *first == b'%').and_then(|digits| str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    match String::from_utf8_lossy(&bytes) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, rest: &str, mode: Option<&str>, root: Option<&str>) {
        let expect = ConnectionString {
            rest: rest.to_owned(),
            mode: mode.map(str::to_owned),
            root: root.map(str::to_owned),
        };
        assert_eq!(ConnectionString::parse(text), expect, "{text}");
    }

    #[test]
    fn urls_are_taken_apart() {
        check("postgres://u:p@h/d", "postgres://u:p@h/d", None, None);
        check("postgresql://h/d?sslmode=verify-full", "postgresql://h/d", Some("verify-full"), None);
        check(
            "postgres://h?a=1&sslmode=require&sslrootcert=%2Fca%20one&b=%26",
            "postgres://h?a=1&b=%26",
            Some("require"),
            Some("/ca one"),
        );
        check("postgres://h?sslmode=%zz%", "postgres://h", Some("%zz%"), None);
    }

    #[test]
    fn pairs_are_taken_apart() {
        check("", "", None, None);
        check("host=h sslmode=disable user=u", "host=h user=u", Some("disable"), None);
        check(
            "password='a sslmode=b \\' c'  dbname = d",
            "password='a sslmode=b \\' c' dbname = d",
            None,
            None,
        );
        check("sslmode = 'verify-ca' sslrootcert='C:\\\\ca'", "", Some("verify-ca"), Some("C:\\ca"));
        check("password=o'neil sslmode=require", "password=o'neil", Some("require"), None);
        check("nonsense", "nonsense", None, None);
        check("a=é b", "a=é b", None, None);
    }
}
