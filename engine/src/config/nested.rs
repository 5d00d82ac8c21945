//! The blocks inside a block, as written and as `dynamic` makes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use hcl_edit::structure::Block;

use super::body::{BodyReader, FileText};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::lang::Expression;
use crate::schema::{BlockType, Body, Presence};

/// What a block says: its arguments, and the blocks in it.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Where to point when something is missing in it.
    pub span: Option<Span>,
    /// Its arguments, meta-arguments apart.
    pub attributes: BTreeMap<String, Expression>,
    /// The blocks in it by type, in the order in which they are written.
    pub blocks: BTreeMap<String, Vec<Nested>>,
}

/// What stands for blocks inside a block.
#[derive(Clone, Debug)]
pub enum Nested {
    /// One block.
    Written {
        /// Its labels.
        labels: Vec<String>,
        /// What it says.
        content: Arc<Content>,
    },
    /// As many as something has elements.
    Dynamic(Dynamic),
}

/// A `dynamic` block.
#[derive(Clone, Debug)]
pub struct Dynamic {
    /// The collection that gives one block for each element.
    pub for_each: Expression,
    /// By which name the labels and the content refer to the element.
    pub iterator: String,
    /// The labels of each block: a list.
    pub labels: Option<Expression>,
    /// What each block says.
    pub content: Arc<Content>,
}

impl Content {
    /// Every expression in it and in the blocks in it.
    pub fn expressions(&self) -> Vec<&Expression> {
        let mut all: Vec<_> = self.attributes.values().collect();
        for nested in self.blocks.values().flatten() {
            if let Nested::Dynamic(dynamic) = nested {
                all.extend(std::iter::once(&dynamic.for_each).chain(&dynamic.labels));
            }
            all.extend(nested.content().expressions());
        }
        all
    }
}

impl Nested {
    /// What each of the blocks says.
    pub fn content(&self) -> &Arc<Content> {
        match self {
            Self::Written { content, .. } | Self::Dynamic(Dynamic { content, .. }) => content,
        }
    }

    fn is_written(&self) -> bool {
        matches!(self, Self::Written { .. })
    }
}

/// The arguments and blocks that the schema knows.
pub(super) fn content(body: &mut BodyReader<'_>, schema: &Body, diagnostics: &mut Diagnostics) -> Content {
    let mut content = Content { span: body.span.clone(), ..Content::default() };
    for attribute in &schema.attributes {
        let value = match attribute.presence {
            // Left untaken, so that setting it is reported as unsupported.
            Presence::Computed => continue,
            Presence::Required => body.require(attribute.name, diagnostics),
            Presence::Optional | Presence::Default(_) => body.take(attribute.name),
        };
        content.attributes.extend(value.map(|value| (attribute.name.to_owned(), value)));
    }
    for ty in &schema.blocks {
        let blocks = blocks(body, ty, diagnostics);
        if !blocks.is_empty() {
            content.blocks.insert(ty.name.to_owned(), blocks);
        }
    }
    content
}

fn blocks(body: &mut BodyReader<'_>, ty: &BlockType, diagnostics: &mut Diagnostics) -> Vec<Nested> {
    let found = body.take_nested(ty.name);
    let place = Place { file: &body.file, iterators: &body.iterators };
    let blocks: Vec<_> = found
        .into_iter()
        .filter_map(|block| match block.ident.as_str() == ty.name {
            true => place.written(block, ty, diagnostics),
            false => place.dynamic(block, ty, diagnostics).map(Nested::Dynamic),
        })
        .collect();
    let written: Vec<_> = blocks.iter().filter(|block| block.is_written()).collect();
    if written.len() == blocks.len() || ty.count_max.is_some_and(|most| written.len() > most) {
        let spans: Vec<_> = written.iter().map(|block| block.content().span.clone()).collect();
        diagnostics.extend(wrong_count(ty, body.span.as_ref(), &spans));
    }
    blocks
}

/// What is wrong with the number of blocks of one type in a block.
pub(crate) fn wrong_count(
    ty: &BlockType,
    outer: Option<&Span>,
    blocks: &[Option<Span>],
) -> Option<Diagnostic> {
    let count = blocks.len();
    if count < ty.count_min {
        let detail = match (ty.count_min, count) {
            (1, _) => format!("A `{}` block is needed here.", ty.name),
            (least, 0) => format!("At least {least} `{}` blocks are needed here.", ty.name),
            (least, count) => {
                format!("At least {least} `{}` blocks are needed here; there is only {count}.", ty.name)
            }
        };
        return Some(Diagnostic::error("Missing block", detail).at(outer.cloned()));
    }
    let most = ty.count_max.filter(|most| count > *most)?;
    let detail = match most {
        1 => format!("Only one `{}` block may be here.", ty.name),
        most => format!("At most {most} `{}` blocks may be here; there are {count}.", ty.name),
    };
    Some(Diagnostic::error("Too many blocks", detail).at(blocks.get(most).cloned().flatten()))
}

/// Where nested blocks stand.
struct Place<'a> {
    file: &'a FileText,
    /// The iterators of the `dynamic` blocks around.
    iterators: &'a Arc<[String]>,
}

impl Place<'_> {
    fn written(&self, block: &Block, ty: &BlockType, diagnostics: &mut Diagnostics) -> Option<Nested> {
        let span = self.file.span(&block.ident);
        if block.labels.len() != ty.labels.len() {
            let labels = ty.labels.iter().map(|label| format!(" \"{}\"", label.to_uppercase()));
            let form = format!("{}{} {{ … }}", ty.name, labels.collect::<String>());
            let detail = format!("Such a block is written `{form}`.");
            diagnostics.push(Diagnostic::error("Wrong number of labels", detail).at(span));
            return None;
        }
        let labels = block.labels.iter().map(|label| label.as_str().to_owned()).collect();
        let what = format!("The `{}` block", ty.name);
        let mut body = BodyReader::within(self.iterators, self.file.clone(), what, span, &block.body);
        let content = Arc::new(content(&mut body, &ty.body, diagnostics));
        body.finish(diagnostics);
        Some(Nested::Written { labels, content })
    }

    fn dynamic(&self, block: &Block, ty: &BlockType, diagnostics: &mut Diagnostics) -> Option<Dynamic> {
        let span = block.labels.first().and_then(|label| self.file.span(label));
        let what = format!("The dynamic block \"{}\"", ty.name);
        let mut body = BodyReader::within(self.iterators, self.file.clone(), what, span, &block.body);
        let for_each = body.require("for_each", diagnostics);
        let iterator = match body.take("iterator") {
            Some(iterator) => iterator_name(&iterator, diagnostics),
            None => Some(ty.name.to_owned()),
        };
        let labels = match ty.labels.is_empty() {
            true => None,
            false => body.require("labels", diagnostics),
        };
        let inner: Arc<[String]> = self.iterators.iter().cloned().chain(iterator.clone()).collect();
        let labels = labels.map(|labels| labels.within(&inner));
        let written = body.take_block("content", diagnostics);
        if written.is_none() {
            let problem = Diagnostic::error("Missing block", "A `content` block is needed here.");
            diagnostics.push(problem.at(body.span.clone()));
        }
        let content = written.map(|block| {
            let what = format!("The content of \"{}\"", ty.name);
            let span = self.file.span(&block.ident);
            let mut body = BodyReader::within(&inner, self.file.clone(), what, span, &block.body);
            let content = content(&mut body, &ty.body, diagnostics);
            body.finish(diagnostics);
            Arc::new(content)
        });
        body.finish(diagnostics);
        Some(Dynamic { for_each: for_each?, iterator: iterator?, labels, content: content? })
    }
}

fn iterator_name(iterator: &Expression, diagnostics: &mut Diagnostics) -> Option<String> {
    let name = iterator.as_identifier().map(str::to_owned);
    if name.is_none() {
        let detail = "It is a name without quotes, such as `iterator = it`.";
        diagnostics.push(Diagnostic::error("Invalid iterator", detail).at(iterator.span()));
    }
    name
}
