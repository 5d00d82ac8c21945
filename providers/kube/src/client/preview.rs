//! Dry-runs: what the server would make of a change.

use futures::StreamExt;
use meshform_engine::ports::{ErrorCode, Observation, Observed, Preview, PreviewItem, ProviderError};
use meshform_engine::value::{Path, Value, to_json};
use serde_json::{Value as Json, json};

use super::Cluster;
use super::observe::{check_scope, detail, guides};
use super::send::{Answer, Failure, Retry};
use crate::attributes::{attributes, live_object};
use crate::catalog::Resource;
use crate::custom::Definitions;
use crate::difference::{object_of, owners_of};
use crate::identity::{ObjectName, TypeName};
use crate::manifest::normalise;
use crate::owned::Owners;
use crate::patch;
use crate::policy;
use crate::refusal::field_path;
use crate::request::{Mode, Place};
use crate::schema::PATCH;
use crate::status::Status;

/// How many dry-runs are asked for at once: each is as much work for the server as a write.
const DRY_RUNS_MAX: usize = 16;

impl Cluster {
    /// Asks about all of the items.
    pub(super) async fn preview_all(&self, items: &[PreviewItem]) -> Vec<Preview> {
        let wanted = items.iter().filter_map(|item| item.item.desired.as_ref()?.get("manifest"));
        let definitions = Definitions::among(wanted);
        let each: Vec<_> = items.iter().map(|item| self.preview_one(item, &definitions)).collect();
        futures::stream::iter(each).buffered(DRY_RUNS_MAX).collect().await
    }

    async fn preview_one(&self, item: &PreviewItem, definitions: &Definitions) -> Preview {
        let Some(desired) = &item.item.desired else {
            return Preview::Unverified("a removal cannot be tried.".into());
        };
        if item.item.kind == PATCH && matches!(item.observed, Observed::Absent) {
            return Preview::Unverified("the object that it patches is not there yet.".into());
        }
        match Wanted::new(desired, &item.item.identity) {
            Ok(wanted) => {
                let wanted = match &item.observed {
                    Observed::Present(there) => {
                        wanted.settled(desired, &object_of(&there.attributes), &owners_of(&there.detail))
                    }
                    Observed::Absent => wanted,
                };
                let answer = self.preview_wanted(item, desired, &wanted).await.unwrap_or_else(|other| other);
                by_definition(answer, definitions, &wanted)
            }
            Err(error) => Preview::Refused(error),
        }
    }

    async fn preview_wanted(
        &self,
        item: &PreviewItem,
        desired: &Value,
        wanted: &Wanted,
    ) -> Result<Preview, Preview> {
        let resource = self.served(&wanted.of_type).await?;
        check_scope(&resource, &wanted.name).map_err(Preview::Refused)?;
        let guides = guides(Some(desired), item.item.record.as_deref());
        let guides: Vec<_> = guides.iter().collect();
        let would = |object: &Json, found: Json| {
            let mut all = detail(object, &item.item.identity);
            if let (Some(all), Json::Object(found)) = (all.as_object_mut(), found) {
                all.extend(found);
            }
            Preview::Would(Observation {
                attributes: attributes(Some(desired), live_object(object, &guides)),
                version: String::new(),
                detail: all,
            })
        };
        let failure = match self.dry_run(&resource, wanted, wanted.force).await {
            Ok(answer) => return Ok(would(&answer.body, json!({ "warnings": answer.warnings }))),
            Err(failure) => failure,
        };
        let refused = || Preview::Refused(failure.explain(&self.api, "dry-run", &wanted.name, wanted.hides));
        let Some(status) = failure.status() else { return Err(refused()) };
        if status.is_ownership_conflict() {
            let forced = self.dry_run(&resource, wanted, true).await.map_err(|_| refused())?;
            return Ok(would(
                &forced.body,
                json!({ "conflicts": conflicts(status, wanted), "warnings": forced.warnings }),
            ));
        }
        if status.is_namespace_missing(&wanted.name.namespace) {
            let reason = format!("the namespace {:?} is not there yet.", wanted.name.namespace);
            return Err(Preview::Unverified(reason));
        }
        if status.is_kind_missing() {
            return Err(not_served(&wanted.of_type));
        }
        // What is someone else's is not replaced.
        let is_there = matches!(item.observed, Observed::Present(_)) && item.item.kind != PATCH;
        match is_there && status.code == 422 && self.is_valid_anew(&resource, wanted, status).await {
            true => {
                let fields: Vec<_> = status.causes.iter().map(|cause| cause.field.as_str()).collect();
                Ok(would(&wanted.body, json!({ "immutable": fields })))
            }
            false => Err(refused()),
        }
    }

    /// The kind at its version.
    async fn served(&self, of_type: &TypeName) -> Result<Resource, Preview> {
        let found = self.kinds.with(&self.api, |catalog| catalog.find(of_type).is_some()).await;
        let catalog = found.map_err(|failure| {
            Preview::Refused(failure.unanswered(&self.api.place, "look up the kinds that are served"))
        })?;
        if let Some(resource) = catalog.find(of_type) {
            return Ok(resource.clone());
        }
        let versions = catalog.versions(&of_type.group, &of_type.kind);
        let versions: Vec<_> = versions.iter().map(|resource| resource.of_type.api_version()).collect();
        if versions.is_empty() {
            return Err(not_served(of_type));
        }
        Err(Preview::Refused(invalid(format!(
            "The cluster does not serve {of_type}. It serves the kind as {}. Change `apiVersion`.",
            versions.join(", ")
        ))))
    }

    async fn dry_run(&self, resource: &Resource, wanted: &Wanted, force: bool) -> Result<Answer, Failure> {
        let place = Place { resource, namespace: &wanted.name.namespace };
        let mode = Mode { force, dry_run: true };
        let request = place.apply(&wanted.name.name, &wanted.body, &wanted.manager, mode);
        self.api.send(request, Retry::Read).await
    }

    /// Whether the object that was refused as a change would be accepted as a new one, so that only the transition is forbidden.
    ///
    /// A server validates a create before it finds the name taken: `AlreadyExists` says that all else is right. A refusal for other
    /// fields than those of the change (a port that the present object has) says the same about the fields that matter.
    async fn is_valid_anew(&self, resource: &Resource, wanted: &Wanted, refusal: &Status) -> bool {
        let place = Place { resource, namespace: &wanted.name.namespace };
        let failure = match self.api.send(place.try_create(&wanted.body), Retry::Read).await {
            Ok(_) => return true,
            Err(failure) => failure,
        };
        let Some(status) = failure.status() else { return false };
        let is_wrong_anyway =
            refusal.causes.iter().any(|cause| status.causes.iter().any(|other| other.field == cause.field));
        let explained = status.code == 422 && !status.causes.is_empty() && !is_wrong_anyway;
        !refusal.causes.is_empty() && (status.is_already_there() || explained)
    }
}

/// A manifest as it is sent, and what to know about it.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) manifest: Value,
    pub(super) body: Json,
    pub(super) of_type: TypeName,
    pub(super) name: ObjectName,
    /// Under which name it is applied.
    pub(super) manager: String,
    /// Whether to take over what others own.
    pub(super) force: bool,
    /// Fields that are taken over even if not all are.
    taken: Vec<Path>,
    /// Declared fields that are left to others.
    pub(super) left: Vec<Path>,
    /// Whether the server's words about it may hold secrets.
    pub(super) hides: bool,
}

impl Wanted {
    pub(super) fn new(desired: &Value, identity: &str) -> Result<Self, ProviderError> {
        let manifest = desired.get("manifest").map(normalise).unwrap_or_else(Value::null);
        let body = to_json(&manifest).map_err(|error| invalid(format!("Could not {error}.")))?;
        let (Some(of_type), Some(name)) = (TypeName::of(&manifest), ObjectName::of(&manifest)) else {
            return Err(invalid("The manifest does not say which object it is.".into()));
        };
        let force = desired.get("force_conflicts").and_then(Value::as_bool) == Some(true);
        let hides = of_type.is_secret() || manifest.has_sensitive();
        let manager = patch::manager(identity).to_owned();
        Ok(Self { manifest, body, of_type, name, manager, force, taken: Vec::new(), left: Vec::new(), hides })
    }
}

impl Wanted {
    /// The same for what is there: without what is left to others.
    pub(super) fn settled(&self, desired: &Value, live: &Value, owners: &Owners) -> Self {
        let settled = policy::settle(desired, self.manifest.clone(), live, owners);
        // What had a JSON form has one still.
        let body = to_json(&settled.manifest).unwrap_or_else(|_| self.body.clone());
        Self { manifest: settled.manifest, body, taken: settled.taken, left: settled.left, ..self.clone() }
    }

    /// Whether a field, in the server's notation, is to be taken from whoever owns it.
    pub(super) fn takes(&self, field: &str) -> bool {
        policy::is_within(&field_path(field, &self.manifest), &self.taken)
    }

    /// Whether all fields of a conflict are to be taken.
    pub(super) fn takes_all(&self, status: &Status) -> bool {
        status.is_ownership_conflict() && status.causes.iter().all(|cause| self.takes(&cause.field))
    }
}

/// What the server does not know yet, and what it refuses by a definition that is about to change, is held against the plan's own.
fn by_definition(answer: Preview, definitions: &Definitions, wanted: &Wanted) -> Preview {
    let may_be_outdated = match &answer {
        Preview::Would(_) => false,
        Preview::Refused(error) => error.code == ErrorCode::Invalid,
        Preview::Unverified(_) => true,
    };
    let own = may_be_outdated.then(|| definitions.preview(&wanted.manifest, &wanted.body, wanted.hides));
    own.flatten().unwrap_or(answer)
}

fn conflicts(status: &Status, wanted: &Wanted) -> Vec<Json> {
    let conflicts = status.causes.iter().filter(|cause| cause.reason == "FieldManagerConflict");
    let conflicts = conflicts.filter(|cause| !wanted.takes(&cause.field));
    conflicts.map(|cause| json!({ "field": cause.field, "message": cause.message })).collect()
}

fn not_served(of_type: &TypeName) -> Preview {
    Preview::Unverified(format!("the cluster does not serve {of_type} yet."))
}

fn invalid(detail: String) -> ProviderError {
    ProviderError {
        code: ErrorCode::Invalid,
        summary: "The cluster does not accept the object".into(),
        detail,
        path: Some(Path::attribute("manifest")),
    }
}
