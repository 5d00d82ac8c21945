//! `moved` and `removed`: what was recorded under another address, and what is no longer ours.

use hcl_edit::structure::Block;

use super::blocks::literal_bool;
use super::body::{BodyReader, FileText};
use super::{Config, Move, Removal};
use crate::address::{Address, Key};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::{Expression, TraversalStep};

pub(super) fn moved(file: &FileText, block: &Block, diagnostics: &mut Diagnostics) -> Option<Move> {
    let span = file.span(&block.ident);
    let mut body = BodyReader::new(file.clone(), "The `moved` block", span.clone(), &block.body);
    let mut place = |name: &str| body.require(name, diagnostics).and_then(|it| address(&it, diagnostics));
    let (from, to) = (place("from"), place("to"));
    body.finish(diagnostics);
    Some(Move { from: from?, to: to?, span })
}

pub(super) fn removed(file: &FileText, block: &Block, diagnostics: &mut Diagnostics) -> Option<Removal> {
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
    Some(Removal { from: address(&from?, diagnostics)?, destroy, span })
}

/// A block or one of its instances: `kube_object.web`, `host_file.motd["db"]`.
fn address(expression: &Expression, diagnostics: &mut Diagnostics) -> Option<Address> {
    let address = expression.as_traversal().and_then(|(kind, steps)| {
        let mut steps = steps.into_iter();
        let Some(TraversalStep::Attribute(name)) = steps.next() else { return None };
        let keys = steps.map(|step| match step {
            TraversalStep::Index(key) => literal_key(&key),
            TraversalStep::Attribute(_) => None,
        });
        Some(Address { kind, name, keys: keys.collect::<Option<_>>()? })
    });
    if address.is_none() {
        let detail = "It is the address of a resource or of one of its instances, such as kube_object.web or host_file.motd[\"db\"].";
        diagnostics.push(Diagnostic::error("Invalid address", detail).at(expression.span()));
    }
    address
}

fn literal_key(key: &Expression) -> Option<Key> {
    let name = key.literal_string().map(|name| Key::Name(name.to_owned()));
    name.or_else(|| key.ast().as_number()?.as_u64().map(Key::Index))
}

/// Complains of moves and removals that contradict the rest of the configuration.
pub(super) fn check(config: &Config, diagnostics: &mut Diagnostics) {
    let declared = |address: &Address| {
        let key = (address.kind.clone(), address.name.clone());
        address.keys.is_empty() && config.resources.contains_key(&key)
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
                place = step.to.clone();
                place.keys.extend(inner);
            }
            None => return Some(place),
        }
    }
    None
}
