//! `for` expressions, and what loops iterate over.

use std::collections::BTreeMap;

use hcl_edit::expr::{Expression as Ast, ForExpr};

use super::{Evaluated, Evaluator, is_unknown, type_when_known};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::convert;
use crate::lang::convert::article;
use crate::lang::unify::type_of_value;
use crate::types::Type;
use crate::value::{Kind, Value};

/// What an object `for` has gathered so far.
#[derive(Default)]
struct Gathered {
    single: BTreeMap<String, Value>,
    groups: BTreeMap<String, Vec<Value>>,
    sensitive: bool,
}

impl Evaluator<'_> {
    pub(super) fn for_expression(&self, node: &ForExpr, diagnostics: &mut Diagnostics) -> Evaluated {
        let collection = self.value(&node.intro.collection_expr, diagnostics);
        let sensitive = collection.is_sensitive();
        if is_unknown(&collection) || is_open(&collection) {
            return Ok(self.for_unknown(node, &collection)?.marked(sensitive));
        }
        let result = match &node.key_expr {
            None => self.for_list(node, &collection, diagnostics),
            Some(key) => self.for_object(node, key, &collection, diagnostics),
        };
        Ok(result?.marked(sensitive))
    }

    fn for_list(&self, node: &ForExpr, collection: &Value, diagnostics: &mut Diagnostics) -> Evaluated {
        let mut elements = Vec::new();
        let mut sensitive = false;
        for (key, item) in self.items(&node.intro.collection_expr, collection)? {
            let outcome =
                self.with_item(named_key(node, &key), (node.intro.value_var.as_str(), item), |inner| {
                    match inner.kept(node, &mut sensitive, diagnostics)? {
                        Some(true) => Ok(Some(Some(inner.value(&node.value_expr, diagnostics)))),
                        Some(false) => Ok(Some(None)),
                        None => Ok(None),
                    }
                })?;
            match outcome {
                Some(element) => elements.extend(element),
                None => return Ok(Value::unknown(Type::Any.list()).marked(sensitive)),
            }
        }
        Ok(Value::list(elements).marked(sensitive))
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
        for (key, item) in self.items(&node.intro.collection_expr, collection)? {
            known &=
                self.with_item(named_key(node, &key), (node.intro.value_var.as_str(), item), |inner| {
                    inner.gather(node, key_ast, &mut gathered, diagnostics)
                })?;
        }
        let sensitive = gathered.sensitive;
        let groups = gathered.groups.into_iter().map(|(key, elements)| (key, Value::list(elements)));
        let object = match known {
            true => Value::object(gathered.single.into_iter().chain(groups)),
            false => Value::unknown(Type::Any),
        };
        Ok(object.marked(sensitive))
    }

    /// One round of an object `for`. False if the key or the condition is unknown.
    fn gather(
        &self,
        node: &ForExpr,
        key_ast: &Ast,
        gathered: &mut Gathered,
        diagnostics: &mut Diagnostics,
    ) -> Result<bool, Diagnostic> {
        match self.kept(node, &mut gathered.sensitive, diagnostics)? {
            Some(true) => {}
            Some(false) => return Ok(true),
            None => return Ok(false),
        }
        let key = self.value(key_ast, diagnostics);
        let key = self.key(key_ast, &key)?;
        let value = self.value(&node.value_expr, diagnostics);
        gathered.sensitive |= key.is_sensitive();
        let Some(text) = key.as_str() else { return Ok(false) };
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
        sensitive: &mut bool,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<bool>, Diagnostic> {
        let Some(condition) = &node.cond else { return Ok(Some(true)) };
        let truth = self.truth(&condition.expr, diagnostics)?;
        *sensitive |= truth.is_sensitive();
        Ok(truth.as_bool())
    }

    /// The type that a loop over something unknown will give, found by evaluating its body once with unknown names.
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
        let (key, item) = (Value::unknown(key), Value::unknown(item));
        let element =
            self.with_item(named_key(node, &key), (node.intro.value_var.as_str(), &item), |inner| {
                // What is wrong with one element can only be told of an element.
                let mut untold = Diagnostics::new();
                let body = inner.value(&node.value_expr, &mut untold);
                if untold.has_errors() { Type::Any } else { type_of_value(&body) }
            });
        let element = if node.grouping { element.list() } else { element };
        Ok(Value::unknown(if node.key_expr.is_some() { element.map() } else { element.list() }))
    }

    /// The keys and elements of what a loop goes over.
    pub(super) fn items<'v>(
        &self,
        ast: &Ast,
        collection: &'v Value,
    ) -> Result<Vec<(Value, &'v Value)>, Diagnostic> {
        Ok(match collection.kind() {
            Kind::List(elements) => {
                elements.iter().zip(0i64..).map(|(element, index)| (Value::number(index), element)).collect()
            }
            Kind::Set(elements) => elements.iter().map(|element| (element.clone(), element)).collect(),
            Kind::Map(entries) => by_name(entries),
            Kind::Object(object) => by_name(&object.fields),
            Kind::Null => {
                return Err(self.not_iterable(ast, "null"));
            }
            _ => return Err(self.not_iterable(ast, &article(collection.type_name()))),
        })
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

fn by_name(entries: &BTreeMap<String, Value>) -> Vec<(Value, &Value)> {
    entries.iter().map(|(name, value)| (Value::string(name.as_str()), value)).collect()
}

fn named_key<'a>(node: &'a ForExpr, key: &'a Value) -> Option<(&'a str, &'a Value)> {
    node.intro.key_var.as_ref().map(|name| (name.as_str(), key))
}
