//! What one measurement brings back, and what it says.

use serde_json::Value as Json;

use super::Kind;
use crate::live::{list, text};

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// The answers to the requests, one each; nothing for a request that got none.
    Http(Vec<Option<Sample>>),
    /// The values that the query has; nothing if Prometheus could not be reached or refused it.
    Prometheus(Option<Vec<f64>>),
    /// The status of the Job; nothing if it could not be made.
    Job(Option<Json>),
    /// The exit code; nothing if the command could not be run, or was ended by a signal.
    Command(Option<i32>),
}

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its status code.
    pub status: u16,
    /// How long it took, in milliseconds.
    pub latency_ms: i64,
}

/// What a measurement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measured {
    /// All is well.
    Passed,
    /// It is not; why.
    Failed(String),
    /// Nothing; why.
    Inconclusive(String),
}

impl Kind {
    /// What the evidence says; nothing while a Job still runs, and for a gate that only a person opens.
    pub fn measured(&self, evidence: &Evidence) -> Option<Measured> {
        match (self, evidence) {
            (Self::Http { statuses, latency_max_ms, success_min, .. }, Evidence::Http(samples)) => {
                Some(http(samples, statuses, *latency_max_ms, *success_min))
            }
            (Self::Prometheus { min, max, .. }, Evidence::Prometheus(values)) => {
                Some(prometheus(values.as_deref(), *min, *max))
            }
            (Self::Job { .. }, Evidence::Job(status)) => job(status.as_ref()),
            (Self::Command { .. }, Evidence::Command(code)) => Some(command(*code)),
            (Self::Manual, _) => None,
            _ => Some(Measured::Failed("it was measured as if it were another kind of gate".to_owned())),
        }
    }
}

fn http(
    samples: &[Option<Sample>],
    statuses: &[u16],
    latency_max_ms: Option<i64>,
    success_min: u8,
) -> Measured {
    let is_well = |sample: &Sample| {
        let status = match statuses {
            [] => (200..400).contains(&sample.status),
            listed => listed.contains(&sample.status),
        };
        status && latency_max_ms.is_none_or(|max| sample.latency_ms <= max)
    };
    let well = samples.iter().flatten().filter(|sample| is_well(sample)).count();
    let answered = samples.iter().flatten().count();
    if answered == 0 {
        return Measured::Failed("nothing answered".to_owned());
    }
    // In whole numbers: a share that is just enough is enough.
    if well.saturating_mul(100) >= samples.len().saturating_mul(usize::from(success_min)) {
        return Measured::Passed;
    }
    let total = samples.len();
    Measured::Failed(format!("{well} of {total} requests were well, and {success_min} % must be"))
}

fn prometheus(values: Option<&[f64]>, min: Option<f64>, max: Option<f64>) -> Measured {
    let Some(values) = values else {
        return Measured::Failed("Prometheus did not answer the query".to_owned());
    };
    if values.is_empty() {
        return Measured::Inconclusive("the query has no value".to_owned());
    }
    if values.iter().any(|value| value.is_nan()) {
        return Measured::Inconclusive("the query's value is not a number".to_owned());
    }
    let is_out = |value: &&f64| min.is_some_and(|min| **value < min) || max.is_some_and(|max| **value > max);
    match values.iter().find(is_out) {
        None => Measured::Passed,
        Some(value) => Measured::Failed(format!("the query's value is {value}")),
    }
}

fn job(status: Option<&Json>) -> Option<Measured> {
    let Some(status) = status else { return Some(Measured::Failed("the Job could not be made".to_owned())) };
    let holds = |kind: &str| {
        list(status, "/conditions").iter().any(|condition| {
            text(condition, "/type") == Some(kind) && text(condition, "/status") == Some("True")
        })
    };
    if holds("Failed") {
        return Some(Measured::Failed("the Job has failed".to_owned()));
    }
    holds("Complete").then_some(Measured::Passed)
}

fn command(code: Option<i32>) -> Measured {
    match code {
        Some(0) => Measured::Passed,
        Some(code) => Measured::Failed(format!("the command has exited with {code}")),
        None => Measured::Failed("the command could not be run to its end".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(kind: &Kind, evidence: Evidence, expect: &str) {
        let word = match kind.measured(&evidence) {
            Some(Measured::Passed) => "passed",
            Some(Measured::Failed(_)) => "failed",
            Some(Measured::Inconclusive(_)) => "inconclusive",
            None => "open",
        };
        assert_eq!(word, expect, "{evidence:?}");
    }

    #[test]
    fn requests_are_counted() {
        let kind = |statuses: &[u16]| Kind::Http {
            url: String::new(),
            requests: 4,
            statuses: statuses.to_vec(),
            latency_max_ms: Some(100),
            success_min: 75,
        };
        let sample = |status, latency_ms| Some(Sample { status, latency_ms });
        let check = |statuses: &[u16], samples: &[Option<Sample>], expect: &str| {
            check(&kind(statuses), Evidence::Http(samples.to_vec()), expect);
        };
        let well = sample(200, 100);
        check(&[], &[well, well, sample(302, 1), None], "passed");
        check(&[], &[well, well, sample(404, 1), None], "failed");
        check(&[], &[well, well, sample(200, 101), None], "failed");
        check(&[404], &[sample(404, 1), sample(404, 1), sample(404, 1), well], "passed");
        check(&[], &[None, None, None, None], "failed");
        check(&[], &[], "failed");
    }

    #[test]
    fn values_are_compared() {
        let kind = |min, max| Kind::Prometheus { address: String::new(), query: String::new(), min, max };
        let check = |min, max, values: Option<&[f64]>, expect: &str| {
            check(&kind(min, max), Evidence::Prometheus(values.map(<[f64]>::to_vec)), expect);
        };
        check(Some(1.0), Some(2.0), Some(&[1.0, 2.0]), "passed");
        check(Some(1.0), None, Some(&[0.9]), "failed");
        check(None, Some(2.0), Some(&[1.0, 2.1]), "failed");
        check(None, Some(2.0), Some(&[f64::INFINITY]), "failed");
        check(None, Some(2.0), Some(&[f64::NAN]), "inconclusive");
        check(None, Some(2.0), Some(&[]), "inconclusive");
        check(None, Some(2.0), None, "failed");
    }

    #[test]
    fn jobs_and_commands_end() {
        let job = Kind::Job { manifest: Json::Null };
        let with =
            |kind: &str| Evidence::Job(Some(json!({ "conditions": [{ "type": kind, "status": "True" }] })));
        check(&job, with("Complete"), "passed");
        check(&job, with("Failed"), "failed");
        check(&job, with("Suspended"), "open");
        check(&job, Evidence::Job(None), "failed");
        let command = Kind::Command { command: Vec::new() };
        check(&command, Evidence::Command(Some(0)), "passed");
        check(&command, Evidence::Command(Some(1)), "failed");
        check(&command, Evidence::Command(None), "failed");
        check(&command, Evidence::Http(Vec::new()), "failed");
        check(&Kind::Manual, Evidence::Command(Some(0)), "open");
    }
}
