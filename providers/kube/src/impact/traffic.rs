//! Services behind which nothing is left.

use std::collections::BTreeMap;

use meshform_engine::ports::Impact;
use serde_json::Value as Json;

use super::{Around, Deed, replicas, selects, text};

/// Whether a Service has another selector from now on.
pub(super) fn redirects(deed: &Deed) -> bool {
    deed.before.pointer("/spec/selector") != deed.after.pointer("/spec/selector")
}

/// What each change, by its position, takes away from which Services.
pub(super) fn lost(deeds: &[Deed], around: &Around) -> BTreeMap<usize, Impact> {
    let mut lost: BTreeMap<usize, Impact> = BTreeMap::new();
    for (namespace, services) in &around.services {
        let here: Vec<_> =
            deeds.iter().enumerate().filter(|(_, deed)| deed.name.namespace == *namespace).collect();
        for service in services {
            let name = text(service, "/metadata/name");
            let own = here.iter().find(|(_, deed)| deed.is("", "Service") && deed.name.name == name);
            if own.is_some_and(|(_, deed)| deed.after.is_null()) {
                continue;
            }
            let selector = own.map_or(service, |(_, deed)| &deed.after).pointer("/spec/selector");
            let Some(selector) =
                selector.filter(|selector| selector.as_object().is_some_and(|it| !it.is_empty()))
            else {
                continue;
            };
            let pods = around.pods.get(namespace).map(Vec::as_slice).unwrap_or_default();
            let was = service.pointer("/spec/selector").unwrap_or(&Json::Null);
            if !pods.iter().any(|pod| serves(pod, was)) {
                // Nothing was behind it before.
                continue;
            }
            let changes: Vec<_> =
                here.iter().filter(|(_, deed)| takes(deed, was)).map(|(at, _)| *at).collect();
            let stays =
                pods.iter().any(|pod| serves(pod, selector) && !here.iter().any(|(_, deed)| ends(deed, pod)));
            if stays {
                continue;
            }
            let blamed = changes.into_iter().chain(own.map(|(at, _)| *at).filter(|_| was != selector));
            let comes = here.iter().any(|(_, deed)| brings(deed, selector));
            for at in blamed {
                lost.entry(at).or_default().push(sentence(name, comes));
            }
        }
    }
    lost
}

fn sentence(service: &str, comes: bool) -> String {
    match comes {
        true => format!("Service {service} has no endpoints until new pods are ready."),
        false => format!("Service {service} loses all of its endpoints."),
    }
}

/// Whether a pod is an endpoint of what selects it.
fn serves(pod: &Json, selector: &Json) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Json::as_array).into_iter().flatten();
    let is_ready =
        conditions.into_iter().any(|it| text(it, "/type") == "Ready" && text(it, "/status") == "True");
    is_ready
        && pod.pointer("/metadata/deletionTimestamp").is_none()
        && selects(selector, pod.pointer("/metadata/labels").unwrap_or(&Json::Null))
}

/// Whether a change takes pods away all at once that a selector finds.
fn takes(deed: &Deed, selector: &Json) -> bool {
    let labels =
        |object: &Json| object.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default();
    deed.is_workload()
        && selects(selector, &labels(&deed.before))
        && (is_emptied(deed) || !selects(selector, &labels(&deed.after)))
}

/// Whether there is a moment in which no pod of it runs.
fn is_emptied(deed: &Deed) -> bool {
    let recreates = text(&deed.after, "/spec/strategy/type") == "Recreate" && deed.rolls();
    deed.removes() || recreates || (deed.fewer() > 0 && replicas(&deed.after) == 0)
}

/// Whether a pod ends with a change, before another one is in its place.
fn ends(deed: &Deed, pod: &Json) -> bool {
    let selector = deed.before.pointer("/spec/selector").unwrap_or(&Json::Null);
    let labels =
        |object: &Json| object.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default();
    let relabels = labels(&deed.before) != labels(&deed.after);
    let pod_labels = pod.pointer("/metadata/labels").unwrap_or(&Json::Null);
    deed.is_workload() && (is_emptied(deed) || relabels) && selects(selector, pod_labels)
}

/// Whether a change brings pods that a selector finds.
fn brings(deed: &Deed, selector: &Json) -> bool {
    let labels = deed.after.pointer("/spec/template/metadata/labels").unwrap_or(&Json::Null);
    deed.is_workload() && replicas(&deed.after) > 0 && selects(selector, labels)
}
