//! The rules of a schema (`x-kubernetes-validations`): what values have to hold, and what of a value may change.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::cel::{self, Identity, List, Program, Scope, Type, Value, escape};
use crate::field_error::{FieldError, NOWHERE};
use crate::types::{ListKind, Node, Scalar, Shape, TypeId, TypeRef, Types};

/// One rule.
#[derive(Clone, Debug, Default)]
pub struct Validation {
    /// What has to hold.
    pub rule: String,
    /// What is said where it does not.
    pub message: Option<String>,
    /// An expression for what is said.
    pub message_expression: Option<String>,
    /// The API server's code for the kind of mistake.
    pub reason: Option<String>,
    /// The field below that is blamed.
    pub field_path: Option<String>,
    /// Whether `oldSelf` may be absent.
    pub optional_old_self: Option<bool>,
    compiled: Option<Compiled>,
}

#[derive(Clone, Debug)]
struct Compiled {
    rule: Result<Program, cel::Error>,
    message: Option<Program>,
    uses_old: bool,
}

/// What is wrong with the expressions of a rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mistakes {
    pub(crate) rule: Option<String>,
    pub(crate) message_expression: Option<String>,
    pub(crate) uses_old: bool,
}

impl Validation {
    /// The rules of a schema.
    pub(crate) fn all(schema: &Json) -> Vec<Self> {
        let rules = schema.get("x-kubernetes-validations").and_then(Json::as_array).into_iter().flatten();
        let text = |rule: &Json, name: &str| {
            rule.get(name).and_then(Json::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        rules
            .map(|rule| Self {
                rule: text(rule, "rule").unwrap_or_default(),
                message: text(rule, "message"),
                message_expression: text(rule, "messageExpression"),
                reason: text(rule, "reason"),
                field_path: text(rule, "fieldPath"),
                optional_old_self: rule.get("optionalOldSelf").and_then(Json::as_bool),
                compiled: None,
            })
            .collect()
    }

    /// Checks the expressions against the type of the values that they are asked of.
    pub(crate) fn compile(&mut self, of: &Type) {
        let scope = self.scope(of);
        let rule = Program::compile_in(self.rule.trim(), &scope);
        let message = self.message_expression.as_deref();
        let message = message.and_then(|message| Program::compile_in(message.trim(), &scope).ok());
        let uses_old = rule.as_ref().is_ok_and(|program| program.uses("oldSelf"));
        self.compiled = Some(Compiled { rule, message, uses_old });
    }

    fn scope(&self, of: &Type) -> Scope {
        let old = if self.optional_old_self == Some(true) { Type::optional(of.clone()) } else { of.clone() };
        Scope::new([("self".to_owned(), of.clone()), ("oldSelf".to_owned(), old)])
    }

    /// What the API server says of the expressions of a rule.
    pub(crate) fn mistakes(&self, of: &Type) -> Mistakes {
        let scope = self.scope(of);
        let mut mistakes = Mistakes::default();
        match Program::compile_in(self.rule.trim(), &scope) {
            Ok(program) => {
                mistakes.uses_old = program.uses("oldSelf");
                if *program.kind() != Type::Bool {
                    mistakes.rule = Some("cel expression must evaluate to a bool".to_owned());
                }
            }
            Err(error) => mistakes.rule = Some(format!("compilation failed: {error}")),
        }
        if let Some(message) = self.message_expression.as_deref() {
            mistakes.message_expression = match Program::compile_in(message.trim(), &scope) {
                Ok(program) if *program.kind() == Type::Text => None,
                Ok(_) => Some("messageExpression must evaluate to a string".to_owned()),
                Err(error) => Some(format!("messageExpression compilation failed: {error}")),
            };
        }
        mistakes
    }

    /// What is said of the rule where its own message is not to be had.
    fn named(&self) -> &str {
        self.message.as_deref().unwrap_or(&self.rule).trim()
    }
}

/// A value that the rules are asked of, and what it was before.
#[derive(Clone, Copy)]
struct Place<'v> {
    value: &'v Json,
    old: Option<&'v Json>,
    /// Whether it is as it was: what has been accepted once is not refused later.
    is_unchanged: bool,
}

/// Makes the rules of a table ready to be asked.
pub(crate) fn compile(types: &mut Types) {
    for index in 0..types.nodes.len() {
        let id = TypeId(index);
        let has_rules = !types.at(id).node().validations.is_empty();
        let Some(kind) = has_rules.then(|| declared(types.at(id))).flatten() else { continue };
        if let Some(node) = types.nodes.get_mut(index) {
            node.validations.iter_mut().for_each(|rule| rule.compile(&kind));
        }
    }
}

/// Every rule that an object breaks, or that a change of an object breaks.
///
/// `unknown` tells the values that stand for what is not known yet. A rule that depends on one is left out.
pub fn broken_rules(
    root: TypeRef<'_>,
    object: &Json,
    old: Option<&Json>,
    unknown: &dyn Fn(&Json) -> bool,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let place = Place { value: object, old, is_unchanged: old == Some(object) };
    Walk { unknown, errors: &mut errors }.visit(root, "", place);
    errors
}

/// Whether anything in the table of types has rules.
pub(crate) fn has_rules(of: TypeRef<'_>) -> bool {
    of.types.nodes.iter().any(|node| !node.validations.is_empty())
}

struct Walk<'w> {
    unknown: &'w dyn Fn(&Json) -> bool,
    errors: &'w mut Vec<FieldError>,
}

impl Walk<'_> {
    fn visit(&mut self, ty: TypeRef<'_>, at: &str, place: Place<'_>) {
        if place.value.is_null() || (self.unknown)(place.value) {
            return;
        }
        self.check(ty, at, place);
        match (ty.shape(), place.value) {
            (Shape::Map(shape), Json::Object(fields)) => {
                for (name, value) in fields {
                    let is_field = shape.fields.contains_key(name);
                    let Some(below) = ty.value(name).filter(|_| is_field || shape.extra.is_some()) else {
                        continue;
                    };
                    let at = match (is_field, at) {
                        (true, "") => name.clone(),
                        (true, _) => format!("{at}.{name}"),
                        (false, _) => format!("{at}[{name}]"),
                    };
                    let old = place.old.and_then(|old| old.get(name));
                    self.visit(below, &at, place.below(value, old));
                }
            }
            (Shape::List { kind, .. }, Json::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let old = place.old.and_then(|old| counterpart(kind, item, old));
                    self.visit(ty.item(), &format!("{at}[{index}]"), place.below(item, old));
                }
            }
            _ => {}
        }
    }

    fn check(&mut self, ty: TypeRef<'_>, at: &str, place: Place<'_>) {
        let node = ty.node();
        if node.validations.is_empty() {
            return;
        }
        let own = value(ty, place.value, self.unknown);
        let old = place.old.filter(|old| !old.is_null()).map(|old| value(ty, old, self.unknown));
        let field = if at.is_empty() { NOWHERE } else { at };
        for rule in &node.validations {
            let Some(compiled) = &rule.compiled else { continue };
            if let Some(error) = broken(rule, compiled, (field, node, place.value), &own, old.as_ref())
                && (compiled.uses_old || !place.is_unchanged)
            {
                self.errors.push(error);
            }
        }
    }
}

impl<'v> Place<'v> {
    fn below(self, value: &'v Json, old: Option<&'v Json>) -> Self {
        Self { value, old, is_unchanged: old.map_or(self.is_unchanged, |old| old == value) }
    }
}

/// The item of a list that was the same before: only the items of maps can be told.
pub(crate) fn counterpart<'v>(kind: &ListKind, item: &Json, old: &'v Json) -> Option<&'v Json> {
    let ListKind::Map(keys) = kind else { return None };
    old.as_array()?.iter().find(|other| keys.iter().all(|key| other.get(key) == item.get(key)))
}

fn broken(
    rule: &Validation,
    compiled: &Compiled,
    (field, node, json): (&str, &Node, &Json),
    own: &Value,
    old: Option<&Value>,
) -> Option<FieldError> {
    let is_optional = rule.optional_old_self == Some(true);
    if compiled.uses_old && old.is_none() && !is_optional {
        return None;
    }
    let shown = || node.shape.type_name();
    let refused = |detail: &str| Some(FieldError::invalid(field, &Json::from(shown()), detail));
    let program = match &compiled.rule {
        Ok(program) => program,
        Err(error) => return refused(&format!("rule compile error: compilation failed: {error}")),
    };
    let mut names = vec![("self", own.clone())];
    match old {
        _ if is_optional => names.push(("oldSelf", Value::Optional(old.map(|old| Arc::new(old.clone()))))),
        Some(old) => names.push(("oldSelf", old.clone())),
        None => {}
    }
    match program.value(names.clone()) {
        Ok(Value::Bool(true) | Value::Unknown) => None,
        Ok(_) => Some(failure(rule, compiled, (field, node, json), names)),
        Err(cel::Error::NoValue { message }) if message == "no such overload" => refused(&format!(
            "'{message}': call arguments did not match a supported operator, function or macro signature for rule: {}",
            rule.named()
        )),
        Err(error) => refused(&format!("{error} evaluating rule: {}", rule.named())),
    }
}

fn failure<'r>(
    rule: &'r Validation,
    compiled: &'r Compiled,
    (field, node, json): (&str, &Node, &Json),
    names: Vec<(&'r str, Value)>,
) -> FieldError {
    let said = compiled.message.as_ref().and_then(|message| match message.value(names) {
        Ok(Value::Text(text)) => Some(text.trim().to_owned()),
        _ => None,
    });
    let said = said.filter(|text| !text.is_empty() && !text.contains('\n'));
    let detail = said.unwrap_or_else(|| match &rule.message {
        Some(message) => message.trim().to_owned(),
        None => format!("failed rule: {}", rule.named()),
    });
    let field = match &rule.field_path {
        Some(below) if field == NOWHERE => below.trim_start_matches('.').to_owned(),
        Some(below) => format!("{field}{below}"),
        None => field.to_owned(),
    };
    match rule.reason.as_deref() {
        Some("FieldValueForbidden") => FieldError::forbidden(field, &detail),
        Some("FieldValueRequired") => FieldError::required(field, &detail),
        Some("FieldValueDuplicate") => FieldError::duplicate(field, json),
        _ if matches!(node.shape, Shape::Map(_) | Shape::List { .. }) => {
            FieldError::invalid_whole(field, &detail)
        }
        _ => FieldError::invalid(field, json, &detail),
    }
}

/// A value as rules see it: of its declared type.
fn value(ty: TypeRef<'_>, json: &Json, unknown: &dyn Fn(&Json) -> bool) -> Value {
    if unknown(json) {
        return Value::Unknown;
    }
    match (ty.shape(), json) {
        (Shape::Scalar(Scalar::Number), Json::Number(number)) => {
            Value::Double(number.as_f64().unwrap_or(f64::NAN))
        }
        (Shape::Scalar(Scalar::Bytes), Json::String(text)) => {
            crate::format::decoded(text).map_or_else(|| Value::text(text), |bytes| Value::Bytes(bytes.into()))
        }
        (Shape::Scalar(Scalar::String), Json::String(text)) => formatted(ty.node(), text),
        (Shape::List { kind, .. }, Json::Array(items)) => Value::List(List {
            items: Arc::new(items.iter().map(|item| value(ty.item(), item, unknown)).collect()),
            identity: match kind {
                ListKind::Atomic => Identity::Place,
                ListKind::Set => Identity::Value,
                ListKind::Map(keys) => Identity::Keys(Arc::new(keys.clone())),
            },
        }),
        (Shape::Map(shape), Json::Object(fields)) => Value::map(fields.iter().filter_map(|(name, field)| {
            let known_as = if shape.declares_values { name.clone() } else { escape(name)? };
            Some((known_as, value(ty.value_or_any(name), field, unknown)))
        })),
        (_, json) => Value::of_json_but(json, unknown),
    }
}

fn formatted(node: &Node, text: &str) -> Value {
    let format = node.limits.as_ref().and_then(|limits| limits.format.as_deref());
    let special = match format {
        Some("date-time" | "datetime") => text.parse().ok().map(Value::Timestamp),
        Some("date") => format!("{text}T00:00:00Z").parse().ok().map(Value::Timestamp),
        Some("duration") => cel::parse_duration(text).map(Value::Duration),
        _ => None,
    };
    special.unwrap_or_else(|| Value::text(text))
}

/// The type that rules see values of a schema as; `None` where the schema says none.
pub(crate) fn declared(ty: TypeRef<'_>) -> Option<Type> {
    let node = ty.node();
    Some(match ty.shape() {
        Shape::Any => return None,
        Shape::Scalar(scalar) => match scalar {
            Scalar::Integer => Type::Int,
            Scalar::Number => Type::Double,
            Scalar::Boolean => Type::Bool,
            Scalar::IntOrString | Scalar::Quantity => Type::Dyn,
            Scalar::Bytes => Type::Bytes,
            Scalar::Time | Scalar::MicroTime => Type::Timestamp,
            Scalar::String => match node.limits.as_ref().and_then(|limits| limits.format.as_deref()) {
                Some("date-time" | "datetime" | "date") => Type::Timestamp,
                Some("duration") => Type::Duration,
                _ => Type::Text,
            },
        },
        Shape::List { .. } => Type::list(declared(ty.item())?),
        Shape::Map(shape) if shape.fields.is_empty() && shape.declares_values => {
            Type::map(declared(ty.value("")?)?)
        }
        Shape::Map(shape) => {
            let named = shape.fields.keys().filter(|name| !(node.is_resource && *name == "metadata"));
            let mut fields: std::collections::BTreeMap<String, Type> =
                named.filter_map(|name| Some((escape(name)?, declared(ty.value(name)?)?))).collect();
            if node.is_resource {
                let names = ["name", "generateName"].map(|name| (name.to_owned(), Type::Text));
                let metadata = cel::Object { name: "object".to_owned(), fields: names.into() };
                fields.insert("metadata".to_owned(), Type::Object(metadata.into()));
            }
            Type::Object(cel::Object { name: "object".to_owned(), fields }.into())
        }
    })
}
