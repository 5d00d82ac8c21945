//! The kinds that a server serves, as its aggregated discovery lists them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::identity::TypeName;

/// One kind at one version, and where its objects are found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Resource {
    /// What it is.
    pub(crate) of_type: TypeName,
    /// Its name in URLs.
    pub(crate) plural: String,
    /// Whether its objects lie in namespaces.
    pub(crate) is_namespaced: bool,
}

/// All kinds of a server by group and kind, each with its versions, the preferred one first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog {
    kinds: BTreeMap<(String, String), Vec<Resource>>,
}

impl Catalog {
    /// From the `APIGroupDiscoveryList`s of `/api` and `/apis`; `None` if one of them is something else.
    pub(crate) fn parse(lists: &[Json]) -> Option<Self> {
        let mut catalog = Self::default();
        for list in lists {
            if text(list, "/kind") != "APIGroupDiscoveryList" {
                return None;
            }
            each(list, "items").for_each(|group| catalog.add_group(group));
        }
        Some(catalog)
    }

    fn add_group(&mut self, group: &Json) {
        let group_name = text(group, "/metadata/name");
        for version in each(group, "versions") {
            for resource in each(version, "resources") {
                let kind = text(resource, "/responseKind/kind");
                let resource = Resource {
                    of_type: TypeName {
                        group: group_name.to_owned(),
                        version: text(version, "/version").to_owned(),
                        kind: kind.to_owned(),
                    },
                    plural: text(resource, "/resource").to_owned(),
                    is_namespaced: text(resource, "/scope") == "Namespaced",
                };
                self.kinds.entry((group_name.to_owned(), kind.to_owned())).or_default().push(resource);
            }
        }
    }

    /// All kinds at all of their versions.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Resource> {
        self.kinds.values().flatten()
    }

    /// All kinds, each at its preferred version.
    pub(crate) fn preferred(&self) -> impl Iterator<Item = &Resource> {
        self.kinds.values().filter_map(|versions| versions.first())
    }

    /// A kind at exactly one version.
    pub(crate) fn find(&self, of_type: &TypeName) -> Option<&Resource> {
        self.versions(&of_type.group, &of_type.kind)
            .iter()
            .find(|resource| resource.of_type.version == of_type.version)
    }

    /// A kind at any version, the preferred one first.
    pub(crate) fn versions(&self, group: &str, kind: &str) -> &[Resource] {
        self.kinds.get(&(group.to_owned(), kind.to_owned())).map_or(&[], Vec::as_slice)
    }
}

fn each<'a>(json: &'a Json, name: &str) -> impl Iterator<Item = &'a Json> {
    json.get(name).and_then(Json::as_array).into_iter().flatten()
}

fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn catalog() -> Catalog {
        let version = |version: &str| {
            json!({ "version": version, "resources": [
                { "resource": "deployments", "scope": "Namespaced", "responseKind": { "group": "", "kind": "Deployment" } },
            ] })
        };
        let list = json!({ "kind": "APIGroupDiscoveryList", "items": [
            { "metadata": { "name": "apps" }, "versions": [version("v1"), version("v1beta1"), { "version": "v0" }] },
        ] });
        Catalog::parse(&[list]).unwrap()
    }

    fn check(api_version: &str, kind: &str, expect: Option<&str>) {
        let found = catalog().find(&TypeName::new(api_version, kind)).map(|resource| resource.plural.clone());
        assert_eq!(found.as_deref(), expect, "{api_version} {kind}");
    }

    #[test]
    fn kinds_are_found_by_version() {
        check("apps/v1", "Deployment", Some("deployments"));
        check("apps/v1beta1", "Deployment", Some("deployments"));
        check("apps/v2", "Deployment", None);
        check("apps/v1", "Foo", None);
        assert_eq!(catalog().versions("apps", "Deployment")[0].of_type.version, "v1");
    }

    #[test]
    fn another_document_is_not_a_catalog() {
        assert!(Catalog::parse(&[json!({ "kind": "APIGroupList" })]).is_none());
    }
}
