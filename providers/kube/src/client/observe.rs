//! All objects of a plan at once: one LIST per kind, or GETs where only a few of a kind are asked for.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use meshform_engine::ports::{ErrorCode, Observation, ObserveItem, Observed, ProviderError};
use meshform_engine::state::Record;
use meshform_engine::value::Value;
use serde_json::{Value as Json, json};

use super::Cluster;
use super::send::{Failure, Retry};
use crate::attributes::{attributes, live_object};
use crate::catalog::{Catalog, Resource};
use crate::identity::{ObjectName, TypeName};
use crate::manifest::normalise;
use crate::patch;
use crate::request::{Place, Selection};
use crate::version::version;

/// Up to so many objects of a kind are asked for one by one: a LIST also brings what others have.
pub(super) const GETS_MAX: usize = 8;
/// How many objects a page of a LIST has.
const PAGE: u32 = 500;
/// How often a LIST is begun anew when the server has forgotten the page before.
const RESTARTS_MAX: u32 = 3;

/// An object, nothing, or why it is not known.
type Found = Result<Option<Json>, ProviderError>;

/// One object to look for, and where among the items its answer goes.
struct Wanted {
    index: usize,
    name: ObjectName,
}

impl Cluster {
    /// Looks at all of the items.
    pub(super) async fn observe_all(&self, items: &[ObserveItem]) -> Vec<Result<Observed, ProviderError>> {
        let types: Vec<_> = items.iter().map(of_type).collect();
        let known = |catalog: &Catalog| {
            let named = types.iter().flatten();
            named.into_iter().all(|of_type| !catalog.versions(&of_type.group, &of_type.kind).is_empty())
        };
        let catalog = match self.kinds.with(&self.api, known).await {
            Ok(catalog) => catalog,
            Err(failure) => {
                let error = failure.unanswered(&self.api.place, "look up the kinds that are served");
                return items.iter().map(|_| Err(error.clone())).collect();
            }
        };
        let mut answers: Vec<Found> = items.iter().map(|_| Ok(None)).collect();
        let mut groups: BTreeMap<&Resource, Vec<Wanted>> = BTreeMap::new();
        for (index, (item, of_type)) in items.iter().zip(&types).enumerate() {
            let resource = of_type.as_ref().and_then(|of_type| served(&catalog, of_type));
            // What is of a kind that is not served is not there.
            let (Some(resource), Some(name)) = (resource, ObjectName::parse(&item.identity)) else {
                continue;
            };
            match check_scope(resource, &name) {
                Ok(()) => groups.entry(resource).or_default().push(Wanted { index, name }),
                Err(error) => answers[index] = Err(error),
            }
        }
        let groups = groups.iter().map(|(resource, wanted)| self.find(resource, wanted));
        for (index, found) in join_all(groups).await.into_iter().flatten() {
            answers[index] = found;
        }
        items.iter().zip(answers).map(|(item, found)| Ok(observed(item, found?))).collect()
    }

    async fn find(&self, resource: &Resource, wanted: &[Wanted]) -> Vec<(usize, Found)> {
        if wanted.len() <= GETS_MAX {
            return self.get_each(resource, wanted).await;
        }
        match self.list_wanted(resource, "", wanted).await {
            Ok(found) => sorted_out(wanted, found),
            Err(failure) if is_forbidden(&failure) && resource.is_namespaced => {
                self.find_by_namespace(resource, wanted).await
            }
            Err(_) => self.get_each(resource, wanted).await,
        }
    }

    /// Whoever may not list a kind everywhere may list it in some namespaces.
    async fn find_by_namespace(&self, resource: &Resource, wanted: &[Wanted]) -> Vec<(usize, Found)> {
        let mut namespaces: BTreeMap<&str, Vec<Wanted>> = BTreeMap::new();
        for one in wanted {
            let copy = Wanted { index: one.index, name: one.name.clone() };
            namespaces.entry(&one.name.namespace).or_default().push(copy);
        }
        let each = namespaces.iter().map(|(namespace, wanted)| async move {
            if wanted.len() > GETS_MAX
                && let Ok(found) = self.list_wanted(resource, namespace, wanted).await
            {
                return sorted_out(wanted, found);
            }
            self.get_each(resource, wanted).await
        });
        join_all(each).await.into_iter().flatten().collect()
    }

    async fn get_each(&self, resource: &Resource, wanted: &[Wanted]) -> Vec<(usize, Found)> {
        let each = wanted.iter().map(|one| async move {
            let found = self.get(resource, &one.name).await;
            (one.index, found.map_err(|failure| failure.explain(&self.api, "read", &one.name, false)))
        });
        join_all(each).await
    }

    /// One object, or `None` if it is not there.
    pub(super) async fn get(&self, resource: &Resource, name: &ObjectName) -> Result<Option<Json>, Failure> {
        let place = Place { resource, namespace: &name.namespace };
        match self.api.send(place.get(&name.name), Retry::Read).await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(failure) if failure.status().is_some_and(|status| status.is_not_found()) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Those of the wanted objects that are there.
    async fn list_wanted(
        &self,
        resource: &Resource,
        namespace: &str,
        wanted: &[Wanted],
    ) -> Result<BTreeMap<ObjectName, Json>, Failure> {
        let names: BTreeSet<_> = wanted.iter().map(|one| &one.name).collect();
        let place = Place { resource, namespace };
        let found = self
            .list(&place, &Selection::default(), |object| names.contains(&name_of(object, resource)))
            .await?;
        Ok(found.into_iter().map(|object| (name_of(&object, resource), object)).collect())
    }

    /// The objects of a selection that are of interest, page by page, so that what others have is let go at once.
    pub(super) async fn list(
        &self,
        place: &Place<'_>,
        selection: &Selection<'_>,
        is_wanted: impl Fn(&Json) -> bool,
    ) -> Result<Vec<Json>, Failure> {
        let mut restarts = 0;
        let (mut found, mut next) = (Vec::new(), String::new());
        loop {
            let request = place.list(selection, PAGE, &next);
            let mut page = match self.api.send(request, Retry::Read).await {
                Ok(answer) => answer.body,
                Err(failure) if is_expired(&failure) && restarts < RESTARTS_MAX => {
                    restarts += 1;
                    (found, next) = (Vec::new(), String::new());
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            found.extend(items_of(&mut page, place.resource).into_iter().filter(&is_wanted));
            next = text(&page, "/metadata/continue").to_owned();
            if next.is_empty() {
                return Ok(found);
            }
        }
    }
}

/// The items of a list. They do not say what they are: the list does.
pub(super) fn items_of(list: &mut Json, resource: &Resource) -> Vec<Json> {
    let items = list.get_mut("items").and_then(Json::as_array_mut).map(std::mem::take).unwrap_or_default();
    items
        .into_iter()
        .map(|mut item| {
            if let Some(fields) = item.as_object_mut() {
                fields.insert("apiVersion".into(), resource.of_type.api_version().into());
                fields.insert("kind".into(), resource.of_type.kind.clone().into());
            }
            item
        })
        .collect()
}

/// The values that tell what of an object is sensitive: what is wanted, and what is recorded.
pub(super) fn guides(desired: Option<&Value>, record: Option<&Record>) -> Vec<Value> {
    let recorded = record.map(|record| &record.attributes);
    let manifests = [desired, recorded].into_iter().flatten().filter_map(|from| from.get("manifest"));
    let manifests = manifests.filter(|manifest| manifest.is_known()).map(normalise);
    let object = recorded.and_then(|recorded| recorded.get("object")).cloned();
    manifests.chain(object).filter(Value::has_sensitive).collect()
}

/// What `difference` needs to know of who owns what.
pub(super) fn detail(object: &Json, identity: &str) -> Json {
    json!({
        "managedFields": object.pointer("/metadata/managedFields"),
        "manager": patch::manager(identity),
    })
}

/// A scope that the manifest did not say rightly, which only the cluster knows of custom kinds.
pub(super) fn check_scope(resource: &Resource, name: &ObjectName) -> Result<(), ProviderError> {
    let detail = match (resource.is_namespaced, name.namespace.is_empty()) {
        (true, true) => {
            format!("{name} lives in a namespace, but the manifest names none. Set `metadata.namespace`.")
        }
        (false, false) => {
            format!("{name} belongs to the whole cluster. Remove `metadata.namespace`.")
        }
        _ => return Ok(()),
    };
    let path = ["manifest", "metadata", "namespace"]
        .map(|name| meshform_engine::value::PathStep::Attribute(name.to_owned()));
    Err(ProviderError {
        code: ErrorCode::Invalid,
        summary: "Wrong namespace".into(),
        detail,
        path: Some(meshform_engine::value::Path(path.to_vec())),
    })
}

/// What an item is: as its manifest has it, as its record has it, or as its identity has it, without a version.
fn of_type(item: &ObserveItem) -> Option<TypeName> {
    let name = ObjectName::parse(&item.identity)?;
    let manifest = item.desired.as_ref().and_then(|desired| desired.get("manifest"));
    let wanted = manifest.and_then(TypeName::of);
    let recorded = item.record.as_ref().map(|record| &record.private);
    let recorded =
        recorded.map(|private| TypeName::new(text(private, "/apiVersion"), text(private, "/kind")));
    let fits = |of_type: &TypeName| of_type.is(&name.group, &name.kind);
    let unversioned =
        || TypeName { group: name.group.clone(), version: String::new(), kind: name.kind.clone() };
    Some(wanted.filter(fits).or_else(|| recorded.filter(fits)).unwrap_or_else(unversioned))
}

/// The kind at its version, or at any if that is not served: the object is the same through each.
pub(super) fn served<'a>(catalog: &'a Catalog, of_type: &TypeName) -> Option<&'a Resource> {
    catalog.find(of_type).or_else(|| catalog.versions(&of_type.group, &of_type.kind).first())
}

fn observed(item: &ObserveItem, found: Option<Json>) -> Observed {
    let Some(object) = found else { return Observed::Absent };
    let record = item.record.as_deref();
    let guides = guides(item.desired.as_ref(), record);
    let guides: Vec<_> = guides.iter().collect();
    let source = item.desired.as_ref().or_else(|| record.map(|record| &record.attributes));
    Observed::Present(Observation {
        attributes: attributes(source, live_object(&object, &guides)),
        version: version(&object, &guides),
        detail: detail(&object, &item.identity),
    })
}

/// Each wanted object; one that is wanted more than once, as patched ones are, goes to all who want it.
fn sorted_out(wanted: &[Wanted], mut found: BTreeMap<ObjectName, Json>) -> Vec<(usize, Found)> {
    let last: BTreeMap<_, _> = wanted.iter().map(|one| (&one.name, one.index)).collect();
    let of = |one: &Wanted| match last.get(&one.name) == Some(&one.index) {
        true => found.remove(&one.name),
        false => found.get(&one.name).cloned(),
    };
    wanted
        .iter()
        .map(|one| one.index)
        .zip(wanted.iter().map(of))
        .map(|(index, object)| (index, Ok(object)))
        .collect()
}

fn name_of(object: &Json, resource: &Resource) -> ObjectName {
    ObjectName {
        group: resource.of_type.group.clone(),
        kind: resource.of_type.kind.clone(),
        namespace: text(object, "/metadata/namespace").to_owned(),
        name: text(object, "/metadata/name").to_owned(),
    }
}

fn is_forbidden(failure: &Failure) -> bool {
    failure.status().is_some_and(|status| status.code == 403)
}

fn is_expired(failure: &Failure) -> bool {
    failure.status().is_some_and(|status| status.code == 410)
}

fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}
