//! `moved` and `removed`: what was recorded under another address, and what is no longer ours.

use std::fmt;
use std::str::FromStr;

use hcl_edit::structure::Block;

use super::blocks::literal_bool;
use super::body::{BodyReader, FileText};
use super::repeated::{Refactoring, Repeated};
use super::{Config, Move, Removal};
use crate::address::{Address, AddressError, Key, ModuleInstance, ModulePath, ModuleStep};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::lang::{Expression, TraversalStep};

/// What `moved` and `removed` are about. Without a key, all instances are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A resource, or one of its instances.
    Resource(Address),
    /// All in a module, or in one of its instances.
    Module(ModuleInstance),
}

impl Named {
    /// Whether an instance is meant by it.
    pub fn contains(&self, address: &Address) -> bool {
        match self {
            Self::Resource(block) => block.contains(address),
            Self::Module(module) => module.leads_to(&address.module),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(address) => address.fmt(f),
            Self::Module(module) => module.fmt(f),
        }
    }
}

impl FromStr for Named {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let resource = text.parse().map(Self::Resource);
        resource.or_else(|error: AddressError| {
            // A module is what an address begins with.
            let inner = text.starts_with("module.").then(|| format!("{text}.any.any"));
            let address: Option<Address> = inner.and_then(|inner| inner.parse().ok());
            address.map(|address| Self::Module(address.module)).ok_or(error)
        })
    }
}

pub(super) fn moved(
    file: &FileText,
    block: &Block,
    module: &ModulePath,
    repeated: &mut Vec<Repeated>,
    diagnostics: &mut Diagnostics,
) -> Option<Move> {
    let span = file.span(&block.ident);
    let mut body = BodyReader::new(file.clone(), "The `moved` block", span.clone(), &block.body);
    let for_each = body.take("for_each");
    let (from, to) = (body.require("from", diagnostics), body.require("to", diagnostics));
    body.finish(diagnostics);
    let (from, to) = (from?, to?);
    if let Some(for_each) = for_each {
        let each = Refactoring::Moved { from, to };
        repeated.push(Repeated { module: module.clone(), each, for_each, span });
        return None;
    }
    let mut place = |it: &Expression| address(it, module, &mut literal_key, diagnostics);
    let (from, to) = (place(&from), place(&to));
    one_move(from?, to?, span, diagnostics)
}

/// The move from one place to another of the same sort.
pub(super) fn one_move(
    from: Named,
    to: Named,
    span: Option<Span>,
    diagnostics: &mut Diagnostics,
) -> Option<Move> {
    if matches!(from, Named::Module(_)) != matches!(to, Named::Module(_)) {
        let detail = "A resource moves to a resource's address, and a module to a module's.";
        diagnostics.push(Diagnostic::error("Invalid move", detail).at(span));
        return None;
    }
    Some(Move { from, to, span })
}

pub(super) fn removed(
    file: &FileText,
    block: &Block,
    module: &ModulePath,
    repeated: &mut Vec<Repeated>,
    diagnostics: &mut Diagnostics,
) -> Option<Removal> {
    let span = file.span(&block.ident);
    let mut body = BodyReader::new(file.clone(), "The `removed` block", span.clone(), &block.body);
    let for_each = body.take("for_each");
    let from = body.require("from", diagnostics);
    let lifecycle = body.take_block("lifecycle", diagnostics);
    body.finish(diagnostics);
    let destroy = lifecycle.is_none_or(|block| {
        let span = file.span(&block.ident);
        let mut body = BodyReader::new(file.clone(), "The `lifecycle` block", span, &block.body);
        let destroy = literal_bool(body.take("destroy"), true, diagnostics);
        body.finish(diagnostics);
        destroy
    });
    let from = from?;
    if let Some(for_each) = for_each {
        let each = Refactoring::Removed { from, destroy };
        repeated.push(Repeated { module: module.clone(), each, for_each, span });
        return None;
    }
    Some(Removal { from: address(&from, module, &mut literal_key, diagnostics)?, destroy, span })
}

/// What is named in a module: `kube_object.web`, `host_file.motd["db"]`, `module.site`, `module.site["east"].value.x`.
pub(super) fn address(
    expression: &Expression,
    module: &ModulePath,
    key: &mut dyn FnMut(&Expression) -> Option<Key>,
    diagnostics: &mut Diagnostics,
) -> Option<Named> {
    let address = named_by(expression, module, key);
    if address.is_none() {
        let detail = "It is the address of a resource or of one of its instances, such as kube_object.web or host_file.motd[\"db\"].";
        diagnostics.push(Diagnostic::error("Invalid address", detail).at(expression.span()));
    }
    address
}

/// What an expression names, with keys as `key` tells them.
pub(crate) fn named_by(
    expression: &Expression,
    within: &ModulePath,
    key: &mut dyn FnMut(&Expression) -> Option<Key>,
) -> Option<Named> {
    let (mut root, steps) = expression.as_traversal()?;
    let mut module = ModuleInstance(Vec::new());
    for name in &within.0 {
        module = module.child(name, None);
    }
    let mut steps = steps.into_iter().peekable();
    loop {
        let Some(TraversalStep::Attribute(name)) = steps.next() else { return None };
        let mut keys = Vec::new();
        while let Some(TraversalStep::Index(of_instance)) = steps.peek() {
            keys.push(key(of_instance)?);
            steps.next();
        }
        if root != "module" {
            let address = Address { keys, ..Address::within(module, root, name) };
            return steps.next().is_none().then_some(Named::Resource(address));
        }
        let key = keys.pop();
        module = keys.is_empty().then(|| module.child(name, key))?;
        match steps.next() {
            None => return Some(Named::Module(module)),
            Some(TraversalStep::Attribute(kind)) => root = kind,
            Some(TraversalStep::Index(_)) => return None,
        }
    }
}

/// A key that is written out.
pub(crate) fn literal_key(key: &Expression) -> Option<Key> {
    let name = key.literal_string().map(|name| Key::Name(name.to_owned()));
    name.or_else(|| key.ast().as_number()?.as_u64().map(Key::Index))
}

/// Complains of moves and removals that contradict the rest of the configuration.
pub(crate) fn check(config: &Config, diagnostics: &mut Diagnostics) {
    let is_whole = |module: &ModuleInstance| module.0.iter().all(|step| step.key.is_none());
    let declared = |named: &Named| match named {
        Named::Resource(address) => {
            address.keys.is_empty() && is_whole(&address.module) && config.resource_at(address).is_some()
        }
        Named::Module(module) => is_whole(module) && config.called.contains_key(&module.path()),
    };
    for step in config.moved.iter().filter(|step| declared(&step.from)) {
        let detail =
            format!("{} is still in the configuration: what was recorded as it stays with it.", step.from);
        diagnostics.push(Diagnostic::error("What was moved is still there", detail).at(step.span.clone()));
    }
    for step in config.moved.iter().filter(|step| goes_round(step, &config.moved)) {
        let detail = format!("{} is moved in a circle. Take one of the moves out.", step.from);
        diagnostics.push(Diagnostic::error("Circular move", detail).at(step.span.clone()));
    }
    for removal in config.removed.iter().filter(|removal| declared(&removal.from)) {
        let detail =
            format!("{} is still in the configuration. Take one of the two blocks out.", removal.from);
        diagnostics
            .push(Diagnostic::error("What was removed is still there", detail).at(removal.span.clone()));
    }
}

/// Whether what moves comes back to where it was.
fn goes_round(step: &Move, moves: &[Move]) -> bool {
    let example = match &step.from {
        Named::Resource(address) => address.clone(),
        Named::Module(module) => Address::within(module.clone(), "", ""),
    };
    destination(&example, moves).is_none()
}

/// Where an address ends up, following all moves; `None` if they go in a circle.
pub(crate) fn destination(address: &Address, moves: &[Move]) -> Option<Address> {
    let mut place = address.clone();
    for _ in 0..=moves.len() {
        match moves.iter().find_map(|step| step.of(&place)) {
            Some(next) => place = next,
            None => return Some(place),
        }
    }
    None
}

impl Move {
    /// Where it takes an instance, if that is meant by it.
    pub(crate) fn of(&self, place: &Address) -> Option<Address> {
        match (&self.from, &self.to) {
            (Named::Resource(from), Named::Resource(to)) if from.contains(place) => {
                let inner = place.keys.iter().skip(from.keys.len());
                let keys = to.keys.iter().chain(inner).cloned().collect();
                let module = in_same_instance(&to.module, &place.module);
                Some(Address { module, keys, deposed: place.deposed.clone(), ..to.clone() })
            }
            (Named::Module(from), Named::Module(to)) if from.leads_to(&place.module) => {
                let (meant, inner) = place.module.0.split_at_checked(from.0.len())?;
                let (own, last) = (meant.last()?, to.0.last()?);
                // One without a key becomes one with a key; of those with keys, each keeps its own.
                if last.key.is_some() && own.key != from.0.last()?.key {
                    return None;
                }
                let mut module = in_same_instance(to, &place.module);
                if let (Some(end), None) = (module.0.last_mut(), &last.key) {
                    end.key =
                        own.key.clone().filter(|_| from.0.last().is_some_and(|step| step.key.is_none()));
                }
                module.0.extend(inner.iter().cloned());
                Some(Address { module, ..place.clone() })
            }
            _ => None,
        }
    }
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
