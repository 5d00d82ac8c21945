//! References, attributes, indices and splats.

use hcl_edit::expr::{Expression as Ast, TraversalOperator};
use hcl_edit::{Decorated, Span as _};

use super::looping::is_open;
use super::{Evaluated, Evaluator, type_when_known};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::lang::convert::article;
use crate::lang::expression::attribute;
use crate::lang::scope::Found;
use crate::lang::unify::{element_type_of, type_of_value};
use crate::lang::{convert, number};
use crate::types::Type;
use crate::value::{Kind, Marks, Value};

type Operator = Decorated<TraversalOperator>;

/// A part of a value: in it, or made up for what is unknown.
pub(super) enum Part<'v> {
    In(&'v Value),
    Made(Value),
}

impl Evaluator<'_> {
    /// The value of an expression, followed by steps into it.
    pub(super) fn traverse(
        &self,
        root: &Ast,
        steps: &[Operator],
        diagnostics: &mut Diagnostics,
    ) -> Evaluated {
        let Ast::Variable(name) = root else {
            let value = self.value(root, diagnostics);
            return self.walk(&value, steps, diagnostics);
        };
        let name = name.as_str();
        if let Some(value) = self.bound(name) {
            return self.walk(value, steps, diagnostics);
        }
        match self.scope.root(name) {
            Found::Value(value) => self.walk(value, steps, diagnostics),
            Found::Namespace => {
                let Some((first, rest)) = steps.split_first() else {
                    return Err(self.whole_namespace(root, name));
                };
                let Some(member) = attribute(first) else { return Err(self.whole_namespace(root, name)) };
                match self.scope.get_in(name, member) {
                    Some(value) => self.walk(value, rest, diagnostics),
                    None => Err(self.unknown_member(root, name, first, member)),
                }
            }
            Found::Missing => Err(self.unknown_root(root, name)),
        }
    }

    /// Steps into a value by reference: a root is never cloned for one of its parts.
    fn walk(&self, value: &Value, steps: &[Operator], diagnostics: &mut Diagnostics) -> Evaluated {
        let mut current = value;
        let mut marks = Marks::NONE;
        for (position, step) in steps.iter().enumerate() {
            let rest = &steps[position + 1..];
            marks |= current.marks();
            let part = match step.value() {
                TraversalOperator::GetAttr(name) => {
                    self.attribute(current, step, name.as_str(), marks.is_sensitive())?
                }
                TraversalOperator::Index(key) => {
                    let key_value = self.value(key, diagnostics);
                    // Any part may be meant by an unknown key.
                    marks |= key_value.marks();
                    if !key_value.is_known() {
                        marks |= current.all_marks();
                    }
                    self.index(current, step, &key_value, marks.is_sensitive())?
                }
                TraversalOperator::LegacyIndex(index) => {
                    self.index(current, step, &Value::number(*index.value()), marks.is_sensitive())?
                }
                TraversalOperator::FullSplat(_) => {
                    return Ok(self.splat(step, current, rest, diagnostics)?.marked(marks));
                }
                TraversalOperator::AttrSplat(_) => {
                    let attributes = rest.iter().take_while(|step| attribute(step).is_some()).count();
                    let (each, after) = rest.split_at(attributes);
                    let list = self.splat(step, current, each, diagnostics)?;
                    return Ok(self.walk(&list, after, diagnostics)?.marked(marks));
                }
            };
            match part {
                Part::In(part) => current = part,
                Part::Made(part) => return Ok(self.walk(&part, rest, diagnostics)?.marked(marks)),
            }
        }
        Ok(current.clone().marked(marks))
    }

    /// `hidden`: the names of other attributes must not be told.
    fn attribute<'v>(
        &self,
        value: &'v Value,
        step: &Operator,
        name: &str,
        hidden: bool,
    ) -> Result<Part<'v>, Diagnostic> {
        match value.kind() {
            Kind::Object(object) => match object.fields.get(name) {
                Some(part) => Ok(Part::In(part)),
                None if object.open => Ok(Part::Made(Value::unknown(Type::Any))),
                None => Err(self.no_part(step, value, name, hidden)),
            },
            Kind::Map(entries) => {
                entries.get(name).map(Part::In).ok_or_else(|| self.no_part(step, value, name, hidden))
            }
            Kind::Unknown(ty) => self.attribute_of_unknown(ty, step, name),
            Kind::Fingerprint(_) => Ok(Part::Made(Value::unknown(Type::Any))),
            Kind::Null => {
                Err(self.wrong_step(step, format!("This is null, so it has no attribute {name:?}.")))
            }
            Kind::List(_) | Kind::Set(_) => Err(self.attribute_of_list(step, value.type_name(), name)),
            Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => {
                let detail = format!("{} has no attributes.", capitalised(&article(value.type_name())));
                Err(self.wrong_step(step, detail))
            }
        }
    }

    fn attribute_of_unknown(
        &self,
        ty: &Type,
        step: &Operator,
        name: &str,
    ) -> Result<Part<'static>, Diagnostic> {
        let part = match ty {
            Type::Any => Type::Any,
            Type::Map(element) => (**element).clone(),
            Type::Object(fields) => match fields.get(name) {
                Some(field) => field.ty.clone(),
                None => return Err(self.no_attribute(step, name, fields.keys().map(String::as_str))),
            },
            Type::List(_) | Type::Tuple(_) | Type::Set(_) => {
                return Err(self.attribute_of_list(step, ty.name(), name));
            }
            Type::Bool | Type::Number | Type::String => {
                let detail = format!("{} has no attributes.", capitalised(&article(ty.name())));
                return Err(self.wrong_step(step, detail));
            }
        };
        Ok(Part::Made(Value::unknown(part)))
    }

    fn index<'v>(
        &self,
        value: &'v Value,
        step: &Operator,
        key: &Value,
        hidden: bool,
    ) -> Result<Part<'v>, Diagnostic> {
        if key.is_null() {
            return Err(self.wrong_step(step, "The index is null.".into()));
        }
        match value.kind() {
            Kind::List(elements) => match self.position(step, key, Some(elements.len()))? {
                Some(position) => {
                    elements.get(position).map(Part::In).ok_or_else(|| self.beyond(step, elements.len()))
                }
                None => Ok(Part::Made(Value::unknown(element_type_of(value).unwrap_or(Type::Any)))),
            },
            Kind::Map(_) | Kind::Object(_) => self.entry(value, step, key, hidden),
            Kind::Unknown(ty) => self.index_of_unknown(ty, step, key),
            Kind::Fingerprint(_) => Ok(Part::Made(Value::unknown(Type::Any))),
            Kind::Null => Err(self.wrong_step(step, "This is null, so it has no elements.".into())),
            Kind::Set(_) => Err(self.index_of_set(step)),
            Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => {
                let detail = format!("{} has no elements.", capitalised(&article(value.type_name())));
                Err(self.wrong_step(step, detail))
            }
        }
    }

    fn entry<'v>(
        &self,
        value: &'v Value,
        step: &Operator,
        key: &Value,
        hidden: bool,
    ) -> Result<Part<'v>, Diagnostic> {
        let text = self.text_key(step, key)?;
        let (Some(name), Some(entries)) = (text.as_str(), value.as_map()) else {
            return Ok(Part::Made(Value::unknown(element_type_of(value).unwrap_or(Type::Any))));
        };
        match entries.get(name) {
            Some(part) => Ok(Part::In(part)),
            None if is_open(value) => Ok(Part::Made(Value::unknown(Type::Any))),
            None => Err(self.no_part(step, value, name, hidden)),
        }
    }

    fn index_of_unknown(&self, ty: &Type, step: &Operator, key: &Value) -> Result<Part<'static>, Diagnostic> {
        let part = match ty {
            Type::List(element) => {
                self.position(step, key, None)?;
                (**element).clone()
            }
            Type::Tuple(elements) => match self.position(step, key, Some(elements.len()))? {
                Some(position) => {
                    elements.get(position).cloned().ok_or_else(|| self.beyond(step, elements.len()))?
                }
                None => Type::Any,
            },
            Type::Map(element) => {
                self.text_key(step, key)?;
                (**element).clone()
            }
            Type::Object(_) => match self.text_key(step, key)?.as_str() {
                Some(name) => return self.attribute_of_unknown(ty, step, name),
                None => Type::Any,
            },
            Type::Any => Type::Any,
            Type::Set(_) => return Err(self.index_of_set(step)),
            Type::Bool | Type::Number | Type::String => {
                let detail = format!("{} has no elements.", capitalised(&article(ty.name())));
                return Err(self.wrong_step(step, detail));
            }
        };
        Ok(Part::Made(Value::unknown(part)))
    }

    fn text_key(&self, step: &Operator, key: &Value) -> Result<Value, Diagnostic> {
        convert(key, &Type::String)
            .map_err(|error| self.wrong_step(step, format!("This cannot be a key: {}.", error.message)))
    }

    /// A position in a list; `None` when it is unknown.
    fn position(
        &self,
        step: &Operator,
        key: &Value,
        length: Option<usize>,
    ) -> Result<Option<usize>, Diagnostic> {
        let position = convert(key, &Type::Number)
            .map_err(|error| self.wrong_step(step, format!("This cannot be an index: {}.", error.message)))?;
        let Some(position) = position.as_number() else { return Ok(None) };
        if number::sign(position) < 0 {
            return Err(self.wrong_step(step, "An index counts from 0; it cannot be negative.".into()));
        }
        if !number::is_whole(position) {
            return Err(self.wrong_step(step, "An index must be a whole number.".into()));
        }
        match number::whole(position).and_then(|position| usize::try_from(position).ok()) {
            Some(position) => Ok(Some(position)),
            None => Err(self.beyond(step, length.unwrap_or(usize::MAX))),
        }
    }

    /// Every element with the same steps into it. What is no list is one of a single element, and null is one of none.
    fn splat(
        &self,
        splat: &Operator,
        value: &Value,
        each: &[Operator],
        diagnostics: &mut Diagnostics,
    ) -> Evaluated {
        match value.kind() {
            Kind::List(elements) | Kind::Set(elements) => {
                let rounds = self.spent.rounds(elements.len());
                rounds.map_err(|(summary, detail)| self.wrong_at(splat.span(), summary, detail))?;
                let parts = elements.iter().map(|element| self.walk(element, each, diagnostics));
                let parts = parts.collect::<Result<Vec<_>, _>>()?;
                match element_type_of(value) {
                    Some(element) => self.splat_of_list(element, parts, each, diagnostics),
                    None => Ok(Value::list(parts)),
                }
            }
            Kind::Null => Ok(Value::list([])),
            Kind::Unknown(Type::String) if value.known_prefix().is_some() => {
                Ok(Value::list([self.walk(value, each, diagnostics)?]))
            }
            Kind::Unknown(ty) => {
                let element = match ty {
                    Type::List(element) | Type::Set(element) => (**element).clone(),
                    Type::Tuple(elements) => return self.splat_of_tuple(elements, each, diagnostics),
                    Type::Any => return Ok(Value::unknown(Type::Any)),
                    other => other.clone(),
                };
                let part = self.walk(&Value::unknown(element), each, diagnostics)?;
                Ok(Value::unknown(type_of_value(&part).list()))
            }
            Kind::Fingerprint(_) => Ok(Value::unknown(type_when_known(value).clone())),
            _ => Ok(Value::list([self.walk(value, each, diagnostics)?])),
        }
    }

    /// The parts of a list's elements are a list if they have one type, too.
    fn splat_of_list(
        &self,
        element: Type,
        parts: Vec<Value>,
        each: &[Operator],
        diagnostics: &mut Diagnostics,
    ) -> Evaluated {
        let ty = match parts.first() {
            _ if each.is_empty() => element,
            Some(first) => type_of_value(first),
            None => type_of_value(&self.walk(&Value::unknown(element), each, diagnostics)?),
        };
        let is_list = each.is_empty() || parts.iter().skip(1).all(|part| type_of_value(part) == ty);
        Ok(if is_list { Value::list(parts).stating(ty) } else { Value::list(parts) })
    }

    fn splat_of_tuple(
        &self,
        elements: &[Type],
        each: &[Operator],
        diagnostics: &mut Diagnostics,
    ) -> Evaluated {
        let parts =
            elements.iter().map(|element| self.walk(&Value::unknown(element.clone()), each, diagnostics));
        Ok(Value::list(parts.collect::<Result<Vec<_>, _>>()?))
    }

    fn whole_namespace(&self, ast: &Ast, root: &str) -> Diagnostic {
        let detail =
            format!("{root:?} is a family of names, not a value: use one of them, as in {root}.name.");
        self.wrong(ast, "Invalid reference", detail)
    }

    fn unknown_member(&self, ast: &Ast, root: &str, step: &Operator, name: &str) -> Diagnostic {
        let what = match root {
            "var" => format!("variable {name:?}"),
            "local" => format!("local value {name:?}"),
            _ => format!("{root} {name:?}"),
        };
        let hint = match (did_you_mean(name, self.scope.names_in(root)), root) {
            (Some(meant), _) => format!(" Did you mean {root}.{meant}?"),
            (None, "var") => format!(" Declare it with a block variable {name:?} {{ }}."),
            (None, "local") => " Set it in a locals block.".into(),
            (None, _) => " No block of this stack declares it.".into(),
        };
        let range = ast.span().map(|range| range.start..step.span().map_or(range.end, |step| step.end));
        self.wrong_at(range, "Unknown name", format!("There is no {what}.{hint}"))
    }

    fn unknown_root(&self, ast: &Ast, root: &str) -> Diagnostic {
        let detail = match root {
            "each" => "each is there only where for_each is set.".to_owned(),
            "count" => "count is there only where count is set.".to_owned(),
            "self" => "self is there only in postconditions.".to_owned(),
            _ => {
                let names = self.scope.root_names().into_iter().chain(self.bound_names());
                let inside = ["var", "local"].into_iter().find_map(|family| {
                    did_you_mean(root, self.scope.names_in(family)).map(|name| format!("{family}.{name}"))
                });
                match did_you_mean(root, names).map(str::to_owned).or(inside) {
                    Some(meant) => format!("There is no {root:?}. Did you mean {meant}?"),
                    None => format!(
                        "There is no {root:?}. A reference starts with var, local, a block type such as cluster, or a \
                         resource type; a text stands in quotes."
                    ),
                }
            }
        };
        self.wrong(ast, "Unknown name", detail)
    }

    fn no_attribute<'n>(
        &self,
        step: &Operator,
        name: &str,
        names: impl Iterator<Item = &'n str>,
    ) -> Diagnostic {
        let hint = suggestion(name, names.collect());
        self.wrong_step(step, format!("The object has no attribute {name:?}.{hint}"))
    }

    fn no_part(&self, step: &Operator, value: &Value, name: &str, hidden: bool) -> Diagnostic {
        let word = if let Kind::Object(_) = value.kind() { "attribute" } else { "element" };
        let what = value.type_name();
        if hidden {
            return self.wrong_step(step, format!("The {what} has no such {word}."));
        }
        let names = value.as_map().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        self.wrong_step(step, format!("The {what} has no {word} {name:?}.{}", suggestion(name, names)))
    }

    fn attribute_of_list(&self, step: &Operator, list: &str, name: &str) -> Diagnostic {
        let detail = match list {
            "set" => format!("A set has no attribute {name:?}. For that of every element, write [*].{name}."),
            _ => format!(
                "A list has no attribute {name:?}. For that of one element, write [0].{name}; for that of all of them, \
                 [*].{name}."
            ),
        };
        self.wrong_step(step, detail)
    }

    fn index_of_set(&self, step: &Operator) -> Diagnostic {
        let detail = "The elements of a set have no index. Use tolist or a for expression.";
        self.wrong_step(step, detail.into())
    }

    fn beyond(&self, step: &Operator, length: usize) -> Diagnostic {
        let detail = match length {
            0 => "The list is empty.".to_owned(),
            1 => "The list has only one element, of index 0.".to_owned(),
            _ => format!("The list has {length} elements: the last index is {}.", length - 1),
        };
        self.wrong_step(step, detail)
    }

    fn wrong_step(&self, step: &Operator, detail: String) -> Diagnostic {
        let range = match step.value() {
            TraversalOperator::GetAttr(name) => name.span(),
            TraversalOperator::Index(key) => key.span(),
            _ => None,
        };
        let summary = match step.value() {
            TraversalOperator::GetAttr(_) => "Unsupported attribute",
            _ => "Invalid index",
        };
        self.wrong_at(range.or_else(|| step.span()), summary, detail)
    }
}

/// What was meant, or what there is.
fn suggestion(name: &str, names: Vec<&str>) -> String {
    const SHOWN_MAX: usize = 8;
    if let Some(meant) = did_you_mean(name, names.iter().copied()) {
        return format!(" Did you mean {meant:?}?");
    }
    match names.len() {
        0 => " It is empty.".into(),
        1..=SHOWN_MAX => format!(" There are: {}.", names.join(", ")),
        more => format!(" There are: {} and {} more.", names[..SHOWN_MAX].join(", "), more - SHOWN_MAX),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}
