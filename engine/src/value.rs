//! The values of the language: exact numbers, typed unknowns, and the marks (*sensitive*, *ephemeral*, …) that survive every operation.
//!
//! Containers are shared, so cloning a value is cheap whatever its size.

mod extent;
mod json;
mod marks;
mod path;
mod stated;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bigdecimal::BigDecimal;

use self::extent::Extent;
pub use self::json::{NotJson, from_json, to_json};
pub use self::marks::Marks;
pub use self::path::{Path, PathStep};
use self::stated::Stated;
use crate::types::Type;

/// A value and its marks.
///
/// A mark belongs to this value and all that is inside; parts may be marked on their own.
#[derive(Clone)]
pub struct Value {
    kind: Kind,
    extent: Extent,
    /// What is known besides.
    stated: Option<Arc<Stated>>,
}

/// The same content with the same marks. Types that are only stated do not count.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.marks() == other.marks() && self.kind == other.kind
    }
}

/// What a value is.
#[derive(Clone, PartialEq)]
pub enum Kind {
    /// Absent.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An exact decimal.
    Number(BigDecimal),
    /// Text.
    String(Arc<str>),
    /// Elements in order: a list if their type is stated, else a tuple, in which each has its own.
    List(Arc<Vec<Value>>),
    /// Distinct elements, kept in the order of [`Value::compare`].
    Set(Arc<Vec<Value>>),
    /// Values of one type by key.
    Map(Arc<BTreeMap<String, Value>>),
    /// Named attributes.
    Object(Arc<Object>),
    /// Known only after apply, with as much of its type as is known already.
    Unknown(Type),
    /// A sensitive value of which only the keyed fingerprint is left, as the state and the plan file keep it.
    ///
    /// It is not known to expressions, but it tells whether the value has changed.
    Fingerprint(Arc<str>),
}

/// The attributes of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// The attributes that are there for certain.
    pub fields: BTreeMap<String, Value>,
    /// Whether apply may add more: a missing attribute of an open object is unknown, not an error.
    pub open: bool,
}

impl Value {
    /// A value that is not sensitive.
    pub fn new(kind: Kind) -> Self {
        Self { extent: Extent::of(&kind), kind, stated: None }
    }

    /// The absent value.
    pub fn null() -> Self {
        Self::new(Kind::Null)
    }

    /// A text.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::new(Kind::String(text.into()))
    }

    /// A number.
    pub fn number(number: impl Into<BigDecimal>) -> Self {
        Self::new(Kind::Number(number.into()))
    }

    /// A truth value.
    pub fn bool(truth: bool) -> Self {
        Self::new(Kind::Bool(truth))
    }

    /// A tuple; with [`Value::stating`] a list.
    pub fn list(elements: impl IntoIterator<Item = Value>) -> Self {
        Self::new(Kind::List(Arc::new(elements.into_iter().collect())))
    }

    /// A set: sorted, without repetitions.
    pub fn set(elements: impl IntoIterator<Item = Value>) -> Self {
        let mut elements: Vec<_> = elements.into_iter().collect();
        elements.sort_by(Self::compare);
        elements.dedup();
        Self::new(Kind::Set(Arc::new(elements)))
    }

    /// A map.
    pub fn map(entries: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self::new(Kind::Map(Arc::new(entries.into_iter().collect())))
    }

    /// An object with just these attributes.
    pub fn object(fields: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self::new(Kind::Object(Arc::new(Object { fields: fields.into_iter().collect(), open: false })))
    }

    /// An object that has these attributes and, after apply, perhaps more.
    pub fn open_object(fields: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self::new(Kind::Object(Arc::new(Object { fields: fields.into_iter().collect(), open: true })))
    }

    /// Known only after apply. Of a type of very many parts (that of a list in which each element has its own) nothing is kept.
    pub fn unknown(ty: Type) -> Self {
        Self::new(Kind::Unknown(if extent::is_too_large(&ty) { Type::Any } else { ty }))
    }

    /// What the value is.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What the value is, taken out.
    pub fn into_kind(self) -> Kind {
        self.kind
    }

    /// The marks of this very value (its parts may carry more).
    pub fn marks(&self) -> Marks {
        self.extent.marks
    }

    /// The marks that are here or anywhere inside.
    pub fn all_marks(&self) -> Marks {
        self.extent.all_marks
    }

    /// Whether this very value is sensitive (its parts may be, too).
    pub fn is_sensitive(&self) -> bool {
        self.marks().is_sensitive()
    }

    /// Whether the sensitive mark is here or anywhere inside.
    pub fn has_sensitive(&self) -> bool {
        self.all_marks().is_sensitive()
    }

    /// Whether the ephemeral mark is here or anywhere inside.
    pub fn has_ephemeral(&self) -> bool {
        self.all_marks().is_ephemeral()
    }

    /// The same value, marked as sensitive.
    #[must_use]
    pub fn sensitive(self) -> Self {
        self.marked(Marks::SENSITIVE)
    }

    /// The same value with more marks, such as that it is sensitive if that is true; none is ever taken away.
    #[must_use]
    pub fn marked(mut self, marks: impl Into<Marks>) -> Self {
        let marks = marks.into();
        self.extent.marks |= marks;
        self.extent.all_marks |= marks;
        self
    }

    /// The same value with every mark taken off, here and inside. Only for what hands values to a target.
    #[must_use]
    pub fn unmarked(&self) -> Self {
        if !self.all_marks().is_any() {
            return self.clone();
        }
        Self { stated: self.stated.clone(), ..Self::new(self.kind.map_parts(&Self::unmarked)) }
    }

    /// The same value with null for every part that is ephemeral, so that it may be stored.
    #[must_use]
    pub fn without_ephemeral(&self) -> Self {
        if self.marks().is_ephemeral() {
            return Self::null().marked(self.is_sensitive());
        }
        if !self.has_ephemeral() {
            return self.clone();
        }
        self.with_kind(self.kind.map_parts(&Self::without_ephemeral))
    }

    /// Whether it is the absent value.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// Whether this very value is known (its parts may not be).
    pub fn is_known(&self) -> bool {
        !matches!(self.kind, Kind::Unknown(_) | Kind::Fingerprint(_))
    }

    /// Whether nothing inside is unknown, open or only a fingerprint.
    pub fn is_wholly_known(&self) -> bool {
        self.extent.is_wholly_known
    }

    /// Its text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// Its truth, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// Its number, if it is one.
    pub fn as_number(&self) -> Option<&BigDecimal> {
        match &self.kind {
            Kind::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Its elements, if it is a list, tuple or set.
    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.kind {
            Kind::List(elements) | Kind::Set(elements) => Some(elements),
            _ => None,
        }
    }

    /// Its entries, if it is a map or an object.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            Kind::Object(object) => Some(&object.fields),
            _ => None,
        }
    }

    /// An attribute or entry, without its container's mark. `None` also for an attribute of an open object that is not there yet.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_map()?.get(name)
    }

    /// The attribute's text, if it is there and is one.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A total order over values of any kind, by kind and then by content; marks do not count.
    pub fn compare(&self, other: &Self) -> std::cmp::Ordering {
        self.kind.compare(&other.kind)
    }

    /// The same content, whatever the marks.
    pub fn same(&self, other: &Self) -> bool {
        self.compare(other).is_eq()
    }

    /// Every sensitive part replaced by its keyed fingerprint: what may be stored.
    #[must_use]
    pub fn redacted(&self, keyed: &dyn Fingerprinter) -> Self {
        if self.is_sensitive() {
            if let Kind::Fingerprint(_) | Kind::Unknown(_) = self.kind {
                return self.clone();
            }
            return Self::new(Kind::Fingerprint(keyed.fingerprint(self).into())).marked(self.marks());
        }
        if !self.has_sensitive() {
            return self.clone();
        }
        self.with_kind(self.kind.map_parts(&|part| part.redacted(keyed)))
    }

    /// A word for its kind, as used in messages: "string", "object", …
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "bool",
            Kind::Number(_) => "number",
            Kind::String(_) => "string",
            Kind::List(_) if self.stated.is_none() => "tuple",
            Kind::List(_) => "list",
            Kind::Set(_) => "set",
            Kind::Map(_) => "map",
            Kind::Object(_) => "object",
            Kind::Unknown(ty) => ty.name(),
            Kind::Fingerprint(_) => "sensitive value",
        }
    }
}

/// Makes the keyed fingerprints by which stored sensitive values are compared. Its key belongs to the state.
pub trait Fingerprinter: Send + Sync {
    /// A short text that equals another only if the values are the same (marks do not count) and so is the key.
    fn fingerprint(&self, value: &Value) -> String;
}

impl Kind {
    fn map_parts(&self, change: &impl Fn(&Value) -> Value) -> Self {
        let entries = |entries: &BTreeMap<String, Value>| {
            entries.iter().map(|(key, value)| (key.clone(), change(value))).collect::<BTreeMap<_, _>>()
        };
        match self {
            Self::List(elements) => Self::List(Arc::new(elements.iter().map(change).collect())),
            // What the elements become may sort otherwise.
            Self::Set(elements) => Value::set(elements.iter().map(change)).kind,
            Self::Map(map) => Self::Map(Arc::new(entries(map))),
            Self::Object(object) => {
                Self::Object(Arc::new(Object { fields: entries(&object.fields), open: object.open }))
            }
            other => other.clone(),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::String(_) => 3,
            Self::List(_) => 4,
            Self::Set(_) => 5,
            // A map and an object with the same entries have the same content.
            Self::Map(_) | Self::Object(_) => 6,
            Self::Unknown(_) => 7,
            Self::Fingerprint(_) => 8,
        }
    }

    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) | (Self::Fingerprint(a), Self::Fingerprint(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) | (Self::Set(a), Self::Set(b)) => {
                compare_all(a.iter(), b.iter(), Value::compare)
            }
            (Self::Unknown(a), Self::Unknown(b)) => format!("{a:?}").cmp(&format!("{b:?}")),
            (Self::Map(_) | Self::Object(_), Self::Map(_) | Self::Object(_)) => {
                let ((a, a_open), (b, b_open)) = (self.entries(), other.entries());
                let pair = |x: &(&String, &Value), y: &(&String, &Value)| {
                    x.0.cmp(y.0).then_with(|| x.1.compare(y.1))
                };
                let (a, b): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
                compare_all(a.iter(), b.iter(), pair).then(a_open.cmp(&b_open))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn entries(&self) -> (&BTreeMap<String, Value>, bool) {
        static EMPTY: BTreeMap<String, Value> = BTreeMap::new();
        match self {
            Self::Map(entries) => (entries, false),
            Self::Object(object) => (&object.fields, object.open),
            _ => (&EMPTY, false),
        }
    }
}

fn compare_all<'a, T: 'a>(
    mut a: impl Iterator<Item = &'a T>,
    mut b: impl Iterator<Item = &'a T>,
    compare: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> std::cmp::Ordering {
    loop {
        match (a.next(), b.next()) {
            (None, None) => return std::cmp::Ordering::Equal,
            (None, Some(_)) => return std::cmp::Ordering::Less,
            (Some(_), None) => return std::cmp::Ordering::Greater,
            (Some(x), Some(y)) => match compare(x, y) {
                std::cmp::Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

/// Never shows what is sensitive, so that a stray debug print cannot leak it.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_sensitive() {
            return f.write_str("(sensitive)");
        }
        match &self.kind {
            Kind::Null => f.write_str("null"),
            Kind::Bool(truth) => write!(f, "{truth}"),
            Kind::Number(number) => write!(f, "{}", number.normalized().to_plain_string()),
            Kind::String(text) => write!(f, "{text:?}"),
            Kind::List(elements) => f.debug_list().entries(elements.iter()).finish(),
            Kind::Set(elements) => f.debug_set().entries(elements.iter()).finish(),
            Kind::Map(entries) => f.debug_map().entries(entries.iter()).finish(),
            Kind::Object(object) => {
                f.debug_map().entries(object.fields.iter()).finish()?;
                f.write_str(if object.open { " (open)" } else { "" })
            }
            Kind::Unknown(ty) => write!(f, "unknown({ty})"),
            Kind::Fingerprint(fingerprint) => write!(f, "fingerprint({fingerprint})"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::number(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Fingerprinter for Fixed {
        fn fingerprint(&self, _: &Value) -> String {
            "f1".into()
        }
    }

    #[test]
    fn redaction_leaves_only_fingerprints() {
        let secret = Value::string("hunter2").sensitive();
        let value = Value::object([("user".into(), "root".into()), ("password".into(), secret)]);
        let redacted = value.redacted(&Fixed);
        assert_eq!(redacted.get_str("user"), Some("root"));
        assert!(redacted.get("password").map(Value::kind) == Some(&Kind::Fingerprint("f1".into())));
        assert!(!format!("{value:?}{redacted:?}").contains("hunter2"));
        assert!(!redacted.is_wholly_known());
    }

    #[test]
    fn sets_are_sorted_and_distinct() {
        let set = Value::set([Value::number(3), Value::number(1), Value::number(3)]);
        assert_eq!(set.as_list().map(<[_]>::len), Some(2));
        assert_eq!(format!("{set:?}"), "{1, 3}");
    }

    #[test]
    fn an_open_object_is_not_wholly_known() {
        assert!(Value::object([]).is_wholly_known());
        assert!(!Value::list([Value::open_object([])]).is_wholly_known());
    }

    #[test]
    fn a_map_equals_an_object_of_the_same_content() {
        let entries = || [("a".to_owned(), Value::number(1))];
        assert!(Value::map(entries()).same(&Value::object(entries())));
        assert!(!Value::map(entries()).same(&Value::open_object(entries())));
    }
}
