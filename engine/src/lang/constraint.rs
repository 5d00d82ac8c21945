//! Type constraints as `type` arguments write them, with the defaults of `optional(type, default)`.

use std::collections::BTreeMap;
use std::sync::Arc;

use hcl_edit::expr::{Expression as Ast, FuncCall, Object as AstObject, ObjectKey};

use super::expression::{Expression, bare};
use super::{FunctionContext, Scope, convert, evaluate};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::syntax::span_of;
use crate::types::{Field, Type};
use crate::value::{Kind, Object, Value};

const SUMMARY: &str = "Invalid type";
const NAMES: [&str; 10] =
    ["string", "number", "bool", "any", "list", "set", "map", "object", "tuple", "optional"];

/// A type and the defaults of its optional attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeConstraint {
    /// The type.
    pub ty: Type,
    defaults: Defaults,
}

/// The defaults inside one type.
#[derive(Clone, Debug, Default, PartialEq)]
struct Defaults {
    /// Of optional attributes, by name.
    own: BTreeMap<String, Value>,
    /// Inside attributes, by name.
    fields: BTreeMap<String, Defaults>,
    /// Inside the elements of a tuple, by position.
    positions: BTreeMap<usize, Defaults>,
    /// Inside every element of a collection.
    elements: Option<Box<Defaults>>,
}

impl TypeConstraint {
    /// Anything goes.
    pub fn any() -> Self {
        Self { ty: Type::Any, defaults: Defaults::default() }
    }

    /// Fills in the defaults of optional attributes that are missing or null. To be called before [`convert`].
    pub fn apply_defaults(&self, value: Value) -> Value {
        self.defaults.apply(value)
    }
}

impl From<Type> for TypeConstraint {
    fn from(ty: Type) -> Self {
        Self { ty, defaults: Defaults::default() }
    }
}

impl Defaults {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn apply(&self, value: Value) -> Value {
        if self.is_empty() {
            return value;
        }
        let marks = value.marks();
        let kind = match value.into_kind() {
            Kind::List(elements) => Kind::List(self.apply_to_elements(&elements)),
            Kind::Set(elements) => Kind::Set(self.apply_to_elements(&elements)),
            Kind::Map(entries) => Kind::Map(Arc::new(self.apply_to_fields(&entries, false))),
            Kind::Object(object) => Kind::Object(Arc::new(Object {
                fields: self.apply_to_fields(&object.fields, object.open),
                open: object.open,
            })),
            other => other,
        };
        Value::new(kind).marked(marks)
    }

    fn apply_to_elements(&self, elements: &[Value]) -> Arc<Vec<Value>> {
        let apply =
            |(index, element): (usize, &Value)| match self.positions.get(&index).or(self.elements.as_deref())
            {
                Some(defaults) => defaults.apply(element.clone()),
                None => element.clone(),
            };
        Arc::new(elements.iter().enumerate().map(apply).collect())
    }

    fn apply_to_fields(&self, fields: &BTreeMap<String, Value>, open: bool) -> BTreeMap<String, Value> {
        let mut fields = fields.clone();
        for (name, default) in &self.own {
            let given = fields.get(name);
            if given.is_some_and(|given| !given.is_null()) || (given.is_none() && open) {
                continue;
            }
            fields.insert(name.clone(), default.clone());
        }
        for (name, value) in &mut fields {
            if let Some(defaults) = self.fields.get(name).or(self.elements.as_deref()) {
                *value = defaults.apply(value.clone());
            }
        }
        fields
    }
}

/// Reads a type: `string`, `list(number)`, `object({ port = optional(number, 80) })`.
///
/// # Errors
/// A diagnostic with the place when it is not a type.
pub fn type_of(expression: &Expression) -> Result<TypeConstraint, Diagnostic> {
    Reader { expression }.read(expression.ast())
}

struct Reader<'e> {
    expression: &'e Expression,
}

impl Reader<'_> {
    fn read(&self, ast: &Ast) -> Result<TypeConstraint, Diagnostic> {
        match bare(ast) {
            Ast::Variable(name) => self.named(ast, name.as_str()),
            Ast::FuncCall(call) => self.call(ast, call),
            Ast::String(text) => {
                Err(self.wrong(ast, format!("A type is written without quotes: {}.", text.value())))
            }
            _ => {
                Err(self.wrong(ast, "Expected a type such as string, list(number) or object({ … }).".into()))
            }
        }
    }

    fn named(&self, ast: &Ast, name: &str) -> Result<TypeConstraint, Diagnostic> {
        let ty = match name {
            "string" => Type::String,
            "number" => Type::Number,
            "bool" => Type::Bool,
            "any" => Type::Any,
            "list" => Type::Any.list(),
            "map" => Type::Any.map(),
            "set" => Type::Set(Box::new(Type::Any)),
            "object" | "tuple" | "optional" => {
                return Err(self.wrong(ast, format!("{name} needs an argument: {name}(…).")));
            }
            _ => return Err(self.unknown(ast, name)),
        };
        Ok(ty.into())
    }

    fn call(&self, ast: &Ast, call: &FuncCall) -> Result<TypeConstraint, Diagnostic> {
        let name = call.name.name.as_str();
        let arguments: Vec<&Ast> = call.args.iter().collect();
        let [argument] = arguments[..] else {
            return Err(match NAMES.contains(&name) {
                true => self.wrong(ast, format!("{name} takes one argument, not {}.", arguments.len())),
                false => self.unknown(ast, name),
            });
        };
        match name {
            "list" | "set" | "map" => {
                let element = self.read(argument)?;
                let ty = match name {
                    "list" => element.ty.list(),
                    "map" => element.ty.map(),
                    _ => Type::Set(Box::new(element.ty)),
                };
                let elements = (!element.defaults.is_empty()).then(|| Box::new(element.defaults));
                Ok(TypeConstraint { ty, defaults: Defaults { elements, ..Defaults::default() } })
            }
            "object" => match bare(argument) {
                Ast::Object(object) => self.object(object),
                _ => Err(self.wrong(
                    argument,
                    "object takes its attributes in braces: object({ name = string }).".into(),
                )),
            },
            "tuple" => self.tuple(argument),
            "optional" => Err(self.wrong(ast, "Only an attribute of an object type can be optional.".into())),
            "string" | "number" | "bool" | "any" => {
                Err(self.wrong(ast, format!("{name} takes no argument.")))
            }
            _ => Err(self.unknown(ast, name)),
        }
    }

    fn tuple(&self, argument: &Ast) -> Result<TypeConstraint, Diagnostic> {
        let Ast::Array(elements) = bare(argument) else {
            return Err(self.wrong(argument, "tuple takes a list of types: tuple([string, number]).".into()));
        };
        let mut types = Vec::new();
        let mut defaults = Defaults::default();
        for (index, element) in elements.iter().enumerate() {
            let element = self.read(element)?;
            types.push(element.ty);
            if !element.defaults.is_empty() {
                defaults.positions.insert(index, element.defaults);
            }
        }
        Ok(TypeConstraint { ty: Type::Tuple(types), defaults })
    }

    fn object(&self, object: &AstObject) -> Result<TypeConstraint, Diagnostic> {
        let mut fields = BTreeMap::new();
        let mut defaults = Defaults::default();
        for (key, value) in object.iter() {
            let name = match key {
                ObjectKey::Ident(name) => name.to_string(),
                ObjectKey::Expression(key) => match bare(key).as_str() {
                    Some(name) => name.to_owned(),
                    None => return Err(self.wrong(key, "An attribute's name must be written out.".into())),
                },
            };
            let (attribute, optional, default) = self.attribute(value.expr())?;
            if let Some(default) = default {
                defaults.own.insert(name.clone(), default);
            }
            if !attribute.defaults.is_empty() {
                defaults.fields.insert(name.clone(), attribute.defaults);
            }
            fields.insert(name, Field { ty: attribute.ty, optional });
        }
        Ok(TypeConstraint { ty: Type::Object(fields), defaults })
    }

    /// The type of an attribute, whether it is optional, and its default.
    fn attribute(&self, ast: &Ast) -> Result<(TypeConstraint, bool, Option<Value>), Diagnostic> {
        let call = match bare(ast) {
            Ast::FuncCall(call) if call.name.name.as_str() == "optional" => call,
            _ => return Ok((self.read(ast)?, false, None)),
        };
        let arguments: Vec<&Ast> = call.args.iter().collect();
        match arguments[..] {
            [ty] => Ok((self.read(ty)?, true, None)),
            [ty, default] => {
                let attribute = self.read(ty)?;
                let default = self.default(default, &attribute)?;
                Ok((attribute, true, Some(default)))
            }
            _ => Err(self.wrong(ast, "optional takes a type and, if wanted, a default value.".into())),
        }
    }

    /// A default must be constant and of its attribute's type.
    fn default(&self, ast: &Ast, attribute: &TypeConstraint) -> Result<Value, Diagnostic> {
        let constant = FunctionContext::constant();
        let scope = Scope::new(&constant);
        let mut diagnostics = Diagnostics::new();
        let value = evaluate::evaluate_part(self.expression, ast, &scope, &mut diagnostics);
        if let Some(diagnostic) = diagnostics.into_iter().next() {
            return Err(diagnostic);
        }
        convert(&attribute.apply_defaults(value), &attribute.ty)
            .map_err(|error| self.wrong(ast, format!("The default does not fit its type: {error}.")))
    }

    fn unknown(&self, ast: &Ast, name: &str) -> Diagnostic {
        let hint = match did_you_mean(name, NAMES) {
            Some(meant) => format!(" Did you mean {meant}?"),
            None => " The types are string, number, bool, any, list, set, map, object and tuple.".into(),
        };
        self.wrong(ast, format!("There is no type {name:?}.{hint}"))
    }

    fn wrong(&self, ast: &Ast, detail: String) -> Diagnostic {
        Diagnostic::error(SUMMARY, detail).at(span_of(self.expression.source(), ast))
    }
}
