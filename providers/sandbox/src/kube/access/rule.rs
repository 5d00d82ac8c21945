//! One rule of a role: what it allows, and what it covers of another.

use std::fmt;

use serde_json::Value;

use super::attributes::Attributes;
use crate::kube::object::list;

/// A rule, read. Any of its lists may be empty; `*` stands for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule<'r> {
    pub(super) verbs: Vec<&'r str>,
    groups: Vec<&'r str>,
    resources: Vec<&'r str>,
    names: Vec<&'r str>,
    urls: Vec<&'r str>,
}

impl<'r> Rule<'r> {
    pub(crate) fn read(rule: &'r Value) -> Self {
        let texts = |pointer: &str| list(rule, pointer).iter().filter_map(Value::as_str).collect();
        Self {
            verbs: texts("/verbs"),
            groups: texts("/apiGroups"),
            resources: texts("/resources"),
            names: texts("/resourceNames"),
            urls: texts("/nonResourceURLs"),
        }
    }

    /// A rule that allows everything.
    pub(crate) fn everything() -> [Self; 2] {
        let all = || vec!["*"];
        [
            Self { verbs: all(), groups: all(), resources: all(), ..Self::default() },
            Self { verbs: all(), urls: all(), ..Self::default() },
        ]
    }

    pub(crate) fn allows(&self, asked: &Attributes) -> bool {
        if !has(&self.verbs, &asked.verb) {
            return false;
        }
        if !asked.is_resource() {
            return self.urls.iter().any(|own| url_covers(own, &asked.path));
        }
        has(&self.groups, &asked.group) && self.has_resource(asked) && self.has_name(&asked.name)
    }

    fn has_resource(&self, asked: &Attributes) -> bool {
        let full = asked.full_resource();
        let every = (!asked.subresource.is_empty()).then(|| format!("*/{}", asked.subresource));
        self.resources.iter().any(|own| *own == "*" || *own == full || every.as_deref() == Some(*own))
    }

    fn has_name(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.contains(&name)
    }

    /// Rules with one verb on one thing each, which together allow the same.
    pub(crate) fn pieces(&self) -> Vec<Self> {
        let mut pieces = Vec::new();
        for group in &self.groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    let piece = Self {
                        verbs: vec![verb],
                        groups: vec![group],
                        resources: vec![resource],
                        ..Self::default()
                    };
                    pieces.extend(piece.for_names(&self.names));
                }
            }
        }
        for url in &self.urls {
            let verbs = self.verbs.iter();
            pieces.extend(verbs.map(|verb| Self { verbs: vec![verb], urls: vec![url], ..Self::default() }));
        }
        pieces
    }

    fn for_names(self, names: &[&'r str]) -> Vec<Self> {
        if names.is_empty() {
            return vec![self];
        }
        names.iter().map(|name| Self { names: vec![name], ..self.clone() }).collect()
    }

    /// Whether all that a piece allows is allowed by this rule.
    pub(crate) fn covers(&self, piece: &Self) -> bool {
        let names = match piece.names.is_empty() {
            true => self.names.is_empty(),
            false => piece.names.iter().all(|name| self.has_name(name)),
        };
        piece.verbs.iter().all(|verb| has(&self.verbs, verb))
            && piece.groups.iter().all(|group| has(&self.groups, group))
            && piece.resources.iter().all(|resource| self.covers_resource(resource))
            && piece.urls.iter().all(|url| self.urls.iter().any(|own| url_covers(own, url)))
            && names
    }

    fn is_on_the_same(&self, other: &Self) -> bool {
        [&self.groups, &self.resources, &self.names, &self.urls]
            == [&other.groups, &other.resources, &other.names, &other.urls]
    }

    fn covers_resource(&self, resource: &str) -> bool {
        let every = resource.split_once('/').map(|(_, subresource)| format!("*/{subresource}"));
        has(&self.resources, resource) || every.is_some_and(|every| self.resources.contains(&&*every))
    }
}

/// Pieces of rules put together for a reader: the verbs on the same things stand in one rule.
pub(super) fn compact<'r>(pieces: &[Rule<'r>]) -> Vec<Rule<'r>> {
    let mut compacted: Vec<Rule<'r>> = Vec::new();
    for piece in pieces {
        match compacted.iter_mut().find(|known| piece.urls.is_empty() && known.is_on_the_same(piece)) {
            Some(known) => {
                let new: Vec<&str> =
                    piece.verbs.iter().copied().filter(|verb| !known.verbs.contains(verb)).collect();
                known.verbs.extend(new);
            }
            None => compacted.push(piece.clone()),
        }
    }
    compacted
}

impl fmt::Display for Rule<'_> {
    /// As the server shows it: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("APIGroups", &self.groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.urls),
            ("ResourceNames", &self.names),
            ("Verbs", &self.verbs),
        ];
        let shown = lists.iter().filter(|(_, texts)| !texts.is_empty());
        let shown: Vec<String> = shown.map(|(name, texts)| format!("{name}:{}", quoted(texts))).collect();
        write!(out, "{{{}}}", shown.join(", "))
    }
}

/// A list of texts as Go's `%q` writes it.
pub(super) fn quoted<T: fmt::Debug>(texts: &[T]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", texts.join(" "))
}

fn has(own: &[&str], wanted: &str) -> bool {
    own.iter().any(|own| *own == "*" || *own == wanted)
}

/// `/healthz/*` covers all that lies below it.
fn url_covers(own: &str, wanted: &str) -> bool {
    own == wanted || own.strip_suffix('*').is_some_and(|beginning| wanted.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(verb: &str, resource: &str, name: &str) -> Attributes {
        let [verb, name] = [verb, name].map(str::to_owned);
        if resource.starts_with('/') {
            return Attributes { verb, path: resource.to_owned(), ..Attributes::default() };
        }
        let (group, resource) = resource.split_once(':').unwrap_or(("", resource));
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let [group, resource, subresource] = [group, resource, subresource].map(str::to_owned);
        Attributes { verb, group, resource, subresource, name, ..Attributes::default() }
    }

    #[test]
    fn rules_allow() {
        let check = |rule: Value, (verb, resource, name): (&str, &str, &str), expect: bool| {
            let allowed = Rule::read(&rule).allows(&asked(verb, resource, name));
            assert_eq!(allowed, expect, "{rule}: {verb} {resource} {name}");
        };
        let on = |groups: &[&str], resources: &[&str], verbs: &[&str]| json!({ "apiGroups": groups, "resources": resources, "verbs": verbs });
        for (rule, ask, expect) in [
            (on(&[""], &["pods"], &["get"]), ("get", "pods", "a"), true),
            (on(&[""], &["pods"], &["get"]), ("list", "pods", ""), false),
            (on(&[""], &["pods"], &["get"]), ("get", "pods/log", "a"), false),
            (on(&[""], &["pods"], &["get"]), ("get", "apps:pods", "a"), false),
            (on(&["*"], &["pods"], &["*"]), ("watch", "apps:pods", ""), true),
            (on(&[""], &["pods/log"], &["get"]), ("get", "pods/log", "a"), true),
            (on(&[""], &["pods/log"], &["get"]), ("get", "pods", "a"), false),
            (on(&["*"], &["*/scale"], &["update"]), ("update", "apps:deployments/scale", "a"), true),
            (on(&["*"], &["*/scale"], &["update"]), ("update", "apps:deployments", "a"), false),
            (on(&["*"], &["*"], &["get"]), ("get", "apps:deployments/scale", "a"), true),
            (on(&["*"], &["*"], &["*"]), ("get", "/version", ""), false),
        ] {
            check(rule, ask, expect);
        }
        let named =
            json!({ "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["*"] });
        check(named.clone(), ("patch", "pods", "a"), true);
        check(named.clone(), ("patch", "pods", "b"), false);
        // What has no name yet has none that is allowed.
        check(named, ("create", "pods", ""), false);
        let paths = |urls: &[&str]| json!({ "nonResourceURLs": urls, "verbs": ["get"] });
        check(paths(&["/api/*"]), ("get", "/api/v1", ""), true);
        check(paths(&["/api/*"]), ("get", "/api", ""), false);
        check(paths(&["*"]), ("get", "/version", ""), true);
        check(paths(&["/version"]), ("post", "/version", ""), false);
    }

    #[test]
    fn rules_cover() {
        let check = |own: Value, other: Value, expect: &str| {
            let (own, other) = (Rule::read(&own), Rule::read(&other));
            let missing: Vec<Rule<'_>> =
                other.pieces().into_iter().filter(|piece| !own.covers(piece)).collect();
            let shown: Vec<String> = compact(&missing).iter().map(ToString::to_string).collect();
            assert_eq!(shown.join("\n"), expect);
        };
        let on = |resource: &str, verbs: &[&str]| json!({ "apiGroups": ["apps"], "resources": [resource], "verbs": verbs });
        check(on("*", &["*"]), on("deployments", &["get", "list"]), "");
        check(
            on("deployments", &["get"]),
            on("deployments", &["get", "list", "watch"]),
            r#"{APIGroups:["apps"], Resources:["deployments"], Verbs:["list" "watch"]}"#,
        );
        check(on("*/scale", &["get"]), on("deployments/scale", &["get"]), "");
        check(
            on("deployments", &["get"]),
            json!({ "nonResourceURLs": ["/metrics"], "verbs": ["get"] }),
            r#"{NonResourceURLs:["/metrics"], Verbs:["get"]}"#,
        );
        let named = json!({ "apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["a"], "verbs": ["get"] });
        check(on("deployments", &["get"]), named.clone(), "");
        check(
            named,
            on("deployments", &["get"]),
            r#"{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}"#,
        );
        check(
            on("deployments", &["get"]),
            on("deployments", &["*"]),
            r#"{APIGroups:["apps"], Resources:["deployments"], Verbs:["*"]}"#,
        );
    }
}
