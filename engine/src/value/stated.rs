//! The types that a value's content does not tell.
//!
//! A list literal makes a *tuple*: each element has a type of its own. A *list*, as `tolist` and schemas make it, has one type for
//! all its elements, even for those that are not there; so have sets and maps. A null may have a type as well. Types tell what
//! expressions make of values, such as the result of a conditional; they make no two values different, and they are not stored:
//! what is read back gets them from its schema.

use std::sync::Arc;

use super::{Extent, Kind, Object, Value};
use crate::types::Type;

impl Value {
    /// The type that is stated of the value: of a list, set or map that of its elements, of null its own.
    pub fn stated(&self) -> Option<&Type> {
        self.stated.as_deref()
    }

    /// The same value with a stated type: of a list, set or map that of its elements, of null its own. Other values tell their
    /// types themselves.
    #[must_use]
    pub fn stating(self, ty: impl Into<Arc<Type>>) -> Self {
        match self.kind {
            Kind::List(_) | Kind::Set(_) | Kind::Map(_) | Kind::Null => {
                Self { stated: Some(ty.into()), ..self }
            }
            _ => self,
        }
    }

    /// The same type, as far as it is stated, and the same mark with another content.
    #[must_use]
    pub fn with_kind(&self, kind: Kind) -> Self {
        let extent = Extent::of(&kind);
        Self { kind, extent, stated: self.stated.clone() }.marked(self.marks())
    }

    /// The same value with the types that a schema states of its parts, as far as they are of such kinds. Nothing is converted.
    #[must_use]
    pub fn stating_all(self, ty: &Type) -> Self {
        let all = |parts: &[Value], element: &Type| -> Arc<Vec<Value>> {
            Arc::new(parts.iter().map(|part| part.clone().stating_all(element)).collect())
        };
        let kind = match (&self.kind, ty) {
            (_, Type::Any) => return self,
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
            Type::List(element) | Type::Set(element) | Type::Map(element) if **element != Type::Any => {
                whole.stating(Type::clone(element))
            }
            _ => whole,
        }
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
        let ty = Type::Object([ports, ("name".to_owned(), field(Type::String))].into());
        let read = Value::object([
            ("ports".into(), Value::list([80.into()]).sensitive()),
            ("name".into(), Value::null()),
            ("extra".into(), Value::list([])),
        ]);
        let stated = read.clone().stating_all(&ty);
        assert_eq!(stated.get("ports").and_then(Value::stated), Some(&Type::Number));
        assert_eq!(stated.get("name").and_then(Value::stated), Some(&Type::String));
        assert!(stated.get("extra").is_some_and(|extra| !extra.is_list()));
        // It is the same value, whatever is stated of it.
        assert_eq!(stated, read);
    }
}
