//! What the routing kinds match by: hosts, paths and texts.

use regex::Regex;
use serde_json::Value;

use crate::kube::object::text;

/// How specific a host's match is: exact before wildcard, longer before shorter, anything last. `None`: no match.
pub(super) fn host_rank(pattern: &str, host: &str) -> Option<(u8, usize)> {
    let pattern = pattern.to_ascii_lowercase();
    match pattern.strip_prefix('*') {
        _ if pattern.is_empty() || pattern == "*" => Some((0, 0)),
        None => (pattern == host).then_some((2, pattern.len())),
        Some(suffix) => {
            let label = host.strip_suffix(suffix)?;
            (!label.is_empty() && suffix.starts_with('.')).then_some((1, suffix.len()))
        }
    }
}

/// As [`host_rank`], where the wildcard stands for one label only, as Ingresses have it.
pub(super) fn host_rank_of_one_label(pattern: &str, host: &str) -> Option<(u8, usize)> {
    let rank = host_rank(pattern, host)?;
    let label = pattern.strip_prefix('*').and_then(|suffix| host.strip_suffix(suffix)).unwrap_or_default();
    (rank.0 != 1 || !label.contains('.')).then_some(rank)
}

/// Whether two host names or wildcards have a host in common.
pub(crate) fn hosts_meet(left: &str, right: &str) -> bool {
    let (left, right) = (left.to_ascii_lowercase(), right.to_ascii_lowercase());
    let suffix = |host: &str| host.strip_prefix('*').map(str::to_owned);
    match (suffix(&left), suffix(&right)) {
        _ if matches!(left.as_str(), "" | "*") || matches!(right.as_str(), "" | "*") => true,
        (None, None) => left == right,
        (Some(_), None) => host_rank(&left, &right).is_some(),
        (None, Some(_)) => host_rank(&right, &left).is_some(),
        (Some(left), Some(right)) => left.ends_with(&right) || right.ends_with(&left),
    }
}

/// Whether a path lies below a prefix, element by element: `/foo` holds `/foo` and `/foo/bar`, not `/foobar`.
pub(super) fn is_below(prefix: &str, path: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the whole text matches; an expression that cannot be compiled matches nothing.
pub(super) fn matches_whole(expression: &str, text: &str) -> bool {
    Regex::new(&format!("^(?:{expression})$")).is_ok_and(|regex| regex.is_match(text))
}

/// Whether a part of the text matches; an expression that cannot be compiled matches nothing.
pub(super) fn matches_part(expression: &str, text: &str) -> bool {
    Regex::new(expression).is_ok_and(|regex| regex.is_match(text))
}

/// Whether a text meets an Istio `StringMatch`; one without a condition only wants the text to be there.
pub(super) fn meets(wanted: &Value, found: Option<&str>) -> bool {
    let Some(found) = found else { return false };
    let field = |name: &str| wanted.get(name).and_then(Value::as_str);
    match (field("exact"), field("prefix"), field("regex")) {
        (Some(exact), ..) => found == exact,
        (_, Some(prefix), _) => found.starts_with(prefix),
        (.., Some(regex)) => matches_whole(regex, found),
        _ => true,
    }
}

/// A path's new beginning in place of the prefix that matched, without doubled slashes.
pub(super) fn replace_prefix(path: &str, prefix: &str, replacement: &str) -> String {
    let rest = path.strip_prefix(prefix.trim_end_matches('/')).unwrap_or_default();
    let joined = format!("{}/{}", replacement.trim_end_matches('/'), rest.trim_start_matches('/'));
    if rest.is_empty() && joined.len() > 1 { joined.trim_end_matches('/').to_owned() } else { joined }
}

/// Objects by age, then by name: the order in which the older one wins.
pub(super) fn by_age(left: &Value, right: &Value) -> std::cmp::Ordering {
    let key = |object: &Value| {
        let field = |pointer: &str| text(object, pointer).to_owned();
        (field("/metadata/creationTimestamp"), field("/metadata/namespace"), field("/metadata/name"))
    };
    key(left).cmp(&key(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let check = |pattern: &str, host: &str, expect: Option<u8>| {
            assert_eq!(host_rank(pattern, host).map(|rank| rank.0), expect, "{pattern} {host}");
        };
        check("a.io", "a.io", Some(2));
        check("A.io", "a.io", Some(2));
        check("*.a.io", "x.a.io", Some(1));
        check("*.a.io", "y.x.a.io", Some(1));
        check("*.a.io", "a.io", None);
        check("", "a.io", Some(0));
        check("*", "a.io", Some(0));
        check("b.io", "a.io", None);
        assert_eq!(host_rank_of_one_label("*.a.io", "y.x.a.io"), None);
        assert!(host_rank("*.x.a.io", "y.x.a.io") > host_rank("*.a.io", "y.x.a.io"));
    }

    #[test]
    fn meetings() {
        let check = |left: &str, right: &str, expect: bool| {
            assert_eq!(hosts_meet(left, right), expect, "{left} {right}");
            assert_eq!(hosts_meet(right, left), expect, "{right} {left}");
        };
        check("a.io", "a.io", true);
        check("*.io", "a.io", true);
        check("*.a.io", "*.io", true);
        check("*.a.io", "*.b.io", false);
        check("", "a.io", true);
        check("a.io", "b.io", false);
    }

    #[test]
    fn prefixes() {
        for (prefix, path, expect) in [
            ("/", "/anything", true),
            ("/foo", "/foo", true),
            ("/foo/", "/foo", true),
            ("/foo", "/foo/bar", true),
            ("/foo", "/foobar", false),
        ] {
            assert_eq!(is_below(prefix, path), expect, "{prefix} {path}");
        }
        for (path, prefix, replacement, expect) in [
            ("/foo/bar", "/foo", "/new", "/new/bar"),
            ("/foo", "/foo", "/new", "/new"),
            ("/foo/bar", "/foo/", "/", "/bar"),
            ("/foo", "/foo", "/", "/"),
            ("/foo/", "/foo", "/new", "/new/"),
        ] {
            assert_eq!(replace_prefix(path, prefix, replacement), expect, "{path} {prefix} {replacement}");
        }
    }
}
