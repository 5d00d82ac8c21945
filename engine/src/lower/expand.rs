//! `count` and `for_each` → the instances of a block.

use crate::address::Key;
use crate::config::Repetition;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ephemeral;
use crate::lang::{Expression, Scope, convert, evaluate};
use crate::types::Type;
use crate::value::{Kind, Marks, Value};

/// One repetition of a block: its key, and what `each` or `count` stand for in it.
#[derive(Clone, Debug)]
pub(crate) struct Each {
    pub(crate) key: Option<Key>,
    name: Name,
}

/// What is named in a repetition, besides by its key. The values are made when they are needed: there may be many repetitions.
#[derive(Clone, Debug)]
enum Name {
    Nothing,
    Count,
    /// With the value that belongs to the key.
    Each(Value),
}

/// All repetitions of a block.
pub(crate) enum Expansion {
    /// These.
    Instances(Vec<Each>),
    /// It cannot be told yet, for this reason.
    Deferred(String),
    /// It is wrong; said already.
    Invalid,
}

impl Each {
    /// Of a block that is not repeated.
    pub(crate) fn only() -> Self {
        Self { key: None, name: Name::Nothing }
    }

    fn counted(index: u64) -> Self {
        Self { key: Some(Key::Index(index)), name: Name::Count }
    }

    fn named(key: &str, value: Value) -> Self {
        Self { key: Some(Key::Name(key.to_owned())), name: Name::Each(value) }
    }

    /// Stands for any repetition of a block, however many there will be.
    pub(crate) fn unknown(repetition: &Repetition) -> Self {
        let name = match repetition {
            Repetition::None => Name::Nothing,
            Repetition::Count(_) => Name::Count,
            Repetition::ForEach(_) => Name::Each(Value::unknown(Type::Any)),
        };
        Self { key: None, name }
    }

    /// What its value is marked as.
    pub(crate) fn marks(&self) -> Marks {
        match &self.name {
            Name::Nothing | Name::Count => Marks::NONE,
            Name::Each(value) => value.all_marks(),
        }
    }

    /// Gives `each` or `count` their values.
    pub(crate) fn bind(&self, scope: &mut Scope<'_>) {
        let key = |ty| match &self.key {
            Some(Key::Index(index)) => Value::number(i64::try_from(*index).unwrap_or(i64::MAX)),
            Some(Key::Name(name)) => Value::string(name.as_str()),
            None => Value::unknown(ty),
        };
        match &self.name {
            Name::Nothing => {}
            Name::Count => scope.set("count", object([("index", key(Type::Number))])),
            Name::Each(value) => {
                scope.set("each", object([("key", key(Type::String)), ("value", value.clone())]));
            }
        }
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::object(fields.map(|(name, value)| (name.to_owned(), value)))
}

/// The most instances that one block may have: more is surely a mistake in an expression.
const INSTANCES_MAX: u64 = 1_000_000;

pub(crate) fn expand(repetition: &Repetition, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Expansion {
    match repetition {
        Repetition::None => Expansion::Instances(vec![Each::only()]),
        Repetition::Count(expression) => count(expression, scope, diagnostics),
        Repetition::ForEach(expression) => for_each(expression, scope, diagnostics),
    }
}

/// That the instances would depend on what is ephemeral.
fn refused(value: &Value, argument: &str, expression: &Expression) -> Option<Diagnostic> {
    let why = "Instances are recorded. ephemeralasnull(…) leaves out what is ephemeral.";
    ephemeral::refused(value, &format!("The value of `{argument}`"), why, expression.span())
}

fn count(expression: &Expression, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Expansion {
    let mut problems = Diagnostics::new();
    let value = evaluate(expression, scope, &mut problems);
    if problems.has_errors() {
        diagnostics.extend(problems);
        return Expansion::Invalid;
    }
    if let Some(problem) = refused(&value, "count", expression) {
        diagnostics.push(problem);
        return Expansion::Invalid;
    }
    if !value.is_known() {
        return Expansion::Deferred("its `count` is known only after apply".to_owned());
    }
    let number = convert(&value, &Type::Number).ok().and_then(|number| {
        number.as_number().and_then(|number| number.normalized().to_plain_string().parse::<u64>().ok())
    });
    match number.filter(|number| *number <= INSTANCES_MAX) {
        Some(number) => Expansion::Instances((0..number).map(Each::counted).collect()),
        None => {
            let detail = format!("`count` must be a whole number from 0 to {INSTANCES_MAX}.");
            diagnostics.push(Diagnostic::error("Invalid count", detail).at(expression.span()));
            Expansion::Invalid
        }
    }
}

fn for_each(expression: &Expression, scope: &Scope<'_>, diagnostics: &mut Diagnostics) -> Expansion {
    let mut problems = Diagnostics::new();
    let value = evaluate(expression, scope, &mut problems);
    if problems.has_errors() {
        diagnostics.extend(problems);
        return Expansion::Invalid;
    }
    if let Some(problem) = refused(&value, "for_each", expression) {
        diagnostics.push(problem);
        return Expansion::Invalid;
    }
    let mut invalid = |detail: &str| {
        diagnostics.push(Diagnostic::error("Invalid for_each", detail).at(expression.span()));
        Expansion::Invalid
    };
    if value.is_sensitive() {
        return invalid(
            "Its keys would show in addresses, and they are sensitive. Use only what is not, such as keys(…) of it with nonsensitive(…).",
        );
    }
    match value.kind() {
        Kind::Unknown(_) | Kind::Fingerprint(_) => {
            Expansion::Deferred("its `for_each` is known only after apply".to_owned())
        }
        Kind::Object(object) if object.open => {
            Expansion::Deferred("the keys of its `for_each` are known only after apply".to_owned())
        }
        Kind::Map(_) | Kind::Object(_) => {
            let entries = value.as_map().into_iter().flatten();
            Expansion::Instances(entries.map(|(key, value)| Each::named(key, value.clone())).collect())
        }
        Kind::Set(elements) => match elements.iter().map(set_key).collect::<Option<Vec<_>>>() {
            Some(instances) => Expansion::Instances(instances),
            None if elements.iter().any(|element| !element.is_known()) => {
                Expansion::Deferred("an element of its `for_each` is known only after apply".to_owned())
            }
            None => invalid("A set given to `for_each` must hold strings only, none of them sensitive."),
        },
        Kind::List(_) => invalid("It must be a map or a set of strings. A list becomes a set by toset(…)."),
        _ => invalid("It must be a map or a set of strings."),
    }
}

fn set_key(element: &Value) -> Option<Each> {
    let text = element.as_str().filter(|_| !element.is_sensitive())?;
    Some(Each::named(text, element.clone()))
}
