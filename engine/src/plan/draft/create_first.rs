//! `create_before_destroy`: the new thing is made before the old one is removed.
//!
//! What moves to another target is replaced in this way, too, asked for or not.
//!
//! Both are there for a while, so they cannot have one name. The old one is recorded beside the new one, as deposed, and goes last: when
//! all that depends on the instance has moved on to the new one. Removed or not, it is never forgotten: what is deposed and still recorded
//! is planned for removal again and again.

use super::{Drafting, blank};
use crate::address::Address;
use crate::config::{BlockId, ResourceBlock};
use crate::diagnostic::Diagnostic;
use crate::plan::{Action, Change};
use crate::ports::Precondition;
use crate::state::Record;
use crate::value::Value;

impl Drafting<'_> {
    /// The change, with the new thing first where that is asked for. What it was until now is as recorded.
    pub(super) fn created_first(
        &mut self,
        change: Change,
        recorded: Option<(&Address, &Record)>,
        block: &ResourceBlock,
    ) -> Change {
        let asked_by = self.inputs.config.created_first.get(&BlockId::of(&change.address));
        let (Action::ReplaceDeleteFirst, Some((_, record))) = (change.action, recorded) else {
            return change;
        };
        let own = BlockId::of(&change.address);
        let asked_by = match asked_by {
            Some(asked_by) => asked_by,
            // A change is about one target. What lies on another is left behind there, and removed as what is deposed.
            None if record.target != change.target && change.prior_precondition.is_some() => &own,
            None => return change,
        };
        let replaced = Change { action: Action::ReplaceCreateFirst, ..change };
        match (&replaced.prior_precondition, &replaced.target) {
            (Some(reviewed), _) => {
                let deposed = deposed(&replaced, record, reviewed.clone(), block.timeouts.delete_ms);
                self.draft.changes.insert(deposed.address.clone(), deposed);
                Change { prior_precondition: None, ..replaced }
            }
            // Nothing lies anywhere of which there could be two.
            (None, None) => replaced,
            (None, Some(_)) => {
                let at = block.lifecycle.span.clone().or_else(|| block.span.clone());
                self.draft.diagnostics.push(same_name(&replaced, asked_by).at(at));
                replaced
            }
        }
    }
}

/// What an instance was until another thing takes its place: recorded beside that, and then removed.
fn deposed(replaced: &Change, record: &Record, reviewed: Precondition, timeout_ms: Option<u64>) -> Change {
    let address: Address = replaced.address.depose(record.target.as_ref(), &record.identity);
    let reason = format!("{} takes its place first", replaced.address);
    Change {
        target: record.target.clone(),
        identity: Some(record.identity.clone()),
        planned: Value::null(),
        precondition: reviewed,
        depends_on: record.depends_on.clone(),
        timeout_ms,
        ..blank(address, &replaced.kind, Action::Delete, Some(reason))
    }
}

fn same_name(replaced: &Change, asked_by: &BlockId) -> Diagnostic {
    let identity = replaced.identity.as_deref().unwrap_or_default();
    let place = replaced.target.as_ref().map(|target| format!(" on {target}")).unwrap_or_default();
    let asked = match *asked_by == BlockId::of(&replaced.address) {
        true => "its block".to_owned(),
        false => format!("{asked_by}, which depends on it,"),
    };
    Diagnostic::error(
        "Cannot be created first",
        format!(
            "{} must be replaced, and {asked} says `create_before_destroy = true`, but the new one would be {identity}{place} like the old one: there cannot be two. Give it a name that changes with its content, or take that line out.",
            replaced.address
        ),
    )
}
