//! `module` blocks: which folder they stand for, and what they give to its variables.

use hcl_edit::structure::Block;

use super::blocks::{Labels, repetition};
use super::body::{BodyReader, FileText};
use super::{Config, Module, ModuleCall};
use crate::address::ModulePath;
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, did_you_mean};
use crate::modules::not_literal;

pub(super) fn decode(
    file: &FileText,
    block: &Block,
    labels: &Labels,
    diagnostics: &mut Diagnostics,
) -> ModuleCall {
    let what = format!("The module \"{}\"", labels.texts.concat());
    let mut body = BodyReader::new(file.clone(), what, labels.span.clone(), &block.body);
    let source = body.require("source", diagnostics);
    for (name, given) in [("source", source.clone()), ("version", body.take("version"))] {
        if let Some(given) = given.filter(|given| given.literal_string().is_none()) {
            diagnostics.push(not_literal(name).at(given.span()));
        }
    }
    let repetition = repetition(&mut body, diagnostics);
    let depends_on = body.take("depends_on");
    let inputs = body.take_all().into_iter().map(|(name, _, value)| (name, value)).collect();
    body.finish(diagnostics);
    ModuleCall { span: labels.span.clone(), source, repetition, inputs, depends_on }
}

/// The folder of a called module, if its files are there; complains if they are not and its call says where they should be.
pub(super) fn folder<'s>(
    sources: &'s Sources,
    path: &ModulePath,
    call: &ModuleCall,
    diagnostics: &mut Diagnostics,
) -> Option<&'s str> {
    let source = call.source.as_ref().filter(|source| source.literal_string().is_some())?;
    let problem = match sources.module(path) {
        Some(Ok(folder)) => return Some(folder),
        Some(Err(problem)) => Diagnostic::error(problem.summary.clone(), problem.detail.clone()),
        None => Diagnostic::error(
            "Module not read",
            format!(
                "The files of {path} have not been read: modules call each other more deeply than is sensible."
            ),
        ),
    };
    diagnostics.push(problem.at(source.span()));
    None
}

/// Complains of variables that a call does not give and must, and of those that it gives and are not there.
pub(super) fn check(config: &Config, diagnostics: &mut Diagnostics) {
    for (path, module) in &config.called {
        if let Some((_, call)) = config.call_of(path) {
            arguments(path, call, module, diagnostics);
        }
    }
}

fn arguments(path: &ModulePath, call: &ModuleCall, module: &Module, diagnostics: &mut Diagnostics) {
    for (name, value) in &call.inputs {
        if !module.variables.contains_key(name) {
            let hint = match did_you_mean(name, module.variables.keys().map(String::as_str)) {
                Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
                None => String::new(),
            };
            let detail = format!("{path} has no variable \"{name}\".{hint}");
            diagnostics.push(Diagnostic::error("Unsupported argument", detail).at(value.span()));
        }
    }
    for (name, variable) in &module.variables {
        if variable.default.is_none() && !call.inputs.contains_key(name) {
            let detail = format!("{path} needs a value for its variable \"{name}\", which has no default.");
            diagnostics.push(Diagnostic::error("Missing required argument", detail).at(call.span.clone()));
        }
    }
}
