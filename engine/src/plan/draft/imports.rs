//! What `import` blocks say, held against what is planned for their instances.
//!
//! Whatever is there under the identity that an instance has is adopted, with or without an `import` block. The block says that it must
//! be there, and that it is this very one.

use super::Drafting;
use crate::address::{Address, ModulePath, TargetAddress};
use crate::config::{Import, Named, named_by};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::{Scope, evaluate};
use crate::lower::{Expansion, expand};
use crate::plan::{Action, Change};
use crate::unroll::key;

impl Drafting<'_> {
    /// Holds all imports against the changes, once everything has been seen.
    pub(super) fn imports(&mut self) {
        if self.inputs.destroy || self.is_refresh_only() || !self.draft.wants.is_empty() {
            return;
        }
        let stack = self.environment.console_scope();
        for import in &self.inputs.config.imports {
            let mut found = Diagnostics::new();
            match expand(&import.repetition, &stack, &mut found) {
                Expansion::Instances(all) => {
                    for each in all {
                        let mut scope = stack.child();
                        each.bind(&mut scope);
                        self.import(import, &scope, &mut found);
                    }
                }
                Expansion::Deferred(reason) => found.push(unknown(import, &reason)),
                Expansion::Invalid => {}
            }
            self.draft.diagnostics.extend(found);
        }
    }

    fn import(&mut self, import: &Import, scope: &Scope<'_>, diagnostics: &mut Diagnostics) {
        let mut of_instance = |it: &_| key(it, scope, diagnostics);
        let Some(Named::Resource(address)) = named_by(&import.to, &ModulePath::ROOT, &mut of_instance) else {
            return diagnostics
                .push(unknown(import, "a key of the address that it is imported to is not known"));
        };
        let id = evaluate(&import.id, scope, diagnostics);
        if id.all_marks().is_stand_in() {
            return;
        }
        let Some(id) = id.as_str().filter(|_| !id.marks().is_any()) else {
            if !diagnostics.has_errors() {
                diagnostics.push(unknown(import, "`id` is not a text that is known and not sensitive"));
            }
            return;
        };
        let target = match self.named_target(import, scope, diagnostics) {
            Ok(target) => target,
            Err(problem) => return diagnostics.push(problem),
        };
        // What has been imported is recorded, and the block has nothing more to say.
        let is_settled = !self.is_unsettled(&address) && !self.leaves_out(&address);
        if self.inputs.snapshot.records.contains_key(&address) || !is_settled {
            return;
        }
        match self.draft.changes.get_mut(&address) {
            Some(change) => diagnostics.extend(adopt(import, change, id, target.as_ref())),
            None => diagnostics.push(nowhere(import, &address)),
        }
    }

    /// Where the block says that the thing is, if it says so.
    fn named_target(
        &self,
        import: &Import,
        scope: &Scope<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<TargetAddress>, Diagnostic> {
        let Some((kind, expression)) = &import.target else { return Ok(None) };
        let value = evaluate(expression, scope, diagnostics);
        let target = value.get_str("id").and_then(|id| id.parse::<TargetAddress>().ok());
        match target.filter(|target| target.kind == *kind) {
            Some(target) => Ok(Some(target)),
            None => {
                let word = kind.as_str();
                let detail = format!("This must be a {word}, such as `{word}.NAME`.");
                Err(Diagnostic::error("Wrong target", detail).at(expression.span()))
            }
        }
    }
}

/// Marks a change as an import, or tells why it is none.
fn adopt(
    import: &Import,
    change: &mut Change,
    id: &str,
    target: Option<&TargetAddress>,
) -> Option<Diagnostic> {
    let address = &change.address;
    if change.action == Action::Defer {
        return None;
    }
    let Some(identity) = &change.identity else {
        return Some(unknown(import, "what the configuration names is known only after apply"));
    };
    if identity != id {
        let detail = format!(
            "{address} is {identity} by the configuration, and is to be imported from {id}. Change one of the two: an import never makes a thing another one."
        );
        return Some(Diagnostic::error("Another thing", detail).at(import.id.span()));
    }
    if let (Some(named), Some(own)) = (target, &change.target)
        && named != own
    {
        let detail =
            format!("{address} lives on {own} by the configuration, and is to be imported from {named}.");
        return Some(Diagnostic::error("Another target", detail).at(import.span.clone()));
    }
    match change.action {
        Action::Create => {
            let place = change.target.as_ref().map(|target| format!(" on {target}")).unwrap_or_default();
            let detail = format!(
                "There is no {id}{place}, so that {address} cannot be imported. Check the id, or take the `import` block out to have it made."
            );
            return Some(Diagnostic::error("Nothing to import", detail).at(import.id.span()));
        }
        Action::Adopt if change.reason.is_none() => change.reason = Some("it is imported".to_owned()),
        Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst => {
            change.notes.push("It is imported, and what is there cannot be changed in place.".to_owned());
        }
        _ => {}
    }
    None
}

fn unknown(import: &Import, reason: &str) -> Diagnostic {
    let detail = format!("What is imported must be known when the plan is made: {reason}.");
    Diagnostic::error("Import not known", detail).at(import.span.clone())
}

fn nowhere(import: &Import, address: &Address) -> Diagnostic {
    let detail = format!("The configuration has no {address}: its block has other instances.");
    Diagnostic::error("Import to nowhere", detail).at(import.to.span())
}
