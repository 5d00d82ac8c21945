//! Types: `"string"`, `{"list": "string"}`, `{"object": {"name": {"type": "string", "optional": true}}}`.

use std::collections::BTreeMap;

use meshform_engine::types::{Field, Type};
use serde::{Deserialize, Serialize};

/// A type's image.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TypeBody {
    Any,
    Bool,
    Number,
    String,
    List(Box<TypeBody>),
    Set(Box<TypeBody>),
    Map(Box<TypeBody>),
    Tuple(Vec<TypeBody>),
    Object(BTreeMap<String, FieldBody>),
}

/// An attribute's image.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldBody {
    #[serde(rename = "type")]
    ty: TypeBody,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    optional: bool,
}

impl From<&Type> for TypeBody {
    fn from(ty: &Type) -> Self {
        let boxed = |inner: &Type| Box::new(Self::from(inner));
        match ty {
            Type::Any => Self::Any,
            Type::Bool => Self::Bool,
            Type::Number => Self::Number,
            Type::String => Self::String,
            Type::List(element) => Self::List(boxed(element)),
            Type::Set(element) => Self::Set(boxed(element)),
            Type::Map(element) => Self::Map(boxed(element)),
            Type::Tuple(elements) => Self::Tuple(elements.iter().map(Self::from).collect()),
            Type::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(name, field)| {
                        (name.clone(), FieldBody { ty: Self::from(&field.ty), optional: field.optional })
                    })
                    .collect(),
            ),
        }
    }
}

impl From<TypeBody> for Type {
    fn from(body: TypeBody) -> Self {
        let boxed = |inner: Box<TypeBody>| Box::new(Self::from(*inner));
        match body {
            TypeBody::Any => Self::Any,
            TypeBody::Bool => Self::Bool,
            TypeBody::Number => Self::Number,
            TypeBody::String => Self::String,
            TypeBody::List(element) => Self::List(boxed(element)),
            TypeBody::Set(element) => Self::Set(boxed(element)),
            TypeBody::Map(element) => Self::Map(boxed(element)),
            TypeBody::Tuple(elements) => Self::Tuple(elements.into_iter().map(Self::from).collect()),
            TypeBody::Object(fields) => Self::Object(
                fields
                    .into_iter()
                    .map(|(name, field)| (name, Field { ty: Self::from(field.ty), optional: field.optional }))
                    .collect(),
            ),
        }
    }
}
