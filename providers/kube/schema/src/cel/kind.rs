//! What is known of a value before there is one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The type of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Anything: found out when it is evaluated.
    Dyn,
    /// The element of an empty list: whatever is wanted of it.
    Open,
    /// Nothing.
    Null,
    /// A truth.
    Bool,
    /// A whole number.
    Int,
    /// A whole number that is not negative.
    Uint,
    /// A number.
    Double,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
    /// A time.
    Timestamp,
    /// A span of time.
    Duration,
    /// A type.
    Type,
    /// A list of these.
    List(Arc<Type>),
    /// A map from these to those.
    Map(Arc<Type>, Arc<Type>),
    /// What may be absent.
    Optional(Arc<Type>),
    /// An object with declared fields.
    Object(Arc<Object>),
    /// A type that only functions know.
    Named(&'static str),
    /// What a signature leaves open.
    Parameter(char),
}

/// The fields of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// What it is called in messages.
    pub name: String,
    /// The fields, by the name that expressions have for them.
    pub fields: BTreeMap<String, Type>,
}

impl Type {
    /// A list of these.
    pub fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    /// A map from texts.
    pub fn map(to: Self) -> Self {
        Self::Map(Arc::new(Self::Text), Arc::new(to))
    }

    /// What may be absent.
    pub fn optional(of: Self) -> Self {
        Self::Optional(Arc::new(of))
    }

    pub(super) fn is_any(&self) -> bool {
        matches!(self, Self::Dyn | Self::Open)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn | Self::Open => out.write_str("dyn"),
            Self::Null => out.write_str("null"),
            Self::Bool => out.write_str("bool"),
            Self::Int => out.write_str("int"),
            Self::Uint => out.write_str("uint"),
            Self::Double => out.write_str("double"),
            Self::Text => out.write_str("string"),
            Self::Bytes => out.write_str("bytes"),
            Self::Timestamp => out.write_str("timestamp"),
            Self::Duration => out.write_str("duration"),
            Self::Type => out.write_str("type"),
            Self::List(of) => write!(out, "list({of})"),
            Self::Map(from, to) => write!(out, "map({from}, {to})"),
            Self::Optional(of) => write!(out, "optional_type({of})"),
            Self::Object(object) => out.write_str(&object.name),
            Self::Named(name) => out.write_str(name),
            Self::Parameter(letter) => write!(out, "{letter}"),
        }
    }
}

/// What the parameters of a signature turn out to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Bindings(BTreeMap<char, Type>);

impl Bindings {
    /// Whether a value of `given` can stand where `wanted` is; binds the parameters of `wanted`.
    pub(super) fn accepts(&mut self, wanted: &Type, given: &Type) -> bool {
        match (wanted, given) {
            (Type::Parameter(letter), given) => match self.0.get(letter).cloned() {
                None | Some(Type::Open) => {
                    self.0.insert(*letter, given.clone());
                    true
                }
                Some(bound) => self.joined(*letter, &bound, given),
            },
            (wanted, given) if wanted.is_any() || given.is_any() => true,
            (Type::List(wanted), Type::List(given)) | (Type::Optional(wanted), Type::Optional(given)) => {
                self.accepts(wanted, given)
            }
            (Type::Map(wanted_key, wanted), Type::Map(key, given)) => {
                self.accepts(wanted_key, key) && self.accepts(wanted, given)
            }
            (
                Type::Object(_) | Type::Timestamp | Type::Duration | Type::Named(_) | Type::Optional(_),
                Type::Null,
            ) => true,
            (wanted, given) => wanted == given,
        }
    }

    fn joined(&mut self, letter: char, bound: &Type, given: &Type) -> bool {
        if given.is_any() {
            return true;
        }
        let is_open = matches!(bound, Type::List(of) if **of == Type::Open);
        if bound.is_any() || is_open && matches!(given, Type::List(_)) {
            self.0.insert(letter, given.clone());
            return true;
        }
        let accepted = self.accepts(bound, given);
        if !accepted && self.accepts(given, bound) {
            self.0.insert(letter, given.clone());
            return true;
        }
        accepted
    }

    /// The type with its parameters replaced.
    pub(super) fn applied(&self, of: &Type) -> Type {
        match of {
            Type::Parameter(letter) => self.0.get(letter).cloned().unwrap_or(Type::Dyn),
            Type::List(of) => Type::list(self.applied(of)),
            Type::Optional(of) => Type::optional(self.applied(of)),
            Type::Map(from, to) => Type::Map(Arc::new(self.applied(from)), Arc::new(self.applied(to))),
            other => other.clone(),
        }
    }
}
