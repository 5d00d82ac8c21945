//! Removing one object: prove the precondition, delete, wait until it is gone.

use std::time::Duration;

use meshform_engine::ports::{
    ErrorCode, PerformRequest, Performed, Precondition, Progress, ProviderError, StepFailure,
};
use meshform_engine::value::Value;
use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::Cluster;
use super::apply::{deadline, owners};
use super::observe::served;
use super::send::Retry;
use super::watch::{Change, Watch};
use crate::catalog::Resource;
use crate::identity::{ObjectName, TypeName};
use crate::patch;
use crate::request::{Mode, Place};
use crate::schema::PATCH;
use crate::version::is_unchanged;

/// How often a delete is tried that others keep overtaking, or whose answers are lost.
const ATTEMPTS_MAX: u32 = 8;
/// The pause before the second attempt; it grows with each.
const PAUSE: Duration = Duration::from_millis(100);

/// One removal under way.
struct Removal<'a> {
    request: &'a PerformRequest,
    name: ObjectName,
    /// The UID of the recorded object, if it is known.
    uid: Option<&'a str>,
}

impl Cluster {
    /// Deletes an object and waits until it is gone.
    pub(super) async fn delete(
        &self,
        request: &PerformRequest,
        progress: &dyn Progress,
    ) -> Result<Performed, StepFailure> {
        let deadline = deadline(request);
        let removal = Removal::new(request)?;
        let Some(resource) = self.served_for_removal(&removal).await? else { return Ok(gone()) };
        if request.kind == PATCH {
            return match timeout_at(deadline, self.give_back(&removal, &resource)).await {
                Ok(given_back) => Ok(given_back.map(|()| gone())?),
                Err(_) => Err(removal.late(&Json::Null).into()),
            };
        }
        let left = match timeout_at(deadline, self.remove(&removal, &resource)).await {
            Ok(left) => left?,
            Err(_) => return Err(removal.late(&Json::Null).into()),
        };
        match left {
            None => Ok(gone()),
            Some(object) => self.until_gone(&removal, &resource, object, progress, deadline).await,
        }
    }

    /// The kind, at any version; `None` if it is not served any more, and its objects are gone with it.
    async fn served_for_removal(&self, removal: &Removal<'_>) -> Result<Option<Resource>, ProviderError> {
        let of_type = removal.of_type();
        let is_served = |catalog: &crate::catalog::Catalog| served(catalog, &of_type).is_some();
        let catalog = self.kinds.with(&self.api, is_served).await;
        let catalog = catalog
            .map_err(|failure| failure.unanswered(&self.api.place, "look up the kinds that are served"))?;
        Ok(served(&catalog, &of_type).cloned())
    }

    /// Has the object deleted: what is left of it for the time being, or `None` if it is gone.
    async fn remove(
        &self,
        removal: &Removal<'_>,
        resource: &Resource,
    ) -> Result<Option<Json>, ProviderError> {
        let place = Place { resource, namespace: &removal.name.namespace };
        let mut last = None;
        for attempt in 1..=ATTEMPTS_MAX {
            let there = self.get(resource, &removal.name).await;
            let there = there.map_err(|failure| failure.explain(&self.api, "read", &removal.name, false))?;
            let Some(object) = there.filter(|object| removal.is_meant(object)) else { return Ok(None) };
            if object.pointer("/metadata/deletionTimestamp").is_some() {
                return Ok(Some(object));
            }
            removal.check(&object)?;
            let (uid, revision) =
                (text(&object, "/metadata/uid"), text(&object, "/metadata/resourceVersion"));
            let failure =
                match self.api.send(place.delete(&removal.name.name, uid, revision), Retry::Write).await {
                    Ok(_) => return Ok(Some(object)),
                    Err(failure) => failure,
                };
            let status = failure.status();
            if status.is_some_and(|status| status.is_not_found()) {
                return Ok(None);
            }
            if !failure.is_open() && !status.is_some_and(|status| status.is_stale()) {
                return Err(failure.explain(&self.api, "delete", &removal.name, false));
            }
            last = Some(failure);
            sleep(PAUSE * attempt).await;
        }
        match last {
            Some(failure) => Err(failure.explain(&self.api, "delete", &removal.name, false)),
            None => Ok(None),
        }
    }

    /// Gives the fields of a patch back: its manager applies nothing any more.
    async fn give_back(&self, removal: &Removal<'_>, resource: &Resource) -> Result<(), ProviderError> {
        let name = &removal.name;
        let manager = patch::manager(&removal.request.identity);
        let place = Place { resource, namespace: &name.namespace };
        let mut attempt = 0;
        loop {
            attempt += 1;
            let there = self.get(resource, name).await;
            let there = there.map_err(|failure| failure.explain(&self.api, "read", name, true))?;
            let Some(object) = there.filter(|object| !owners(object, manager).own().is_empty()) else {
                return Ok(());
            };
            removal.check(&object)?;
            let mut body = json!({
                "apiVersion": resource.of_type.api_version(), "kind": name.kind, "metadata": { "name": name.name },
            });
            for field in ["namespace", "uid", "resourceVersion"] {
                if let Some(value) = object.pointer("/metadata").and_then(|metadata| metadata.get(field)) {
                    body["metadata"][field] = value.clone();
                }
            }
            let request = place.apply(&name.name, &body, manager, Mode::default());
            let failure = match self.api.send(request, Retry::Write).await {
                Ok(_) => return Ok(()),
                Err(failure) => failure,
            };
            let is_overtaken = failure.status().is_some_and(|status| status.is_stale());
            if attempt >= ATTEMPTS_MAX || !failure.is_open() && !is_overtaken {
                return Err(failure.explain(&self.api, "give back the fields of", name, true));
            }
            sleep(PAUSE * attempt).await;
        }
    }

    async fn until_gone(
        &self,
        removal: &Removal<'_>,
        resource: &Resource,
        mut object: Json,
        progress: &dyn Progress,
        deadline: Instant,
    ) -> Result<Performed, StepFailure> {
        let uid = text(&object, "/metadata/uid").to_owned();
        let place = Place { resource, namespace: &removal.name.namespace };
        // Without a revision it begins with a list: the object may be gone already.
        let mut watch =
            Watch::new(&self.api, place, format!("metadata.name={}", removal.name.name), String::new(), None);
        let mut said = String::new();
        loop {
            let change = match timeout_at(deadline, watch.next()).await {
                Ok(change) => {
                    change.map_err(|failure| failure.explain(&self.api, "watch", &removal.name, false))?
                }
                Err(_) => return Err(removal.failed(&object)),
            };
            let left = match change {
                Change::Put(now) => (text(&now, "/metadata/uid") == uid).then_some(now),
                Change::Gone(was) if text(&was, "/metadata/uid") == uid => None,
                Change::Gone(_) => continue,
                Change::All(all) => all.into_iter().find(|now| text(now, "/metadata/uid") == uid),
            };
            let Some(left) = left else { return Ok(gone()) };
            object = left;
            let says = held_by(&object);
            if says != said {
                progress.report(&removal.request.address, &says);
                said = says;
            }
        }
    }
}

impl<'a> Removal<'a> {
    fn new(request: &'a PerformRequest) -> Result<Self, ProviderError> {
        let name = ObjectName::parse(&request.identity).ok_or_else(|| ProviderError {
            code: ErrorCode::Invalid,
            summary: "The record does not say which object it is".into(),
            detail: format!("{:?} is not the identity of an object.", request.identity),
            path: None,
        })?;
        let uid = request.record.as_ref().and_then(|record| record.private.get("uid")?.as_str());
        Ok(Self { request, name, uid })
    }

    fn of_type(&self) -> TypeName {
        let private = self.request.record.as_ref().map(|record| &record.private);
        let recorded =
            private.map(|private| TypeName::new(text(private, "/apiVersion"), text(private, "/kind")));
        let unversioned = || TypeName {
            group: self.name.group.clone(),
            version: String::new(),
            kind: self.name.kind.clone(),
        };
        recorded.filter(|of_type| of_type.is(&self.name.group, &self.name.kind)).unwrap_or_else(unversioned)
    }

    /// Whether it is the object of the record, and not another one of its name.
    fn is_meant(&self, object: &Json) -> bool {
        match (&self.request.precondition, self.uid) {
            (Precondition::Unproven, Some(uid)) => uid == text(object, "/metadata/uid"),
            _ => true,
        }
    }

    fn check(&self, object: &Json) -> Result<(), ProviderError> {
        match &self.request.precondition {
            Precondition::Unproven => Ok(()),
            Precondition::Version(reviewed) if is_unchanged(object, reviewed) => Ok(()),
            Precondition::Version(_) | Precondition::Absent => Err(ProviderError {
                code: ErrorCode::Changed,
                summary: "The object was changed since the plan".into(),
                detail: format!(
                    "{} is not what was reviewed any more, and was not deleted. Plan again.",
                    self.name
                ),
                path: None,
            }),
        }
    }

    fn failed(&self, object: &Json) -> StepFailure {
        let recorded = self.request.record.as_ref();
        let partial = recorded.map(|record| {
            Box::new(Performed { attributes: record.attributes.clone(), private: record.private.clone() })
        });
        StepFailure { error: self.late(object), partial }
    }

    fn late(&self, object: &Json) -> ProviderError {
        ProviderError {
            code: ErrorCode::TimedOut,
            summary: "The object is not gone yet".into(),
            detail: format!(
                "{} was told to go, but the time was up: {}. Check that whoever serves its finalizers is running, then apply again.",
                self.name,
                held_by(object)
            ),
            path: None,
        }
    }
}

fn gone() -> Performed {
    Performed { attributes: Value::null(), private: Json::Null }
}

/// What keeps an object that is being deleted.
fn held_by(object: &Json) -> String {
    let finalizers = ["/metadata/finalizers", "/spec/finalizers"]
        .into_iter()
        .filter_map(|pointer| object.pointer(pointer)?.as_array())
        .flatten();
    let names: Vec<_> = finalizers.filter_map(Json::as_str).collect();
    let conditions = object.pointer("/status/conditions").and_then(Json::as_array).into_iter().flatten();
    // A namespace tells what is left in it.
    let remaining: Vec<_> = conditions
        .filter(|condition| {
            text(condition, "/type").starts_with("Namespace") && text(condition, "/status") == "True"
        })
        .map(|condition| text(condition, "/message"))
        .collect();
    match (names.is_empty(), remaining.is_empty()) {
        (true, true) => "waits until it is gone".into(),
        (false, true) => format!("held by finalizers {}", names.join(", ")),
        (_, false) => remaining.join("; "),
    }
}

fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}
