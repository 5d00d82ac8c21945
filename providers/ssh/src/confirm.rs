//! Changes that can lock us out: the host takes them back by itself unless we confirm them over a new connection.
//!
//! The way back is armed on the host before the change. So it does not matter whether we, or the connection, live on.

use meshform_engine::ports::{ErrorCode, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::types::Type;
use meshform_engine::value::Value;

use crate::check::wrong;
use crate::error::error;
use crate::script::sha256;

/// The attribute's name.
pub(crate) const NAME: &str = "confirm_seconds";
/// How long the host waits, unless it is said, in seconds.
const SECONDS: u64 = 60;
/// The least time in which a new connection can be expected, and the most that a broken host should stay so.
const SECONDS_MIN: u64 = 15;
const SECONDS_MAX: u64 = 3600;
/// Files by whose change one is easily locked out, and folders with such files.
const PATHS: [&str; 9] = [
    "/etc/ssh/sshd_config",
    "/etc/sudoers",
    "/etc/doas.conf",
    "/etc/pam.d/",
    "/etc/nftables",
    "/etc/iptables/",
    "/etc/netplan/",
    "/etc/network/interfaces",
    "/etc/systemd/network/",
];
/// Units by whose change one is.
const UNITS: [&str; 11] = [
    "ssh.service",
    "sshd.service",
    "ssh.socket",
    "sshd.socket",
    "nftables.service",
    "iptables.service",
    "firewalld.service",
    "ufw.service",
    "networking.service",
    "NetworkManager.service",
    "systemd-networkd.service",
];

/// A change to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Confirm {
    /// Under what its way back lies on the host.
    pub(crate) key: String,
    /// How long the host waits, in seconds.
    pub(crate) seconds: u64,
}

impl Confirm {
    fn of(identity: &str, seconds: Option<u64>) -> Option<Self> {
        Some(Self { key: key(identity), seconds: seconds? })
    }

    /// That of a file, by its path and its attributes.
    pub(crate) fn of_file(path: &str, attributes: &Value) -> Option<Self> {
        Self::of(path, seconds(attributes, PATHS.iter().any(|start| path.starts_with(start))))
    }

    /// That of a unit.
    pub(crate) fn of_unit(unit: &str, attributes: &Value) -> Option<Self> {
        Self::of(&format!("unit:{unit}"), seconds(attributes, UNITS.contains(&unit)))
    }

    /// That of a command, which has none unless it says how it is undone.
    pub(crate) fn of_command(identity: &str, attributes: &Value) -> Option<Self> {
        Self::of(identity, seconds(attributes, attributes.get_str("revert").is_some()))
    }

    /// What the reviewer should know.
    pub(crate) fn note(&self) -> String {
        format!(
            "The host takes this back by itself unless it can be reached over a new connection within {} seconds (confirm_seconds).",
            self.seconds
        )
    }

    /// What is told when the change could not be confirmed. `is_back`: whether the host was seen to have taken it back.
    pub(crate) fn refused(&self, is_back: bool, why: &ProviderError) -> ProviderError {
        let seconds = self.seconds;
        let what = match is_back {
            true => "so it has taken the change back by itself, and can be reached again",
            false => "so it takes the change back by itself; that could not be seen yet",
        };
        let detail = format!(
            "After the change the host could not be reached over a new connection within {seconds} seconds, {what}. The reason was: {} ({})",
            why.detail, why.summary
        );
        error(ErrorCode::Failed, "Change not confirmed", detail)
    }

    /// The error of a change that failed after its way back was armed.
    pub(crate) fn pending(&self, failure: ProviderError) -> ProviderError {
        let detail = format!(
            "{} The host takes back what was changed by itself within {} seconds (confirm_seconds).",
            failure.detail, self.seconds
        );
        ProviderError { detail, ..failure }
    }
}

/// Under what the way back of a thing lies on the host.
fn key(identity: &str) -> String {
    sha256(identity.as_bytes())
}

/// The attribute.
pub(crate) fn attribute() -> Attribute {
    Attribute::optional(
        NAME,
        Type::Number,
        "The host takes the change back by itself unless it can be reached over a new connection within so many seconds. By default, 60 for \
         what can lock us out, such as sshd, sudo and the network; 0 turns it off.",
    )
}

/// What is wrong with its value.
pub(crate) fn check(desired: &Value) -> Option<Problem> {
    let given = desired.get(NAME).and_then(Value::as_number)?;
    let fits = given
        .to_string()
        .parse()
        .is_ok_and(|seconds: u64| seconds == 0 || (SECONDS_MIN..=SECONDS_MAX).contains(&seconds));
    (!fits).then(|| {
        wrong(NAME, format!("It is neither 0 nor a whole number from {SECONDS_MIN} to {SECONDS_MAX}."))
    })
}

fn seconds(attributes: &Value, is_risky: bool) -> Option<u64> {
    let given = attributes.get(NAME).and_then(Value::as_number);
    let seconds = match given {
        Some(given) => given.to_string().parse().ok()?,
        None if is_risky => SECONDS,
        None => 0,
    };
    (seconds > 0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(confirm: Option<Confirm>, expect: Option<u64>) {
        assert_eq!(confirm.map(|confirm| confirm.seconds), expect);
    }

    #[test]
    fn what_can_lock_us_out_is_confirmed() {
        let given = |seconds: Option<i64>| {
            Value::object([(NAME.to_owned(), seconds.map_or_else(Value::null, Value::from))])
        };
        let none = given(None);
        check(Confirm::of_file("/etc/motd", &none), None);
        check(Confirm::of_file("/etc/motd", &given(Some(20))), Some(20));
        check(Confirm::of_file("/etc/ssh/sshd_config.d/10-x.conf", &none), Some(60));
        check(Confirm::of_file("/etc/sudoers.d/app", &given(Some(0))), None);
        check(Confirm::of_unit("app.service", &none), None);
        check(Confirm::of_unit("sshd.service", &none), Some(60));
        check(Confirm::of_command("command:x", &none), None);
        let reverted = Value::object([("revert".to_owned(), "true".into())]);
        check(Confirm::of_command("command:x", &reverted), Some(60));
    }

    #[test]
    fn limits() {
        let check = |seconds: i64, expect: bool| {
            let desired = Value::object([(NAME.to_owned(), seconds.into())]);
            assert_eq!(super::check(&desired).is_none(), expect, "{seconds}");
        };
        check(0, true);
        check(14, false);
        check(15, true);
        check(3601, false);
    }
}
