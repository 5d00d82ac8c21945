//! Which object is meant, independent of the API version that it is read through.
//!
//! An identity is `GROUP/KIND/NAMESPACE/NAME`, or `GROUP/KIND/NAME` of what lies in no namespace, with `core` for the group without a name.
//! Of built-in kinds the scope is known here, so an omitted namespace is `default` for namespaced ones. Of custom kinds only the
//! cluster knows the scope: they must name their namespace, and one without is taken to be cluster-wide (the target refuses it when that
//! turns out wrong). So one object never has two identities.

use std::fmt;

use meshform_engine::value::Value;

use crate::patch;

/// What `apiVersion` and `kind` say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TypeName {
    /// The API group; empty for the core one.
    pub(crate) group: String,
    /// The version within the group.
    pub(crate) version: String,
    /// The kind.
    pub(crate) kind: String,
}

impl TypeName {
    /// From an `apiVersion` such as `v1` or `apps/v1`.
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// Of a manifest, unless that is unknown or missing.
    pub(crate) fn of(manifest: &Value) -> Option<Self> {
        Some(Self::new(manifest.get_str("apiVersion")?, manifest.get_str("kind")?))
    }

    /// As written in `apiVersion`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether instances lie in a namespace; `None` for custom kinds.
    pub(crate) fn is_namespaced(&self) -> Option<bool> {
        BUILT_IN_GROUPS
            .iter()
            .find(|(group, _)| *group == self.group)
            .map(|(_, cluster_wide)| !cluster_wide.contains(&self.kind.as_str()))
    }

    /// Whether it is this kind of this group.
    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }

    /// Whether it is the built-in Secret, whose data is never shown.
    pub(crate) fn is_secret(&self) -> bool {
        self.is("", "Secret")
    }
}

/// `apps/v1 Deployment`, for messages.
impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version(), self.kind)
    }
}

/// One object of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectName {
    /// The API group; empty for the core one.
    pub(crate) group: String,
    /// The kind.
    pub(crate) kind: String,
    /// The namespace; empty for what has none.
    pub(crate) namespace: String,
    /// The name.
    pub(crate) name: String,
}

impl ObjectName {
    /// The object that a manifest means, or `None` while that is unknown.
    pub(crate) fn of(manifest: &Value) -> Option<Self> {
        let of_type = TypeName::of(manifest)?;
        let metadata = manifest.get("metadata")?;
        let namespace = match (of_type.is_namespaced(), metadata.get("namespace")) {
            (Some(false), _) => "",
            (_, Some(namespace)) if !namespace.is_null() => namespace.as_str()?,
            (Some(true), _) => "default",
            (None, _) => "",
        };
        Some(Self {
            namespace: namespace.to_owned(),
            name: metadata.get_str("name")?.to_owned(),
            group: of_type.group,
            kind: of_type.kind,
        })
    }

    /// From an identity, as recorded: of an object, or of a patch of one.
    pub(crate) fn parse(identity: &str) -> Option<Self> {
        let parts: Vec<&str> = patch::object(identity).split('/').collect();
        let (group, kind, namespace, name) = match *parts.as_slice() {
            [group, kind, name] => (group, kind, "", name),
            [group, kind, namespace, name] => (group, kind, namespace, name),
            _ => return None,
        };
        let group = if group == "core" { "" } else { group };
        let [group, kind, namespace, name] = [group, kind, namespace, name].map(str::to_owned);
        Some(Self { group, kind, namespace, name })
    }

    /// The identity: what no other object of the cluster has.
    pub(crate) fn identity(&self) -> String {
        let group = if self.group.is_empty() { "core" } else { &self.group };
        let namespace = if self.namespace.is_empty() { "" } else { &format!("{}/", self.namespace) };
        format!("{group}/{}/{namespace}{}", self.kind, self.name)
    }
}

/// `Deployment web/page`, for messages.
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// The groups of which every kind is built in, each with its cluster-wide kinds (Kubernetes API reference, 1.36).
const BUILT_IN_GROUPS: &[(&str, &[&str])] = &[
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("apps", &[]),
    ("authentication.k8s.io", &["SelfSubjectReview", "TokenReview"]),
    ("authorization.k8s.io", &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"]),
    ("autoscaling", &[]),
    ("batch", &[]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    ("coordination.k8s.io", &[]),
    ("discovery.k8s.io", &[]),
    ("events.k8s.io", &[]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("internal.apiserver.k8s.io", &["StorageVersion"]),
    ("networking.k8s.io", &["IngressClass", "IPAddress", "ServiceCIDR"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("policy", &[]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "DeviceTaintRule", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    ),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::value::from_json;
    use serde_json::json;

    fn check(manifest: serde_json::Value, expect: Option<&str>) {
        let name = ObjectName::of(&from_json(&manifest));
        assert_eq!(name.as_ref().map(ObjectName::identity).as_deref(), expect, "{manifest}");
        assert_eq!(expect.and_then(ObjectName::parse), name);
    }

    #[test]
    fn one_object_has_one_identity() {
        let object = |api_version: &str, kind: &str, metadata: serde_json::Value| json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata });
        let here = Some("core/ConfigMap/default/a");
        check(object("v1", "ConfigMap", json!({ "name": "a" })), here);
        check(object("v1", "ConfigMap", json!({ "name": "a", "namespace": null })), here);
        check(object("v1", "ConfigMap", json!({ "name": "a", "namespace": "default" })), here);
        check(object("v1", "Namespace", json!({ "name": "a", "namespace": "b" })), Some("core/Namespace/a"));
        check(object("autoscaling/v1", "Scale", json!({ "name": "a" })), Some("autoscaling/Scale/default/a"));
        let roles = "rbac.authorization.k8s.io";
        check(
            object("rbac.authorization.k8s.io/v1", "ClusterRole", json!({ "name": "a:b" })),
            Some(&format!("{roles}/ClusterRole/a:b")),
        );
        let gateways = "gateway.networking.k8s.io";
        check(
            object("gateway.networking.k8s.io/v1", "GatewayClass", json!({ "name": "a" })),
            Some(&format!("{gateways}/GatewayClass/a")),
        );
        check(object("v1", "ConfigMap", json!({ "generateName": "a" })), None);
        check(json!({ "kind": "ConfigMap", "metadata": { "name": "a" } }), None);
    }
}
