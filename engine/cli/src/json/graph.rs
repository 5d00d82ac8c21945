//! A graph of blocks: `nodes` and `edges`, each edge `from` a block `to` one that it depends on, by their `address`.
//!
//! | member of a node | meaning |
//! | --- | --- |
//! | `address` | how expressions name it; outputs, checks and policies as `output.NAME`, `check.NAME` and `policy.NAME` |
//! | `module` | the module that it is in: `module.NAME`, or `""` for the stack itself |
//! | `kind` | `variable`, `local`, `cluster`, `host`, `resource`, `module`, `output`, `check` or `policy` |
//! | `type` | the resource type, else `null` |
//! | `name` | its name |
//! | `repeated` | `null`, `count` or `for_each` |

use meshform_engine::config::BlockName;
use meshform_engine::graph::{Graph, Node, Repeated};
use serde_json::{Value as Json, json};

use super::FORMAT_VERSION;

/// The document.
pub(crate) fn document(graph: &Graph) -> Json {
    let address = |at: usize| graph.nodes.get(at).map(|node| node.block.to_string());
    let edges = graph.edges.iter().map(|(from, to)| json!({ "from": address(*from), "to": address(*to) }));
    json!({
        "format_version": FORMAT_VERSION,
        "nodes": graph.nodes.iter().map(node).collect::<Vec<_>>(),
        "edges": edges.collect::<Vec<_>>(),
    })
}

fn node(node: &Node) -> Json {
    let (kind, ty) = match &node.block.name {
        BlockName::Variable(_) => ("variable", None),
        BlockName::Local(_) => ("local", None),
        BlockName::Target(kind, _) => (kind.as_str(), None),
        BlockName::Resource(ty, _) => ("resource", Some(ty)),
        BlockName::Data(ty, _) => ("data", Some(ty)),
        BlockName::Module(_) => ("module", None),
        BlockName::Output(_) => ("output", None),
        BlockName::Check(_) => ("check", None),
        BlockName::Policy(_) => ("policy", None),
    };
    let repeated = node.repeated.map(|repeated| match repeated {
        Repeated::Count => "count",
        Repeated::ForEach => "for_each",
    });
    let (_, name) = node.block.name.reference();
    json!({
        "address": node.block.to_string(),
        "module": node.block.module.to_string(),
        "kind": kind,
        "type": ty,
        "name": name,
        "repeated": repeated,
    })
}

#[cfg(test)]
mod tests {
    use meshform_engine::address::ModulePath;

    use super::*;

    #[test]
    fn blocks_are_told_by_kind_type_and_name() {
        let node = |name: BlockName, repeated| Node { block: name.within(ModulePath::ROOT), repeated };
        let nodes = vec![
            node(BlockName::Local("a".into()), None),
            node(BlockName::Resource("value".into(), "b".into()), Some(Repeated::Count)),
        ];
        let expect = json!({
            "format_version": FORMAT_VERSION,
            "nodes": [
                { "address": "local.a", "module": "", "kind": "local", "type": null, "name": "a", "repeated": null },
                { "address": "value.b", "module": "", "kind": "resource", "type": "value", "name": "b", "repeated": "count" },
            ],
            "edges": [{ "from": "value.b", "to": "local.a" }],
        });
        assert_eq!(document(&Graph { nodes, edges: vec![(1, 0)] }), expect);
    }
}
