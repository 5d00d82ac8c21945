//! Making one change: prove the precondition, apply, wait until it is ready.

use std::time::Duration;

use meshform_engine::ports::{
    ErrorCode, PerformRequest, Performed, Precondition, Progress, ProviderError, StepFailure,
};
use meshform_engine::value::Value;
use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::Cluster;
use super::observe::{check_scope, guides};
use super::preview::Wanted;
use super::send::{Failure, Retry};
use crate::attributes::{attributes, live_object};
use crate::catalog::Resource;
use crate::declared;
use crate::difference::owned_hash;
use crate::owned::Owners;
use crate::request::{Mode, Place};
use crate::schema::PATCH;
use crate::version::is_unchanged;

/// How long a step may take unless it says otherwise.
const STEP_DEFAULT: Duration = Duration::from_secs(300);
/// How often a write is tried that others keep overtaking, or whose answers are lost.
const ATTEMPTS_MAX: u32 = 8;
/// The pause before the second attempt; it grows with each.
const PAUSE: Duration = Duration::from_millis(100);
/// How long to look for what a lost answer has left behind.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// When a step must be over.
pub(super) fn deadline(request: &PerformRequest) -> Instant {
    Instant::now() + request.timeout_ms.map_or(STEP_DEFAULT, Duration::from_millis)
}

/// One apply under way.
struct Write<'a> {
    request: &'a PerformRequest,
    wanted: Wanted,
    guides: Vec<Value>,
}

/// Why a write did not come to its end.
enum Unwritten {
    /// Nothing of it is there.
    Nothing(ProviderError),
    /// This is there.
    There(ProviderError, Json),
}

impl Cluster {
    /// Creates or updates an object.
    pub(super) async fn apply(
        &self,
        request: &PerformRequest,
        progress: &dyn Progress,
    ) -> Result<Performed, StepFailure> {
        let desired = request.desired.clone().unwrap_or_else(Value::null);
        let wanted = Wanted::new(&desired, &request.identity)?;
        let guides = guides(Some(&desired), request.record.as_deref());
        let write = Write { request, wanted, guides };
        let deadline = deadline(request);
        let resource = match timeout_at(deadline, self.served_for(&write)).await {
            Ok(resource) => resource?,
            Err(_) => return Err(late(&write, "look up its kind").into()),
        };
        let object = match timeout_at(deadline, self.write(&write, &resource)).await {
            Ok(Ok(object)) => object,
            Ok(Err(Unwritten::Nothing(error))) => return Err(error.into()),
            Ok(Err(Unwritten::There(error, object))) => return Err(write.failed(error, &object)),
            Err(_) => return Err(self.after_silence(&write, &resource).await),
        };
        if request.kind == PATCH || desired.get("wait").and_then(Value::as_bool) == Some(false) {
            return Ok(write.performed(&object));
        }
        let place = Place { resource: &resource, namespace: &write.wanted.name.namespace };
        match self.until_ready(place, object, request, progress, deadline).await {
            Ok(object) => Ok(write.performed(&object)),
            Err(unready) => Err(write.failed(unready.error, &unready.object)),
        }
    }

    async fn served_for(&self, write: &Write<'_>) -> Result<Resource, ProviderError> {
        let of_type = &write.wanted.of_type;
        let resource = self.kinds.appearing(&self.api, of_type).await.map_err(|failure| match failure {
            Some(failure) => failure.unanswered(&self.api.place, "look up the kinds that are served"),
            None => ProviderError {
                code: ErrorCode::Invalid,
                summary: "The cluster does not serve the kind".into(),
                detail: format!(
                    "Could not apply {}: there is no {of_type}. Check apiVersion and kind, or add its CustomResourceDefinition to the stack and let this depend on it.",
                    write.wanted.name
                ),
                path: None,
            },
        })?;
        check_scope(&resource, &write.wanted.name)?;
        Ok(resource)
    }

    async fn write(&self, write: &Write<'_>, resource: &Resource) -> Result<Json, Unwritten> {
        let name = &write.wanted.name;
        let mut lost = None;
        for attempt in 1..=ATTEMPTS_MAX {
            let there = self.get(resource, name).await;
            let there = there.map_err(|failure| write.ended(self, &failure, lost.is_some()))?;
            if lost.is_some()
                && let Some(object) = there.as_ref().filter(|object| write.is_done(object))
            {
                return Ok(object.clone());
            }
            write.check(there.as_ref(), lost.is_some())?;
            let failure = match self.apply_once(write, resource, there.as_ref()).await {
                Ok((201, object)) => return Ok(object),
                Ok((_, object)) if there.is_none() && lost.is_none() => {
                    return Err(Unwritten::There(write.changed("has appeared meanwhile"), object));
                }
                Ok((_, object)) => return Ok(object),
                Err(failure) => failure,
            };
            let is_stale =
                failure.status().is_some_and(|status| status.is_stale() || status.is_kind_missing());
            if !is_stale && !failure.is_open() {
                return Err(write.ended(self, &failure, lost.is_some()));
            }
            if failure.is_open() || lost.is_some() {
                lost = Some(failure);
            }
            sleep(PAUSE * attempt).await;
        }
        Err(match lost {
            Some(failure) => write.ended(self, &failure, true),
            None => Unwritten::Nothing(write.changed("keeps changing")),
        })
    }

    async fn apply_once(
        &self,
        write: &Write<'_>,
        resource: &Resource,
        there: Option<&Json>,
    ) -> Result<(u16, Json), Failure> {
        let wanted = write.wanted_for(there);
        let mut body = wanted.body.clone();
        // The lock: what is there must be this very object, in the state that was just proven.
        for field in ["uid", "resourceVersion"] {
            if let Some(value) = there.and_then(|there| there.pointer("/metadata")?.get(field)) {
                body["metadata"][field] = value.clone();
            }
        }
        let place = Place { resource, namespace: &write.wanted.name.namespace };
        let send = |force: bool| {
            let mode = Mode { force, dry_run: false };
            self.api.send(place.apply(&wanted.name.name, &body, &wanted.manager, mode), Retry::Write)
        };
        let answer = match send(wanted.force).await {
            Err(failure) if failure.status().is_some_and(|status| wanted.takes_all(status)) => {
                send(true).await?
            }
            answer => answer?,
        };
        Ok((answer.code, answer.body))
    }

    /// The time is up and it is not known what the server did: what is there is at least recorded.
    async fn after_silence(&self, write: &Write<'_>, resource: &Resource) -> StepFailure {
        let error = late(write, "apply it");
        let there = timeout_at(Instant::now() + LOOK_MAX, self.get(resource, &write.wanted.name)).await;
        match there {
            Ok(Ok(None)) => error.into(),
            Ok(Ok(Some(object))) => write.failed(error, &object),
            // Not known: assume that it is there, so that it is not forgotten.
            _ => write.failed(error, &write.wanted.body),
        }
    }
}

impl Write<'_> {
    /// Proves the precondition under which the change was reviewed. An attempt whose answer was lost may have changed what is there.
    fn check(&self, there: Option<&Json>, is_lost: bool) -> Result<(), Unwritten> {
        let is_patch = self.request.kind == PATCH;
        let problem = match (&self.request.precondition, there) {
            (_, None) if is_patch => "is not there: a patch changes what others have made",
            // What this very plan has made.
            (Precondition::Absent, Some(object)) if is_patch && !is_being_deleted(object) => return Ok(()),
            (_, Some(object)) if is_being_deleted(object) => "is being deleted",
            (Precondition::Unproven, _) | (Precondition::Absent, None) => return Ok(()),
            (Precondition::Absent, Some(_)) => "is there already",
            (Precondition::Version(_), None) => "is gone",
            (Precondition::Version(reviewed), Some(object)) if is_unchanged(object, reviewed) => {
                return Ok(());
            }
            (Precondition::Version(_), Some(_)) => "is not what was reviewed any more",
        };
        Err(match there {
            Some(object) if is_lost => Unwritten::There(self.changed(problem), object.clone()),
            _ => Unwritten::Nothing(self.changed(problem)),
        })
    }

    /// What is wanted of what is there.
    fn wanted_for(&self, there: Option<&Json>) -> Wanted {
        let desired = self.request.desired.clone().unwrap_or_else(Value::null);
        match there {
            Some(object) => {
                let owners = owners(object, &self.wanted.manager);
                self.wanted.settled(&desired, &live_object(object, &[]), &owners)
            }
            None => self.wanted.clone(),
        }
    }

    /// Whether the object is what this write would make of it.
    fn is_done(&self, object: &Json) -> bool {
        let owners = owners(object, &self.wanted.manager);
        let live = live_object(object, &[]);
        declared::compare(&self.wanted_for(Some(object)).manifest, &live, &owners).is_up_to_date()
    }

    fn changed(&self, what: &str) -> ProviderError {
        ProviderError {
            code: ErrorCode::Changed,
            summary: "The object was changed since the plan".into(),
            detail: format!(
                "{} {what}. Nothing was overwritten. Plan again to see what has changed.",
                self.wanted.name
            ),
            path: None,
        }
    }

    /// A failure after which nothing is tried any more. What a lost answer may have left is taken to be there: it must not be forgotten.
    fn ended(&self, cluster: &Cluster, failure: &Failure, is_lost: bool) -> Unwritten {
        let error = failure.explain(&cluster.api, "apply", &self.wanted.name, self.wanted.hides);
        match is_lost {
            true => Unwritten::There(error, self.wanted.body.clone()),
            false => Unwritten::Nothing(error),
        }
    }

    fn performed(&self, object: &Json) -> Performed {
        let guides: Vec<_> = self.guides.iter().collect();
        let own = owners(object, &self.wanted.manager);
        Performed {
            attributes: attributes(self.request.desired.as_ref(), live_object(object, &guides)),
            private: private(self, object, &owned_hash(own.own())),
        }
    }

    fn failed(&self, error: ProviderError, object: &Json) -> StepFailure {
        StepFailure { error, partial: Some(Box::new(self.performed(object))) }
    }
}

/// Who owns what of an object, for who applies under this name.
pub(super) fn owners(object: &Json, manager: &str) -> Owners {
    Owners::parse(object.pointer("/metadata/managedFields").unwrap_or(&Json::Null), manager)
}

fn is_being_deleted(object: &Json) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// What a removal needs to know when the configuration is gone, and what the next plan compares with. No values.
fn private(write: &Write<'_>, object: &Json, owned: &str) -> Json {
    let name = &write.wanted.name;
    let left: Vec<_> = write.wanted_for(Some(object)).left.iter().map(ToString::to_string).collect();
    json!({
        "apiVersion": object.get("apiVersion"),
        "kind": name.kind,
        "namespace": name.namespace,
        "name": name.name,
        "uid": object.pointer("/metadata/uid"),
        "owned": owned,
        "left": left,
    })
}

fn late(write: &Write<'_>, task: &str) -> ProviderError {
    ProviderError {
        code: ErrorCode::TimedOut,
        summary: "The cluster did not answer in time".into(),
        detail: format!(
            "{}: the time was up before the cluster could {task}. Apply again.",
            write.wanted.name
        ),
        path: None,
    }
}
