//! Names in expressions → edges between blocks, and the order that follows from them.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use self::names::{Local, Missing, Names};
use super::{
    BlockId, BlockName, Condition, Config, Module, ModuleCall, NamedFirst, Policy, Registry, Repetition,
};
use crate::address::ModulePath;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::{Expression, Reference};

/// Fills in what each block refers to and the order of all blocks; complains of cycles, and of names that nothing has unless they may
/// lie in a file that did not parse.
pub(super) fn resolve(
    config: &mut Config,
    registry: &Registry,
    incomplete: &[ModulePath],
    diagnostics: &mut Diagnostics,
) {
    let names = Names::new(config, registry);
    let mut dependencies = IndexMap::new();
    let mut unresolved: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut named_first: BTreeMap<_, Vec<NamedFirst>> = BTreeMap::new();
    for block in blocks(config) {
        let mut found: BTreeSet<_> = block.needs.iter().cloned().collect();
        let mut referred_to = BTreeSet::new();
        for used in &block.uses {
            for reference in used.expression.references() {
                match names.resolve(&reference, &used.home, used.local) {
                    Ok(targets) => {
                        found.extend(targets.iter().cloned());
                        if used.local.order {
                            let entry =
                                NamedFirst { span: reference.span, blocks: targets, is_referred_to: false };
                            named_first.entry(block.id.clone()).or_default().push(entry);
                        } else {
                            referred_to.extend(targets);
                        }
                    }
                    Err(missing) => {
                        if let Missing::Wrong(problem) = missing
                            && !incomplete.contains(&used.home)
                        {
                            diagnostics.push(problem);
                        }
                        unresolved.entry(block.id.clone()).or_default().push(reference);
                    }
                }
            }
        }
        for entry in named_first.get_mut(&block.id).into_iter().flatten() {
            entry.is_referred_to = entry.blocks.iter().all(|named| referred_to.contains(named));
        }
        found.extend(implied_target(config, registry, &block.id));
        if matches!(block.id.name, BlockName::Variable(_)) {
            // A variable's own validations name it without depending on it.
            found.remove(&block.id);
        }
        dependencies.insert(block.id, found.into_iter().collect::<Vec<_>>());
    }
    check_depends_on(config, diagnostics);
    let (order, cycles) = order(&dependencies);
    for cycle in &cycles {
        diagnostics.push(circle(config, registry, &dependencies, cycle));
    }
    config.broken.extend(cycles.into_iter().flatten());
    config.created_first = created_first(config, &dependencies);
    config.order = order;
    config.dependencies = dependencies;
    config.unresolved = unresolved;
    config.named_first = named_first;
}

/// The resources with `create_before_destroy`, and those that they depend on.
fn created_first(
    config: &Config,
    dependencies: &IndexMap<BlockId, Vec<BlockId>>,
) -> BTreeMap<BlockId, BlockId> {
    let mut reached: BTreeMap<BlockId, BlockId> = BTreeMap::new();
    let says_so =
        |id: &&BlockId| config.resource(id).is_some_and(|resource| resource.lifecycle.create_before_destroy);
    let mut next: Vec<_> = dependencies.keys().filter(says_so).map(|id| (id, id)).collect();
    while let Some((id, because)) = next.pop() {
        if !reached.contains_key(id) || id == because {
            let known = reached.insert(id.clone(), because.clone());
            // Those behind it are reached already.
            if known.is_none() {
                next.extend(dependencies.get(id).into_iter().flatten().map(|needed| (needed, because)));
            }
        }
    }
    reached.retain(|id, _| config.resource(id).is_some());
    reached
}

/// Complains of what the stack's settings refer to and cannot: they are needed before anything else is known.
pub(super) fn check_settings(config: &Config, registry: &Registry, diagnostics: &mut Diagnostics) {
    let names = Names::new(config, registry);
    for reference in config.settings.expressions().flat_map(Expression::references) {
        if !matches!(reference.root.as_str(), "var" | "meshform") {
            let detail = format!(
                "Where the state is kept must be known before anything else, and \"{}\" is not. Only variables, `meshform.workspace` and \
                 functions may be used here.",
                reference.root
            );
            diagnostics.push(Diagnostic::error("Reference out of place", detail).at(reference.span));
        } else if let Err(Missing::Wrong(problem)) = names.resolve(&reference, &ModulePath::ROOT, Local::NONE)
        {
            diagnostics.push(problem);
        }
    }
}

/// The target of a resource that does not name it: the only one there is in its module, or else in the one that calls it.
fn implied_target(config: &Config, registry: &Registry, block: &BlockId) -> Option<BlockId> {
    let (kind, named) = match &block.name {
        BlockName::Resource(ty, _) => (registry.resource_type(ty)?.target?, &config.resource(block)?.target),
        BlockName::Data(ty, _) => (registry.data_type(ty)?.target?, &config.data(block)?.target),
        _ => return None,
    };
    if named.is_some() {
        return None;
    }
    let mut path = block.module.clone();
    loop {
        let mut candidates = config.module(&path)?.targets.keys().filter(|(candidate, _)| *candidate == kind);
        match (candidates.next(), candidates.next()) {
            (Some((kind, name)), None) => {
                return Some(BlockName::Target(*kind, name.clone()).within(path));
            }
            (None, _) => path = path.split()?.0,
            (Some(_), Some(_)) => return None,
        }
    }
}

/// A block with all that it needs.
struct Block<'a> {
    id: BlockId,
    uses: Vec<Use<'a>>,
    /// What it needs without naming it.
    needs: Vec<BlockId>,
}

/// An expression in a block.
struct Use<'a> {
    expression: &'a Expression,
    /// The module whose names it uses.
    home: ModulePath,
    /// Names that have a meaning only there.
    local: Local<'a>,
}

/// All blocks of the stack and its modules.
fn blocks(config: &Config) -> Vec<Block<'_>> {
    let mut all = Vec::new();
    for (path, module) in config.modules() {
        let call = config.call_of(path);
        // How many instances of a module there are, its call says.
        let needs: Vec<_> = call.iter().map(|(id, _)| id.clone()).collect();
        for (name, uses) in module_blocks(path, module, call) {
            all.push(Block { id: name.within(path.clone()), uses, needs: needs.clone() });
        }
    }
    all
}

fn module_blocks<'a>(
    path: &ModulePath,
    module: &'a Module,
    call: Option<(BlockId, &'a ModuleCall)>,
) -> Vec<(BlockName, Vec<Use<'a>>)> {
    let here = |(expression, local)| Use { expression, home: path.clone(), local };
    let plain = |expression| here((expression, Local::NONE));
    let mut all: Vec<(BlockName, Vec<Use<'_>>)> = Vec::new();
    for (name, variable) in &module.variables {
        let checks = conditions(&variable.validations);
        let given = call.as_ref().and_then(|(caller, call)| {
            let (expression, local) = (call.inputs.get(name)?, Local::of(&call.repetition));
            Some(Use { expression, home: caller.module.clone(), local })
        });
        let uses = variable.default.iter().chain(checks).map(plain).chain(given);
        all.push((BlockName::Variable(name.clone()), uses.collect()));
    }
    for (name, value) in &module.locals {
        all.push((BlockName::Local(name.clone()), vec![plain(value)]));
    }
    for ((kind, name), block) in &module.targets {
        let uses = repeated_uses(&block.repetition, block.content.expressions().into_iter());
        all.push((BlockName::Target(*kind, name.clone()), uses.into_iter().map(here).collect()));
    }
    for (name, call) in &module.calls {
        let mut uses = repeated_uses(&call.repetition, std::iter::empty());
        uses.extend(call.depends_on.iter().map(|it| (it, Local { order: true, ..Local::NONE })));
        all.push((BlockName::Module(name.clone()), uses.into_iter().map(here).collect()));
    }
    for ((kind, name), block) in &module.resources {
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
        uses.extend(block.depends_on.iter().map(|it| (it, Local { order: true, ..Local::NONE })));
        all.push((BlockName::Resource(kind.clone(), name.clone()), uses.into_iter().map(here).collect()));
    }
    for ((kind, name), block) in &module.data {
        let inner = block.content.expressions().into_iter().chain(&block.target);
        let inner = inner.chain(conditions(&block.preconditions));
        let mut uses = repeated_uses(&block.repetition, inner);
        let after = repeated_uses(&block.repetition, conditions(&block.postconditions)).into_iter();
        uses.extend(after.map(|(it, names)| (it, Local { itself: true, ..names })));
        uses.extend(block.depends_on.iter().map(|it| (it, Local { order: true, ..Local::NONE })));
        let check = block.check.as_deref();
        let uses = uses.into_iter().map(|(it, local)| here((it, Local { check, ..local })));
        all.push((BlockName::Data(kind.clone(), name.clone()), uses.collect()));
    }
    for (name, output) in &module.outputs {
        let uses = std::iter::once(&output.value).chain(conditions(&output.preconditions));
        all.push((BlockName::Output(name.clone()), uses.map(plain).collect()));
    }
    for (name, asserts) in &module.checks {
        let within = Local { check: Some(name), ..Local::NONE };
        let uses = conditions(asserts).map(|expression| here((expression, within)));
        all.push((BlockName::Check(name.clone()), uses.collect()));
    }
    for (name, policy) in &module.policies {
        all.push((BlockName::Policy(name.clone()), policy_uses(policy).map(here).collect()));
    }
    all
}

fn repeated_uses<'a>(
    repetition: &'a Repetition,
    inner: impl Iterator<Item = &'a Expression>,
) -> Vec<(&'a Expression, Local<'a>)> {
    let own = match repetition {
        Repetition::None => None,
        Repetition::Count(own) | Repetition::ForEach(own) => Some(own),
    };
    let names = Local::of(repetition);
    own.map(|it| (it, Local::NONE)).into_iter().chain(inner.map(|it| (it, names))).collect()
}

fn policy_uses(policy: &Policy) -> impl Iterator<Item = (&Expression, Local<'_>)> {
    let outer = Local { plan: true, ..Local::NONE };
    let inner = Local { each: policy.for_each.is_some(), ..outer };
    policy.for_each.iter().map(move |it| (it, outer)).chain(policy.inner().map(|it| (it, inner)))
}

fn conditions(conditions: &[Condition]) -> impl Iterator<Item = &Expression> {
    conditions.iter().flat_map(|condition| [&condition.condition, &condition.error_message])
}

fn check_depends_on(config: &Config, diagnostics: &mut Diagnostics) {
    let modules = || config.modules().map(|(_, module)| module);
    let resources = modules().flat_map(|module| module.resources.values().map(|block| &block.depends_on));
    let data = modules().flat_map(|module| module.data.values().map(|block| &block.depends_on));
    let calls = modules().flat_map(|module| module.calls.values().map(|call| &call.depends_on));
    for depends_on in resources.chain(data).chain(calls).flatten() {
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
    // The components come in reverse topological order; one of several nodes, or with an edge to itself, is a cycle.
    let mut order = Vec::with_capacity(dependencies.len());
    let mut cycles = Vec::new();
    for component in kosaraju_scc(&graph).into_iter().rev() {
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
fn circle(
    config: &Config,
    registry: &Registry,
    dependencies: &IndexMap<BlockId, Vec<BlockId>>,
    cycle: &[BlockId],
) -> Diagnostic {
    let way = cycle.first().map(|first| way_round(dependencies, first)).unwrap_or_default();
    let names: Vec<_> = way.iter().chain(way.first()).map(ToString::to_string).collect();
    let detail =
        format!("{}: a value cannot depend on itself. Break the circle at one of them.", names.join(" → "));
    let next = way.get(1).or(way.first());
    let resolver = Names::new(config, registry);
    let begins = blocks(config).into_iter().filter(|block| Some(&block.id) == way.first());
    let uses: Vec<_> = begins.flat_map(|block| block.uses).collect();
    let leads_on = |used: &Use<'_>, reference: &Reference| {
        let targets = resolver.resolve(reference, &used.home, used.local).unwrap_or_default();
        next.is_some_and(|next| targets.contains(next))
    };
    let references = uses
        .iter()
        .flat_map(|used| used.expression.references().into_iter().map(move |reference| (used, reference)));
    let span = references.into_iter().find(|(used, reference)| leads_on(used, reference));
    Diagnostic::error("Cycle", detail).at(span.map(|(_, reference)| reference.span))
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
