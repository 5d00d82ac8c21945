//! Requests to the API as values.

use http::{Method, Request};
use serde_json::{Value as Json, json};

use crate::MANAGER;
use crate::catalog::Resource;

/// The media types of aggregated discovery, the newest first (KEP-3352).
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
     application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// The media type of lists of metadata alone.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// A request with its body in memory, so that it can be sent again.
pub(crate) type ApiRequest = Request<Vec<u8>>;

/// Where one object, or all of a kind, is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    /// The kind.
    pub(crate) resource: &'a Resource,
    /// The namespace; empty for all, or for what has none.
    pub(crate) namespace: &'a str,
}

impl Place<'_> {
    fn path(&self, name: Option<&str>) -> String {
        let of_type = &self.resource.of_type;
        let mut path = match of_type.group.as_str() {
            "" => format!("/api/{}", encoded(&of_type.version)),
            group => format!("/apis/{}/{}", encoded(group), encoded(&of_type.version)),
        };
        if self.resource.is_namespaced && !self.namespace.is_empty() {
            path.extend(["/namespaces/", &encoded(self.namespace)]);
        }
        path.extend(["/", &encoded(&self.resource.plural)]);
        path.extend(name.map(|name| format!("/{}", encoded(name))));
        path
    }

    /// Reads one object.
    pub(crate) fn get(&self, name: &str) -> Result<ApiRequest, http::Error> {
        build(Method::GET, &self.path(Some(name)), &[], None)
    }

    /// Reads one page of what a selection finds.
    pub(crate) fn list(
        &self,
        selection: &Selection<'_>,
        limit: u32,
        next: &str,
    ) -> Result<ApiRequest, http::Error> {
        let limit = limit.to_string();
        let mut query = selection.query();
        query.extend([("limit", limit.as_str()), ("continue", next)]);
        build(Method::GET, &self.path(None), &query, None)
    }

    /// Reads what the first of all objects are called and whose they are, and how many more there are.
    pub(crate) fn list_metadata(&self) -> Result<ApiRequest, http::Error> {
        let mut request = build(Method::GET, &self.path(None), &[("limit", "500")], None)?;
        request.headers_mut().insert(http::header::ACCEPT, http::HeaderValue::from_static(METADATA));
        Ok(request)
    }

    /// Follows what a selection finds from a resource version on; the server ends it after so many seconds.
    pub(crate) fn watch(
        &self,
        selection: &Selection<'_>,
        revision: &str,
        timeout_seconds: u64,
    ) -> Result<ApiRequest, http::Error> {
        let timeout = timeout_seconds.to_string();
        let mut query = selection.query();
        query.extend([
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", revision),
            ("timeoutSeconds", timeout.as_str()),
        ]);
        build(Method::GET, &self.path(None), &query, None)
    }

    /// Applies an object under the name of a field manager.
    pub(crate) fn apply(
        &self,
        name: &str,
        object: &Json,
        manager: &str,
        mode: Mode,
    ) -> Result<ApiRequest, http::Error> {
        let mut query = vec![("fieldManager", manager), ("fieldValidation", "Strict")];
        query.extend(mode.force.then_some(("force", "true")));
        query.extend(mode.dry_run.then_some(("dryRun", "All")));
        // JSON is YAML, and the only patch type of server-side apply that every server version knows is the YAML one.
        let body = ("application/apply-patch+yaml", object.to_string().into_bytes());
        build(Method::PATCH, &self.path(Some(name)), &query, Some(body))
    }

    /// Reads the end of what a container of a pod has written, of the run before this one if so said.
    pub(crate) fn log(
        &self,
        pod: &str,
        container: &str,
        is_previous: bool,
        lines: usize,
    ) -> Result<ApiRequest, http::Error> {
        let lines = lines.to_string();
        let previous = if is_previous { "true" } else { "" };
        let query = [("container", container), ("previous", previous), ("tailLines", lines.as_str())];
        build(Method::GET, &format!("{}/log", self.path(Some(pod))), &query, None)
    }

    /// Asks whether an object could be made, without making it.
    pub(crate) fn try_create(&self, object: &Json) -> Result<ApiRequest, http::Error> {
        let query = [("fieldManager", MANAGER), ("fieldValidation", "Strict"), ("dryRun", "All")];
        let body = ("application/json", object.to_string().into_bytes());
        build(Method::POST, &self.path(None), &query, Some(body))
    }

    /// Deletes an object, what it owns in the background, if it is still this very one.
    pub(crate) fn delete(&self, name: &str, uid: &str, revision: &str) -> Result<ApiRequest, http::Error> {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": { "uid": uid, "resourceVersion": revision },
        });
        let body = ("application/json", options.to_string().into_bytes());
        build(Method::DELETE, &self.path(Some(name)), &[], Some(body))
    }
}

/// Which objects of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection<'a> {
    /// A field selector; empty for all.
    pub(crate) fields: &'a str,
    /// A label selector; empty for all.
    pub(crate) labels: &'a str,
}

impl<'a> Selection<'a> {
    fn query(&self) -> Vec<(&'static str, &'a str)> {
        vec![("fieldSelector", self.fields), ("labelSelector", self.labels)]
    }
}

/// How to apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mode {
    /// Take over what others own.
    pub(crate) force: bool,
    /// Only say what would be.
    pub(crate) dry_run: bool,
}

/// Lists all kinds of `/api` or `/apis`.
pub(crate) fn discover(root: &'static str) -> Result<ApiRequest, http::Error> {
    Request::builder().method(Method::GET).uri(root).header(http::header::ACCEPT, DISCOVERY).body(Vec::new())
}

/// What the server says of itself.
pub(crate) fn version() -> Result<ApiRequest, http::Error> {
    build(Method::GET, "/version", &[], None)
}

fn build(
    method: Method,
    path: &str,
    query: &[(&str, &str)],
    body: Option<(&str, Vec<u8>)>,
) -> Result<ApiRequest, http::Error> {
    let given = query.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<_> = given.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let separator = if query.is_empty() { "" } else { "?" };
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{path}{separator}{}", query.join("&")))
        .header(http::header::ACCEPT, "application/json");
    let (content_type, body) = body.unzip();
    if let Some(content_type) = content_type {
        request = request.header(http::header::CONTENT_TYPE, content_type);
    }
    request.body(body.unwrap_or_default())
}

/// Percent-encoded as RFC 3986 has it for what is not reserved.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::TypeName;

    fn check(request: Result<ApiRequest, http::Error>, expect: &str) {
        let request = request.unwrap();
        assert_eq!(format!("{} {}", request.method(), request.uri()), expect);
    }

    #[test]
    fn requests_name_their_objects() {
        let deployments = Resource {
            of_type: TypeName::new("apps/v1", "Deployment"),
            plural: "deployments".into(),
            is_namespaced: true,
        };
        let roles = Resource {
            of_type: TypeName::new("rbac.authorization.k8s.io/v1", "ClusterRole"),
            plural: "clusterroles".into(),
            is_namespaced: false,
        };
        let web = Place { resource: &deployments, namespace: "web" };
        let anywhere = Place { resource: &deployments, namespace: "" };
        let wide = Place { resource: &roles, namespace: "" };
        let all = Selection::default();
        let one = Selection { fields: "metadata.name=x", labels: "" };
        let in_web = "/apis/apps/v1/namespaces/web/deployments";
        check(web.get("x"), &format!("GET {in_web}/x"));
        check(wide.get("system:x"), "GET /apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Ax");
        check(anywhere.list(&all, 500, ""), "GET /apis/apps/v1/deployments?limit=500");
        check(
            web.list(&one, 500, "a+b"),
            &format!("GET {in_web}?fieldSelector=metadata.name%3Dx&limit=500&continue=a%2Bb"),
        );
        check(
            web.watch(&one, "7", 60),
            &format!(
                "GET {in_web}?fieldSelector=metadata.name%3Dx&watch=true&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=60"
            ),
        );
        check(
            web.apply("x", &Json::Null, MANAGER, Mode { force: true, dry_run: true }),
            &format!("PATCH {in_web}/x?fieldManager=meshform&fieldValidation=Strict&force=true&dryRun=All"),
        );
        check(web.delete("x", "u", "7"), &format!("DELETE {in_web}/x"));
        let odd = web.get("../../secrets?x").unwrap();
        assert_eq!(odd.uri().path(), format!("{in_web}/..%2F..%2Fsecrets%3Fx"));
    }
}
