//! What `lifecycle { }` makes of a change.

use super::Drafting;
use crate::address::{Address, Key};
use crate::config::{BlockId, IgnoredChanges, Lifecycle, ResourceBlock};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::{Expression, Scope, TraversalStep, evaluate};
use crate::lower::Instance;
use crate::plan::{Action, Change};
use crate::ports::{Difference, Observed, Provider, Verdict};
use crate::state::Record;
use crate::value::{Path, PathStep, Value};

/// What is wanted of an instance that is there, with what is to be ignored as it is on the target.
pub(super) fn keep_ignored(
    instance: &Instance,
    ignored: &IgnoredChanges,
    observed: &Observed,
    provider: &dyn Provider,
) -> Value {
    let (IgnoredChanges::Paths(paths), Observed::Present(there)) = (ignored, observed) else {
        return instance.desired.clone();
    };
    paths.iter().fold(instance.desired.clone(), |desired, path| provider.keep(&desired, path, there))
}

/// Nothing is to be done about an instance that is there, if all its changes are to be ignored.
pub(super) fn ignoring_all(
    difference: Difference,
    lifecycle: &Lifecycle,
    record: &Record,
    observed: &Observed,
) -> Difference {
    match (&lifecycle.ignore_changes, observed, difference.verdict) {
        (IgnoredChanges::All, Observed::Present(there), Verdict::Update) => {
            let known =
                [&record.attributes, &there.attributes].into_iter().filter_map(|value| value.as_map());
            let known = known.flatten().map(|(name, value)| (name.clone(), value.clone()));
            Difference {
                verdict: Verdict::NoOp,
                fields: Vec::new(),
                planned: Value::object(known),
                ..difference
            }
        }
        _ => difference,
    }
}

impl Drafting<'_> {
    /// Why an instance is replaced though it need not be: what it is to be replaced with changes.
    pub(super) fn trigger(&mut self, instance: &Instance, block: &ResourceBlock) -> Option<String> {
        if self.inputs.replace.iter().any(|asked| asked.contains(&instance.address)) {
            return Some("it is asked for (-replace)".to_owned());
        }
        let triggers = &block.lifecycle.replace_triggered_by;
        if triggers.is_empty() {
            return None;
        }
        let outer = self.environment.scope(&instance.address.module, &BlockId::of(&instance.address));
        let mut scope = outer.child();
        instance.each.bind(&mut scope);
        let trigger = triggers.iter().find_map(|it| self.changed(it, &scope, &instance.address))?;
        Some(format!("{trigger} changes (replace_triggered_by)"))
    }

    /// The name of what changes behind a reference to a resource, an instance or an attribute of it.
    fn changed(&self, reference: &Expression, scope: &Scope<'_>, own: &Address) -> Option<String> {
        let (kind, steps) = reference.as_traversal()?;
        let mut steps = steps.into_iter().peekable();
        let Some(TraversalStep::Attribute(name)) = steps.next() else { return None };
        let mut address = Address::within(own.module.clone(), kind, name);
        if let Some(TraversalStep::Index(_)) = steps.peek() {
            address.keys.extend(steps.next().and_then(|step| key(&step, scope)));
        }
        let path: Option<Vec<_>> = steps.map(|step| path_step(step, scope)).collect();
        let path = Path(path?);
        let named = self.draft.changes.range(address.clone()..);
        let mut named = named.take_while(|(found, _)| found.is_sibling(&address));
        let change = named.find(|(found, change)| {
            found.keys.starts_with(&address.keys) && *found != own && self.changes_at(change, &path)
        });
        change.map(|_| if path.0.is_empty() { address.to_string() } else { format!("{address}.{path}") })
    }

    fn changes_at(&self, change: &Change, path: &Path) -> bool {
        let touched =
            matches!(change.action, Action::Update | Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst);
        let before = self.inputs.snapshot.records.get(&change.address).map(|record| &record.attributes);
        let part = |value: &Value| value.at(path).map(|part| part.redacted(&**self.inputs.fingerprinter));
        touched && (path.0.is_empty() || before.and_then(part) != part(&change.planned))
    }

    /// Complains of what is to be replaced and is nowhere in the plan, once there is nothing more to see.
    pub(super) fn check_replacements(&mut self) {
        for asked in self.inputs.replace.iter().filter(|_| self.draft.wants.is_empty()) {
            if !self.draft.changes.keys().any(|address| asked.contains(address)) {
                let detail = match self.leaves_out(asked) {
                    true => {
                        format!("{asked} is to be replaced, and is left out of the plan at the same time.")
                    }
                    false => format!("{asked} is to be replaced, and the stack has no such instance."),
                };
                self.draft.diagnostics.push(Diagnostic::error("No such instance", detail));
            }
        }
    }

    /// Complains when a change takes away what must stay.
    pub(super) fn prevent(&mut self, change: &Change, lifecycle: &Lifecycle) {
        if !lifecycle.prevent_destroy || self.inputs.unprotected {
            return;
        }
        let what = match change.action {
            Action::Delete => "removed",
            Action::ReplaceDeleteFirst | Action::ReplaceCreateFirst => "replaced",
            _ => return,
        };
        let because = change.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let detail = format!(
            "{} would be {what}{because}, and its block says `prevent_destroy = true`. Change the configuration so that it stays, or take that line out.",
            change.address
        );
        self.draft
            .diagnostics
            .push(Diagnostic::error("Destruction prevented", detail).at(lifecycle.span.clone()));
    }
}

fn key(step: &TraversalStep, scope: &Scope<'_>) -> Option<Key> {
    let TraversalStep::Index(index) = step else { return None };
    let value = evaluate(index, scope, &mut Diagnostics::new());
    match (value.as_str(), value.as_number()) {
        (Some(name), _) => Some(Key::Name(name.to_owned())),
        (_, Some(number)) => Some(Key::Index(number.normalized().to_plain_string().parse().ok()?)),
        _ => None,
    }
}

fn path_step(step: TraversalStep, scope: &Scope<'_>) -> Option<PathStep> {
    match step {
        TraversalStep::Attribute(name) => Some(PathStep::Attribute(name)),
        TraversalStep::Index(_) => match key(&step, scope)? {
            Key::Name(name) => Some(PathStep::Attribute(name)),
            Key::Index(index) => Some(PathStep::Index(usize::try_from(index).ok()?)),
        },
    }
}
