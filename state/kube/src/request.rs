//! HTTP requests to the API server, as values.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use serde_json::{Value as Json, json};

/// Objects in a list's page, where only what is said about them is asked for.
const PAGE_OF_METADATA: usize = 500;
/// And where all of them is: each may have a megabyte.
const PAGE_OF_OBJECTS: usize = 20;

const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// A kind of object that is used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `v1`, `Secret`.
    Secret,
    /// `coordination.k8s.io/v1`, `Lease`.
    Lease,
}

impl Kind {
    fn path(self, namespace: &str) -> String {
        match self {
            Self::Secret => format!("/api/v1/namespaces/{namespace}/secrets"),
            Self::Lease => format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"),
        }
    }
}

/// A request with its body, to be sent more than once.
pub(crate) type ApiRequest = Request<Vec<u8>>;

/// Reads an object.
pub(crate) fn get(kind: Kind, namespace: &str, name: &str) -> Result<ApiRequest, http::Error> {
    request(Method::GET, &format!("{}/{name}", kind.path(namespace)), None)
}

/// Creates an object.
pub(crate) fn create(kind: Kind, namespace: &str, object: &Json) -> Result<ApiRequest, http::Error> {
    request(Method::POST, &format!("{}?fieldManager=meshform", kind.path(namespace)), Some(object))
}

/// Replaces an object: the one of the resource version that is in its metadata.
pub(crate) fn replace(
    kind: Kind,
    namespace: &str,
    name: &str,
    object: &Json,
) -> Result<ApiRequest, http::Error> {
    request(Method::PUT, &format!("{}/{name}?fieldManager=meshform", kind.path(namespace)), Some(object))
}

/// Deletes an object, if it is the one of that UID.
pub(crate) fn delete(kind: Kind, namespace: &str, name: &str, uid: &str) -> Result<ApiRequest, http::Error> {
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions",
        "preconditions": { "uid": uid }, "propagationPolicy": "Background",
    });
    request(Method::DELETE, &format!("{}/{name}", kind.path(namespace)), Some(&options))
}

/// How much of the objects a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What is said about them.
    Metadata,
    /// All.
    Objects,
}

/// A page of a list, by labels; the first, or the one that the page before told how to go on with.
pub(crate) fn list(
    kind: Kind,
    namespace: &str,
    selector: &str,
    extent: Extent,
    go_on: &str,
) -> Result<ApiRequest, http::Error> {
    let limit = if extent == Extent::Metadata { PAGE_OF_METADATA } else { PAGE_OF_OBJECTS };
    let (path, selector, go_on) = (kind.path(namespace), encoded(selector), encoded(go_on));
    let mut uri = format!("{path}?labelSelector={selector}&limit={limit}");
    if !go_on.is_empty() {
        uri = format!("{uri}&continue={go_on}");
    }
    let mut request = request(Method::GET, &uri, None)?;
    if extent == Extent::Metadata {
        request.headers_mut().insert(ACCEPT, http::HeaderValue::from_static(METADATA_ONLY));
    }
    Ok(request)
}

fn request(method: Method, uri: &str, body: Option<&Json>) -> Result<ApiRequest, http::Error> {
    let builder = Request::builder().method(method).uri(uri).header(ACCEPT, "application/json");
    match body {
        Some(body) => builder.header(CONTENT_TYPE, "application/json").body(body.to_string().into_bytes()),
        None => builder.body(Vec::new()),
    }
}

/// A value in a query (RFC 3986, 2.3: what need not be escaped).
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: Result<ApiRequest, http::Error>, expect: &str) {
        let request = request.unwrap();
        assert_eq!(format!("{} {}", request.method(), request.uri()), expect);
    }

    #[test]
    fn requests_are_those_of_the_api() {
        let (secret, lease) = (Kind::Secret, Kind::Lease);
        check(get(secret, "ops", "a"), "GET /api/v1/namespaces/ops/secrets/a");
        check(
            create(lease, "ops", &json!({})),
            "POST /apis/coordination.k8s.io/v1/namespaces/ops/leases?fieldManager=meshform",
        );
        check(
            replace(secret, "ops", "a", &json!({})),
            "PUT /api/v1/namespaces/ops/secrets/a?fieldManager=meshform",
        );
        check(
            list(secret, "ops", "a=b,c=d", Extent::Metadata, ""),
            "GET /api/v1/namespaces/ops/secrets?labelSelector=a%3Db%2Cc%3Dd&limit=500",
        );
        check(
            list(secret, "ops", "a", Extent::Objects, "x+/="),
            "GET /api/v1/namespaces/ops/secrets?labelSelector=a&limit=20&continue=x%2B%2F%3D",
        );
        let body = delete(secret, "ops", "a", "u").unwrap().into_body();
        let body: Json = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["preconditions"]["uid"], "u");
    }
}
