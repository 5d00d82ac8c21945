//! What is on a cluster and on a host already becomes part of a stack.

use std::fs;

use crate::program::finish;
use crate::stack::Stack;

const TEXT: &str = r#"
cluster "c" {
  sandbox = true
}

host "h" {
  sandbox = true
}

resource "kube_object" "page" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "page", namespace = "default" }
    data       = { text = "ours" }
  }
  force_conflicts = true
}

resource "host_file" "motd" {
  path    = "/etc/motd"
  content = "ours\n"
}

import {
  to = kube_object.page
  id = "core/ConfigMap/default/page"
}

import {
  for_each = { motd = "/etc/motd" }
  to       = host_file.motd
  id       = each.value
  host     = host.h
}
"#;

#[test]
fn what_is_there_is_imported_once() {
    let stack = Stack::of(TEXT);
    stack.run(["sandbox", "up"]).done();
    // Not before it has a sandbox with this cluster and this host, which a failed plan makes, too.
    stack
        .plan()
        .code(1)
        .complains(&["Nothing to import", "There is no core/ConfigMap/default/page on cluster.c"]);
    let theirs = r#"{ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "page" }, "data": { "text": "theirs", "other": "theirs" } }"#;
    stack.write("theirs.json", theirs);
    finish(stack.kubectl("c").args(["apply", "--server-side", "-f"]).arg(stack.path("theirs.json"))).done();
    fs::write(stack.on_host("h", "/etc/motd"), "theirs\n").unwrap();
    stack.plan().code(2).says(&[
        "= adopt   host_file.motd",
        "= adopt   kube_object.page",
        "because it is imported",
        "Besides: 2 to adopt.",
    ]);
    stack.apply().done();
    assert_eq!(fs::read_to_string(stack.on_host("h", "/etc/motd")).unwrap(), "ours\n");
    let data = stack.get("c", &["configmap", "page", "-o", "jsonpath={.data.text} {.data.other}"]).done();
    assert_eq!(data.out, "ours theirs");
    stack.plan().done();
    stack.edit("id = \"core/ConfigMap/default/page\"", "id = \"core/ConfigMap/default/other\"");
    stack.plan().done();
    stack.edit("to = kube_object.page\n", "to = kube_object.pages\n");
    stack.plan().code(1).complains(&["Import to nowhere"]);
}
