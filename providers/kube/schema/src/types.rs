//! The shapes of objects, compiled from OpenAPI and custom-resource schemas.
//!
//! Everything that reads or merges an object asks a [`TypeRef`] what lies at a place: which fields, which
//! list keys, whether a list or map is owned as a whole.

mod compile;
mod limits;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::rule::Validation;

pub use compile::Compiler;
pub use limits::Limits;

/// A place in a [`Types`] table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeId(pub usize);

/// A table of types that refer to each other; recursive types are cycles in it.
#[derive(Debug, Default)]
pub struct Types {
    /// The types, each at the place of its [`TypeId`].
    pub nodes: Vec<Node>,
}

/// One type and what its schema says about values of it.
#[derive(Clone, Debug)]
pub struct Node {
    /// What values look like.
    pub shape: Shape,
    /// The fields that have to be there.
    pub required: Vec<String>,
    /// Whether nothing is a value, too.
    pub nullable: bool,
    /// The key by which strategic merge patches match list items; `Some("")` merges scalars as a set.
    pub patch_key: Option<String>,
    /// Bounds, formats and allowed values.
    pub limits: Option<Box<Limits>>,
    /// Other schemas that values have to hold, or not to.
    pub combined: Option<Box<Combined>>,
    /// Expressions that have to be true of values.
    pub validations: Vec<Validation>,
    /// Whether values are objects with an apiVersion, kind and metadata of their own.
    pub is_resource: bool,
}

/// Other schemas that values have to hold, or not to.
#[derive(Clone, Debug, Default)]
pub struct Combined {
    /// All of these hold.
    pub all: Vec<TypeId>,
    /// At least one of these holds.
    pub any: Vec<TypeId>,
    /// Exactly one of these holds.
    pub one: Vec<TypeId>,
    /// This does not hold.
    pub none: Option<TypeId>,
}

/// What values of a type look like.
#[derive(Clone, Debug)]
pub enum Shape {
    /// No schema: the form follows from the value; lists are owned as a whole.
    Any,
    /// A leaf.
    Scalar(Scalar),
    /// A list.
    List {
        /// The type of its items.
        item: TypeId,
        /// What tells them apart.
        kind: ListKind,
    },
    /// An object or a map.
    Map(MapShape),
}

/// A leaf's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A truth.
    Boolean,
    /// `metav1.Time`: whole seconds.
    Time,
    /// `metav1.MicroTime`.
    MicroTime,
    /// `resource.Quantity`: has a canonical form.
    Quantity,
    /// A whole number or a text.
    IntOrString,
    /// Bytes in base64.
    Bytes,
}

/// `x-kubernetes-list-type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// Nothing: the list is one value.
    Atomic,
    /// Their value.
    Set,
    /// These of their fields.
    Map(Vec<String>),
}

/// A struct, a map, or both.
#[derive(Clone, Debug, Default)]
pub struct MapShape {
    /// The declared fields.
    pub fields: BTreeMap<String, Field>,
    /// The type of the values of undeclared keys, where these are allowed.
    pub extra: Option<TypeId>,
    /// Whether the schema says that it is a map, by the type of its values.
    pub declares_values: bool,
    /// `x-kubernetes-map-type: atomic`.
    pub atomic: bool,
    /// `x-kubernetes-preserve-unknown-fields`: undeclared fields survive.
    pub preserve: bool,
}

/// A declared field.
#[derive(Clone, Debug)]
pub struct Field {
    /// The type of its value.
    pub ty: TypeId,
    /// Its value where none is given.
    pub default: Option<Value>,
}

/// A type within its table.
#[derive(Clone, Copy, Debug)]
pub struct TypeRef<'t> {
    /// The table.
    pub types: &'t Types,
    /// The place in it.
    pub id: TypeId,
}

static ANY: Node = Node {
    shape: Shape::Any,
    required: Vec::new(),
    nullable: true,
    patch_key: None,
    limits: None,
    combined: None,
    validations: Vec::new(),
    is_resource: false,
};

impl Types {
    /// A type of the table.
    pub fn at(&self, id: TypeId) -> TypeRef<'_> {
        TypeRef { types: self, id }
    }
}

impl Shape {
    /// The name of the type in schemas.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Any | Self::Map(_) => "object",
            Self::List { .. } => "array",
            Self::Scalar(Scalar::Integer) => "integer",
            Self::Scalar(Scalar::Number) => "number",
            Self::Scalar(Scalar::Boolean) => "boolean",
            Self::Scalar(Scalar::IntOrString | Scalar::Quantity) => "integer,string",
            Self::Scalar(_) => "string",
        }
    }
}

impl<'t> TypeRef<'t> {
    /// The type's node; a place that is not in the table is of no known type.
    pub fn node(self) -> &'t Node {
        self.types.nodes.get(self.id.0).unwrap_or(&ANY)
    }

    /// What values look like.
    pub fn shape(self) -> &'t Shape {
        &self.node().shape
    }

    fn at(self, id: TypeId) -> Self {
        Self { types: self.types, id }
    }

    fn any(self) -> Self {
        self.at(TypeId(usize::MAX))
    }

    /// The declared field, if it is declared.
    pub fn field(self, name: &str) -> Option<&'t Field> {
        match self.shape() {
            Shape::Map(map) => map.fields.get(name),
            _ => None,
        }
    }

    /// The type of the value under a key: a declared field's, or the undeclared keys'; `None` where there may be none.
    pub fn value(self, name: &str) -> Option<Self> {
        match self.shape() {
            Shape::Any => Some(self.any()),
            Shape::Map(map) => match map.fields.get(name) {
                Some(field) => Some(self.at(field.ty)),
                None => map.extra.map(|id| self.at(id)).or_else(|| map.preserve.then(|| self.any())),
            },
            _ => None,
        }
    }

    /// As [`value`](Self::value), with no known type where there may be none.
    pub fn value_or_any(self, name: &str) -> Self {
        self.value(name).unwrap_or_else(|| self.any())
    }

    /// The type of a list's items.
    pub fn item(self) -> Self {
        match self.shape() {
            Shape::List { item, .. } => self.at(*item),
            _ => self.any(),
        }
    }
}
