//! What a `rollout` block says, once it has been decoded.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::gate::Gate;
use crate::router::Router;

/// A `rollout` block.
#[derive(Debug)]
pub struct Spec {
    /// The namespace of all that it consists of.
    pub namespace: String,
    /// What is rolled out.
    pub workload: Workload,
    /// How many pods the new version has from the start.
    pub strategy: Strategy,
    /// Who splits the traffic.
    pub router: Box<dyn Router>,
    /// The steps before the last one, in which the new version gets everything.
    pub steps: Vec<Step>,
    /// The gates by name.
    pub gates: BTreeMap<String, Gate>,
    /// What becomes of a rollout that fails.
    pub on_failure: OnFailure,
    /// How long in a row something may be missing, in milliseconds.
    pub progress_deadline_ms: i64,
    /// How long a version that gets no more traffic still serves what it has begun, in milliseconds.
    pub drain_ms: i64,
    /// How long the pods of the previous version stay after that, in milliseconds.
    pub keep_previous_ms: i64,
    /// The Deployment that is the first version.
    pub adopt: Option<String>,
}

/// What is rolled out.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// The pod template of the wanted version.
    pub template: Json,
    /// How many pods serve all the traffic: the declared capacity. At least one.
    pub replicas: u64,
    /// The labels that the pods of all versions have.
    pub selector: BTreeMap<String, String>,
}

/// How many pods the new version has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// As many as its share needs.
    Canary,
    /// All of them before it gets any traffic.
    BlueGreen,
}

/// What becomes of a rollout that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// It goes back by itself.
    Rollback,
    /// It stays where it is, and waits for a person.
    Pause,
}

/// One `step` block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// The share of the new version, in percent; `None`: what its pods come to.
    pub weight: Option<u8>,
    /// How many pods the new version has; `None`: as many as its share needs.
    pub replicas: Option<u64>,
    /// Requests that all go to the new version, whatever the weight.
    pub matching: Option<Match>,
    /// What the rollout waits for at the end of the step.
    pub pause: Option<Pause>,
    /// The gates that are to be passed in this step, by name.
    pub gates: Vec<String>,
}

/// What a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Until someone resumes the rollout.
    Manual,
    /// So many milliseconds.
    For(i64),
}

/// Which requests all go to the new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// Those whose header has exactly this value.
    Header(String, String),
    /// Those whose header matches this regular expression.
    HeaderPattern(String, String),
    /// Those with this cookie, of the value `always` where the router knows no other one.
    Cookie(String, String),
}
