//! What was changed by others after the review is refused: told field by field, not overwritten, and nothing that depends on it runs.

use std::fs;

use crate::program::finish;
use crate::stack::Stack;

const SITE: &str = r#"
cluster "c" { sandbox = true }
host "h" { sandbox = true }

variable "page" { default = "one" }

resource "kube_object" "page" {
  manifest = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "page", namespace = "default" }
    data       = { page = var.page }
  }
}

resource "kube_object" "key" {
  manifest = {
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "key", namespace = "default" }
    stringData = { key = "hush-${var.page}" }
  }
}

resource "host_file" "motd" {
  path    = "/etc/motd"
  content = "first\n${var.page}\nlast\n"
}

resource "host_file" "after" {
  path    = "/etc/after"
  content = "after ${host_file.motd.content}"
}
"#;

#[test]
fn what_moved_is_told_three_times_and_left_alone() {
    let stack = Stack::of(SITE);
    stack.apply().done();
    stack.run(["plan", "-out", "reviewed", "-var", "page=two"]).done();
    for (object, patch) in [
        ("configmap/page", r#"{"data":{"page":"by hand"}}"#),
        ("secret/key", r#"{"stringData":{"key":"pssst"}}"#),
    ] {
        let mut kubectl = stack.kubectl("c");
        finish(kubectl.args(["patch", object, "--type", "merge", "--patch", patch])).done();
    }
    let motd = stack.on_host("h", "/etc/motd");
    fs::write(&motd, "first\nby hand\nlast\n").unwrap();

    let refused = stack.run(["apply", "reviewed"]).code(1);
    let said = refused.complains(&[
        "      data.page\n        reviewed  \"one\"\n        now       \"by hand\"\n        wanted    \"two\"\n",
        "      data.key\n        reviewed  (sensitive)\n        now       (sensitive)\n        wanted    (sensitive)\n",
        "          - one\n          + by hand\n",
        "          - by hand\n          + two\n",
        "host_file.after: not run, because host_file.motd failed",
    ]);
    assert!(!said.all().contains("hush") && !said.all().contains("pssst"), "{}", said.all());
    assert_eq!(fs::read_to_string(&motd).unwrap(), "first\nby hand\nlast\n");
    assert_eq!(fs::read_to_string(stack.on_host("h", "/etc/after")).unwrap(), "after first\none\nlast\n");

    // The next plan sees whose the field is now.
    let next = stack.run(["plan", "-var", "page=two"]).code(1);
    next.complains(&["`data.page` is owned by kubectl-patch"]);
}
