//! URLs as Go reads them, as far as rules ask about them.

use std::fmt;

/// A URL with a scheme, or an absolute path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    text: String,
    pub(super) scheme: String,
    /// With the port, without the user.
    pub(super) host: String,
    pub(super) path: String,
    /// The parameters in their order, decoded.
    pub(super) query: Vec<(String, String)>,
}

impl Url {
    /// What a request could name: a URL with a scheme, or a path that begins with a slash.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.chars().any(|letter| letter.is_ascii_control() || letter == ' ') {
            return None;
        }
        let (scheme, rest) = match scheme(text) {
            Some(scheme) => (scheme.to_ascii_lowercase(), text.get(scheme.len() + 1..)?),
            None if text.starts_with('/') => (String::new(), text),
            None => return None,
        };
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match before.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => ("", before),
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if !is_host(host) || !is_escaped(path) {
            return None;
        }
        Some(Self {
            text: text.to_owned(),
            scheme,
            host: host.to_owned(),
            path: path.to_owned(),
            query: query.split('&').filter(|pair| !pair.is_empty()).map(parameter).collect(),
        })
    }

    /// The host without its port and brackets.
    pub(super) fn host_name(&self) -> &str {
        let host = self.host.strip_suffix(self.port()).filter(|_| !self.port().is_empty());
        let host = host.unwrap_or(&self.host).trim_end_matches(':');
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    pub(super) fn port(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((before, port)) if !before.contains('[') || before.ends_with(']') => port,
            _ => "",
        }
    }
}

fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'));
    is_scheme.then_some(scheme)
}

fn is_host(host: &str) -> bool {
    let port = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => port,
            _ => return false,
        },
        None => host.find(':').and_then(|at| host.get(at..)).unwrap_or_default(),
    };
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.chars().all(|letter| letter.is_ascii_digit()));
    is_port && !host.contains(['<', '>', '"', '\\', '^', '`', '{', '}', '|']) && is_escaped(host)
}

fn is_escaped(text: &str) -> bool {
    let mut parts = text.split('%');
    parts.next();
    parts.all(|part| part.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2)
}

fn parameter(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (decoded(name), decoded(value))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                bytes.extend(u8::from_str_radix(digits, 16));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}
