//! `moved` and `removed` blocks with `for_each` → the moves and removals that they come to. They say what becomes of records before
//! anything is looked at, so their `for_each` may depend on variables and local values only.

use std::collections::BTreeMap;

use crate::address::{Key, ModuleInstance};
use crate::config::{BlockName, Config, Move, Removal, Repetition, Unrolled, literal_key};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::environment::Environment;
use crate::lang::{Expression, FunctionContext, Scope, evaluate};
use crate::lower::{Expansion, expand};
use crate::types::Type;
use crate::value::Value;

/// What the repeated blocks come to, with these values of the stack's variables. What is not known is an error only if it
/// `must_be_known`, and left out otherwise.
pub(crate) fn unroll(
    config: &Config,
    variables: &BTreeMap<String, Value>,
    functions: &FunctionContext<'_>,
    must_be_known: bool,
    diagnostics: &mut Diagnostics,
) -> (Vec<Move>, Vec<Removal>) {
    let (mut moves, mut removals) = (Vec::new(), Vec::new());
    if config.repeated.is_empty() {
        return (moves, removals);
    }
    let stack = scope(config, variables, functions);
    for block in &config.repeated {
        // What a module is given may differ from one of its instances to the next.
        let bare = Scope::new(functions);
        let outer = if block.module.0.is_empty() { &stack } else { &bare };
        let repetition = Repetition::ForEach(block.for_each.clone());
        let all = match expand(&repetition, outer, diagnostics) {
            Expansion::Instances(all) => all,
            Expansion::Invalid => continue,
            Expansion::Deferred(_) if !must_be_known => continue,
            Expansion::Deferred(_) => {
                let detail = "What is moved or removed must be known before anything is looked at: it may depend on variables and local values, but not on resources.";
                diagnostics.push(Diagnostic::error("Not known yet", detail).at(block.for_each.span()));
                continue;
            }
        };
        for each in all {
            let mut scope = outer.child();
            each.bind(&mut scope);
            let mut problems = Diagnostics::new();
            let mut of_instance = |it: &Expression| key(it, &scope, &mut problems);
            match block.unrolled(&mut of_instance, diagnostics) {
                Some(Unrolled::Move(step)) => moves.push(step),
                Some(Unrolled::Removal(removal)) => removals.push(removal),
                None => {}
            }
            diagnostics.extend(problems);
        }
    }
    (moves, removals)
}

/// The stack's variables, those of its local values that depend on nothing else, and all else unknown.
fn scope<'a>(
    config: &'a Config,
    variables: &BTreeMap<String, Value>,
    functions: &'a FunctionContext<'a>,
) -> Scope<'a> {
    let mut environment = Environment::new(config, functions, variables);
    for id in config.order.iter().filter(|id| id.module.0.is_empty()) {
        let at = &ModuleInstance::ROOT;
        let value = match &id.name {
            BlockName::Local(name) => config.root.locals.get(name).map(|expression| {
                // What is wrong with it is told where it is evaluated for good.
                let mut ignored = Diagnostics::new();
                environment.evaluate(at, id, expression, &mut ignored)
            }),
            BlockName::Resource(..) | BlockName::Data(..) | BlockName::Target(..) => {
                Some(Value::unknown(Type::Any))
            }
            _ => None,
        };
        value.into_iter().for_each(|value| environment.set(at, id.name.clone(), value));
    }
    environment.console_scope()
}

/// The key that an expression between brackets comes to.
pub(crate) fn key(expression: &Expression, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Option<Key> {
    if let Some(key) = literal_key(expression) {
        return Some(key);
    }
    let value = evaluate(expression, scope, diagnostics);
    match (value.as_str(), value.as_number()) {
        _ if value.marks().is_any() => None,
        (Some(name), _) => Some(Key::Name(name.to_owned())),
        (_, Some(number)) => Some(Key::Index(number.normalized().to_plain_string().parse().ok()?)),
        _ => None,
    }
}
