//! Where inside a value something is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Kind, Object, Value};

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathStep {
    /// Into an attribute of an object or an entry of a map.
    Attribute(String),
    /// Into an element of a list, from 0.
    Index(usize),
    /// Into the element of a list whose attributes have these values, as Kubernetes keys its lists.
    Element(Vec<(String, String)>),
}

/// A way into a value; empty is the value itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<PathStep>);

impl Path {
    /// The path of one attribute.
    pub fn attribute(name: impl Into<String>) -> Self {
        Self(vec![PathStep::Attribute(name.into())])
    }

    /// This path and one step more.
    #[must_use]
    pub fn join(&self, step: PathStep) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Whether `self` is `other` or lies inside it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl Value {
    /// The part at a path, marked if anything on the way there is.
    pub fn at(&self, path: &Path) -> Option<Value> {
        let mut part = self;
        let mut marks = self.marks();
        for step in &path.0 {
            part = part.step(step)?;
            marks |= part.marks();
        }
        Some(part.clone().marked(marks))
    }

    /// Where the first part is that is ephemeral as a whole, if any is.
    pub fn first_ephemeral(&self) -> Option<Path> {
        if self.marks().is_ephemeral() || !self.has_ephemeral() {
            return self.has_ephemeral().then(Path::default);
        }
        let elements = self.as_list().unwrap_or_default().iter().enumerate();
        let elements = elements.map(|(index, part)| (PathStep::Index(index), part));
        let entries = self.as_map().into_iter().flatten();
        let entries = entries.map(|(name, part)| (PathStep::Attribute(name.clone()), part));
        elements.chain(entries).find_map(|(step, part)| {
            let inside = part.first_ephemeral()?;
            Some(Path(std::iter::once(step).chain(inside.0).collect()))
        })
    }

    /// The same value with another part at a path, or without it. Unchanged where there is nothing that the part could be in.
    #[must_use]
    pub fn with_part(&self, path: &Path, part: Option<Value>) -> Value {
        self.with_part_at(&path.0, part).unwrap_or_else(|| self.clone())
    }

    fn with_part_at(&self, path: &[PathStep], part: Option<Value>) -> Option<Value> {
        let Some((step, rest)) = path.split_first() else { return part };
        let inner = match rest {
            [] => part,
            _ => Some(self.step(step)?.with_part_at(rest, part)?),
        };
        let kind = match (step, self.kind()) {
            (PathStep::Attribute(name), Kind::Object(object)) => {
                let fields = with_entry(&object.fields, name, inner);
                Kind::Object(Arc::new(Object { fields, open: object.open }))
            }
            (PathStep::Attribute(name), Kind::Map(entries)) => {
                Kind::Map(Arc::new(with_entry(entries, name, inner)))
            }
            (PathStep::Index(index), Kind::List(elements)) => {
                let mut elements = Vec::clone(elements);
                *elements.get_mut(*index)? = inner?;
                Kind::List(Arc::new(elements))
            }
            _ => return None,
        };
        Some(Value::new(kind).marked(self.marks()))
    }

    fn step(&self, step: &PathStep) -> Option<&Value> {
        match (step, self.kind()) {
            (PathStep::Attribute(name), _) => self.get(name),
            (PathStep::Index(index), Kind::List(elements)) => elements.get(*index),
            (PathStep::Element(keys), Kind::List(elements)) => elements.iter().find(|element| {
                keys.iter().all(|(name, text)| element.get(name).is_some_and(|value| value.shows_as(text)))
            }),
            _ => None,
        }
    }

    fn shows_as(&self, text: &str) -> bool {
        match self.kind() {
            Kind::String(own) => **own == *text,
            Kind::Number(number) => number.normalized().to_plain_string() == text,
            Kind::Bool(truth) => truth.to_string() == text,
            _ => false,
        }
    }
}

fn with_entry(
    entries: &BTreeMap<String, Value>,
    name: &str,
    value: Option<Value>,
) -> BTreeMap<String, Value> {
    let mut entries = entries.clone();
    match value {
        Some(value) => entries.insert(name.to_owned(), value),
        None => entries.remove(name),
    };
    entries
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Attribute(name) if crate::address::is_identifier(name) => {
                    write!(f, "{}{name}", if position == 0 { "" } else { "." })?;
                }
                PathStep::Attribute(name) => write!(f, "[{name:?}]")?,
                PathStep::Index(index) => write!(f, "[{index}]")?,
                PathStep::Element(keys) => {
                    let keys: Vec<_> = keys.iter().map(|(_, text)| format!("{text:?}")).collect();
                    write!(f, "[{}]", keys.join(","))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_show_as_one_would_write_them() {
        let path = Path::attribute("spec")
            .join(PathStep::Attribute("containers".into()))
            .join(PathStep::Element(vec![("name".into(), "web".into())]))
            .join(PathStep::Attribute("app.kubernetes.io/name".into()))
            .join(PathStep::Index(2));
        assert_eq!(path.to_string(), r#"spec.containers["web"]["app.kubernetes.io/name"][2]"#);
    }

    #[test]
    fn parts_are_put_in_and_taken_out() {
        let object = |name: &str, value: Value| Value::object([(name.to_owned(), value)]);
        let path =
            |names: &[&str]| Path(names.iter().map(|name| PathStep::Attribute((*name).into())).collect());
        let value = object("spec", object("replicas", 2.into()).sensitive());
        let check = |path: &Path, part: Option<Value>, expect: Value| {
            assert_eq!(value.with_part(path, part), expect, "{path}");
        };
        check(
            &path(&["spec", "replicas"]),
            Some(3.into()),
            object("spec", object("replicas", 3.into()).sensitive()),
        );
        check(&path(&["spec", "replicas"]), None, object("spec", Value::object([]).sensitive()));
        check(&path(&["spec", "paused", "x"]), Some(3.into()), value.clone());
        let list = object("l", Value::list([1.into(), 2.into()]));
        let second = path(&["l"]).join(PathStep::Index(1));
        assert_eq!(list.with_part(&second, Some(9.into())), object("l", Value::list([1.into(), 9.into()])));
        assert_eq!(list.with_part(&path(&["l"]).join(PathStep::Index(2)), Some(9.into())), list);
    }

    #[test]
    fn elements_are_found_by_their_keys_and_carry_the_marks_of_the_way() {
        let port = Value::object([("port".into(), Value::number(80)), ("name".into(), "http".into())]);
        let value = Value::object([("ports".into(), Value::list([port]).sensitive())]);
        let path = Path::attribute("ports")
            .join(PathStep::Element(vec![("port".into(), "80".into())]))
            .join(PathStep::Attribute("name".into()));
        assert_eq!(value.at(&path), Some(Value::string("http").sensitive()));
    }
}
