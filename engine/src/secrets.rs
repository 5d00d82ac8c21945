//! Keeps sensitive values from coming back under another name: in what a target answers, and in its messages.
//!
//! Marks travel with values through every expression. But a target may echo a secret: a command prints its password, a server quotes the
//! value that it refuses. So whatever comes back from a target is compared with the secrets that went there.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;

use crate::plan::FieldChange;
use crate::value::{Fingerprinter, Kind, Value};

/// Shorter secrets are recognised only as whole values, not inside longer texts: else "1" would hide half of every message.
const CONTAINED_MIN: usize = 4;

/// The sensitive texts of some values, and the fingerprints of earlier ones.
pub(crate) struct Secrets {
    texts: BTreeSet<String>,
    fingerprints: BTreeSet<String>,
    fingerprinter: Arc<dyn Fingerprinter>,
}

impl Secrets {
    pub(crate) fn new(fingerprinter: &Arc<dyn Fingerprinter>) -> Self {
        let fingerprinter = Arc::clone(fingerprinter);
        Self { texts: BTreeSet::new(), fingerprints: BTreeSet::new(), fingerprinter }
    }

    /// Remembers every sensitive part of a value.
    pub(crate) fn learn(&mut self, value: &Value) {
        self.collect(value, false);
    }

    fn collect(&mut self, value: &Value, inherited: bool) {
        let sensitive = inherited || value.is_sensitive();
        match value.kind() {
            Kind::String(text) if sensitive && !text.is_empty() => {
                if text.len() >= CONTAINED_MIN {
                    self.texts.insert(base64::engine::general_purpose::STANDARD.encode(text.as_bytes()));
                }
                self.texts.insert(text.to_string());
            }
            Kind::Number(number) if sensitive => {
                self.texts.insert(number.normalized().to_plain_string());
            }
            Kind::Fingerprint(fingerprint) => drop(self.fingerprints.insert(fingerprint.to_string())),
            _ => {
                for part in value.as_list().unwrap_or_default() {
                    self.collect(part, sensitive);
                }
                for part in value.as_map().into_iter().flat_map(|entries| entries.values()) {
                    self.collect(part, sensitive);
                }
            }
        }
    }

    /// Whether there is nothing to hide.
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.fingerprints.is_empty()
    }

    /// The value with every part marked that is, or contains, a secret.
    pub(crate) fn mark(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        let marked = match value.kind() {
            Kind::String(_) | Kind::Number(_) => value.clone().marked(self.knows(value)),
            Kind::List(parts) => Value::list(parts.iter().map(|part| self.mark(part))),
            Kind::Set(parts) => Value::set(parts.iter().map(|part| self.mark(part))),
            Kind::Map(_) | Kind::Object(_) => {
                let parts = value.as_map().into_iter().flatten();
                let parts = parts.map(|(name, part)| (name.clone(), self.mark(part)));
                match value.kind() {
                    Kind::Map(_) => Value::map(parts),
                    Kind::Object(object) if object.open => Value::open_object(parts),
                    _ => Value::object(parts),
                }
            }
            _ => value.clone(),
        };
        marked.marked(value.is_sensitive())
    }

    /// A change with both sides marked when either is sensitive: an old secret is a secret, too.
    pub(crate) fn mark_change(&self, change: FieldChange) -> FieldChange {
        let before = change.before.as_ref().map(|value| self.mark(value));
        let after = change.after.as_ref().map(|value| self.mark(value));
        let leaf = |value: &Option<Value>| value.as_ref().is_some_and(Value::is_sensitive);
        let sensitive = leaf(&before) || leaf(&after);
        FieldChange {
            before: before.map(|value| value.marked(sensitive)),
            after: after.map(|value| value.marked(sensitive)),
            ..change
        }
    }

    /// The text with every secret in it replaced.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut scrubbed = text.to_owned();
        // Longest first: a secret may contain another.
        let mut texts: Vec<_> = self.texts.iter().filter(|text| text.len() >= CONTAINED_MIN).collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        for secret in texts {
            scrubbed = scrubbed.replace(secret.as_str(), "(sensitive)");
        }
        scrubbed
    }

    fn knows(&self, value: &Value) -> bool {
        let text = match value.kind() {
            Kind::String(text) => text.to_string(),
            Kind::Number(number) => number.normalized().to_plain_string(),
            _ => return false,
        };
        self.texts.contains(&text)
            || self.texts.iter().any(|secret| secret.len() >= CONTAINED_MIN && text.contains(secret.as_str()))
            || (!self.fingerprints.is_empty()
                && self.fingerprints.contains(&self.fingerprinter.fingerprint(value)))
    }
}

/// Whether not all of a value is there: of a secret in it only a fingerprint is.
pub(crate) fn has_fingerprint(value: &Value) -> bool {
    matches!(value.kind(), Kind::Fingerprint(_))
        || value.as_list().is_some_and(|parts| parts.iter().any(has_fingerprint))
        || value.as_map().is_some_and(|parts| parts.values().any(has_fingerprint))
}

/// The value with every part marked that was a secret in an earlier one: what took a secret's place is one, too. Where it cannot be told
/// which part of a list that is, all are marked.
pub(crate) fn marked_like(value: Value, earlier: &Value) -> Value {
    if earlier.is_sensitive() || matches!(earlier.kind(), Kind::Fingerprint(_)) {
        return value.sensitive();
    }
    if !earlier.has_sensitive() && !has_fingerprint(earlier) {
        return value;
    }
    let is_sensitive = value.is_sensitive();
    let Some(entries) = value.as_map().filter(|_| earlier.as_map().is_some()) else {
        return value.sensitive();
    };
    let null = Value::null();
    let parts = entries
        .iter()
        .map(|(name, part)| (name.clone(), marked_like(part.clone(), earlier.get(name).unwrap_or(&null))));
    let marked = match value.kind() {
        Kind::Map(_) => Value::map(parts),
        Kind::Object(object) if object.open => Value::open_object(parts),
        _ => Value::object(parts),
    };
    marked.marked(is_sensitive)
}

/// Whether a part is sensitive that an earlier value has in the clear.
pub(crate) fn conceals(value: &Value, earlier: &Value) -> bool {
    if value.is_sensitive() || matches!(value.kind(), Kind::Fingerprint(_)) {
        return is_in_the_clear(earlier);
    }
    if !value.has_sensitive() && !has_fingerprint(value) {
        return false;
    }
    match (value.as_map(), earlier.as_map(), value.as_list(), earlier.as_list()) {
        (Some(parts), Some(earlier), ..) => {
            parts.iter().any(|(name, part)| earlier.get(name).is_some_and(|earlier| conceals(part, earlier)))
        }
        (.., Some(parts), Some(earlier)) => {
            parts.iter().zip(earlier).any(|(part, earlier)| conceals(part, earlier))
        }
        _ => false,
    }
}

/// Whether something is told by the value that is no secret.
fn is_in_the_clear(value: &Value) -> bool {
    if value.is_sensitive() {
        return false;
    }
    match value.kind() {
        Kind::Null | Kind::Unknown(_) | Kind::Fingerprint(_) => false,
        Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => true,
        Kind::List(parts) | Kind::Set(parts) => parts.iter().any(is_in_the_clear),
        Kind::Map(parts) => parts.values().any(is_in_the_clear),
        Kind::Object(object) => object.fields.values().any(is_in_the_clear),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Path;

    struct Plain;

    impl Fingerprinter for Plain {
        fn fingerprint(&self, value: &Value) -> String {
            format!("fp:{}", value.as_str().unwrap_or_default())
        }
    }

    fn secrets() -> Secrets {
        let plain: Arc<dyn Fingerprinter> = Arc::new(Plain);
        Secrets::new(&plain)
    }

    #[test]
    fn echoes_are_marked_and_scrubbed() {
        let mut secrets = secrets();
        secrets.learn(&Value::object([("password".into(), Value::string("hunter2").sensitive())]));
        let answer = Value::object([("stdout".into(), "login hunter2 ok".into()), ("code".into(), 0.into())]);
        let marked = secrets.mark(&answer);
        assert_eq!(marked.get("stdout").map(Value::is_sensitive), Some(true));
        assert_eq!(marked.get("code").map(Value::is_sensitive), Some(false));
        assert_eq!(
            secrets.scrub("bad value: hunter2 / aHVudGVyMg=="),
            "bad value: (sensitive) / (sensitive)"
        );
    }

    #[test]
    fn an_old_secret_is_known_by_its_fingerprint() {
        let mut secrets = secrets();
        secrets.learn(&Value::new(Kind::Fingerprint("fp:old".into())).sensitive());
        let change = FieldChange {
            path: Path::attribute("data"),
            before: Some("old".into()),
            after: None,
            forces_replace: false,
            owner: None,
        };
        assert_eq!(secrets.mark_change(change).before.map(|value| value.is_sensitive()), Some(true));
    }

    #[test]
    fn what_took_a_secrets_place_is_a_secret() {
        let object = |field: Value| {
            let inner = Value::object([("password".into(), field), ("user".into(), "root".into())]);
            Value::object([("data".into(), inner)])
        };
        let earlier = object(Value::new(Kind::Fingerprint("fp:old".into())).sensitive());
        let marked = marked_like(object("new".into()), &earlier);
        assert_eq!(marked, object(Value::string("new").sensitive()));
        let list = |parts: &[&str]| Value::list(parts.iter().map(|part| Value::string(*part)));
        let earlier = Value::list([Value::string("a"), Value::string("b").sensitive()]);
        assert!(marked_like(list(&["b", "a"]), &earlier).is_sensitive());
        assert_eq!(marked_like(list(&["b"]), &list(&["a"])), list(&["b"]));
    }

    #[test]
    fn short_secrets_hide_only_themselves() {
        let mut secrets = secrets();
        secrets.learn(&Value::string("on").sensitive());
        assert!(secrets.mark(&"on".into()).is_sensitive());
        assert!(!secrets.mark(&"done".into()).is_sensitive());
        assert_eq!(secrets.scrub("on and on"), "on and on");
    }

    #[test]
    fn what_becomes_sensitive_is_told_from_what_is_hidden_already() {
        let with = |part: Value| Value::object([("a".to_owned(), part), ("b".to_owned(), "open".into())]);
        let (open, secret) = (|| Value::string("s"), || Value::string("s").sensitive());
        let hidden = || Value::new(Kind::Fingerprint("fp".into()));
        let check = |value: Value, earlier: Value, expect: bool| {
            assert_eq!(conceals(&value, &earlier), expect, "{value:?} {earlier:?}");
        };
        check(secret(), open(), true);
        check(secret(), hidden(), false);
        check(secret(), Value::null(), false);
        check(open(), open(), false);
        check(with(secret()), with(open()), true);
        check(with(secret()), with(hidden()), false);
        check(with(open()).sensitive(), with(hidden()), true);
        check(Value::list([secret()]), Value::list([open()]), true);
        check(Value::list([secret()]), Value::list([hidden()]), false);
        check(hidden(), open(), true);
    }
}
