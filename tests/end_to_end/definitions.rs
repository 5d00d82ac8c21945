//! Objects whose kind is defined in the same plan: what their definition does not allow is told before anything is made.

use crate::stack::Stack;

const DEFINED: &str = r#"
cluster "c" { sandbox = true }

variable "size" { default = 2 }

resource "kube_object" "definition" {
  manifest = {
    apiVersion = "apiextensions.k8s.io/v1"
    kind       = "CustomResourceDefinition"
    metadata   = { name = "widgets.example.com" }
    spec = {
      group = "example.com"
      scope = "Namespaced"
      names = { kind = "Widget", plural = "widgets" }
      versions = [{
        name    = "v1"
        served  = true
        storage = true
        schema = { openAPIV3Schema = {
          type = "object"
          properties = { spec = {
            type       = "object"
            properties = { size = { type = "integer" }, most = { type = "integer", default = 3 } }
            "x-kubernetes-validations" = [{ rule = "self.size <= self.most", message = "too large" }]
          } }
        } }
      }]
    }
  }
}

resource "kube_object" "widget" {
  manifest = {
    apiVersion = "example.com/v1"
    kind       = "Widget"
    metadata   = { name = "one", namespace = "default" }
    spec       = { size = var.size }
  }
}
"#;

#[test]
fn an_object_is_held_against_the_definition_beside_it() {
    let stack = Stack::of(DEFINED);
    let refused = stack.run(["plan", "-var", "size=4"]).code(1);
    refused.complains(&[
        "The definition does not accept the object",
        "spec       = { size = var.size }",
        "- spec: Invalid value: too large",
    ]);
    stack.run(["plan"]).done().says(&["its admission is unverified", "By the definition in this plan"]);
    stack.apply().done();
    // Now the cluster itself refuses it, by the same rule.
    stack.run(["plan", "-var", "size=4"]).code(1).complains(&["too large"]);
}
