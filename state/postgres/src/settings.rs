//! What is said about the database, and how it is reached by that.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use meshform_state::SettingsProblem;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::connection_string::ConnectionString;
use crate::tls::Trust;

/// The settings: name, meaning, and whether the value is secret.
pub const SETTINGS: &[(&str, &str, bool)] = &[
    ("connection", "A URL or key=value pairs, as libpq reads them.", true),
    ("password", "The user's password, if it is not in `connection`.", true),
    ("stack", "The name of the stack in the table.", false),
    ("schema", "The schema that the table is in; `meshform` unless given.", false),
    ("sslmode", "`disable`, `prefer`, `require`, `verify-ca` or `verify-full`.", false),
    ("ca", "The certificates to trust, as PEM; those of the system unless given.", false),
    ("timeout_seconds", "How long one operation may take; 30 unless given.", false),
];

const SCHEMA_DEFAULT: &str = "meshform";
const TIMEOUT_SECONDS_DEFAULT: u64 = 30;
const TIMEOUT_SECONDS_MAX: u64 = 3600;
/// The longest name of a schema: PostgreSQL cuts off what is longer.
const IDENTIFIER_BYTES_MAX: usize = 63;

/// How the database is reached, and what lies where in it.
pub(crate) struct Settings {
    /// Whom to ask as whom. Its debug output hides the password.
    pub(crate) config: Config,
    /// How far the server is trusted.
    pub(crate) trust: Trust,
    /// The schema that the table is in.
    pub(crate) schema: String,
    /// The stack.
    pub(crate) stack: String,
    /// How long one operation may take.
    pub(crate) timeout: Duration,
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
        let get = |name: &str| settings.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let variable =
            |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let string = ConnectionString::parse(get("connection").unwrap_or_default());
        let mut config: Config = string.rest.parse().map_err(|_| unreadable())?;
        complete(&mut config, get("password"), &variable)?;
        let mode = get("sslmode").or(string.mode.as_deref()).or_else(|| variable("PGSSLMODE"));
        let ca = certificates(get("ca"), string.root.as_deref())?;
        let trust = trust(&mut config, mode, ca.as_deref())?;
        let timeout = timeout(get("timeout_seconds"))?;
        config.connect_timeout(config.get_connect_timeout().map_or(timeout, |given| timeout.min(*given)));
        Ok(Self { trust, schema: schema(get("schema"))?, stack: stack(get("stack"))?, timeout, config })
    }

    /// Where it is, without who asks.
    pub(crate) fn place(&self) -> String {
        let ports = self.config.get_ports();
        let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        let hosts = self.config.get_hosts().iter().enumerate().map(|(index, host)| match host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]:{}", port(index)),
            Host::Tcp(name) => format!("{name}:{}", port(index)),
            Host::Unix(folder) => format!("{}:{}", folder.display(), port(index)),
        });
        let hosts: Vec<_> = hosts.collect();
        let database = self.config.get_dbname().map(|name| format!("/{name}")).unwrap_or_default();
        format!("postgres://{}{database}?schema={}&stack={}", hosts.join(","), self.schema, self.stack)
    }
}

/// The driver's message would quote parts of the text, which may be of a password.
fn unreadable() -> SettingsProblem {
    SettingsProblem::new(
        "connection",
        "is neither a postgres:// URL nor a list of key=value pairs that libpq knows",
    )
}

fn complete<'a>(
    config: &mut Config,
    password: Option<&str>,
    variable: &impl Fn(&str) -> Option<&'a str>,
) -> Result<(), SettingsProblem> {
    if config.get_hosts().is_empty() {
        // The driver wants names for TLS even where addresses are given.
        let mut hosts: Vec<_> = config.get_hostaddrs().iter().map(IpAddr::to_string).collect();
        if hosts.is_empty() {
            hosts.extend(variable("PGHOST").unwrap_or("localhost").split(',').map(str::to_owned));
        }
        for host in hosts {
            config.host(host);
        }
    }
    if let Some(ports) = variable("PGPORT").filter(|_| config.get_ports().is_empty()) {
        for port in ports.split(',') {
            config.port(
                port.parse()
                    .map_err(|_| SettingsProblem::new("connection", "has no port: PGPORT is not one"))?,
            );
        }
    }
    if let Some(user) = variable("PGUSER").filter(|_| config.get_user().is_none()) {
        config.user(user);
    }
    if let Some(name) = variable("PGDATABASE").filter(|_| config.get_dbname().is_none()) {
        config.dbname(name);
    }
    let environment = variable("PGPASSWORD").filter(|_| config.get_password().is_none());
    if let Some(password) = password.or(environment) {
        config.password(password);
    }
    if config.get_application_name().is_none() {
        config.application_name("meshform");
    }
    // A standby shows what was, and takes no writes.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    Ok(())
}

fn certificates(ca: Option<&str>, root: Option<&str>) -> Result<Option<String>, SettingsProblem> {
    match (ca, root) {
        (Some(text), _) => Ok(Some(text.to_owned())),
        (None, None | Some("system")) => Ok(None),
        (None, Some(path)) => std::fs::read_to_string(path).map(Some).map_err(|error| {
            SettingsProblem::new("connection", format!("names an sslrootcert that cannot be read: {error}"))
        }),
    }
}

fn trust(config: &mut Config, mode: Option<&str>, ca: Option<&str>) -> Result<Trust, SettingsProblem> {
    let is_near = is_on_this_machine(config);
    let mode = mode.unwrap_or(if is_near { "prefer" } else { "verify-full" });
    let (driver, trust) = match mode {
        "disable" => (SslMode::Disable, Trust::Anyone),
        "prefer" => (SslMode::Prefer, Trust::Anyone),
        "require" if ca.is_none() => (SslMode::Require, Trust::Anyone),
        "require" | "verify-ca" => (SslMode::Require, Trust::signed(ca)?),
        "verify-full" => (SslMode::Require, Trust::named(ca)?),
        _ => {
            let known = "must be disable, prefer, require, verify-ca or verify-full";
            return Err(SettingsProblem::new("sslmode", known));
        }
    };
    // There is no TLS on a Unix socket, whatever is asked for: libpq does the same.
    let is_socket = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
    config.ssl_mode(if is_socket && config.get_hostaddrs().is_empty() { SslMode::Disable } else { driver });
    Ok(trust)
}

fn is_on_this_machine(config: &Config) -> bool {
    let is_loopback = |name: &str| name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let addresses = config.get_hostaddrs();
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || is_loopback(name),
        Host::Unix(_) => true,
    });
    if addresses.is_empty() { hosts } else { addresses.iter().all(IpAddr::is_loopback) }
}

fn timeout(text: Option<&str>) -> Result<Duration, SettingsProblem> {
    let seconds = text.map_or(Ok(TIMEOUT_SECONDS_DEFAULT), str::parse);
    match seconds {
        Ok(seconds @ 1..=TIMEOUT_SECONDS_MAX) => Ok(Duration::from_secs(seconds)),
        _ => {
            let range = format!("must be a whole number of seconds from 1 to {TIMEOUT_SECONDS_MAX}");
            Err(SettingsProblem::new("timeout_seconds", range))
        }
    }
}

fn schema(text: Option<&str>) -> Result<String, SettingsProblem> {
    let name = text.unwrap_or(SCHEMA_DEFAULT);
    match name.len() <= IDENTIFIER_BYTES_MAX && !name.contains('\0') {
        true => Ok(name.to_owned()),
        false => {
            Err(SettingsProblem::new("schema", format!("must have at most {IDENTIFIER_BYTES_MAX} bytes")))
        }
    }
}

fn stack(text: Option<&str>) -> Result<String, SettingsProblem> {
    match text {
        Some(name) if !name.contains('\0') => Ok(name.to_owned()),
        Some(_) => Err(SettingsProblem::new("stack", "must not contain a zero byte")),
        None => Err(SettingsProblem::new("stack", "is required: several stacks may share a table")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn settings(given: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Settings, SettingsProblem> {
        let mut given = map(given);
        given.entry("stack".to_owned()).or_insert_with(|| "web".to_owned());
        Settings::new(&given, &map(environment))
    }

    fn check(given: &[(&str, &str)], environment: &[(&str, &str)], expect: Result<&str, &str>) {
        let found = settings(given, environment)
            .map(|settings| settings.place())
            .map_err(|problem| problem.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expect, "{given:?}");
    }

    #[test]
    fn the_place_says_where_but_not_who() {
        let place = "postgres://db:5433/infra?schema=meshform&stack=web";
        check(&[("connection", "postgres://ann:pw@db:5433/infra")], &[], Ok(place));
        check(
            &[("connection", "host=db port=5433 dbname=infra password=pw sslmode=verify-full")],
            &[],
            Ok(place),
        );
        check(&[], &[("PGHOST", "db"), ("PGPORT", "5433"), ("PGDATABASE", "infra")], Ok(place));
        check(
            &[("connection", "host=/run/pg"), ("schema", "s")],
            &[("PGHOST", "other")],
            Ok("postgres:///run/pg:5432?schema=s&stack=web"),
        );
        check(
            &[("connection", "postgres://[::1],b:1/x")],
            &[],
            Ok("postgres://[::1]:5432,b:1/x?schema=meshform&stack=web"),
        );
    }

    #[test]
    fn what_makes_no_sense_is_named_without_quoting_it() {
        let unreadable =
            "`connection` is neither a postgres:// URL nor a list of key=value pairs that libpq knows";
        check(&[("connection", "host=db password=hunter 2")], &[], Err(unreadable));
        check(&[("connection", "postgres://ann:hunter2@db:x/")], &[], Err(unreadable));
        check(&[("connection", "hunter2=1")], &[], Err(unreadable));
        check(&[("stack", "")], &[], Err("`stack` is required: several stacks may share a table"));
        check(
            &[("sslmode", "allow")],
            &[],
            Err("`sslmode` must be disable, prefer, require, verify-ca or verify-full"),
        );
        check(&[("ca", "x"), ("sslmode", "verify-full")], &[], Err("`ca` holds no certificate in PEM form"));
        let seconds = "`timeout_seconds` must be a whole number of seconds from 1 to 3600";
        check(&[("timeout_seconds", "0")], &[], Err(seconds));
        check(&[("timeout_seconds", "1.5")], &[], Err(seconds));
    }

    #[test]
    fn only_this_machine_is_trusted_unasked() {
        let mode = |given: &[(&str, &str)], environment: &[(&str, &str)]| {
            let settings = settings(given, environment).unwrap();
            (settings.config.get_ssl_mode(), settings.trust.is_anyone())
        };
        assert_eq!(mode(&[("connection", "host=localhost")], &[]), (SslMode::Prefer, true));
        assert_eq!(mode(&[("connection", "host=127.0.0.2")], &[]), (SslMode::Prefer, true));
        assert_eq!(mode(&[("connection", "host=db.example")], &[]), (SslMode::Require, false));
        assert_eq!(
            mode(&[("connection", "host=db.example hostaddr=127.0.0.1")], &[]),
            (SslMode::Prefer, true)
        );
        assert_eq!(mode(&[("connection", "host=db sslmode=require")], &[]), (SslMode::Require, true));
        assert_eq!(mode(&[("connection", "host=db")], &[("PGSSLMODE", "disable")]), (SslMode::Disable, true));
        assert_eq!(mode(&[("connection", "host=/run sslmode=require")], &[]), (SslMode::Disable, true));
    }
}
