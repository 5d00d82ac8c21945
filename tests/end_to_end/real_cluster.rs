//! The quickstart's cluster is a real kube-apiserver, where `KUBEBUILDER_ASSETS` names a folder with its programs.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::control_plane::ControlPlane;
use crate::kubectl::{check_ownership, write_as};
use crate::program::finish;
use crate::stack::Stack;

#[test]
fn the_quickstart_on_a_real_cluster() {
    let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS") else {
        eprintln!(
            "NOT RUN: no real cluster is tested. Set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kube-controller-manager."
        );
        return;
    };
    let plane = ControlPlane::start(Path::new(&assets));
    let stack = Stack::example("quickstart");
    stack.write("cluster.auto.hclvars", &format!("kubeconfig = {:?}\n", plane.kubeconfig()));
    let get = |arguments: &[&str]| finish(plane.kubectl().arg("get").args(arguments));

    stack.plan().code(2).says(&["6 to create"]);
    stack.apply().done().says(&["6 created", "address = \"http://10.96."]);
    stack.plan().done();
    check_ownership(&stack, get);
    let told = fs::read_to_string(stack.on_host("edge", "/etc/quickstart.conf")).unwrap();
    assert!(told.contains("upstream = http://10.96."), "{told}");

    stack.edit("default     = 2", "default     = 3");
    stack
        .plan()
        .code(2)
        .says(&["~ spec.replicas  2 → 3", "0 to create, 1 to update, 0 to delete. 5 unchanged."]);
    stack.apply().done();
    let ready = ["-n", "quickstart", "deployment", "web", "-o", "jsonpath={.status.readyReplicas}"];
    assert_eq!(get(&ready).done().out, "3");
    stack.plan().done();

    let scaled = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "quickstart" },
        "spec": { "replicas": 5 },
    });
    write_as(plane.kubectl(), "autoscaler", &scaled);
    stack.plan().code(1).complains(&["`spec.replicas` is owned by autoscaler", "force_conflicts = true"]);
    stack.edit(
        "resource \"kube_object\" \"web\" {",
        "resource \"kube_object\" \"web\" {\n  force_conflicts = true",
    );
    stack.apply().done();
    stack.plan().done();
    // What cannot be changed is replaced, by the server's word.
    stack.edit("labels    = { app = \"web\" }", "labels    = { app = \"site\" }");
    stack.plan().code(2).says(&["-/+ replace kube_object.web", "# forces replacement"]);
    stack.apply().done().says(&["1 replaced"]);
    stack.plan().done();

    stack.destroy().done().says(&["6 deleted"]);
    get(&["namespace", "quickstart"]).code(1).complains(&["not found"]);
}
