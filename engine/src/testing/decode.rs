//! The text of test files → [`TestFile`]s, with all that is wrong with them.

use std::sync::Arc;

use hcl_edit::structure::{Block, Structure};
use indexmap::IndexMap;

use super::file::{Checked, Command, Double, Mock, Moment, Run, Targets, TestFile};
use super::names;
use crate::config::{BodyReader, Config, FileText, Registry, conditions, labels};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceId, Sources, did_you_mean};
use crate::lang::Expression;
use crate::syntax;

/// The block types of a test file.
const BLOCK_TYPES: [&str; 7] =
    ["test", "variables", "run", "mock_resource", "mock_data", "override_resource", "override_data"];

/// Blocks that other tools' tests have, and what one writes here.
const FOREIGN: [(&str, &str); 4] = [
    (
        "provider",
        "Providers are not configured in tests: `test { targets = \"sandbox\" }` is what stands in for clusters and hosts.",
    ),
    (
        "mock_provider",
        "There are no providers to be mocked: write `test { targets = \"mock\" }`, or `mock_resource` and `mock_data` as blocks of their own.",
    ),
    (
        "providers",
        "A test chooses its clusters and hosts once for the whole file, by `test { targets = … }`.",
    ),
    ("override_module", "A module is not made up as a whole: override the resources and look-ups in it."),
];

/// Decodes the test files among the sources for the stack that the other ones are. They are usable only if no error was found.
pub fn decode(
    sources: &Sources,
    tests: &[SourceId],
    config: &Config,
    registry: &Registry,
) -> (Vec<TestFile>, Diagnostics) {
    let (files, parsed) = syntax::parse(sources);
    let is_test = |source: &SourceId| tests.contains(source);
    let mut diagnostics = Diagnostics::new();
    diagnostics
        .extend(parsed.into_iter().filter(|it| it.span.as_ref().is_some_and(|span| is_test(&span.source))));
    let mut decoded = Vec::new();
    for file in files.iter().filter(|file| is_test(&file.source)) {
        let text = FileText { source: file.source, text: Arc::clone(&file.text) };
        let name = sources.get(file.source).map(|source| source.name.clone()).unwrap_or_default();
        let mut decoder = Decoder::new(text, name, config, registry, &mut diagnostics);
        file.body.iter().for_each(|structure| decoder.structure(structure));
        decoded.push(decoder.end());
    }
    (decoded, diagnostics.sorted())
}

/// Fills in one file.
struct Decoder<'a> {
    text: FileText,
    config: &'a Config,
    registry: &'a Registry,
    diagnostics: &'a mut Diagnostics,
    file: TestFile,
    /// Blocks that may be there once, and are.
    seen: Vec<&'static str>,
}

impl<'a> Decoder<'a> {
    fn new(
        text: FileText,
        name: String,
        config: &'a Config,
        registry: &'a Registry,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        let file = TestFile {
            source: text.source,
            name,
            targets: Targets::default(),
            variables: IndexMap::new(),
            mocks: IndexMap::new(),
            doubles: Vec::new(),
            runs: Vec::new(),
        };
        Self { text, config, registry, diagnostics, file, seen: Vec::new() }
    }

    fn structure(&mut self, structure: &Structure) {
        match structure {
            Structure::Block(block) => self.block(block),
            Structure::Attribute(attribute) => {
                let detail = "A test file holds blocks. The values of variables go into a `variables` block.";
                let span = self.text.span(&attribute.key);
                self.diagnostics.push(Diagnostic::error("Unexpected argument", detail).at(span));
            }
        }
    }

    fn block(&mut self, block: &Block) {
        match block.ident.as_str() {
            "test" if self.is_first(block, "test") => self.settings(block),
            "variables" if self.is_first(block, "variables") => self.file.variables = self.variables(block),
            "test" | "variables" => {}
            "run" => self.run(block),
            "mock_resource" => self.mock(block, ""),
            "mock_data" => self.mock(block, "data."),
            "override_resource" | "override_data" => {
                let double = self.double(block);
                self.file.doubles.extend(double);
            }
            other => self.unknown_block(block, other),
        }
    }

    /// What may be there only once, and without labels.
    fn is_first(&mut self, block: &Block, name: &'static str) -> bool {
        if labels(&self.text, block, &[], self.diagnostics).is_none() {
            return false;
        }
        if self.seen.contains(&name) {
            let detail = format!("A test file has one `{name}` block. Put all into one of them.");
            let span = self.text.span(&block.ident);
            self.diagnostics.push(Diagnostic::error("Duplicate block", detail).at(span));
            return false;
        }
        self.seen.push(name);
        true
    }

    fn settings(&mut self, block: &Block) {
        let mut body = self.reader(block, "The `test` block");
        if let Some(targets) = body.take("targets") {
            let given = targets.literal_string();
            match Targets::ALL.into_iter().find(|it| Some(it.as_str()) == given) {
                Some(found) => self.file.targets = found,
                None => {
                    let hint = match given.and_then(|it| did_you_mean(it, Targets::ALL.map(Targets::as_str)))
                    {
                        Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
                        None => String::new(),
                    };
                    let detail = format!(
                        "What stands in for clusters and hosts is \"sandbox\", \"mock\" or \"real\".{hint}"
                    );
                    self.diagnostics.push(Diagnostic::error("Invalid targets", detail).at(targets.span()));
                }
            }
        }
        body.finish(self.diagnostics);
    }

    fn variables(&mut self, block: &Block) -> IndexMap<String, Expression> {
        let mut body = self.reader(block, "The `variables` block");
        let all = body.take_all();
        body.finish(self.diagnostics);
        all.into_iter().map(|(name, _, value)| (name, value)).collect()
    }

    fn mock(&mut self, block: &Block, prefix: &str) {
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

    fn double(&mut self, block: &Block) -> Option<Double> {
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
            crate::config::Named::Resource(address) if address.data_type().is_some() != is_data => {
                Some(match is_data {
                    true => {
                        "`override_data` is for what is looked up: a resource is overridden by `override_resource`."
                    }
                    false => {
                        "`override_resource` is for resources: what is looked up is overridden by `override_data`."
                    }
                })
            }
            crate::config::Named::Resource(address) if address.kind == "value" => {
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

    fn run(&mut self, block: &Block) {
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
            asserts,
            expected,
            doubles,
            needs: Vec::new(),
        };
        run.needs = self.needs(&run);
        self.file.runs.push(run);
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

    fn unknown_block(&mut self, block: &Block, name: &str) {
        let foreign =
            FOREIGN.iter().find(|(foreign, _)| *foreign == name).map(|(_, detail)| (*detail).to_owned());
        let detail = foreign.unwrap_or_else(|| match did_you_mean(name, BLOCK_TYPES) {
            Some(candidate) => format!("There is no block type \"{name}\". Did you mean \"{candidate}\"?"),
            None => format!("There is no block type \"{name}\". A test file has {}.", BLOCK_TYPES.join(", ")),
        });
        let span = self.text.span(&block.ident);
        self.diagnostics.push(Diagnostic::error("Unsupported block type", detail).at(span));
    }

    fn reader<'b>(&self, block: &'b Block, what: &str) -> BodyReader<'b> {
        BodyReader::new(self.text.clone(), what, self.text.span(&block.ident), &block.body)
    }

    /// The file, once all of its blocks are read.
    fn end(self) -> TestFile {
        // What no run and no variable of the stack takes up was meant for something else.
        let runs = self.file.runs.iter();
        let expressions = runs.flat_map(|run| {
            let conditions = run.asserts.iter().flat_map(|assert| [&assert.condition, &assert.error_message]);
            let values = run.doubles.iter().filter_map(|double| double.values.as_ref());
            run.variables.values().chain(conditions).chain(values)
        });
        let own = self.file.variables.values();
        let made_up = self.file.doubles.iter().filter_map(|double| double.values.as_ref());
        let defaults = self.file.mocks.values().filter_map(|mock| mock.defaults.as_ref());
        let all = expressions.chain(own).chain(made_up).chain(defaults);
        let used: Vec<_> = all.flat_map(Expression::references).filter(|it| it.root == "var").collect();
        let declared = &self.config.root.variables;
        for (name, value) in self.file.variables.iter().filter(|(name, _)| !declared.contains_key(*name)) {
            if used.iter().all(|reference| reference.name.as_deref() != Some(name)) {
                let hint = match did_you_mean(name, declared.keys().map(String::as_str)) {
                    Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
                    None => String::new(),
                };
                let detail = format!(
                    "The stack has no variable \"{name}\", and nothing in this file refers to it.{hint}"
                );
                self.diagnostics.push(Diagnostic::error("Undeclared variable", detail).at(value.span()));
            }
        }
        self.file
    }
}

/// Blocks of a run that this version does not have.
const UNSUPPORTED: [(&str, &str); 2] = [
    ("module", "A run is of the stack itself: a module is tested by test files in its own folder."),
    ("plan_options", "A run plans as `meshform plan` does, and that takes no such options yet."),
];

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
