//! The value of an expression.
//!
//! What is not known yet spreads: a result is unknown only if it could be one or another. `false && unknown` is false.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::function;
use super::operator;
use super::syntax::{Call, Comprehension, Entry, Kind, Node};
use super::value::{Key, Value};

/// How many nodes one evaluation may visit. It stands for the limit of the API server, which counts in its own unit.
const STEPS_MAX: u64 = 1_000_000;

/// Why there is no value, in the API server's words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure(pub(super) String);

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The values are not of types that the function or operator takes.
    pub(super) fn no_overload() -> Self {
        Self::new("no such overload")
    }
}

/// A value, or why there is none.
pub(super) type Outcome = Result<Value, Failure>;

/// What names stand for; later ones hide earlier ones.
pub(super) struct Evaluation<'n> {
    names: Vec<(&'n str, Outcome)>,
    steps: u64,
}

impl<'n> Evaluation<'n> {
    pub(super) fn new(names: impl IntoIterator<Item = (&'n str, Value)>) -> Self {
        Self { names: names.into_iter().map(|(name, value)| (name, Ok(value))).collect(), steps: 0 }
    }

    pub(super) fn value(&mut self, node: &'n Node) -> Outcome {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(Failure::new("operation cancelled: actual cost limit exceeded"));
        }
        match &node.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Name(name) => self.named(name),
            Kind::Select { of, field, is_test } => {
                let of = self.value(of)?;
                if *is_test { operator::has(&of, field) } else { operator::select(&of, field) }
            }
            Kind::Call(call) => self.call(call),
            Kind::List(elements) => self.list(elements),
            Kind::Map(entries) => self.map(entries),
            Kind::Comprehension(fold) => self.fold(fold),
            Kind::OptionalMap { of, name, then, is_flat } => match self.value(of)? {
                Value::Unknown => Ok(Value::Unknown),
                Value::Optional(None) => Ok(Value::Optional(None)),
                Value::Optional(Some(given)) => {
                    self.names.push((name, Ok(Value::clone(&given))));
                    let result = self.value(then);
                    self.names.pop();
                    Ok(if *is_flat { result? } else { Value::Optional(Some(Arc::new(result?))) })
                }
                _ => Err(Failure::no_overload()),
            },
        }
    }

    fn named(&self, name: &str) -> Outcome {
        let found = self.names.iter().rev().find(|(own, _)| *own == name);
        match found {
            Some((_, value)) => value.clone(),
            None if super::signature::is_type(name) => Ok(Value::Type(Arc::from(name))),
            None => Err(Failure::new(format!("no such attribute(s): {name}"))),
        }
    }

    fn list(&mut self, elements: &'n [(Node, bool)]) -> Outcome {
        let mut items = Vec::with_capacity(elements.len());
        for (element, is_optional) in elements {
            match (self.value(element)?, is_optional) {
                (Value::Optional(given), true) => items.extend(given.map(|given| Value::clone(&given))),
                (value, _) => items.push(value),
            }
        }
        Ok(Value::list(items))
    }

    fn map(&mut self, entries: &'n [Entry]) -> Outcome {
        let mut map = BTreeMap::new();
        for entry in entries {
            let key = self.value(&entry.key)?;
            let value = match (self.value(&entry.value)?, entry.is_optional) {
                (Value::Optional(None), true) => continue,
                (Value::Optional(Some(value)), true) => Value::clone(&value),
                (value, _) => value,
            };
            if matches!(key, Value::Unknown) {
                return Ok(Value::Unknown);
            }
            let key = Key::of(&key).ok_or_else(|| Failure::new("unsupported key type"))?;
            if map.insert(key, value).is_some() {
                return Err(Failure::new("Failed with repeated key"));
            }
        }
        Ok(Value::Map(Arc::new(map)))
    }

    fn call(&mut self, call: &'n Call) -> Outcome {
        match (call.name.as_str(), call.arguments.as_slice()) {
            ("_&&_", [left, right]) => self.decided(left, right, false),
            ("_||_", [left, right]) => self.decided(left, right, true),
            ("_?_:_", [condition, then, other]) => match self.value(condition)? {
                Value::Bool(true) => self.value(then),
                Value::Bool(false) => self.value(other),
                Value::Unknown => Ok(Value::Unknown),
                _ => Err(Failure::no_overload()),
            },
            // It goes on while it could still be true.
            ("@not_strictly_false", [condition]) => {
                Ok(Value::Bool(!matches!(self.value(condition), Ok(Value::Bool(false)))))
            }
            ("or" | "orValue", [first, other]) if call.is_member => {
                match (self.value(first)?, call.name.as_str()) {
                    (Value::Optional(None), _) => self.value(other),
                    (given @ Value::Optional(_), "or") => Ok(given),
                    (Value::Optional(Some(given)), _) => Ok(Value::clone(&given)),
                    (Value::Unknown, _) => Ok(Value::Unknown),
                    _ => Err(Failure::no_overload()),
                }
            }
            (name, arguments) => {
                let values = arguments.iter().map(|argument| self.value(argument));
                let values = values.collect::<Result<Vec<_>, _>>()?;
                function::call(name, call.is_member, &values)
            }
        }
    }

    /// `&&` and `||`: one side can decide alone, whatever becomes of the other.
    fn decided(&mut self, left: &'n Node, right: &'n Node, deciding: bool) -> Outcome {
        let first = self.value(left);
        if matches!(first, Ok(Value::Bool(given)) if given == deciding) {
            return first;
        }
        match (first, self.value(right)) {
            (_, Ok(Value::Bool(given))) if given == deciding => Ok(Value::Bool(deciding)),
            (Ok(Value::Unknown), Ok(Value::Bool(_) | Value::Unknown) | Err(_)) | (_, Ok(Value::Unknown)) => {
                Ok(Value::Unknown)
            }
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
            (Ok(Value::Bool(_)), Ok(Value::Bool(_))) => Ok(Value::Bool(!deciding)),
            _ => Err(Failure::no_overload()),
        }
    }

    /// The result so far is a name within the step, and may be a failure: a later element can make it good, as a later operand of `||`
    /// can.
    fn fold(&mut self, fold: &'n Comprehension) -> Outcome {
        let range = self.value(&fold.range)?;
        if matches!(range, Value::Unknown) {
            return Ok(Value::Unknown);
        }
        let depth = self.names.len();
        let start = self.value(&fold.start);
        self.names.push((&fold.result, start));
        for (first, second) in pairs(&range, fold.second.is_some())? {
            if matches!(self.value(&fold.condition), Ok(Value::Bool(false))) {
                break;
            }
            self.names.push((&fold.name, Ok(first)));
            if let Some(name) = &fold.second {
                self.names.push((name, Ok(second)));
            }
            let result = self.value(&fold.step);
            self.names.truncate(depth);
            self.names.push((&fold.result, result));
        }
        let end = self.value(&fold.end);
        self.names.truncate(depth);
        end
    }
}

/// What a fold goes over: the elements of a list or the keys of a map; with two names, places or keys with their values.
fn pairs(range: &Value, has_two_names: bool) -> Result<Vec<(Value, Value)>, Failure> {
    match range {
        Value::List(list) if has_two_names => {
            let numbered = list.items.iter().enumerate();
            Ok(numbered.map(|(index, item)| (operator::count(index), item.clone())).collect())
        }
        Value::List(list) => Ok(list.items.iter().map(|item| (item.clone(), Value::Null)).collect()),
        Value::Map(entries) => {
            Ok(entries.iter().map(|(key, value)| (key.to_value(), value.clone())).collect())
        }
        _ => Err(Failure::no_overload()),
    }
}
