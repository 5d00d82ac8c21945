//! What machines read: plans, states, diagnostics and events as JSON, in a format of our own.
//!
//! Every document, and the first line of every event stream, carries `format_version`: `MAJOR.MINOR`. A new minor version only adds
//! members; readers ignore those that they do not know.
//!
//! A value is written in place. What cannot be written is `null` there, and a list beside it holds the JSON pointers (RFC 6901) of those
//! parts, `""` being the value itself:
//!
//! ```json
//! { "value": { "user": "root", "password": null, "ip": null }, "sensitive": ["/password"], "unknown": ["/ip"] }
//! ```
//!
//! Sensitive values are in no document, not even for those who ask.

pub(crate) mod diagnostics;
pub(crate) mod events;
pub(crate) mod graph;
pub(crate) mod init;
pub(crate) mod plan;
pub(crate) mod rights;
pub(crate) mod sandbox;
pub(crate) mod state;
pub(crate) mod test;
pub(crate) mod value;

/// The version of all documents.
pub(crate) const FORMAT_VERSION: &str = "1.0";

/// A document on indented lines, the last one ended.
pub(crate) fn text(document: &serde_json::Value) -> String {
    format!("{document:#}\n")
}
