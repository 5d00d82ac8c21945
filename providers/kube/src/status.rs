//! A server's refusal, as it says it: the Status object, or a plain answer without one.

use serde_json::Value as Json;

/// Why the server refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// The HTTP status code.
    pub(crate) code: u16,
    /// The machine-readable reason, such as `Conflict`; empty when the answer has none.
    pub(crate) reason: String,
    /// The server's words, for people only.
    pub(crate) message: String,
    /// What kind of thing it is about, as a resource name.
    pub(crate) about_kind: String,
    /// The name of what it is about.
    pub(crate) about_name: String,
    /// What is wrong, field by field.
    pub(crate) causes: Vec<Cause>,
    /// How long to wait before trying again, in seconds, if the server says so.
    pub(crate) retry_after_seconds: Option<u64>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The machine-readable reason, such as `FieldManagerConflict`.
    pub(crate) reason: String,
    /// The field, in the server's notation.
    pub(crate) field: String,
    /// The server's words, for people only.
    pub(crate) message: String,
}

impl Status {
    /// From an answer's code and body, which may be plain text.
    pub(crate) fn parse(code: u16, body: &[u8]) -> Self {
        let Ok(json) = serde_json::from_slice::<Json>(body) else { return Self::plain(code, body) };
        if json.get("kind").and_then(Json::as_str) != Some("Status") {
            return Self::plain(code, body);
        }
        let text =
            |pointer: &str| json.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
        let causes = json.pointer("/details/causes").and_then(Json::as_array);
        Self {
            code,
            reason: text("/reason"),
            message: text("/message"),
            about_kind: text("/details/kind"),
            about_name: text("/details/name"),
            causes: causes.into_iter().flatten().map(cause).collect(),
            retry_after_seconds: json.pointer("/details/retryAfterSeconds").and_then(Json::as_u64),
        }
    }

    fn plain(code: u16, body: &[u8]) -> Self {
        const SHOWN_MAX: usize = 300;
        let text = String::from_utf8_lossy(body);
        Self { code, message: text.trim().chars().take(SHOWN_MAX).collect(), ..Self::default() }
    }

    /// Whether the thing itself is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        self.code == 404
    }

    /// Whether the answer says that the server has no such *kind*: it names nothing at all.
    pub(crate) fn is_kind_missing(&self) -> bool {
        self.code == 404 && self.about_name.is_empty()
    }

    /// Whether a namespace is missing that the object should be in.
    pub(crate) fn is_namespace_missing(&self, namespace: &str) -> bool {
        self.code == 404 && self.about_kind == "namespaces" && self.about_name == namespace
    }

    /// Whether other managers own fields that were to change.
    pub(crate) fn is_ownership_conflict(&self) -> bool {
        self.code == 409 && self.causes.iter().any(|cause| cause.reason == "FieldManagerConflict")
    }

    /// Whether the object was written in between.
    pub(crate) fn is_stale(&self) -> bool {
        self.code == 409 && self.reason == "Conflict" && !self.is_ownership_conflict()
    }

    /// Whether there is such an object already.
    pub(crate) fn is_already_there(&self) -> bool {
        self.code == 409 && self.reason == "AlreadyExists"
    }
}

fn cause(json: &Json) -> Cause {
    let text = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    Cause { reason: text("reason"), field: text("field"), message: text("message") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u16, body: &str, holds: fn(&Status) -> bool) {
        assert!(holds(&Status::parse(code, body.as_bytes())), "{body}");
    }

    #[test]
    fn answers_are_told_apart_by_their_codes() {
        check(404, "404 page not found\n", Status::is_kind_missing);
        check(
            404,
            r#"{"kind":"Status","reason":"NotFound","details":{"name":"x","kind":"namespaces"}}"#,
            |status| status.is_namespace_missing("x") && !status.is_kind_missing(),
        );
        check(
            409,
            r#"{"kind":"Status","reason":"Conflict","details":{"causes":[{"reason":"FieldManagerConflict","field":".a"}]}}"#,
            |status| status.is_ownership_conflict() && !status.is_stale(),
        );
        check(409, r#"{"kind":"Status","reason":"Conflict"}"#, Status::is_stale);
        check(409, r#"{"kind":"Status","reason":"AlreadyExists"}"#, |status| {
            status.is_already_there() && !status.is_stale()
        });
        check(429, r#"{"kind":"Status","details":{"retryAfterSeconds":3}}"#, |status| {
            status.retry_after_seconds == Some(3)
        });
        check(500, "{", |status| status.code == 500 && status.message == "{");
    }
}
