//! `mock_resource`, `mock_data`, `override_resource` and `override_data` blocks.

use hcl_edit::structure::Block;

use super::Decoder;
use crate::config::{Named, labels};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::lang::Expression;
use crate::testing::file::{Double, Mock, Moment};
use crate::testing::names;

impl Decoder<'_> {
    pub(super) fn mock(&mut self, block: &Block, prefix: &str) {
        let Some(labels) = labels(&self.text, block, &["TYPE"], self.diagnostics) else { return };
        let ty = labels.texts.concat();
        let mut body = self.reader(block, &format!("The `{}` block", block.ident.as_str()));
        let mock = Mock {
            defaults: body.take("defaults"),
            moment: moment(body.take("override_during"), self.diagnostics),
            span: labels.span.clone(),
        };
        body.finish(self.diagnostics);
        let (is_known, names): (bool, Vec<_>) = match prefix.is_empty() {
            // What holds a value and does nothing else is what it is.
            true => {
                let names = self.registry.type_names().filter(|name| *name != "value");
                (ty != "value" && self.registry.resource_type(&ty).is_some(), names.collect())
            }
            false => (self.registry.data_type(&ty).is_some(), self.registry.data_type_names().collect()),
        };
        if !is_known {
            let hint = match did_you_mean(&ty, names.iter().copied()) {
                Some(candidate) => format!("Did you mean \"{candidate}\"?"),
                None => format!("There are {}.", names.join(", ")),
            };
            let detail = format!("Nothing of the type \"{ty}\" can be made up. {hint}");
            self.diagnostics.push(Diagnostic::error("Unknown type", detail).at(labels.span));
            return;
        }
        if self.file.mocks.insert(format!("{prefix}{ty}"), mock).is_some() {
            let detail = format!("There is another {} of \"{ty}\" in this file.", block.ident.as_str());
            self.diagnostics.push(Diagnostic::error("Duplicate block", detail).at(labels.span));
        }
    }

    pub(super) fn double(&mut self, block: &Block) -> Option<Double> {
        labels(&self.text, block, &[], self.diagnostics)?;
        let is_data = block.ident.as_str() == "override_data";
        let mut body = self.reader(block, &format!("The `{}` block", block.ident.as_str()));
        let target = body.require("target", self.diagnostics);
        let values = body.take("values");
        let moment = moment(body.take("override_during"), self.diagnostics);
        body.finish(self.diagnostics);
        let target = target?;
        let named =
            names::instance(&target, self.config).map_err(|problem| self.diagnostics.push(problem)).ok()?;
        let wrong = match &named {
            Named::Resource(address) if address.data_type().is_some() != is_data => Some(match is_data {
                true => {
                    "`override_data` is for what is looked up: a resource is overridden by `override_resource`."
                }
                false => {
                    "`override_resource` is for resources: what is looked up is overridden by `override_data`."
                }
            }),
            Named::Resource(address) if address.kind == "value" => {
                Some("A `value` is what it is everywhere: there is nothing about it to be made up.")
            }
            _ => None,
        };
        if let Some(detail) = wrong {
            self.diagnostics.push(Diagnostic::error("Invalid address", detail).at(target.span()));
            return None;
        }
        Some(Double { target: named, values, moment })
    }
}

fn moment(given: Option<Expression>, diagnostics: &mut Diagnostics) -> Moment {
    let Some(given) = given else { return Moment::default() };
    match given.as_identifier() {
        Some("plan") => Moment::Plan,
        Some("apply") => Moment::Apply,
        _ => {
            let detail = "It is `plan` or `apply`, without quotes.";
            diagnostics.push(Diagnostic::error("Invalid override_during", detail).at(given.span()));
            Moment::default()
        }
    }
}
