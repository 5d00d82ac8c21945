//! Composites that ask their target something before they can be lowered: a chart is rendered for the cluster that it goes to.

use super::reach::Reach;
use super::{DraftInputs, Drafting, Sights};
use crate::address::{ModuleInstance, TargetAddress};
use crate::config::{BlockId, ResourceBlock};
use crate::diagnostic::Diagnostic;
use crate::lang::Expression;
use crate::lower::{LookUp, Placement};
use crate::secrets::Secrets;
use crate::types::Type;
use crate::value::Value;

/// What was answered to a composite, if it has been asked just this.
pub(super) fn answered(inputs: &DraftInputs<'_>, sights: &Sights, look_up: &LookUp) -> Option<Value> {
    let asked = (target_of(look_up).cloned(), look_up.arguments.clone());
    match sights.found.get(&look_up.address).filter(|(key, _)| *key == asked) {
        Some((_, Ok(found))) => Some(secrets(inputs, &look_up.arguments).mark(found)),
        _ => None,
    }
}

impl<'a> Drafting<'a> {
    /// Asks for a composite, or tells why that has to wait for another round.
    pub(super) fn ask(&mut self, block: &ResourceBlock, look_up: &LookUp) -> Option<String> {
        if let Some(name) = look_up.unknown_argument() {
            return Some(format!(
                "what it consists of depends on its {name}, which is known only after apply"
            ));
        }
        let target = match &look_up.target {
            Placement::Nowhere => None,
            Placement::Unknown => return Some("where it lives is known only after apply".to_owned()),
            Placement::On(target) => Some(target),
        };
        if let Some(target) = target {
            let used_at = block.target.as_ref().and_then(Expression::span).or_else(|| block.span.clone());
            match self.reach(target, used_at) {
                Reach::Connected => {}
                Reach::Unknown => return Some("its target is known only after apply".to_owned()),
                Reach::NotNow => return None,
            }
        }
        let asked = (target.cloned(), look_up.arguments.clone());
        match self.sights.found.get(&look_up.address).filter(|(key, _)| *key == asked) {
            Some((_, Err(error))) => {
                let detail = secrets(self.inputs, &look_up.arguments).scrub(&error.detail);
                let place = error.path.as_ref().and_then(|path| look_up.origin.place(path));
                let problem = Diagnostic::error(error.summary.clone(), detail);
                self.draft.diagnostics.push(problem.at(place.or_else(|| look_up.origin.any_place())));
            }
            _ => self.draft.wants.read.entry(target.cloned()).or_default().push(look_up.item()),
        }
        None
    }

    /// What expressions see of a block of which not everything has been answered yet.
    pub(super) fn unanswered_block(&mut self, at: &ModuleInstance, id: &BlockId) -> Value {
        let address = self.unsettle(at, id);
        self.pending.insert(address);
        Value::unknown(Type::Any)
    }

    /// Keeps what composites were answered: the apply lowers them from that.
    pub(super) fn keep_answers(&mut self) {
        let registry = self.inputs.registry;
        let is_composite = |kind: &str| registry.resource_type(kind).is_some_and(|ty| ty.part_kind.is_some());
        for (address, ((_, arguments), found)) in &self.sights.found {
            if let (true, Ok(found)) = (address.data_type().is_some_and(is_composite), found) {
                let found = secrets(self.inputs, arguments).mark(found);
                self.draft.data.insert(address.clone(), found);
            }
        }
    }
}

fn target_of(look_up: &LookUp) -> Option<&TargetAddress> {
    match &look_up.target {
        Placement::On(target) => Some(target),
        Placement::Nowhere | Placement::Unknown => None,
    }
}

fn secrets(inputs: &DraftInputs<'_>, arguments: &Value) -> Secrets {
    let mut secrets = Secrets::new(inputs.fingerprinter);
    secrets.learn(arguments);
    secrets
}
