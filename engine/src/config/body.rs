//! Reads the body of one block: each argument is taken once, and what is left over was not expected.

use std::collections::BTreeMap;
use std::sync::Arc;

use hcl_edit::structure::{Block, Body, Structure};

use crate::diagnostic::{Diagnostic, Diagnostics, SourceId, Span, did_you_mean};
use crate::lang::Expression;
use crate::syntax::span_of;

/// The arguments and nested blocks of one block, not yet taken.
pub(super) struct BodyReader<'a> {
    pub(super) file: FileText,
    /// Where to point when something is missing.
    span: Option<Span>,
    what: String,
    arguments: BTreeMap<String, (Option<Span>, Expression)>,
    blocks: Vec<&'a Block>,
    expected: Vec<String>,
}

/// A source file's number and text.
#[derive(Clone)]
pub(super) struct FileText {
    pub(super) source: SourceId,
    pub(super) text: Arc<str>,
}

impl FileText {
    pub(super) fn span(&self, node: &impl hcl_edit::Span) -> Option<Span> {
        span_of(self.source, node)
    }
}

impl<'a> BodyReader<'a> {
    pub(super) fn new(file: FileText, what: impl Into<String>, span: Option<Span>, body: &'a Body) -> Self {
        let mut arguments = BTreeMap::new();
        let mut blocks = Vec::new();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => {
                    let value = Expression::new(file.source, Arc::clone(&file.text), attribute.value.clone());
                    arguments.insert(attribute.key.to_string(), (file.span(&attribute.key), value));
                }
                Structure::Block(block) => blocks.push(block),
            }
        }
        Self { file, span, what: what.into(), arguments, blocks, expected: Vec::new() }
    }

    /// An argument that may be missing.
    pub(super) fn take(&mut self, name: &str) -> Option<Expression> {
        self.expected.push(name.to_owned());
        self.arguments.remove(name).map(|(_, value)| value)
    }

    /// An argument that must be there.
    pub(super) fn require(&mut self, name: &str, diagnostics: &mut Diagnostics) -> Option<Expression> {
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
    pub(super) fn take_all(&mut self) -> Vec<(String, Option<Span>, Expression)> {
        std::mem::take(&mut self.arguments)
            .into_iter()
            .map(|(name, (span, value))| (name, span, value))
            .collect()
    }

    /// The nested blocks of one type.
    pub(super) fn take_blocks(&mut self, name: &str) -> Vec<&'a Block> {
        self.expected.push(name.to_owned());
        let (taken, left) = self.blocks.iter().partition(|block| block.ident.as_str() == name);
        self.blocks = left;
        taken
    }

    /// Complains of everything that was not taken.
    pub(super) fn finish(self, diagnostics: &mut Diagnostics) {
        for (name, (span, _)) in &self.arguments {
            diagnostics.push(self.unexpected("Unsupported argument", "argument", name).at(span.clone()));
        }
        for block in &self.blocks {
            let name = block.ident.as_str();
            let span = self.file.span(&block.ident);
            diagnostics.push(self.unexpected("Unsupported block type", "block", name).at(span));
        }
    }

    fn unexpected(&self, summary: &str, noun: &str, name: &str) -> Diagnostic {
        let expected = self.expected.iter().map(String::as_str);
        let hint = match did_you_mean(name, expected) {
            Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
            None => String::new(),
        };
        Diagnostic::error(summary, format!("{} has no {noun} \"{name}\".{hint}", self.what))
    }
}
