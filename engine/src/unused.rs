//! What a stack could do without: names that nothing uses, and orders that change nothing. Warnings, for who checks a stack.

use std::collections::BTreeSet;

use crate::address::ModulePath;
use crate::config::{BlockId, BlockName, Config, Refactoring, Repetition};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::lang::Expression;

/// Everything of that kind in the stack and its modules. In a file that did not parse a use may lie: then nothing is said.
pub(crate) fn unused(config: &Config) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    if !config.is_complete {
        return diagnostics;
    }
    let used = used(config);
    for id in config.dependencies.keys().filter(|id| !used.contains(id) && !config.broken.contains(id)) {
        diagnostics.extend(unreachable(config, id));
    }
    for (block, entries) in &config.named_first {
        for entry in entries {
            let because = if entry.is_referred_to {
                "The block refers to it anyway, and so comes after it."
            } else if entry.blocks.iter().all(|named| !leads_to_work(config, named)) {
                "There is nothing to wait for: no resource is behind it."
            } else {
                continue;
            };
            let detail = format!("{block} names this in `depends_on` without need. {because}");
            diagnostics.push(Diagnostic::warning("Unused depends_on", detail).at(entry.span.clone()));
        }
    }
    diagnostics
}

/// All blocks that another one refers to.
fn used(config: &Config) -> BTreeSet<BlockId> {
    let mut used: BTreeSet<BlockId> = config.dependencies.values().flatten().cloned().collect();
    // Blocks that are no part of the graph use names, too.
    let imports = config.imports.iter().flat_map(|import| {
        let own = match &import.repetition {
            Repetition::None => None,
            Repetition::Count(own) | Repetition::ForEach(own) => Some(own),
        };
        let target = import.target.as_ref().map(|(_, target)| target);
        own.into_iter().chain([&import.to, &import.id]).chain(target).map(|it| (ModulePath::ROOT, it))
    });
    let repeated = config.repeated.iter().flat_map(|block| {
        let own = match &block.each {
            Refactoring::Moved { from, to } => vec![&block.for_each, from, to],
            Refactoring::Removed { from, .. } => vec![&block.for_each, from],
        };
        own.into_iter().map(|it| (block.module.clone(), it))
    });
    let settings = config.settings.expressions().map(|it| (ModulePath::ROOT, it));
    for (module, expression) in imports.chain(repeated).chain(settings) {
        used.extend(names(expression).map(|name| name.within(module.clone())));
    }
    used
}

fn names(expression: &Expression) -> impl Iterator<Item = BlockName> {
    expression.references().into_iter().filter_map(|reference| match reference.root.as_str() {
        "var" => Some(BlockName::Variable(reference.name?)),
        "local" => Some(BlockName::Local(reference.name?)),
        _ => None,
    })
}

/// Complains of what only makes sense if something uses it. A name that begins with `_` is meant to be unused.
fn unreachable(config: &Config, id: &BlockId) -> Option<Diagnostic> {
    let module = config.module(&id.module)?;
    let (what, name, span): (_, _, Option<Span>) = match &id.name {
        BlockName::Variable(name) => ("variable", name, module.variables.get(name)?.span.clone()),
        BlockName::Local(name) => ("local value", name, module.locals.get(name)?.span()),
        _ => return None,
    };
    let detail =
        format!("Nothing uses the {what} \"{name}\". Take it out, or let its name begin with \"_\".");
    (!name.starts_with('_')).then(|| Diagnostic::warning(format!("Unused {what}"), detail).at(span))
}

/// Whether something is applied or looked up when this block has its value.
fn leads_to_work(config: &Config, start: &BlockId) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(next) = open.pop() {
        if matches!(next.name, BlockName::Resource(..) | BlockName::Data(..)) {
            return true;
        }
        if seen.insert(next) {
            open.extend(config.dependencies.get(next).into_iter().flatten());
        }
    }
    false
}
