//! The top level of a stack: which blocks there are, each name once.

use std::sync::Arc;

use hcl_edit::structure::{Block, Structure};
use indexmap::IndexMap;

use super::blocks::{self, Labels};
use super::body::{BodyReader, FileText};
use super::{BlockId, Config, Registry, refactoring, references};
use crate::address::{TargetKind, is_identifier};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use crate::syntax::File;

/// The block types of the language that this version reads.
const BLOCK_TYPES: [&str; 10] =
    ["variable", "locals", "output", "cluster", "host", "resource", "check", "moved", "removed", "meshform"];

/// Block types that the language has and that this version does not read yet.
const LATER_BLOCK_TYPES: [&str; 4] = ["data", "module", "policy", "import"];

/// Decodes all files of a stack as one. The result is usable only if no error was found.
///
/// Unless these `are_all` files, an unknown name is no error: it may lie in the others.
pub fn decode(files: &[File], are_all: bool, registry: &Registry) -> (Config, Diagnostics) {
    let mut decoder = Decoder { registry, config: Config::default(), diagnostics: Diagnostics::new() };
    for file in files {
        let text = FileText { source: file.source, text: Arc::clone(&file.text) };
        for structure in &file.body {
            decoder.structure(&text, structure);
        }
    }
    let Decoder { mut config, mut diagnostics, .. } = decoder;
    let unresolved = references::resolve(&mut config, registry, &mut diagnostics);
    if are_all {
        diagnostics.extend(unresolved);
    }
    refactoring::check(&config, &mut diagnostics);
    (config, diagnostics)
}

struct Decoder<'a> {
    registry: &'a Registry,
    config: Config,
    diagnostics: Diagnostics,
}

impl Decoder<'_> {
    fn structure(&mut self, file: &FileText, structure: &Structure) {
        match structure {
            Structure::Block(block) => self.block(file, block),
            Structure::Attribute(attribute) => self.diagnostics.push(
                Diagnostic::error(
                    "Unexpected argument",
                    "A stack's files hold blocks. To name a value, put it into a `locals` block.",
                )
                .at(file.span(&attribute.key)),
            ),
        }
    }

    fn block(&mut self, file: &FileText, block: &Block) {
        match block.ident.as_str() {
            "variable" => self.variable(file, block),
            "locals" => self.locals(file, block),
            "output" => self.output(file, block),
            "cluster" => self.target(file, block, TargetKind::Cluster),
            "host" => self.target(file, block, TargetKind::Host),
            "resource" => self.resource(file, block),
            "check" => self.check(file, block),
            "moved" if self.labels(file, block, &[]).is_some() => {
                self.config.moved.extend(refactoring::moved(file, block, &mut self.diagnostics));
            }
            "removed" if self.labels(file, block, &[]).is_some() => {
                self.config.removed.extend(refactoring::removed(file, block, &mut self.diagnostics));
            }
            "moved" | "removed" => {}
            "meshform" => self.settings(file, block),
            other => self.unknown_block(file, block, other),
        }
    }

    fn variable(&mut self, file: &FileText, block: &Block) {
        let Some(labels) = self.labels(file, block, &["NAME"]) else { return };
        let variable = blocks::variable(file, block, &labels, &mut self.diagnostics);
        let [name] = &labels.texts[..] else { return };
        insert(
            &mut self.config.variables,
            name.clone(),
            variable,
            "variable",
            &labels,
            &mut self.diagnostics,
        );
    }

    fn output(&mut self, file: &FileText, block: &Block) {
        let Some(labels) = self.labels(file, block, &["NAME"]) else { return };
        let Some(output) = blocks::output(file, block, &labels, &mut self.diagnostics) else { return };
        let [name] = &labels.texts[..] else { return };
        insert(&mut self.config.outputs, name.clone(), output, "output", &labels, &mut self.diagnostics);
    }

    fn target(&mut self, file: &FileText, block: &Block, kind: TargetKind) {
        let Some(labels) = self.labels(file, block, &["NAME"]) else { return };
        let Some((_, schema)) = self.registry.target(kind) else {
            return self.unknown_block(file, block, kind.as_str());
        };
        let [name] = &labels.texts[..] else { return };
        let found = self.diagnostics.len();
        let target = blocks::target(file, block, kind, schema, &labels, &mut self.diagnostics);
        self.note_if_broken(found, || BlockId::Target(kind, name.clone()));
        let key = (kind, name.clone());
        insert(&mut self.config.targets, key, target, kind.as_str(), &labels, &mut self.diagnostics);
    }

    fn resource(&mut self, file: &FileText, block: &Block) {
        let Some(labels) = self.labels(file, block, &["TYPE", "NAME"]) else { return };
        let [kind, name] = &labels.texts[..] else { return };
        let Some(ty) = self.registry.resource_type(kind) else {
            return self.unknown_type(kind, &labels);
        };
        let found = self.diagnostics.len();
        let resource = blocks::resource(file, block, ty, &labels, &mut self.diagnostics);
        self.note_if_broken(found, || BlockId::Resource(kind.clone(), name.clone()));
        let key = (kind.clone(), name.clone());
        insert(&mut self.config.resources, key, resource, "resource", &labels, &mut self.diagnostics);
    }

    fn check(&mut self, file: &FileText, block: &Block) {
        let Some(labels) = self.labels(file, block, &["NAME"]) else { return };
        let asserts = blocks::check(file, block, &mut self.diagnostics);
        let [name] = &labels.texts[..] else { return };
        insert(&mut self.config.checks, name.clone(), asserts, "check", &labels, &mut self.diagnostics);
    }

    fn note_if_broken(&mut self, found_before: usize, id: impl FnOnce() -> BlockId) {
        if self.diagnostics.len() > found_before {
            self.config.broken.insert(id());
        }
    }

    fn locals(&mut self, file: &FileText, block: &Block) {
        if self.labels(file, block, &[]).is_none() {
            return;
        }
        let mut body =
            BodyReader::new(file.clone(), "A `locals` block", file.span(&block.ident), &block.body);
        for (name, span, value) in body.take_all() {
            let labels = Labels { texts: vec![name.clone()], span };
            insert(&mut self.config.locals, name, value, "local value", &labels, &mut self.diagnostics);
        }
        body.finish(&mut self.diagnostics);
    }

    /// `meshform { }`: only `required_version` is read so far.
    fn settings(&mut self, file: &FileText, block: &Block) {
        if self.labels(file, block, &[]).is_none() {
            return;
        }
        let span = file.span(&block.ident);
        let mut body = BodyReader::new(file.clone(), "A `meshform` block", span, &block.body);
        if let Some(version) = body.take("required_version") {
            blocks::required_version(&version, &mut self.diagnostics);
        }
        body.finish(&mut self.diagnostics);
    }

    /// The block's labels, if there are as many as there should be and each is a name.
    fn labels(&mut self, file: &FileText, block: &Block, names: &[&str]) -> Option<Labels> {
        let span = match (block.labels.first(), block.labels.last()) {
            (Some(first), Some(last)) => join(file.span(first), file.span(last)),
            _ => file.span(&block.ident),
        };
        if block.labels.len() != names.len() {
            let labels: Vec<_> = names.iter().map(|name| format!(" \"{name}\"")).collect();
            let form = format!("{}{} {{ … }}", block.ident.as_str(), labels.concat());
            self.diagnostics.push(
                Diagnostic::error("Wrong number of labels", format!("Such a block is written `{form}`."))
                    .at(span),
            );
            return None;
        }
        let texts: Vec<_> = block.labels.iter().map(|label| label.as_str().to_owned()).collect();
        if let Some(text) = texts.iter().find(|text| !is_identifier(text)) {
            self.diagnostics.push(
                Diagnostic::error(
                    "Invalid name",
                    format!("{text:?} is no name: use letters, digits, \"_\" and \"-\", beginning with a letter or \"_\"."),
                )
                .at(span),
            );
            return None;
        }
        Some(Labels { texts, span })
    }

    fn unknown_block(&mut self, file: &FileText, block: &Block, name: &str) {
        let detail = if let Some(reason) = self.registry.reserved(name) {
            reason.to_owned()
        } else if LATER_BLOCK_TYPES.contains(&name) {
            format!("This version of meshform does not read `{name}` blocks yet.")
        } else {
            match did_you_mean(name, BLOCK_TYPES) {
                Some(candidate) => {
                    format!("There is no block type \"{name}\". Did you mean \"{candidate}\"?")
                }
                None => format!("There is no block type \"{name}\". A stack has {}.", BLOCK_TYPES.join(", ")),
            }
        };
        self.diagnostics
            .push(Diagnostic::error("Unsupported block type", detail).at(file.span(&block.ident)));
    }

    fn unknown_type(&mut self, kind: &str, labels: &Labels) {
        let names: Vec<_> = self.registry.type_names().collect();
        let hint = match did_you_mean(kind, names.iter().copied()) {
            Some(candidate) => format!("Did you mean \"{candidate}\"?"),
            None => format!("There are {}.", names.join(", ")),
        };
        self.diagnostics.push(
            Diagnostic::error(
                "Unknown resource type",
                format!("There is no resource type \"{kind}\". {hint}"),
            )
            .at(labels.span.clone()),
        );
    }
}

fn insert<K: std::hash::Hash + Eq, V>(
    map: &mut IndexMap<K, V>,
    key: K,
    value: V,
    what: &str,
    labels: &Labels,
    diagnostics: &mut Diagnostics,
) {
    if map.contains_key(&key) {
        let name = labels.texts.join(".");
        diagnostics.push(
            Diagnostic::error(
                "Duplicate name",
                format!("There is another {what} named \"{name}\". Give one of the two another name."),
            )
            .at(labels.span.clone()),
        );
        return;
    }
    map.insert(key, value);
}

fn join(first: Option<Span>, last: Option<Span>) -> Option<Span> {
    let (first, last) = (first?, last?);
    Some(Span { source: first.source, range: first.range.start..last.range.end })
}
