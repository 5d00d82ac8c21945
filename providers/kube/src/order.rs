//! Which objects of one set must be there before which: rules over kinds, not over file order.
//!
//! | before | after | because |
//! | --- | --- | --- |
//! | Namespace | what is in it | the server refuses it otherwise |
//! | CustomResourceDefinition | objects of its kind | the server does not know the kind otherwise |
//! | classes (StorageClass, PriorityClass, …) | workloads, claims | they are looked up at creation |
//! | ServiceAccount, ConfigMap, Secret, RBAC | workloads of the namespace | pods do not start, or start without rights |
//! | everything else | webhooks, admission policies, API services | they act on what is applied after them |

use std::collections::BTreeMap;

use meshform_engine::value::Value;

use crate::identity::{ObjectName, TypeName};

/// What a rule needs to know of an object.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The key that tells it from its siblings.
    pub(crate) key: String,
    /// What it is.
    pub(crate) name: ObjectName,
    /// The kind that it defines, if it is a CustomResourceDefinition: group and kind.
    pub(crate) defines: Option<(String, String)>,
}

impl Item {
    /// Of a manifest whose name is known.
    pub(crate) fn new(key: String, name: ObjectName, manifest: &Value) -> Self {
        let of_type = TypeName::of(manifest);
        let is_definition =
            of_type.is_some_and(|of_type| of_type.is("apiextensions.k8s.io", "CustomResourceDefinition"));
        Self { key, name, defines: is_definition.then(|| defined_kind(manifest)).flatten() }
    }
}

/// The group and kind that a CustomResourceDefinition defines.
pub(crate) fn defined_kind(definition: &Value) -> Option<(String, String)> {
    let spec = definition.get("spec")?;
    Some((spec.get_str("group")?.to_owned(), spec.get("names")?.get_str("kind")?.to_owned()))
}

/// What an object is to the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Namespace,
    Definition,
    Class,
    Support,
    Workload,
    Gate,
    Other,
}

fn role(name: &ObjectName) -> Role {
    match (name.group.as_str(), name.kind.as_str()) {
        ("", "Namespace") => Role::Namespace,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Role::Definition,
        ("storage.k8s.io", "StorageClass" | "CSIDriver" | "VolumeAttributesClass")
        | ("scheduling.k8s.io", "PriorityClass")
        | ("node.k8s.io", "RuntimeClass")
        | ("resource.k8s.io", "DeviceClass")
        | ("networking.k8s.io", "IngressClass") => Role::Class,
        ("", "ServiceAccount" | "ConfigMap" | "Secret" | "LimitRange" | "ResourceQuota")
        | ("rbac.authorization.k8s.io", _) => Role::Support,
        ("", "Pod" | "ReplicationController" | "PersistentVolumeClaim")
        | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job" | "CronJob") => Role::Workload,
        ("admissionregistration.k8s.io", _) | ("apiregistration.k8s.io", "APIService") => Role::Gate,
        _ => Role::Other,
    }
}

/// For each item the keys of those that must be there before it, in the items' order.
pub(crate) fn after(items: &[Item]) -> Vec<Vec<String>> {
    let roles: Vec<_> = items.iter().map(|item| role(&item.name)).collect();
    let index = Index::new(items, &roles);
    let before = |item: &Item, role: Role| {
        let mut keys: Vec<&&str> = Vec::new();
        keys.extend(index.namespaces.get(item.name.namespace.as_str()));
        keys.extend(index.definitions.get(&(item.name.group.as_str(), item.name.kind.as_str())));
        match role {
            Role::Workload => {
                keys.extend(&index.classes);
                let supports =
                    [item.name.namespace.as_str(), ""].map(|namespace| index.supports.get(namespace));
                keys.extend(supports.into_iter().flatten().flatten());
            }
            Role::Gate => keys.extend(&index.ungated),
            _ => {}
        }
        let mut keys: Vec<String> = keys.into_iter().map(|key| (*key).to_owned()).collect();
        keys.sort();
        keys.dedup();
        keys
    };
    items.iter().zip(&roles).map(|(item, role)| before(item, *role)).collect()
}

/// The items by what others wait for.
#[derive(Default)]
struct Index<'a> {
    namespaces: BTreeMap<&'a str, &'a str>,
    definitions: BTreeMap<(&'a str, &'a str), &'a str>,
    classes: Vec<&'a str>,
    supports: BTreeMap<&'a str, Vec<&'a str>>,
    ungated: Vec<&'a str>,
}

impl<'a> Index<'a> {
    fn new(items: &'a [Item], roles: &[Role]) -> Self {
        let mut index = Self::default();
        for (item, role) in items.iter().zip(roles) {
            let key = item.key.as_str();
            match role {
                Role::Namespace => {
                    index.namespaces.insert(&item.name.name, key);
                }
                Role::Class => index.classes.push(key),
                Role::Support => index.supports.entry(&item.name.namespace).or_default().push(key),
                _ => {}
            }
            if let Some((group, kind)) = &item.defines {
                index.definitions.insert((group, kind), key);
            }
            if *role != Role::Gate {
                index.ungated.push(key);
            }
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(identity: &str) -> Item {
        let (identity, defines) = identity.split_once(" defines ").unwrap_or((identity, ""));
        Item {
            key: identity.to_owned(),
            name: ObjectName::parse(identity).unwrap(),
            defines: defines.split_once('/').map(|(group, kind)| (group.to_owned(), kind.to_owned())),
        }
    }

    fn check(items: &[&str], last: &str, expect: &[&str]) {
        let items: Vec<_> = items.iter().chain([&last]).map(|text| item(text)).collect();
        assert_eq!(after(&items).last().unwrap(), expect, "{last}");
    }

    const SET: [&str; 8] = [
        "apiextensions.k8s.io/CustomResourceDefinition/foos.x.io defines x.io/Foo",
        "apps/Deployment/web/page",
        "core/ConfigMap/web/page",
        "core/Namespace/web",
        "core/Secret/other/key",
        "core/Service/web/page",
        "rbac.authorization.k8s.io/ClusterRole/reader",
        "storage.k8s.io/StorageClass/fast",
    ];

    #[test]
    fn each_waits_for_what_it_needs() {
        check(&SET, "core/ConfigMap/web/more", &["core/Namespace/web"]);
        check(&SET, "core/ConfigMap/elsewhere/more", &[]);
        check(
            &SET,
            "x.io/Foo/web/a",
            &["apiextensions.k8s.io/CustomResourceDefinition/foos.x.io", "core/Namespace/web"],
        );
        check(
            &SET,
            "apps/StatefulSet/web/db",
            &[
                "core/ConfigMap/web/page",
                "core/Namespace/web",
                "rbac.authorization.k8s.io/ClusterRole/reader",
                "storage.k8s.io/StorageClass/fast",
            ],
        );
        check(&SET, "core/Namespace/other", &[]);
    }

    #[test]
    fn gates_come_last() {
        let gate = "admissionregistration.k8s.io/ValidatingWebhookConfiguration/x";
        let keys: Vec<_> = SET.iter().map(|text| text.split(' ').next().unwrap()).collect();
        check(&SET, gate, &keys);
        check(&[gate], "admissionregistration.k8s.io/MutatingWebhookConfiguration/y", &[]);
    }
}
