//! Values of expressions.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::duration;
use super::network::Cidr;
use super::url::Url;
use crate::quantity::Amount;

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number that is not negative by its type.
    Uint(u64),
    /// A number.
    Double(f64),
    /// A text.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(List),
    /// A map, or an object.
    Map(Arc<BTreeMap<Key, Value>>),
    /// A time.
    Timestamp(jiff::Timestamp),
    /// A span of time in nanoseconds.
    Duration(i64),
    /// A type, by its name.
    Type(Arc<str>),
    /// A value that may be absent.
    Optional(Option<Arc<Value>>),
    /// A quantity of a resource.
    Quantity(Amount),
    /// An address.
    Ip(IpAddr),
    /// A range of addresses.
    Cidr(Cidr),
    /// A URL.
    Url(Arc<Url>),
    /// A semantic version.
    Version(Arc<semver::Version>),
    /// A named format of texts.
    Format(&'static str),
    /// A value that is not known yet: what depends on it is not known either.
    Unknown,
}

/// A list, and what makes its elements the same.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// The elements.
    pub items: Arc<Vec<Value>>,
    /// What they are told apart by.
    pub identity: Identity,
}

/// What the elements of a list are told apart by (`x-kubernetes-list-type`).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Identity {
    /// Their place.
    #[default]
    Place,
    /// Their value: the order means nothing.
    Value,
    /// These fields: the order means nothing.
    Keys(Arc<Vec<String>>),
}

/// The key of an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A truth.
    Bool(bool),
    /// A whole number, of either type.
    Number(i128),
    /// A text.
    Text(Arc<str>),
}

impl Key {
    /// The key that a value is, if it can be one.
    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(given) => Self::Bool(*given),
            Value::Int(number) => Self::Number(i128::from(*number)),
            Value::Uint(number) => Self::Number(i128::from(*number)),
            Value::Double(number) if number.fract() == 0.0 && number.abs() < 1e18 => {
                Self::Number(*number as i128)
            }
            Value::Text(text) => Self::Text(Arc::clone(text)),
            _ => return None,
        })
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Bool(given) => Value::Bool(*given),
            Self::Number(number) => i64::try_from(*number)
                .map(Value::Int)
                .unwrap_or_else(|_| u64::try_from(*number).map_or(Value::Null, Value::Uint)),
            Self::Text(text) => Value::Text(Arc::clone(text)),
        }
    }
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// A list whose elements are told apart by their place.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List { items: Arc::new(items), identity: Identity::Place })
    }

    /// A map with these texts as keys.
    pub fn map(entries: impl IntoIterator<Item = (String, Self)>) -> Self {
        let entries = entries.into_iter().map(|(name, value)| (Key::Text(Arc::from(name)), value));
        Self::Map(Arc::new(entries.collect()))
    }

    /// A value of no declared type.
    pub fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(given) => Self::Bool(*given),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(whole), _) => Self::Int(whole),
                (None, Some(whole)) => Self::Uint(whole),
                (None, None) => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::text(text),
            Json::Array(items) => Self::list(items.iter().map(Self::of_json).collect()),
            Json::Object(fields) => {
                Self::map(fields.iter().map(|(name, value)| (name.clone(), Self::of_json(value))))
            }
        }
    }

    /// A value of no declared type, in which some stand for what is not known.
    pub(crate) fn of_json_but(json: &Json, unknown: &dyn Fn(&Json) -> bool) -> Self {
        match json {
            json if unknown(json) => Self::Unknown,
            Json::Array(items) => {
                Self::list(items.iter().map(|item| Self::of_json_but(item, unknown)).collect())
            }
            Json::Object(fields) => Self::map(
                fields.iter().map(|(name, value)| (name.clone(), Self::of_json_but(value, unknown))),
            ),
            json => Self::of_json(json),
        }
    }

    /// As JSON; `None` where something in it is not known or has no such form.
    pub fn to_json(&self) -> Option<Json> {
        Some(match self {
            Self::Null | Self::Optional(None) => Json::Null,
            Self::Bool(given) => Json::from(*given),
            Self::Int(number) => Json::from(*number),
            Self::Uint(number) => Json::from(*number),
            Self::Double(number) => serde_json::Number::from_f64(*number).map(Json::Number)?,
            Self::Text(text) => Json::from(&**text),
            Self::Bytes(bytes) => Json::from(STANDARD.encode(bytes)),
            Self::List(list) => Json::Array(list.items.iter().map(Self::to_json).collect::<Option<_>>()?),
            Self::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, value)| Some((key.to_value().as_text()?, value.to_json()?)))
                    .collect::<Option<_>>()?,
            ),
            Self::Optional(Some(value)) => return value.to_json(),
            Self::Unknown => return None,
            other => Json::from(other.as_text()?),
        })
    }

    /// What `string(value)` is.
    pub(super) fn as_text(&self) -> Option<String> {
        Some(match self {
            Self::Text(text) => text.to_string(),
            Self::Bool(given) => given.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Uint(number) => number.to_string(),
            Self::Double(number) => number.to_string(),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.to_owned(),
            Self::Timestamp(time) => time.to_string(),
            Self::Duration(nanoseconds) => duration::seconds(*nanoseconds),
            Self::Ip(address) => address.to_string(),
            Self::Cidr(range) => range.to_string(),
            Self::Url(url) => url.to_string(),
            Self::Quantity(amount) => amount.to_string(),
            Self::Version(version) => version.to_string(),
            Self::Type(name) => name.to_string(),
            _ => return None,
        })
    }

    /// The name of its type.
    pub(super) fn type_name(&self) -> &str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Type(_) => "type",
            Self::Optional(_) => "optional_type",
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Ip(_) => "net.IP",
            Self::Cidr(_) => "net.CIDR",
            Self::Url(_) => "kubernetes.URL",
            Self::Version(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
            Self::Unknown => "unknown",
        }
    }

    /// Whether something in it is not known.
    pub(super) fn has_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::List(list) => list.items.iter().any(Self::has_unknown),
            Self::Map(entries) => entries.values().any(Self::has_unknown),
            Self::Optional(Some(value)) => value.has_unknown(),
            _ => false,
        }
    }

    /// Whether they are equal; `None` where it depends on what is not known.
    pub(super) fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => None,
            (Self::List(own), Self::List(others)) => own.equals(others),
            (Self::Map(own), Self::Map(others)) => {
                if !own.keys().eq(others.keys()) {
                    return Some(false);
                }
                all(own.values().zip(others.values()).map(|(own, other)| own.equals(other)))
            }
            (Self::Optional(Some(own)), Self::Optional(Some(other))) => own.equals(other),
            (Self::Optional(own), Self::Optional(other)) => Some(own.is_none() && other.is_none()),
            (Self::Null, Self::Null) => Some(true),
            (Self::Bytes(own), Self::Bytes(other)) => Some(own == other),
            (Self::Type(own), Self::Type(other)) => Some(own == other),
            (Self::Ip(own), Self::Ip(other)) => Some(own == other),
            (Self::Cidr(own), Self::Cidr(other)) => Some(own == other),
            (Self::Url(own), Self::Url(other)) => Some(own == other),
            (Self::Version(own), Self::Version(other)) => Some(own == other),
            (Self::Format(own), Self::Format(other)) => Some(own == other),
            _ => Some(self.compares(other) == Some(Ordering::Equal)),
        }
    }

    /// Which is less, where they have an order.
    pub(super) fn compares(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(own), Self::Bool(other)) => Some(own.cmp(other)),
            (Self::Text(own), Self::Text(other)) => Some(own.cmp(other)),
            (Self::Bytes(own), Self::Bytes(other)) => Some(own.cmp(other)),
            (Self::Timestamp(own), Self::Timestamp(other)) => Some(own.cmp(other)),
            (Self::Duration(own), Self::Duration(other)) => Some(own.cmp(other)),
            (Self::Quantity(own), Self::Quantity(other)) => Some(own.cmp(other)),
            (Self::Version(own), Self::Version(other)) => Some(own.cmp(other)),
            _ => match (self.whole(), other.whole()) {
                (Some(own), Some(other)) => Some(own.cmp(&other)),
                _ => self.number()?.partial_cmp(&other.number()?),
            },
        }
    }

    fn whole(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(i128::from(*number)),
            Self::Uint(number) => Some(i128::from(*number)),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Uint(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            _ => None,
        }
    }
}

/// Whether all are true; `None` where it depends on what is not known.
pub(super) fn all(each: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for one in each {
        match one {
            Some(false) => return Some(false),
            None => result = None,
            Some(true) => {}
        }
    }
    result
}

/// Whether any is true; `None` where it depends on what is not known.
pub(super) fn any(each: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all(each.map(|one| one.map(|one| !one))).map(|none| !none)
}

impl List {
    /// Whether the list has the value.
    pub(super) fn contains(&self, value: &Value) -> Option<bool> {
        any(self.items.iter().map(|item| item.equals(value)))
    }

    fn equals(&self, other: &Self) -> Option<bool> {
        if self.items.len() != other.items.len() {
            return Some(false);
        }
        match &self.identity {
            Identity::Place => {
                all(self.items.iter().zip(other.items.iter()).map(|(own, other)| own.equals(other)))
            }
            Identity::Value => all(self.items.iter().map(|item| other.contains(item))),
            Identity::Keys(keys) => all(self.items.iter().map(|item| {
                let same = other.items.iter().find(|other| is_same(keys, item, other));
                same.map_or(Some(false), |other| item.equals(other))
            })),
        }
    }

    /// Both: what has an identity is there once, as the last says.
    pub(super) fn join(&self, other: &Self) -> Self {
        let mut items = Vec::clone(&self.items);
        for item in other.items.iter() {
            let there = match &self.identity {
                Identity::Place => None,
                Identity::Value => items.iter_mut().find(|own| own.equals(item) == Some(true)),
                Identity::Keys(keys) => items.iter_mut().find(|own| is_same(keys, own, item)),
            };
            match there {
                Some(there) => *there = item.clone(),
                None => items.push(item.clone()),
            }
        }
        Self { items: Arc::new(items), identity: self.identity.clone() }
    }
}

fn is_same(keys: &[String], own: &Value, other: &Value) -> bool {
    let (Value::Map(own), Value::Map(other)) = (own, other) else { return false };
    keys.iter().all(|key| {
        let key = Key::Text(Arc::from(key.as_str()));
        match (own.get(&key), other.get(&key)) {
            (Some(own), Some(other)) => own.equals(other) == Some(true),
            (own, other) => own.is_none() && other.is_none(),
        }
    })
}
