//! What functions take and return, and the checks that all of them share.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bigdecimal::BigDecimal;

use crate::lang::convert::article;
use crate::lang::limits::{PARTS_MAX, TEXT_MAX};
use crate::lang::{FunctionContext, convert, number};
use crate::types::Type;
use crate::value::{Marks, Value};

/// One function.
pub(in crate::lang) struct Function {
    pub(in crate::lang) name: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// How many of the parameters must be given.
    pub(super) required: usize,
    /// What any further arguments are.
    pub(super) rest: Option<Parameter>,
    /// What the result is while it is unknown.
    pub(in crate::lang) returns: Shape,
    /// Whether it looks at unknown and sensitive values itself.
    pub(super) raw: bool,
    pub(super) run: fn(&Call<'_>) -> Outcome,
}

/// One parameter.
#[derive(Clone, Copy)]
pub(in crate::lang) struct Parameter {
    name: &'static str,
    shape: Shape,
    nullable: bool,
    parts: bool,
}

/// What arguments and results are, roughly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::lang) enum Shape {
    Any,
    Bool,
    Number,
    Text,
    /// A list, set or tuple, left as it is.
    Sequence,
    /// A list whose elements have one type.
    List,
    Texts,
    Numbers,
    Bools,
    /// A map or object, left as it is.
    Entries,
    Set,
}

/// The arguments of a call, checked and converted, without the marks that the result will carry anyway.
pub(in crate::lang) struct Call<'a> {
    pub(super) arguments: Vec<Value>,
    pub(super) context: &'a FunctionContext<'a>,
}

/// Why a call failed. The message shows nothing of the arguments; `shown` does.
#[derive(Debug)]
pub(in crate::lang) struct Failure {
    pub(in crate::lang) argument: Option<usize>,
    pub(in crate::lang) message: String,
    pub(in crate::lang) shown: Option<String>,
}

pub(in crate::lang) type Outcome = Result<Value, Failure>;

impl Shape {
    pub(in crate::lang) fn ty(self) -> Type {
        match self {
            // Neither is a list or a tuple, a map or an object told apart before the result is there.
            Self::Any | Self::Sequence | Self::Entries => Type::Any,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::Text => Type::String,
            Self::List => Type::Any.list(),
            Self::Texts => Type::String.list(),
            Self::Numbers => Type::Number.list(),
            Self::Bools => Type::Bool.list(),
            Self::Set => Type::Set(Box::new(Type::Any)),
        }
    }

    /// A result with the type of its elements, if it is the same for all that the function returns.
    fn state(self, result: Value) -> Value {
        match self {
            Self::Texts => result.stating(Type::String),
            Self::Numbers => result.stating(Type::Number),
            _ => result,
        }
    }

    /// An argument in this shape. Sequences and entries keep the types of their parts.
    fn fit(self, value: &Value) -> Result<Value, String> {
        let fits = match self {
            Self::Any => return Ok(value.clone()),
            Self::Sequence if value.is_known() => value.as_list().is_some(),
            Self::Entries if value.is_known() => value.as_map().is_some(),
            Self::Sequence | Self::Entries | Self::Set if !value.is_known() => {
                let ty = if self == Self::Entries { Type::Any.map() } else { Type::Any.list() };
                return convert(value, &ty)
                    .or_else(|_| convert(value, &Shape::Set.ty()))
                    .map_err(|error| error.to_string());
            }
            _ => return convert(value, &self.ty()).map_err(|error| error.to_string()),
        };
        match (fits, self) {
            (true, _) => Ok(value.clone()),
            (false, Self::Entries) => {
                Err(format!("a map or object is required, not {}", article(value.type_name())))
            }
            (false, _) => {
                Err(format!("a list, set or tuple is required, not {}", article(value.type_name())))
            }
        }
    }
}

impl Parameter {
    const fn new(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, nullable: false, parts: false }
    }

    pub(super) const fn any(name: &'static str) -> Self {
        Self::new(name, Shape::Any)
    }

    pub(super) const fn text(name: &'static str) -> Self {
        Self::new(name, Shape::Text)
    }

    pub(super) const fn number(name: &'static str) -> Self {
        Self::new(name, Shape::Number)
    }

    pub(super) const fn of(name: &'static str, shape: Shape) -> Self {
        Self::new(name, shape)
    }

    /// A list, set or tuple of which only the parts are moved about.
    pub(super) const fn sequence(name: &'static str) -> Self {
        Self { parts: true, ..Self::new(name, Shape::Sequence) }
    }

    /// A list whose elements have one type and are only moved about.
    pub(super) const fn list(name: &'static str) -> Self {
        Self { parts: true, ..Self::new(name, Shape::List) }
    }

    /// A map or object of which only the parts are moved about.
    pub(super) const fn entries(name: &'static str) -> Self {
        Self { parts: true, ..Self::new(name, Shape::Entries) }
    }

    /// Null is a value like any other.
    pub(super) const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// Unknown and sensitive parts are the function's own business.
    pub(super) const fn in_parts(self) -> Self {
        Self { parts: true, ..self }
    }
}

impl Function {
    pub(super) const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        returns: Shape,
        run: fn(&Call<'_>) -> Outcome,
    ) -> Self {
        Self { name, parameters, required: parameters.len(), rest: None, returns, raw: false, run }
    }

    /// The last parameters may be left out.
    pub(super) const fn required(self, required: usize) -> Self {
        Self { required, ..self }
    }

    /// Any number of further arguments.
    pub(super) const fn with_rest(self, rest: Parameter) -> Self {
        Self { rest: Some(rest), ..self }
    }

    /// Looks at unknown and sensitive values itself.
    pub(super) const fn raw(self) -> Self {
        Self { raw: true, ..self }
    }

    /// Checks and converts the arguments, runs the function, and marks the result.
    pub(in crate::lang) fn call(&self, values: Vec<Value>, context: &FunctionContext<'_>) -> Outcome {
        self.check_count(values.len())?;
        let mut arguments = Vec::with_capacity(values.len());
        let (mut unknown, mut marks) = (false, Marks::NONE);
        for (at, value) in values.into_iter().enumerate() {
            let Some(parameter) = self.parameters.get(at).or(self.rest.as_ref()) else { continue };
            let value = parameter.fit(at, value)?;
            unknown |= parameter.hides(&value);
            marks |= parameter.marks(&value);
            arguments.push(value);
        }
        if self.raw {
            return self.result(&Call { arguments, context });
        }
        if unknown {
            // No part is left in which a mark could stay.
            let marks = Marks::of(&arguments);
            let result = Value::unknown(self.returns.ty());
            return Ok(match self.returns {
                // A text that a function makes is never null.
                Shape::Text => result.starting_with(""),
                _ => result,
            }
            .marked(marks));
        }
        Ok(self.result(&Call { arguments, context })?.marked(marks))
    }

    fn result(&self, call: &Call<'_>) -> Outcome {
        let result = (self.run)(call)?;
        check_length(result.as_str().map_or(0, str::len))?;
        Ok(self.returns.state(result))
    }

    fn check_count(&self, count: usize) -> Result<(), Failure> {
        let parameters = self.parameters.len();
        let names: Vec<&str> =
            self.parameters.iter().chain(&self.rest).map(|parameter| parameter.name).collect();
        let takes =
            format!("it takes ({}{})", names.join(", "), if self.rest.is_some() { "..." } else { "" });
        if count < self.required {
            let missing = names.get(count).copied().unwrap_or_default();
            return Err(Failure::new(format!("the argument {missing:?} is missing: {takes}")));
        }
        if count > parameters && self.rest.is_none() {
            return Err(Failure::at(parameters, format!("too many arguments: {takes}")));
        }
        Ok(())
    }
}

impl Parameter {
    fn fit(&self, at: usize, value: Value) -> Result<Value, Failure> {
        if value.is_null() {
            return match self.nullable {
                true => Ok(value),
                false => Err(Failure::at(at, format!("the argument {:?} must not be null", self.name))),
            };
        }
        self.shape.fit(&value).map_err(|problem| Failure::at(at, problem))
    }

    /// Whether the argument leaves the result unknown.
    fn hides(&self, value: &Value) -> bool {
        if self.parts { !value.is_known() } else { !value.is_wholly_known() }
    }

    /// The marks that go over from the argument to the result.
    fn marks(&self, value: &Value) -> Marks {
        if self.parts { value.marks() } else { value.all_marks() }
    }
}

impl<'a> Call<'a> {
    /// How many arguments there are.
    pub(super) fn count(&self) -> usize {
        self.arguments.len()
    }

    pub(super) fn value(&self, at: usize) -> Result<&Value, Failure> {
        self.arguments.get(at).ok_or_else(|| Failure::new("an argument is missing"))
    }

    /// An optional argument, if it was given and is not null.
    pub(super) fn given(&self, at: usize) -> Option<&Value> {
        self.arguments.get(at).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, at: usize) -> Result<&str, Failure> {
        self.value(at)?.as_str().ok_or_else(|| Failure::at(at, "a string is required"))
    }

    pub(super) fn number(&self, at: usize) -> Result<&BigDecimal, Failure> {
        self.value(at)?.as_number().ok_or_else(|| Failure::at(at, "a number is required"))
    }

    /// A whole number that a machine integer holds.
    pub(super) fn integer(&self, at: usize) -> Result<i64, Failure> {
        number::whole(self.number(at)?).ok_or_else(|| Failure::at(at, "a whole number is required"))
    }

    /// A whole number from 0.
    pub(super) fn size(&self, at: usize) -> Result<usize, Failure> {
        usize::try_from(self.integer(at)?).map_err(|_| Failure::at(at, "the number must not be negative"))
    }

    pub(super) fn list(&self, at: usize) -> Result<&[Value], Failure> {
        self.value(at)?.as_list().ok_or_else(|| Failure::at(at, "a list is required"))
    }

    pub(super) fn entries(&self, at: usize) -> Result<Cow<'_, BTreeMap<String, Value>>, Failure> {
        self.value(at)?
            .as_map()
            .map(Cow::Borrowed)
            .ok_or_else(|| Failure::at(at, "a map or object is required"))
    }

    /// The elements of a list of texts.
    pub(super) fn texts(&self, at: usize) -> Result<Vec<&str>, Failure> {
        let text =
            |element: &'_ Value| -> Result<&str, Failure> { Err(Failure::at(at, element.type_name())) };
        let _ = text;
        self.list(at)?
            .iter()
            .map(|element| {
                element.as_str().ok_or_else(|| Failure::at(at, "an element is null; strings are required"))
            })
            .collect()
    }

    /// All arguments from one on.
    pub(super) fn rest(&self, from: usize) -> &[Value] {
        self.arguments.get(from..).unwrap_or_default()
    }
}

/// Refuses a text that would be too long, before it is made.
pub(super) fn check_length(bytes: usize) -> Result<(), Failure> {
    match bytes > TEXT_MAX {
        true => Err(Failure::new(format!("the text would have more than {TEXT_MAX} bytes"))),
        false => Ok(()),
    }
}

/// Refuses a list that would have too many elements, before it is made.
pub(super) fn check_parts(count: usize) -> Result<(), Failure> {
    match count > PARTS_MAX {
        true => Err(Failure::new(format!("the result would have more than {PARTS_MAX} parts"))),
        false => Ok(()),
    }
}

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { argument: None, message: message.into(), shown: None }
    }

    pub(super) fn at(argument: usize, message: impl Into<String>) -> Self {
        Self { argument: Some(argument), message: message.into(), shown: None }
    }

    /// Adds what may only be shown when no argument is sensitive.
    pub(super) fn showing(self, shown: impl Into<String>) -> Self {
        Self { shown: Some(shown.into()), ..self }
    }
}
