//! Graphs of blocks for the programs that draw them: Graphviz and Mermaid. Arrows point to what is needed.

use meshform_engine::address::TargetKind;
use meshform_engine::config::{BlockId, BlockName};
use meshform_engine::graph::{Graph, Node, Repeated};

/// In the language of Graphviz.
pub(crate) fn dot(graph: &Graph) -> String {
    let mut text =
        String::from("digraph meshform {\n  rankdir = \"RL\"\n  node [fontname = \"sans-serif\"]\n\n");
    for node in &graph.nodes {
        let name = dot_text(&node.block.to_string());
        text.push_str(&format!("  {name} [label = {}, {}]\n", dot_text(&label(node)), dot_look(&node.block)));
    }
    if !graph.edges.is_empty() {
        text.push('\n');
    }
    for (from, to) in &graph.edges {
        let name = |at: &usize| {
            graph.nodes.get(*at).map(|node| dot_text(&node.block.to_string())).unwrap_or_default()
        };
        text.push_str(&format!("  {} -> {}\n", name(from), name(to)));
    }
    text.push_str("}\n");
    text
}

/// In the language of Mermaid.
pub(crate) fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart RL\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        let (open, close) = mermaid_shape(&node.block);
        let class = if matches!(node.block.name, BlockName::Target(..)) { ":::target" } else { "" };
        text.push_str(&format!("  n{at}{open}\"{}\"{close}{class}\n", mermaid_text(&label(node))));
    }
    for (from, to) in &graph.edges {
        text.push_str(&format!("  n{from} --> n{to}\n"));
    }
    text.push_str("  classDef target stroke-width:3px\n");
    text
}

fn label(node: &Node) -> String {
    match node.repeated {
        None => node.block.to_string(),
        Some(Repeated::Count) => format!("{} (count)", node.block),
        Some(Repeated::ForEach) => format!("{} (for_each)", node.block),
    }
}

fn dot_look(block: &BlockId) -> &'static str {
    match &block.name {
        BlockName::Target(TargetKind::Cluster, _) => "shape = cylinder, style = bold",
        BlockName::Target(TargetKind::Host, _) => "shape = box3d, style = bold",
        BlockName::Resource(..) => "shape = box, style = rounded",
        BlockName::Data(..) => "shape = box, style = dashed",
        BlockName::Variable(_) | BlockName::Local(_) => "shape = ellipse",
        BlockName::Module(_) => "shape = folder",
        BlockName::Output(_) => "shape = note",
        BlockName::Check(_) | BlockName::Policy(_) => "shape = hexagon",
    }
}

fn mermaid_shape(block: &BlockId) -> (&'static str, &'static str) {
    match &block.name {
        BlockName::Target(TargetKind::Cluster, _) => ("[(", ")]"),
        BlockName::Target(TargetKind::Host, _) => ("[[", "]]"),
        BlockName::Resource(..) => ("[", "]"),
        BlockName::Data(..) => ("[\\", "\\]"),
        BlockName::Variable(_) | BlockName::Local(_) => ("([", "])"),
        BlockName::Module(_) => ("[/", "/]"),
        BlockName::Output(_) => (">", "]"),
        BlockName::Check(_) | BlockName::Policy(_) => ("{{", "}}"),
    }
}

/// A quoted string. In one, Graphviz knows two escapes that mean themselves; all others are for its labels.
fn dot_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// What Mermaid would take for its own syntax or for HTML is written by its number.
fn mermaid_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '#' | '&' | '<' | '>' | '`' | ';' | '\\' | '\n' => {
                escaped.push_str(&format!("#{};", u32::from(letter)));
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use meshform_engine::address::ModulePath;

    use super::*;

    fn graph() -> Graph {
        let node = |name: BlockName, repeated| Node { block: name.within(ModulePath::ROOT), repeated };
        Graph {
            nodes: vec![
                node(BlockName::Target(TargetKind::Cluster, "main".into()), None),
                node(BlockName::Target(TargetKind::Host, "ecs".into()), Some(Repeated::ForEach)),
                node(BlockName::Resource("value".into(), "a \"b\" <c>".into()), Some(Repeated::Count)),
                node(BlockName::Output("o".into()), None),
            ],
            edges: vec![(2, 0), (2, 1), (3, 2)],
        }
    }

    #[test]
    fn graphviz_draws_targets_otherwise() {
        let expect = r#"digraph meshform {
  rankdir = "RL"
  node [fontname = "sans-serif"]

  "cluster.main" [label = "cluster.main", shape = cylinder, style = bold]
  "host.ecs" [label = "host.ecs (for_each)", shape = box3d, style = bold]
  "value.a \"b\" <c>" [label = "value.a \"b\" <c> (count)", shape = box, style = rounded]
  "output.o" [label = "output.o", shape = note]

  "value.a \"b\" <c>" -> "cluster.main"
  "value.a \"b\" <c>" -> "host.ecs"
  "output.o" -> "value.a \"b\" <c>"
}
"#;
        assert_eq!(dot(&graph()), expect);
        assert!(dot(&Graph::default()).ends_with("]\n\n}\n"));
    }

    #[test]
    fn mermaid_reads_odd_names() {
        let expect = r#"flowchart RL
  n0[("cluster.main")]:::target
  n1[["host.ecs (for_each)"]]:::target
  n2["value.a #34;b#34; #60;c#62; (count)"]
  n3>"output.o"]
  n2 --> n0
  n2 --> n1
  n3 --> n2
  classDef target stroke-width:3px
"#;
        assert_eq!(mermaid(&graph()), expect);
    }
}
