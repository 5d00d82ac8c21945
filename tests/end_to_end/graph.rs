//! `graph`: what depends on what, by the files alone.

use serde_json::Value;

use crate::program::piped;
use crate::stack::Stack;

const STACK: &str = r#"
variable "address" {
  type = string
}

locals {
  name = value.first.output
}

host "edge" {
  address = var.address
}

resource "value" "first" {
  input = 1
}

resource "host_file" "second" {
  count   = 2
  path    = "/tmp/${count.index}"
  content = local.name
}

output "third" {
  value = host_file.second
}
"#;

fn edges(stack: &Stack, flags: &[&str]) -> Vec<String> {
    let ended = stack.run(["graph", "-json"].iter().chain(flags)).done();
    let graph: Value = serde_json::from_str(&ended.out).unwrap();
    let name = |edge: &Value, end: &str| edge[end].as_str().unwrap().to_owned();
    let edges = graph["edges"].as_array().unwrap().iter();
    edges.map(|edge| format!("{} -> {}", name(edge, "from"), name(edge, "to"))).collect()
}

#[test]
fn the_edges_are_the_references() {
    let stack = Stack::of(STACK);
    let short = [
        "host_file.second -> host.edge",
        "host_file.second -> value.first",
        "output.third -> host_file.second",
    ];
    assert_eq!(edges(&stack, &[]), short);
    let whole = [
        "local.name -> value.first",
        "host.edge -> var.address",
        "host_file.second -> local.name",
        "host_file.second -> host.edge",
        "output.third -> host_file.second",
    ];
    assert_eq!(edges(&stack, &["-all"]), whole);
    assert!(!stack.path(".meshform").exists());
}

#[test]
fn graphs_are_drawn() {
    let stack = Stack::of(STACK);
    let dot = stack
        .run(["graph"])
        .done()
        .says(&["\"host_file.second\" -> \"host.edge\"", "host_file.second (count)"]);
    assert_eq!(stack.run(["graph", "-format=dot"]).done().out, dot.out);
    stack.run(["graph", "-format=mermaid"]).done().says(&["flowchart RL\n", "n0[[\"host.edge\"]]:::target"]);
    let mut graphviz = std::process::Command::new("dot");
    match graphviz.arg("-V").output() {
        Ok(_) => drop(piped(std::process::Command::new("dot").arg("-Tcanon"), &dot.out).done()),
        Err(_) => eprintln!("NOT RUN: there is no Graphviz here to read the graph"),
    }
}

#[test]
fn a_stack_that_is_wrong_has_no_graph() {
    let stack = Stack::of("locals {\n  a = local.b\n  b = local.a\n}\n");
    stack.run(["graph"]).code(1).complains(&["Cycle"]);
    let ended = stack.run(["graph", "-json"]).code(1);
    let document: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(document["valid"], false);
}
