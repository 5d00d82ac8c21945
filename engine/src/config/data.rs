//! `data` blocks: what is looked up.

use std::sync::Arc;

use hcl_edit::structure::Block;

use super::blocks::{Labels, conditions, repetition};
use super::body::{BodyReader, FileText};
use super::nested::content;
use super::{Condition, Content, Repetition};
use crate::diagnostic::{Diagnostics, Span};
use crate::lang::Expression;
use crate::schema::DataType;

/// A `data` block.
#[derive(Clone, Debug)]
pub struct DataBlock {
    /// Where its type and name are.
    pub span: Option<Span>,
    /// The `check` block that it is in: only that may refer to it, and what goes wrong with it is a warning.
    pub check: Option<String>,
    /// Its instances.
    pub repetition: Repetition,
    /// Its arguments and the blocks in it, meta-arguments apart.
    pub content: Arc<Content>,
    /// Where it is looked up, if it says so.
    pub target: Option<Expression>,
    /// What it is to come after, besides what it refers to.
    pub depends_on: Option<Expression>,
    /// What must hold before it is looked up.
    pub preconditions: Vec<Condition>,
    /// What must hold of what was found (`self`).
    pub postconditions: Vec<Condition>,
}

pub(super) fn decode(
    file: &FileText,
    block: &Block,
    ty: &DataType,
    labels: &Labels,
    check: Option<&str>,
    diagnostics: &mut Diagnostics,
) -> DataBlock {
    let what = format!("The data source {}", labels.texts.join("."));
    let mut body = BodyReader::new(file.clone(), what, labels.span.clone(), &block.body);
    let repetition = repetition(&mut body, diagnostics);
    let target = ty.target.and_then(|kind| body.take(kind.as_str()));
    let depends_on = body.take("depends_on");
    let lifecycle = body.take_block("lifecycle", diagnostics);
    let content = Arc::new(content(&mut body, &ty.body, diagnostics));
    body.finish(diagnostics);
    let [preconditions, postconditions] =
        lifecycle.map_or_else(Default::default, |block| lifecycle_of(file, block, diagnostics));
    DataBlock {
        span: labels.span.clone(),
        check: check.map(str::to_owned),
        repetition,
        content,
        target,
        depends_on,
        preconditions,
        postconditions,
    }
}

/// What must hold before and after: what is only looked up has no other life.
fn lifecycle_of(file: &FileText, block: &Block, diagnostics: &mut Diagnostics) -> [Vec<Condition>; 2] {
    let span = file.span(&block.ident);
    let mut body = BodyReader::new(file.clone(), "The `lifecycle` block of a data source", span, &block.body);
    let both =
        ["precondition", "postcondition"].map(|name| conditions(file, body.take_blocks(name), diagnostics));
    body.finish(diagnostics);
    both
}
