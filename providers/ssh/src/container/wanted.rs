//! A container as it is wanted: how its settings are written, and the command that creates it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use meshform_engine::value::Value;
use serde_json::json;

use crate::attributes::text;
use crate::script::{quote, sha256};

/// The label with the hash of the settings that a container was made by.
pub(super) const HASH: &str = "meshform.hash";

/// The settings of a container.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) image: &'a str,
    pub(super) command: Vec<&'a str>,
    pub(super) environment: BTreeMap<&'a str, &'a str>,
    pub(super) ports: Vec<String>,
    pub(super) volumes: Vec<&'a str>,
    pub(super) restart: &'a str,
    pub(super) network: Option<&'a str>,
    pub(super) labels: BTreeMap<&'a str, &'a str>,
}

impl<'a> Wanted<'a> {
    /// The settings, if all of them are known and none is only a fingerprint.
    pub(super) fn of(desired: &'a Value) -> Option<Self> {
        let mut ports: Vec<String> = list(desired, "ports")?.into_iter().filter_map(port).collect();
        ports.sort();
        let network = desired.get("network").filter(|network| !network.is_null());
        Some(Self {
            name: text(desired, "name")?,
            image: text(desired, "image")?,
            command: list(desired, "command")?,
            environment: map(desired, "environment")?,
            ports,
            volumes: list(desired, "volumes")?,
            restart: text(desired, "restart")?,
            network: match network {
                Some(network) => Some(network.as_str()?),
                None => None,
            },
            labels: map(desired, "labels")?,
        })
    }

    /// A hash of all that makes the container what it is. Who can read it on the host can read the settings themselves.
    pub(super) fn hash(&self) -> String {
        let all = json!([
            self.image,
            self.command,
            self.environment,
            self.ports,
            self.volumes,
            self.restart,
            self.network,
            self.labels
        ]);
        sha256(all.to_string().as_bytes())
    }

    /// The shell command that creates it.
    pub(super) fn create(&self) -> String {
        let mut words = vec!["--name".to_owned(), self.name.to_owned()];
        let mut option = |name: &str, value: &str| words.push(format!("--{name}={value}"));
        option("restart", self.restart);
        option("label", &format!("{HASH}={}", self.hash()));
        self.network.into_iter().for_each(|network| option("network", network));
        self.ports.iter().for_each(|port| option("publish", port));
        self.volumes.iter().for_each(|volume| option("volume", volume));
        self.labels.iter().for_each(|(name, value)| option("label", &format!("{name}={value}")));
        words.push(self.image.to_owned());
        words.extend(self.command.iter().map(|word| (*word).to_owned()));
        let words: String = words.iter().map(|word| format!(" {}", quote(word))).collect();
        format!("\"$engine\" create --env-file \"$variables_file\"{words}")
    }

    /// The file of its variables, which takes each line as it is.
    pub(super) fn variables(&self) -> String {
        self.environment.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
    }
}

/// A published port in one way of writing: `[ADDRESS:]PORT:PORT/PROTOCOL`.
pub(super) fn port(text: &str) -> Option<String> {
    let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (rest, inner) = text.rsplit_once(':')?;
    let (address, outer) = match rest.rsplit_once(':') {
        Some((address, outer)) => (Some(address), outer),
        None => (None, rest),
    };
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let (outer, inner) = (number(outer)?, number(inner)?);
    let address = match address.map(|address| address.trim_start_matches('[').trim_end_matches(']')) {
        None | Some("0.0.0.0") => String::new(),
        Some(address) => match address.parse().ok()? {
            IpAddr::V4(address) => format!("{address}:"),
            IpAddr::V6(address) => format!("[{address}]:"),
        },
    };
    matches!(protocol, "tcp" | "udp" | "sctp").then(|| format!("{address}{outer}:{inner}/{protocol}"))
}

/// A volume in one way of writing: `SOURCE:PLACE`, and `:ro` after it. Other options are left to the engine.
pub(super) fn volume(text: &str) -> Option<String> {
    let mut parts = text.split(':');
    let (source, place, options) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    let is_named = source.starts_with(|first: char| first.is_ascii_alphanumeric())
        && source.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter));
    let fits = (is_named || source.starts_with('/')) && place.starts_with('/') && parts.next().is_none();
    let source = if source.len() > 1 { source.trim_end_matches('/') } else { source };
    let end = if options.split(',').any(|option| option == "ro") { ":ro" } else { "" };
    fits.then(|| format!("{source}:{place}{end}"))
}

/// A list of known texts.
pub(super) fn list<'a>(desired: &'a Value, name: &str) -> Option<Vec<&'a str>> {
    desired.get(name).and_then(Value::as_list).unwrap_or_default().iter().map(Value::as_str).collect()
}

fn map<'a>(desired: &'a Value, name: &str) -> Option<BTreeMap<&'a str, &'a str>> {
    let entries = desired.get(name).and_then(Value::as_map).into_iter().flatten();
    entries.map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_volumes_have_one_way_of_writing() {
        let check = |given: &str, expect: Option<&str>| assert_eq!(port(given).as_deref(), expect, "{given}");
        check("8080:80", Some("8080:80/tcp"));
        check("0.0.0.0:8080:80/tcp", Some("8080:80/tcp"));
        check("127.0.0.1:53:53/udp", Some("127.0.0.1:53:53/udp"));
        check("[::1]:8080:80", Some("[::1]:8080:80/tcp"));
        for bad in ["80", "0:80", "a:80", "8080-8081:80-81", "8080:80/x", "host:80:80", "70000:1", ""] {
            check(bad, None);
        }
        let check =
            |given: &str, expect: Option<&str>| assert_eq!(volume(given).as_deref(), expect, "{given}");
        check("/srv/data:/data", Some("/srv/data:/data"));
        check("/srv/data/:/data:ro,z", Some("/srv/data:/data:ro"));
        check("cache:/var/cache:rw", Some("cache:/var/cache"));
        for bad in ["/data", "./a:/data", "a:b", "/a:/b:ro:x", "", "-v:/x"] {
            check(bad, None);
        }
    }

    #[test]
    fn secrets_are_no_arguments() {
        let desired = Value::object([
            ("name".to_owned(), "web".into()),
            ("image".to_owned(), "x:1".into()),
            ("command".to_owned(), Value::list(["echo".into(), "it's".into()])),
            ("environment".to_owned(), Value::map([("A".to_owned(), Value::string("hidden").sensitive())])),
            ("ports".to_owned(), Value::list(["80:80".into()])),
            ("restart".to_owned(), "no".into()),
        ]);
        let wanted = Wanted::of(&desired).unwrap();
        let create = wanted.create();
        assert!(
            create.starts_with(
                "\"$engine\" create --env-file \"$variables_file\" '--name' 'web' '--restart=no'"
            ),
            "{create}"
        );
        assert!(create.ends_with("'--publish=80:80/tcp' 'x:1' 'echo' 'it'\\''s'"), "{create}");
        assert!(!create.contains("hidden"));
        assert_eq!(wanted.variables(), "A=hidden\n");
    }
}
