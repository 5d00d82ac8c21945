//! What a pod answers: who it is and what it was configured with; or the files that its ConfigMaps hold.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use http::request::Parts;
use http::{HeaderValue, Response, header};
use serde_json::Value;

use super::container::{Secrets, environment, mounted};
use crate::kube::object::{self, list, map, text};
use crate::kube::state::State;

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
    for (name, value) in environment(state, pod, container, Secrets::Hidden) {
        let _ = writeln!(page, "  {name}={value}");
    }
    page
}

/// The file that a request's path names: its path in the container, or its path below a document root.
fn file(state: &State, pod: &Value, container: &Value, path: &str) -> Option<(String, Vec<u8>)> {
    for mount in list(container, "/volumeMounts").iter().filter(|mount| is_of_settings(pod, mount)) {
        let at = text(mount, "/mountPath").trim_end_matches('/');
        let is_root = DOCUMENT_ROOTS.iter().any(|root| at.ends_with(root));
        let mut wanted = match path.strip_prefix(at) {
            Some(_) if !at.is_empty() => path.to_owned(),
            _ if is_root => format!("{at}{path}"),
            _ => continue,
        };
        if is_root && wanted.ends_with('/') {
            wanted.push_str("index.html");
        }
        let files = mounted(state, pod, mount, Secrets::Hidden);
        if let Some(found) = files.into_iter().find(|(file, _)| *file == wanted) {
            return Some(found);
        }
    }
    None
}

/// Whether a mount shows a ConfigMap.
fn is_of_settings(pod: &Value, mount: &Value) -> bool {
    let volume = list(pod, "/spec/volumes").iter().find(|volume| volume["name"] == mount["name"]);
    volume.is_some_and(|volume| volume.get("configMap").is_some())
}
