//! What lies around planned changes: one batch of LISTs, of just what they touch.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use meshform_engine::ports::{Impact, ImpactItem};
use serde_json::Value as Json;

use super::Cluster;
use super::cause::pods;
use super::observe::items_of;
use super::send::Retry;
use crate::catalog::Resource;
use crate::identity::{ObjectName, TypeName};
use crate::impact::{Around, Deed, Needs, impacts, needs};
use crate::request::{Place, Selection};

/// Kinds that come and go by themselves in any namespace.
const PASSING: [&str; 5] = ["ControllerRevision", "Endpoints", "EndpointSlice", "Event", "Lease"];
/// What every namespace is given.
const GIVEN: [(&str, &str); 2] = [("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")];

impl Cluster {
    /// What each of the changes brings about.
    pub(super) async fn weigh(&self, items: &[ImpactItem]) -> Vec<Impact> {
        let deeds: Vec<_> = items.iter().map(Deed::of).collect();
        let is_told: Vec<_> = deeds.iter().map(Option::is_some).collect();
        let deeds: Vec<_> = deeds.into_iter().flatten().collect();
        let around = self.around(&needs(&deeds), &deeds).await;
        let mut told = impacts(&deeds, &around).into_iter();
        is_told
            .into_iter()
            .map(|is_told| is_told.then(|| told.next()).flatten().unwrap_or_default())
            .collect()
    }

    /// What may not be seen is not there: that is said by those who read it, where it matters.
    async fn around(&self, needs: &Needs, deeds: &[Deed]) -> Around {
        let core = |kind: &str, plural: &str| kind_of("v1", kind, plural, true);
        let (pods, services) = (pods(), core("Service", "services"));
        let (claims, budgets) = (
            core("PersistentVolumeClaim", "persistentvolumeclaims"),
            kind_of("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
        );
        let volumes = kind_of("v1", "PersistentVolume", "persistentvolumes", false);
        let everywhere: &[String] = if needs.volumes { &[String::new()] } else { &[] };
        let (pods, services, budgets, claims, volumes, along) = futures::join!(
            self.each(&pods, &needs.traffic),
            self.each(&services, &needs.traffic),
            self.each(&budgets, &needs.traffic),
            self.each(&claims, &needs.claims),
            self.each(&volumes, everywhere),
            self.along(needs, deeds),
        );
        let volumes = volumes
            .into_values()
            .flatten()
            .map(|volume| (text(&volume, "/metadata/name").to_owned(), volume));
        Around { pods, services, budgets, claims, volumes: volumes.collect(), along }
    }

    /// All objects of a kind in some namespaces.
    async fn each(&self, resource: &Resource, namespaces: &[String]) -> BTreeMap<String, Vec<Json>> {
        let each = namespaces.iter().map(|namespace| async move {
            let found = self.list(&Place { resource, namespace }, &Selection::default(), |_| true).await;
            (namespace.clone(), found.unwrap_or_default())
        });
        join_all(each).await.into_iter().collect()
    }

    /// What goes along with namespaces and definitions that go, and is not removed by the plan itself.
    async fn along(&self, needs: &Needs, deeds: &[Deed]) -> BTreeMap<ObjectName, BTreeMap<String, u64>> {
        if needs.namespaces.is_empty() && needs.definitions.is_empty() {
            return BTreeMap::new();
        }
        let Ok(catalog) = self.kinds.with(&self.api, |_| true).await else { return BTreeMap::new() };
        let removed: BTreeSet<_> =
            deeds.iter().filter(|deed| deed.after.is_null()).map(|deed| &deed.name).collect();
        let mut asked: Vec<(ObjectName, &Resource, &str)> = Vec::new();
        for namespace in &needs.namespaces {
            let name = ObjectName {
                group: String::new(),
                kind: "Namespace".into(),
                namespace: String::new(),
                name: namespace.clone(),
            };
            let kinds = catalog
                .preferred()
                .filter(|it| it.is_namespaced && !PASSING.contains(&it.of_type.kind.as_str()));
            asked.extend(kinds.map(|resource| (name.clone(), resource, namespace.as_str())));
        }
        for (name, group, kind) in &needs.definitions {
            asked.extend(catalog.versions(group, kind).first().map(|resource| (name.clone(), resource, "")));
        }
        let counts = asked.iter().map(|(name, resource, namespace)| {
            let removed = &removed;
            async move { (name, &resource.of_type.kind, self.count(resource, namespace, removed).await) }
        });
        let mut along: BTreeMap<ObjectName, BTreeMap<String, u64>> = BTreeMap::new();
        for (name, kind, count) in join_all(counts).await.into_iter().filter(|(_, _, count)| *count > 0) {
            *along.entry(name.clone()).or_default().entry(kind.clone()).or_default() += count;
        }
        along
    }

    /// How many objects there are that nothing else owns and the plan does not remove.
    async fn count(&self, resource: &Resource, namespace: &str, removed: &BTreeSet<&ObjectName>) -> u64 {
        let Ok(mut answer) = self.api.send(Place { resource, namespace }.list_metadata(), Retry::Read).await
        else {
            return 0;
        };
        let rest = answer.body.pointer("/metadata/remainingItemCount").and_then(Json::as_u64).unwrap_or(0);
        let counts = |object: &Json| {
            let name = ObjectName {
                group: resource.of_type.group.clone(),
                kind: resource.of_type.kind.clone(),
                namespace: text(object, "/metadata/namespace").to_owned(),
                name: text(object, "/metadata/name").to_owned(),
            };
            let is_given = GIVEN.contains(&(name.kind.as_str(), name.name.as_str()));
            object.pointer("/metadata/ownerReferences").is_none() && !is_given && !removed.contains(&name)
        };
        rest + items_of(&mut answer.body, resource).iter().filter(|object| counts(object)).count() as u64
    }
}

fn kind_of(api_version: &str, kind: &str, plural: &str, is_namespaced: bool) -> Resource {
    Resource { of_type: TypeName::new(api_version, kind), plural: plural.to_owned(), is_namespaced }
}

fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}
