//! Versions of a workload: what they are called and how their pods are told apart.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::live::Reference;
use crate::write::Write;

/// The label that tells the pods of one version from those of all others.
pub const VERSION_LABEL: &str = "meshform.io/version";
/// The label that says which rollout an object belongs to.
pub const ROLLOUT_LABEL: &str = "meshform.io/rollout";

/// How many hexadecimal digits of the hash a version is called by: one pair in a million million is alike.
const ID_LENGTH: usize = 10;
/// What Kubernetes allows a name that is to be a label's value, too.
const NAME_LENGTH_MAX: usize = 63;

/// One version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// What tells it from the others: the hash of its pod template, or the name of the Deployment that was adopted.
    pub id: String,
    /// The name of its Deployment.
    pub deployment: String,
    /// The name of the Service that selects only its pods.
    pub service: String,
    /// The labels that all its pods have and no other pods have.
    pub pin: BTreeMap<String, String>,
}

impl Version {
    /// The version that a pod template makes of a rollout.
    pub fn of_template(rollout: &str, template: &Json) -> Self {
        let id = id(template);
        let name = named(rollout, &id);
        let pin = [(ROLLOUT_LABEL.to_owned(), label_of(rollout)), (VERSION_LABEL.to_owned(), id.clone())];
        Self { id, deployment: name.clone(), service: name, pin: pin.into() }
    }

    /// The version that an existing Deployment is: its pods bear no label of ours, but `pod-template-hash`, by which Kubernetes itself
    /// tells the pods of each template.
    pub fn adopted(rollout: &str, deployment: &str, pod_template_hash: &str) -> Self {
        let pin = [("pod-template-hash".to_owned(), pod_template_hash.to_owned())];
        Self {
            id: pod_template_hash.to_owned(),
            deployment: deployment.to_owned(),
            service: named(rollout, pod_template_hash),
            pin: pin.into(),
        }
    }

    /// The write that makes its Deployment, with as many pods.
    pub(crate) fn deployment_write(
        &self,
        template: &Json,
        selector: &BTreeMap<String, String>,
        replicas: u64,
    ) -> Write {
        let mut labels = selector.clone();
        labels.extend(self.pin.clone());
        let mut template = template.clone();
        let own = template.pointer("/metadata/labels").and_then(Json::as_object).cloned();
        let mut of_pods = own.unwrap_or_default();
        of_pods.extend(json_map(&labels));
        if !template.get("metadata").is_some_and(Json::is_object) {
            template["metadata"] = json!({});
        }
        template["metadata"]["labels"] = Json::Object(of_pods);
        Write::apply(
            Reference::deployment(&self.deployment),
            json!({
                "metadata": { "labels": json_map(&self.pin) },
                "spec": {
                    "replicas": replicas,
                    "selector": { "matchLabels": json_map(&labels) },
                    "template": template,
                },
            }),
        )
    }

    /// The write that makes the Service that selects only its pods.
    pub(crate) fn service_write(&self, rollout: &str, ports: &Json) -> Write {
        Write::apply(
            Reference::service(&self.service),
            json!({
                "metadata": { "labels": { ROLLOUT_LABEL: label_of(rollout) } },
                "spec": { "selector": json_map(&self.pin), "ports": ports },
            }),
        )
    }
}

fn json_map(labels: &BTreeMap<String, String>) -> Map<String, Json> {
    labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
}

/// The hash of a pod template, whatever the order of its keys, and whether it says nulls and empty parts or leaves them out.
pub fn id(template: &Json) -> String {
    let text = canonical(template).unwrap_or(Json::Null).to_string();
    let hash = blake3::hash(text.as_bytes()).to_hex();
    hash.as_str().chars().take(ID_LENGTH).collect()
}

/// Nothing for what says nothing.
fn canonical(value: &Json) -> Option<Json> {
    match value {
        Json::Null => None,
        Json::Object(fields) => {
            let fields: BTreeMap<_, _> =
                fields.iter().filter_map(|(name, part)| Some((name.clone(), canonical(part)?))).collect();
            (!fields.is_empty()).then(|| Json::Object(fields.into_iter().collect()))
        }
        // An element that says nothing still has its place.
        Json::Array(elements) => {
            let elements: Vec<_> =
                elements.iter().map(|part| canonical(part).unwrap_or(Json::Null)).collect();
            (!elements.is_empty()).then_some(Json::Array(elements))
        }
        other => Some(other.clone()),
    }
}

/// The rollout's name and the version's, shortened to what a name may be.
fn named(rollout: &str, id: &str) -> String {
    let room = NAME_LENGTH_MAX.saturating_sub(id.len() + 1);
    let kept: String = rollout.chars().take(room).collect();
    format!("{}-{id}", kept.trim_end_matches(['-', '.']))
}

/// The rollout's name as the value of [`ROLLOUT_LABEL`].
pub(crate) fn label_of(rollout: &str) -> String {
    let kept: String = rollout.chars().take(NAME_LENGTH_MAX).collect();
    kept.trim_end_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn only_what_a_template_says_counts() {
        let check = |a: &str, b: &str, are_same: bool| {
            assert_eq!(id(&parsed(a)) == id(&parsed(b)), are_same, "{a} and {b}");
        };
        check(r#"{"a": 1, "b": {"c": 2, "d": 3}}"#, r#"{"b": {"d": 3, "c": 2}, "a": 1}"#, true);
        check(r#"{"a": 1, "b": null, "c": {}, "d": []}"#, r#"{"a": 1}"#, true);
        check(r#"{"a": {"b": {"c": null}}}"#, "{}", true);
        check(r#"{"a": [{}, 1]}"#, r#"{"a": [1]}"#, false);
        check(r#"{"a": [1, 2]}"#, r#"{"a": [2, 1]}"#, false);
        check(r#"{"a": "1"}"#, r#"{"a": 1}"#, false);
        check(r#"{"image": "web:1"}"#, r#"{"image": "web:2"}"#, false);
    }

    #[test]
    fn the_names_are_names_however_long_the_rollout_is_called() {
        for length in [1, 40, 52, 53, 63, 200] {
            let rollout = "a-".repeat(length);
            let version = Version::of_template(&rollout, &parsed("{}"));
            assert!(version.deployment.len() <= 63, "{length}");
            assert!(!version.deployment.contains("--"), "{}", version.deployment);
            assert!(version.pin.values().all(|value| value.len() <= 63 && !value.ends_with('-')));
        }
    }

    #[test]
    fn the_selector_of_a_version_is_pinned() {
        let template = parsed(r#"{"metadata": {"labels": {"tier": "web"}}, "spec": {"containers": []}}"#);
        let version = Version::of_template("shop", &template);
        let selector = [("app".to_owned(), "shop".to_owned())].into();
        let Write::Apply(_, document) = version.deployment_write(&template, &selector, 3) else {
            unreachable!("a Deployment is applied")
        };
        let selected = document.pointer("/spec/selector/matchLabels").unwrap();
        let labels = document.pointer("/spec/template/metadata/labels").unwrap();
        let expect = json!({ "app": "shop", ROLLOUT_LABEL: "shop", VERSION_LABEL: version.id });
        assert_eq!(*selected, expect);
        assert!(expect.as_object().unwrap().iter().all(|(name, value)| labels.get(name) == Some(value)));
        assert_eq!(labels["tier"], "web");
        assert_eq!(document["spec"]["replicas"], 3);
    }
}
