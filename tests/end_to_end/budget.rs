//! `max_deletes`: how much one plan may remove; and what a plan says of what comes of it.

use crate::stack::Stack;

const STACK: &str = r#"
meshform {
  max_deletes = "20%"
}

locals {
  names = ["a", "b", "c", "d", "e", "f", "g", "h"]
}

resource "value" "kept" {
  for_each = toset(local.names)
  input    = each.key
}
"#;

#[test]
fn a_plan_beyond_the_budget_is_told_and_not_applied() {
    let stack = Stack::of(STACK);
    stack.run(["fmt", "-check"]).done();
    stack.apply().done().says(&["8 created", "Policies: 1 holds."]);
    // Two of eight, rounded up.
    stack.edit("\"c\", \"d\", ", "");
    stack.apply().done().says(&["2 deleted"]);
    stack.edit("\"e\", \"f\", \"g\", ", "");
    let beyond = "This plan removes or replaces 3 of 6 instances, and `max_deletes` allows 2 (20%)";
    stack.run(["plan", "-out", "saved.plan"]).code(1).says(&["max_deletes (mandatory) does not hold"]).complains(&[
        beyond,
        "value.kept[\"e\"], value.kept[\"f\"], value.kept[\"g\"]. If that is meant, say so by -max-deletes=3.",
        "Nothing was written to saved.plan.",
    ]);
    stack.apply().code(1).complains(&[beyond]);
    let document = stack.run(["plan", "-json"]).code(1).json();
    assert_eq!(
        (&document["forbidden"], &document["policies"][0]["name"]),
        (&true.into(), &"max_deletes".into())
    );
    // What is replaced counts, too.
    let replaced = ["plan", "-replace", "value.kept[\"a\"]", "-max-deletes=3"];
    stack.run(replaced).code(1).complains(&["removes or replaces 4 of 6 instances"]);
    stack.run(["plan", "-max-deletes=50%", "-out", "saved.plan"]).done();
    stack.run(["apply", "-max-deletes=3", "saved.plan"]).code(1).complains(&["-max-deletes"]);
    stack.run(["apply", "saved.plan"]).done().says(&["3 deleted"]);
    // To remove everything is what a destroy is for.
    stack.destroy().done().says(&["3 deleted"]);
    stack.edit("\"20%\"", "\"many\"");
    stack.run(["plan"]).code(1).complains(&["Invalid budget", "main.hcl:3:17"]);
}

const WEB: &str = r#"
cluster "main" {
  sandbox = true
}

resource "kube_object" "web" {
  manifest = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = { name = "web", namespace = "default" }
    spec = {
      replicas = 4
      selector = { matchLabels = { app = "web" } }
      template = {
        metadata = { labels = { app = "web" } }
        spec     = { containers = [{ name = "web", image = "nginx:1.29" }] }
      }
    }
  }
}

resource "kube_object" "front" {
  manifest = {
    apiVersion = "v1"
    kind       = "Service"
    metadata   = { name = "front", namespace = "default" }
    spec       = { selector = { app = "web" }, ports = [{ port = 80 }] }
  }
}
"#;

#[test]
fn a_plan_says_what_comes_of_it() {
    let stack = Stack::of(WEB);
    stack.apply().done();
    stack.edit("nginx:1.29", "nginx:1.30");
    let rolls = "4 pods are replaced, at most 1 missing and 1 more at a time.";
    stack.plan().code(2).says(&[&format!("impact: {rolls}")]);
    let document = stack.run(["plan", "-json"]).done().json();
    let changes = document["changes"].as_array().unwrap();
    let web = changes.iter().find(|change| change["address"] == "kube_object.web").unwrap();
    assert_eq!(web["impact"], serde_json::json!([rolls]));
    // A saved plan keeps it.
    stack.run(["plan", "-out", "saved.plan"]).done();
    stack.run(["show", "saved.plan"]).done().says(&[rolls]);
    stack.run(["apply", "saved.plan"]).done();
    stack.edit("replicas = 4", "replicas = 0");
    stack
        .plan()
        .code(2)
        .says(&["impact: 4 of 4 pods end.", "impact: Service front loses all of its endpoints."]);
}
