//! What a pod answers: who it is and what it was configured with; or the files that its ConfigMaps hold.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use base64::Engine as _;
use http::request::Parts;
use http::{HeaderValue, Response, header};
use serde_json::Value;

use crate::kube::object::{self, list, map, text};
use crate::kube::state::State;

/// Stands in for values that come from Secrets.
const HIDDEN: &str = "(secret)";

/// Mount paths that end like this are what web servers serve from `/`.
const DOCUMENT_ROOTS: [&str; 5] = ["html", "htdocs", "www", "public", "static"];

/// The answer of a pod's container, which has got `requests` by now.
pub(super) fn answer(
    state: &State,
    pod: &Arc<Value>,
    container: &Value,
    asked: &Parts,
    requests: u64,
) -> Response<Body> {
    let (media, content) = match file(state, pod, container, asked.uri.path()) {
        Some((name, content)) => (media_type(&name), content),
        None => {
            let mut page = describe(state, pod, container);
            tell_request(&mut page, asked, requests);
            ("text/plain; charset=utf-8", page.into_bytes())
        }
    };
    let mut response = Response::new(Body::from(content));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// The request, as it has arrived.
fn tell_request(page: &mut String, asked: &Parts, requests: u64) {
    // Writing to a text cannot fail.
    let _ = writeln!(page, "requests: {requests}");
    let _ = writeln!(page, "request: {} {}", asked.method, asked.uri);
    let _ = writeln!(page, "headers:");
    let shown = asked.headers.iter().filter(|(name, _)| *name != header::AUTHORIZATION);
    for (name, value) in shown {
        let _ = writeln!(page, "  {name}={}", value.to_str().unwrap_or_default());
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

/// The pod in words.
fn describe(state: &State, pod: &Arc<Value>, container: &Value) -> String {
    let mut page = String::new();
    // Writing to a text cannot fail.
    let _ = writeln!(page, "pod: {}", object::name(pod));
    let _ = writeln!(page, "namespace: {}", object::namespace(pod));
    let _ = writeln!(page, "node: {}", text(pod, "/spec/nodeName"));
    let _ = writeln!(page, "container: {}", text(container, "/name"));
    let _ = writeln!(page, "image: {}", text(container, "/image"));
    let _ = writeln!(page, "labels:");
    for (key, value) in map(pod, "/metadata/labels") {
        let _ = writeln!(page, "  {key}={}", value.as_str().unwrap_or_default());
    }
    let _ = writeln!(page, "env:");
    for (name, value) in environment(state, pod, container) {
        let _ = writeln!(page, "  {name}={value}");
    }
    page
}

fn environment(state: &State, pod: &Value, container: &Value) -> Vec<(String, String)> {
    let namespace = object::namespace(pod);
    let mut all = Vec::new();
    for source in list(container, "/envFrom") {
        let prefix = text(source, "/prefix");
        for (reference, resource) in [("/configMapRef/name", "configmaps"), ("/secretRef/name", "secrets")] {
            let Some(content) = state.get(resource, namespace, text(source, reference)) else { continue };
            for (key, value) in map(content, "/data") {
                let value = if resource == "secrets" { HIDDEN } else { value.as_str().unwrap_or_default() };
                all.push((format!("{prefix}{key}"), value.to_owned()));
            }
        }
    }
    for variable in list(container, "/env") {
        let name = text(variable, "/name").to_owned();
        all.retain(|(known, _)| *known != name);
        if let Some(value) = value_of(state, pod, variable) {
            all.push((name, value));
        }
    }
    all
}

fn value_of(state: &State, pod: &Value, variable: &Value) -> Option<String> {
    let Some(source) = variable.get("valueFrom") else { return Some(text(variable, "/value").to_owned()) };
    if source.get("secretKeyRef").is_some() {
        return Some(HIDDEN.to_owned());
    }
    if let Some(reference) = source.get("configMapKeyRef") {
        let content = state.get("configmaps", object::namespace(pod), text(reference, "/name"))?;
        return map(content, "/data").get(text(reference, "/key"))?.as_str().map(str::to_owned);
    }
    let field = text(source, "/fieldRef/fieldPath").replace('.', "/");
    match pod.pointer(&format!("/{field}"))? {
        Value::String(value) => Some(value.clone()),
        other => Some(other.to_string()),
    }
}

/// The file that a request's path names: its path in the container, or its path below a document root.
fn file(state: &State, pod: &Value, container: &Value, path: &str) -> Option<(String, Vec<u8>)> {
    for mount in list(container, "/volumeMounts") {
        let at = text(mount, "/mountPath").trim_end_matches('/');
        let is_root = DOCUMENT_ROOTS.iter().any(|root| at.ends_with(root));
        let below = match path.strip_prefix(at) {
            Some(below) if !at.is_empty() => below,
            _ if is_root => path,
            _ => continue,
        };
        let volume = list(pod, "/spec/volumes").iter().find(|volume| volume["name"] == mount["name"])?;
        let index = is_root && below.ends_with('/');
        let wanted = if index { format!("{below}index.html") } else { below.to_owned() };
        let wanted = wanted.trim_start_matches('/');
        let sub_path = text(mount, "/subPath");
        let wanted = if sub_path.is_empty() || !wanted.is_empty() { wanted } else { sub_path };
        if let Some(content) = content(state, pod, volume, wanted) {
            return Some((wanted.to_owned(), content));
        }
    }
    None
}

fn content(state: &State, pod: &Value, volume: &Value, file: &str) -> Option<Vec<u8>> {
    let source = volume.get("configMap")?;
    let items = list(source, "/items");
    let key = match items.iter().find(|item| text(item, "/path") == file) {
        Some(item) => text(item, "/key"),
        None if items.is_empty() => file,
        None => return None,
    };
    let content = state.get("configmaps", object::namespace(pod), text(source, "/name"))?;
    if let Some(value) = map(content, "/data").get(key) {
        return value.as_str().map(|value| value.as_bytes().to_vec());
    }
    let encoded = map(content, "/binaryData").get(key)?.as_str()?;
    base64::engine::general_purpose::STANDARD.decode(encoded).ok()
}
