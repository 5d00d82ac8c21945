//! Why something does not work: warnings about it, and the last words of its containers.

use serde_json::Value as Json;

use super::Cluster;
use super::observe::items_of;
use super::send::Retry;
use crate::catalog::Resource;
use crate::identity::TypeName;
use crate::last_words::{LINES_MAX, Needles, ended, last_lines, secrets_of};
use crate::request::{Place, Selection};

/// How many events are read for a cause.
pub(super) const EVENTS_MAX: u32 = 50;

impl Cluster {
    /// What a selection finds, or nothing where that may not be seen.
    pub(super) async fn listed(
        &self,
        resource: &Resource,
        namespace: &str,
        selection: Selection<'_>,
        limit: u32,
    ) -> Vec<Json> {
        let place = Place { resource, namespace };
        match self.api.send(place.list(&selection, limit, ""), Retry::Read).await {
            Ok(mut answer) => items_of(&mut answer.body, resource),
            // It is only to explain a failure: without it the explanation is shorter.
            Err(_) => Vec::new(),
        }
    }

    /// The newest warning about an object.
    pub(super) async fn warning(&self, object: &Json) -> Option<String> {
        let events =
            Resource { of_type: TypeName::new("v1", "Event"), plural: "events".into(), is_namespaced: true };
        let fields = format!("involvedObject.uid={},type=Warning", text(object, "/metadata/uid"));
        let selection = Selection { fields: &fields, labels: "" };
        let found = self.listed(&events, text(object, "/metadata/namespace"), selection, EVENTS_MAX).await;
        let at = |event: &Json| {
            let times = ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
            times.map(|pointer| text(event, pointer).to_owned())
        };
        let newest = found.iter().max_by_key(|event| at(event))?;
        Some(format!("{}: {}", text(newest, "/reason"), text(newest, "/message")))
    }
    /// What a pod's container wrote before it ended, in lines of their own; nothing where none has ended.
    pub(super) async fn last_words(&self, pod: &Json) -> Option<String> {
        let end = ended(pod)?;
        let namespace = text(pod, "/metadata/namespace");
        let Some(needles) = self.needles(pod, namespace).await else {
            return Some(format!(
                "The log of container {} is left out: the Secrets that it may hold could not be read.",
                end.container
            ));
        };
        let pods = pods();
        let place = Place { resource: &pods, namespace };
        let name = text(pod, "/metadata/name");
        let log = self.api.text(place.log(name, &end.container, end.is_previous, LINES_MAX)).await;
        let lines = log.map(|log| last_lines(&log, &needles)).unwrap_or_default();
        let lines = if lines.is_empty() { last_lines(&end.message, &needles) } else { lines };
        let last = format!("The last lines of container {} in pod {name}:", end.container);
        (!lines.is_empty()).then(|| [vec![last], lines].concat().join("\n  "))
    }

    /// All that is secret about a pod; `None` where that cannot be told.
    async fn needles(&self, pod: &Json, namespace: &str) -> Option<Needles> {
        let secrets = Resource {
            of_type: TypeName::new("v1", "Secret"),
            plural: "secrets".into(),
            is_namespaced: true,
        };
        let place = Place { resource: &secrets, namespace };
        let mut needles = Needles::default();
        for name in secrets_of(pod) {
            match self.api.send(place.get(&name), Retry::Read).await {
                Ok(answer) => needles.learn(&answer.body),
                // An optional one need not be there.
                Err(failure) if failure.status().is_some_and(|status| status.is_not_found()) => {}
                Err(_) => return None,
            }
        }
        Some(needles)
    }
}

/// The kind of pods.
pub(super) fn pods() -> Resource {
    Resource { of_type: TypeName::new("v1", "Pod"), plural: "pods".into(), is_namespaced: true }
}

fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}
