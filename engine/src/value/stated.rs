//! What is known of a value and its content does not tell: types, and how unknown texts begin.
//!
//! A list literal makes a *tuple*: each element has a type of its own. A *list*, as `tolist` and schemas make it, has one type for
//! all its elements, even for those that are not there; so have sets and maps. A null may have a type as well. Types tell what
//! expressions make of values, such as the result of a conditional; they make no two values different, and they are not stored:
//! what is read back gets them from its schema.
//!
//! Of a text that is known only after apply, its beginning may be known already, and that it is not null.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Extent, Kind, Object, Value};
use crate::types::Type;

/// What is known besides the content.
#[derive(Debug)]
pub(super) enum Stated {
    /// Of a list, set or map the type of its elements, of null its own.
    Type(Type),
    /// Of what is unknown, that it will not be null, and will begin so if it is a text.
    Prefix(Box<str>),
}

impl Value {
    /// The type that is stated of the value: of a list, set or map that of its elements, of null its own.
    pub fn stated(&self) -> Option<&Type> {
        match self.stated.as_deref() {
            Some(Stated::Type(ty)) => Some(ty),
            _ => None,
        }
    }

    /// The same value with a stated type: of a list, set or map that of its elements, of null its own. Other values tell their
    /// types themselves.
    #[must_use]
    pub fn stating(self, ty: Type) -> Self {
        match self.kind {
            Kind::List(_) | Kind::Set(_) | Kind::Map(_) | Kind::Null => {
                Self { stated: Some(Arc::new(Stated::Type(ty))), ..self }
            }
            _ => self,
        }
    }

    /// The same unknown value, of which it is known that it will not be null, and, if it is a text, how it begins.
    #[must_use]
    pub fn starting_with(self, prefix: &str) -> Self {
        match self.kind {
            Kind::Unknown(_) => Self { stated: Some(Arc::new(Stated::Prefix(prefix.into()))), ..self },
            _ => self,
        }
    }

    /// How an unknown value begins, perhaps with nothing, if it is known that it will not be null.
    pub fn known_prefix(&self) -> Option<&str> {
        match self.stated.as_deref() {
            Some(Stated::Prefix(prefix)) => Some(prefix),
            _ => None,
        }
    }

    /// The same type, as far as it is stated, and the same mark with another content.
    #[must_use]
    pub fn with_kind(&self, kind: Kind) -> Self {
        let extent = Extent::of(&kind);
        Self { kind, extent, stated: self.stated.clone() }.marked(self.marks())
    }

    /// The same value with the types that a schema states of its parts, as far as they are of such kinds, and no others: what it leaves
    /// open is seen as it is stored. Nothing is converted.
    #[must_use]
    pub fn stating_all(self, ty: &Type) -> Self {
        // Most values state all that there is to state: they stay shared.
        if !self.lacks(ty) {
            return self;
        }
        let all = |parts: &[Value], element: &Type| -> Arc<Vec<Value>> {
            Arc::new(parts.iter().map(|part| part.clone().stating_all(element)).collect())
        };
        let kind = match (&self.kind, ty) {
            (_, Type::Any) => return self.as_stored().unwrap_or(self),
            (Kind::Null, ty) => return self.stating(ty.clone()),
            (Kind::List(parts), Type::List(element)) => Kind::List(all(parts, element)),
            (Kind::List(parts), Type::Tuple(types)) => {
                let parts = parts.iter().cloned().zip(types).map(|(part, ty)| part.stating_all(ty));
                Kind::List(Arc::new(parts.collect()))
            }
            (Kind::Set(parts), Type::Set(element)) => Kind::Set(all(parts, element)),
            (Kind::Map(entries), Type::Map(element)) => {
                let entries =
                    entries.iter().map(|(key, part)| (key.clone(), part.clone().stating_all(element)));
                Kind::Map(Arc::new(entries.collect()))
            }
            (Kind::Object(object), Type::Object(types)) => {
                let field = |(name, part): (&String, &Value)| {
                    let stated = types.get(name).map(|field| part.clone().stating_all(&field.ty));
                    (name.clone(), stated.unwrap_or_else(|| part.clone()))
                };
                let fields = object.fields.iter().map(field).collect();
                Kind::Object(Arc::new(Object { fields, open: object.open }))
            }
            _ => return self,
        };
        let whole = self.with_kind(kind);
        match ty {
            Type::List(element) | Type::Set(element) | Type::Map(element) => {
                whole.stating(Type::clone(element))
            }
            _ => whole,
        }
    }

    /// Whether stating all types of a schema would make another value of it.
    fn lacks(&self, ty: &Type) -> bool {
        let any = |parts: &[Self], element: &Type| {
            self.stated() != Some(element) || parts.iter().any(|part| part.lacks(element))
        };
        match (&self.kind, ty) {
            (_, Type::Any) => self.as_stored().is_some(),
            (Kind::Null, ty) => self.stated() != Some(ty),
            (Kind::List(parts), Type::List(element)) | (Kind::Set(parts), Type::Set(element)) => {
                any(parts, element)
            }
            (Kind::List(parts), Type::Tuple(types)) => {
                parts.len() > types.len() || parts.iter().zip(types).any(|(part, ty)| part.lacks(ty))
            }
            (Kind::Map(entries), Type::Map(element)) => {
                self.stated() != Some(element) || entries.values().any(|part| part.lacks(element))
            }
            (Kind::Object(object), Type::Object(types)) => object
                .fields
                .iter()
                .any(|(name, part)| types.get(name).is_some_and(|field| part.lacks(&field.ty))),
            _ => false,
        }
    }

    /// The same value without any stated types, if there are some.
    pub(crate) fn as_stored(&self) -> Option<Self> {
        let all = |parts: &[Value]| -> Option<Arc<Vec<Value>>> {
            let stored: Vec<Option<Value>> = parts.iter().map(Value::as_stored).collect();
            stored.iter().any(Option::is_some).then(|| {
                let parts = stored.into_iter().zip(parts);
                Arc::new(parts.map(|(stored, part)| stored.unwrap_or_else(|| part.clone())).collect())
            })
        };
        let entries = |entries: &BTreeMap<String, Value>| {
            let stored: Vec<(&String, Value)> =
                entries.iter().filter_map(|(name, part)| Some((name, part.as_stored()?))).collect();
            (!stored.is_empty()).then(|| {
                let mut entries = entries.clone();
                entries.extend(stored.into_iter().map(|(name, part)| (name.clone(), part)));
                entries
            })
        };
        let changed = match &self.kind {
            Kind::List(parts) => all(parts).map(Kind::List),
            Kind::Set(parts) => all(parts).map(Kind::Set),
            Kind::Map(own) => entries(own).map(|entries| Kind::Map(Arc::new(entries))),
            Kind::Object(object) => entries(&object.fields)
                .map(|fields| Kind::Object(Arc::new(Object { fields, open: object.open }))),
            _ => None,
        };
        if changed.is_none() && self.stated().is_none() {
            return None;
        }
        let kind = changed.unwrap_or_else(|| self.kind.clone());
        Some(Self::new(kind).marked(self.marks()))
    }

    /// Whether it is a list: elements in order of which one type is stated. Else, if it has elements in order, it is a tuple.
    pub fn is_list(&self) -> bool {
        matches!(self.kind, Kind::List(_)) && self.stated.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Field;

    #[test]
    fn a_schema_states_the_types_of_what_is_read_back() {
        let field = |ty| Field { ty, optional: false };
        let ports = ("ports".to_owned(), field(Type::Number.list()));
        let (name, open) = ("name".to_owned(), "open".to_owned());
        let ty = Type::Object([ports, (name, field(Type::String)), (open, field(Type::Any))].into());
        let read = Value::object([
            ("ports".into(), Value::list([80.into()]).sensitive()),
            ("name".into(), Value::null()),
            ("extra".into(), Value::list([])),
            ("open".into(), Value::list([Value::list([]).stating(Type::Bool)])),
        ]);
        let stated = read.clone().stating_all(&ty);
        assert_eq!(stated.get("ports").and_then(Value::stated), Some(&Type::Number));
        assert_eq!(stated.get("name").and_then(Value::stated), Some(&Type::String));
        assert!(stated.get("extra").is_some_and(|extra| !extra.is_list()));
        let inner = stated.get("open").and_then(Value::as_list).and_then(<[Value]>::first);
        assert!(inner.is_some_and(|inner| !inner.is_list()));
        // It is the same value, whatever is stated of it.
        assert_eq!(stated, read);
    }
}
