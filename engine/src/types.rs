//! Type constraints, as `variable` blocks and schemas state them.

use std::collections::BTreeMap;
use std::fmt;

/// What a value may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Anything.
    Any,
    /// `true` or `false`.
    Bool,
    /// An exact decimal.
    Number,
    /// Text.
    String,
    /// Elements of one type in order.
    List(Box<Type>),
    /// Distinct elements of one type.
    Set(Box<Type>),
    /// Values of one type by key.
    Map(Box<Type>),
    /// Elements in order, each of its own type.
    Tuple(Vec<Type>),
    /// Named attributes.
    Object(BTreeMap<String, Field>),
}

/// An attribute of an object type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its type.
    pub ty: Type,
    /// Whether it may be missing, and is null then.
    pub optional: bool,
}

impl Type {
    /// A word for it, as used in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Any => "value",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::String => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Map(_) => "map",
            Self::Tuple(_) => "tuple",
            Self::Object(_) => "object",
        }
    }

    /// Whether it is open in any part.
    pub fn has_any(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_any(),
            Self::Tuple(elements) => elements.iter().any(Self::has_any),
            Self::Object(fields) => fields.values().any(|field| field.ty.has_any()),
        }
    }

    /// What the values of this type have: an attribute that may be left out is there nevertheless, and is null.
    #[must_use]
    pub fn settled(&self) -> Self {
        match self {
            Self::List(element) => element.settled().list(),
            Self::Set(element) => Self::Set(Box::new(element.settled())),
            Self::Map(element) => element.settled().map(),
            Self::Tuple(elements) => Self::Tuple(elements.iter().map(Self::settled).collect()),
            Self::Object(fields) => {
                let settled = |field: &Field| Field { ty: field.ty.settled(), optional: false };
                Self::Object(fields.iter().map(|(name, field)| (name.clone(), settled(field))).collect())
            }
            other => other.clone(),
        }
    }

    /// A list of this type.
    pub fn list(self) -> Self {
        Self::List(Box::new(self))
    }

    /// A map of this type.
    pub fn map(self) -> Self {
        Self::Map(Box::new(self))
    }
}

/// As one would write it in a `type` argument.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool | Self::Number | Self::String => f.write_str(self.name()),
            Self::List(element) | Self::Set(element) | Self::Map(element) => {
                write!(f, "{}({element})", self.name())
            }
            Self::Tuple(elements) => {
                let elements: Vec<_> = elements.iter().map(ToString::to_string).collect();
                write!(f, "tuple([{}])", elements.join(", "))
            }
            Self::Object(fields) => {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|(name, field)| match field.optional {
                        true => format!("{name} = optional({})", field.ty),
                        false => format!("{name} = {}", field.ty),
                    })
                    .collect();
                write!(f, "object({{{}}})", fields.join(", "))
            }
        }
    }
}
