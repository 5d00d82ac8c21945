//! Rights: `meshform rbac` prints the roles that a stack needs, and with nothing more than those it is planned, applied and taken down.

mod proxy;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use self::proxy::{Asked, Proxy};
use crate::control_plane::ControlPlane;
use crate::program::{Ended, finish, piped};
use crate::stack::Stack;

const STACK: &str = include_str!("stack.hcl");
const ACCOUNT: &str = "--serviceaccount=default:deployer";
const USER: &str = "system:serviceaccount:default:deployer";

/// Rights that a run without trouble may do without: group, resource (any if empty), verb, and what they are for.
const SELDOM: [(&str, &str, &str, &str); 4] = [
    ("", "", "watch", "what does not go at once is watched until it does"),
    ("", "events", "list", "they tell why something is not ready"),
    ("", "pods/log", "get", "it tells why a container has ended"),
    ("apps", "replicasets", "list", "they tell which pods are of the newest template"),
];

/// A cluster in which somebody has few rights.
struct Restricted<'c> {
    kubectl: &'c dyn Fn() -> Command,
    /// The administrator's kubeconfig.
    admin: PathBuf,
    /// Of whoever has few rights.
    own: PathBuf,
}

impl Restricted<'_> {
    fn admin(&self, arguments: &[&str]) -> Ended {
        finish((self.kubectl)().args(arguments))
    }

    /// What the stack takes for granted, and a token of the account.
    fn prepare(&self) -> String {
        self.admin(&["create", "namespace", "web"]).done();
        self.admin(&["-n", "web", "create", "service", "clusterip", "old", "--tcp=80"]).done();
        self.admin(&["-n", "web", "label", "service", "old", "app=old", "--overwrite"]).done();
        self.admin(&["-n", "default", "create", "serviceaccount", "deployer"]).done();
        self.admin(&["-n", "default", "create", "token", "deployer"]).done().out.trim().to_owned()
    }

    /// Applies the stack with just the roles that are printed for it, and takes it down; tells the roles.
    fn run(&self) -> Value {
        let stack = Stack::of(STACK);
        let as_whom =
            |kubeconfig: &Path| stack.write("who.auto.hclvars", &format!("kubeconfig = {kubeconfig:?}\n"));
        as_whom(&self.admin);
        let roles = stack.run(["rbac"]).done().out;
        let document = stack.run(["rbac", "-json"]).done().json();
        as_whom(&self.own);
        stack.plan().code(1).complains(&["The cluster does not let us in", "`meshform rbac`"]);

        piped((self.kubectl)().args(["apply", "-f", "-"]), &roles).done();
        self.admin(&["create", "clusterrolebinding", "deployer", "--clusterrole=meshform", ACCOUNT]).done();
        for namespace in ["web", "default"] {
            self.admin(&["-n", namespace, "create", "rolebinding", "deployer", "--role=meshform", ACCOUNT])
                .done();
        }
        self.may_not(&[
            ["create", "deployments", "default"],
            ["list", "secrets", "web"],
            ["get", "configmaps/kube-root-ca.crt", "web"],
            ["delete", "services", "shop"],
            ["patch", "namespaces/default", "default"],
        ]);

        stack.plan().code(2);
        stack.apply().done();
        stack.plan().done();
        self.admin(&["-n", "web", "get", "service", "old"]).code(1);
        stack.edit("color = \"red\"", "color = \"blue\"");
        stack.edit("replicas = 2", "replicas = 1");
        stack.apply().done().says(&["13 updated"]);
        stack.plan().done();
        stack.run(["destroy", "-auto-approve"]).done();
        self.admin(&["get", "namespace", "shop"]).code(1);
        document["targets"]["cluster.main"].clone()
    }

    /// It is allowed nothing besides.
    fn may_not(&self, forbidden: &[[&str; 3]]) {
        for [verb, resource, namespace] in forbidden {
            self.admin(&["auth", "can-i", verb, resource, "-n", namespace, "--as", USER]).code(1);
        }
    }

    /// A kubeconfig like the administrator's, with changes.
    fn write_own(&self, change: impl FnOnce(&mut Value)) {
        let mut config: Value = serde_json::from_slice(&fs::read(&self.admin).unwrap()).unwrap();
        change(&mut config);
        fs::write(&self.own, config.to_string()).unwrap();
    }
}

#[test]
fn a_stack_is_applied_with_just_the_rights_that_are_printed() {
    let sandbox = Stack::of(
        "cluster \"main\" { sandbox = true }\ndata \"kube_object\" \"default\" {\n  api_version = \"v1\"\n  kind = \"Namespace\"\n  name = \"default\"\n}\n",
    );
    sandbox.run(["plan"]).done();
    let kubectl = || sandbox.kubectl("main");
    let restricted = Restricted {
        kubectl: &kubectl,
        admin: sandbox.path(".meshform/sandbox/main.kubeconfig"),
        own: sandbox.path("restricted"),
    };
    let switch = "sandbox.meshform.dev/authorization=rbac";
    restricted.admin(&["annotate", "namespace", "kube-system", switch]).done();
    let token = restricted.prepare();
    let config: Value = serde_json::from_slice(&fs::read(&restricted.admin).unwrap()).unwrap();
    let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap();
    let proxy = Proxy::start(server.strip_prefix("http://").unwrap().split('/').next().unwrap());
    restricted.write_own(|config| {
        config["clusters"][0]["cluster"]["server"] =
            json!(format!("http://127.0.0.1:{}/{token}", proxy.port));
    });
    let roles = restricted.run();
    let unused = unused(&roles, &proxy.seen());
    assert_eq!(unused, Vec::<String>::new(), "these rights are not needed");
}

#[test]
fn a_real_cluster_takes_the_same_rights() {
    let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS") else {
        eprintln!(
            "NOT RUN: rights are not tested on a real cluster. Set KUBEBUILDER_ASSETS to a folder with its programs."
        );
        return;
    };
    let plane = ControlPlane::start(Path::new(&assets));
    let kubectl = || plane.kubectl();
    let restricted = Restricted {
        kubectl: &kubectl,
        admin: plane.kubeconfig(),
        // Its certificates are named from where it lies.
        own: plane.kubeconfig().with_file_name("restricted"),
    };
    let token = restricted.prepare();
    restricted.write_own(|config| config["users"][0]["user"] = json!({ "token": token }));
    restricted.run();
}

/// The rights of these roles that nothing which was asked for takes: each verb on each resource, and on each object that is named.
fn unused(roles: &Value, seen: &[Asked]) -> Vec<String> {
    let mut unused = Vec::new();
    for role in roles.as_array().unwrap() {
        let place = role["metadata"]["namespace"].as_str();
        for right in role["rules"].as_array().unwrap().iter().flat_map(rights) {
            let is_used = seen.iter().any(|asked| {
                let is_here = place.is_none_or(|place| place == asked.namespace);
                let is_named = right.name.is_empty() || right.name == asked.name;
                is_here
                    && is_named
                    && (&right.verb, &right.group, &right.resource)
                        == (&asked.verb, &asked.group, &asked.resource)
            });
            if !is_used && !is_seldom(&right) {
                unused.push(format!("{}: {right:?}", place.unwrap_or("the cluster")));
            }
        }
    }
    unused
}

fn rights(rule: &Value) -> Vec<Asked> {
    let texts = |name: &str| -> Vec<String> {
        let texts = rule[name].as_array().into_iter().flatten();
        texts.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let (groups, resources, verbs, mut names) =
        (texts("apiGroups"), texts("resources"), texts("verbs"), texts("resourceNames"));
    if names.is_empty() {
        names.push(String::new());
    }
    let mut rights = Vec::new();
    for group in &groups {
        for resource in &resources {
            for verb in &verbs {
                rights.extend(names.iter().map(|name| Asked {
                    verb: verb.clone(),
                    group: group.clone(),
                    resource: resource.clone(),
                    namespace: String::new(),
                    name: name.clone(),
                }));
            }
        }
    }
    rights
}

fn is_seldom(right: &Asked) -> bool {
    // They are not asked for by a request of their own.
    matches!(right.verb.as_str(), "escalate" | "bind")
        || SELDOM.iter().any(|(group, resource, verb, _)| {
            right.verb == *verb
                && (resource.is_empty() || (right.group == *group && right.resource == *resource))
        })
}

#[test]
fn what_is_not_needed_is_found() {
    let role = json!([{
        "metadata": { "namespace": "web" },
        "rules": [
            { "apiGroups": [""], "resources": ["pods"], "verbs": ["get", "delete"], "resourceNames": ["a"] },
            { "apiGroups": [""], "resources": ["events"], "verbs": ["list"] },
        ],
    }]);
    let asked = |namespace: &str| Asked {
        verb: "get".into(),
        resource: "pods".into(),
        namespace: namespace.into(),
        name: "a".into(),
        ..Asked::default()
    };
    assert_eq!(unused(&role, &[asked("web")]).len(), 1);
    assert_eq!(unused(&role, &[asked("other")]).len(), 2);
}

#[test]
fn roles_are_told_by_namespace() {
    let stack = Stack::of(
        "cluster \"main\" { sandbox = true }\nresource \"kube_object\" \"page\" {\n  manifest = {\n    apiVersion = \"v1\"\n    kind = \"ConfigMap\"\n    \
         metadata = { name = \"page\", namespace = \"default\" }\n  }\n}\n",
    );
    let text = stack.run(["rbac"]).done();
    text.says(&[
        "# cluster.main",
        "kind: ClusterRole",
        "resourceNames:",
        "- kube-system",
        "kind: Role",
        "- configmaps",
    ]);
    let document = stack.run(["rbac", "-json"]).done().json();
    assert_eq!(
        document["targets"]["cluster.main"][1]["metadata"],
        json!({ "name": "meshform", "namespace": "default" })
    );
    // Nothing was done.
    stack.plan().code(2).says(&["1 to create"]);
}
