//! What is said about the server, and how it is spoken to by that.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use meshform_state::SettingsProblem;
use rustls::ClientConfig;

use crate::tls;

/// The settings: name, meaning, and whether the value is secret.
pub const SETTINGS: &[(&str, &str, bool)] = &[
    ("address", "Where the state is: it is read by GET.", false),
    ("update_method", "How it is written; POST unless given.", false),
    ("lock_address", "Where it is locked.", false),
    ("lock_method", "How it is locked; LOCK unless given.", false),
    ("unlock_address", "Where it is unlocked; `lock_address` unless given.", false),
    ("unlock_method", "How it is unlocked; UNLOCK unless given.", false),
    ("username", "The user, for basic authentication.", false),
    ("password", "The user's password.", true),
    ("headers", "Headers to send, one `Name: value` a line.", true),
    (
        "client_ca_certificate_pem",
        "The certificates to trust, as PEM; those of the system unless given.",
        false,
    ),
    ("client_certificate_pem", "The certificate to show to the server, as PEM.", false),
    ("client_private_key_pem", "The key of that certificate, as PEM.", true),
    ("allow_http", "`true` to speak in the clear with another machine.", false),
    ("timeout_seconds", "How long one request may take; 30 unless given.", false),
];

const TIMEOUT_SECONDS_DEFAULT: u64 = 30;
const TIMEOUT_SECONDS_MAX: u64 = 3600;

/// How the server is spoken to.
pub(crate) struct Settings {
    pub(crate) address: Uri,
    pub(crate) update_method: Method,
    pub(crate) lock_address: Uri,
    pub(crate) lock_method: Method,
    pub(crate) unlock_address: Uri,
    pub(crate) unlock_method: Method,
    /// What goes with every request. Holds what is secret.
    pub(crate) headers: HeaderMap,
    pub(crate) tls: ClientConfig,
    pub(crate) timeout: Duration,
}

/// The settings as they are given, by name.
struct Given<'a> {
    settings: &'a BTreeMap<String, String>,
    environment: &'a BTreeMap<String, String>,
}

impl Settings {
    /// Reads the settings; the environment counts where they are silent.
    ///
    /// # Errors
    /// When one is missing or makes no sense.
    pub(crate) fn new(
        settings: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsProblem> {
        let given = Given { settings, environment };
        let address =
            given.address("address")?.ok_or_else(|| SettingsProblem::new("address", "is required"))?;
        let lock_address = given.address("lock_address")?.ok_or_else(|| {
            SettingsProblem::new(
                "lock_address",
                "is required: without it two runs could overwrite each other",
            )
        })?;
        let unlock_address = given.address("unlock_address")?.unwrap_or_else(|| lock_address.clone());
        let is_secure = [&address, &lock_address, &unlock_address]
            .iter()
            .any(|address| address.scheme_str() == Some("https"));
        Ok(Self {
            update_method: given.method("update_method", "POST")?,
            lock_method: given.method("lock_method", "LOCK")?,
            unlock_method: given.method("unlock_method", "UNLOCK")?,
            headers: given.headers()?,
            tls: given.tls(is_secure)?,
            timeout: given.timeout()?,
            address,
            lock_address,
            unlock_address,
        })
    }

    /// Where it is. A query, which may hold a token, is left out.
    pub(crate) fn place(&self) -> String {
        let host = self.address.authority().map(ToString::to_string).unwrap_or_default();
        format!("{}://{host}{}", self.address.scheme_str().unwrap_or("https"), self.address.path())
    }
}

impl<'a> Given<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let variable = format!("TF_HTTP_{}", name.to_uppercase());
        let value = self.settings.get(name).or_else(|| self.environment.get(&variable));
        value.map(String::as_str).filter(|value| !value.is_empty())
    }

    fn address(&self, name: &'static str) -> Result<Option<Uri>, SettingsProblem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let problem = |problem: &str| Err(SettingsProblem::new(name, problem));
        let Ok(uri) = text.parse::<Uri>() else { return problem("is not a URL") };
        let Some(authority) = uri.authority() else { return problem("must begin with https://HOST") };
        if authority.as_str().contains('@') {
            return problem("must not hold credentials: give `username` and `password`");
        }
        match uri.scheme_str() {
            Some("https") => Ok(Some(uri)),
            Some("http") if is_loopback(authority.host()) || self.flag("allow_http")? => Ok(Some(uri)),
            Some("http") => problem("must begin with https://, but for this machine or with `allow_http`"),
            _ => problem("must begin with https://"),
        }
    }

    fn method(&self, name: &'static str, default: &str) -> Result<Method, SettingsProblem> {
        self.get(name)
            .unwrap_or(default)
            .parse()
            .map_err(|_| SettingsProblem::new(name, "is not an HTTP method"))
    }

    fn flag(&self, name: &'static str) -> Result<bool, SettingsProblem> {
        match self.get(name) {
            Some("true") => Ok(true),
            Some("false") | None => Ok(false),
            Some(_) => Err(SettingsProblem::new(name, "must be true or false")),
        }
    }

    fn headers(&self) -> Result<HeaderMap, SettingsProblem> {
        let wrong = || SettingsProblem::new("headers", "must be lines of the form `Name: value`");
        let mut headers = HeaderMap::new();
        for line in self.get("headers").unwrap_or_default().lines().filter(|line| !line.trim().is_empty()) {
            let (name, value) = line.split_once(':').ok_or_else(wrong)?;
            let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
            headers.append(name, sensitive(value.trim()).ok_or_else(wrong)?);
        }
        match (self.get("username"), self.get("password")) {
            (None, None) => {}
            (None, Some(_)) => return Err(SettingsProblem::new("username", "is required with `password`")),
            (Some(user), password) => {
                let login = STANDARD.encode(format!("{user}:{}", password.unwrap_or_default()));
                let login = sensitive(&format!("Basic {login}"))
                    .ok_or_else(|| SettingsProblem::new("username", "cannot be sent"))?;
                headers.insert(AUTHORIZATION, login);
            }
        }
        Ok(headers)
    }

    fn tls(&self, is_needed: bool) -> Result<ClientConfig, SettingsProblem> {
        let pem = |name: &'static str| self.get(name).map(|text| (name, text));
        let identity = match (pem("client_certificate_pem"), pem("client_private_key_pem")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => return Err(alone("client_certificate_pem", "client_private_key_pem")),
            (None, Some(_)) => return Err(alone("client_private_key_pem", "client_certificate_pem")),
        };
        tls::config("address", pem("client_ca_certificate_pem"), identity, is_needed)
    }

    fn timeout(&self) -> Result<Duration, SettingsProblem> {
        match self.get("timeout_seconds").map_or(Ok(TIMEOUT_SECONDS_DEFAULT), str::parse) {
            Ok(seconds @ 1..=TIMEOUT_SECONDS_MAX) => Ok(Duration::from_secs(seconds)),
            _ => {
                let range = format!("must be a whole number of seconds from 1 to {TIMEOUT_SECONDS_MAX}");
                Err(SettingsProblem::new("timeout_seconds", range))
            }
        }
    }
}

/// Whether a host is this machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn alone(given: &'static str, missing: &str) -> SettingsProblem {
    SettingsProblem::new(given, format!("is of no use without `{missing}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn settings(given: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Settings, SettingsProblem> {
        let mut given = map(given);
        for (name, value) in
            [("address", "http://localhost:1/s?token=hunter2"), ("lock_address", "http://[::1]/l")]
        {
            given.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        Settings::new(&given, &map(environment))
    }

    #[test]
    fn what_is_not_said_is_as_in_terraform() {
        let settings = settings(&[("username", "ann")], &[("TF_HTTP_PASSWORD", "hunter2")]).unwrap();
        assert_eq!(settings.place(), "http://localhost:1/s");
        assert_eq!(settings.update_method, Method::POST);
        assert_eq!((settings.lock_method.as_str(), settings.unlock_method.as_str()), ("LOCK", "UNLOCK"));
        assert_eq!(settings.unlock_address, "http://[::1]/l");
        assert_eq!(settings.headers[AUTHORIZATION], "Basic YW5uOmh1bnRlcjI=");
        assert_eq!(format!("{:?}", settings.headers), r#"{"authorization": Sensitive}"#);
    }

    #[test]
    fn what_makes_no_sense_is_named_without_quoting_it() {
        let check = |given: &[(&str, &str)], expect: &str| {
            let problem = settings(given, &[]).err().unwrap().to_string();
            assert_eq!(problem, expect, "{given:?}");
        };
        check(&[("address", "")], "`address` is required");
        check(
            &[("lock_address", "")],
            "`lock_address` is required: without it two runs could overwrite each other",
        );
        check(
            &[("address", "https://ann:hunter2@host/")],
            "`address` must not hold credentials: give `username` and `password`",
        );
        check(&[("address", "/state")], "`address` must begin with https://HOST");
        check(&[("address", "ftp://host/")], "`address` must begin with https://");
        check(
            &[("address", "http://host/")],
            "`address` must begin with https://, but for this machine or with `allow_http`",
        );
        check(&[("address", "http://host/"), ("allow_http", "1")], "`allow_http` must be true or false");
        check(&[("headers", "hunter2")], "`headers` must be lines of the form `Name: value`");
        check(&[("password", "hunter2")], "`username` is required with `password`");
        check(&[("lock_method", "a b")], "`lock_method` is not an HTTP method");
        check(
            &[("client_private_key_pem", "x")],
            "`client_private_key_pem` is of no use without `client_certificate_pem`",
        );
        check(
            &[("client_ca_certificate_pem", "x")],
            "`client_ca_certificate_pem` holds no certificate in PEM form",
        );
        check(
            &[("timeout_seconds", "0")],
            "`timeout_seconds` must be a whole number of seconds from 1 to 3600",
        );
        assert!(settings(&[("address", "http://host/"), ("allow_http", "true")], &[]).is_ok());
    }
}
