//! A request, as routing looks at it.

use http::HeaderMap;
use http::request::Parts;

/// A request without its body.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'r> {
    parts: &'r Parts,
}

impl<'r> Asked<'r> {
    pub(crate) fn of(parts: &'r Parts) -> Self {
        Self { parts }
    }

    /// The host that is asked for, in lower case and without a port.
    pub(crate) fn host(self) -> String {
        let named = self.header("host").or_else(|| self.parts.uri.host()).unwrap_or_default();
        without_port(named).to_ascii_lowercase()
    }

    pub(super) fn method(self) -> &'r str {
        self.parts.method.as_str()
    }

    pub(crate) fn path(self) -> &'r str {
        match self.parts.uri.path() {
            "" => "/",
            path => path,
        }
    }

    /// A header's value; empty if it is no text.
    pub(super) fn header(self, name: &str) -> Option<&'r str> {
        self.headers().get(name).map(|value| value.to_str().unwrap_or_default())
    }

    pub(super) fn headers(self) -> &'r HeaderMap {
        &self.parts.headers
    }

    /// A cookie's value (RFC 6265, 4.2.1).
    pub(super) fn cookie(self, name: &str) -> Option<&'r str> {
        let all = self.headers().get_all("cookie").iter().filter_map(|value| value.to_str().ok());
        all.flat_map(|text| text.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// The first value of a query parameter, as it is written.
    pub(super) fn query(self, name: &str) -> Option<&'r str> {
        let pairs = self.parts.uri.query().unwrap_or_default().split('&');
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// The query with its question mark; empty if there is none.
    pub(super) fn query_text(self) -> String {
        self.parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default()
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
