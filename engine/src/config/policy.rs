//! `policy` blocks: what must hold of a plan.

use hcl_edit::structure::Block;

use super::Condition;
use super::blocks::{Labels, literal_string};
use super::body::{BodyReader, FileText};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use crate::lang::Expression;
use crate::policy::Level;

/// A `policy` block.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Where its name is.
    pub span: Option<Span>,
    /// What it is for.
    pub description: Option<String>,
    /// How much it weighs.
    pub level: Level,
    /// What it must hold of, one by one; it is judged once if there is none.
    pub for_each: Option<Expression>,
    /// What must be true, and what to say when it is not.
    pub condition: Condition,
}

impl Policy {
    /// The expressions that know `each`, if there is a `for_each`.
    pub(super) fn inner(&self) -> [&Expression; 2] {
        [&self.condition.condition, &self.condition.error_message]
    }
}

pub(super) fn policy(
    file: &FileText,
    block: &Block,
    labels: &Labels,
    diagnostics: &mut Diagnostics,
) -> Option<Policy> {
    let what = format!("The policy \"{}\"", labels.texts.concat());
    let mut body = BodyReader::new(file.clone(), what, labels.span.clone(), &block.body);
    let description = literal_string(body.take("description"), diagnostics);
    let level = body.take("level").map_or(Some(Level::default()), |written| level(&written, diagnostics));
    let for_each = body.take("for_each");
    let condition = body.require("condition", diagnostics);
    let error_message = body.require("error_message", diagnostics);
    body.finish(diagnostics);
    Some(Policy {
        span: labels.span.clone(),
        description,
        level: level?,
        for_each,
        condition: Condition { condition: condition?, error_message: error_message? },
    })
}

fn level(written: &Expression, diagnostics: &mut Diagnostics) -> Option<Level> {
    let text = written.literal_string();
    let level = Level::ALL.into_iter().find(|level| text == Some(level.as_str()));
    if level.is_none() {
        let hint = match text.and_then(|text| did_you_mean(text, Level::ALL.map(Level::as_str))) {
            Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
            None => String::new(),
        };
        let detail = format!("It is the literal \"mandatory\" or \"advisory\".{hint}");
        diagnostics.push(Diagnostic::error("Invalid level", detail).at(written.span()));
    }
    level
}
