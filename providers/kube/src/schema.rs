//! What a `cluster` block, its resources and its look-ups may contain.

use meshform_engine::address::TargetKind;
use meshform_engine::schema::{Attribute, Body, DataType, ResourceType};
use meshform_engine::types::Type;

use crate::wait_for;

/// One object, as a resource and to be looked up.
pub(crate) const OBJECT: &str = "kube_object";
/// Every document of some files.
pub(crate) const MANIFESTS: &str = "kube_manifests";
/// A chart.
pub(crate) const CHART: &str = "kube_chart";
/// Fields of an object that someone else owns.
pub(crate) const PATCH: &str = "kube_patch";
/// Objects that must not be there.
pub(crate) const ABSENT: &str = "kube_absent";
/// Objects to be looked up.
pub(crate) const OBJECTS: &str = "kube_objects";

/// The attributes of a `cluster` block.
pub(crate) fn cluster() -> Vec<Attribute> {
    let text = |name, description| Attribute::optional(name, Type::String, description);
    vec![
        Attribute::default(
            "sandbox",
            Type::Bool,
            false,
            "Whether it is the embedded cluster of this stack's sandbox.",
        ),
        text("kubeconfig", "The path of a kubeconfig file, from the stack's folder; `~` is the home folder."),
        text("kubeconfig_content", "The text of a kubeconfig.").sensitive(),
        text("context", "The kubeconfig's context to use; its current one otherwise."),
        text("server", "The API server's URL, when there is no kubeconfig."),
        text("ca", "The certificate authority of the API server, PEM."),
        text("token", "The bearer token to present to the API server.").sensitive(),
        Attribute::default(
            "in_cluster",
            Type::Bool,
            false,
            "Whether to use the service account of the pod that this runs in.",
        ),
        text("pod_cidr", "The range of its pods' addresses."),
        text("service_cidr", "The range of its Services' addresses."),
        text("network", "The network that its pods share with the clusters and hosts of the same name."),
    ]
}

/// The resource types of this provider.
pub(crate) fn resource_types() -> Vec<ResourceType> {
    let cluster = Some(TargetKind::Cluster);
    vec![
        ResourceType {
            name: OBJECT,
            target: cluster,
            part_kind: None,
            body: Body::from(object()).with(wait_for::block()),
        },
        ResourceType { name: PATCH, target: cluster, part_kind: None, body: patch().into() },
        ResourceType { name: ABSENT, target: cluster, part_kind: None, body: absent().into() },
        ResourceType {
            name: MANIFESTS,
            target: cluster,
            part_kind: Some(OBJECT),
            body: waiting(manifests()),
        },
        ResourceType { name: CHART, target: cluster, part_kind: Some(OBJECT), body: waiting(chart()) },
    ]
}

/// What this provider can look up.
pub(crate) fn data_types() -> Vec<DataType> {
    let on_cluster = |name, attributes: Vec<Attribute>| DataType {
        name,
        target: Some(TargetKind::Cluster),
        body: attributes.into(),
    };
    vec![on_cluster(OBJECT, object_found()), on_cluster(OBJECTS, objects_found())]
}

/// The body of a composite, whose objects may be waited for in other ways than those of their kinds.
fn waiting(attributes: Vec<Attribute>) -> Body {
    Body::from(attributes).with(wait_for::selecting_block())
}

fn object() -> Vec<Attribute> {
    let mut attributes = vec![Attribute::required(
        "manifest",
        Type::Any,
        "The object as one would write it for `kubectl apply`: apiVersion, kind, metadata, and so on.",
    )];
    attributes.extend(behaviour());
    attributes.push(Attribute::optional(
        "triggers_replace",
        Type::Any,
        "Any value: when it changes, the object is removed and made anew, as a Job that is to run again.",
    ));
    attributes.push(Attribute::computed(
        "object",
        Type::Any,
        "The object as the cluster holds it, with what the cluster added.",
    ));
    attributes
}

fn patch() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "manifest",
            Type::Any,
            "The fields, as one would write them for `kubectl apply`, with what says which object they are of.",
        ),
        Attribute::default(
            "force_conflicts",
            Type::Bool,
            false,
            "Whether to take over fields that another manager owns.",
        ),
        Attribute::optional(
            "field_manager",
            Type::String,
            "The name under which the fields are owned; one made from the address, if left out.",
        ),
        Attribute::computed("object", Type::Any, "The object as the cluster holds it."),
    ]
}

fn absent() -> Vec<Attribute> {
    let text = |name, description| Attribute::optional(name, Type::String, description);
    let mut attributes = Vec::from(of_type());
    attributes.extend([
        text("name", "The name of the object that must not be there."),
        text("namespace", "Its namespace; of a selection, the one to look in, and all of them if left out."),
        text("label_selector", "Instead of a name, which labels they have, as `kubectl get -l` takes it."),
        text("field_selector", "Instead of a name, which fields they have."),
        Attribute::default(
            "delete_at_most",
            Type::Number,
            1,
            "How many objects one apply may delete: a plan that finds more is an error.",
        ),
        Attribute::computed("found", Type::String.list(), "The objects that are there, as NAMESPACE/NAME."),
    ]);
    attributes
}

fn manifests() -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute::optional(
            "paths",
            Type::String.list(),
            "YAML or JSON files, or glob patterns of them, from the stack's folder.",
        ),
        Attribute::optional("content", Type::String, "YAML or JSON documents as text."),
        Attribute::optional(
            "kustomize",
            Type::String,
            "A folder with a kustomization, which `kubectl kustomize` or `kustomize build` renders.",
        ),
        Attribute::optional(
            "namespace",
            Type::String,
            "The namespace of those namespaced objects that do not say one themselves.",
        ),
    ];
    attributes.extend(behaviour());
    attributes
}

fn chart() -> Vec<Attribute> {
    let text = |name, description| Attribute::optional(name, Type::String, description);
    let mut attributes = vec![
        Attribute::required(
            "chart",
            Type::String,
            "A chart's folder or archive, from the stack's folder; the name of one of `repository`; or its oci:// address.",
        ),
        text("repository", "The URL of the repository that has the chart."),
        text("version", "The chart's version. Required for what is fetched."),
        text("release", "What the release is called; as the block is, if left out."),
        Attribute::default("namespace", Type::String, "default", "The namespace that the chart goes to."),
        Attribute::default("create_namespace", Type::Bool, false, "Whether to make that namespace, too."),
        Attribute::optional(
            "values",
            Type::Any,
            "Values, as an object. They outrank those of `values_files`.",
        ),
        Attribute::optional(
            "values_files",
            Type::String.list(),
            "YAML files with values, from the stack's folder, each outranking those before it.",
        ),
        Attribute::default(
            "include_crds",
            Type::Bool,
            true,
            "Whether to apply what is in the chart's folder crds.",
        ),
        text("kube_version", "The version of Kubernetes to render for; that of the cluster, if left out."),
        Attribute::optional(
            "api_versions",
            Type::String.list(),
            "The API versions to render for, such as monitoring.coreos.com/v1; those that the cluster serves, if left out.",
        ),
    ];
    attributes.extend(behaviour());
    attributes
}

fn behaviour() -> [Attribute; 3] {
    [
        Attribute::default("wait", Type::Bool, true, "Whether to wait until what was applied is ready."),
        Attribute::default(
            "force_conflicts",
            Type::Bool,
            false,
            "Whether to take over declared fields that another manager owns.",
        ),
        Attribute::optional(
            "field_policy",
            Type::String.map(),
            "By field, such as \"spec.replicas\", what becomes of it when another manager owns it: take, yield, fail or adopt_live.",
        ),
    ]
}

fn of_type() -> [Attribute; 2] {
    [
        Attribute::required("api_version", Type::String, "The API version, such as v1 or apps/v1."),
        Attribute::required("kind", Type::String, "The kind, such as Service."),
    ]
}

fn object_found() -> Vec<Attribute> {
    let mut attributes = Vec::from(of_type());
    attributes.extend([
        Attribute::required("name", Type::String, "The object's name."),
        Attribute::optional("namespace", Type::String, "Its namespace; `default` where it has to have one."),
        Attribute::default(
            "optional",
            Type::Bool,
            false,
            "Whether it may be missing, and its kind, too: `object` is null then. Otherwise that is an error.",
        ),
        Attribute::computed(
            "object",
            Type::Any,
            "The object as the cluster holds it. The data of a Secret is sensitive.",
        ),
    ]);
    attributes
}

fn objects_found() -> Vec<Attribute> {
    let text = |name, description| Attribute::optional(name, Type::String, description);
    let mut attributes = Vec::from(of_type());
    attributes.extend([
        text("namespace", "The namespace to look in; all of them if left out."),
        text("label_selector", "Which labels they have, as `kubectl get -l` takes it: `app=web,tier!=cache`."),
        text("field_selector", "Which fields they have, as `kubectl get --field-selector` takes it."),
        Attribute::computed(
            "objects",
            Type::Any,
            "A list of the objects as the cluster holds them, perhaps empty. The data of Secrets is sensitive.",
        ),
    ]);
    attributes
}
