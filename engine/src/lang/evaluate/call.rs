//! Function calls: arguments, their checks, and the functions that decide what to evaluate.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression as Ast, FuncCall};

use super::operators::sentence;
use super::template::Style;
use super::{Evaluated, Evaluator, Unit, is_unknown};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::lang::functions::{self, Failure, filesystem};
use crate::lang::limits::{self, Tally};
use crate::lang::{Scope, convert};
use crate::syntax;
use crate::types::Type;
use crate::value::{Marks, Value};

const SUMMARY: &str = "Invalid function argument";

/// How deep template files may call each other.
const TEMPLATE_DEPTH_MAX: u8 = 4;

/// The functions that are evaluated here, since they need expressions or names, not only values.
pub(crate) fn special_names() -> impl Iterator<Item = &'static str> {
    ["can", "templatefile", "templatestring", "try"].into_iter()
}

/// One argument's value and the expression that gave it.
struct Argument<'a> {
    value: Value,
    ast: &'a Ast,
}

/// The arguments of a call, unless what is to be spread out is unknown.
enum Arguments<'a> {
    Known(Vec<Argument<'a>>),
    Unknown { marks: Marks },
}

impl Evaluator<'_> {
    pub(super) fn call(&self, call: &FuncCall, diagnostics: &mut Diagnostics) -> Evaluated {
        let name = call.name.name.as_str();
        let foreign = call.name.namespace.iter().any(|part| part.as_str() != "core");
        match name {
            _ if foreign => Err(self.unknown_function(call, name)),
            "try" => self.try_each(call),
            "can" => self.can(call),
            "templatefile" | "templatestring" => self.call_template(call, name, diagnostics),
            _ => match functions::find(name) {
                Some(function) => self.call_function(call, function, diagnostics),
                None => Err(self.unknown_function(call, name)),
            },
        }
    }

    fn call_function(
        &self,
        call: &FuncCall,
        function: &functions::Function,
        diagnostics: &mut Diagnostics,
    ) -> Evaluated {
        let arguments = match self.arguments(call, diagnostics)? {
            Arguments::Known(arguments) => arguments,
            Arguments::Unknown { marks } => {
                return Ok(Value::unknown(function.returns.ty()).marked(marks));
            }
        };
        let (values, asts): (Vec<Value>, Vec<&Ast>) =
            arguments.into_iter().map(|argument| (argument.value, argument.ast)).unzip();
        let sensitive = Marks::of(&values).is_sensitive();
        self.charge_call(call, function.name, &values)?;
        function
            .call(values, self.scope.functions())
            .map_err(|failure| self.failed(call, &asts, &failure, sensitive))
    }

    /// Counts what a function will read. Some find what they are asked for at once.
    fn charge_call(&self, call: &FuncCall, name: &str, values: &[Value]) -> Result<(), Diagnostic> {
        const AT_ONCE: &[&str] =
            &["element", "issensitive", "length", "lookup", "nonsensitive", "one", "sensitive"];
        if AT_ONCE.contains(&name) && values.first().is_none_or(|value| value.as_str().is_none()) {
            return Ok(());
        }
        let is_pattern = |value: &Value| value.as_str().is_some_and(|text| text.starts_with('/'));
        let matches = match name {
            "regex" | "regexall" => true,
            "replace" => values.get(1).is_some_and(is_pattern),
            _ => false,
        };
        let work: u64 = values.iter().map(limits::work).sum();
        let charged = self.spent.work(if matches { work.saturating_mul(limits::MATCHING) } else { work });
        charged.map_err(|(summary, detail)| self.wrong_at(call.span(), summary, detail))
    }

    /// The arguments of a call, with `...` spread out.
    fn arguments<'a>(
        &self,
        call: &'a FuncCall,
        diagnostics: &mut Diagnostics,
    ) -> Result<Arguments<'a>, Diagnostic> {
        let (mut arguments, mut tally) = (Vec::new(), Tally::default());
        for ast in call.args.iter() {
            let value = self.value(ast, diagnostics);
            self.within(ast, tally.add(&value))?;
            arguments.push(Argument { value, ast });
        }
        if !call.args.expand_final() {
            return Ok(Arguments::Known(arguments));
        }
        let Some(Argument { value, ast }) = arguments.pop() else { return Ok(Arguments::Known(arguments)) };
        if is_unknown(&value) {
            let others = Marks::of(arguments.iter().map(|argument| &argument.value));
            return Ok(Arguments::Unknown { marks: others | value.marks() });
        }
        let Some(elements) = value.as_list() else {
            let detail = format!("Only a list can be spread out with ..., not a {}.", value.type_name());
            return Err(self.wrong(ast, SUMMARY, detail));
        };
        let marks = value.marks();
        arguments
            .extend(elements.iter().map(|element| Argument { value: element.clone().marked(marks), ast }));
        Ok(Arguments::Known(arguments))
    }

    /// The diagnostic of a failed call. What a failure shows of its arguments is left out when any of them is sensitive.
    fn failed(&self, call: &FuncCall, asts: &[&Ast], failure: &Failure, sensitive: bool) -> Diagnostic {
        let name = call.name.name.as_str();
        let shown = match (&failure.shown, sensitive) {
            (Some(shown), false) => format!(" ({shown})"),
            _ => String::new(),
        };
        let detail = format!("{name}: {}{shown}.", failure.message);
        match failure.argument.and_then(|at| asts.get(at)) {
            Some(ast) => self.wrong(ast, SUMMARY, detail),
            None => self.wrong_at(call.span(), SUMMARY, detail),
        }
    }

    fn unknown_function(&self, call: &FuncCall, name: &str) -> Diagnostic {
        let meant =
            did_you_mean(name, functions::function_names()).filter(|_| call.name.namespace.is_empty());
        let hint = match meant {
            Some(meant) => format!(" Did you mean {meant}?"),
            None => String::new(),
        };
        let namespace: String =
            call.name.namespace.iter().map(|part| format!("{}::", part.as_str())).collect();
        let detail = format!("There is no function \"{namespace}{name}\".{hint}");
        self.wrong_at(call.name.name.span(), "Unknown function", detail)
    }

    /// The first argument that evaluates without an error. What is not wholly known may still fail later, so its result stays unknown.
    fn try_each(&self, call: &FuncCall) -> Evaluated {
        let mut reasons = Vec::new();
        for ast in call.args.iter() {
            let mut attempt = Diagnostics::new();
            let value = self.value(ast, &mut attempt);
            match attempt.into_iter().next() {
                Some(reason) => reasons.push(reason.detail),
                None if value.is_wholly_known() => return Ok(value),
                None => return Ok(Value::unknown(Type::Any).marked(value.all_marks())),
            }
        }
        let detail = match reasons.len() {
            0 => "try: at least one expression is required.".to_owned(),
            _ => format!("try: none of the expressions succeeded. {}", reasons.join(" ")),
        };
        Err(self.wrong_at(call.span(), "No expression succeeded", detail))
    }

    fn can(&self, call: &FuncCall) -> Evaluated {
        let [ast] = call.args.iter().collect::<Vec<_>>()[..] else {
            return Err(self.wrong_at(call.span(), SUMMARY, "can: one expression is required."));
        };
        let mut attempt = Diagnostics::new();
        let value = self.value(ast, &mut attempt);
        Ok(match (attempt.has_errors(), value.is_wholly_known()) {
            (true, _) => Value::bool(false),
            (false, true) => Value::bool(true),
            (false, false) => Value::unknown(Type::Bool),
        })
    }

    /// `templatefile(path, names)` and `templatestring(text, names)`.
    fn call_template(&self, call: &FuncCall, name: &str, diagnostics: &mut Diagnostics) -> Evaluated {
        let arguments = match self.arguments(call, diagnostics)? {
            Arguments::Known(arguments) => arguments,
            Arguments::Unknown { marks } => return Ok(Value::unknown(Type::String).marked(marks)),
        };
        let [first, names] = &arguments[..] else {
            let detail =
                format!("{name}: two arguments are required, the template and the names that it may use.");
            return Err(self.wrong_at(call.span(), SUMMARY, detail));
        };
        let wrong = |ast: &Ast, detail: String| self.wrong(ast, SUMMARY, format!("{name}: {detail}"));
        let text = match first.value.is_null() {
            true => return Err(wrong(first.ast, "the template must not be null.".into())),
            false => convert(&first.value, &Type::String)
                .map_err(|error| wrong(first.ast, sentence(&error.message)))?,
        };
        let marks = text.marks() | names.value.marks();
        let (Some(text), true) = (text.as_str(), names.value.is_known()) else {
            return Ok(Value::unknown(Type::String).marked(marks | names.value.all_marks()));
        };
        let Some(entries) = names.value.as_map() else {
            return Err(wrong(names.ast, "the names must be an object, such as { name = value }.".into()));
        };
        let (title, content) = match name {
            "templatefile" => {
                let content = filesystem::read_text(text, self.scope.functions());
                (
                    text,
                    content
                        .map_err(|failure| self.failed(call, &[first.ast], &failure, marks.is_sensitive()))?,
                )
            }
            _ => ("the template", text.to_owned()),
        };
        let mut scope = Scope::new(self.scope.functions());
        for (key, value) in entries {
            if !is_name(key) {
                let shown = if marks.is_sensitive() { String::new() } else { format!(" ({key:?})") };
                return Err(wrong(names.ast, format!("a template cannot use such a name{shown}.")));
            }
            scope.set(key.as_str(), value.clone().marked(names.value.marks()));
        }
        let unit = Unit::Template { name: title, text: &content, at: self.place(first.ast) };
        let inner = Evaluator {
            unit: &unit,
            scope: &scope,
            bindings: None,
            depth: self.depth + 1,
            spent: self.spent,
        };
        if inner.depth > TEMPLATE_DEPTH_MAX {
            return Err(wrong(first.ast, "templates call each other too deeply.".into()));
        }
        let parsed = syntax::template(&content)
            .map_err(|problem| wrong(first.ast, format!("in {title}, {problem}")))?;
        Ok(inner.template(&parsed, Style::Lines, diagnostics)?.marked(marks))
    }
}

/// Whether a reference can be written with it: a letter or underscore, then letters, digits, underscores and hyphens.
fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'))
}
