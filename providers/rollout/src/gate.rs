//! Gates: what a step has to pass.
//!
//! A gate is measured again and again; each measurement has passed, failed, or told nothing. What cannot be reached has failed. The tally of
//! one step's measurements is judged by the gate's own limits. Pure: who measures brings [`Evidence`].

mod evidence;
mod tally;

pub use self::evidence::{Evidence, Measured, Sample};
pub use self::tally::{Judgement, Tally};

/// A gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// What is measured.
    pub kind: Kind,
    /// How often, and what it comes to.
    pub limits: Limits,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Requests to a URL.
    Http {
        /// The URL.
        url: String,
        /// How many requests one measurement has.
        requests: u64,
        /// Which status codes are well; those of 200 to 399 if there are none.
        statuses: Vec<u16>,
        /// The longest that an answer may take, in milliseconds.
        latency_max_ms: Option<i64>,
        /// Which share of the requests must be well, in percent.
        success_min: u8,
    },
    /// A query to Prometheus.
    Prometheus {
        /// Its address.
        address: String,
        /// The query.
        query: String,
        /// The least that every value may be.
        min: Option<f64>,
        /// The most that every value may be.
        max: Option<f64>,
    },
    /// A Kubernetes Job that must complete.
    Job {
        /// Its manifest.
        manifest: serde_json::Value,
    },
    /// A local command that must exit with 0.
    Command {
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// A person says so.
    Manual,
}

/// How often a gate is measured, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long after the split is in force the first measurement is taken, in milliseconds.
    pub delay_ms: i64,
    /// How long after a measurement the next one is taken, in milliseconds.
    pub interval_ms: i64,
    /// How many measurements must pass.
    pub count: u64,
    /// How many may fail.
    pub failures_max: u64,
    /// How many may fail in a row; `None`: as many as may fail at all.
    pub consecutive_failures_max: Option<u64>,
    /// How many may tell nothing.
    pub inconclusive_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            delay_ms: 0,
            interval_ms: 10_000,
            count: 1,
            failures_max: 0,
            consecutive_failures_max: None,
            inconclusive_max: 0,
        }
    }
}
