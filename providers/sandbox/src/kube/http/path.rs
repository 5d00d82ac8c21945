//! What a path names.

/// A path of the API.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Health,
    Version,
    Core,
    Groups,
    Group(String),
    GroupVersion(String, String),
    OpenApiV2,
    OpenApiIndex,
    OpenApi(String, String),
    Resource(Target),
    Unknown,
}

/// A resource, an object of it, or a part of that.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) group: String,
    pub(crate) version: String,
    /// Empty for cluster-scoped resources and for collections over all namespaces.
    pub(crate) namespace: String,
    pub(crate) plural: String,
    /// Empty for collections.
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// What follows the subresource, as in `proxy/…`.
    pub(crate) rest: String,
    /// Whether the path itself asks for a watch, as those of old do.
    pub(crate) watch: bool,
}

/// Reads a path.
pub(crate) fn route(path: &str) -> Route {
    let decoded = parts(path);
    let parts: Vec<&str> = decoded.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["healthz" | "readyz" | "livez", ..] => Route::Health,
        ["version"] => Route::Version,
        ["api"] => Route::Core,
        ["apis"] => Route::Groups,
        ["apis", group] => Route::Group((*group).to_owned()),
        ["api", "v1"] => Route::GroupVersion(String::new(), "v1".to_owned()),
        ["apis", group, version] => Route::GroupVersion((*group).to_owned(), (*version).to_owned()),
        ["openapi", "v2"] => Route::OpenApiV2,
        ["openapi", "v3"] => Route::OpenApiIndex,
        ["openapi", "v3", "api", version] => Route::OpenApi(String::new(), (*version).to_owned()),
        ["openapi", "v3", "apis", group, version] => {
            Route::OpenApi((*group).to_owned(), (*version).to_owned())
        }
        ["api", version, rest @ ..] => resource("", version, rest),
        ["apis", group, version, rest @ ..] => resource(group, version, rest),
        _ => Route::Unknown,
    }
}

/// The parts of a path, without percent-encoding.
pub(crate) fn parts(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(decode).collect()
}

fn resource(group: &str, version: &str, rest: &[&str]) -> Route {
    let (watch, rest) = match rest {
        ["watch", rest @ ..] if !rest.is_empty() => (true, rest),
        _ => (false, rest),
    };
    let (namespace, rest) = match rest {
        ["namespaces", _, "status" | "finalize"] | ["namespaces", _] => ("", rest),
        ["namespaces", namespace, rest @ ..] => (*namespace, rest),
        _ => ("", rest),
    };
    let part = |at: usize| rest.get(at).copied().unwrap_or_default().to_owned();
    Route::Resource(Target {
        group: group.to_owned(),
        version: version.to_owned(),
        namespace: namespace.to_owned(),
        plural: part(0),
        name: part(1),
        subresource: part(2),
        rest: rest.get(3..).unwrap_or_default().join("/"),
        watch,
    })
}

/// Undoes percent-encoding; what is not valid stays as it is.
pub(crate) fn decode(part: &str) -> String {
    let bytes = part.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%')
            .then(|| part.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| part.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources() {
        let check = |path: &str, expect: [&str; 6]| {
            let Route::Resource(target) = route(path) else { panic!("{path} is no resource") };
            let Target { group, version, namespace, plural, name, subresource, .. } = target;
            assert_eq!([group, version, namespace, plural, name, subresource], expect, "{path}");
        };
        for (path, expect) in [
            ("/api/v1/pods", ["", "v1", "", "pods", "", ""]),
            ("/api/v1/namespaces", ["", "v1", "", "namespaces", "", ""]),
            ("/api/v1/namespaces/a", ["", "v1", "", "namespaces", "a", ""]),
            ("/api/v1/namespaces/a/status", ["", "v1", "", "namespaces", "a", "status"]),
            ("/api/v1/namespaces/a/pods", ["", "v1", "a", "pods", "", ""]),
            (
                "/apis/apps/v1/namespaces/a/deployments/x/scale",
                ["apps", "v1", "a", "deployments", "x", "scale"],
            ),
            ("/apis/x.io/v1/things/a%3Ab", ["x.io", "v1", "", "things", "a:b", ""]),
        ] {
            check(path, expect);
        }
    }
}
