//! Which rights it takes to plan, apply and take down a stack: roles with just the verbs that this provider uses, and no more.
//!
//! | for | on the objects themselves, by name | on all of the kind |
//! | --- | --- | --- |
//! | what the stack manages | `get` `patch` `delete`; `list` `watch` to see it come and go | `create`; `list` of more than are asked for one by one |
//! | what it patches | `get` `patch` | |
//! | what must not be there | `get` `list` `watch` `delete` | the same, where a selector says which |
//! | what it looks up | `get` | `list`, where a selector says which |
//!
//! An apply of what is not there yet is a `create` besides a `patch`. Dry-runs take the rights of what they try.
//! What lies in a namespace that the stack makes is granted for the whole cluster: there is no namespace yet to put a role into.

use std::collections::{BTreeMap, BTreeSet};

use meshform_engine::value::{Value, from_json};
use serde_json::{Value as Json, json};

use crate::MANAGER;

pub(crate) const RBAC: &str = "rbac.authorization.k8s.io";

/// What is done with objects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// They are made, changed and removed.
    Manage,
    /// Fields of them are.
    Patch,
    /// They are removed.
    Remove,
    /// They are looked up.
    Read,
    /// Roles that are written grant what their writer may not hold.
    Escalate,
    /// Bindings that are written grant it.
    Bind,
}

impl Use {
    fn verbs(self) -> &'static [&'static str] {
        match self {
            Self::Manage => &["delete", "get", "list", "patch", "watch"],
            Self::Patch => &["get", "patch"],
            Self::Remove => &["delete", "get", "list", "watch"],
            Self::Read => &["get"],
            Self::Escalate => &["escalate"],
            Self::Bind => &["bind"],
        }
    }
}

/// One thing to be done with a kind in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// The API group; empty for the core one.
    pub(crate) group: String,
    /// The kind.
    pub(crate) kind: String,
    /// Its name in URLs.
    pub(crate) plural: String,
    /// The namespace; empty for the whole cluster.
    pub(crate) namespace: String,
    /// The object; `None` for what a selector finds.
    pub(crate) name: Option<String>,
    /// What is done.
    pub(crate) usage: Use,
}

/// By verb, on which objects of a resource; `None` for all.
type Verbs = BTreeMap<&'static str, Option<BTreeSet<String>>>;

/// By namespace, then by group and resource.
type Grants = BTreeMap<String, BTreeMap<(String, String), Verbs>>;

/// A `Role` for each namespace, and one `ClusterRole`. More than `listed_above` objects of a kind in a namespace are listed.
pub(crate) fn documents(needs: &[Need], listed_above: usize) -> Vec<Value> {
    let mut granted = Granted { all: Grants::new(), made: made(needs) };
    granted.by_name("", ("", "namespaces"), &["get"], "kube-system");
    for need in needs {
        granted.add(need);
    }
    for ((namespace, group, plural), count) in counts(needs) {
        if count > listed_above {
            granted.for_all(namespace, (group, plural), &["list"]);
        }
    }
    let wide = granted.all.remove("").unwrap_or_default();
    let wide = json!({
        "apiVersion": format!("{RBAC}/v1"),
        "kind": "ClusterRole",
        "metadata": { "name": MANAGER },
        "rules": rules(&wide),
    });
    let roles = granted.all.iter().map(|(namespace, granted)| {
        json!({
            "apiVersion": format!("{RBAC}/v1"),
            "kind": "Role",
            "metadata": { "name": MANAGER, "namespace": namespace },
            "rules": rules(granted),
        })
    });
    std::iter::once(wide).chain(roles).map(|document| from_json(&document)).collect()
}

/// The namespaces that the stack makes.
fn made(needs: &[Need]) -> BTreeSet<&str> {
    let namespaces = needs
        .iter()
        .filter(|need| need.usage == Use::Manage && need.group.is_empty() && need.kind == "Namespace");
    namespaces.filter_map(|need| need.name.as_deref()).collect()
}

/// How many objects of a kind are looked at in each namespace.
fn counts(needs: &[Need]) -> BTreeMap<(&str, &str, &str), usize> {
    let mut counts = BTreeMap::new();
    for need in needs.iter().filter(|need| matches!(need.usage, Use::Manage | Use::Patch)) {
        *counts.entry((need.namespace.as_str(), need.group.as_str(), need.plural.as_str())).or_default() += 1;
    }
    counts
}

/// What is granted so far.
struct Granted<'n> {
    all: Grants,
    made: BTreeSet<&'n str>,
}

impl Granted<'_> {
    fn add(&mut self, need: &Need) {
        let (place, resource) = (need.namespace.as_str(), (need.group.as_str(), need.plural.as_str()));
        match (&need.name, need.usage) {
            (Some(name), usage) => self.by_name(place, resource, usage.verbs(), name),
            (None, Use::Read) => self.for_all(place, resource, &["list"]),
            (None, usage) => self.for_all(place, resource, usage.verbs()),
        }
        if need.usage == Use::Manage {
            self.for_all(place, resource, &["create"]);
            self.besides(need);
        }
    }

    /// What it takes to see that an object is ready, or why it is not, and what becomes of others.
    fn besides(&mut self, need: &Need) {
        let place = need.namespace.as_str();
        let of_type = (need.group.as_str(), need.kind.as_str());
        let has_pods = matches!(
            of_type,
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
                | ("batch", "Job")
                | ("", "Pod" | "ReplicationController")
        );
        if has_pods {
            self.for_all(place, ("", "pods"), &["list", "watch"]);
            self.for_all(place, ("", "pods/log"), &["get"]);
            // What a change of pods brings about for those who use them.
            self.for_all(place, ("", "services"), &["list"]);
            self.for_all(place, ("policy", "poddisruptionbudgets"), &["list"]);
        }
        if of_type == ("apps", "StatefulSet") {
            self.for_all(place, ("", "persistentvolumeclaims"), &["list"]);
        }
        if matches!(of_type, ("apps", "StatefulSet") | ("", "PersistentVolumeClaim")) {
            self.for_all("", ("", "persistentvolumes"), &["list"]);
        }
        if of_type == ("apps", "Deployment") {
            self.for_all(place, ("apps", "replicasets"), &["list"]);
        }
        if !place.is_empty() && !is_ready_at_once(of_type) {
            self.for_all(place, ("", "events"), &["list"]);
        }
        if of_type == ("", "PersistentVolumeClaim") {
            self.for_all("", ("storage.k8s.io", "storageclasses"), &["get"]);
        }
    }

    fn for_all(&mut self, namespace: &str, resource: (&str, &str), verbs: &[&'static str]) {
        let granted = self.on(namespace, resource);
        granted.extend(verbs.iter().map(|verb| (*verb, None)));
    }

    fn by_name(&mut self, namespace: &str, resource: (&str, &str), verbs: &[&'static str], name: &str) {
        let granted = self.on(namespace, resource);
        for verb in verbs {
            if let Some(names) = granted.entry(*verb).or_insert_with(|| Some(BTreeSet::new())) {
                names.insert(name.to_owned());
            }
        }
    }

    fn on(&mut self, namespace: &str, (group, plural): (&str, &str)) -> &mut Verbs {
        let place = if self.made.contains(namespace) { "" } else { namespace };
        let place = self.all.entry(place.to_owned()).or_default();
        place.entry((group.to_owned(), plural.to_owned())).or_default()
    }
}

/// Kinds without a status, which nothing is waited for.
fn is_ready_at_once(of_type: (&str, &str)) -> bool {
    matches!(of_type, ("", "ConfigMap" | "Secret" | "ServiceAccount" | "LimitRange") | (RBAC, _))
}

/// What the resources of a rule have in common: group, names, verbs.
type Shared<'g> = (&'g str, &'g Option<BTreeSet<String>>, Vec<&'g str>);

/// Rules: the verbs on the same objects share one, and so do resources of one group with the same.
fn rules(granted: &BTreeMap<(String, String), Verbs>) -> Vec<Json> {
    let mut shared: BTreeMap<Shared<'_>, Vec<&str>> = BTreeMap::new();
    for ((group, plural), verbs) in granted {
        let mut by_names: BTreeMap<&Option<BTreeSet<String>>, Vec<&str>> = BTreeMap::new();
        for (verb, names) in verbs {
            by_names.entry(names).or_default().push(verb);
        }
        for (names, verbs) in by_names {
            shared.entry((group.as_str(), names, verbs)).or_default().push(plural);
        }
    }
    let rule = |((group, names, verbs), resources): (Shared<'_>, Vec<&str>)| {
        let mut rule = json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
        if let Some(names) = names {
            rule["resourceNames"] = json!(names);
        }
        rule
    };
    shared.into_iter().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use meshform_engine::value::to_json;

    use super::*;

    fn need(group: &str, kind: &str, plural: &str, object: &str, usage: Use) -> Need {
        let (namespace, name) = object.split_once('/').unwrap_or(("", object));
        let name = (!name.is_empty()).then(|| name.to_owned());
        let [group, kind, plural, namespace] = [group, kind, plural, namespace].map(str::to_owned);
        Need { group, kind, plural, namespace, name, usage }
    }

    fn check(needs: &[Need], expect: &[&str]) {
        let documents = documents(needs, 1);
        let shown = documents.iter().flat_map(|document| {
            let json = to_json(document).unwrap();
            let place = json["metadata"]["namespace"].as_str().unwrap_or("*").to_owned();
            let list = |rule: &Json, name: &str| {
                let texts = rule[name].as_array().into_iter().flatten();
                texts.map(|text| text.as_str().unwrap()).collect::<Vec<_>>().join(",")
            };
            let rules = json["rules"].as_array().unwrap().clone();
            let shown = |rule: Json| {
                let names = list(&rule, "resourceNames");
                let names = if names.is_empty() { names } else { format!("[{names}]") };
                let (group, resources) = (list(&rule, "apiGroups"), list(&rule, "resources"));
                format!("{place} {group}/{resources}{names}: {}", list(&rule, "verbs"))
            };
            rules.into_iter().map(shown).collect::<Vec<_>>()
        });
        let shown: Vec<_> = shown.filter(|rule| rule != "* /namespaces[kube-system]: get").collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn roles_have_what_is_needed_and_no_more() {
        check(&[], &[]);
        check(
            &[
                need("", "ConfigMap", "configmaps", "web/a", Use::Manage),
                need("", "Secret", "secrets", "web/a", Use::Manage),
                need("", "Service", "services", "other/x", Use::Patch),
                need("", "Pod", "pods", "web/", Use::Remove),
                need("", "Pod", "pods", "web/old", Use::Read),
                need("", "Node", "nodes", "", Use::Read),
            ],
            &[
                "* /nodes: list",
                "other /services[x]: get,patch",
                "web /configmaps,secrets: create",
                "web /pods: delete,get,list,watch",
                "web /configmaps,secrets[a]: delete,get,list,patch,watch",
            ],
        );
    }

    #[test]
    fn many_are_listed() {
        check(
            &[
                need("", "ConfigMap", "configmaps", "web/a", Use::Manage),
                need("", "ConfigMap", "configmaps", "web/b", Use::Manage),
                need("", "ConfigMap", "configmaps", "other/c", Use::Manage),
            ],
            &[
                "other /configmaps: create",
                "other /configmaps[c]: delete,get,list,patch,watch",
                "web /configmaps: create,list",
                "web /configmaps[a,b]: delete,get,patch,watch",
            ],
        );
    }

    #[test]
    fn a_namespace_that_the_stack_makes_has_no_role_yet() {
        check(
            &[
                need("", "Namespace", "namespaces", "web", Use::Manage),
                need("", "ConfigMap", "configmaps", "web/a", Use::Manage),
            ],
            &[
                "* /configmaps,namespaces: create",
                "* /configmaps[a]: delete,get,list,patch,watch",
                "* /namespaces[kube-system,web]: get",
                "* /namespaces[web]: delete,list,patch,watch",
            ],
        );
    }

    #[test]
    fn some_kinds_take_more() {
        check(
            &[need("apps", "Deployment", "deployments", "web/site", Use::Manage)],
            &[
                "web /pods/log: get",
                "web /events,services: list",
                "web /pods: list,watch",
                "web apps/deployments: create",
                "web apps/replicasets: list",
                "web apps/deployments[site]: delete,get,list,patch,watch",
                "web policy/poddisruptionbudgets: list",
            ],
        );
        check(
            &[
                need(RBAC, "RoleBinding", "rolebindings", "web/robot", Use::Manage),
                need(RBAC, "ClusterRole", "clusterroles", "web/view", Use::Bind),
            ],
            &[
                "web rbac.authorization.k8s.io/rolebindings: create",
                "web rbac.authorization.k8s.io/rolebindings[robot]: delete,get,list,patch,watch",
                "web rbac.authorization.k8s.io/clusterroles[view]: bind",
            ],
        );
    }
}
