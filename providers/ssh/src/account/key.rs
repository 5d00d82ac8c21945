//! `host_authorized_key`: a key with which a user may log in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meshform_engine::address::Address;
use meshform_engine::ports::{Observation, PerformRequest, Problem, ProviderError};
use meshform_engine::schema::Attribute;
use meshform_engine::state::Record;
use meshform_engine::types::Type;
use meshform_engine::value::{Fingerprinter, Value};
use serde_json::json;

use super::{Account, Accounts, failed, name, variables};
use crate::answer;
use crate::attributes::{text, unchanged};
use crate::check::{one_line, wrong};
use crate::managed::{Managed, Native, There, end, missing, origin};
use crate::promise::Promises;

/// The resource type of keys that let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key;

impl Managed for Key {
    fn name(&self) -> &'static str {
        "host_authorized_key"
    }

    fn attributes(&self) -> Vec<Attribute> {
        vec![
            Attribute::required("user", Type::String, "Whom it lets in as."),
            Attribute::required(
                "key",
                Type::String,
                "The public key, such as \"ssh-ed25519 AAAA… comment\". Other keys are left alone; the file and its folder are the user's own.",
            ),
            Attribute::optional(
                "options",
                Type::String,
                "What it may be used for, such as \"restrict,command=\\\"backup\\\"\", as sshd(8) says.",
            ),
            end::attribute("What becomes of it at the end: remove (if it was put there here) or keep."),
        ]
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        let mut problems: Vec<_> =
            text(desired, "user").and_then(|user| name("user", user)).into_iter().collect();
        problems
            .extend(["key", "options"].into_iter().filter_map(|name| one_line(name, text(desired, name)?)));
        if text(desired, "key").is_some_and(|key| blob(key).is_none()) {
            let detail = "It is not a public key, such as \"ssh-ed25519 AAAA… comment\". Options have an attribute of their own.";
            problems.push(wrong("key", detail.to_owned()));
        }
        problems.extend(end::check(desired, end::WITHOUT_RESTORE));
        problems
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        const REASON: &str =
            "Keys that let in are public, and known by themselves, in every plan and in the state.";
        &[("user", REASON), ("key", REASON)]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        Some(format!("key:{}\n{}", text(desired, "user")?, blob(text(desired, "key")?)?))
    }

    fn accounts(&self, desired: &Value) -> Accounts {
        Account::users(desired)
    }

    fn fields(&self) -> &'static [&'static str] {
        &["user", "key", "options"]
    }

    /// Where others could write to the file, sshd does not take it: it is as wanted only if it is the user's alone.
    fn same(&self, name: &str, wanted: &Value, there: &Observation, keyed: &dyn Fingerprinter) -> bool {
        let is_safe = there.detail.get("safe").and_then(serde_json::Value::as_bool) == Some(true);
        match (name, wanted.as_str(), text(&there.attributes, "key")) {
            ("user", _, _) => is_safe,
            ("key", Some(wanted), Some(there)) => wanted.split_whitespace().eq(there.split_whitespace()),
            _ => unchanged(there.attributes.get(name), Some(wanted), keyed),
        }
    }

    fn taken_over(&self, _: &Value, there: &Observation) -> Vec<String> {
        let mut notes = vec!["The key is there already and is taken over; it stays at the end.".to_owned()];
        if there.detail.get("safe").and_then(serde_json::Value::as_bool) != Some(true) {
            notes.push("The file, or its folder, does not belong to the user alone: their owner and permissions are set.".to_owned());
        }
        notes
    }

    fn ends(&self, record: &Record, _: &Observation) -> Vec<String> {
        origin::ends(record, "key")
    }
}

impl Native for Key {
    fn library(&self) -> &'static str {
        concat!(include_str!("lookup.sh"), include_str!("account.sh"), include_str!("key.sh"))
    }

    fn sight(&self, subject: &Value) -> Vec<String> {
        let key = text(subject, "key").and_then(blob).unwrap_or_default();
        ["see_key", text(subject, "user").unwrap_or_default(), key].map(str::to_owned).to_vec()
    }

    fn there(
        &self,
        subject: &Value,
        records: &[answer::Record],
        _: &Promises,
    ) -> Result<Option<There>, ProviderError> {
        let lines: Vec<_> = records
            .iter()
            .filter(|record| record.kind == "key")
            .filter_map(|record| String::from_utf8(record.bytes(0)?).ok())
            .collect();
        let Some(line) = lines.first() else { return Ok(None) };
        let key = text(subject, "key").and_then(blob).unwrap_or_default();
        let (options, found) = parts(line, key);
        // More than one line: it is not as wanted, whatever they are.
        let found = if lines.len() > 1 { lines.join("\n") } else { found.to_owned() };
        let options = if options.is_empty() { Value::null() } else { Value::string(options) };
        let attributes = [
            ("user", subject.get("user").cloned().unwrap_or_else(Value::null)),
            ("key", Value::string(found)),
            ("options", options),
        ];
        let access = records.iter().find(|record| record.kind == "access");
        let safe = access.is_some_and(|record| {
            let own =
                |position: usize, mode: &str| record.field(position) == format!("{mode} {}", record.field(2));
            own(0, "700") && own(1, "600")
        });
        Ok(Some(There {
            attributes: Value::object(attributes.map(|(name, value)| (name.to_owned(), value))),
            detail: json!({ "safe": safe }),
        }))
    }

    fn make(&self, _: &PerformRequest, desired: &Value) -> Result<String, ProviderError> {
        let user = text(desired, "user").ok_or_else(|| missing("user"))?;
        let wanted = text(desired, "key").ok_or_else(|| missing("key"))?.trim();
        let key = blob(wanted).ok_or_else(|| missing("key"))?;
        let line = match text(desired, "options") {
            Some(options) => format!("{} {wanted}", options.trim()),
            None => wanted.to_owned(),
        };
        Ok(variables(&[("user", user), ("key", key), ("line", &line)]) + "put_key\n")
    }

    fn unmake(&self, request: &PerformRequest, recorded: &Value) -> String {
        let key = text(recorded, "key")
            .and_then(blob)
            .filter(|_| origin::goes(request.record.as_deref(), recorded));
        let (Some(user), Some(key)) = (text(recorded, "user"), key) else { return String::new() };
        variables(&[("user", user), ("key", key), ("line", "")]) + "put_key\n"
    }

    fn remember(&self, request: &PerformRequest, before: Option<&There>) -> serde_json::Value {
        origin::remember(request, before)
    }

    fn problem(&self, request: &PerformRequest, problem: &str, what: &str) -> ProviderError {
        failed(request, problem, what)
    }
}

/// The base64 of a public key.
fn blob(key: &str) -> Option<&str> {
    let mut words = key.split_whitespace();
    let (algorithm, blob) = (words.next()?, words.next()?);
    let bytes = STANDARD.decode(blob).ok()?;
    // It begins with the name of its algorithm (RFC 4253, section 6.6), after the length of that.
    let length = u32::try_from(algorithm.len()).ok()?.to_be_bytes();
    (bytes.get(..4) == Some(&length) && bytes.get(4..)?.starts_with(algorithm.as_bytes())).then_some(blob)
}

/// A line's options, and its key.
fn parts<'a>(line: &'a str, blob: &str) -> (&'a str, &'a str) {
    let line = line.trim();
    let algorithm = line.find(blob).and_then(|at| line.get(..at)).map(str::trim_end);
    let start = algorithm.and_then(|before| before.rfind([' ', '\t'])).map_or(0, |at| at + 1);
    line.split_at_checked(start).map_or(("", line), |(options, key)| (options.trim(), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIGPoqvZvLbWqNjFgDpmWEMuPMnHEAwn9jkd2Xr4HFbVQ";

    #[test]
    fn keys_are_told_from_other_lines() {
        let check = |key: &str, expect: bool| assert_eq!(blob(key).is_some(), expect, "{key}");
        check(&format!("ssh-ed25519 {BLOB} me@there"), true);
        check(&format!("ssh-rsa {BLOB}"), false);
        check(&format!("restrict ssh-ed25519 {BLOB}"), false);
        check("ssh-ed25519 AAAA", false);
        check("ssh-ed25519", false);
        check("", false);
    }

    #[test]
    fn lines_have_options_and_a_key() {
        let check = |line: &str, options: &str, key: &str| {
            assert_eq!(
                parts(&line.replace('@', BLOB), BLOB),
                (options, key.replace('@', BLOB).as_str()),
                "{line}"
            );
        };
        check("ssh-ed25519 @ me", "", "ssh-ed25519 @ me");
        check("command=\"a b\",restrict ssh-ed25519 @", "command=\"a b\",restrict", "ssh-ed25519 @");
        check(" ssh-ed25519 @", "", "ssh-ed25519 @");
    }
}
