//! Names in expressions → edges between blocks, and the order that follows from them.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{BlockId, Condition, Config, Registry, Repetition};
use crate::address::TargetKind;
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::lang::{Expression, Reference};

/// Fills in what each block refers to and the order of all blocks; complains of cycles, and returns complaints of names that nothing has.
pub(super) fn resolve(
    config: &mut Config,
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> Diagnostics {
    let names = Names::new(config, registry);
    let mut dependencies = IndexMap::new();
    let mut complaints = Diagnostics::new();
    let mut unresolved: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (block, uses) in uses(config) {
        let mut found = BTreeSet::new();
        for (expression, local) in uses {
            for reference in expression.references() {
                match names.resolve(&reference, local) {
                    Ok(target) => found.extend(target),
                    Err(diagnostic) => {
                        complaints.push(diagnostic);
                        unresolved.entry(block.clone()).or_default().push(reference);
                    }
                }
            }
        }
        found.extend(implied_target(config, registry, &block));
        dependencies.insert(block, found.into_iter().collect::<Vec<_>>());
    }
    check_depends_on(config, diagnostics);
    let (order, cycles) = order(&dependencies);
    for cycle in cycles {
        diagnostics.push(circle(config, &dependencies, &cycle));
        config.broken.extend(cycle);
    }
    config.order = order;
    config.dependencies = dependencies;
    config.unresolved = unresolved;
    complaints
}

/// The target of a resource that does not name it: the only one there is.
fn implied_target(config: &Config, registry: &Registry, block: &BlockId) -> Option<BlockId> {
    let BlockId::Resource(ty, name) = block else { return None };
    let resource = config.resources.get(&(ty.clone(), name.clone()))?;
    let kind = registry.resource_type(ty)?.target.filter(|_| resource.target.is_none())?;
    let mut candidates = config.targets.keys().filter(|(candidate, _)| *candidate == kind);
    match (candidates.next(), candidates.next()) {
        (Some((kind, name)), None) => Some(BlockId::Target(*kind, name.clone())),
        _ => None,
    }
}

/// Every block with the expressions in it, each with the names that have a meaning only there.
fn uses(config: &Config) -> Vec<(BlockId, Vec<(&Expression, Local)>)> {
    let mut all = Vec::new();
    for (name, variable) in &config.variables {
        let checks = conditions(&variable.validations).filter(|check| !refers_only_to(check, name));
        all.push((
            BlockId::Variable(name.clone()),
            variable.default.iter().chain(checks).map(|it| (it, Local::NONE)).collect(),
        ));
    }
    for (name, value) in &config.locals {
        all.push((BlockId::Local(name.clone()), vec![(value, Local::NONE)]));
    }
    for ((kind, name), block) in &config.targets {
        let uses = repeated_uses(&block.repetition, block.content.expressions().into_iter());
        all.push((BlockId::Target(*kind, name.clone()), uses));
    }
    for ((kind, name), block) in &config.resources {
        let lifecycle = &block.lifecycle;
        let inner = block
            .content
            .expressions()
            .into_iter()
            .chain(&block.target)
            .chain(&lifecycle.replace_triggered_by);
        let mut uses = repeated_uses(&block.repetition, inner.chain(conditions(&lifecycle.preconditions)));
        let after = repeated_uses(&block.repetition, conditions(&lifecycle.postconditions)).into_iter();
        uses.extend(after.map(|(it, names)| (it, Local { itself: true, ..names })));
        uses.extend(block.depends_on.iter().map(|it| (it, Local::NONE)));
        all.push((BlockId::Resource(kind.clone(), name.clone()), uses));
    }
    for (name, output) in &config.outputs {
        let uses = std::iter::once(&output.value).chain(conditions(&output.preconditions));
        all.push((BlockId::Output(name.clone()), uses.map(|it| (it, Local::NONE)).collect()));
    }
    for (name, asserts) in &config.checks {
        let uses = conditions(asserts).map(|it| (it, Local::NONE));
        all.push((BlockId::Check(name.clone()), uses.collect()));
    }
    all
}

/// A variable's own validations name it without depending on it.
fn refers_only_to(expression: &Expression, variable: &str) -> bool {
    expression
        .references()
        .iter()
        .all(|reference| reference.root == "var" && reference.name.as_deref() == Some(variable))
}

fn repeated_uses<'a>(
    repetition: &'a Repetition,
    inner: impl Iterator<Item = &'a Expression>,
) -> Vec<(&'a Expression, Local)> {
    let (own, names) = match repetition {
        Repetition::None => (None, Local::NONE),
        Repetition::Count(count) => (Some(count), Local { count: true, ..Local::NONE }),
        Repetition::ForEach(for_each) => (Some(for_each), Local { each: true, ..Local::NONE }),
    };
    own.map(|it| (it, Local::NONE)).into_iter().chain(inner.map(|it| (it, names))).collect()
}

fn conditions(conditions: &[Condition]) -> impl Iterator<Item = &Expression> {
    conditions.iter().flat_map(|condition| [&condition.condition, &condition.error_message])
}

/// Which names have a meaning in an expression besides those of blocks.
#[derive(Clone, Copy)]
struct Local {
    each: bool,
    count: bool,
    /// `self`
    itself: bool,
}

impl Local {
    const NONE: Self = Self { each: false, count: false, itself: false };
}

/// All names that expressions may use.
struct Names<'a> {
    config: &'a Config,
    registry: &'a Registry,
}

impl<'a> Names<'a> {
    fn new(config: &'a Config, registry: &'a Registry) -> Self {
        Self { config, registry }
    }

    fn resolve(&self, reference: &Reference, local: Local) -> Result<Option<BlockId>, Diagnostic> {
        match reference.root.as_str() {
            "path" => return Ok(None),
            "each" if local.each => return Ok(None),
            "count" if local.count => return Ok(None),
            "self" if local.itself => return Ok(None),
            "each" => return Err(out_of_place(reference, "a block that has the argument `for_each`")),
            "count" => return Err(out_of_place(reference, "a block that has the argument `count`")),
            "self" => return Err(out_of_place(reference, "a `postcondition` block")),
            _ => {}
        }
        let root = reference.root.as_str();
        let Some(candidates) = self.candidates(root) else { return Err(self.unknown_root(reference)) };
        let Some(name) = reference.name.as_deref() else {
            return Err(Diagnostic::error(
                "Incomplete reference",
                format!("\"{root}\" is followed by the name of one of them, such as `{root}.NAME`."),
            )
            .at(reference.span.clone()));
        };
        if !candidates.contains(&name) {
            return Err(self.unknown_name(reference, root, name, &candidates));
        }
        Ok(Some(block_id(root, name)))
    }

    /// The names under a root, or `None` if nothing has that root.
    fn candidates(&self, root: &str) -> Option<Vec<&'a str>> {
        let targets = |wanted: TargetKind| {
            let targets = self.config.targets.keys().filter(move |(kind, _)| *kind == wanted);
            targets.map(|(_, name)| name.as_str()).collect()
        };
        Some(match root {
            "var" => self.config.variables.keys().map(String::as_str).collect(),
            "local" => self.config.locals.keys().map(String::as_str).collect(),
            "cluster" => targets(TargetKind::Cluster),
            "host" => targets(TargetKind::Host),
            _ => {
                self.registry.resource_type(root)?;
                let resources = self.config.resources.keys().filter(|(kind, _)| kind == root);
                resources.map(|(_, name)| name.as_str()).collect()
            }
        })
    }

    fn unknown_name(&self, reference: &Reference, root: &str, name: &str, candidates: &[&str]) -> Diagnostic {
        let what = match root {
            "var" => "variable".to_owned(),
            "local" => "local value".to_owned(),
            "cluster" | "host" => root.to_owned(),
            _ => format!("resource of type \"{root}\""),
        };
        let hint = match did_you_mean(name, candidates.iter().copied()) {
            Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
            None if candidates.is_empty() => format!(" There is no {what} at all."),
            None => format!(" There are: {}.", candidates.join(", ")),
        };
        Diagnostic::error("Unknown reference", format!("No {what} is named \"{name}\".{hint}"))
            .at(reference.span.clone())
    }

    fn unknown_root(&self, reference: &Reference) -> Diagnostic {
        let root = reference.root.as_str();
        let roots = ["var", "local", "cluster", "host", "path", "each", "count"];
        let hint = if self.config.variables.contains_key(root) {
            format!("A variable is written `var.{root}`.")
        } else if self.config.locals.contains_key(root) {
            format!("A local value is written `local.{root}`.")
        } else {
            match did_you_mean(root, roots.into_iter().chain(self.registry.type_names())) {
                Some(candidate) => format!("Did you mean \"{candidate}\"?"),
                None => "A text is written in double quotes.".to_owned(),
            }
        };
        Diagnostic::error("Unknown reference", format!("Nothing is named \"{root}\". {hint}"))
            .at(reference.span.clone())
    }
}

fn block_id(root: &str, name: &str) -> BlockId {
    let name = name.to_owned();
    match root {
        "var" => BlockId::Variable(name),
        "local" => BlockId::Local(name),
        "cluster" => BlockId::Target(TargetKind::Cluster, name),
        "host" => BlockId::Target(TargetKind::Host, name),
        _ => BlockId::Resource(root.to_owned(), name),
    }
}

fn out_of_place(reference: &Reference, place: &str) -> Diagnostic {
    Diagnostic::error(
        "Reference out of place",
        format!("\"{}\" has a meaning only inside {place}.", reference.root),
    )
    .at(reference.span.clone())
}

fn check_depends_on(config: &Config, diagnostics: &mut Diagnostics) {
    for depends_on in config.resources.values().filter_map(|block| block.depends_on.as_ref()) {
        if depends_on.list_items().is_none() {
            diagnostics.push(
                Diagnostic::error(
                    "Invalid depends_on",
                    "It is a list of references to blocks, such as [kube_object.web].",
                )
                .at(depends_on.span()),
            );
        }
    }
}

/// All blocks, each after what it refers to, and those that refer to each other in a circle.
fn order(dependencies: &IndexMap<BlockId, Vec<BlockId>>) -> (Vec<BlockId>, Vec<Vec<BlockId>>) {
    let mut graph: DiGraph<&BlockId, ()> = DiGraph::new();
    let nodes: IndexMap<&BlockId, NodeIndex> =
        dependencies.keys().map(|block| (block, graph.add_node(block))).collect();
    for (block, needs) in dependencies {
        for (from, to) in needs.iter().filter_map(|need| Some((nodes.get(need)?, nodes.get(block)?))) {
            graph.add_edge(*from, *to, ());
        }
    }
    // Tarjan's components come in reverse topological order; one of several nodes, or with an edge to itself, is a cycle.
    let mut order = Vec::with_capacity(dependencies.len());
    let mut cycles = Vec::new();
    for component in tarjan_scc(&graph).into_iter().rev() {
        let is_cycle = component.len() > 1 || component.iter().any(|node| graph.contains_edge(*node, *node));
        let mut blocks: Vec<_> = component.into_iter().map(|node| graph[node].clone()).collect();
        if is_cycle {
            blocks.sort();
            cycles.push(blocks.clone());
        }
        order.extend(blocks);
    }
    (order, cycles)
}

/// A shortest way round through blocks that refer to each other, shown where it begins.
fn circle(config: &Config, dependencies: &IndexMap<BlockId, Vec<BlockId>>, cycle: &[BlockId]) -> Diagnostic {
    let way = cycle.first().map(|first| way_round(dependencies, first)).unwrap_or_default();
    let names: Vec<_> = way.iter().chain(way.first()).map(ToString::to_string).collect();
    let detail =
        format!("{}: a value cannot depend on itself. Break the circle at one of them.", names.join(" → "));
    let begins = uses(config).into_iter().filter(|(block, _)| Some(block) == way.first());
    let references = begins.flat_map(|(_, uses)| uses).flat_map(|(expression, _)| expression.references());
    let next = way.get(1).or(way.first());
    let span = references.into_iter().find(|reference| {
        next.is_some_and(|next| {
            next.reference() == (&*reference.root, reference.name.as_deref().unwrap_or_default())
        })
    });
    Diagnostic::error("Cycle", detail).at(span.map(|reference| reference.span))
}

/// From a block along what each refers to, back to the block.
fn way_round(dependencies: &IndexMap<BlockId, Vec<BlockId>>, start: &BlockId) -> Vec<BlockId> {
    let mut came_from: IndexMap<&BlockId, &BlockId> = IndexMap::new();
    let mut open = std::collections::VecDeque::from([start]);
    while let Some(block) = open.pop_front() {
        for next in dependencies.get(block).into_iter().flatten() {
            if next == start {
                let mut way: Vec<_> =
                    std::iter::successors(Some(block), |block| came_from.get(*block).copied())
                        .cloned()
                        .collect();
                way.reverse();
                return way;
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, block);
                open.push_back(next);
            }
        }
    }
    vec![start.clone()]
}
