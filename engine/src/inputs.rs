//! What the user gives to a run: the values of variables, by name or in files.

use std::collections::BTreeMap;

use crate::condition;
use crate::config::{Config, Variable};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, did_you_mean};
use crate::ephemeral;
use crate::lang::{Expression, FunctionContext, Scope, convert, evaluate};
use crate::syntax;
use crate::types::Type;
use crate::value::Value;

/// One source of variables' values. A later one of a list outranks an earlier one.
#[derive(Clone, Debug)]
pub enum Input {
    /// One value as text: literal for simple types, an expression for others.
    Text {
        /// The variable.
        name: String,
        /// Its value.
        text: String,
        /// Where it comes from, such as `-var` or `MESHFORM_VAR_region`.
        origin: String,
    },
    /// One value as it is.
    Value {
        /// The variable.
        name: String,
        /// Its value, not yet converted.
        value: Value,
        /// Where it is written.
        place: Expression,
    },
    /// A file of `NAME = VALUE` lines.
    File {
        /// The file's name.
        name: String,
        /// Its text.
        text: String,
    },
}

/// A variable without a default that nobody has given a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingVariable {
    /// Its name.
    pub name: String,
    /// What it means.
    pub description: Option<String>,
    /// Whether its value is secret.
    pub sensitive: bool,
}

/// The variables for which a value has to be asked, in the order in which they are declared.
pub fn missing(config: &Config, inputs: &[Input]) -> Vec<MissingVariable> {
    let given = gather(config, inputs, &mut Diagnostics::new());
    let open = config.root.variables.iter();
    let open = open.filter(|(name, variable)| variable.default.is_none() && !given.contains_key(*name));
    open.map(|(name, variable)| MissingVariable {
        name: name.clone(),
        description: variable.description.clone(),
        sensitive: variable.sensitive,
    })
    .collect()
}

/// A value as it was given, not yet converted.
struct Given {
    value: Value,
    origin: String,
    /// Where it is written, if that is in a file whose places are known.
    place: Option<Expression>,
}

/// The values of all variables: converted, defaulted, validated and marked.
pub fn resolve(
    config: &Config,
    inputs: &[Input],
    functions: &FunctionContext<'_>,
) -> (BTreeMap<String, Value>, Diagnostics) {
    resolve_some(config, inputs, functions, |_| true)
}

/// The same of some of the variables: about the others nothing is said.
pub(crate) fn resolve_some(
    config: &Config,
    inputs: &[Input],
    functions: &FunctionContext<'_>,
    is_wanted: impl Fn(&str) -> bool,
) -> (BTreeMap<String, Value>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let given = gather(config, inputs, &mut diagnostics);
    let mut values = BTreeMap::new();
    let wanted = || config.root.variables.iter().filter(|(name, _)| is_wanted(name));
    for (name, variable) in config.root.variables.iter().filter(|(name, _)| !is_wanted(name)) {
        values.insert(name.clone(), Value::unknown(variable.constraint.ty.clone()));
    }
    for (name, variable) in wanted() {
        let value = one(name, variable, given.get(name), functions, &mut diagnostics)
            .unwrap_or_else(|| Value::unknown(variable.constraint.ty.clone()));
        // A saved plan does not hold the types of what may be anything.
        let value =
            if variable.constraint.ty == Type::Any { value.as_stored().unwrap_or(value) } else { value };
        values.insert(name.clone(), value.marked(variable.marks()));
    }
    for (name, variable) in wanted() {
        validate(name, variable, &values, functions, &mut diagnostics);
    }
    (values, diagnostics)
}

/// The value of a module's variable by the argument of its call, or by its default.
pub(crate) fn argument(
    name: &str,
    variable: &Variable,
    given: Option<(Value, &Expression)>,
    functions: &FunctionContext<'_>,
    diagnostics: &mut Diagnostics,
) -> Value {
    let unknown = || Value::unknown(variable.constraint.ty.clone());
    let given = given.map(|(value, expression)| Given {
        value,
        origin: "the module's call".to_owned(),
        place: Some(expression.clone()),
    });
    let value = match (&given, &variable.default) {
        // Said where the call was read.
        (None, None) => unknown(),
        _ => one(name, variable, given.as_ref(), functions, diagnostics).unwrap_or_else(unknown),
    };
    if let Some(place) = given.as_ref().and_then(|given| given.place.as_ref()).filter(|_| !variable.ephemeral)
    {
        let why = "The variable must say that it takes such values: `ephemeral = true`.";
        let what = format!("The value of the module's variable \"{name}\"");
        diagnostics.extend(ephemeral::refused(&value, &what, why, place.span()));
    }
    value.marked(variable.marks())
}

/// What does not hold of a variable's value, which is in the scope.
pub(crate) fn failures(name: &str, variable: &Variable, scope: &Scope<'_>) -> Diagnostics {
    let about = format!("variable \"{name}\"");
    condition::failures(&variable.validations, (condition::VALIDATION, about.as_str()), scope)
}

/// All variables with values unknown, and what is wrong with their defaults.
pub(crate) fn unknown(
    config: &Config,
    functions: &FunctionContext<'_>,
) -> (BTreeMap<String, Value>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    for (name, variable) in config.root.variables.iter().filter(|(_, variable)| variable.default.is_some()) {
        one(name, variable, None, functions, &mut diagnostics);
    }
    let values = config.root.variables.iter().map(|(name, variable)| {
        (name.clone(), Value::unknown(variable.constraint.ty.clone()).marked(variable.marks()))
    });
    let values = values.collect();
    for (name, variable) in &config.root.variables {
        validate(name, variable, &values, functions, &mut diagnostics);
    }
    (values, diagnostics)
}

fn gather(config: &Config, inputs: &[Input], diagnostics: &mut Diagnostics) -> BTreeMap<String, Given> {
    let mut given = BTreeMap::new();
    for input in inputs {
        match input {
            Input::Text { name, text, origin } => match config.root.variables.get(name) {
                Some(variable) => {
                    if let Some(value) = from_text(name, variable, text, origin, diagnostics) {
                        given.insert(name.clone(), Given { value, origin: origin.clone(), place: None });
                    }
                }
                // The environment may hold values for other stacks.
                None if origin == "-var" => diagnostics.push(undeclared(config, name, origin)),
                None => {}
            },
            Input::Value { name, value, place } => {
                let (value, origin) = (value.clone(), "the test's file".to_owned());
                match config.root.variables.contains_key(name) {
                    true => {
                        drop(given.insert(name.clone(), Given { value, origin, place: Some(place.clone()) }))
                    }
                    false => diagnostics.push(undeclared(config, name, &origin).at(place.span())),
                }
            }
            Input::File { name, text } => {
                for (variable, value) in from_file(name, text, diagnostics) {
                    match config.root.variables.contains_key(&variable) {
                        true => {
                            drop(given.insert(variable, Given { value, origin: name.clone(), place: None }))
                        }
                        false => diagnostics.push(Diagnostic {
                            severity: crate::diagnostic::Severity::Warning,
                            ..undeclared(config, &variable, name)
                        }),
                    }
                }
            }
        }
    }
    given
}

fn undeclared(config: &Config, name: &str, origin: &str) -> Diagnostic {
    let hint = match did_you_mean(name, config.root.variables.keys().map(String::as_str)) {
        Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
        None => String::new(),
    };
    Diagnostic::error(
        "Undeclared variable",
        format!("{origin} gives a value to \"{name}\", and the stack has no such variable.{hint}"),
    )
}

fn from_text(
    name: &str,
    variable: &Variable,
    text: &str,
    origin: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    if matches!(variable.constraint.ty, Type::Any | Type::Bool | Type::Number | Type::String) {
        return Some(Value::string(text));
    }
    let mut sources = Sources::default();
    let source = sources.add(origin, text);
    let expression = match syntax::parse_expression(source, text) {
        Ok(expression) => expression,
        Err(problem) => {
            // The text is not repeated: the variable may be sensitive.
            diagnostics.push(Diagnostic::error(
                "Invalid variable value",
                format!(
                    "{origin} gives \"{name}\" a value that is not an HCL expression: {}",
                    problem.detail
                ),
            ));
            return None;
        }
    };
    let expression = Expression::new(source, text.into(), expression);
    constant(&expression, &format!("The value of \"{name}\" from {origin}"), diagnostics)
}

fn from_file(name: &str, text: &str, diagnostics: &mut Diagnostics) -> Vec<(String, Value)> {
    let mut sources = Sources::default();
    let source = sources.add(name, text);
    let (files, problems) = syntax::parse(&sources);
    for problem in problems {
        let line = problem.span.as_ref().and_then(|span| sources.position(span)).map_or(1, |(line, _)| line);
        diagnostics.push(Diagnostic::error(
            "Invalid variables file",
            format!("{name}, line {line}: {}", problem.detail),
        ));
    }
    let text: std::sync::Arc<str> = sources.get(source).map_or("", |source| &source.text).into();
    let mut values = Vec::new();
    for attribute in files.iter().flat_map(|file| file.body.attributes()) {
        let variable = attribute.key.to_string();
        let expression = Expression::new(source, text.clone(), attribute.value.clone());
        let what = format!("The value of \"{variable}\" in {name}");
        values.extend(constant(&expression, &what, diagnostics).map(|value| (variable, value)));
    }
    values
}

/// Evaluates what must not refer to anything.
fn constant(expression: &Expression, what: &str, diagnostics: &mut Diagnostics) -> Option<Value> {
    let functions = FunctionContext::constant();
    let mut problems = Diagnostics::new();
    let value = evaluate(expression, &Scope::new(&functions), &mut problems);
    for problem in problems.iter() {
        diagnostics.push(Diagnostic::error(
            "Invalid variable value",
            format!("{what} cannot be evaluated: {}", problem.detail),
        ));
    }
    (!problems.has_errors()).then_some(value)
}

fn one(
    name: &str,
    variable: &Variable,
    given: Option<&Given>,
    functions: &FunctionContext<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let default = variable.default.as_ref().map(|default| {
        let value = evaluate(default, &Scope::new(functions), diagnostics);
        (value, default)
    });
    let given = given.filter(|given| variable.nullable || !given.value.is_null());
    let (value, origin, place) = match (given, default) {
        (Some(given), _) => (given.value.clone(), given.origin.clone(), given.place.as_ref()),
        (None, Some((value, expression))) => (value, "its default".to_owned(), Some(expression)),
        (None, None) => {
            diagnostics.push(
                Diagnostic::error(
                    "No value for required variable",
                    format!(
                        "The variable \"{name}\" has no default. Give it by -var {name}=…, by a -var-file, or by the environment variable MESHFORM_VAR_{name}."
                    ),
                )
                .at(variable.span.clone()),
            );
            return None;
        }
    };
    let value = variable.constraint.apply_defaults(value);
    convert(&value, &variable.constraint.ty)
        .map_err(|error| {
            let span = match place {
                Some(expression) => expression.part_at(&error.path),
                None => variable.span.clone(),
            };
            diagnostics.push(
                Diagnostic::error(
                    "Invalid variable value",
                    format!("The variable \"{name}\" does not fit its type by {origin}: {error}."),
                )
                .at(span),
            );
        })
        .ok()
}

fn validate(
    name: &str,
    variable: &Variable,
    values: &BTreeMap<String, Value>,
    functions: &FunctionContext<'_>,
    diagnostics: &mut Diagnostics,
) {
    let mut scope = Scope::new(functions);
    for (name, value) in values {
        scope.set_in("var", name, value.clone());
    }
    diagnostics.extend(failures(name, variable, &scope));
}
