//! What a stack's `meshform` block comes to. It is evaluated before everything else, as it says where the state is: from variables as they
//! are given, `meshform.workspace` and functions, and from nothing else.

mod outside;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::budget::Budget;
use crate::config::{Config, Content, Registry, decode_settings};
use crate::diagnostic::{Diagnostic, Diagnostics, Source, SourceId, Sources, Span};
use crate::environment::meshform;
use crate::inputs::{self, Input};
use crate::lang::{Expression, FunctionContext, Scope, convert, evaluate};
use crate::lower::complete;
use crate::schema::Body;
use crate::syntax::{self, File};
use crate::types::Type;
use crate::value::Value;

pub use self::outside::encryption;

/// The name of the block, without which a file says nothing of this.
const BLOCK: &str = "meshform";

/// What a stack says of itself.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How many steps run at once on each target, unless the user says otherwise.
    pub parallelism: Option<u16>,
    /// How much one plan may remove, unless the user says otherwise.
    pub max_deletes: Option<Budget>,
    /// The kind of backend and what its block says, unless it is the default one.
    pub backend: Option<(String, Written)>,
    /// What the `encryption` block says.
    pub encryption: Option<Written>,
}

/// What a block says, and where.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its arguments and blocks, by its schema. Sensitive values are marked, and in the clear.
    pub value: Value,
    content: Arc<Content>,
}

impl Written {
    /// Where a setting is written, or else the block that does not hold it.
    pub fn place(&self, setting: &str) -> Option<Span> {
        let written = self.content.attributes.get(setting).and_then(Expression::span);
        written.or_else(|| self.content.span.clone())
    }
}

/// Reads the `meshform` blocks of a stack. Whatever else is wrong with the stack does not matter here.
///
/// # Errors
/// When something is wrong with them, with a variable that they use, or with a file in which there may be such a block.
pub fn read(
    sources: &Sources,
    registry: &Registry,
    inputs: &[Input],
    functions: &FunctionContext<'_>,
) -> Result<Settings, Diagnostics> {
    let own = |source: &Source| source.folder.is_none();
    let mentions = |_: SourceId, source: &Source| own(source) && source.text.contains(BLOCK);
    let (files, diagnostics) = syntax::parse_where(sources, mentions);
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    if !files.iter().any(has_settings) {
        return Ok(Settings::default());
    }
    let (files, mut diagnostics) = syntax::parse_where(sources, |_, source| own(source));
    let (config, problems) = decode_settings(&files, registry, diagnostics.is_empty());
    diagnostics.extend(problems);
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    if config.settings.is_empty() {
        return Ok(Settings::default());
    }
    let settings = evaluated(&config, registry, inputs, functions, &mut diagnostics);
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(settings) }
}

fn has_settings(file: &File) -> bool {
    file.body.blocks().any(|block| block.ident.as_str() == BLOCK)
}

fn evaluated(
    config: &Config,
    registry: &Registry,
    given: &[Input],
    functions: &FunctionContext<'_>,
    diagnostics: &mut Diagnostics,
) -> Settings {
    let written = &config.settings;
    let references = written.expressions().flat_map(Expression::references);
    let needed: BTreeSet<_> =
        references.filter(|it| it.root == "var").filter_map(|reference| reference.name).collect();
    let (variables, problems) = inputs::resolve_some(config, given, functions, |name| needed.contains(name));
    diagnostics.extend(problems);
    if diagnostics.has_errors() {
        return Settings::default();
    }
    let scope = scope(&variables, functions);
    let backend = written.backend.as_ref().and_then(|block| {
        let schema = registry.keeping()?.backends.get(block.kind.as_str())?;
        Some((block.kind.clone(), known(schema, &block.content, &scope, diagnostics)))
    });
    let encryption = written.encryption.as_ref().and_then(|content| {
        let schema = &registry.keeping()?.encryption;
        Some(known(schema, content, &scope, diagnostics))
    });
    let parallelism = written.parallelism.as_ref().and_then(|it| count(it, &scope, diagnostics));
    let max_deletes = written.max_deletes.as_ref().and_then(|it| budget(it, &scope, diagnostics));
    Settings { parallelism, max_deletes, backend, encryption }
}

fn scope<'a>(variables: &BTreeMap<String, Value>, functions: &'a FunctionContext<'a>) -> Scope<'a> {
    let mut scope = Scope::new(functions);
    scope.declare_root("var");
    for (name, value) in variables {
        scope.set_in("var", name, value.clone());
    }
    scope.set(BLOCK, meshform(functions.workspace));
    scope
}

/// What a block says, of which nothing may be open.
fn known(schema: &Body, content: &Arc<Content>, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Written {
    let before = diagnostics.len();
    let (value, _) = complete(schema, content, scope, diagnostics);
    if diagnostics.len() == before && !value.is_wholly_known() {
        let open = content
            .expressions()
            .into_iter()
            .find(|it| !evaluate(it, scope, &mut Diagnostics::new()).is_wholly_known());
        diagnostics.push(too_late(open.and_then(Expression::span).or_else(|| content.span.clone())));
    }
    Written { value, content: Arc::clone(content) }
}

fn too_late(span: Option<Span>) -> Diagnostic {
    let detail =
        "This is needed before anything else, and it is known only later. Use a variable, or write it out.";
    Diagnostic::error("Not known yet", detail).at(span)
}

/// A number of steps.
fn count(expression: &Expression, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Option<u16> {
    let before = diagnostics.len();
    let value = evaluate(expression, scope, diagnostics);
    let number = convert(&value, &Type::Number).ok();
    let count = number.as_ref().and_then(Value::as_number).and_then(|number| number.to_string().parse().ok());
    let count = count.filter(|count| *count > 0);
    if count.is_none() && diagnostics.len() == before {
        let detail =
            "`parallelism` is how many steps run at once on each target: a whole number from 1 to 65535.";
        diagnostics.push(Diagnostic::error("Invalid parallelism", detail).at(expression.span()));
    }
    count
}

/// A number of instances, or a part of the stack.
fn budget(expression: &Expression, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Option<Budget> {
    let before = diagnostics.len();
    let value = evaluate(expression, scope, diagnostics);
    let text = convert(&value, &Type::String).ok();
    let budget = text.as_ref().and_then(Value::as_str).and_then(|text| text.parse().ok());
    if budget.is_none() && diagnostics.len() == before {
        let detail = "`max_deletes` is how many instances one plan may remove or replace: a whole number, or a part of the stack such as \"20%\".";
        diagnostics.push(Diagnostic::error("Invalid budget", detail).at(expression.span()));
    }
    budget
}
