//! The `meshform` block: what the program is told about itself, and where the states of the stack are kept.

use std::sync::Arc;

use hcl_edit::structure::Block;

use super::blocks::required_version;
use super::body::{BodyReader, FileText};
use super::decode::labels;
use super::nested::content;
use super::{Content, Registry};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use crate::lang::Expression;
use crate::schema::Body;

/// What the `meshform` blocks of a stack say. What a program without stores is told about them is not looked at.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How many steps run at once on each target.
    pub parallelism: Option<Expression>,
    /// How much one plan may remove.
    pub max_deletes: Option<Expression>,
    /// The `backend` block.
    pub backend: Option<BackendBlock>,
    /// The `encryption` block.
    pub encryption: Option<Arc<Content>>,
}

/// A `backend` block.
#[derive(Clone, Debug)]
pub struct BackendBlock {
    /// Which kind of storage.
    pub kind: String,
    /// Its settings.
    pub content: Arc<Content>,
}

impl Settings {
    /// Whether they say nothing.
    pub fn is_empty(&self) -> bool {
        self.parallelism.is_none()
            && self.max_deletes.is_none()
            && self.backend.is_none()
            && self.encryption.is_none()
    }

    /// Every expression in them.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let backend = self.backend.iter().map(|backend| &backend.content);
        let blocks = backend.chain(&self.encryption).flat_map(|content| content.expressions());
        self.parallelism.iter().chain(&self.max_deletes).chain(blocks)
    }
}

/// Adds what one `meshform` block of the stack itself says.
pub(super) fn decode(
    file: &FileText,
    block: &Block,
    registry: &Registry,
    settings: &mut Settings,
    diagnostics: &mut Diagnostics,
) {
    let mut body = reader(file, block, "A `meshform` block");
    version(&mut body, diagnostics);
    if let Some(parallelism) = body.take("parallelism") {
        once(&mut settings.parallelism, parallelism.clone(), "parallelism", parallelism.span(), diagnostics);
    }
    if let Some(budget) = body.take("max_deletes") {
        once(&mut settings.max_deletes, budget.clone(), "max_deletes", budget.span(), diagnostics);
    }
    for backend in body.take_blocks("backend") {
        if let Some(decoded) = backend_block(file, backend, registry, diagnostics) {
            let span = file.span(&backend.ident);
            once(&mut settings.backend, decoded, "backend", span, diagnostics);
        }
    }
    for encryption in body.take_blocks("encryption") {
        let Some(keeping) = registry.keeping() else { continue };
        if labels(file, encryption, &[], diagnostics).is_some() {
            let inner = reader(file, encryption, "The `encryption` block");
            let decoded = filled(inner, &keeping.encryption, diagnostics);
            let span = file.span(&encryption.ident);
            once(&mut settings.encryption, decoded, "encryption", span, diagnostics);
        }
    }
    body.finish(diagnostics);
}

/// What a `meshform` block of a module may say: which versions it is for. Where a stack is kept is not for its parts to tell.
pub(super) fn decode_in_module(file: &FileText, block: &Block, diagnostics: &mut Diagnostics) {
    let mut body = reader(file, block, "The `meshform` block of a module");
    version(&mut body, diagnostics);
    body.finish(diagnostics);
}

fn version(body: &mut BodyReader<'_>, diagnostics: &mut Diagnostics) {
    if let Some(version) = body.take("required_version") {
        required_version(&version, diagnostics);
    }
}

fn backend_block(
    file: &FileText,
    block: &Block,
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> Option<BackendBlock> {
    let keeping = registry.keeping()?;
    let kind = labels(file, block, &["KIND"], diagnostics)?.texts.concat();
    let Some(schema) = keeping.backends.get(kind.as_str()) else {
        let span = block.labels.first().and_then(|label| file.span(label));
        diagnostics.push(unknown_kind(&kind, keeping.backends.keys().copied()).at(span));
        return None;
    };
    let inner = reader(file, block, format!("The backend \"{kind}\""));
    Some(BackendBlock { content: filled(inner, schema, diagnostics), kind })
}

fn unknown_kind(kind: &str, known: impl Iterator<Item = &'static str> + Clone) -> Diagnostic {
    let hint = match did_you_mean(kind, known.clone()) {
        Some(candidate) => format!("Did you mean \"{candidate}\"?"),
        None => format!("There are {}.", known.collect::<Vec<_>>().join(", ")),
    };
    Diagnostic::error("Unknown backend", format!("There is no backend \"{kind}\". {hint}"))
}

fn reader<'b>(file: &FileText, block: &'b Block, what: impl Into<String>) -> BodyReader<'b> {
    BodyReader::new(file.clone(), what, file.span(&block.ident), &block.body)
}

fn filled(mut body: BodyReader<'_>, schema: &Body, diagnostics: &mut Diagnostics) -> Arc<Content> {
    let content = Arc::new(content(&mut body, schema, diagnostics));
    body.finish(diagnostics);
    content
}

/// Several `meshform` blocks are one, so each setting may be in only one of them.
fn once<T>(slot: &mut Option<T>, value: T, name: &str, span: Option<Span>, diagnostics: &mut Diagnostics) {
    if slot.is_some() {
        let detail = format!("`{name}` is set already by another `meshform` block. Take one of the two out.");
        diagnostics.push(Diagnostic::error("Duplicate setting", detail).at(span));
        return;
    }
    *slot = Some(value);
}
