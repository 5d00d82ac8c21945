//! Where inside a value something is.

use std::fmt;

use super::{Kind, Value};

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
        let mut sensitive = self.is_sensitive();
        for step in &path.0 {
            part = part.step(step)?;
            sensitive |= part.is_sensitive();
        }
        Some(part.clone().marked(sensitive))
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
    fn elements_are_found_by_their_keys_and_carry_the_marks_of_the_way() {
        let port = Value::object([("port".into(), Value::number(80)), ("name".into(), "http".into())]);
        let value = Value::object([("ports".into(), Value::list([port]).sensitive())]);
        let path = Path::attribute("ports")
            .join(PathStep::Element(vec![("port".into(), "80".into())]))
            .join(PathStep::Attribute("name".into()));
        assert_eq!(value.at(&path), Some(Value::string("http").sensitive()));
    }
}
