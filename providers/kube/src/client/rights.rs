//! Which rights a plan needs, once it is known how its kinds are served.

use std::collections::BTreeMap;

use meshform_engine::ports::{ObserveItem, ProviderError, ReadItem};
use meshform_engine::value::Value;

use super::Cluster;
use super::observe::GETS_MAX;
use crate::absent;
use crate::catalog::Catalog;
use crate::identity::{ObjectName, TypeName};
use crate::lookup::{LookUp, Wanted};
use crate::order;
use crate::rights::{Need, RBAC, Use, documents};
use crate::schema::{ABSENT, OBJECT, OBJECTS, PATCH};

const DEFINITIONS: &str = "apiextensions.k8s.io";

/// What kinds that the stack itself defines will be called in URLs.
type Defined = BTreeMap<(String, String), String>;

impl Cluster {
    /// Roles for all of these.
    pub(super) async fn roles(
        &self,
        items: &[ObserveItem],
        read: &[ReadItem],
    ) -> Result<Vec<Value>, ProviderError> {
        let catalog = self.kinds.with(&self.api, |_| true).await;
        let catalog = catalog
            .map_err(|failure| failure.unanswered(&self.api.place, "look up the kinds that are served"))?;
        let defined: Defined = items.iter().filter_map(defined).collect();
        let managed = items.iter().flat_map(|item| managed(item, &catalog, &defined));
        let looked_up = read.iter().filter_map(|item| look_up(item, Use::Read, &catalog));
        Ok(documents(&managed.chain(looked_up).collect::<Vec<_>>(), GETS_MAX))
    }
}

fn managed(item: &ObserveItem, catalog: &Catalog, defined: &Defined) -> Vec<Need> {
    if item.kind == ABSENT {
        let wanted = item.desired.as_ref().map(|desired| absent::look_up(&item.address, desired));
        return wanted.and_then(|wanted| look_up(&wanted, Use::Remove, catalog)).into_iter().collect();
    }
    let Some(name) = ObjectName::parse(&item.identity) else { return Vec::new() };
    let served = catalog.versions(&name.group, &name.kind).first();
    let key = (name.group.clone(), name.kind.clone());
    let Some(plural) = served.map(|resource| &resource.plural).or_else(|| defined.get(&key)) else {
        return Vec::new();
    };
    let usage = if item.kind == PATCH { Use::Patch } else { Use::Manage };
    let need = Need {
        group: name.group.clone(),
        kind: name.kind.clone(),
        plural: plural.clone(),
        namespace: name.namespace.clone(),
        name: Some(name.name.clone()),
        usage,
    };
    let mut needs = vec![need];
    if usage == Use::Manage {
        needs.extend(granting(&name, plural, item.desired.as_ref()));
        needs.extend(definition_of(&name, plural));
    }
    needs
}

/// What it takes to write a role or binding that grants more than its writer holds.
fn granting(name: &ObjectName, plural: &str, desired: Option<&Value>) -> Option<Need> {
    let right = |kind: &str, plural: &str, of: &str, usage: Use| Need {
        group: RBAC.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespace: name.namespace.clone(),
        name: Some(of.to_owned()),
        usage,
    };
    if name.group != RBAC {
        return None;
    }
    if matches!(name.kind.as_str(), "Role" | "ClusterRole") {
        return Some(right(&name.kind, plural, &name.name, Use::Escalate));
    }
    let role = desired?.get("manifest")?.get("roleRef")?;
    let kind = role.get_str("kind")?;
    let plural = if kind == "Role" { "roles" } else { "clusterroles" };
    Some(right(kind, plural, role.get_str("name")?, Use::Bind))
}

/// A definition tells whether its objects have a status to wait for.
fn definition_of(name: &ObjectName, plural: &str) -> Option<Need> {
    let of_type = TypeName { group: name.group.clone(), version: String::new(), kind: name.kind.clone() };
    of_type.is_namespaced().is_none().then(|| Need {
        group: DEFINITIONS.to_owned(),
        kind: "CustomResourceDefinition".to_owned(),
        plural: "customresourcedefinitions".to_owned(),
        namespace: String::new(),
        name: Some(format!("{plural}.{}", name.group)),
        usage: Use::Read,
    })
}

/// What a look-up finds. Of a kind that is not served there is nothing.
fn look_up(item: &ReadItem, usage: Use, catalog: &Catalog) -> Option<Need> {
    if item.kind != OBJECT && item.kind != OBJECTS {
        return None;
    }
    let look_up = LookUp::of(item);
    let resource = look_up.resource(catalog).ok()?;
    let (namespace, name) = match &look_up.wanted {
        Wanted::One { name, .. } => {
            let object = look_up.object_name(resource, name).ok()?;
            (object.namespace, Some(object.name))
        }
        Wanted::All(_) => (look_up.list_namespace(resource).ok()?.to_owned(), None),
    };
    let TypeName { group, kind, .. } = look_up.of_type.clone();
    Some(Need { group, kind, plural: resource.plural.clone(), namespace, name, usage })
}

fn defined(item: &ObserveItem) -> Option<((String, String), String)> {
    let manifest = item.desired.as_ref()?.get("manifest")?;
    let plural = manifest.get("spec")?.get("names")?.get_str("plural")?.to_owned();
    Some((order::defined_kind(manifest)?, plural))
}
