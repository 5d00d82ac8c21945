//! What the tables of routing tests share: requests and verdicts in short, objects in YAML.

use http::Request;
use http::request::Parts;
use serde_json::Value;

use super::{Backend, Port, Target, Verdict};
use crate::kube::store::Store;

/// A request in short: `GET mini-echo.io/path?query header=value …`, the method may be left out.
pub(super) fn request(short: &str) -> Parts {
    let mut words = short.split(' ').peekable();
    let method = words.next_if(|word| word.chars().all(|c| c.is_ascii_uppercase())).unwrap_or("GET");
    let place = words.next().unwrap();
    let (host, path) =
        place.split_once('/').map_or((place, String::new()), |(host, path)| (host, path.to_owned()));
    let mut request = Request::builder().method(method).uri(format!("/{path}")).header("host", host);
    for (name, value) in words.map(|word| word.split_once('=').unwrap()) {
        request = request.header(name, value.replace('+', " "));
    }
    request.body(()).unwrap().into_parts().0
}

/// Objects, a YAML document each; the order of the documents is their age.
pub(super) fn objects(yaml: &str) -> Vec<Value> {
    let documents = yaml.split("\n---\n").enumerate().map(|(age, document)| {
        let mut object: Value = serde_saphyr::from_str(document).unwrap();
        object["metadata"]["creationTimestamp"] = format!("2026-01-01T00:00:{age:02}Z").into();
        if object["metadata"]["namespace"].is_null() && object["kind"] != "Namespace" {
            object["metadata"]["namespace"] = "default".into();
        }
        object
    });
    documents.collect()
}

/// A store with the objects.
pub(super) fn store(yaml: &str) -> Store {
    let mut store = Store::in_memory();
    for object in objects(yaml) {
        let kind = object["kind"].as_str().unwrap().to_lowercase();
        let group =
            object["apiVersion"].as_str().unwrap().rsplit_once('/').map(|(group, _)| format!(".{group}"));
        store.put(&format!("{kind}s{}", group.unwrap_or_default()), object);
    }
    store
}

/// A verdict in short: `old*80 new:8080*20 -> /path @host ?required +request:header`, or `404`.
pub(super) fn short(verdict: &Verdict) -> String {
    let forward = match verdict {
        Verdict::Answer(canned) => {
            let location =
                canned.location.as_ref().map(|location| format!(" {location}")).unwrap_or_default();
            return format!("{}{location}", canned.status);
        }
        Verdict::Forward(forward) => forward,
    };
    let mut words: Vec<String> = forward
        .shares
        .iter()
        .map(|share| match &share.target {
            Target::Backend(backend) => format!("{}*{}", name(backend), share.weight),
            Target::Broken(status) => format!("{status}*{}", share.weight),
        })
        .collect();
    words.extend(forward.edits.path.iter().map(|path| format!("->{path}")));
    words.extend(forward.edits.host.iter().map(|host| format!("@{host}")));
    words.extend(forward.edits.request.set.iter().map(|(name, value)| format!("+{name}:{value}")));
    words.extend(forward.edits.response.set.iter().map(|(name, value)| format!("<{name}:{value}")));
    words.extend(forward.mirrors.iter().map(|(backend, percent)| format!("~{}*{percent}", name(backend))));
    words.extend(forward.required.iter().map(|required| format!("!{}", name(required))));
    words.extend(forward.fault.delay.iter().map(|(percent, delay)| format!("delay{percent}:{delay:?}")));
    words.extend(forward.fault.abort.iter().map(|(percent, status)| format!("abort{percent}:{status}")));
    words.extend(forward.timeout.iter().map(|limit| format!("within:{limit:?}")));
    words.join(" ")
}

fn name(backend: &Backend) -> String {
    let namespace = match backend.namespace.as_str() {
        "default" => String::new(),
        other => format!("{other}/"),
    };
    let port = match &backend.port {
        Port::Number(number) => format!(":{number}"),
        Port::Name(name) => format!(":{name}"),
        Port::Only => String::new(),
    };
    let labels: Vec<String> = backend
        .labels
        .iter()
        .map(|(key, value)| format!("[{key}={}]", value.as_str().unwrap_or_default()))
        .collect();
    format!("{namespace}{}{port}{}", backend.service, labels.join(""))
}
