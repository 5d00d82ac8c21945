//! Why a connection could not be had.
//!
//! `ssh` says "255" for everything. How far the handshake came is read from the milestones of the protocol in its log, which have the names
//! of the protocol's messages; what the user's files know of the host's keys, `ssh -G` and `ssh-keygen -F` tell. Only what neither tells is
//! quoted from ssh itself.

use meshform_engine::ports::{ErrorCode, ProviderError};

use crate::error::{error, tail};
use crate::settings::{Settings, Trust};

/// How far a handshake came, in the order of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Milestone {
    /// Nobody spoke the protocol to us.
    Nothing,
    /// The server has said hello.
    Greeted,
    /// The server has shown its host key.
    KeyShown,
    /// We have accepted that key.
    KeyAccepted,
    /// The server has let us in.
    Authenticated,
}

/// What the log of one handshake tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handshake {
    /// How far it came.
    pub(crate) reached: Milestone,
    /// The host key that the server has shown.
    pub(crate) host_key: Option<HostKey>,
    /// The user as whom we tried.
    pub(crate) user: Option<String>,
    /// The keys that we offered, each with its fingerprint and where it came from.
    pub(crate) offered: Vec<String>,
    /// What ssh wrote for people.
    pub(crate) words: String,
}

/// One host key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostKey {
    /// Its algorithm, such as `ssh-ed25519`.
    pub(crate) algorithm: String,
    /// `SHA256:…`
    pub(crate) fingerprint: String,
}

/// How `ssh` resolves a host with all of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resolution {
    /// The name under which known_hosts has its keys.
    pub(crate) known_as: String,
    /// The files to look in.
    pub(crate) known_hosts: Vec<String>,
    /// The TCP port.
    pub(crate) port: String,
}

impl Handshake {
    /// Reads the log of one `ssh` at level `DEBUG1`.
    pub(crate) fn read(log: &str) -> Self {
        let mut handshake = Self {
            reached: Milestone::Nothing,
            host_key: None,
            user: None,
            offered: Vec::new(),
            words: String::new(),
        };
        for line in log.lines().map(str::trim_end) {
            match line.strip_prefix("debug1: ") {
                Some(event) => handshake.note(event),
                None if line.starts_with("Authenticated to ") => handshake.reach(Milestone::Authenticated),
                // The program's version, which comes first.
                None if line.starts_with("OpenSSH_") => {}
                None => handshake.words.extend([line, "\n"]),
            }
        }
        handshake
    }

    fn note(&mut self, event: &str) {
        if event.starts_with("Remote protocol version") {
            self.reach(Milestone::Greeted);
        } else if let Some(key) = event.strip_prefix("Server host key: ") {
            self.reach(Milestone::KeyShown);
            let (algorithm, fingerprint) = key.split_once(' ').unwrap_or((key, ""));
            self.host_key = Some(HostKey { algorithm: algorithm.into(), fingerprint: fingerprint.into() });
        } else if event.starts_with("SSH2_MSG_NEWKEYS sent") {
            self.reach(Milestone::KeyAccepted);
        } else if event.starts_with("Authentication succeeded") {
            self.reach(Milestone::Authenticated);
        } else if let Some(key) = event.strip_prefix("Offering public key: ") {
            self.offered.push(key.to_owned());
        } else if event.starts_with("Authenticating to ") {
            self.user = event.split('\'').nth(1).map(str::to_owned);
        }
    }

    fn reach(&mut self, milestone: Milestone) {
        self.reached = self.reached.max(milestone);
    }

    /// Whether the server hung up before the handshake had begun in earnest, as a busy one does: worth another try.
    pub(crate) fn was_dropped(&self) -> bool {
        self.reached == Milestone::Greeted
    }
}

impl Resolution {
    /// Reads what `ssh -G` prints.
    pub(crate) fn read(output: &str) -> Self {
        let value = |name: &str| output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let (host, port) = (value("hostname").unwrap_or_default(), value("port").unwrap_or("22"));
        let known_as = match value("hostkeyalias") {
            Some(alias) => alias.to_owned(),
            None if port == "22" => host.to_owned(),
            None => format!("[{host}]:{port}"),
        };
        let files = ["userknownhostsfile", "globalknownhostsfile"].into_iter().filter_map(value);
        let known_hosts = files.flat_map(str::split_whitespace).map(str::to_owned).collect();
        Self { known_as, known_hosts, port: port.to_owned() }
    }
}

/// The fingerprints in what `ssh-keygen -l -F` prints.
pub(crate) fn fingerprints(output: &str) -> Vec<String> {
    let keys = output.lines().filter(|line| !line.starts_with('#'));
    keys.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("SHA256:")))
        .map(str::to_owned)
        .collect()
}

/// Why a handshake failed. `way` is that of the jump host, if there was one; `known` the fingerprints under which the host is known.
pub(crate) fn explain(
    settings: &Settings,
    handshake: &Handshake,
    way: &Handshake,
    resolution: &Resolution,
    known: &[String],
) -> ProviderError {
    let words = [way.words.trim(), handshake.words.trim()].join("\n");
    match handshake.reached {
        Milestone::Nothing if settings.jump.is_some() || way.reached > Milestone::Nothing => {
            blocked(settings, way, &words)
        }
        Milestone::Nothing | Milestone::Greeted => unreachable_host(settings, &words),
        Milestone::KeyShown => distrusted(settings, handshake, resolution, known),
        Milestone::KeyAccepted | Milestone::Authenticated => denied(settings, handshake, &words),
    }
}

fn unreachable_host(settings: &Settings, words: &str) -> ProviderError {
    let detail = format!(
        "{} did not answer as an SSH server. Check that the address and port are right, that the host is up, and that sshd listens there. \
         ssh says: {}",
        settings.place(),
        tail(words)
    );
    error(ErrorCode::Unreachable, "Host unreachable", detail)
}

fn blocked(settings: &Settings, way: &Handshake, words: &str) -> ProviderError {
    let jump = settings.jump.as_deref().unwrap_or("the jump host");
    let (code, summary, remedy) = match way.reached {
        Milestone::KeyShown => (
            ErrorCode::Denied,
            "Host key of the jump host not accepted",
            format!("Log in to {jump} once with ssh and compare its fingerprint, so that known_hosts has it"),
        ),
        Milestone::KeyAccepted => (
            ErrorCode::Denied,
            "Login denied by the jump host",
            format!(
                "Make ssh log in to {jump} without a password: by a key in the agent, or an IdentityFile in ~/.ssh/config"
            ),
        ),
        _ => (
            ErrorCode::Unreachable,
            "Host unreachable",
            format!("Check that ssh can log in to {jump}, and that the host can be reached from there"),
        ),
    };
    error(
        code,
        summary,
        format!("{} is reached through {jump}. {remedy}. ssh says: {}", settings.place(), tail(words)),
    )
}

fn denied(settings: &Settings, handshake: &Handshake, words: &str) -> ProviderError {
    let user = handshake.user.as_deref().or(settings.user.as_deref()).unwrap_or("the user");
    let offered = match handshake.offered.as_slice() {
        [] => "no key at all".to_owned(),
        keys => keys.join(", "),
    };
    let source = match &settings.identity_file {
        Some(file) => format!("identity_file {}", file.display()),
        None => "the agent and the ssh configuration (no identity_file is set)".to_owned(),
    };
    let detail = format!(
        "{} does not let {user} in. Offered was {offered}, from {source}. Add the public key to that user's ~/.ssh/authorized_keys on the \
         host, or name the right key by identity_file; a key with a passphrase has to be in the agent (`ssh-add`), as nobody is asked for \
         it here. ssh says: {}",
        settings.place(),
        tail(words)
    );
    error(ErrorCode::Denied, "Login denied", detail)
}

fn distrusted(
    settings: &Settings,
    handshake: &Handshake,
    resolution: &Resolution,
    known: &[String],
) -> ProviderError {
    let (algorithm, shown) = match &handshake.host_key {
        Some(key) => (key.algorithm.as_str(), key.fingerprint.as_str()),
        None => ("", "one that ssh did not tell"),
    };
    let place = settings.place();
    let compare = "Compare it with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints on the host itself (or the file of its \
                   other keys)";
    if let Trust::Pinned(_) = settings.trust {
        let detail = format!(
            "{place} shows the {algorithm} key {shown}, but host_key pins {}. {compare}. If the host was rightly given a new key, change \
             host_key; otherwise someone may be in between.",
            list(known)
        );
        return error(ErrorCode::Denied, "Host key changed", detail);
    }
    let known_as = &resolution.known_as;
    if known.is_empty() {
        let detail = format!(
            "{place} shows the {algorithm} key {shown}, and known_hosts has none for {known_as}. {compare}. Then pin it with host_key = \
             \"…\" (`ssh-keyscan -p {} {}` prints it), or log in once with ssh, or set accept_new = true to trust whoever answers first.",
            resolution.port, settings.address
        );
        return error(ErrorCode::Denied, "Host key unknown", detail);
    }
    let detail = format!(
        "{place} shows the {algorithm} key {shown}, but known_hosts has {} for {known_as}. {compare}. If the host was rightly given a new \
         key, run `ssh-keygen -R '{known_as}'` and log in once with ssh; otherwise someone may be in between.",
        list(known)
    );
    error(ErrorCode::Denied, "Host key changed", detail)
}

fn list(fingerprints: &[String]) -> String {
    match fingerprints {
        [] => "another one".to_owned(),
        keys => keys.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Escalation;

    const VERSION: &str = "OpenSSH_9.2p1, OpenSSL 3.0.19\n";
    const GREETED: &str = "debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1\n";
    const TRIED: &str = "debug1: Authenticating to 192.0.2.1:22 as 'ann'\n";
    const SHOWN: &str = "debug1: Server host key: ssh-ed25519 SHA256:new\n";
    const ACCEPTED: &str = "debug1: SSH2_MSG_NEWKEYS sent\n";
    const OFFERED: &str = "debug1: Offering public key: /k ED25519 SHA256:mine agent\n";

    fn settings(trust: Trust, jump: Option<&str>) -> Settings {
        Settings {
            name: "host.web".into(),
            address: "192.0.2.1".into(),
            user: None,
            port: None,
            identity_file: None,
            jump: jump.map(str::to_owned),
            trust,
            escalation: Escalation::None,
            own_configuration: true,
        }
    }

    fn check(
        settings: &Settings,
        log: &[&str],
        way: &[&str],
        known: &[&str],
        code: ErrorCode,
        says: &[&str],
    ) {
        let known: Vec<_> = known.iter().map(|key| (*key).to_owned()).collect();
        let resolution = Resolution::read("hostname 192.0.2.1\nport 2222\nuserknownhostsfile /a /b\n");
        let (log, way) = (Handshake::read(&log.concat()), Handshake::read(&way.concat()));
        let error = explain(settings, &log, &way, &resolution, &known);
        assert_eq!(error.code, code, "{error}");
        says.iter().for_each(|part| assert!(error.to_string().contains(part), "{part:?} in {error}"));
    }

    #[test]
    fn failures_are_told_apart_by_milestones() {
        let (strict, pinned) = (settings(Trust::Known, None), settings(Trust::Pinned(String::new()), None));
        let refused = "ssh: connect to host 192.0.2.1 port 22: Connection refused\n";
        check(&strict, &[refused], &[], &[], ErrorCode::Unreachable, &["Connection refused", "sshd listens"]);
        check(&strict, &[GREETED], &[], &[], ErrorCode::Unreachable, &[]);
        let log = [GREETED, TRIED, SHOWN];
        check(&strict, &log, &[], &[], ErrorCode::Denied, &["unknown", "SHA256:new", "ssh-keyscan -p 2222"]);
        let says = ["changed", "SHA256:old", "ssh-keygen -R '[192.0.2.1]:2222'"];
        check(&strict, &log, &[], &["SHA256:old"], ErrorCode::Denied, &says);
        check(&pinned, &log, &[], &["SHA256:old"], ErrorCode::Denied, &["host_key pins SHA256:old"]);
        let log = [GREETED, TRIED, SHOWN, ACCEPTED, OFFERED];
        check(&strict, &log, &[], &[], ErrorCode::Denied, &["let ann in", "/k ED25519 SHA256:mine agent"]);
    }

    #[test]
    fn the_jump_host_is_blamed_when_it_is_to_blame() {
        let through = settings(Trust::Known, Some("bastion"));
        check(
            &through,
            &[],
            &[VERSION, "Connection refused\n"],
            &[],
            ErrorCode::Unreachable,
            &["log in to bastion"],
        );
        check(&through, &[], &[GREETED, SHOWN], &[], ErrorCode::Denied, &["Host key of the jump host"]);
        check(
            &through,
            &[],
            &[GREETED, SHOWN, ACCEPTED],
            &[],
            ErrorCode::Denied,
            &["Login denied by the jump"],
        );
    }

    #[test]
    fn known_hosts_names() {
        let check = |output, expect| assert_eq!(Resolution::read(output).known_as, expect);
        check("hostname a\nport 22\n", "a");
        check("hostname a\nport 23\n", "[a]:23");
        check("hostname a\nport 23\nhostkeyalias b\n", "b");
        let found = "# Host a found: line 1\na ED25519 SHA256:x\n256 SHA256:y a (ED25519)\n";
        assert_eq!(fingerprints(found), ["SHA256:x", "SHA256:y"]);
    }
}
