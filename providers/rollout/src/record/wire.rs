//! The record as JSON, as it stands in a ConfigMap of the cluster. What is read from there is input: never trusted, never a panic.

use serde_json::{Value as Json, json};
use thiserror::Error;

use super::{Outcome, Record, Seen, Stage};
use crate::router::Versions;
use crate::version::Version;

/// Goes up when an older meshform could not read what a newer one writes.
const FORMAT: u64 = 1;

/// Why a text is no record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotARecord {
    /// It is no JSON at all.
    #[error("read the rollout's record: it is not JSON")]
    NotJson,
    /// It is of a newer meshform.
    #[error("read the rollout's record: it has the format {0}, and this meshform knows {FORMAT}")]
    Newer(u64),
    /// A part is missing, or of another type.
    #[error("read the rollout's record: its {0} is missing, or not what it should be")]
    Part(&'static str),
}

/// The text of a record.
pub fn encode(record: &Record) -> String {
    let Record { versions, stage, seen, expected, lacking_since_ms, held_since_ms, is_resumed } = record;
    json!({
        "format": FORMAT,
        "rollout": versions.rollout,
        "old": versions.old.as_ref().map(version),
        "new": version(&versions.new),
        "stage": stage_json(stage),
        "seen": seen.as_ref().map(|seen| json!({ "form": seen.form, "since_ms": seen.since_ms })),
        "expected": expected,
        "lacking_since_ms": lacking_since_ms,
        "held_since_ms": held_since_ms,
        "is_resumed": is_resumed,
    })
    .to_string()
}

/// The record that a text is.
///
/// # Errors
/// When it is none.
pub fn decode(text: &str) -> Result<Record, NotARecord> {
    let json: Json = serde_json::from_str(text).map_err(|_| NotARecord::NotJson)?;
    match json["format"].as_u64() {
        Some(FORMAT) => {}
        Some(newer) => return Err(NotARecord::Newer(newer)),
        None => return Err(NotARecord::Part("format")),
    }
    Ok(Record {
        versions: Versions {
            rollout: owned(&json["rollout"]).ok_or(NotARecord::Part("rollout"))?,
            old: optional(&json["old"], read_version, "old")?,
            new: read_version(&json["new"]).ok_or(NotARecord::Part("new"))?,
        },
        stage: read_stage(&json["stage"]).ok_or(NotARecord::Part("stage"))?,
        seen: optional(&json["seen"], read_seen, "seen")?,
        expected: optional(&json["expected"], owned, "expected")?,
        lacking_since_ms: optional(&json["lacking_since_ms"], Json::as_i64, "lacking_since_ms")?,
        held_since_ms: optional(&json["held_since_ms"], Json::as_i64, "held_since_ms")?,
        is_resumed: json["is_resumed"].as_bool().ok_or(NotARecord::Part("is_resumed"))?,
    })
}

/// Nothing for null; otherwise it has to be of its type.
fn optional<T>(
    json: &Json,
    read: impl Fn(&Json) -> Option<T>,
    part: &'static str,
) -> Result<Option<T>, NotARecord> {
    if json.is_null() {
        return Ok(None);
    }
    read(json).map(Some).ok_or(NotARecord::Part(part))
}

fn owned(json: &Json) -> Option<String> {
    json.as_str().map(str::to_owned)
}

fn version(version: &Version) -> Json {
    let Version { id, deployment, service, pin } = version;
    json!({ "id": id, "deployment": deployment, "service": service, "pin": pin })
}

fn read_version(json: &Json) -> Option<Version> {
    let pin = json["pin"].as_object()?.iter().map(|(name, value)| Some((name.clone(), owned(value)?)));
    Some(Version {
        id: owned(&json["id"])?,
        deployment: owned(&json["deployment"])?,
        service: owned(&json["service"])?,
        pin: pin.collect::<Option<_>>()?,
    })
}

fn read_seen(json: &Json) -> Option<Seen> {
    Some(Seen { form: owned(&json["form"])?, since_ms: json["since_ms"].as_i64()? })
}

fn stage_json(stage: &Stage) -> Json {
    match stage {
        Stage::Preparing => json!({ "name": "preparing" }),
        Stage::Step(index) => json!({ "name": "step", "index": index }),
        Stage::Promoting => json!({ "name": "promoting" }),
        Stage::Retiring => json!({ "name": "retiring" }),
        Stage::Aborting(reason) => json!({ "name": "aborting", "reason": reason }),
        Stage::Ended(Outcome::Promoted) => json!({ "name": "promoted" }),
        Stage::Ended(Outcome::RolledBack(reason)) => json!({ "name": "rolled_back", "reason": reason }),
        Stage::Ended(Outcome::Failed(reason)) => json!({ "name": "failed", "reason": reason }),
    }
}

fn read_stage(json: &Json) -> Option<Stage> {
    let reason = || owned(&json["reason"]);
    Some(match json["name"].as_str()? {
        "preparing" => Stage::Preparing,
        "step" => Stage::Step(usize::try_from(json["index"].as_u64()?).ok()?),
        "promoting" => Stage::Promoting,
        "retiring" => Stage::Retiring,
        "aborting" => Stage::Aborting(reason()?),
        "promoted" => Stage::Ended(Outcome::Promoted),
        "rolled_back" => Stage::Ended(Outcome::RolledBack(reason()?)),
        "failed" => Stage::Ended(Outcome::Failed(reason()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let old = Version::adopted("web", "old-nginx", "abc");
        let record = Record::begin("web", Some(old), Version::of_template("web", &json!({ "a": 1 })));
        Record {
            seen: Some(Seen { form: "web leads to \"it\"".to_owned(), since_ms: 7 }),
            expected: Some("so".to_owned()),
            lacking_since_ms: Some(-1),
            held_since_ms: Some(i64::MAX),
            is_resumed: true,
            ..record
        }
    }

    #[test]
    fn records_come_back_as_they_were() {
        let check = |record: Record| assert_eq!(decode(&encode(&record)), Ok(record));
        check(Record::begin("web", None, Version::of_template("web", &json!({}))));
        let reason = || "it did not answer".to_owned();
        for stage in [
            Stage::Preparing,
            Stage::Step(3),
            Stage::Promoting,
            Stage::Retiring,
            Stage::Aborting(reason()),
            Stage::Ended(Outcome::Promoted),
            Stage::Ended(Outcome::RolledBack(reason())),
            Stage::Ended(Outcome::Failed(reason())),
        ] {
            check(Record { stage, ..record() });
        }
    }

    #[test]
    fn what_is_no_record_is_told() {
        let with = |name: &str, value: Json| {
            let mut json: Json = serde_json::from_str(&encode(&record())).unwrap();
            json[name] = value;
            decode(&json.to_string())
        };
        let check =
            |name: &'static str, value: Json| assert_eq!(with(name, value), Err(NotARecord::Part(name)));
        check("rollout", Json::Null);
        check("old", json!("web"));
        check("new", Json::Null);
        check("new", json!({ "id": "1", "deployment": "d", "service": "s", "pin": { "a": 1 } }));
        check("stage", json!({ "name": "step", "index": -1 }));
        check("stage", json!({ "name": "aborting" }));
        check("seen", json!({ "form": "f" }));
        check("held_since_ms", json!("now"));
        check("is_resumed", Json::Null);
        check("format", Json::Null);
        assert_eq!(with("format", json!(2)), Err(NotARecord::Newer(2)));
        assert_eq!(decode("{"), Err(NotARecord::NotJson));
        assert_eq!(decode("[]"), Err(NotARecord::Part("format")));
    }
}
