//! The protocol's lock: what is told of it, and when it may be broken.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What all locks that meshform takes say of their operation.
const OPERATION: &str = "meshform";

/// After how long a lock is dead that was taken, and under which nothing was written since: longer than a lease lives without a heartbeat,
/// and than one change is tried.
const ABANDONED_MS: i64 = 90_000;

/// Who holds the lock, as the protocol has it. Everything may be missing from what others say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct LockInfo {
    #[serde(rename = "ID")]
    pub(crate) id: String,
    pub(crate) operation: String,
    pub(crate) info: String,
    pub(crate) who: String,
    pub(crate) version: String,
    pub(crate) created: String,
    pub(crate) path: String,
}

impl LockInfo {
    /// One that nobody has taken before.
    pub(crate) fn new(who: String, now: Timestamp) -> Self {
        Self {
            id: random_id(),
            operation: OPERATION.to_owned(),
            who,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: now.to_string(),
            ..Self::default()
        }
    }

    /// What a server says of the one that is held.
    pub(crate) fn parse(answer: &[u8]) -> Self {
        serde_json::from_slice(answer).unwrap_or_default()
    }

    /// Whether a meshform took it that was killed before it could write anything. Nobody else's is ever taken for that.
    pub(crate) fn is_abandoned(&self, now: Timestamp) -> bool {
        let created = self.created.parse::<Timestamp>();
        self.operation == OPERATION && created.is_ok_and(|created| is_long_ago(created.as_millisecond(), now))
    }

    /// Who holds it, since when, and for what, as far as it says so.
    pub(crate) fn told(&self) -> String {
        let mut told = String::from("the server says that it is locked");
        for (word, part) in [("by", &self.who), ("for", &self.operation), ("since", &self.created)] {
            if !part.is_empty() {
                told.push_str(&format!(" {word} {part}"));
            }
        }
        told
    }
}

/// Whether a holder that did something then would have done something since. Clocks that differ cost the lock, never what is stored.
pub(crate) fn is_long_ago(then_ms: i64, now: Timestamp) -> bool {
    now.as_millisecond().saturating_sub(then_ms) > ABANDONED_MS
}

/// A random UUID: what others' locks have, and some servers ask for.
pub(crate) fn random_id() -> String {
    let random: u128 = rand::random();
    let version_4 = (random & !(0xf << 76)) | (0x4 << 76);
    let variant_1 = (version_4 & !(0x3 << 62)) | (0x2 << 62);
    let digits = format!("{variant_1:032x}");
    let (a, rest) = digits.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    format!("{a}-{b}-{c}-{d}-{e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_old_lock_of_ours_is_abandoned() {
        let now: Timestamp = "2026-01-01T00:01:31Z".parse().unwrap();
        let check = |operation: &str, created: &str, expect: bool| {
            let lock =
                LockInfo { operation: operation.into(), created: created.into(), ..LockInfo::default() };
            assert_eq!(lock.is_abandoned(now), expect, "{operation} {created}");
        };
        check("meshform", "2026-01-01T00:00:00Z", true);
        check("meshform", "2026-01-01T00:00:01Z", false);
        check("meshform", "2026-01-01T01:00:00Z", false);
        check("meshform", "long ago", false);
        check("OperationTypeApply", "2025-01-01T00:00:00Z", false);
        check("", "2025-01-01T00:00:00Z", false);
    }

    #[test]
    fn what_a_server_says_is_told_as_far_as_it_goes() {
        let check = |answer: &str, expect: &str| {
            assert_eq!(LockInfo::parse(answer.as_bytes()).told(), expect);
        };
        check(
            r#"{"ID":"1","Operation":"OperationTypeApply","Who":"ann@host","Created":"2026-01-01T00:00:00Z","Extra":1}"#,
            "the server says that it is locked by ann@host for OperationTypeApply since 2026-01-01T00:00:00Z",
        );
        check(r#"{"ID":"1"}"#, "the server says that it is locked");
        check("locked", "the server says that it is locked");
    }

    #[test]
    fn an_identifier_is_a_version_4_uuid() {
        let id = random_id();
        assert_eq!(id.len(), 36);
        assert_eq!((&id[14..15], &id[8..9]), ("4", "-"));
        assert!(["8", "9", "a", "b"].contains(&&id[19..20]), "{id}");
        assert_ne!(id, random_id());
    }
}
