//! What a request asks for, as rights know it: from its method, path and query alone, whether or not there is such a thing.

use axum::http::Method;

use super::params::Params;
use super::path;
use crate::kube::access::Attributes;

/// Reads them.
pub(super) fn of(method: &Method, path: &str, params: &Params) -> Attributes {
    let decoded = path::parts(path);
    let parts: Vec<&str> = decoded.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["api", _, rest @ ..] if !rest.is_empty() => resource(method, "", rest, params),
        ["apis", group, _, rest @ ..] if !rest.is_empty() => resource(method, group, rest, params),
        _ => Attributes {
            verb: method.as_str().to_lowercase(),
            path: path.to_owned(),
            ..Attributes::default()
        },
    }
}

fn resource(method: &Method, group: &str, rest: &[&str], params: &Params) -> Attributes {
    let (mut verb, rest) = match rest {
        ["watch", rest @ ..] if !rest.is_empty() => ("watch", rest),
        _ => (verb_of(method), rest),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace] => (*namespace, rest),
        ["namespaces", namespace, "status" | "finalize", ..] => (*namespace, rest),
        ["namespaces", namespace, rest @ ..] => (*namespace, rest),
        _ => ("", rest),
    };
    let part = |at: usize| rest.get(at).copied().unwrap_or_default().to_owned();
    let mut name = part(1);
    if name.is_empty() {
        verb = of_collection(verb, params);
        if matches!(verb, "list" | "watch") {
            name = selected_name(params);
        }
    }
    Attributes {
        verb: verb.to_owned(),
        group: group.to_owned(),
        resource: part(0),
        subresource: part(2),
        namespace: namespace.to_owned(),
        name,
        path: String::new(),
    }
}

fn verb_of(method: &Method) -> &'static str {
    match *method {
        Method::POST => "create",
        Method::GET | Method::HEAD => "get",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "",
    }
}

fn of_collection(verb: &'static str, params: &Params) -> &'static str {
    match verb {
        "get" if params.flag("watch") => "watch",
        "get" => "list",
        "delete" => "deletecollection",
        other => other,
    }
}

/// Whoever may see one object of a collection may list and watch just that.
fn selected_name(params: &Params) -> String {
    let fields = params.text("fieldSelector").split(',');
    let names = fields.filter_map(|field| field.trim().strip_prefix("metadata.name="));
    names.map(|name| name.trim_start_matches('=')).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let check = |method: Method, uri: &str, expect: &str| {
            let uri: axum::http::Uri = uri.parse().unwrap();
            let asked = of(&method, uri.path(), &Params::of(&uri).unwrap());
            let Attributes { verb, group, namespace, name, path, .. } = &asked;
            let resource = asked.full_resource();
            let shown = [verb, group, &resource, namespace, name, path].map(|text| match text.as_str() {
                "" => "-",
                text => text,
            });
            assert_eq!(shown.join(" "), expect, "{uri}");
        };
        for (method, uri, expect) in [
            (Method::GET, "/version", "get - - - - /version"),
            (Method::GET, "/api/v1", "get - - - - /api/v1"),
            (Method::GET, "/apis/apps/v1", "get - - - - /apis/apps/v1"),
            (Method::POST, "/foo", "post - - - - /foo"),
            (Method::GET, "/api/v1/pods", "list - pods - - -"),
            (Method::GET, "/api/v1/pods?watch=1", "watch - pods - - -"),
            (Method::GET, "/api/v1/watch/namespaces/n/pods/p", "watch - pods n p -"),
            (Method::GET, "/api/v1/namespaces", "list - namespaces - - -"),
            (Method::GET, "/api/v1/namespaces/n", "get - namespaces n n -"),
            (Method::PUT, "/api/v1/namespaces/n/finalize", "update - namespaces/finalize n n -"),
            (
                Method::DELETE,
                "/apis/apps/v1/namespaces/n/deployments",
                "deletecollection apps deployments n - -",
            ),
            (
                Method::PATCH,
                "/apis/apps/v1/namespaces/n/deployments/d/scale",
                "patch apps deployments/scale n d -",
            ),
            (Method::GET, "/api/v1/namespaces/n/pods?fieldSelector=metadata.name%3Dp", "list - pods n p -"),
            (Method::GET, "/api/v1/namespaces/n/pods?fieldSelector=metadata.name!%3Dp", "list - pods n - -"),
        ] {
            check(method, uri, expect);
        }
    }
}
