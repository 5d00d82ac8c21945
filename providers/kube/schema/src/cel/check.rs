//! Whether an expression can have a value at all: names, fields and types, before there are any values.

use super::Error;
use super::kind::{Bindings, Object, Type};
use super::signature::{self, Signature};
use super::syntax::{Call, Comprehension, Kind, Node, located};

/// What the names of an expression stand for.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    names: Vec<(String, Type)>,
    is_open: bool,
}

impl Scope {
    /// These names and no others.
    pub fn new(names: impl IntoIterator<Item = (String, Type)>) -> Self {
        Self { names: names.into_iter().collect(), is_open: false }
    }

    /// Whatever names there will be, of whatever types.
    pub fn open() -> Self {
        Self { names: Vec::new(), is_open: true }
    }
}

/// The type of an expression.
///
/// # Errors
///
/// All that is wrong with it, with the places, in the API server's words.
pub(super) fn check(text: &str, root: &Node, scope: &Scope) -> Result<Type, Error> {
    let mut checker =
        Checker { text, names: scope.names.clone(), is_open: scope.is_open, mistakes: Vec::new() };
    let found = checker.node(root);
    if checker.mistakes.is_empty() {
        return Ok(found);
    }
    checker.mistakes.sort_by_key(|(at, _)| *at);
    let each: Vec<String> = checker.mistakes.into_iter().map(|(_, message)| message).collect();
    Err(Error::Type { message: each.join("\n") })
}

struct Checker<'t> {
    text: &'t str,
    names: Vec<(String, Type)>,
    is_open: bool,
    mistakes: Vec<(usize, String)>,
}

impl Checker<'_> {
    /// Notes a mistake; what it leads to is not told as well.
    fn mistake(&mut self, at: usize, message: &str) -> Type {
        self.mistakes.push((at, located(self.text, at, message)));
        Type::Dyn
    }

    fn node(&mut self, node: &Node) -> Type {
        match &node.kind {
            Kind::Literal(value) => literal(value.type_name()),
            Kind::Name(name) => self.named(node.at, name),
            Kind::Select { of, field, is_test } => {
                let of = self.node(of);
                let found = self.field(node.at, &of, field);
                if *is_test { Type::Bool } else { found }
            }
            Kind::Call(call) => self.call(node.at, call),
            Kind::List(elements) => {
                let given = elements.iter().map(|(element, is_optional)| {
                    let found = self.node(element);
                    (element.at, if *is_optional { inside(&found) } else { found })
                });
                let given: Vec<_> = given.collect();
                Type::list(self.joined(given))
            }
            Kind::Map(entries) => {
                let keys: Vec<_> =
                    entries.iter().map(|entry| (entry.key.at, self.node(&entry.key))).collect();
                let values = entries.iter().map(|entry| {
                    let found = self.node(&entry.value);
                    (entry.value.at, if entry.is_optional { inside(&found) } else { found })
                });
                let values: Vec<_> = values.collect();
                Type::Map(self.joined(keys).into(), self.joined(values).into())
            }
            Kind::Comprehension(fold) => self.fold(fold),
            Kind::OptionalMap { of, name, then, is_flat } => {
                let given = self.node(of);
                if !matches!(given, Type::Optional(_)) && !given.is_any() {
                    let name = if *is_flat { "optFlatMap" } else { "optMap" };
                    return self
                        .mistake(node.at, &format!("undeclared reference to '{name}' (in container '')"));
                }
                self.names.push((name.clone(), inside(&given)));
                let found = self.node(then);
                self.names.pop();
                if *is_flat { found } else { Type::optional(found) }
            }
        }
    }

    fn named(&mut self, at: usize, name: &str) -> Type {
        if let Some((_, found)) = self.names.iter().rev().find(|(own, _)| own == name) {
            return found.clone();
        }
        if signature::is_type(name) {
            return Type::Type;
        }
        if self.is_open {
            return Type::Dyn;
        }
        self.mistake(at, &format!("undeclared reference to '{name}' (in container '')"))
    }

    fn field(&mut self, at: usize, of: &Type, name: &str) -> Type {
        match of {
            Type::Dyn | Type::Open => Type::Dyn,
            Type::Map(_, value) => Type::clone(value),
            Type::Object(object) => self.field_of(at, object, name),
            Type::Optional(inner) => Type::optional(self.field(at, inner, name)),
            other => {
                let message = format!("type '{other}' does not support field selection");
                self.mistake(at, &message)
            }
        }
    }

    fn field_of(&mut self, at: usize, object: &Object, name: &str) -> Type {
        match object.fields.get(name) {
            Some(found) => found.clone(),
            None => self.mistake(at, &format!("undefined field '{name}'")),
        }
    }

    /// The type of all of these, which are of one type.
    fn joined(&mut self, given: Vec<(usize, Type)>) -> Type {
        let mut bindings = Bindings::default();
        let wanted = Type::Parameter('A');
        let mut last: Option<Type> = None;
        for (at, given) in given {
            if !bindings.accepts(&wanted, &given) {
                let expected = bindings.applied(&wanted);
                return self.mistake(at, &format!("expected type '{expected}' but found '{given}'"));
            }
            last = Some(given);
        }
        if last.is_some() { bindings.applied(&wanted) } else { Type::Open }
    }

    fn call(&mut self, at: usize, call: &Call) -> Type {
        if let ("_?._", [of, field]) = (call.name.as_str(), call.arguments.as_slice()) {
            let of = self.node(of);
            let Kind::Literal(field) = &field.kind else { return Type::Dyn };
            let field = field.as_text().unwrap_or_default();
            return match self.field(at, &of, &field) {
                optional @ Type::Optional(_) => optional,
                found => Type::optional(found),
            };
        }
        let ways = signature::of(&call.name);
        if ways.is_empty() {
            return self.mistake(at, &format!("undeclared reference to '{}' (in container '')", call.name));
        }
        let arguments: Vec<Type> =
            call.arguments.iter().map(|argument| self.argument(&call.name, argument)).collect();
        let mut results = ways
            .iter()
            .filter(|way| way.is_member == call.is_member)
            .filter_map(|way| result(way, &arguments));
        match (results.next(), results.next()) {
            (Some(only), None) => only,
            (Some(first), Some(second)) if first == second && results.all(|other| other == first) => first,
            (Some(_), Some(_)) => Type::Dyn,
            (None, _) => {
                let shown = applied(call.is_member, &arguments);
                let message = format!("found no matching overload for '{}' applied to '{shown}'", call.name);
                self.mistake(at, &message)
            }
        }
    }

    /// What is put into a text may be of any types.
    fn argument(&mut self, of: &str, node: &Node) -> Type {
        match &node.kind {
            Kind::List(elements) if of == "format" => {
                for (element, _) in elements {
                    self.node(element);
                }
                Type::list(Type::Dyn)
            }
            _ => self.node(node),
        }
    }

    fn fold(&mut self, fold: &Comprehension) -> Type {
        let range = self.node(&fold.range);
        let (first, second) = match (&range, fold.second.is_some()) {
            (Type::List(item), false) => (Type::clone(item), Type::Dyn),
            (Type::List(item), true) => (Type::Int, Type::clone(item)),
            (Type::Map(key, value), _) => (Type::clone(key), Type::clone(value)),
            (other, _) if other.is_any() => (Type::Dyn, Type::Dyn),
            (other, _) => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.mistake(fold.range.at, &message);
                (Type::Dyn, Type::Dyn)
            }
        };
        let depth = self.names.len();
        let start = self.node(&fold.start);
        self.names.push((fold.result.clone(), start));
        self.names.push((fold.name.clone(), first));
        self.names.extend(fold.second.iter().map(|name| (name.clone(), second.clone())));
        self.node(&fold.condition);
        let step = self.node(&fold.step);
        self.names.truncate(depth);
        // The result begins as an empty list, whose elements are told by the step alone.
        self.names.push((fold.result.clone(), step));
        let end = self.node(&fold.end);
        self.names.truncate(depth);
        end
    }
}

fn result(way: &Signature, arguments: &[Type]) -> Option<Type> {
    let mut bindings = Bindings::default();
    let fits = way.arguments.len() == arguments.len()
        && way.arguments.iter().zip(arguments).all(|(wanted, given)| bindings.accepts(wanted, given));
    fits.then(|| bindings.applied(&way.result))
}

fn applied(is_member: bool, arguments: &[Type]) -> String {
    let listed = |types: &[Type]| types.iter().map(Type::to_string).collect::<Vec<_>>().join(", ");
    match arguments {
        [receiver, rest @ ..] if is_member => format!("{receiver}.({})", listed(rest)),
        all => format!("({})", listed(all)),
    }
}

fn inside(optional: &Type) -> Type {
    match optional {
        Type::Optional(inner) => Type::clone(inner),
        _ => Type::Dyn,
    }
}

fn literal(name: &str) -> Type {
    match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::Text,
        "bytes" => Type::Bytes,
        _ => Type::Null,
    }
}
