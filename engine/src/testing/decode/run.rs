//! `run` blocks.

use hcl_edit::structure::Block;

use super::{Decoder, FOREIGN};
use crate::address::Address;
use crate::config::{Named, conditions, labels};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::Expression;
use crate::testing::file::{Checked, Command, Run};
use crate::testing::names;

/// Blocks of a run that this version does not have.
const UNSUPPORTED: [(&str, &str); 1] =
    [("module", "A run is of the stack itself: a module is tested by test files in its own folder.")];

impl Decoder<'_> {
    pub(super) fn run(&mut self, block: &Block) {
        let Some(labels) = labels(&self.text, block, &["NAME"], self.diagnostics) else { return };
        let name = labels.texts.concat();
        let mut body = self.reader(block, &format!("The run \"{name}\""));
        let command = command(body.take("command"), self.diagnostics);
        let expected = body.take("expect_failures");
        let blocks = body.take_blocks("variables");
        let variables = blocks.first().map(|block| self.variables(block)).unwrap_or_default();
        if let Some(second) = blocks.get(1) {
            let detail = format!("The run \"{name}\" has one `variables` block. Put all into one of them.");
            let span = self.text.span(&second.ident);
            self.diagnostics.push(Diagnostic::error("Duplicate block", detail).at(span));
        }
        let asserts = conditions(&self.text, body.take_blocks("assert"), self.diagnostics);
        let mut doubles = Vec::new();
        for kind in ["override_resource", "override_data"] {
            doubles.extend(body.take_blocks(kind).into_iter().filter_map(|block| self.double(block)));
        }
        let options = body.take_blocks("plan_options");
        let replace = options.first().map(|block| self.plan_options(block)).unwrap_or_default();
        for (foreign, detail) in FOREIGN.iter().chain(&UNSUPPORTED) {
            for block in body.take_blocks(foreign) {
                let span = self.text.span(&block.ident);
                self.diagnostics.push(Diagnostic::error("Unsupported block type", *detail).at(span));
            }
        }
        body.finish(self.diagnostics);
        if self.file.runs.iter().any(|run| run.name == name) {
            let detail = format!(
                "There is another run named \"{name}\" in this file. Give one of the two another name."
            );
            self.diagnostics.push(Diagnostic::error("Duplicate name", detail).at(labels.span));
            return;
        }
        let expected = self.expected(expected);
        let mut run = Run {
            name,
            span: labels.span,
            command,
            variables,
            replace,
            asserts,
            expected,
            doubles,
            needs: Vec::new(),
        };
        run.needs = self.needs(&run);
        self.file.runs.push(run);
    }

    /// What is replaced though it need not be.
    fn plan_options(&mut self, block: &Block) -> Vec<Address> {
        let mut body = self.reader(block, "The `plan_options` block");
        let (replace, mode) = (body.take("replace"), body.take("mode"));
        for left_out in ["target", "refresh"] {
            if let Some(given) = body.take(left_out) {
                let detail =
                    format!("A plan is always of the whole stack as it is: there is no `{left_out}`.");
                self.diagnostics.push(Diagnostic::error("Unsupported argument", detail).at(given.span()));
            }
        }
        body.finish(self.diagnostics);
        if let Some(mode) = mode.filter(|mode| mode.as_identifier() != Some("normal")) {
            let detail = "The only mode is `normal`, without quotes: all is taken down at the end of the file by itself.";
            self.diagnostics.push(Diagnostic::error("Unsupported mode", detail).at(mode.span()));
        }
        let Some(replace) = replace else { return Vec::new() };
        let Some(items) = replace.list_items() else {
            let detail = "It is a list of resources or their instances, such as [kube_object.web].";
            self.diagnostics.push(Diagnostic::error("Invalid replace", detail).at(replace.span()));
            return Vec::new();
        };
        let mut addresses = Vec::new();
        for item in items {
            match names::instance(&item, self.config) {
                Ok(Named::Resource(address)) if address.data_type().is_none() => addresses.push(address),
                Ok(named) => {
                    let detail = format!("{named} is no resource: only a resource is replaced.");
                    self.diagnostics.push(Diagnostic::error("Invalid replace", detail).at(item.span()));
                }
                Err(problem) => self.diagnostics.push(problem),
            }
        }
        addresses
    }

    fn expected(&mut self, list: Option<Expression>) -> Vec<Checked> {
        let Some(list) = list else { return Vec::new() };
        let Some(items) = list.list_items() else {
            let detail =
                "It is a list of what is to fail, such as [var.replicas, check.health, kube_object.web].";
            self.diagnostics.push(Diagnostic::error("Invalid expect_failures", detail).at(list.span()));
            return Vec::new();
        };
        let mut expected = Vec::new();
        for item in items {
            match names::checked(&item, self.config) {
                Ok(what) => expected.push(Checked { what, span: item.span() }),
                Err(problem) => self.diagnostics.push(problem),
            }
        }
        expected
    }

    /// The runs whose outputs a run uses. Complains of all that it refers to and is not there.
    fn needs(&mut self, run: &Run) -> Vec<String> {
        let before: Vec<_> = self.file.runs.iter().map(|run| run.name.clone()).collect();
        let variables: Vec<_> = self.file.variables.keys().chain(run.variables.keys()).cloned().collect();
        let conditions = run.asserts.iter().flat_map(|assert| [&assert.condition, &assert.error_message]);
        let values = run.doubles.iter().filter_map(|double| double.values.as_ref());
        let mut needs = Vec::new();
        for expression in conditions.chain(run.variables.values()).chain(values) {
            for reference in expression.references() {
                let problem = names::unresolved(&reference, self.config, &before, &variables);
                self.diagnostics.extend(problem);
                if reference.root == "run" {
                    needs.extend(reference.name.filter(|name| before.contains(name)));
                }
            }
        }
        needs
    }
}

fn command(given: Option<Expression>, diagnostics: &mut Diagnostics) -> Command {
    let Some(given) = given else { return Command::default() };
    match given.as_identifier() {
        Some("plan") => Command::Plan,
        Some("apply") => Command::Apply,
        _ => {
            let detail = "It is `plan` or `apply`, without quotes.";
            diagnostics.push(Diagnostic::error("Invalid command", detail).at(given.span()));
            Command::default()
        }
    }
}
