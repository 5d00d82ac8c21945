//! Jobs: pods until enough have succeeded.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::{Api, CONTROLLER_MANAGER};
use super::template::{is_active, pod, pods_of};
use super::{Context, condition};
use crate::kube::object::{self, child, flag, integer, text};
use crate::kube::state::State;
use crate::kube::store::Key;
use crate::kube::world::is_ready;

const COMPONENT: &str = "job-controller";

pub(super) fn reconcile(state: &mut State, context: &mut Context<'_>, key: &Key) -> Option<Duration> {
    let job = Arc::clone(state.store.get("jobs.batch", key)?);
    if object::is_terminating(&job) {
        return None;
    }
    if is_finished(&job) {
        return expire(state, context, &job);
    }
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    let counts = Counts::of(&api, &job);
    let mut told = Value::clone(&job);
    let limit = integer(&job, "/spec/backoffLimit").unwrap_or(6);
    let completions = integer(&job, "/spec/completions").unwrap_or(1);
    let mut counts = counts;
    let deadline = left_of(&job, "/status/startTime", "/spec/activeDeadlineSeconds", context.now);
    if flag(&job, "/spec/suspend") {
        counts.active = 0;
        end_active(&mut api, &job);
    } else if counts.failed > limit {
        end_active(&mut api, &job);
        fail(&mut api, &mut told, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
    } else if deadline == Some(Duration::ZERO) {
        end_active(&mut api, &job);
        counts.active = 0;
        fail(&mut api, &mut told, "DeadlineExceeded", "Job was active longer than specified deadline");
    } else if counts.succeeded >= completions {
        complete(&mut api, &mut told);
    } else {
        counts.active += start(&mut api, &job, &counts, completions);
    }
    tell(&mut api, &mut told, &counts);
    if told != *job {
        // On a conflict the Job changes again, and with it this task is due.
        let _ = api.update_status(&told);
    }
    deadline.filter(|left| !left.is_zero())
}

/// How much is left of a number of seconds since an instant; nothing if either is not there.
fn left_of(job: &Value, since: &str, seconds: &str, now: Timestamp) -> Option<Duration> {
    let since: Timestamp = text(job, since).parse().ok()?;
    let left = integer(job, seconds)? - (now.as_second() - since.as_second());
    Some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
}

/// Deletes a finished Job when it has been there for as long as it is to be.
fn expire(state: &mut State, context: &Context<'_>, job: &Value) -> Option<Duration> {
    let mut finished = job.clone();
    let ends = ["Complete", "Failed"].iter().find_map(|kind| condition::find(job, kind)).cloned();
    finished["since"] = ends?["lastTransitionTime"].clone();
    let left = left_of(&finished, "/since", "/spec/ttlSecondsAfterFinished", context.now)?;
    if !left.is_zero() {
        return Some(left);
    }
    let mut api = Api::new(state, context.now, CONTROLLER_MANAGER);
    // What cannot be deleted now is tried again with the next change.
    let _ = api.delete(job);
    None
}

fn is_finished(job: &Value) -> bool {
    ["Complete", "Failed"]
        .iter()
        .any(|kind| condition::find(job, kind).is_some_and(|own| own["status"] == "True"))
}

struct Counts {
    active: i64,
    ready: i64,
    succeeded: i64,
    failed: i64,
}

impl Counts {
    fn of(api: &Api<'_>, job: &Value) -> Self {
        let pods = pods_of(api.state, job);
        let count = |wanted: &dyn Fn(&Value) -> bool| {
            i64::try_from(pods.iter().filter(|pod| wanted(pod)).count()).unwrap_or(i64::MAX)
        };
        Self {
            active: count(&is_active),
            ready: count(&|pod| is_active(pod) && is_ready(pod)),
            succeeded: count(&|pod| text(pod, "/status/phase") == "Succeeded"),
            failed: count(&|pod| text(pod, "/status/phase") == "Failed"),
        }
    }
}

/// Starts as many pods as may run and are still needed; how many.
fn start(api: &mut Api<'_>, job: &Value, counts: &Counts, completions: i64) -> i64 {
    let parallelism = integer(job, "/spec/parallelism").unwrap_or(1);
    let wanted = (completions - counts.succeeded).min(parallelism) - counts.active;
    let mut started = 0;
    for _ in 0..wanted.max(0) {
        let mut pod = pod(job, &job["spec"]["template"]);
        pod["metadata"]["generateName"] = json!(format!("{}-", object::name(job)));
        match api.create(&pod) {
            Ok(pod) => {
                started += 1;
                let message = format!("Created pod: {}", object::name(&pod));
                api.event(job, COMPONENT, "Normal", "SuccessfulCreate", &message);
            }
            Err(error) => {
                let message = format!("Error creating: {}", error.message());
                api.event(job, COMPONENT, "Warning", "FailedCreate", &message);
            }
        }
    }
    started
}

fn end_active(api: &mut Api<'_>, job: &Value) {
    for pod in pods_of(api.state, job).iter().filter(|pod| is_active(pod)) {
        // What cannot be deleted now is tried again with the next change.
        let _ = api.delete(pod);
    }
}

fn complete(api: &mut Api<'_>, told: &mut Value) {
    let now = api.time();
    let message = "Reached expected number of succeeded pods";
    condition::set(told, "SuccessCriteriaMet", "True", "CompletionsReached", message, &now);
    condition::set(told, "Complete", "True", "CompletionsReached", message, &now);
    stamp_probes(told, &now);
    child(told, "status")["completionTime"] = json!(now);
    api.event(told, COMPONENT, "Normal", "Completed", "Job completed");
}

fn fail(api: &mut Api<'_>, told: &mut Value, reason: &str, message: &str) {
    let now = api.time();
    condition::set(told, "FailureTarget", "True", reason, message, &now);
    condition::set(told, "Failed", "True", reason, message, &now);
    stamp_probes(told, &now);
    api.event(told, COMPONENT, "Warning", reason, message);
}

/// The conditions of Jobs say when they were looked at.
fn stamp_probes(told: &mut Value, now: &str) {
    let conditions = told.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        object::put_default(condition, "lastProbeTime", now);
    }
}

fn tell(api: &mut Api<'_>, told: &mut Value, counts: &Counts) {
    let now = api.time();
    let suspended = flag(told, "/spec/suspend");
    let status = child(told, "status");
    if !suspended {
        object::put_default(status, "startTime", now);
    }
    for (field, count) in
        [("active", counts.active), ("succeeded", counts.succeeded), ("failed", counts.failed)]
    {
        if count == 0 {
            object::remove(status, &[field]);
        } else {
            status[field] = json!(count);
        }
    }
    status["ready"] = json!(counts.ready);
    status["terminating"] = json!(0);
    status["uncountedTerminatedPods"] = json!({});
}
