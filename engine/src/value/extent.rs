//! What can be told of a value as a whole without going through it: counted once, when it is made.
//!
//! Parts may be shared, so that a small expression makes a value that no walk comes to the end of. A part counts as often as a
//! walk would meet it: whoever limits the weight of values limits the time and the space that any walk over one takes.

use bigdecimal::BigDecimal;

use super::{Kind, Marks, Value};
use crate::types::Type;

/// How many bytes a part is taken to have besides what it holds: about what it takes in memory.
const PART_BYTES: u64 = 64;

/// The extent of a value with all its parts, and its marks, which find their room here.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    weight: u32,
    depth: u8,
    /// Those of the value itself.
    pub(super) marks: Marks,
    /// Those of the value and of all its parts.
    pub(super) all_marks: Marks,
    pub(super) is_wholly_known: bool,
}

impl Extent {
    /// The extent of what a value is, which looks at its direct parts only.
    pub(super) fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Null | Kind::Bool(_) => Self::leaf(0),
            Kind::Number(number) => Self::leaf(number_bytes(number)),
            Kind::String(text) => Self::leaf(bytes(text)),
            Kind::List(elements) | Kind::Set(elements) => {
                let levels = if matches!(kind, Kind::Set(_)) { 2 } else { 1 };
                Self::around(elements.iter(), 0, levels)
            }
            Kind::Map(entries) => {
                Self::around(entries.values(), entries.keys().map(|key| bytes(key)).sum(), 2)
            }
            Kind::Object(object) => {
                let names = object.fields.keys().map(|name| bytes(name)).sum();
                let around = Self::around(object.fields.values(), names, 1);
                Self { is_wholly_known: around.is_wholly_known && !object.open, ..around }
            }
            Kind::Unknown(ty) => {
                let (parts, depth) = type_extent(ty);
                Self { is_wholly_known: false, depth, ..Self::leaf(PART_BYTES.saturating_mul(parts - 1)) }
            }
            Kind::Fingerprint(text) => Self { is_wholly_known: false, ..Self::leaf(bytes(text)) },
        }
    }

    fn leaf(bytes: u64) -> Self {
        Self {
            weight: saturated(PART_BYTES.saturating_add(bytes)),
            depth: 0,
            marks: Marks::NONE,
            all_marks: Marks::NONE,
            is_wholly_known: true,
        }
    }

    /// `levels`: how many brackets the value itself takes where values are stored, as [`Value::depth`] counts them.
    fn around<'v>(parts: impl Iterator<Item = &'v Value>, bytes: u64, levels: u8) -> Self {
        let (mut whole, mut weight) = (Self::leaf(bytes), PART_BYTES.saturating_add(bytes));
        for part in parts.map(|part| part.extent) {
            weight = weight.saturating_add(u64::from(part.weight));
            whole.depth = whole.depth.max(part.depth);
            whole.all_marks |= part.all_marks;
            whole.is_wholly_known &= part.is_wholly_known;
        }
        Self { weight: saturated(weight), depth: whole.depth.saturating_add(levels), ..whole }
    }
}

impl Value {
    /// How many bytes the value has with all its parts, roughly; [`u32::MAX`] stands for all that is more. What is shared counts as
    /// often as it is met.
    pub fn weight(&self) -> u32 {
        self.extent.weight
    }

    /// How deep the value is nested: 0 if it has no parts; [`u8::MAX`] stands for all that is more. A set and a map count double, for where values are stored their kind is
    /// written around them.
    pub fn depth(&self) -> u8 {
        self.extent.depth
    }
}

fn bytes(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

/// About as many bytes as it has digits.
fn number_bytes(number: &BigDecimal) -> u64 {
    let (digits, scale) = number.as_bigint_and_scale();
    scale.unsigned_abs().max(digits.bits() / 3)
}

fn saturated(weight: u64) -> u32 {
    u32::try_from(weight).unwrap_or(u32::MAX)
}

/// Whether a type has so many parts that it costs more than it tells: types share nothing, and every step copies them.
pub(super) fn is_too_large(ty: &Type) -> bool {
    const PARTS_MAX: u64 = 100_000;
    type_extent(ty).0 > PARTS_MAX
}

/// How many parts a type has, and how deep it is nested. A type shares nothing.
fn type_extent(ty: &Type) -> (u64, u8) {
    let around = |parts: &mut dyn Iterator<Item = &Type>| {
        let (count, depth) = parts.map(type_extent).fold((1u64, 0), |(count, deepest), (parts, depth)| {
            (count.saturating_add(parts), deepest.max(depth))
        });
        (count, depth.saturating_add(1))
    };
    match ty {
        Type::Any | Type::Bool | Type::Number | Type::String => (1, 0),
        Type::List(element) | Type::Set(element) | Type::Map(element) => {
            around(&mut std::iter::once(&**element))
        }
        Type::Tuple(elements) => around(&mut elements.iter()),
        Type::Object(fields) => around(&mut fields.values().map(|field| &field.ty)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value, depth: u8, weight: u64) {
        assert_eq!((value.depth(), u64::from(value.weight())), (depth, weight), "{value:?}");
    }

    #[test]
    fn parts_count_as_often_as_they_are_met() {
        let text = Value::string("twelve bytes");
        check(&text, 0, 76);
        check(&Value::list([text.clone(), text.clone()]), 1, 64 + 2 * 76);
        check(&Value::object([("name".into(), text.clone())]), 1, 64 + 4 + 76);
        check(&Value::map([("name".into(), text)]), 2, 64 + 4 + 76);
        check(&Value::unknown(Type::Bool.list().map()), 2, 64 + 2 * 64);
        check(&Value::number(1000), 0, 64 + 3);
    }

    #[test]
    fn doubled_forty_times_it_is_too_large_to_count_and_made_at_once() {
        let mut value = Value::string("x").sensitive();
        for _ in 0..40 {
            value = Value::list([value.clone(), value]);
        }
        assert_eq!((value.depth(), value.weight()), (40, u32::MAX));
        assert!(value.has_sensitive() && value.is_wholly_known());
    }

    #[test]
    fn it_takes_no_more_room() {
        assert_eq!(size_of::<Value>(), size_of::<Kind>() + 16);
    }
}
