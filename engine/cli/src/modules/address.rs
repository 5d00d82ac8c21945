//! The parts that all remote sources have: a host, a folder behind two slashes, parameters.

use std::fmt;

use meshform_engine::diagnostic::ModuleProblem;

use super::problem::unsupported;
use super::secret::redacted;

/// Whether a letter means nothing to any program that fetches.
pub(super) fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')
}

/// A source in its parts.
pub(super) struct Parts<'a> {
    /// What is fetched.
    pub(super) location: &'a str,
    /// The folder in it; empty for all of it.
    pub(super) folder: String,
    /// Behind the question mark.
    pub(super) query: Option<&'a str>,
}

/// Takes a source apart.
///
/// # Errors
/// When the folder would lead out of the package.
pub(super) fn split(text: &str) -> Result<Parts<'_>, ModuleProblem> {
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    // A file URL has three slashes.
    let scheme = path.find("://").map_or(0, |at| at + 3);
    let (location, folder) = match path[scheme..].find("//") {
        Some(at) => (&path[..scheme + at], &path[scheme + at + 2..]),
        None => (path, ""),
    };
    let steps: Vec<_> = folder.split('/').filter(|step| !matches!(*step, "" | ".")).collect();
    if steps.contains(&"..") {
        return Err(unsupported(format!("The folder {:?} leads out of the package.", redacted(folder))));
    }
    Ok(Parts { location, folder: steps.join("/"), query })
}

/// What stands behind the question mark.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads them.
    ///
    /// # Errors
    /// When one is not `NAME=VALUE` or is not decodable.
    pub(super) fn parse(query: Option<&str>) -> Result<Self, ModuleProblem> {
        let pairs = query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), decoded(value).filter(|value| !value.contains(char::is_control))?))
        };
        let all = pairs.map(|text| pair(text).ok_or_else(|| wrong(text)));
        Ok(Self(all.collect::<Result<_, _>>()?))
    }

    /// A parameter's value.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(it, _)| it == name)?;
        Some(self.0.remove(at).1)
    }

    /// Complains of those that nobody took.
    ///
    /// # Errors
    /// When there is one.
    pub(super) fn finish(self, known: &str) -> Result<(), ModuleProblem> {
        match self.0.first() {
            Some((name, _)) => {
                Err(unsupported(format!("The parameter {name:?} is not known, or is given twice. {known}")))
            }
            None => Ok(()),
        }
    }
}

fn wrong(pair: &str) -> ModuleProblem {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    unsupported(format!("The parameter {name:?} is not of the form NAME=VALUE."))
}

/// A text without percent signs for letters.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = others;
            continue;
        }
        let digits = others.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = &others[2..];
    }
    String::from_utf8(bytes).ok()
}

/// A host's name or address, and a port if it is not the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host(String);

impl Host {
    /// Reads it.
    ///
    /// # Errors
    /// When it is none, or could be taken for an option.
    pub(super) fn parse(text: &str) -> Result<Self, ModuleProblem> {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (text, None),
        };
        let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        let is_name = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                name.starts_with(|letter: char| letter.is_ascii_alphanumeric()) && name.chars().all(is_plain)
            }
        };
        match is_port && is_name {
            true => Ok(Self(text.to_owned())),
            false => Err(unsupported(format!("{:?} is no name of a host.", redacted(text)))),
        }
    }

    /// As it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this very machine, where nobody else listens.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(
            self.0.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(&*self.0, |it| it.0),
        )
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a host without its port is this very machine.
pub(super) fn is_loopback(name: &str) -> bool {
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let check = |text: &str, expect: Option<bool>| {
            assert_eq!(Host::parse(text).ok().map(|host| host.is_loopback()), expect, "{text}");
        };
        check("ghcr.io", Some(false));
        check("localhost:5000", Some(true));
        check("127.0.0.1:1", Some(true));
        check("[::1]:5000", Some(true));
        check("[::1]", Some(true));
        check("localhost.evil.example", Some(false));
        for wrong in
            ["", "-oProxyCommand=x", "a b", "host:0", "host:99999", "host:", "[x]", "a/b", "ho$t", ".x"]
        {
            check(wrong, None);
        }
    }

    #[test]
    fn percent_signs_stand_for_letters() {
        let check = |text, expect: Option<&str>| assert_eq!(decoded(text).as_deref(), expect, "{text}");
        check("feature%2Fx", Some("feature/x"));
        check("%C3%A4+", Some("ä+"));
        check("%", None);
        check("%2", None);
        check("%+1", None);
        check("%ff", None);
    }
}
