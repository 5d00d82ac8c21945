//! The text of test files → [`TestFile`]s, with all that is wrong with them.

mod made_up;
mod run;

use std::sync::Arc;

use hcl_edit::structure::{Block, Structure};
use indexmap::IndexMap;

use super::file::{Targets, TestFile};
use crate::config::{BodyReader, Config, FileText, Registry, labels};
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
    let (files, mut diagnostics) = syntax::parse_where(sources, |source, _| tests.contains(&source));
    let mut decoded = Vec::new();
    for file in &files {
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
