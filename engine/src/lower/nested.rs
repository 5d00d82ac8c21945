//! The blocks inside a block → the attributes that they come to, and from which block each part of a value comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attributes::complete;
use super::elements::elements;
use crate::config::{Content, Dynamic, Nested, wrong_count};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::lang::{Expression, Scope, convert, evaluate};
use crate::schema::{BlockType, Body, Nesting};
use crate::types::Type;
use crate::value::{Kind, Path, PathStep, Value};

/// The block that a value comes from, and those that its parts come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    content: Arc<Content>,
    /// What its labels say, as far as that is known, by the attributes that they stand under.
    labels: Vec<(&'static str, String)>,
    /// By type, in the order of the values that they gave.
    blocks: BTreeMap<String, Vec<Origin>>,
}

impl Origin {
    pub(super) fn new(content: &Arc<Content>) -> Self {
        Self { content: Arc::clone(content), labels: Vec::new(), blocks: BTreeMap::new() }
    }

    /// Where the part at a path is written, as far as the text tells; else what encloses it. `None` for what is not written here.
    pub(crate) fn place(&self, path: &Path) -> Option<Span> {
        let Some((PathStep::Attribute(name), rest)) = path.0.split_first() else { return None };
        if let Some(expression) = self.content.attributes.get(name) {
            return expression.part_at(&Path(rest.to_vec()));
        }
        let blocks = self.blocks.get(name)?;
        let (block, rest) = match rest.split_first() {
            Some((PathStep::Index(index), rest)) => (blocks.get(*index)?, rest),
            Some((PathStep::Element(keys), rest)) => (blocks.iter().find(|block| block.has(keys))?, rest),
            // A single block, or something about all of them.
            _ => (blocks.first()?, rest),
        };
        block.place(&Path(rest.to_vec())).or_else(|| block.content.span.clone())
    }

    /// Whether its labels and arguments are these, as far as they are written out.
    fn has(&self, keys: &[(String, String)]) -> bool {
        keys.iter().all(|(name, text)| {
            let argument = self.content.attributes.get(name).and_then(Expression::literal_string);
            argument == Some(text) || self.labels.iter().any(|(label, own)| label == name && own == text)
        })
    }

    /// Some place in the block, to point at when there is no better one.
    pub(crate) fn any_place(&self) -> Option<Span> {
        self.content
            .attributes
            .values()
            .next()
            .and_then(Expression::span)
            .or_else(|| self.content.span.clone())
    }
}

/// Puts what the nested blocks of all types come to into the block's value.
pub(super) fn nest(
    schema: &Body,
    fields: &mut BTreeMap<String, Value>,
    origin: &mut Origin,
    scope: &Scope<'_>,
    diagnostics: &mut Diagnostics,
) {
    for ty in &schema.blocks {
        let mut blocks =
            Blocks { ty, values: Vec::new(), origins: Vec::new(), known: true, sensitive: false };
        let content = Arc::clone(&origin.content);
        for nested in content.blocks.get(ty.name).into_iter().flatten() {
            match nested {
                Nested::Written { labels, content } => {
                    let labels = labels.iter().map(|label| Value::string(label.as_str()));
                    blocks.add(labels.collect(), content, scope, diagnostics);
                }
                Nested::Dynamic(dynamic) => blocks.expand(dynamic, scope, diagnostics),
            }
        }
        blocks.check(content.span.as_ref(), diagnostics);
        let (value, origins) = blocks.finish();
        fields.insert(ty.name.to_owned(), value);
        if !origins.is_empty() {
            origin.blocks.insert(ty.name.to_owned(), origins);
        }
    }
}

/// The blocks of one type in a block.
struct Blocks<'a> {
    ty: &'a BlockType,
    values: Vec<Value>,
    origins: Vec<Origin>,
    /// Whether there are just these.
    known: bool,
    /// Whether it is a secret how many there are.
    sensitive: bool,
}

impl Blocks<'_> {
    fn add(
        &mut self,
        labels: Vec<Value>,
        content: &Arc<Content>,
        scope: &Scope<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let (value, mut origin) = complete(&self.ty.body, content, scope, diagnostics);
        let known = self.ty.labels.iter().zip(&labels).filter(|(_, label)| !label.is_sensitive());
        origin.labels = known.filter_map(|(name, label)| Some((*name, label.as_str()?.to_owned()))).collect();
        let names = self.ty.labels.iter().map(|name| (*name).to_owned());
        let fields = value.as_map().cloned().unwrap_or_default();
        self.values.push(Value::object(fields.into_iter().chain(names.zip(labels))));
        self.origins.push(origin);
    }

    fn expand(&mut self, dynamic: &Dynamic, scope: &Scope<'_>, diagnostics: &mut Diagnostics) {
        let elements = elements(&dynamic.for_each, "a `dynamic` block", scope, diagnostics);
        self.sensitive |= elements.sensitive;
        // What the content says of an unknown element is looked at all the same.
        let all = elements.all.unwrap_or_else(|(key, value)| {
            self.known = false;
            vec![(Value::unknown(key), Value::unknown(value))]
        });
        for (key, value) in all {
            let mut inner = scope.child();
            let [key, value] = [key, value].map(|part| part.marked(elements.sensitive));
            let element = Value::object([("key".to_owned(), key), ("value".to_owned(), value)]);
            inner.set(dynamic.iterator.as_str(), element);
            let labels = match &dynamic.labels {
                Some(labels) => self.labels(labels, &inner, diagnostics),
                None => Vec::new(),
            };
            self.add(labels, &dynamic.content, &inner, diagnostics);
        }
    }

    fn labels(
        &self,
        expression: &Expression,
        scope: &Scope<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Value> {
        let unknown = || vec![Value::unknown(Type::String); self.ty.labels.len()];
        let mut problems = Diagnostics::new();
        let value = evaluate(expression, scope, &mut problems);
        if problems.has_errors() {
            diagnostics.extend(problems);
            return unknown();
        }
        let strings = Type::Tuple(vec![Type::String; self.ty.labels.len()]);
        let labels = convert(&value, &strings).ok();
        let labels = match labels.as_ref().map(|labels| (labels.kind(), labels.as_list())) {
            Some((Kind::Unknown(_), _)) => return unknown(),
            Some((_, Some(labels))) if !labels.iter().any(Value::is_null) => labels,
            _ => {
                let names = self.ty.labels.join(", ");
                let detail =
                    format!("They are a list of strings, one for each label of the block: [{names}].");
                diagnostics.push(Diagnostic::error("Invalid labels", detail).at(expression.span()));
                return unknown();
            }
        };
        labels.iter().map(|label| label.clone().marked(value.is_sensitive())).collect()
    }

    fn check(&self, outer: Option<&Span>, diagnostics: &mut Diagnostics) {
        let spans: Vec<_> = self.origins.iter().map(|origin| origin.content.span.clone()).collect();
        if self.known {
            diagnostics.extend(wrong_count(self.ty, outer, &spans));
        }
        if self.ty.nesting == Nesting::Distinct {
            diagnostics.extend(self.values.iter().zip(spans).enumerate().filter_map(
                |(at, (value, span))| {
                    let labels = self.known_labels(value)?;
                    let mut earlier =
                        self.values.iter().take(at).filter_map(|value| self.known_labels(value));
                    earlier.any(|other| other == labels).then(|| self.duplicate(&labels).at(span))
                },
            ));
        }
    }

    /// The labels of a block, as far as all of them are known and may be shown.
    fn known_labels<'v>(&self, value: &'v Value) -> Option<Vec<&'v str>> {
        self.ty
            .labels
            .iter()
            .map(|name| value.get(name).filter(|label| !label.is_sensitive())?.as_str())
            .collect()
    }

    fn duplicate(&self, labels: &[&str]) -> Diagnostic {
        let labels: String = labels.iter().map(|label| format!(" {label:?}")).collect();
        let detail =
            format!("There is another block `{}{labels}`. Give one of the two another name.", self.ty.name);
        Diagnostic::error("Duplicate block", detail)
    }

    fn finish(self) -> (Value, Vec<Origin>) {
        let value = match (self.known, self.ty.nesting) {
            (false, _) => Value::unknown(self.ty.ty()),
            (true, Nesting::Single) => self.values.into_iter().next().unwrap_or_else(Value::null),
            (true, Nesting::List | Nesting::Distinct) => Value::list(self.values),
        };
        (value.marked(self.sensitive), self.origins)
    }
}

/// What expressions see of a value that was never applied: what only the target sets is unknown.
pub(crate) fn with_computed(body: &Body, value: &Value) -> Value {
    let Some(fields) = value.as_map() else { return value.clone() };
    let mut fields = fields.clone();
    for attribute in body.computed() {
        let unknown = Value::unknown(attribute.ty.clone()).marked(attribute.sensitive);
        fields.insert(attribute.name.to_owned(), unknown);
    }
    for ty in &body.blocks {
        if let Some(nested) = fields.get_mut(ty.name) {
            let of_element = |element: &Value| with_computed(&ty.body, element);
            *nested = match nested.kind() {
                Kind::List(elements) => Value::list(elements.iter().map(of_element)),
                _ => of_element(nested),
            }
            .marked(nested.is_sensitive());
        }
    }
    Value::object(fields).marked(value.is_sensitive())
}
