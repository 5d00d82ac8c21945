//! Values that nobody has told: made up by their type, the same ones in every run.

use sha2::{Digest as _, Sha256};

use crate::lang::convert;
use crate::schema::Body;
use crate::types::Type;
use crate::value::{Kind, Value};

/// All attributes of something that is made up: those that are known, with the given values for what its target would tell, and the rest by
/// type. `name` tells its values from those of others.
pub(super) fn completed(body: &Body, known: &Value, given: &Value, name: &str) -> Value {
    let mut fields = known.as_map().cloned().unwrap_or_default();
    for attribute in body.computed() {
        let place = format!("{name}.{}", attribute.name);
        let base =
            fields.get(attribute.name).cloned().unwrap_or_else(|| Value::unknown(attribute.ty.clone()));
        let over = given
            .get(attribute.name)
            .map(|over| convert(over, &attribute.ty).unwrap_or_else(|_| over.clone()));
        let value = over.map_or_else(|| base.clone(), |over| overlaid(&base, &over));
        fields.insert(attribute.name.to_owned(), settled(&value, &place).marked(attribute.sensitive));
    }
    let settled =
        fields.iter().map(|(field, value)| (field.clone(), settled(value, &format!("{name}.{field}"))));
    Value::object(settled)
}

/// The value with another one laid over it: objects are merged, all else is replaced.
pub(super) fn overlaid(base: &Value, over: &Value) -> Value {
    let (Some(below), Some(above)) = (base.as_map(), over.as_map()) else { return over.clone() };
    let mut fields = below.clone();
    for (name, value) in above {
        let merged = fields.get(name).map_or_else(|| value.clone(), |below| overlaid(below, value));
        fields.insert(name.clone(), merged);
    }
    let merged = match base.kind() {
        Kind::Map(_) => Value::map(fields),
        Kind::Object(object) if object.open => Value::open_object(fields),
        _ => Value::object(fields),
    };
    merged.marked(base.is_sensitive() || over.is_sensitive())
}

/// The value with everything in it known: what is not is made up by its type.
fn settled(value: &Value, place: &str) -> Value {
    if value.is_wholly_known() {
        return value.clone();
    }
    let part = |(name, part): (&String, &Value)| (name.clone(), settled(part, &format!("{place}.{name}")));
    let element = |(at, part): (usize, &Value)| settled(part, &format!("{place}.{at}"));
    let known = match value.kind() {
        Kind::Unknown(ty) => of_type(ty, place),
        Kind::List(parts) => Value::list(parts.iter().enumerate().map(element)),
        Kind::Set(parts) => Value::set(parts.iter().enumerate().map(element)),
        Kind::Map(parts) => Value::map(parts.iter().map(part)),
        Kind::Object(object) => Value::object(object.fields.iter().map(part)),
        _ => value.clone(),
    };
    known.marked(value.is_sensitive())
}

fn of_type(ty: &Type, place: &str) -> Value {
    match ty {
        Type::Bool => Value::bool(false),
        Type::Number => Value::number(0),
        Type::String | Type::Any => Value::string(text(place)),
        Type::List(_) => Value::list([]),
        Type::Set(_) => Value::set([]),
        Type::Map(_) => Value::map([]),
        Type::Tuple(types) => {
            Value::list(types.iter().enumerate().map(|(at, ty)| of_type(ty, &format!("{place}.{at}"))))
        }
        Type::Object(fields) => Value::object(
            fields.iter().map(|(name, field)| (name.clone(), of_type(&field.ty, &format!("{place}.{name}")))),
        ),
    }
}

/// A text that is fit to be a name.
fn text(place: &str) -> String {
    let digest = Sha256::digest(place.as_bytes());
    let hex: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("mock-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Attribute;

    #[test]
    fn what_is_not_given_is_made_up_by_its_type() {
        let body = Body::from(vec![
            Attribute::optional("name", Type::String, ""),
            Attribute::computed("port", Type::Number, ""),
            Attribute::computed("ids", Type::String.list(), ""),
            Attribute::computed("token", Type::String, "").sensitive(),
            Attribute::computed("object", Type::Any, ""),
        ]);
        let inner =
            Value::open_object([("name".into(), "web".into()), ("uid".into(), Value::unknown(Type::String))]);
        let known = Value::object([("name".into(), "web".into()), ("object".into(), inner)]);
        let ip = Value::object([("ip".into(), "10.0.0.1".into())]);
        let given = Value::object([("port".into(), "80".into()), ("object".into(), ip)]);
        let made = completed(&body, &known, &given, "x.web");
        assert!(made.is_wholly_known());
        assert_eq!(made.get("port"), Some(&Value::number(80)), "what is given is converted");
        assert_eq!(made.get("ids"), Some(&Value::list([])));
        assert_eq!(made.get("token").map(Value::is_sensitive), Some(true));
        let object = made.get("object").unwrap();
        assert_eq!((object.get_str("name"), object.get_str("ip")), (Some("web"), Some("10.0.0.1")));
        assert!(object.get_str("uid").unwrap().starts_with("mock-"));
        assert_eq!(made, completed(&body, &known, &given, "x.web"), "the same in every run");
        assert_ne!(made.get("token"), completed(&body, &known, &given, "x.db").get("token"));
    }
}
