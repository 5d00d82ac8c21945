//! An expression with the place where it stands, and what can be said about it without evaluating it.

use std::fmt;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression as Ast, ForExpr, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::template::ForDirective;
use hcl_edit::visit::{self, Visit};

use crate::diagnostic::{SourceId, Span};
use crate::value::{Path, PathStep};

/// An expression of one source file. Cheap to clone.
#[derive(Clone)]
pub struct Expression(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    source: SourceId,
    text: Arc<str>,
    ast: Ast,
    /// Names that have a meaning of their own where it stands.
    bound: Arc<[String]>,
}

/// A name that an expression needs: `var.region`, `kube_object.web`, `each.key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The first name: `var`, `kube_object`, `each`.
    pub root: String,
    /// The attribute right after it, if it is a plain one.
    pub name: Option<String>,
    /// The attribute after that, whatever index or splat stands between the two.
    pub attribute: Option<String>,
    /// Both of them in the source.
    pub span: Span,
}

/// One step of a traversal.
#[derive(Clone, Debug)]
pub enum TraversalStep {
    /// `.NAME`
    Attribute(String),
    /// `[KEY]`
    Index(Expression),
}

impl Expression {
    /// An expression of a source file; `text` is the whole text of that file, as its spans count.
    pub fn new(source: SourceId, text: Arc<str>, ast: Ast) -> Self {
        Self(Arc::new(Inner { source, text, ast, bound: Arc::from([]) }))
    }

    /// The same expression where these names have a meaning of their own: they refer to no block.
    #[must_use]
    pub fn within(self, names: &Arc<[String]>) -> Self {
        if names.is_empty() {
            return self;
        }
        let inner = Arc::try_unwrap(self.0).unwrap_or_else(|shared| Inner::clone(&shared));
        Self(Arc::new(Inner { bound: Arc::clone(names), ..inner }))
    }

    /// Where it stands.
    pub fn span(&self) -> Option<Span> {
        self.place(&self.0.ast)
    }

    /// The file in which it stands.
    pub fn source(&self) -> SourceId {
        self.0.source
    }

    /// The parser's view of it.
    pub fn ast(&self) -> &Ast {
        &self.0.ast
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        self.span().and_then(|span| self.0.text.get(span.range)).unwrap_or_default()
    }

    /// The text of the whole file in which it stands.
    pub(super) fn file_text(&self) -> &str {
        &self.0.text
    }

    /// Its text, if it is a string without templates.
    pub fn literal_string(&self) -> Option<&str> {
        bare(&self.0.ast).as_str()
    }

    /// Its name, if it is a single identifier such as `string` in `type = string`.
    pub fn as_identifier(&self) -> Option<&str> {
        bare(&self.0.ast).as_variable().map(|name| name.as_str())
    }

    /// Whether it is the literal `null`.
    pub fn is_null(&self) -> bool {
        bare(&self.0.ast).is_null()
    }

    /// The attribute steps of a plain reference such as `kube_object.web.spec`, root first; `None` for anything else.
    pub fn as_path(&self) -> Option<Vec<String>> {
        match bare(&self.0.ast) {
            Ast::Variable(root) => Some(vec![root.to_string()]),
            Ast::Traversal(traversal) => {
                let root = traversal.expr.as_variable()?.to_string();
                let steps = traversal.operators.iter().map(|operator| attribute(operator).map(str::to_owned));
                std::iter::once(Some(root)).chain(steps).collect()
            }
            _ => None,
        }
    }

    /// The root of a traversal such as `kube_object.web[each.key].object` and the steps after it; `None` for anything else.
    pub fn as_traversal(&self) -> Option<(String, Vec<TraversalStep>)> {
        let traversal = match bare(&self.0.ast) {
            Ast::Variable(root) => return Some((root.to_string(), Vec::new())),
            Ast::Traversal(traversal) => traversal,
            _ => return None,
        };
        let steps = traversal.operators.iter().map(|operator| match operator.value() {
            TraversalOperator::GetAttr(name) => Some(TraversalStep::Attribute(name.to_string())),
            TraversalOperator::Index(index) => Some(TraversalStep::Index(self.sibling(index.clone()))),
            TraversalOperator::LegacyIndex(index) => {
                Some(TraversalStep::Index(self.sibling(Ast::from(*index.value()))))
            }
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => None,
        });
        Some((traversal.expr.as_variable()?.to_string(), steps.collect::<Option<_>>()?))
    }

    /// The way that it describes into a value, if it is written with names and literal keys only: `manifest.spec.replicas`.
    pub fn as_value_path(&self) -> Option<Path> {
        let (root, steps) = self.as_traversal()?;
        let steps = steps.into_iter().map(|step| match step {
            TraversalStep::Attribute(name) => Some(PathStep::Attribute(name)),
            TraversalStep::Index(key) => match bare(&key.0.ast) {
                Ast::Number(index) => Some(PathStep::Index(usize::try_from(index.as_u64()?).ok()?)),
                key => Some(PathStep::Attribute(key.as_str()?.to_owned())),
            },
        });
        std::iter::once(Some(PathStep::Attribute(root))).chain(steps).collect::<Option<_>>().map(Path)
    }

    /// Its elements, if it is a list literal.
    pub fn list_items(&self) -> Option<Vec<Expression>> {
        let array = bare(&self.0.ast).as_array()?;
        Some(array.iter().map(|element| self.sibling(element.clone())).collect())
    }

    /// Its keys and values in order, if it is an object literal. A bare key is an identifier.
    pub fn object_items(&self) -> Option<Vec<(Expression, Expression)>> {
        let object = bare(&self.0.ast).as_object()?;
        let items = object.iter().map(|(key, value)| {
            let key = match key {
                ObjectKey::Ident(name) => Ast::Variable(name.clone()),
                ObjectKey::Expression(key) => key.clone(),
            };
            (self.sibling(key), self.sibling(value.expr().clone()))
        });
        Some(items.collect())
    }

    /// Every name that it needs, in order. What an enclosing `for` or `dynamic` binds is not one of them.
    pub fn references(&self) -> Vec<Reference> {
        let mut collector =
            Collector { source: self.0.source, bound: self.0.bound.to_vec(), references: Vec::new() };
        collector.visit_expr(&self.0.ast);
        collector.references
    }

    /// Where the part at a path of its value is written, as far as object and list literals tell; else what encloses it.
    pub fn part_at(&self, path: &Path) -> Option<Span> {
        let mut part = &self.0.ast;
        for step in &path.0 {
            match step_into(bare(part), step) {
                Some(next) => part = next,
                None => break,
            }
        }
        self.place(part)
    }

    fn place(&self, ast: &Ast) -> Option<Span> {
        ast.span().map(|range| Span { source: self.0.source, range })
    }

    /// Another piece of the same file.
    pub(crate) fn sibling(&self, ast: Ast) -> Expression {
        Self::new(self.0.source, self.0.text.clone(), ast).within(&self.0.bound)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({:?})", self.text())
    }
}

/// Without the parentheses around it.
pub(super) fn bare(mut ast: &Ast) -> &Ast {
    while let Ast::Parenthesis(inner) = ast {
        ast = inner.inner();
    }
    ast
}

/// The name of a plain attribute step.
pub(super) fn attribute(operator: &TraversalOperator) -> Option<&str> {
    match operator {
        TraversalOperator::GetAttr(name) => Some(name.as_str()),
        _ => None,
    }
}

/// The key of an object literal's item, as far as it is written out.
fn literal_key(key: &ObjectKey) -> Option<&str> {
    match key {
        ObjectKey::Ident(name) => Some(name.as_str()),
        ObjectKey::Expression(key) => bare(key).as_str(),
    }
}

fn step_into<'a>(ast: &'a Ast, step: &PathStep) -> Option<&'a Ast> {
    match (step, ast) {
        (PathStep::Attribute(name), Ast::Object(object)) => {
            let mut items = object.iter().filter(|(key, _)| literal_key(key) == Some(name));
            items.next().map(|(_, value)| value.expr())
        }
        (PathStep::Index(index), Ast::Array(array)) => array.get(*index),
        (PathStep::Element(keys), Ast::Array(array)) => array.iter().find(|element| {
            keys.iter().all(|(name, text)| {
                step_into(bare(element), &PathStep::Attribute(name.clone()))
                    .is_some_and(|value| literal_text(value).as_deref() == Some(text))
            })
        }),
        _ => None,
    }
}

fn literal_text(ast: &Ast) -> Option<String> {
    match bare(ast) {
        Ast::String(text) => Some(text.value().clone()),
        Ast::Number(number) => Some(number.value().to_string()),
        Ast::Bool(truth) => Some(truth.value().to_string()),
        _ => None,
    }
}

/// Walks an expression and notes the free names.
struct Collector {
    source: SourceId,
    bound: Vec<String>,
    references: Vec<Reference>,
}

impl Collector {
    fn note(&mut self, root: &str, names: [Option<&str>; 2], range: Option<std::ops::Range<usize>>) {
        if self.bound.iter().any(|bound| bound == root) {
            return;
        }
        let span = Span { source: self.source, range: range.unwrap_or_default() };
        let [name, attribute] = names.map(|name| name.map(str::to_owned));
        self.references.push(Reference { root: root.to_owned(), name, attribute, span });
    }

    /// Visits with names bound, then forgets them.
    fn within<'n>(&mut self, names: impl IntoIterator<Item = &'n str>, visit: impl FnOnce(&mut Self)) {
        let depth = self.bound.len();
        self.bound.extend(names.into_iter().map(str::to_owned));
        visit(self);
        self.bound.truncate(depth);
    }
}

impl Visit for Collector {
    fn visit_expr(&mut self, node: &Ast) {
        match node {
            Ast::Variable(name) => self.note(name.as_str(), [None, None], name.span()),
            _ => visit::visit_expr(self, node),
        }
    }

    fn visit_traversal(&mut self, node: &Traversal) {
        match &node.expr {
            Ast::Variable(root) => {
                let first = node.operators.first();
                let name = first.and_then(|first| attribute(first));
                let after = node.operators.iter().skip(1);
                let after = after.map(|it| it.value()).find(|it| {
                    !matches!(
                        it,
                        TraversalOperator::Index(_)
                            | TraversalOperator::LegacyIndex(_)
                            | TraversalOperator::AttrSplat(_)
                            | TraversalOperator::FullSplat(_)
                    )
                });
                let end = first.filter(|_| name.is_some()).and_then(|first| first.span());
                let range = root.span().map(|range| range.start..end.map_or(range.end, |end| end.end));
                self.note(root.as_str(), [name, name.and(after).and_then(attribute)], range);
            }
            other => self.visit_expr(other),
        }
        node.operators.iter().for_each(|operator| self.visit_traversal_operator(operator));
    }

    fn visit_for_expr(&mut self, node: &ForExpr) {
        self.visit_expr(&node.intro.collection_expr);
        let key = node.intro.key_var.as_ref().map(|key| key.as_str());
        self.within(key.into_iter().chain([node.intro.value_var.as_str()]), |this| {
            node.key_expr.iter().for_each(|key| this.visit_expr(key));
            this.visit_expr(&node.value_expr);
            node.cond.iter().for_each(|condition| this.visit_expr(&condition.expr));
        });
    }

    fn visit_for_directive(&mut self, node: &ForDirective) {
        let intro = &node.for_expr;
        self.visit_expr(&intro.collection_expr);
        let key = intro.key_var.as_ref().map(|key| key.as_str());
        self.within(key.into_iter().chain([intro.value_var.as_str()]), |this| {
            this.visit_template(&intro.template);
        });
    }
}
