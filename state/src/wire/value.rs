//! Values: JSON as it comes, and one-entry objects with a `$` for what JSON has no word for.
//!
//! | value | image |
//! | --- | --- |
//! | null, bool, text, list | the same in JSON |
//! | number | a JSON number if it is exact, else `{"$number": "0.1000…"}` |
//! | object | a JSON object; `{"$object": …}` if an attribute's own name starts with `$` |
//! | object to which apply may add | `{"$open": {…}}` |
//! | map, set | `{"$map": {…}}`, `{"$set": […]}` |
//! | unknown | `{"$unknown": TYPE}` |
//! | sensitive | `{"$sensitive": "FINGERPRINT"}`; unknown as well: `{"$sensitive": {"$unknown": TYPE}}` |
//!
//! Of what type the elements of a list are is not stored: where it matters, the schema or the variable's type states it again.

use std::collections::BTreeMap;
use std::fmt;

use meshform_engine::value::{Fingerprinter, Kind, Value};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::{self, NumberBody};
use super::types::TypeBody;

const NUMBER: &str = "$number";
const OBJECT: &str = "$object";
const OPEN: &str = "$open";
const MAP: &str = "$map";
const SET: &str = "$set";
const UNKNOWN: &str = "$unknown";
const SENSITIVE: &str = "$sensitive";

/// A value fit for the disk: its secrets are fingerprints. There is no other way to make one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored(Value);

impl Stored {
    /// The redacted value.
    pub(crate) fn new(value: &Value, keyed: &dyn Fingerprinter) -> Self {
        Self(value.redacted(keyed))
    }

    /// The redacted values.
    pub(crate) fn all(values: &BTreeMap<String, Value>, keyed: &dyn Fingerprinter) -> BTreeMap<String, Self> {
        values.iter().map(|(name, value)| (name.clone(), Self::new(value, keyed))).collect()
    }

    /// The value.
    pub(crate) fn into_value(self) -> Value {
        self.0
    }

    /// The values.
    pub(crate) fn into_values(stored: BTreeMap<String, Self>) -> BTreeMap<String, Value> {
        stored.into_iter().map(|(name, value)| (name, value.0)).collect()
    }
}

/// Reads an attribute that may be missing but, if it is there, is a value, even if that is null.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Stored>, D::Error> {
    Stored::deserialize(deserializer).map(Some)
}

impl Serialize for Stored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Image(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct Image<'a>(&'a Value);

impl Serialize for Image<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Cannot be, as nothing that is ephemeral is let into what is stored; but were it so, it must not pass.
        if self.0.marks().is_ephemeral() {
            return Err(S::Error::custom("an ephemeral value is not to be stored"));
        }
        match (self.0.kind(), self.0.is_sensitive()) {
            (Kind::Fingerprint(fingerprint), _) => tagged(serializer, SENSITIVE, &**fingerprint),
            (Kind::Unknown(ty), false) => tagged(serializer, UNKNOWN, &TypeBody::from(ty)),
            (Kind::Unknown(ty), true) => {
                tagged(serializer, SENSITIVE, &BTreeMap::from([(UNKNOWN, TypeBody::from(ty))]))
            }
            // Cannot be, as a stored value is redacted when it is made; but were it so, it must not pass.
            (_, true) => Err(S::Error::custom("a sensitive value was not redacted")),
            (kind, false) => known(kind, serializer),
        }
    }
}

fn known<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    match kind {
        Kind::Bool(truth) => serializer.serialize_bool(*truth),
        Kind::String(text) => serializer.serialize_str(text),
        Kind::Number(number) => match NumberBody::new(number) {
            Some(NumberBody::Plain(plain)) => plain.serialize(serializer),
            Some(NumberBody::Text(text)) => tagged(serializer, NUMBER, &text),
            None => Err(S::Error::custom("a number has too many digits to be stored")),
        },
        Kind::List(elements) => elements_of(elements).serialize(serializer),
        Kind::Set(elements) => tagged(serializer, SET, &elements_of(elements)),
        Kind::Map(entries) => tagged(serializer, MAP, &entries_of(entries)),
        Kind::Object(object) if object.open => tagged(serializer, OPEN, &entries_of(&object.fields)),
        Kind::Object(object) if object.fields.keys().any(|name| name.starts_with('$')) => {
            tagged(serializer, OBJECT, &entries_of(&object.fields))
        }
        Kind::Object(object) => entries_of(&object.fields).serialize(serializer),
        Kind::Null | Kind::Unknown(_) | Kind::Fingerprint(_) => serializer.serialize_unit(),
    }
}

fn elements_of(elements: &[Value]) -> Vec<Image<'_>> {
    elements.iter().map(Image).collect()
}

fn entries_of(entries: &BTreeMap<String, Value>) -> BTreeMap<&str, Image<'_>> {
    entries.iter().map(|(name, value)| (name.as_str(), Image(value))).collect()
}

fn tagged<S: Serializer, C: Serialize + ?Sized>(
    serializer: S,
    tag: &str,
    content: &C,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, content)?;
    map.end()
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::null())
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::number(number))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        number_of(&number.to_string())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::string(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Stored(element)) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::list(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        match entries.next_key::<String>()? {
            None => Ok(Value::object([])),
            Some(tag) if tag.starts_with('$') => {
                let value = untag(&tag, &mut entries)?;
                match entries.next_key::<String>()? {
                    None => Ok(value),
                    Some(other) => Err(A::Error::custom(format!("{other:?} stands beside {tag:?}"))),
                }
            }
            Some(first) => fields(first, entries),
        }
    }
}

fn fields<'de, A: MapAccess<'de>>(first: String, mut entries: A) -> Result<Value, A::Error> {
    let Stored(value) = entries.next_value()?;
    let mut fields = BTreeMap::from([(first, value)]);
    while let Some((name, Stored(value))) = entries.next_entry::<String, Stored>()? {
        if name.starts_with('$') {
            return Err(A::Error::custom(format!("{name:?} stands beside attributes")));
        }
        fields.insert(name, value);
    }
    Ok(Value::object(fields))
}

fn untag<'de, A: MapAccess<'de>>(tag: &str, entries: &mut A) -> Result<Value, A::Error> {
    let map = |stored| Stored::into_values(stored);
    Ok(match tag {
        NUMBER => number_of(&entries.next_value::<String>()?)?,
        OBJECT => Value::object(map(entries.next_value()?)),
        OPEN => Value::open_object(map(entries.next_value()?)),
        MAP => Value::map(map(entries.next_value()?)),
        SET => Value::set(entries.next_value::<Vec<Stored>>()?.into_iter().map(Stored::into_value)),
        UNKNOWN => Value::unknown(entries.next_value::<TypeBody>()?.into()),
        SENSITIVE => hidden(entries.next_value::<Stored>()?.0)?,
        _ => return Err(A::Error::custom(format!("there is no kind of value called {tag:?}"))),
    })
}

fn hidden<E: serde::de::Error>(content: Value) -> Result<Value, E> {
    match content.kind() {
        Kind::String(fingerprint) => Ok(Value::new(Kind::Fingerprint(fingerprint.clone())).sensitive()),
        Kind::Unknown(_) => Ok(content.sensitive()),
        _ => Err(E::custom("a sensitive value is neither a fingerprint nor unknown")),
    }
}

fn number_of<E: serde::de::Error>(text: &str) -> Result<Value, E> {
    number::parse(text).map(Value::number).ok_or_else(|| E::custom("a number is no decimal number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Key;
    use meshform_engine::types::{Field, Type};

    fn check(value: &Value, expect: &str) {
        let stored = Stored::new(value, &Key::from_bytes([7; 32]));
        assert_eq!(serde_json::to_string(&stored).unwrap(), expect);
        let back: Stored = serde_json::from_str(expect).unwrap();
        assert_eq!(back, stored, "{expect}");
    }

    #[test]
    fn every_kind_of_value_round_trips() {
        let one = || Value::number(1);
        check(&Value::null(), "null");
        check(&Value::bool(true), "true");
        check(&"é\"\n".into(), r#""é\"\n""#);
        check(&Value::list([one(), Value::null(), "a".into()]), r#"[1,null,"a"]"#);
        check(&Value::set([Value::number(2), one(), one()]), r#"{"$set":[1,2]}"#);
        check(&Value::map([("a".into(), one())]), r#"{"$map":{"a":1}}"#);
        check(&Value::object([]), "{}");
        check(&Value::object([("a".into(), one())]), r#"{"a":1}"#);
        check(&Value::object([("$set".into(), one())]), r#"{"$object":{"$set":1}}"#);
        check(&Value::open_object([("a".into(), one())]), r#"{"$open":{"a":1}}"#);
        check(
            &Value::number(number::parse("123456789012345678901234567890").unwrap()),
            r#"{"$number":"123456789012345678901234567890"}"#,
        );
    }

    #[test]
    fn unknowns_keep_their_types() {
        let field = |ty, optional| Field { ty, optional };
        let object = Type::Object(BTreeMap::from([
            ("a".to_owned(), field(Type::Number.list(), true)),
            ("b".to_owned(), field(Type::Tuple(vec![Type::Bool, Type::Any]), false)),
        ]));
        check(&Value::unknown(Type::String), r#"{"$unknown":"string"}"#);
        check(&Value::unknown(Type::String).sensitive(), r#"{"$sensitive":{"$unknown":"string"}}"#);
        check(
            &Value::unknown(Type::Set(Box::new(object.map()))),
            r#"{"$unknown":{"set":{"map":{"object":{"a":{"type":{"list":"number"},"optional":true},"b":{"type":{"tuple":["bool","any"]}}}}}}}"#,
        );
    }

    #[test]
    fn secrets_become_fingerprints_once() {
        let secret = Value::object([("password".into(), Value::string("hunter2").sensitive())]);
        let fingerprint = Key::from_bytes([7; 32]).fingerprint(&"hunter2".into());
        let image = format!(r#"{{"password":{{"$sensitive":"{fingerprint}"}}}}"#);
        check(&secret, &image);
        let back: Stored = serde_json::from_str(&image).unwrap();
        check(&back.into_value(), &image);
    }

    #[test]
    fn a_secret_that_was_not_redacted_does_not_pass() {
        let image = serde_json::to_string(&Image(&Value::list([Value::string("hunter2").sensitive()])));
        assert_eq!(image.unwrap_err().to_string(), "a sensitive value was not redacted");
    }

    #[test]
    fn what_is_no_value_is_refused() {
        let check = |json: &str, expect: &str| {
            let error = serde_json::from_str::<Stored>(json).unwrap_err().to_string();
            assert!(error.starts_with(expect), "{json}: {error}");
        };
        check(r#"{"$secret":1}"#, "there is no kind of value called \"$secret\"");
        check(r#"{"$map":{},"a":1}"#, "\"a\" stands beside \"$map\"");
        check(r#"{"a":1,"$map":{}}"#, "\"$map\" stands beside attributes");
        check(r#"{"$sensitive":1}"#, "a sensitive value is neither a fingerprint nor unknown");
        check(r#"{"$number":"one"}"#, "a number is no decimal number");
        check(r#"{"$unknown":"strong"}"#, "unknown variant `strong`");
        check(&"[".repeat(200), "recursion limit exceeded");
    }
}
