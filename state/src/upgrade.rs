//! Formats and their versions. What an older meshform wrote is upgraded step by step; what a newer one wrote is refused.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::wire::WireError;

/// Turns the content of one version into that of the next.
pub(crate) type Step = fn(Json) -> Result<Json, WireError>;

/// A kind of document with its history.
pub(crate) struct Format {
    /// The name in the document itself.
    pub(crate) name: &'static str,
    /// What a document of this kind is called in messages.
    pub(crate) noun: &'static str,
    /// The step at position *n* leads from version *n + 1* to *n + 2*.
    pub(crate) steps: &'static [Step],
}

/// The snapshot.
pub(crate) const STATE: Format = Format { name: "meshform.state", noun: "a meshform state", steps: &[] };

/// A saved plan.
pub(crate) const PLAN: Format = Format { name: "meshform.plan", noun: "a meshform plan", steps: &[] };

/// A journal's first line.
pub(crate) const JOURNAL: Format =
    Format { name: "meshform.journal", noun: "a meshform journal", steps: &[] };

/// A journal's other lines. Has as many versions as [`JOURNAL`], whose line says which one they are of.
pub(crate) const EVENT: Format = Format { name: "meshform.journal", noun: "a journal's entry", steps: &[] };

/// The lock.
pub(crate) const LOCK: Format = Format { name: "meshform.lock", noun: "a meshform lock", steps: &[] };

impl Format {
    /// The version that is written.
    pub(crate) fn version(&self) -> u64 {
        self.steps.len() as u64 + 1
    }

    /// The content of a document of some version, as of today.
    pub(crate) fn read<B: DeserializeOwned>(&self, version: u64, body: &RawValue) -> Result<B, WireError> {
        if version == self.version() {
            return serde_json::from_str(body.get()).map_err(WireError::content);
        }
        let steps = self.steps_from(version)?;
        let body = serde_json::from_str(body.get()).map_err(WireError::content)?;
        let body = steps.iter().try_fold(body, |body, step| step(body))?;
        serde_json::from_value(body).map_err(WireError::content)
    }

    fn steps_from(&self, version: u64) -> Result<&'static [Step], WireError> {
        let known = self.version();
        if version > known {
            return Err(WireError::Newer { version, known });
        }
        let first = usize::try_from(version).ok().and_then(|version| version.checked_sub(1));
        first.and_then(|first| self.steps.get(first..)).ok_or(WireError::NoSuchVersion { version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up history: version 1 had `size`, version 2 `bytes`, version 3 has a list of them.
    const HISTORY: Format = Format {
        name: "test",
        noun: "a test",
        steps: &[
            |body| Ok(serde_json::json!({ "bytes": body["size"] })),
            |body| Ok(serde_json::json!([body["bytes"]])),
        ],
    };

    fn check(version: u64, body: &str, expect: Result<Vec<u64>, &str>) {
        let body = RawValue::from_string(body.to_owned()).unwrap();
        let read = HISTORY.read::<Vec<u64>>(version, &body).map_err(|error| error.to_string());
        assert_eq!(read.as_ref().map_err(String::as_str), expect.as_ref().map_err(|text| *text));
    }

    #[test]
    fn every_version_is_upgraded_and_no_other_is_read() {
        check(1, r#"{"size":7}"#, Ok(vec![7]));
        check(2, r#"{"bytes":7}"#, Ok(vec![7]));
        check(3, "[7]", Ok(vec![7]));
        check(
            4,
            "[7]",
            Err("it is of version 4, and this meshform reads up to version 3: use a newer meshform"),
        );
        check(0, "[7]", Err("there is no version 0 of this format"));
    }

    #[test]
    fn a_journals_lines_have_the_versions_of_its_first() {
        assert_eq!(EVENT.version(), JOURNAL.version());
    }
}
