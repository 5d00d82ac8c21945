//! `for` expressions, and what loops iterate over.

use std::collections::BTreeMap;

use hcl_edit::expr::{Expression as Ast, ForExpr};

use super::{Evaluated, Evaluator, is_unknown, type_when_known};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::convert;
use crate::lang::convert::article;
use crate::lang::limits::{self, Tally};
use crate::types::Type;
use crate::value::{Kind, Marks, Value};

/// What an object `for` has gathered so far.
#[derive(Default)]
struct Gathered {
    single: BTreeMap<String, Value>,
    groups: BTreeMap<String, Vec<Value>>,
    tally: Tally,
    marks: Marks,
}

impl Evaluator<'_> {
    pub(super) fn for_expression(&self, node: &ForExpr, diagnostics: &mut Diagnostics) -> Evaluated {
        let collection = self.value(&node.intro.collection_expr, diagnostics);
        let marks = collection.marks();
        if is_unknown(&collection) || is_open(&collection) {
            return Ok(self.for_unknown(node, &collection)?.marked(marks));
        }
        let result = match &node.key_expr {
            None => self.for_list(node, &collection, diagnostics),
            Some(key) => self.for_object(node, key, &collection, diagnostics),
        };
        Ok(result?.marked(marks))
    }

    fn for_list(&self, node: &ForExpr, collection: &Value, diagnostics: &mut Diagnostics) -> Evaluated {
        let (mut elements, mut tally) = (Vec::new(), Tally::default());
        let (mut known, mut marks) = (true, Marks::NONE);
        let found_before = diagnostics.len();
        for (key, item) in self.items(&node.intro.collection_expr, collection)? {
            self.check_round(&node.intro.collection_expr)?;
            self.round(node, &key, &item, |inner| {
                let kept = inner.kept(node, &mut marks, diagnostics)?;
                known &= kept.is_some();
                if kept != Some(false) {
                    let element = inner.value(&node.value_expr, diagnostics);
                    inner.within(&node.value_expr, tally.add(&element))?;
                    elements.push(element);
                }
                Ok(())
            })?;
            if diagnostics.len() > found_before + limits::PROBLEMS_MAX {
                return Ok(Value::unknown(Type::Any));
            }
        }
        if !known {
            marks |= Marks::of(&elements);
            return Ok(Value::unknown(Type::Any).marked(marks));
        }
        Ok(Value::list(elements).marked(marks))
    }

    fn for_object(
        &self,
        node: &ForExpr,
        key_ast: &Ast,
        collection: &Value,
        diagnostics: &mut Diagnostics,
    ) -> Evaluated {
        let mut gathered = Gathered::default();
        let mut known = true;
        let found_before = diagnostics.len();
        for (key, item) in self.items(&node.intro.collection_expr, collection)? {
            self.check_round(&node.intro.collection_expr)?;
            known &= self
                .round(node, &key, &item, |inner| inner.gather(node, key_ast, &mut gathered, diagnostics))?;
            if diagnostics.len() > found_before + limits::PROBLEMS_MAX {
                return Ok(Value::unknown(Type::Any));
            }
        }
        let groups = gathered.groups.into_iter().map(|(key, elements)| (key, Value::list(elements)));
        let object = Value::object(gathered.single.into_iter().chain(groups)).marked(gathered.marks);
        Ok(match known {
            true => object,
            false => Value::unknown(Type::Any).marked(object.all_marks()),
        })
    }

    /// Evaluates something with the names of a `for` bound.
    fn round<T>(
        &self,
        node: &ForExpr,
        key: &Value,
        item: &Value,
        evaluate: impl FnOnce(&Evaluator<'_>) -> T,
    ) -> T {
        let key = node.intro.key_var.as_ref().map(|name| (name.as_str(), key));
        self.with_item(key, (node.intro.value_var.as_str(), item), evaluate)
    }

    /// One round of an object `for`. False if the key or the condition is unknown.
    fn gather(
        &self,
        node: &ForExpr,
        key_ast: &Ast,
        gathered: &mut Gathered,
        diagnostics: &mut Diagnostics,
    ) -> Result<bool, Diagnostic> {
        let kept = self.kept(node, &mut gathered.marks, diagnostics)?;
        if kept == Some(false) {
            return Ok(true);
        }
        let key = self.value(key_ast, diagnostics);
        let key = self.key(key_ast, &key)?;
        let value = self.value(&node.value_expr, diagnostics);
        let tallied = gathered.tally.add(&key).and_then(|()| gathered.tally.add(&value));
        self.within(&node.value_expr, tallied)?;
        gathered.marks |= key.marks();
        let Some(text) = key.as_str().filter(|_| kept.is_some()) else {
            gathered.marks |= value.all_marks();
            return Ok(false);
        };
        if node.grouping {
            gathered.groups.entry(text.to_owned()).or_default().push(value);
        } else if gathered.single.insert(text.to_owned(), value).is_some() {
            let shown =
                if key.is_sensitive() { "one and the same key".into() } else { format!("the key {text:?}") };
            let detail = format!(
                "Two elements give {shown}. To gather all elements of a key in a list, write ... after the value."
            );
            return Err(self.wrong(key_ast, "Duplicate key", detail));
        }
        Ok(true)
    }

    /// Whether the `if` of a loop keeps an element; `None` when that is unknown.
    fn kept(
        &self,
        node: &ForExpr,
        marks: &mut Marks,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<bool>, Diagnostic> {
        let Some(condition) = &node.cond else { return Ok(Some(true)) };
        let truth = self.truth(&condition.expr, diagnostics)?;
        *marks |= truth.marks();
        Ok(truth.as_bool())
    }

    /// What a loop over something unknown gives: a tuple or an object of parts that nobody can count yet. Its body is evaluated once,
    /// with unknown names, for the marks.
    fn for_unknown(&self, node: &ForExpr, collection: &Value) -> Evaluated {
        let (key, item) = match type_when_known(collection) {
            Type::List(element) => (Type::Number, (**element).clone()),
            Type::Set(element) => ((**element).clone(), (**element).clone()),
            Type::Map(element) => (Type::String, (**element).clone()),
            Type::Object(_) => (Type::String, Type::Any),
            Type::Tuple(_) => (Type::Number, Type::Any),
            Type::Any => (Type::Any, Type::Any),
            ty => return Err(self.not_iterable(&node.intro.collection_expr, &article(ty.name()))),
        };
        // What is wrong with one element can only be told of an element.
        let body = self.round(node, &Value::unknown(key), &Value::unknown(item), |inner| {
            inner.value(&node.value_expr, &mut Diagnostics::new())
        });
        Ok(Value::unknown(Type::Any).marked(body.all_marks()))
    }

    /// The keys and elements of what a loop goes over. Those of something sensitive are sensitive as long as the loop lasts.
    pub(super) fn items(&self, ast: &Ast, collection: &Value) -> Result<Vec<(Value, Value)>, Diagnostic> {
        let items = match collection.kind() {
            Kind::List(elements) => elements
                .iter()
                .zip(0i64..)
                .map(|(element, index)| (Value::number(index), element.clone()))
                .collect(),
            Kind::Set(elements) => {
                elements.iter().map(|element| (element.clone(), element.clone())).collect()
            }
            Kind::Map(entries) => by_name(entries),
            Kind::Object(object) => by_name(&object.fields),
            Kind::Null => return Err(self.not_iterable(ast, "null")),
            _ => return Err(self.not_iterable(ast, &article(collection.type_name()))),
        };
        // Loops inside of loops multiply; this is where they end.
        self.within(ast, self.spent.rounds(items.len()))?;
        let marks = collection.marks();
        Ok(match marks.is_any() {
            true => items.into_iter().map(|(key, item)| (key.marked(marks), item.marked(marks))).collect(),
            false => items,
        })
    }

    /// To be called in each round, so that outer loops end as well.
    pub(super) fn check_round(&self, ast: &Ast) -> Result<(), Diagnostic> {
        self.within(ast, self.spent.check())
    }

    fn not_iterable(&self, ast: &Ast, found: &str) -> Diagnostic {
        let detail = format!("A loop goes over a list, set, map or object, but this is {found}.");
        self.wrong(ast, "Invalid loop", detail)
    }

    /// The text of a loop variable's element, for templates; unknown when the collection is.
    pub(super) fn as_text(&self, ast: &Ast, value: &Value) -> Evaluated {
        if value.is_null() {
            let detail =
                "The value is null, which has no text. Use coalesce or a conditional to give it one.";
            return Err(self.wrong(ast, "Invalid template value", detail));
        }
        convert(value, &Type::String).map_err(|error| {
            let detail = format!(
                "This cannot be put into a string: {}. jsonencode gives any value a text.",
                error.message
            );
            self.wrong(ast, "Invalid template value", detail)
        })
    }
}

/// Whether attributes may still come: then a loop does not know them all.
pub(super) fn is_open(value: &Value) -> bool {
    matches!(value.kind(), Kind::Object(object) if object.open)
}

fn by_name(entries: &BTreeMap<String, Value>) -> Vec<(Value, Value)> {
    entries.iter().map(|(name, value)| (Value::string(name.as_str()), value.clone())).collect()
}
