//! `moved` and `removed`: what was recorded under another address, and what is no longer ours.

use hcl_edit::structure::Block;

use super::blocks::literal_bool;
use super::body::{BodyReader, FileText};
use super::{Config, Move, Removal};
use crate::address::{Address, Key, ModuleInstance, ModulePath, ModuleStep};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::{Expression, TraversalStep};

pub(super) fn moved(
    file: &FileText,
    block: &Block,
    module: &ModulePath,
    diagnostics: &mut Diagnostics,
) -> Option<Move> {
    let span = file.span(&block.ident);
    let mut body = BodyReader::new(file.clone(), "The `moved` block", span.clone(), &block.body);
    let mut place =
        |name: &str| body.require(name, diagnostics).and_then(|it| address(&it, module, diagnostics));
    let (from, to) = (place("from"), place("to"));
    body.finish(diagnostics);
    Some(Move { from: from?, to: to?, span })
}

pub(super) fn removed(
    file: &FileText,
    block: &Block,
    module: &ModulePath,
    diagnostics: &mut Diagnostics,
) -> Option<Removal> {
    let span = file.span(&block.ident);
    let mut body = BodyReader::new(file.clone(), "The `removed` block", span.clone(), &block.body);
    let from = body.require("from", diagnostics);
    let lifecycle = body.take_blocks("lifecycle").into_iter().next();
    body.finish(diagnostics);
    let destroy = lifecycle.is_none_or(|block| {
        let span = file.span(&block.ident);
        let mut body = BodyReader::new(file.clone(), "The `lifecycle` block", span, &block.body);
        let destroy = literal_bool(body.take("destroy"), true, diagnostics);
        body.finish(diagnostics);
        destroy
    });
    Some(Removal { from: address(&from?, module, diagnostics)?, destroy, span })
}

/// A block or one of its instances, as a module names it: `kube_object.web`, `host_file.motd["db"]`, `module.site.value.x`.
fn address(expression: &Expression, module: &ModulePath, diagnostics: &mut Diagnostics) -> Option<Address> {
    let address = expression.as_traversal().and_then(|(root, steps)| named(module, root, steps));
    if address.is_none() {
        let detail = "It is the address of a resource or of one of its instances, such as kube_object.web or host_file.motd[\"db\"].";
        diagnostics.push(Diagnostic::error("Invalid address", detail).at(expression.span()));
    }
    address
}

fn named(within: &ModulePath, root: String, steps: Vec<TraversalStep>) -> Option<Address> {
    let mut module = ModuleInstance(Vec::new());
    for name in &within.0 {
        module = module.child(name, None);
    }
    let mut steps = steps.into_iter().peekable();
    let mut root = root;
    loop {
        let Some(TraversalStep::Attribute(name)) = steps.next() else { return None };
        let mut keys = Vec::new();
        while let Some(TraversalStep::Index(key)) = steps.peek() {
            keys.push(literal_key(key)?);
            steps.next();
        }
        if root != "module" {
            let address = Address { module, kind: root, name, keys };
            return steps.next().is_none().then_some(address);
        }
        let key = keys.pop();
        module = keys.is_empty().then(|| module.child(name, key))?;
        let Some(TraversalStep::Attribute(kind)) = steps.next() else { return None };
        root = kind;
    }
}

fn literal_key(key: &Expression) -> Option<Key> {
    let name = key.literal_string().map(|name| Key::Name(name.to_owned()));
    name.or_else(|| key.ast().as_number()?.as_u64().map(Key::Index))
}

/// Complains of moves and removals that contradict the rest of the configuration.
pub(super) fn check(config: &Config, diagnostics: &mut Diagnostics) {
    let declared = |address: &Address| {
        let every = address.keys.is_empty() && address.module.0.iter().all(|step| step.key.is_none());
        every && config.resource_at(address).is_some()
    };
    for step in config.moved.iter().filter(|step| declared(&step.from)) {
        let detail =
            format!("{} is still in the configuration: what was recorded as it stays with it.", step.from);
        diagnostics.push(Diagnostic::error("Moved resource still there", detail).at(step.span.clone()));
    }
    for step in config.moved.iter().filter(|step| destination(&step.from, &config.moved).is_none()) {
        let detail = format!("{} is moved in a circle. Take one of the moves out.", step.from);
        diagnostics.push(Diagnostic::error("Circular move", detail).at(step.span.clone()));
    }
    for removal in config.removed.iter().filter(|removal| declared(&removal.from)) {
        let detail =
            format!("{} is still in the configuration. Take one of the two blocks out.", removal.from);
        diagnostics.push(Diagnostic::error("Removed resource still there", detail).at(removal.span.clone()));
    }
}

/// Where an address ends up, following all moves; `None` if they go in a circle.
pub(crate) fn destination(address: &Address, moves: &[Move]) -> Option<Address> {
    let mut place = address.clone();
    for _ in 0..=moves.len() {
        match moves.iter().find(|step| step.from.contains(&place)) {
            Some(step) => {
                let inner = place.keys.split_off(step.from.keys.len());
                let module = in_same_instance(&step.to.module, &place.module);
                place = Address { module, ..step.to.clone() };
                place.keys.extend(inner);
            }
            None => return Some(place),
        }
    }
    None
}

/// A module named without keys is meant in the instance in which something is: what moves inside a module stays in its instance.
fn in_same_instance(named: &ModuleInstance, place: &ModuleInstance) -> ModuleInstance {
    let key = |at: usize, step: &ModuleStep| {
        let same = place.0.get(at).filter(|other| other.name == step.name);
        step.key.clone().or_else(|| same?.key.clone())
    };
    let steps = named.0.iter().enumerate();
    ModuleInstance(
        steps.map(|(at, step)| ModuleStep { name: step.name.clone(), key: key(at, step) }).collect(),
    )
}
