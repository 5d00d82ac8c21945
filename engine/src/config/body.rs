//! Reads the body of one block: each argument is taken once, and what is left over was not expected.

use std::collections::BTreeMap;
use std::sync::Arc;

use hcl_edit::structure::{Block, BlockLabel, Body, Structure};

use crate::diagnostic::{Diagnostic, Diagnostics, SourceId, Span, did_you_mean};
use crate::lang::Expression;
use crate::syntax::span_of;

/// The arguments and nested blocks of one block, not yet taken.
pub(crate) struct BodyReader<'a> {
    pub(crate) file: FileText,
    /// The iterators of the `dynamic` blocks around it: its expressions may use them.
    pub(crate) iterators: Arc<[String]>,
    /// Where to point when something is missing.
    pub(crate) span: Option<Span>,
    what: String,
    arguments: BTreeMap<String, (Option<Span>, Expression)>,
    blocks: Vec<&'a Block>,
    expected_arguments: Vec<String>,
    expected_blocks: Vec<String>,
}

/// A source file's number and text.
#[derive(Clone)]
pub(crate) struct FileText {
    pub(crate) source: SourceId,
    pub(crate) text: Arc<str>,
}

impl FileText {
    pub(crate) fn span(&self, node: &impl hcl_edit::Span) -> Option<Span> {
        span_of(self.source, node)
    }
}

impl<'a> BodyReader<'a> {
    pub(crate) fn new(file: FileText, what: impl Into<String>, span: Option<Span>, body: &'a Body) -> Self {
        Self::within(&Arc::from([]), file, what, span, body)
    }

    /// A block inside `dynamic` blocks with these iterators.
    pub(crate) fn within(
        iterators: &Arc<[String]>,
        file: FileText,
        what: impl Into<String>,
        span: Option<Span>,
        body: &'a Body,
    ) -> Self {
        let mut arguments = BTreeMap::new();
        let mut blocks = Vec::new();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => {
                    let value = Expression::new(file.source, Arc::clone(&file.text), attribute.value.clone());
                    let value = value.within(iterators);
                    arguments.insert(attribute.key.to_string(), (file.span(&attribute.key), value));
                }
                Structure::Block(block) => blocks.push(block),
            }
        }
        Self {
            file,
            iterators: Arc::clone(iterators),
            span,
            what: what.into(),
            arguments,
            blocks,
            expected_arguments: Vec::new(),
            expected_blocks: Vec::new(),
        }
    }

    /// An argument that may be missing.
    pub(crate) fn take(&mut self, name: &str) -> Option<Expression> {
        self.expected_arguments.push(name.to_owned());
        self.arguments.remove(name).map(|(_, value)| value)
    }

    /// An argument that must be there.
    pub(crate) fn require(&mut self, name: &str, diagnostics: &mut Diagnostics) -> Option<Expression> {
        let value = self.take(name);
        if value.is_none() {
            diagnostics.push(
                Diagnostic::error(
                    "Missing required argument",
                    format!("{} needs the argument \"{name}\".", self.what),
                )
                .at(self.span.clone()),
            );
        }
        value
    }

    /// All arguments that are left: those of a block whose names the user chooses.
    pub(crate) fn take_all(&mut self) -> Vec<(String, Option<Span>, Expression)> {
        std::mem::take(&mut self.arguments)
            .into_iter()
            .map(|(name, (span, value))| (name, span, value))
            .collect()
    }

    /// The nested blocks of one type.
    pub(crate) fn take_blocks(&mut self, name: &str) -> Vec<&'a Block> {
        self.take_blocks_that(name, |block| block.ident.as_str() == name)
    }

    /// The nested block of a type of which there may be only one.
    pub(crate) fn take_block(&mut self, name: &str, diagnostics: &mut Diagnostics) -> Option<&'a Block> {
        let blocks = self.take_blocks(name);
        if let Some(second) = blocks.get(1) {
            let detail = format!("Only one `{name}` block may be here.");
            let span = self.file.span(&second.ident);
            diagnostics.push(Diagnostic::error("Too many blocks", detail).at(span));
        }
        blocks.into_iter().next()
    }

    /// The nested blocks of one type and the `dynamic` blocks that make such ones.
    pub(crate) fn take_nested(&mut self, name: &str) -> Vec<&'a Block> {
        self.take_blocks_that(name, |block| match made_by(block) {
            Some(made) => made.as_str() == name,
            None => block.ident.as_str() == name,
        })
    }

    fn take_blocks_that(&mut self, name: &str, is_wanted: impl Fn(&Block) -> bool) -> Vec<&'a Block> {
        self.expected_blocks.push(name.to_owned());
        let (taken, left) = std::mem::take(&mut self.blocks).into_iter().partition(|block| is_wanted(block));
        self.blocks = left;
        taken
    }

    /// Complains of everything that was not taken.
    pub(crate) fn finish(self, diagnostics: &mut Diagnostics) {
        for (name, (span, _)) in &self.arguments {
            let detail = match self.expected_blocks.contains(name) {
                true => format!("`{name}` is a block here: write `{name} {{ … }}`, without \"=\"."),
                false => self.unexpected("argument", name),
            };
            diagnostics.push(Diagnostic::error("Unsupported argument", detail).at(span.clone()));
        }
        for block in &self.blocks {
            diagnostics.push(self.unexpected_block(block));
        }
    }

    fn unexpected_block(&self, block: &Block) -> Diagnostic {
        let (name, span) = match made_by(block) {
            Some(made) => (made.as_str(), self.file.span(made)),
            None => (block.ident.as_str(), self.file.span(&block.ident)),
        };
        if made_by(block).is_none() && name == "dynamic" {
            let detail = "Such a block is written `dynamic \"BLOCK\" { … }`.";
            return Diagnostic::error("Wrong number of labels", detail).at(span);
        }
        let detail = match self.expected_arguments.iter().any(|expected| expected == name) {
            true => format!("`{name}` is an argument here: write `{name} = {{ … }}`."),
            false => self.unexpected("block", name),
        };
        Diagnostic::error("Unsupported block type", detail).at(span)
    }

    fn unexpected(&self, noun: &str, name: &str) -> String {
        let expected = self.expected_arguments.iter().chain(&self.expected_blocks).map(String::as_str);
        let hint = match did_you_mean(name, expected) {
            Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
            None => String::new(),
        };
        format!("{} has no {noun} \"{name}\".{hint}", self.what)
    }
}

/// The type of the blocks that a `dynamic` block makes.
fn made_by(block: &Block) -> Option<&BlockLabel> {
    match &block.labels[..] {
        [label] if block.ident.as_str() == "dynamic" => Some(label),
        _ => None,
    }
}
