//! What depends on what in a stack, as its configuration says: blocks and the references between them.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::config::{BlockId, BlockName, Config, Repetition};

/// Blocks and what they depend on, in the order in which they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The blocks.
    pub nodes: Vec<Node>,
    /// Pairs of positions in `nodes`: the first depends on the second. Sorted.
    pub edges: Vec<(usize, usize)>,
}

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which one.
    pub block: BlockId,
    /// How its instances are made, if it is repeated.
    pub repeated: Option<Repeated>,
}

/// What repeats a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// `count`
    Count,
    /// `for_each`
    ForEach,
}

impl Graph {
    /// The graph of a stack with its modules. Unless `all` are wanted, there are no variables, local values, calls of modules and their
    /// outputs in it: who refers to one depends on what that depends on.
    pub fn of(config: &Config, all: bool) -> Self {
        let is_shown = |block: &BlockId| match &block.name {
            BlockName::Variable(_) | BlockName::Local(_) | BlockName::Module(_) => all,
            BlockName::Output(_) => all || block.module.0.is_empty(),
            BlockName::Target(..)
            | BlockName::Resource(..)
            | BlockName::Data(..)
            | BlockName::Check(_)
            | BlockName::Policy(_) => true,
        };
        let places: IndexMap<&BlockId, usize> = config
            .dependencies
            .keys()
            .filter(|block| is_shown(block))
            .enumerate()
            .map(|(at, block)| (block, at))
            .collect();
        let mut edges = BTreeSet::new();
        // What is behind a block that is not shown. All that a block needs comes before it.
        let mut behind: BTreeMap<&BlockId, BTreeSet<usize>> = BTreeMap::new();
        for block in &config.order {
            let mut needs = BTreeSet::new();
            for need in config.dependencies.get(block).into_iter().flatten() {
                match places.get(need) {
                    Some(place) => drop(needs.insert(*place)),
                    None => needs.extend(behind.get(need).into_iter().flatten()),
                }
            }
            match places.get(block) {
                Some(place) => edges.extend(needs.into_iter().map(|need| (*place, need))),
                None => drop(behind.insert(block, needs)),
            }
        }
        let nodes =
            places.keys().map(|block| Node { block: (*block).clone(), repeated: repeated(config, block) });
        Self { nodes: nodes.collect(), edges: edges.into_iter().collect() }
    }
}

fn repeated(config: &Config, block: &BlockId) -> Option<Repeated> {
    let target = || config.target(block).map(|block| &block.repetition);
    let call = || config.call(block).map(|call| &call.repetition);
    let data = || config.data(block).map(|block| &block.repetition);
    let resource = config.resource(block).map(|block| &block.repetition);
    let repetition = resource.or_else(data).or_else(target).or_else(call)?;
    match repetition {
        Repetition::None => None,
        Repetition::Count(_) => Some(Repeated::Count),
        Repetition::ForEach(_) => Some(Repeated::ForEach),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{ModulePath, TargetKind};

    fn block(text: &str) -> BlockId {
        let (module, text) = match text.strip_prefix("module.m.") {
            Some(text) => (ModulePath::ROOT.child("m"), text),
            None => (ModulePath::ROOT, text),
        };
        let (root, name) = text.split_once('.').unwrap();
        let name = name.to_owned();
        let name = match root {
            "var" => BlockName::Variable(name),
            "local" => BlockName::Local(name),
            "host" => BlockName::Target(TargetKind::Host, name),
            "module" => BlockName::Module(name),
            "output" => BlockName::Output(name),
            kind => BlockName::Resource(kind.to_owned(), name),
        };
        name.within(module)
    }

    /// Blocks with what they need, in an order in which they could be planned, and the edges of their graph.
    fn check(blocks: &[(&str, &[&str])], all: bool, expect: &[&str]) {
        let mut config = Config::default();
        for (name, needs) in blocks {
            config.dependencies.insert(block(name), needs.iter().map(|need| block(need)).collect());
            config.order.push(block(name));
        }
        let graph = Graph::of(&config, all);
        let name = |at: usize| graph.nodes[at].block.to_string();
        let edges: Vec<_> =
            graph.edges.iter().map(|(from, to)| format!("{} -> {}", name(*from), name(*to))).collect();
        assert_eq!(edges, expect);
    }

    #[test]
    fn variables_and_local_values_are_seen_through() {
        let blocks: &[(&str, &[&str])] = &[
            ("var.a", &[]),
            ("host.h", &["var.a"]),
            ("value.x", &["host.h"]),
            ("local.b", &["value.x", "var.a"]),
            ("local.c", &["local.b", "host.h"]),
            ("value.y", &["local.c"]),
            ("output.o", &["value.y", "local.b"]),
        ];
        check(
            blocks,
            false,
            &[
                "value.x -> host.h",
                "value.y -> host.h",
                "value.y -> value.x",
                "output.o -> value.x",
                "output.o -> value.y",
            ],
        );
        check(
            blocks,
            true,
            &[
                "host.h -> var.a",
                "value.x -> host.h",
                "local.b -> var.a",
                "local.b -> value.x",
                "local.c -> host.h",
                "local.c -> local.b",
                "value.y -> local.c",
                "output.o -> local.b",
                "output.o -> value.y",
            ],
        );
    }
    #[test]
    fn modules_are_seen_through() {
        let blocks: &[(&str, &[&str])] = &[
            ("value.x", &[]),
            ("module.m", &["value.x"]),
            ("module.m.value.y", &["module.m"]),
            ("module.m.output.o", &["module.m", "module.m.value.y"]),
            ("value.z", &["module.m.output.o"]),
        ];
        let expect = &["module.m.value.y -> value.x", "value.z -> value.x", "value.z -> module.m.value.y"];
        check(blocks, false, expect);
    }
}
