//! The evaluator: an AST node and what names mean in, a value and diagnostics out.
//!
//! An expression that fails gives a diagnostic and an unknown value of any type, with which everything around it goes on, so
//! that one run finds all that is wrong. Roots are borrowed down traversals, never cloned.

mod binding;
mod call;
mod conditional;
mod heredoc;
mod looping;
mod operators;
mod template;
mod traversal;

use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Array, Expression as Ast, Object as AstObject, ObjectKey, TraversalOperator};

use self::binding::Binding;
pub(super) use self::call::special_names;
pub(super) use self::operators::equality;
use super::expression::{Expression, bare};
use super::limits::{self, Passed, Spent, Tally};
use super::{Scope, convert, number};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceId, Span};
use crate::types::Type;
use crate::value::{Kind, Marks, Value};

/// The value of an expression.
///
/// What is wrong is pushed to `diagnostics`, with its place; the part that failed is then an unknown value of any type.
pub fn evaluate(expression: &Expression, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Value {
    evaluate_part(expression, expression.ast(), scope, diagnostics)
}

/// The value of a part of an expression.
pub(super) fn evaluate_part(
    expression: &Expression,
    part: &Ast,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) -> Value {
    let unit = Unit::File { source: expression.source(), text: expression.file_text() };
    let spent = Spent::default();
    Evaluator { unit: &unit, scope, bindings: None, depth: 0, spent: &spent }.value(part, diagnostics)
}

/// The text that an AST belongs to.
enum Unit<'e> {
    /// A file of the stack.
    File { source: SourceId, text: &'e str },
    /// A template that a function read, called from `at`.
    Template { name: &'e str, text: &'e str, at: Option<Span> },
}

impl Unit<'_> {
    fn text(&self) -> &str {
        match self {
            Self::File { text, .. } | Self::Template { text, .. } => text,
        }
    }
}

/// What the evaluation of one AST needs. Copied, with more names bound, for the body of a loop.
#[derive(Clone, Copy)]
struct Evaluator<'e> {
    unit: &'e Unit<'e>,
    scope: &'e Scope<'e>,
    bindings: Option<&'e Binding<'e>>,
    /// How many templates deep.
    depth: u8,
    /// What this expression has cost.
    spent: &'e Spent,
}

type Evaluated = Result<Value, Diagnostic>;

impl Evaluator<'_> {
    /// The value of a node; an error becomes a diagnostic and an unknown value.
    fn value(&self, ast: &Ast, diagnostics: &mut Diagnostics) -> Value {
        self.evaluated(ast, diagnostics).unwrap_or_else(|diagnostic| {
            diagnostics.push(diagnostic);
            Value::unknown(Type::Any)
        })
    }

    fn evaluated(&self, ast: &Ast, diagnostics: &mut Diagnostics) -> Evaluated {
        let value = match ast {
            Ast::Null(_) => Value::null(),
            Ast::Bool(truth) => Value::bool(*truth.value()),
            Ast::Number(literal) => self.number(ast, &literal.value().to_string())?,
            Ast::String(text) => Value::string(text.as_str()),
            Ast::Array(array) => self.array(array, diagnostics)?,
            Ast::Object(object) => self.object(object, diagnostics)?,
            Ast::StringTemplate(template) => self.string_template(template, diagnostics)?,
            Ast::HeredocTemplate(heredoc) => self.heredoc(heredoc, diagnostics)?,
            Ast::Parenthesis(inner) => self.value(inner.inner(), diagnostics),
            Ast::Variable(_) => self.traverse(ast, &[], diagnostics)?,
            Ast::Traversal(traversal) => self.traverse(&traversal.expr, &traversal.operators, diagnostics)?,
            Ast::Conditional(conditional) => self.conditional(conditional, diagnostics)?,
            Ast::FuncCall(call) => self.call(call, diagnostics)?,
            Ast::UnaryOp(operation) => self.unary(operation, diagnostics)?,
            Ast::BinaryOp(operation) => self.binary(operation, diagnostics)?,
            Ast::ForExpr(looping) => self.for_expression(looping, diagnostics)?,
        };
        match is_made(ast) {
            true => self.within(ast, limits::check(&value)).map(|()| value),
            false => Ok(value),
        }
    }

    /// A number is read from the source: the parser keeps only a double.
    fn number(&self, ast: &Ast, otherwise: &str) -> Evaluated {
        let text = ast.span().and_then(|range| self.unit.text().get(range));
        let text: String = text.unwrap_or(otherwise).split_whitespace().collect();
        let too_large = || {
            let detail =
                format!("Numbers have at most {} digits before and after the point.", number::DIGITS_MAX);
            self.wrong(ast, "Number out of range", detail)
        };
        number::parse(&text).map(Value::number).ok_or_else(too_large)
    }

    fn array(&self, array: &Array, diagnostics: &mut Diagnostics) -> Evaluated {
        let (mut elements, mut tally) = (Vec::with_capacity(array.len()), Tally::default());
        for ast in array.iter() {
            let element = self.value(ast, diagnostics);
            self.within(ast, tally.add(&element))?;
            elements.push(element);
        }
        Ok(Value::list(elements))
    }

    fn object(&self, object: &AstObject, diagnostics: &mut Diagnostics) -> Evaluated {
        let mut fields = BTreeMap::new();
        let mut marks = Marks::NONE;
        let mut all_known = true;
        let mut tally = Tally::default();
        for (key, item) in object.iter() {
            let value = self.value(item.expr(), diagnostics);
            self.within(item.expr(), tally.add(&value))?;
            let key = match key {
                ObjectKey::Ident(name) => Value::string(name.as_str()),
                ObjectKey::Expression(key) => self.object_key(key, diagnostics)?,
            };
            marks |= key.marks();
            match key.as_str() {
                Some(key) => drop(fields.insert(key.to_owned(), value)),
                None => {
                    all_known = false;
                    marks |= value.all_marks();
                }
            }
        }
        if !all_known {
            marks |= Marks::of(fields.values());
            return Ok(Value::unknown(Type::Any).marked(marks));
        }
        Ok(Value::object(fields).marked(marks))
    }

    fn object_key(&self, key: &Ast, diagnostics: &mut Diagnostics) -> Evaluated {
        if let Ast::Traversal(_) = key {
            let detail = "A reference as a key must stand in parentheses: (var.name) = …. \
                          A literal key with dots must stand in quotes.";
            return Err(self.wrong(key, "Ambiguous key", detail));
        }
        let value = self.value(key, diagnostics);
        self.key(key, &value)
    }

    /// A value as the key of an object or map.
    fn key(&self, ast: &Ast, value: &Value) -> Evaluated {
        if value.is_null() {
            return Err(self.wrong(ast, "Invalid key", "The key is null. A key must be a string."));
        }
        convert(value, &Type::String).map_err(|error| {
            self.wrong(ast, "Invalid key", format!("This cannot be a key: {}.", error.message))
        })
    }

    /// A condition: a bool that is not null, perhaps unknown.
    fn truth(&self, ast: &Ast, diagnostics: &mut Diagnostics) -> Evaluated {
        let value = self.value(ast, diagnostics);
        if value.is_null() {
            return Err(self.wrong(
                ast,
                "Invalid condition",
                "The condition is null. It must be true or false.",
            ));
        }
        convert(&value, &Type::Bool).map_err(|error| {
            self.wrong(
                ast,
                "Invalid condition",
                format!("The condition must be true or false: {}.", error.message),
            )
        })
    }

    /// A limit that was passed, as a diagnostic at a node.
    fn within(&self, ast: &Ast, limit: Result<(), Passed>) -> Result<(), Diagnostic> {
        limit.map_err(|(summary, detail)| self.wrong(ast, summary, detail))
    }

    /// A diagnostic at a node.
    fn wrong(&self, ast: &Ast, summary: &str, detail: impl Into<String>) -> Diagnostic {
        self.wrong_at(bare(ast).span().or_else(|| ast.span()), summary, detail)
    }

    /// A diagnostic at a stretch of the text that the AST belongs to.
    fn wrong_at(&self, range: Option<Range<usize>>, summary: &str, detail: impl Into<String>) -> Diagnostic {
        let detail = shortened(detail.into());
        match self.unit {
            Unit::File { source, .. } => {
                Diagnostic::error(summary, detail).at(range.map(|range| Span { source: *source, range }))
            }
            Unit::Template { name, text, at } => {
                let before = range.and_then(|range| text.get(..range.start)).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                Diagnostic::error(summary, format!("In {name}, line {line}: {detail}")).at(at.clone())
            }
        }
    }

    /// Where a node stands in the sources: in a template, where it was called from.
    fn place(&self, ast: &Ast) -> Option<Span> {
        match self.unit {
            Unit::File { source, .. } => ast.span().map(|range| Span { source: *source, range }),
            Unit::Template { at, .. } => at.clone(),
        }
    }
}

/// Whether an expression makes a value, and does not only name one that is there.
fn is_made(ast: &Ast) -> bool {
    let is_splat = |step: &TraversalOperator| {
        matches!(step, TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_))
    };
    match ast {
        Ast::Null(_) | Ast::Bool(_) | Ast::Number(_) | Ast::Variable(_) | Ast::Parenthesis(_) => false,
        Ast::Traversal(traversal) => traversal.operators.iter().any(|step| is_splat(step)),
        _ => true,
    }
}

/// A sentence that shows values shows no more of them than one can read.
fn shortened(mut detail: String) -> String {
    const BYTES_MAX: usize = 4_000;
    if detail.len() > BYTES_MAX {
        detail.truncate(detail.floor_char_boundary(BYTES_MAX));
        detail.push('…');
    }
    detail
}

/// Whether a value is unknown in any way: to be known later, or only a fingerprint of what is sensitive.
fn is_unknown(value: &Value) -> bool {
    !value.is_known()
}

/// The type that an unknown value will have.
fn type_when_known(value: &Value) -> &Type {
    match value.kind() {
        Kind::Unknown(ty) => ty,
        _ => &Type::Any,
    }
}
