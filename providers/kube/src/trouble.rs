//! Why a pod does not run: the deepest cause that its status tells.

use serde_json::Value as Json;

/// What keeps a pod from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What and why, in a few words.
    pub(crate) text: String,
    /// Whether it does not go away by waiting a little: an image that cannot be pulled, a container that keeps crashing.
    pub(crate) is_lasting: bool,
}

/// Reasons of a waiting container for which someone must do something.
const LASTING: [&str; 9] = [
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
];

/// What keeps a pod from running, if its status tells of anything.
pub(crate) fn pod_trouble(pod: &Json) -> Option<Trouble> {
    let containers = ["/status/initContainerStatuses", "/status/containerStatuses"]
        .into_iter()
        .filter_map(|pointer| pod.pointer(pointer)?.as_array())
        .flatten();
    containers
        .filter_map(container_trouble)
        .max_by_key(|trouble| trouble.is_lasting)
        .or_else(|| unscheduled(pod))
}

fn container_trouble(container: &Json) -> Option<Trouble> {
    let name = text(container, "/name");
    let waiting = container.pointer("/state/waiting");
    if let Some(reason) = waiting.map(|waiting| text(waiting, "/reason")).filter(|reason| is_trouble(reason))
    {
        let message = text(container, "/state/waiting/message");
        let last = ended(container.pointer("/lastState/terminated")).map(|last| format!(" ({last})"));
        let why = if message.is_empty() { String::new() } else { format!(": {message}") };
        return Some(Trouble {
            text: format!("container {name}: {reason}{why}{}", last.unwrap_or_default()),
            is_lasting: LASTING.contains(&reason),
        });
    }
    let ended = ended(container.pointer("/state/terminated"))?;
    Some(Trouble { text: format!("container {name}: {ended}"), is_lasting: false })
}

fn is_trouble(reason: &str) -> bool {
    !matches!(reason, "" | "ContainerCreating" | "PodInitializing")
}

/// How a container ended, if not well.
fn ended(terminated: Option<&Json>) -> Option<String> {
    let terminated = terminated?;
    let code = terminated.get("exitCode").and_then(Json::as_i64)?;
    if code == 0 {
        return None;
    }
    // The message is the container's own, and may hold secrets: see `last_words`.
    Some(match text(terminated, "/reason") {
        "" => format!("ended with exit code {code}"),
        reason => format!("ended with exit code {code}: {reason}"),
    })
}

fn unscheduled(pod: &Json) -> Option<Trouble> {
    let conditions = pod.pointer("/status/conditions")?.as_array()?;
    let scheduled = conditions.iter().find(|condition| text(condition, "/type") == "PodScheduled")?;
    (text(scheduled, "/status") == "False").then(|| Trouble {
        text: format!("{}: {}", text(scheduled, "/reason"), text(scheduled, "/message")),
        is_lasting: false,
    })
}

/// Whether a pod is of its workload's newest template, as far as its labels tell. `replica_sets` are those of a Deployment.
///
/// A pod of an older template may be broken for as long as it likes: it is on its way out.
pub(crate) fn is_newest(pod: &Json, workload: &Json, replica_sets: &[Json]) -> bool {
    match text(workload, "/kind") {
        "Deployment" => {
            let revision = text(workload, "/metadata/annotations/deployment.kubernetes.io~1revision");
            let newest = replica_sets.iter().find(|set| {
                owner(set) == text(workload, "/metadata/uid")
                    && text(set, "/metadata/annotations/deployment.kubernetes.io~1revision") == revision
            });
            newest.is_none_or(|set| owner(pod) == text(set, "/metadata/uid"))
        }
        "StatefulSet" => {
            let newest = text(workload, "/status/updateRevision");
            newest.is_empty() || text(pod, "/metadata/labels/controller-revision-hash") == newest
        }
        _ => true,
    }
}

/// The label selector of a workload's pods, as a query has it; `None` for what has no pods.
pub(crate) fn pod_selector(workload: &Json) -> Option<String> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"];
    if !kinds.contains(&text(workload, "/kind")) {
        return None;
    }
    let labels = workload.pointer("/spec/selector/matchLabels").and_then(Json::as_object);
    let equal = labels.into_iter().flatten();
    let equal = equal.filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)));
    let expressions = workload.pointer("/spec/selector/matchExpressions").and_then(Json::as_array);
    let parts: Vec<_> = equal.chain(expressions.into_iter().flatten().filter_map(expression)).collect();
    (!parts.is_empty()).then(|| parts.join(","))
}

fn expression(expression: &Json) -> Option<String> {
    let key = text(expression, "/key");
    let values = expression.get("values").and_then(Json::as_array).into_iter().flatten();
    let values: Vec<_> = values.filter_map(Json::as_str).collect();
    match text(expression, "/operator") {
        "In" => Some(format!("{key} in ({})", values.join(","))),
        "NotIn" => Some(format!("{key} notin ({})", values.join(","))),
        "Exists" => Some(key.to_owned()),
        "DoesNotExist" => Some(format!("!{key}")),
        _ => None,
    }
}

fn owner(object: &Json) -> &str {
    text(object, "/metadata/ownerReferences/0/uid")
}

fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(status: Json, expect: Option<(&str, bool)>) {
        let trouble = pod_trouble(&json!({ "status": status }));
        assert_eq!(
            trouble.as_ref().map(|trouble| (trouble.text.as_str(), trouble.is_lasting)),
            expect,
            "{status}"
        );
    }

    fn container(state: Json, last: Json) -> Json {
        json!({ "containerStatuses": [{ "name": "web", "state": state, "lastState": last }] })
    }

    #[test]
    fn the_deepest_cause_is_told() {
        let waiting =
            |reason: &str, message: &str| json!({ "waiting": { "reason": reason, "message": message } });
        check(json!({}), None);
        check(container(waiting("ContainerCreating", ""), json!({})), None);
        check(container(json!({ "running": {} }), json!({})), None);
        check(
            container(waiting("ImagePullBackOff", "not found"), json!({})),
            Some(("container web: ImagePullBackOff: not found", true)),
        );
        check(
            container(
                waiting("CrashLoopBackOff", ""),
                json!({ "terminated": { "exitCode": 3, "reason": "Error" } }),
            ),
            Some(("container web: CrashLoopBackOff (ended with exit code 3: Error)", true)),
        );
        check(
            container(json!({ "terminated": { "exitCode": 1 } }), json!({})),
            Some(("container web: ended with exit code 1", false)),
        );
        check(container(json!({ "terminated": { "exitCode": 0 } }), json!({})), None);
        check(
            json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no nodes" }] }),
            Some(("Unschedulable: no nodes", false)),
        );
    }

    #[test]
    fn selectors_are_written_as_queries_have_them() {
        let selector = json!({
            "matchLabels": { "app": "web" },
            "matchExpressions": [
                { "key": "tier", "operator": "In", "values": ["a", "b"] }, { "key": "old", "operator": "DoesNotExist" },
            ],
        });
        let workload = json!({ "kind": "Deployment", "spec": { "selector": selector } });
        assert_eq!(pod_selector(&workload).as_deref(), Some("app=web,tier in (a,b),!old"));
        assert_eq!(
            pod_selector(&json!({ "kind": "Service", "spec": { "selector": { "app": "web" } } })),
            None
        );
    }

    #[test]
    fn old_pods_do_not_count() {
        let annotated = |uid: &str, revision: &str, owner: &str| {
            json!({
                "kind": "Deployment",
                "metadata": {
                    "uid": uid, "annotations": { "deployment.kubernetes.io/revision": revision },
                    "ownerReferences": [{ "uid": owner }],
                },
            })
        };
        let deployment = annotated("d", "2", "");
        let sets = [annotated("old", "1", "d"), annotated("new", "2", "d")];
        let pod = |owner: &str| json!({ "metadata": { "ownerReferences": [{ "uid": owner }] } });
        assert!(is_newest(&pod("new"), &deployment, &sets));
        assert!(!is_newest(&pod("old"), &deployment, &sets));
        assert!(is_newest(&pod("old"), &deployment, &[]));
    }
}
