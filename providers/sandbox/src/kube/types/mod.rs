//! The shapes of objects, compiled from OpenAPI and custom-resource schemas.
//!
//! Everything that reads or merges an object asks a [`TypeRef`] what lies at a place: which fields, which
//! list keys, whether a list or map is owned as a whole.

mod compile;
mod rules;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use compile::Compiler;
pub(crate) use rules::Rules;

/// A place in a [`Types`] table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeId(pub(crate) usize);

/// A table of types that refer to each other; recursive types are cycles in it.
#[derive(Debug, Default)]
pub(crate) struct Types {
    pub(crate) nodes: Vec<Node>,
}

/// One type and what its schema says about values of it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) shape: Shape,
    pub(crate) required: Vec<String>,
    pub(crate) nullable: bool,
    /// The key by which strategic merge patches match list items; `Some("")` merges scalars as a set.
    pub(crate) patch_key: Option<String>,
    pub(crate) rules: Option<Box<Rules>>,
    pub(crate) combined: Option<Box<Combined>>,
}

/// Other schemas that values have to hold, or not to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Combined {
    pub(crate) all: Vec<TypeId>,
    pub(crate) any: Vec<TypeId>,
    pub(crate) one: Vec<TypeId>,
    pub(crate) none: Option<TypeId>,
}

/// What values of a type look like.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// No schema: the form follows from the value; lists are owned as a whole.
    Any,
    Scalar(Scalar),
    List {
        item: TypeId,
        kind: ListKind,
    },
    Map(MapShape),
}

/// A leaf's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    String,
    Integer,
    Number,
    Boolean,
    /// `metav1.Time`: whole seconds.
    Time,
    /// `metav1.MicroTime`.
    MicroTime,
    /// `resource.Quantity`: has a canonical form.
    Quantity,
    IntOrString,
    Bytes,
}

/// `x-kubernetes-list-type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    Atomic,
    Set,
    Map(Vec<String>),
}

/// A struct, a map, or both.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapShape {
    pub(crate) fields: BTreeMap<String, Field>,
    /// The type of the values of undeclared keys, where these are allowed.
    pub(crate) extra: Option<TypeId>,
    /// Whether the schema says that it is a map, by the type of its values.
    pub(crate) declares_values: bool,
    /// `x-kubernetes-map-type: atomic`.
    pub(crate) atomic: bool,
    /// `x-kubernetes-preserve-unknown-fields`: undeclared fields survive.
    pub(crate) preserve: bool,
}

/// A declared field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) ty: TypeId,
    pub(crate) default: Option<Value>,
}

/// A type within its table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypeRef<'t> {
    pub(crate) types: &'t Types,
    pub(crate) id: TypeId,
}

static ANY: Node = Node {
    shape: Shape::Any,
    required: Vec::new(),
    nullable: true,
    patch_key: None,
    rules: None,
    combined: None,
};

impl<'t> TypeRef<'t> {
    /// The type's node; a place that is not in the table is of no known type.
    pub(crate) fn node(self) -> &'t Node {
        self.types.nodes.get(self.id.0).unwrap_or(&ANY)
    }

    pub(crate) fn shape(self) -> &'t Shape {
        &self.node().shape
    }

    fn at(self, id: TypeId) -> Self {
        Self { types: self.types, id }
    }

    fn any(self) -> Self {
        self.at(TypeId(usize::MAX))
    }

    /// The declared field, if it is declared.
    pub(crate) fn field(self, name: &str) -> Option<&'t Field> {
        match self.shape() {
            Shape::Map(map) => map.fields.get(name),
            _ => None,
        }
    }

    /// The type of the value under a key: a declared field's, or the undeclared keys'; `None` where there may be none.
    pub(crate) fn value(self, name: &str) -> Option<Self> {
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
    pub(crate) fn value_or_any(self, name: &str) -> Self {
        self.value(name).unwrap_or_else(|| self.any())
    }

    /// The type of a list's items.
    pub(crate) fn item(self) -> Self {
        match self.shape() {
            Shape::List { item, .. } => self.at(*item),
            _ => self.any(),
        }
    }
}
