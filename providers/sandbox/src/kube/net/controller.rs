//! Pods that are ingress controllers: they route by the Ingresses of the cluster.

use serde_json::Value;

use super::pod::annotation;
use crate::kube::object::{list, text};

/// What the images of ingress-nginx's controllers are called, ACK's among them.
const IMAGES: [&str; 2] = ["ingress-nginx/controller", "nginx-ingress-controller"];
/// Where such a controller tells its health and metrics.
const HEALTH_PORT: u16 = 10254;

/// The class of Ingresses that a pod serves on a port, empty for all of them; nothing if the pod is no ingress
/// controller there. `sandbox.meshform.dev/serves: ingress` makes any pod one.
pub(super) fn class_served(pod: &Value, port: u16) -> Option<String> {
    let containers = list(pod, "/spec/containers");
    let is_controller =
        |container: &&Value| IMAGES.iter().any(|image| text(container, "/image").contains(image));
    let told = annotation(pod, "serves") == "ingress";
    let container = containers.iter().find(is_controller).or_else(|| containers.first().filter(|_| told))?;
    if port == HEALTH_PORT {
        return None;
    }
    let arguments =
        list(container, "/args").iter().chain(list(container, "/command")).filter_map(Value::as_str);
    let class = { arguments }.find_map(|argument| argument.strip_prefix("--ingress-class="));
    Some(class.unwrap_or_default().to_owned())
}
