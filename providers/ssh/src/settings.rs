//! What a `host` block says, read once and checked, and how `ssh` is told.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use meshform_engine::ports::{ErrorCode, HostAccess, ProviderError, TargetConfig};
use meshform_engine::value::Value;

use crate::attributes::{flag, text};
use crate::error::{blame, error};

/// How to reach a host and what to trust.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The target's address in the stack, for messages.
    pub(crate) name: String,
    /// What `ssh` is to connect to: a name, an IP address, or an alias of the user's ssh configuration.
    pub(crate) address: String,
    /// The user to log in as.
    pub(crate) user: Option<String>,
    /// The TCP port.
    pub(crate) port: Option<u16>,
    /// The only private key to offer.
    pub(crate) identity_file: Option<PathBuf>,
    /// The hosts to go through.
    pub(crate) jump: Option<String>,
    /// Which host keys are accepted.
    pub(crate) trust: Trust,
    /// How to become root.
    pub(crate) escalation: Escalation,
    /// Whether the user's own ssh configuration and agent count.
    pub(crate) own_configuration: bool,
}

/// Which host keys are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Those in the user's known_hosts.
    Known,
    /// Those, and any key of a host that has none there.
    AcceptNew,
    /// Only those of these known_hosts lines.
    Pinned(String),
}

/// How to become root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Escalation {
    /// Not at all: the login user does everything.
    None,
    /// By sudo, with a password if it asks for one.
    Sudo(Option<Secret>),
    /// By doas, with a password if it asks for one.
    Doas(Option<Secret>),
}

/// A text that no debug print shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive)")
    }
}

impl Settings {
    /// Reads the attributes of a host that is not of the sandbox. `home` is where `~` leads.
    ///
    /// # Errors
    /// When a value is missing or makes no sense.
    pub(crate) fn read(target: &TargetConfig, home: Option<&Path>) -> Result<Self, ProviderError> {
        let attributes = &target.attributes;
        let Some(address) = text(attributes, "address") else {
            let detail =
                format!("{} needs an address, or sandbox = true for the embedded host.", target.address);
            return Err(blame(error(ErrorCode::Invalid, "Missing address", detail), "address"));
        };
        let word = |name| text(attributes, name).map(|text| plain_word(name, text)).transpose();
        let identity_file = text(attributes, "identity_file");
        Ok(Self {
            name: target.address.to_string(),
            address: plain_word("address", address)?,
            user: word("user")?,
            port: port(attributes)?,
            identity_file: identity_file.map(|path| local_path(path, home, &target.folder)),
            jump: word("jump")?,
            trust: trust(attributes)?,
            escalation: escalation(attributes)?,
            own_configuration: true,
        })
    }

    /// How to reach the sandbox's host.
    ///
    /// # Errors
    /// When `become` makes no sense.
    pub(crate) fn sandbox(target: &TargetConfig, access: HostAccess) -> Result<Self, ProviderError> {
        Ok(Self {
            name: target.address.to_string(),
            address: access.address,
            user: Some(access.user),
            port: Some(access.port),
            identity_file: Some(access.identity_file),
            jump: None,
            trust: Trust::Pinned(access.known_hosts),
            escalation: escalation(&target.attributes)?,
            own_configuration: false,
        })
    }

    /// The private ssh configuration, for this host and the hosts on the way.
    ///
    /// The first value that ssh finds for an option counts, so ours stand before the user's.
    pub(crate) fn configuration(&self) -> String {
        let ours = "Host *\n\
                    \x20 BatchMode yes\n\
                    \x20 StrictHostKeyChecking yes\n\
                    \x20 UpdateHostKeys no\n\
                    \x20 ConnectTimeout 10\n\
                    \x20 ServerAliveInterval 5\n\
                    \x20 ServerAliveCountMax 3\n\
                    \x20 ForwardAgent no\n\
                    \x20 ForwardX11 no\n\
                    \x20 PermitLocalCommand no\n\
                    \x20 RequestTTY no\n\
                    \x20 RemoteCommand none\n\
                    \x20 ClearAllForwardings yes\n";
        match self.own_configuration {
            true => format!("{ours}\nInclude ~/.ssh/config\nInclude /etc/ssh/ssh_config\n"),
            false => format!("{ours}  IdentityAgent none\n"),
        }
    }

    /// The arguments that say where `ssh` shall go. They concern this host only: ssh does not hand them to the hosts on the way.
    ///
    /// `folder` holds the files `config` and, for a pinned key, `known_hosts`.
    pub(crate) fn arguments(&self, folder: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["-F".into(), folder.join("config").into()];
        let mut option = |text: String| arguments.extend(["-o".into(), text.into()]);
        match &self.trust {
            Trust::Known => {}
            Trust::AcceptNew => option("StrictHostKeyChecking=accept-new".into()),
            Trust::Pinned(_) => {
                option(format!("UserKnownHostsFile={}", option_path(&folder.join("known_hosts"))));
                option("GlobalKnownHostsFile=/dev/null".into());
                option("IgnoreUnknown=KnownHostsCommand".into());
                option("KnownHostsCommand=none".into());
            }
        }
        if let Some(identity) = &self.identity_file {
            option("IdentitiesOnly=yes".into());
            option(format!("IdentityFile={}", option_path(identity)));
        }
        let mut flag = |name: &str, value: Option<&str>| {
            arguments.extend(value.into_iter().flat_map(|value| [name.into(), value.into()]));
        };
        flag("-p", self.port.map(|port| port.to_string()).as_deref());
        flag("-l", self.user.as_deref());
        flag("-J", self.jump.as_deref());
        arguments.extend(["--".into(), self.address.as_str().into()]);
        arguments
    }

    /// Where it is, for people: the stack's name and the address.
    pub(crate) fn place(&self) -> String {
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let port = self.port.map(|port| format!(" port {port}")).unwrap_or_default();
        format!("{} ({user}{}{port})", self.name, self.address)
    }
}

/// A path as the value of an ssh option: quoted, and with nothing in it that ssh would expand.
fn option_path(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('%', "%%"))
}

fn local_path(path: &str, home: Option<&Path>, folder: &str) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(inside), Some(home)) => home.join(inside),
        _ => Path::new(folder).join(path),
    }
}

/// A value that becomes an argument of its own: it must not look like an option, nor like two words.
fn plain_word(name: &str, value: &str) -> Result<String, ProviderError> {
    let odd =
        |letter: char| letter.is_whitespace() || letter.is_control() || "\"'`$\\;&<>|(){}".contains(letter);
    if value.is_empty() || value.starts_with('-') || value.contains(odd) {
        return Err(invalid(
            name,
            format!("{value:?} cannot be handed to ssh: it has to be one plain word."),
        ));
    }
    Ok(value.to_owned())
}

fn port(attributes: &Value) -> Result<Option<u16>, ProviderError> {
    let Some(number) = attributes.get("port").and_then(Value::as_number) else { return Ok(None) };
    let text = number.normalized().to_plain_string();
    match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(Some(port)),
        _ => Err(invalid("port", format!("{text} is not a TCP port: a whole number from 1 to 65535."))),
    }
}

fn trust(attributes: &Value) -> Result<Trust, ProviderError> {
    let accept_new = flag(attributes, "accept_new");
    let Some(key) = text(attributes, "host_key").map(str::trim) else {
        return Ok(if accept_new { Trust::AcceptNew } else { Trust::Known });
    };
    if accept_new {
        return Err(invalid(
            "accept_new",
            "With host_key, only that key is accepted: take accept_new out.".into(),
        ));
    }
    let mut words = key.split_whitespace();
    let (algorithm, data) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !data.starts_with("AAAA") || key.contains('\n') {
        let detail = "Expected the algorithm and the public key, as in the host's /etc/ssh/ssh_host_ed25519_key.pub: \"ssh-ed25519 AAAA…\".";
        return Err(invalid("host_key", detail.into()));
    }
    Ok(Trust::Pinned(format!("* {algorithm} {data}\n")))
}

fn escalation(attributes: &Value) -> Result<Escalation, ProviderError> {
    let password = text(attributes, "become_password").map(|password| Secret(password.to_owned()));
    if password.as_ref().is_some_and(|Secret(password)| password.contains(['\n', '\0'])) {
        return Err(invalid("become_password", "It holds a line feed or a NUL byte.".into()));
    }
    match (text(attributes, "become").unwrap_or("none"), password) {
        ("none", None) => Ok(Escalation::None),
        ("sudo", password) => Ok(Escalation::Sudo(password)),
        ("doas", password) => Ok(Escalation::Doas(password)),
        ("none", Some(_)) => {
            Err(invalid("become_password", "It is of no use without become = \"sudo\" or \"doas\".".into()))
        }
        (other, _) => {
            Err(invalid("become", format!("{other:?} is none of \"none\", \"sudo\" and \"doas\".")))
        }
    }
}

fn invalid(name: &str, detail: String) -> ProviderError {
    blame(error(ErrorCode::Invalid, &format!("Invalid {name}"), detail), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::address::{TargetAddress, TargetKind};

    fn target(fields: &[(&str, Value)]) -> TargetConfig {
        TargetConfig {
            address: TargetAddress::new(TargetKind::Host, "web"),
            attributes: Value::object(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))),
            folder: "stacks/one".into(),
        }
    }

    /// The arguments after the configuration file, or the attribute to blame.
    fn check(fields: &[(&str, Value)], expect: Result<&str, &str>) {
        let read = Settings::read(&target(fields), Some(Path::new("/home/u")));
        let found = read.map(|settings| {
            let words = settings.arguments(Path::new("/run"));
            words.iter().skip(2).map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        });
        let found = found.map_err(|error| error.path.map(|path| path.to_string()).unwrap_or_default());
        assert_eq!(found, expect.map(str::to_owned).map_err(str::to_owned), "{fields:?}");
    }

    #[test]
    fn arguments_concern_the_host_only() {
        let web = || ("address", Value::string("web"));
        check(&[web()], Ok("-- web"));
        check(
            &[web(), ("user", "u".into()), ("port", 2222.into()), ("jump", "a,b".into())],
            Ok("-p 2222 -l u -J a,b -- web"),
        );
        check(&[web(), ("accept_new", true.into())], Ok("-o StrictHostKeyChecking=accept-new -- web"));
        check(
            &[web(), ("identity_file", "~/.ssh/100%".into())],
            Ok("-o IdentitiesOnly=yes -o IdentityFile=\"/home/u/.ssh/100%%\" -- web"),
        );
        check(
            &[web(), ("identity_file", "keys/a".into())],
            Ok("-o IdentitiesOnly=yes -o IdentityFile=\"stacks/one/keys/a\" -- web"),
        );
        check(
            &[web(), ("host_key", "ssh-ed25519 AAAAx".into())],
            Ok(
                "-o UserKnownHostsFile=\"/run/known_hosts\" -o GlobalKnownHostsFile=/dev/null -o IgnoreUnknown=KnownHostsCommand \
                -o KnownHostsCommand=none -- web",
            ),
        );
    }

    #[test]
    fn bad_values_name_their_attribute() {
        check(&[], Err("address"));
        for address in ["", "-oProxyCommand=x", "a b", "a;b", "$(x)"] {
            check(&[("address", address.into())], Err("address"));
        }
        let bad =
            |name: &'static str, value: Value| check(&[("address", "web".into()), (name, value)], Err(name));
        bad("user", "-l".into());
        bad("jump", "-J x".into());
        bad("port", 0.into());
        bad("port", 65536.into());
        bad("host_key", "SHA256:abc".into());
        bad("become", "su".into());
        bad("become_password", Value::string("x").sensitive());
    }

    #[test]
    fn a_password_is_never_shown() {
        let fields =
            [("address", "web".into()), ("become", "sudo".into()), ("become_password", "hunter2".into())];
        let settings = Settings::read(&target(&fields), None).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
