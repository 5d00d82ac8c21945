//! What depends on what in a stack, as its configuration says: blocks and the references between them.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::config::{BlockId, Config, Repetition};

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
    /// The graph of a stack. Unless `all` are wanted, there are no variables and local values in it: who refers to one depends on what
    /// that depends on.
    pub fn of(config: &Config, all: bool) -> Self {
        let is_shown = |block: &BlockId| all || !matches!(block, BlockId::Variable(_) | BlockId::Local(_));
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
    let repetition = match block {
        BlockId::Target(kind, name) => &config.targets.get(&(*kind, name.clone()))?.repetition,
        BlockId::Resource(kind, name) => &config.resources.get(&(kind.clone(), name.clone()))?.repetition,
        _ => return None,
    };
    match repetition {
        Repetition::None => None,
        Repetition::Count(_) => Some(Repeated::Count),
        Repetition::ForEach(_) => Some(Repeated::ForEach),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::TargetKind;

    fn block(text: &str) -> BlockId {
        let (root, name) = text.split_once('.').unwrap();
        let name = name.to_owned();
        match root {
            "var" => BlockId::Variable(name),
            "local" => BlockId::Local(name),
            "host" => BlockId::Target(TargetKind::Host, name),
            "output" => BlockId::Output(name),
            kind => BlockId::Resource(kind.to_owned(), name),
        }
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
}
