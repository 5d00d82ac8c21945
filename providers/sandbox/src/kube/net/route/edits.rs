//! What is changed about a request and its answer on the way.

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use serde_json::Value;

use crate::kube::object::{list, map, text};

/// Changes to a request and its answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Edits {
    pub(super) host: Option<String>,
    /// The new path, with its query.
    pub(super) path: Option<String>,
    pub(super) request: HeaderEdits,
    pub(crate) response: HeaderEdits,
}

/// Changes to headers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HeaderEdits {
    pub(super) set: Vec<(String, String)>,
    pub(super) add: Vec<(String, String)>,
    pub(super) remove: Vec<String>,
}

impl Edits {
    /// Changes a request; what is no valid header or path stays as it is.
    pub(crate) fn apply(&self, parts: &mut Parts) {
        if let Some(path) = self.path.as_ref().and_then(|path| path.parse().ok()) {
            parts.uri = path;
        }
        if let Some(host) = self.host.as_ref().and_then(|host| HeaderValue::from_str(host).ok()) {
            parts.headers.insert(HOST, host);
        }
        self.request.apply(&mut parts.headers);
    }
}

impl HeaderEdits {
    /// As Istio writes them: maps of `set` and `add`, a list of `remove`.
    pub(super) fn of_maps(edits: &Value) -> Self {
        let pairs = |pointer: &str| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            map(edits, pointer).iter().map(|(name, value)| (name.clone(), text(value))).collect()
        };
        Self { set: pairs("/set"), add: pairs("/add"), remove: removed(edits) }
    }

    /// As Gateway API writes them: lists of `name` and `value`.
    pub(super) fn of_lists(edits: &Value) -> Self {
        let pairs = |pointer: &str| {
            let pair = |entry: &Value| (text(entry, "/name").to_owned(), text(entry, "/value").to_owned());
            list(edits, pointer).iter().map(pair).collect()
        };
        Self { set: pairs("/set"), add: pairs("/add"), remove: removed(edits) }
    }

    /// These, then the others.
    pub(super) fn extend(&mut self, other: Self) {
        self.set.extend(other.set);
        self.add.extend(other.add);
        self.remove.extend(other.remove);
    }

    /// Changes headers; what is no valid header is left out.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name.as_str());
        }
        for (name, value) in self.set.iter().filter_map(|(name, value)| header(name, value)) {
            headers.insert(name, value);
        }
        for (name, value) in self.add.iter().filter_map(|(name, value)| header(name, value)) {
            headers.append(name, value);
        }
    }
}

fn removed(edits: &Value) -> Vec<String> {
    list(edits, "/remove").iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, HeaderValue::from_str(value).ok()?))
}
